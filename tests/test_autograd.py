"""The tape: every operation against finite differences and PyTorch, nodes of one's own, and the printed
graph."""

import gc
import weakref

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import array, torch


def leaf(*shape, **how):
    return fn.tensor(array(*shape, **how), requires_grad=True)


# The textbook


def test_product_of_a_sum():
    a, b, c = (fn.tensor(v, requires_grad=True) for v in (2.0, 1.0, -3.0))
    o = (a + b) * c
    o.backward()
    assert o.item() == -9
    assert [x.grad.item() for x in (a, b, c)] == [-3, -3, 3]


def test_a_tensor_used_twice_gets_both_shares():
    a, b = fn.tensor(2.0, requires_grad=True), fn.tensor(1.0, requires_grad=True)
    e = (a + b) * (b + 1)
    e.backward()
    assert (e.item(), a.grad.item(), b.grad.item()) == (6, 2, 5)


# Every operation: an expression of fastnano or PyTorch tensors, their shapes, the least value where it
# matters

INDEX = np.array([2, 0, 2])
MASK = array(3, 4) > 0
OPERATIONS = [
    ("x + y", [(3, 4), (3, 4)]),
    ("x + y", [(3, 1, 4), (2, 1)]),
    ("x + y", [(), (2, 3)]),
    ("x - y", [(3, 4), (4,)]),
    ("1.5 - x", [(3, 4)]),
    ("x * y", [(3, 4), (1, 4)]),
    ("x * x * 2", [(3, 4)]),
    ("x / y", [(3, 4), (3, 1)], 0.5),
    ("2 / x", [(3,)], 0.5),
    ("x**y", [(3, 4), (3, 4)], 0.5),
    ("x**y", [(3, 1), (4,)], 0.5),
    ("x**2", [(3, 4)]),
    ("x**0", [(3,)]),
    ("2**x", [(3,)]),
    ("-x", [(3, 4)]),
    ("x @ y", [(3, 4), (4, 2)]),
    ("x @ y", [(4,), (4,)]),
    ("x @ y", [(4,), (4, 2)]),
    ("x @ y", [(3, 4), (4,)]),
    ("x @ y", [(4,), (5, 4, 2)]),
    ("x @ y", [(5, 3, 4), (4,)]),
    ("x @ y", [(5, 1, 3, 4), (2, 4, 2)]),
    ("m.exp(x)", [(3, 4)]),
    ("m.log(x)", [(3, 4)], 0.5),
    ("m.sqrt(x)", [(3, 4)], 0.5),
    ("m.abs(x)", [(3, 4)]),
    ("m.maximum(x, y)", [(3, 4), (4,)]),
    ("m.minimum(x, y)", [(3, 4), (3, 1)]),
    ("x.relu()", [(3, 4)]),
    ("x.sigmoid()", [(3, 4)]),
    ("x.tanh()", [(3, 4)]),
    ("x.sum()", [(3, 4)]),
    ("x.sum(1)", [(3, 4)]),
    ("x.sum((0, -1), keepdim=True)", [(3, 4, 2)]),
    ("x.mean()", [(3, 4)]),
    ("x.mean(0)", [(3, 4)]),
    ("x.mean((0, 2), keepdim=True)", [(3, 4, 2)]),
    ("x.max()", [(3, 4)]),
    ("x.max(1)[0]", [(3, 4)]),
    ("x.max(-1, True)[0]", [(3, 4, 2)]),
    ("x.min()", [(3, 4)]),
    ("x.min(0)[0]", [(3, 4)]),
    ("x.reshape(2, -1)", [(3, 4)]),
    ("x.flatten(1)", [(3, 4, 2)]),
    ("x.permute(2, 0, -2)", [(3, 4, 2)]),
    ("x.transpose(0, -1)", [(3, 4, 2)]),
    ("x.T", [(3, 4)]),
    ("x.unsqueeze(-1)", [(3, 4)]),
    ("x.squeeze(1)", [(3, 1, 4)]),
    ("x.squeeze()", [(3, 1, 4, 1)]),
    ("x.expand(5, -1, 4)", [(3, 1)]),
    ("x[1]", [(3, 4)]),
    ("x[1, 2]", [(3, 4)]),
    ("x[:, 1:3]", [(3, 4)]),
    ("x[..., None, 0]", [(3, 4)]),
    ("x[INDEX]", [(3, 4)]),
    ("x[INDEX, INDEX]", [(3, 4)]),
    ("x[MASK]", [(3, 4)]),
    ("x.clone() * 2", [(3, 4)]),
    ("sum(row * i for i, row in enumerate(x))", [(3, 4)]),
]


