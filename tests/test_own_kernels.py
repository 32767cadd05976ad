"""Ops of one's own: kernels by their signatures, functions with a backward; checked, differentiated, refused."""

import copy
import pickle

import numpy as np
import pytest
from numba import prange

import fastnano as fn
from fastnano import nn, optim
from fastnano._kernels import BACKENDS


@fn.kernel("x[n,i] w[o,i] -> y[n,o] side[n,o] ; power", "dy x w side -> dx", "dy x w side -> +dw")
def gap(x, w, y, side, power=2.0):
    """y = Σ_i |x − w|^power; side is what backward needs again."""
    for n in prange(len(x)):
        for o in range(len(w)):
            y[n, o] = 0
            for i in range(x.shape[1]):
                y[n, o] += abs(x[n, i] - w[o, i]) ** power
            side[n, o] = power


@gap.gradient
def gap_dx(dy, x, w, side, dx, power):
    dx[:] = 0
    for n in range(len(x)):
        for o in range(len(w)):
            for i in range(x.shape[1]):
                d = x[n, i] - w[o, i]
                dx[n, i] += dy[n, o] * side[n, o] * np.sign(d) * abs(d) ** (power - 1)


@gap.gradient
def gap_dw(dy, x, w, side, dw, power):
    dw[:] = 0
    for n in range(len(x)):
        for o in range(len(w)):
            for i in range(x.shape[1]):
                d = x[n, i] - w[o, i]
                dw[o, i] -= dy[n, o] * side[n, o] * np.sign(d) * abs(d) ** (power - 1)


def pairs(dtype="f8", n=5):
    rng = np.random.default_rng(0)
    return [
        fn.tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True) for shape in ((n, 3), (4, 3))
    ]


each_back_end = pytest.mark.parametrize("backend", BACKENDS)


@each_back_end
def test_a_kernel_is_an_op_like_any_other(backend):
    with fn.use_backend(backend):
        x, w = pairs()
        y = gap(x, w, power=3.0)
        np.testing.assert_allclose(y.data, (np.abs(x.data[:, None] - w.data) ** 3).sum(2))
        np.testing.assert_array_equal(gap(x, w, 3.0).data, y.data)
        np.testing.assert_allclose(gap(x, w).data, ((x.data[:, None] - w.data) ** 2).sum(2))
        assert fn.gradcheck(gap, [x, w])
        assert fn.gradcheck(lambda x, w: gap(x, w, power=1.5), [x, w])
        x, w = pairs("f4")
        assert gap(x, w).dtype == np.float32
        assert gap(x[:0], w).shape == (0, 4)
        assert gap(x.data.T.copy().T, w.data).shape == (5, 4)


def test_all_threads_take_part_where_arrays_are_large():
    x, w = np.random.default_rng(0).standard_normal((40_000, 3)).astype("f"), np.zeros((2, 3), "f")
    np.testing.assert_allclose(gap(x, w).data, np.repeat((x**2).sum(1)[:, None], 2, 1), rtol=1e-4)


class Gap(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(np.random.default_rng(1).standard_normal((4, 3)).astype("f"))
        self.op = gap

    def forward(self, x):
        return self.op(x, self.w)


def test_in_a_layer_by_hand_copied_and_pickled():
    layer, x = Gap(), pairs("f4")[0].data
    for twin in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin.op is gap
        y = twin.forward(x)
        dx = twin.backward(np.ones_like(y))
        t = fn.tensor(x, requires_grad=True)
        gap(t, twin.w).sum().backward()
        np.testing.assert_allclose(dx, t.grad.data, rtol=1e-5)


def test_only_the_gradients_that_are_wanted_run():
    x, w = pairs()
    calls = []
    own, known = gap.kernels["gap_dx"], gap.kernels["gap_dx"].function
    try:
        own.function = lambda *arguments: (calls.append(1), known(*arguments))
        with fn.use_backend("numpy"):
            gap(x.detach(), w).sum().backward()
            assert calls == []
            gap(x, w.detach()).sum().backward()
            assert calls == [1]
    finally:
        own.function = known


def test_a_changed_input_is_noticed():
    x, w = pairs()
    y = gap(x, w).sum()
    with fn.no_grad():
        w *= 2
    with pytest.raises(RuntimeError, match="gap: w was changed in place"):
        y.backward()


def trained(model):
    trainer = fn.Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()))
    trainer.fit((np.ones((9, 3), "f"), np.arange(9) % 4), progress=False)
    return trainer.history.eager


def test_the_trainer_says_that_there_is_no_plan():
    assert trained(Gap()) == "gap_forward has no native kernel"


