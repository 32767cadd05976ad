"""Elementwise ops from one expression: the values, the gradients that were derived, and what is no such expression."""

import math
import pickle

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from fastnano._kernels import BACKENDS
from twins import check

FORMULAS = {  # functions of x, each with values at which it is smooth
    "polynomial": (lambda x: 3 * x**3 - x**2 / 2 + 1 - -x, (-2, 2)),
    "powers": (lambda x: x**0.5 + x**-1.5 + 2**x + x**x + x**1, (0.5, 2)),
    "exponentials": (lambda x: np.exp(-x) + np.log(x) + np.log1p(x) * np.expm1(x), (0.5, 2)),
    "hyperbolic": (lambda x: np.tanh(x) - np.sinh(x) / np.cosh(x), (-2, 2)),
    "angles": (lambda x: np.sin(x) * np.cos(2 * x) + np.tan(x / 2) + np.arctan(x), (-1, 1)),
    "roots": (lambda x: np.sqrt(x) + np.square(x) + np.reciprocal(x) + np.abs(x) * np.sign(x), (0.5, 2)),
    "pieces": (lambda x: np.where((x > 0.3) & ~(x >= 0.6) | (x < -0.5), x * x, 2 * x), (-1, 1)),
    "bounds": (lambda x: np.maximum(x, 0.1 * x) + np.minimum(x, 0.5) + np.clip(x, -0.5, 0.7), (-1, 1)),
    "conditions": (lambda x: x * (x > 0) + np.where(np.logical_or(x < -0.5, x > 0.5), x, +1), (-1, 1)),
    "logic": (
        lambda x: np.where(np.logical_and(x, x != 0.5) & np.logical_not(x - 1), 1, np.where(x, x * x, 2 * x)),
        (0.5, 2),
    ),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "case"), FORMULAS.items(), ids=FORMULAS)