@pytest.mark.parametrize("row", OPERATIONS, ids=[f"{text} {shapes}" for text, shapes, *_ in OPERATIONS])
def test_operation(row):
    text, shapes, low = (*row, -2.0)[:3]

    def function(m, *inputs):
        return eval(text, globals() | {"m": m} | dict(zip("xy", inputs, strict=False)))

    values = [array(*shape, seed=i, low=low) for i, shape in enumerate(shapes)]
    ours = [fn.tensor(v, requires_grad=True) for v in values]
    theirs = [torch.tensor(v, requires_grad=True) for v in values]
    y, expected = function(fn, *ours), function(torch, *theirs)
    assert y.shape == tuple(expected.shape)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    dy = array(*y.shape, seed=9)
    y.backward(dy)
    expected.backward(torch.tensor(dy))
    for x, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-10, atol=1e-12)
    assert fn.gradcheck(lambda *xs: function(fn, *xs), ours)


def test_equal_values_share_the_gradient():
    for function in (lambda _, x: x.max(), lambda _, x: x.min(), lambda m, x: m.maximum(x, x.detach())):
        x, t = fn.tensor([1.0, 1.0], requires_grad=True), torch.tensor([1.0, 1.0], requires_grad=True)
        function(fn, x).sum().backward()
        function(torch, t).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), t.grad.numpy())


def test_max_gives_values_and_indices():
    x = fn.tensor([[1.0, 3.0], [4.0, 2.0]])
    values, indices = x.max(dim=1)
    assert values.tolist() == [3, 4]
    assert indices.tolist() == [1, 0]
    assert x.min(dim=0).indices.tolist() == [0, 1]
    assert x.argmax().item() == 2
    assert x.argmax(0).tolist() == [1, 0]


# The graph


def test_gradients_add_up_over_calls_until_forgotten():
    x = leaf(3)
    for _ in range(2):
        (x * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 6.0)
    x.grad = None
    (x * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 3.0)


def test_only_leaves_and_those_who_ask_keep_a_gradient():
    x = leaf(3)
    y = x * 2
    z = y * y
    y.retain_grad()
    z.sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), 2 * y.data)
    assert z.grad is None
    assert x.is_leaf
    assert not y.is_leaf


def test_no_two_gradients_share_memory():
    x, y = leaf(3), leaf(3)
    z = x + y
    z.retain_grad()
    seed = np.ones(3)
    z.backward(seed)
    arrays = [seed, *(t.grad.data for t in (x, y, z))]
    for i, a in enumerate(arrays):
        assert a.flags.writeable
        assert not any(np.shares_memory(a, b) for b in arrays[:i])
    flat = leaf(2, 3)
    flat.reshape(6).backward(np.ones(6))
    flat.sum().backward()
    flat.grad.data += 1
    np.testing.assert_array_equal(flat.grad.numpy(), 3.0)


def test_backward_of_a_leaf():
    x = fn.tensor(3.0, requires_grad=True)
    x.backward()
    assert x.grad.item() == 1


def test_a_graph_of_any_depth():
    x = fn.tensor([1.0, 2.0], requires_grad=True)
    y = x
    for depth in range(100_000):
        y = y + 1
        if depth == 2000:
            assert fn.graph(y).count("\n") > depth
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 1.0)
    first = weakref.ref(x)
    del x, y  # released without recursion, and at once
    assert first() is None


def test_a_graph_is_released_without_the_garbage_collector():
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    ).double()
    gc.disable()
    try:
        y = net(leaf(2, 1, 6, 6))
        y.sum().backward()
        node = weakref.ref(y._node.inputs[0])
        del y
        assert node() is None
    finally:
        gc.enable()


def test_no_grad_as_block_decorator_and_nested():
    x = leaf(3)
    block = fn.no_grad()
    with block:
        with block, fn.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @fn.no_grad()
    def double(x):
        """Twice."""
        return x * 2

    assert not double(x).requires_grad
    assert double.__doc__ == "Twice."
    with pytest.raises(RuntimeError, match="does not depend on anything that requires a gradient"):
        double(x).sum().backward()
    with pytest.raises(ZeroDivisionError), fn.no_grad():
        _ = 1 / 0
    assert (x * 2).requires_grad


def test_detach_shares_memory_and_leaves_the_graph():
    x = leaf(3)
    y = x.detach()
    assert not y.requires_grad
    assert np.shares_memory(x.data, y.data)
    (x * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.data)


# Nodes of one's own


class MaxNode(fn.Function):
    """The larger of two, as the documentation has it."""

    def forward(self, x, y):
        self.inputs = x, y  # any name is free
        self.first = x >= y
        return np.maximum(x, y)

    def backward(self, dz):
        return dz * self.first, dz * ~self.first