def test_sizes_that_need_arithmetic():
    @fn.kernel("x[n,i] -> y[n,o] ; step", "dy -> dx", dims=lambda sizes, step: {"o": -(-sizes["i"] // step)})
    def every(x, y, step):
        for n in range(len(x)):
            for o in range(y.shape[1]):
                y[n, o] = x[n, o * step]

    @every.gradient
    def every_dx(dy, dx, step):
        for n in range(len(dx)):
            for i in range(dx.shape[1]):
                dx[n, i] = dy[n, i // step] if i % step == 0 else 0

    assert every(np.ones((2, 7)), step=3).shape == (2, 3)
    assert fn.gradcheck(lambda x: every(x, step=3), pairs()[0])


# What goes wrong


def f(x, y):
    y[:] = x


def define(signature, *rules, function=f):
    return fn.kernel(signature, *rules)(function)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x[n,i] y[n,i]"], r"the signature 'x\[n,i\] y\[n,i\]' must be 'reads -> writes'"),
        (["x(n) -> y[n]"], r"'x\(n\)' in the signature is no array; write it as in"),
        (["x[n] -> y"], r"'y' in the signature is no array"),
        (["x[n,size] -> y[n]"], r"the axes of 'x\[n,size\]' must be letters"),
        (["x[...,n] -> y[n]"], r"or '...' alone"),
        (["x[n]:q9 -> y[n]"], r"'q9' in 'x\[n\]:q9' is no dtype"),
        (["x[n] -> y[n,o]"], r"the size 'o' of y\[n,o\] is that of no array that is read; give dims="),
        (["x[n] -> x[n]"], r"a name is used twice"),
        (["x[n] dx[n] -> y[n]"], r"'dx' in the signature .* is the gradient of 'x'; expected another name"),
        (["x[n] -> y[n] ; dy"], r"'dy' in the signature .* is the gradient of 'y'"),
        (["x[n] -> ~y[n]"], r"marks are for gradient rules"),
        (["x[n] -> y[n] ; 2"], r"'2' in the signature .* is no name of a number"),
        (["x[n] -> y[n]", "dy z -> dx"], r"the rule 'dy z -> dx' reads 'z'; there are dx, dy, x, y"),
        (["x[n] -> y[n]", "dy -> dz"], r"the rule 'dy -> dz' writes 'dz'; expected .* dx"),
        (["x[n] -> y[n]", "dy, dx"], r"the gradient rule 'dy, dx' must be 'reads -> writes'"),
        (["x[n] -> y[n]", "dy -> dx", "dy x -> dx"], r"two gradient rules write the same first"),
    ],
)
def test_signatures_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=f"kernel f: .*{message}"):
        define(*arguments)


def relu(x, y):
    y[:] = x


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: define("x[n] -> y[n]", function=relu), ValueError, "fastnano has an op of this name"),
        (
            lambda: define("x[n] -> y[n] ; a"),
            TypeError,
            r"f takes \(x, y\), but its signature says \(x, y, a\)",
        ),
        (
            lambda: define("x[n] -> y[n]", function=print),
            TypeError,
            "decorates a function of arrays, got builtin",
        ),
        (lambda: gap.gradient(relu), ValueError, r"no gradient rule is named relu; expected gap_dx, gap_dw"),
        (lambda: gap(*pairs(), power=1, scale=2), TypeError, r"gap_forward: takes the numbers \['power'\]"),
        (lambda: gap(pairs()[0]), TypeError, r"gap: takes \(x, w, power\), got 1 arguments"),
        (lambda: gap(*pairs(), 2.0, power=1), TypeError, r"\['power'\] are given twice"),
        (lambda: gap(pairs()[0], fn.ones(4, 3)), TypeError, r"w\[o,i\] is float32 but x\[n,i\] is float64"),
        (
            lambda: gap(fn.ones(5, 2), fn.ones(4, 3)),
            ValueError,
            r"gap_forward: x\[n,i\] has shape .*, expected \(N, 3\), since w\[o,i\] has shape \(4, 3\)",
        ),
    ],
)
def test_calls_that_cannot_be(run, error, message):
    with pytest.raises(error, match=message):
        run()


@each_back_end
def test_errors_in_a_kernel_name_it(backend):
    @fn.kernel("x[n] -> y[n]", "dy -> dx")
    def picky(x, y):
        if x[0] < 0:
            raise ValueError("no negative numbers")
        y[0] = x[0]

    with fn.use_backend(backend):
        x = fn.tensor(np.ones(3), requires_grad=True)
        with pytest.raises(RuntimeError, match="kernel picky_forward: ValueError: no negative numbers"):
            picky(-x)
        with pytest.raises(
            NotImplementedError, match=r"rule 'dy -> dx' has no kernel yet.*picky_dx.*@picky.gradient"
        ):
            picky(x).sum().backward()


def test_what_numba_cannot_compile_names_the_kernel():
    @fn.kernel("x[n] -> y[n]")
    def odd(x, y):
        y[:] = nn.functional.relu(x)

    with pytest.raises(RuntimeError, match="kernel odd_forward: TypingError"):
        odd(np.ones(3))


# Functions with a backward of their own


class Scaled(fn.Function):
    def __init__(self, factor):
        self.factor = factor

    def forward(self, x, w):
        self.x, self.w = x, w
        return self.factor * x * w

    def backward(self, dz):
        return self.factor * dz * self.w, (self.factor * dz * self.x).sum(0)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(np.array([1.0, 2.0, 3.0]))
        self.scaled = Scaled(2.0)

    def forward(self, x):
        return self.scaled(self.scaled(x, self.w), self.w)


def test_a_function_in_a_layer_on_tensors_and_by_hand():
    layer, x = Layer(), pairs()[0]
    assert fn.gradcheck(lambda *_: layer(x), [x, layer.w])
    first, second = layer.forward(x.data), layer.forward(2 * x.data)
    dx2, dx1 = layer.backward(np.ones_like(second)), layer.backward(np.ones_like(first))
    np.testing.assert_allclose(dx1, np.broadcast_to(4 * layer.w.data**2, (5, 3)))
    np.testing.assert_allclose(dx2, dx1)
    np.testing.assert_allclose(layer.w.grad.data, (3 * 8 * x.data * layer.w.data).sum(0))
    assert copy.deepcopy(layer)(x.detach()).shape == (5, 3)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x).data, layer(x).data)


class Two(fn.Function):
    def forward(self, x):
        return x, x


def test_a_function_gives_one_array():
    with pytest.raises(TypeError, match=r"Two.forward: returned a tuple, expected one array"):
        Two()(pairs()[0])