def test_values_and_gradients(name, case, backend):
    function, (low, high) = case
    op = fn.elementwise(function, name=name)
    values = np.random.default_rng(0).uniform(low, high, (4, 5))
    with fn.use_backend(backend):
        x = fn.tensor(values, requires_grad=True)
        np.testing.assert_allclose(op(x).data, function(values), rtol=1e-12, atol=1e-14)
        assert fn.gradcheck(op, x)
        single = fn.tensor(values.astype("f"), requires_grad=True)
        op(single).sum().backward()
        op(x).sum().backward()
        assert single.grad.dtype == np.float32
        np.testing.assert_allclose(single.grad.data, x.grad.data, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x != 0,
        lambda x: np.logical_not(x),
        lambda x: np.logical_and(x, x > -1) * 2.0,
        lambda x: np.logical_or(x, 1 - x) * 0.5,
        lambda x: np.where(x, 3, 4),
        lambda x: (x != x) | (x == 1),
        lambda x: ((x > 0) != (x < 2)) & ((x > -3) == (x < 3)),
    ],
)
def test_conditions_are_numpys(function, backend):
    values = np.array([0, -0.0, 1, -2, np.nan, np.inf], "f")
    with fn.use_backend(backend):
        found = fn.elementwise(function)(values)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.data, function(values).astype("f"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_any_other_name_will_do_for_a_parameter(backend):
    op = fn.elementwise(
        lambda x, shapes, u, *, i=2.0, number=3.0, op=1.0, self=1.0: x * u**i * number + shapes * op * self
    )
    arrays = [fn.tensor(np.full((2, 3), value), requires_grad=True) for value in (2.0, 5.0, 7.0)]
    with fn.use_backend(backend):
        assert op(*arrays).data[0, 0] == 2 * 49 * 3 + 5
        assert op(*arrays, i=1.0, number=1.0, op=2.0, self=3.0).data[0, 0] == 2 * 7 + 5 * 6
        assert fn.gradcheck(op, arrays)


@fn.elementwise
def swish(x, *, beta=1.0):
    """x · sigmoid(beta · x)."""
    return 0.5 * x * (1 + np.tanh(0.5 * beta * x))


def test_numbers_have_defaults_and_no_gradient():
    x = fn.tensor(np.linspace(-3, 3, 7), requires_grad=True)
    np.testing.assert_allclose(swish(x).data, x.data / (1 + np.exp(-x.data)))
    np.testing.assert_allclose(swish(x, beta=3.0).data, x.data / (1 + np.exp(-3 * x.data)))
    assert fn.gradcheck(lambda x: swish(x, 0.5), x)
    assert swish.__doc__ == "x · sigmoid(beta · x)."
    assert repr(swish) == "<elementwise swish(x, beta) = 0.5 * x * (1 + tanh(0.5 * beta * x))>"
    assert pickle.loads(pickle.dumps(swish)) is swish
    with fn.use_backend("cython"):
        big = fn.tensor(np.array([-1e4, 1e4], "f"), requires_grad=True)
        swish(big).sum().backward()
    np.testing.assert_allclose(big.grad.data, [0, 1])


leaky = fn.elementwise(lambda x, a: np.where(x > 0, x, a * x), name="leaky_of_ones_own")


def test_several_tensors_are_broadcast():
    x = fn.tensor(np.random.default_rng(0).standard_normal((4, 3, 2)), requires_grad=True)
    a = fn.tensor(np.array([[0.1], [0.2], [0.3]]), requires_grad=True)
    np.testing.assert_array_equal(leaky(x, a).data, np.where(x.data > 0, x.data, a.data * x.data))
    assert fn.gradcheck(leaky, [x, a])
    assert leaky.formulas["leaky_of_ones_own_da"] == "dy * where(x > 0, 0, x)"
    np.testing.assert_array_equal(leaky(x.data, 0.5).data, np.where(x.data > 0, x.data, 0.5 * x.data))
    assert leaky(np.ones(3, "f"), 0.5).dtype == np.float32
    assert leaky(fn.zeros(0, 3), 0.5).shape == (0, 3)


def test_a_derivative_that_is_given():
    step = fn.elementwise(
        lambda x: 1.0 * (x > 0), derivative=lambda x: np.where(np.abs(x) < 1, 1, 0), name="step"
    )
    x = fn.tensor([-2.0, -0.5, 0.5, 2.0], requires_grad=True)
    y = step(x)
    y.sum().backward()
    assert y.tolist() == [0, 0, 1, 1]
    assert x.grad.tolist() == [0, 1, 1, 0]
    both = fn.elementwise(
        lambda x, a: x * a, derivative=(lambda x, a: a + 0 * x, lambda x, a: 2 * x + 0 * a), name="both"
    )
    a = fn.tensor([3.0, 3.0, 3.0, 3.0], requires_grad=True)
    both(x, a).sum().backward()
    assert a.grad.tolist() == [-4, -1, 1, 4]


def test_closures_and_library_numbers_are_taken_as_they_are():
    width = np.float64(0.5)
    bump = fn.elementwise(lambda x: math.sqrt(2) * np.exp(-((x / width) ** 2)) + np.pi)
    assert bump.name == "own"
    np.testing.assert_allclose(bump(np.ones(1)).data, math.sqrt(2) * np.exp(-4) + np.pi)


def test_two_formulas_of_one_name_are_two():
    one, two = (fn.elementwise(f, name="same") for f in (lambda x: x + 1, lambda x: x * 5))
    assert one(np.ones(1, "f")).item() == 2
    assert two(np.ones(1, "f")).item() == 5


def test_in_a_network():
    fn.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), nn.Lambda(swish), nn.Linear(8, 2))
    assert repr(net[1]) == "Lambda(swish)"
    x = np.random.default_rng(0).standard_normal((200, 2)).astype("f")
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net.parameters(), lr=0.03))
    history = trainer.fit((x, y), epochs=25, progress=False)
    assert history.last["accuracy"] > 0.9
    assert history.eager == ""


