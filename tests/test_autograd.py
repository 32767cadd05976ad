"""Tensors and the tape: every operation against finite differences and PyTorch, and the rules around them."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")


def array(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape)


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


# Every operation: name, function of fastnano or PyTorch tensors, shapes of its inputs, range of the values

INDEX = np.array([2, 0, 2])
MASK = array(3, 4) > 0
OPERATIONS = [
    ("add", lambda m, x, y: x + y, [(3, 4), (3, 4)]),
    ("add, broadcast", lambda m, x, y: x + y, [(3, 1, 4), (2, 1)]),
    ("add, scalar", lambda m, x, y: x + y, [(), (2, 3)]),
    ("sub", lambda m, x, y: x - y, [(3, 4), (4,)]),
    ("rsub", lambda m, x: 1.5 - x, [(3, 4)]),
    ("mul", lambda m, x, y: x * y, [(3, 4), (1, 4)]),
    ("mul, same", lambda m, x: x * x * 2, [(3, 4)]),
    ("div", lambda m, x, y: x / y, [(3, 4), (3, 1)], 0.5),
    ("rdiv", lambda m, x: 2 / x, [(3,)], 0.5),
    ("pow", lambda m, x, y: x**y, [(3, 4), (3, 4)], 0.5),
    ("pow, broadcast", lambda m, x, y: x**y, [(3, 1), (4,)], 0.5),
    ("square", lambda m, x: x**2, [(3, 4)]),
    ("power zero", lambda m, x: x**0, [(3,)]),
    ("rpow", lambda m, x: 2**x, [(3,)]),
    ("neg", lambda m, x: -x, [(3, 4)]),
    ("matmul", lambda m, x, y: x @ y, [(3, 4), (4, 2)]),
    ("matmul, vectors", lambda m, x, y: x @ y, [(4,), (4,)]),
    ("matmul, row", lambda m, x, y: x @ y, [(4,), (4, 2)]),
    ("matmul, column", lambda m, x, y: x @ y, [(3, 4), (4,)]),
    ("matmul, row in batch", lambda m, x, y: x @ y, [(4,), (5, 4, 2)]),
    ("matmul, batch and column", lambda m, x, y: x @ y, [(5, 3, 4), (4,)]),
    ("matmul, broadcast", lambda m, x, y: x @ y, [(5, 1, 3, 4), (2, 4, 2)]),
    ("exp", lambda m, x: m.exp(x), [(3, 4)]),
    ("log", lambda m, x: m.log(x), [(3, 4)], 0.5),
    ("sqrt", lambda m, x: m.sqrt(x), [(3, 4)], 0.5),
    ("abs", lambda m, x: m.abs(x), [(3, 4)]),
    ("maximum", lambda m, x, y: m.maximum(x, y), [(3, 4), (4,)]),
    ("minimum", lambda m, x, y: m.minimum(x, y), [(3, 4), (3, 1)]),
    ("relu", lambda m, x: x.relu(), [(3, 4)]),
    ("sigmoid", lambda m, x: x.sigmoid(), [(3, 4)]),
    ("tanh", lambda m, x: x.tanh(), [(3, 4)]),
    ("sum", lambda m, x: x.sum(), [(3, 4)]),
    ("sum, axis", lambda m, x: x.sum(1), [(3, 4)]),
    ("sum, axes", lambda m, x: x.sum((0, -1), keepdim=True), [(3, 4, 2)]),
    ("mean", lambda m, x: x.mean(), [(3, 4)]),
    ("mean, axis", lambda m, x: x.mean(0), [(3, 4)]),
    ("mean, axes", lambda m, x: x.mean((0, 2), keepdim=True), [(3, 4, 2)]),
    ("max", lambda m, x: x.max(), [(3, 4)]),
    ("max, axis", lambda m, x: x.max(1)[0], [(3, 4)]),
    ("max, last axis kept", lambda m, x: x.max(-1, True)[0], [(3, 4, 2)]),
    ("min", lambda m, x: x.min(), [(3, 4)]),
    ("min, axis", lambda m, x: x.min(0)[0], [(3, 4)]),
    ("reshape", lambda m, x: x.reshape(2, -1), [(3, 4)]),
    ("flatten", lambda m, x: x.flatten(1), [(3, 4, 2)]),
    ("permute", lambda m, x: x.permute(2, 0, -2), [(3, 4, 2)]),
    ("transpose", lambda m, x: x.transpose(0, -1), [(3, 4, 2)]),
    ("T", lambda m, x: x.T, [(3, 4)]),
    ("unsqueeze", lambda m, x: x.unsqueeze(-1), [(3, 4)]),
    ("squeeze", lambda m, x: x.squeeze(1), [(3, 1, 4)]),
    ("squeeze all", lambda m, x: x.squeeze(), [(3, 1, 4, 1)]),
    ("expand", lambda m, x: x.expand(5, -1, 4), [(3, 1)]),
    ("row", lambda m, x: x[1], [(3, 4)]),
    ("element", lambda m, x: x[1, 2], [(3, 4)]),
    ("slice", lambda m, x: x[:, 1:3], [(3, 4)]),
    ("ellipsis", lambda m, x: x[..., None, 0], [(3, 4)]),
    ("index array", lambda m, x: x[INDEX], [(3, 4)]),
    ("index pairs", lambda m, x: x[INDEX, INDEX], [(3, 4)]),
    ("mask", lambda m, x: x[MASK], [(3, 4)]),
    ("clone", lambda m, x: x.clone() * 2, [(3, 4)]),
    ("iteration", lambda m, x: sum(row * i for i, row in enumerate(x)), [(3, 4)]),
]


@pytest.mark.parametrize(("function", "shapes", "low"), [(*row[1:3], (*row, -2.0)[3]) for row in OPERATIONS],
                         ids=[row[0] for row in OPERATIONS])  # fmt: skip
def test_operation(function, shapes, low):
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
    for function in (lambda m, x: x.max(), lambda m, x: x.min(), lambda m, x: m.maximum(x, x.detach())):
        x, t = fn.tensor([1.0, 1.0], requires_grad=True), torch.tensor([1.0, 1.0], requires_grad=True)
        function(fn, x).sum().backward()
        function(torch, t).sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), t.grad.numpy())


def test_max_gives_values_and_indices():
    x = fn.tensor([[1.0, 3.0], [4.0, 2.0]])
    values, indices = x.max(dim=1)
    assert values.tolist() == [3, 4] and indices.tolist() == [1, 0]
    assert x.min(dim=0).indices.tolist() == [0, 1]
    assert x.argmax().item() == 2 and x.argmax(0).tolist() == [1, 0]


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
    assert z.grad is None and x.is_leaf and not y.is_leaf


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
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()).double()
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

    assert not double(x).requires_grad and double.__doc__ == "Twice."
    with pytest.raises(RuntimeError, match="does not depend on anything that requires a gradient"):
        double(x).sum().backward()
    with pytest.raises(ZeroDivisionError), fn.no_grad():
        _ = 1 / 0
    assert (x * 2).requires_grad


def test_detach_shares_memory_and_leaves_the_graph():
    x = leaf(3)
    y = x.detach()
    assert not y.requires_grad and np.shares_memory(x.data, y.data)
    (x * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.data)


# Changes in place

CHANGES = {
    "a saved input": lambda x, w: (x * w, w),
    "through a view": lambda x, w: (x * w, w.reshape(-1)[1:]),
    "through detach": lambda x, w: (x * w, w.detach()),
    "a base, saved as a view": lambda x, w: (x * w.T.T, w),
    "a saved output": lambda x, w: (y := x.exp(), y.detach()),
    "a parameter of a layer": lambda x, w: (nn.functional.linear(x, w), w),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_backward_needs_is_refused(change):
    x, w = leaf(3, 3), fn.tensor(array(3, 3, seed=1))
    y, changed = change(x, w)
    changed += 1
    with pytest.raises(RuntimeError, match=r"was changed in place .* change a copy"):
        y.sum().backward()


def test_a_change_of_what_backward_does_not_need_is_allowed():
    x, w = leaf(3), fn.tensor(array(3))
    y, before = x * w, w.data.copy()
    with fn.no_grad():
        x += 1  # only the gradient of w would need x
    z = w + x
    w += 1  # a sum needs neither
    z.sum().backward()
    copied = x * w.clone()
    w.zero_()
    copied.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 + before + 1)
    assert y.requires_grad


def test_in_place_rules():
    x = leaf(3)
    for change in (lambda: x.__iadd__(1), lambda: x.zero_(), lambda: x.__setitem__(0, 1.0), lambda: x.copy_(x * 2)):
        with pytest.raises(RuntimeError, match=r"changed in place only under fastnano\.no_grad"):
            change()
    data, before = x.data, x.data.copy()
    with fn.no_grad():
        x += 1
        x *= 2
        x -= 3
        x /= 4
        x[0] = 7
    assert x.data is data
    np.testing.assert_allclose(x.data, [7, *((before[1:] + 1) * 2 - 3) / 4])
    with pytest.raises(TypeError, match=r"float32 tensor cannot take in float64"):
        fn.tensor([1.0]).__iadd__(np.ones(1))
    counts = fn.tensor([1, 2])
    counts += 1
    assert counts.tolist() == [2, 3] and counts.dtype == np.int64
    with pytest.raises(TypeError, match="int64 tensor cannot take in float32"):
        counts += 0.5


def test_an_optimiser_step_between_forward_and_backward_is_noticed():
    layer = nn.Linear(3, 2).double()
    optimiser = optim.SGD(layer.parameters(), lr=0.1)
    x = leaf(4, 3)
    y = layer(x)
    y.sum().backward()
    optimiser.step()
    with pytest.raises(RuntimeError, match="linear: weight was changed in place"):
        y.sum().backward()


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
    y = Plain(lambda x: x, lambda dz: constant)(x)
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
    with pytest.raises(NotImplementedError, match="Function.forward: define it"):
        fn.Function()(x)
    half = Plain(lambda x: x + 1, lambda dz: None)(x)
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
    with pytest.raises(ValueError, match=r"gradcheck: input 0 at \(0, 0\): backward gives .*, finite differences"):
        fn.gradcheck(wrong, x)
    assert not fn.gradcheck(wrong, x, raise_exception=False)
    with pytest.raises(TypeError, match="finite differences need float64"):
        fn.gradcheck(wrong, fn.tensor([1.0], requires_grad=True))


# NumPy


def test_arrays_and_tensors_mix():
    x, a = fn.tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 4.0], np.float32)
    for z in (a + x, x + a, a * x, a - x, a / x, a @ x, a**x, np.float32(2) * x, np.float64(2) * x, x * np.int64(2)):
        assert isinstance(z, fn.Tensor) and z.requires_grad and z.dtype == np.float32
    np.testing.assert_array_equal((a - x).data, [2, 2])
    np.testing.assert_array_equal(np.negative(x.detach()), [-1, -2])
    assert np.asarray(x.detach()) is x.data
    with pytest.raises(RuntimeError, match=r"use \.detach\(\)\.numpy\(\)"):
        np.exp(x)


LAYOUTS = {
    "big-endian": lambda a: a.astype(">f8"),
    "negative strides": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    "unaligned": lambda a: np.frombuffer(b"." + a.tobytes(), np.uint8)[1:].view(np.float64).reshape(a.shape),
    "broadcast": lambda a: np.broadcast_to(a, (1, *a.shape))[0],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_any_layout_of_an_array(layout):
    plain = array(4, 3)
    given = layout(plain)
    weight = fn.tensor(array(2, 3, seed=1), requires_grad=True)
    results = []
    for data in (plain, given):
        x = fn.tensor(data, requires_grad=True)
        y = nn.functional.linear(x, weight) + (data @ weight.T).relu() + nn.functional.softmax(data, 1).sum()
        y.sum().backward()
        results += [y.data, x.grad.data]
        assert x.data.flags.carray and not np.shares_memory(x.data, data)
    np.testing.assert_array_equal(given, plain)
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[3])


def test_tensor_copies_and_from_numpy_shares():
    a = np.ones(3)
    copied, shared = fn.tensor(a), fn.from_numpy(a)
    a[0] = 5
    assert copied.tolist() == [1, 1, 1] and shared.tolist() == [5, 1, 1]
    shared += 1
    assert a.tolist() == [6, 2, 2]


def test_dtypes():
    assert [fn.tensor(v).dtype for v in (1.0, [1.0], 1, [1, 2], True)] == [np.float32] * 2 + [np.int64] * 2 + [np.bool_]
    assert fn.tensor(torch.ones(2, dtype=torch.float64)).dtype == np.float64
    assert fn.tensor([1, 2], dtype=np.float64).dtype == np.float64
    assert nn.Parameter([1.0, 2.0]).dtype == np.float32
    pixels = fn.tensor(np.array([0, 255], np.uint8))
    assert (pixels / 255).dtype == np.float32 and (pixels / 255).tolist() == [0, 1]
    assert (pixels * 0.5).dtype == np.float32 and fn.sqrt(pixels).dtype == np.float32
    x = fn.tensor([1.0], requires_grad=True)
    x.double().sum().backward()
    assert x.grad.dtype == np.float32
    assert x.to(np.int64).dtype == np.int64 and x.long().tolist() == [1]


def test_scalars():
    x = fn.tensor(3.0, requires_grad=True)
    assert x.shape == () and x.item() == 3 and float(x) == 3 and int(x) == 3 and bool(x) and x.numel() == 1
    (x * x).sum().reshape(1).max().backward()
    assert x.grad.shape == () and x.grad.item() == 6
    assert repr(x) == "tensor(3., requires_grad=True)" and "op=mul" in repr(x * x)
    for call in (lambda: len(x), lambda: list(x)):
        with pytest.raises(TypeError):
            call()
    assert (x == 3).item() and (x > 2).item() and not (x != 3).item() and (x <= 3).item()
    assert len({x, x.detach()}) == 2  # hashed by identity


# Copies


def test_tensors_copy_and_pickle():
    x = leaf(3)
    (x * 2).sum().backward()
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(y) is fn.Tensor and y.requires_grad and not np.shares_memory(x.data, y.data)
        np.testing.assert_array_equal(y.data, x.data)
        np.testing.assert_array_equal(y.grad.data, 2.0)
    for make in (copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match=r"cannot be copied or pickled with its graph; use \.detach\(\)"):
            make(x * 2)
    parameter = nn.Parameter(np.ones(2))
    twins = copy.deepcopy([parameter, parameter])
    assert twins[0] is twins[1] and type(twins[0]) is nn.Parameter


# Threads


def test_modes_hold_in_their_own_thread():
    seen, inside, done = {}, threading.Event(), threading.Event()
    x = leaf(3)

    def other():
        inside.wait()
        seen.update(grad=(x * 2).requires_grad, backend=fn.current_backend())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    default = fn.current_backend()
    different = "numba" if default == "numpy" else "numpy"
    with fn.no_grad(), fn.use_backend(different):
        assert fn.current_backend() == different
        inside.set()
        assert done.wait(10)
    thread.join()
    assert seen == {"grad": True, "backend": default} and fn.current_backend() == default


def test_several_threads_record_and_go_back_at_once():
    weight, failures = fn.tensor(array(3, 3), requires_grad=True), []

    def work(seed):
        x = leaf(5, 3, seed=seed)
        for _ in range(20):
            x.grad = None
            y = (nn.functional.linear(x, weight).relu() * 2).sum()
            (x * y).sum().backward()
        expected = fn.tensor(x.data, requires_grad=True)
        (expected * (nn.functional.linear(expected, weight.detach()).relu() * 2).sum()).sum().backward()
        if not np.array_equal(expected.grad.data, x.grad.data):
            failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