def test_function_inside_a_larger_graph_and_used_twice():
    node = MaxNode()
    x, y = leaf(3, 4), leaf(3, 4, seed=1)

    def expression(x, y):
        z = node(x * 2, y.exp())
        return (node(z, x) * z + MaxNode.apply(y, x)).sum()

    assert fn.gradcheck(expression, [x, y])
    assert not hasattr(node, "first")  # each call had an object of its own
    assert "MaxNode(" in fn.graph(expression(x, y))


class Plain(fn.Function):
    def __init__(self, forward, backward):
        self.forward, self.backward = forward, backward


def test_function_is_kept_from_changing_what_is_not_its_own():
    x = leaf(3)
    before = x.data.copy()
    for forward, backward in (
        (lambda x: np.add(x, 1, out=x), lambda dz: dz),
        (lambda x: x * 1, lambda dz: np.multiply(dz, 2, out=dz)),
    ):
        with pytest.raises(ValueError, match="read-only"):
            Plain(forward, backward)(x).sum().backward()
    constant = np.ones(3)
    y = Plain(lambda x: x, lambda _: constant)(x)
    assert not np.shares_memory(y.data, x.data)
    y.sum().backward()
    assert not np.shares_memory(x.grad.data, constant)
    np.testing.assert_array_equal(x.data, before)


def test_function_says_what_is_wrong_with_its_gradients():
    x = leaf(3)
    for backward, message in (
        (lambda dz: (dz, dz), r"Plain\.backward: returned 2 gradients for 1 inputs"),
        (lambda dz: dz[:2], r"Plain\.backward: the gradient of input 0 has shape \(2,\), expected \(3,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            Plain(lambda x: x + 1, backward)(x).sum().backward()
    with pytest.raises(NotImplementedError, match=r"Function\.forward: define it"):
        fn.Function()(x)
    half = Plain(lambda x: x + 1, lambda _: None)(x)
    half.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 0.0)


# Looking at graphs


def test_graph_prints_inputs_before_outputs_with_values_and_gradients():
    a, b = fn.tensor(2.0, requires_grad=True), fn.tensor(1.0, requires_grad=True)
    c = a + b
    text = fn.graph(c * (b + 1), {"a": a, "b": b, "c": c})
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "a leaf value 2. grad 2.",
        "b leaf value 1. grad 5.",
        "c add(a, b) value 3. grad 2.",
        "%3 constant value 1. grad -",
        "%4 add(b, %3) value 2. grad 3.",
        "%5 mul(c, %4) value 6. grad 1.",
    ]
    assert a.grad is None  # looking changes nothing
    assert fn.graph(fn.tensor([1.0] * 9)) == "%0  constant  value float32[9]  grad -"


def test_gradcheck_finds_a_wrong_gradient():
    wrong = Plain(lambda x: x * x, lambda dz: dz)
    x = leaf(2, 2)
    with pytest.raises(
        ValueError, match=r"gradcheck: input 0 at \(0, 0\): backward gives .*, finite differences"
    ):
        fn.gradcheck(wrong, x)
    assert not fn.gradcheck(wrong, x, raise_exception=False)
    with pytest.raises(TypeError, match="finite differences need float64"):
        fn.gradcheck(wrong, fn.tensor([1.0], requires_grad=True))


def test_whether_the_tape_is_recorded():
    asked = []

    @fn.no_grad
    def without():
        asked.append(fn.is_grad_enabled())

    @fn.set_grad_enabled(False)
    def disabled():
        asked.append(fn.is_grad_enabled())

    without()
    disabled()
    asked.append(fn.is_grad_enabled())
    with fn.set_grad_enabled(mode=False):
        asked.append(fn.is_grad_enabled())
        with fn.inference_mode(mode=False):
            asked.append(fn.is_grad_enabled())
    with fn.inference_mode():
        asked.append(fn.is_grad_enabled())
    assert asked == [False, False, True, False, True, False]
    fn.set_grad_enabled(False)
    assert not fn.is_grad_enabled()
    fn.set_grad_enabled(True)
    assert fn.is_grad_enabled()


def test_tensors_as_they_are():
    x = fn.ones(2, requires_grad=True)
    assert fn.as_tensor(x) is x
    assert fn.as_tensor([1, 2], dtype=fn.float64).dtype == fn.float64
    assert fn.clone(x).requires_grad
    assert not fn.detach(x).requires_grad
    assert fn.numel(x) == 2
    assert fn.is_tensor(x)
    assert not fn.is_tensor(x.data)
    assert fn.is_floating_point(x)
    assert not fn.is_floating_point([1])
    assert np.isnan(fn.nan)
    assert fn.exp(1.0).item() == pytest.approx(fn.e)
    assert fn.sin(fn.pi).item() < 1e-6 < fn.inf