class Bent(nn.Module):
    """A slope below zero that is learned, and one that is given."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(np.full(5, 0.2, "f"))
        self.layers = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
        self.bend = fn.elementwise(
            lambda x, a, *, b: np.maximum(x, 0) + a * np.minimum(x, 0) + b * np.tanh(x), name="bend"
        )

    def forward(self, x):
        return self.layers[1](self.bend(self.layers[0](x), self.slope, b=0.1))


def test_compiled_steps_take_the_ops_of_an_expression():
    rng = np.random.default_rng(0)
    check(Bent, x=rng.standard_normal((50, 4)).astype("f"), y=rng.integers(0, 3, 50), steps=20)


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (leaky, "gt_forward has no native form"),
        (
            fn.elementwise(lambda x, a: x * a, derivative=[lambda x, a: a * 1 + 0 * x] * 2),
            "own_forward has no native kernel",
        ),
    ],
)
def test_the_trainer_says_what_has_no_plan(op, reason):
    net = nn.Sequential(nn.Linear(2, 8), nn.Lambda(lambda x: op(x, 0.5)), nn.Linear(8, 2))
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters()))
    history = trainer.fit((np.ones((9, 2), "f"), np.arange(9) % 2), progress=False)
    assert history.eager in ("", reason)
    assert op is leaky or history.eager


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x if x > 0 else 0, r"a condition on an element .* use np.where"),
        (lambda x: math.exp(x), r"use NumPy's functions in place of those of math"),
        (lambda x: np.sinc(x), r"elementwise own: "),
        (
            lambda x: np.fmod(x, 2),
            r"numpy.fmod is nothing that a formula may call: arithmetic, comparisons, abs",
        ),
        (lambda x: np.sum(x), r"elementwise own: numpy.sum is nothing that a formula may call"),
        (lambda x: np.add.reduce(x), r"numpy.add.reduce"),
        (lambda x: x + np.ones(3), r"an array of shape \(3,\) is among the elements; make it an argument"),
        (lambda x: [x], r"gives a list, expected an expression of x"),
        (lambda: 3, r"takes \(\), expected x and more by name"),
        (lambda *x: x[0], r"takes \(\*x\)"),
        (
            lambda x, y: x * y,
            r"elementwise own: the parameter 'y' is the result in a formula; .* call it otherwise",
        ),
        (lambda x, *, dy: x * dy, "the parameter 'dy' is the gradient of y"),
        (lambda x, dx: x * dx, "the parameter 'dx' is the gradient of x"),
        (lambda x, a, *, da=1: x * a * da, "the parameter 'da' is the gradient of a"),
        (lambda x, exp: np.exp(x) * exp, "the parameter 'exp' is a function in a formula"),
        (lambda x, *, where=1: x * where, "the parameter 'where' is a function"),
        (lambda x, *, _i=1: x * _i, "the parameter '_i' is a name of the compiled loop"),
        (
            lambda x: (x > 0) & x,
            r"numpy.bitwise_and .* of x: expected a condition, got a number; write x != 0",
        ),
        (lambda x: ~x, r"numpy.invert .* of x: expected a condition"),
        (
            lambda x: (x > 0) - (x < 0),
            r"numpy.subtract of x > 0 and x < 0: expected numbers, got conditions; make",
        ),
        (lambda x: np.exp(x > 0), r"numpy.exp of x > 0: expected numbers, got conditions"),
        (lambda x: x + "a", "'a' is among the elements, expected a real number or a parameter"),
        (lambda x: x * 1j, "1j is among the elements, expected a real number"),
        (3, r"elementwise: function must be callable, got int"),
    ],
)
def test_what_is_no_expression(function, message):
    with pytest.raises(TypeError, match=message):
        fn.elementwise(function)


def test_a_derivative_for_each_tensor():
    with pytest.raises(TypeError, match="derivative must be a function for each of x, a"):
        fn.elementwise(lambda x, a: x * a, derivative=lambda x, a: x * a)
    with pytest.raises(ValueError, match="fastnano has an op of this name"):
        fn.elementwise(lambda x: x, name="relu")
