"""Tensors: changes in place, NumPy arrays and dtypes, copies, threads."""

import copy
import pickle
import threading

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from oracle import array, torch


def leaf(*shape, **how):
    return fn.tensor(array(*shape, **how), requires_grad=True)


# Changes in place

CHANGES = {
    "a saved input": lambda x, w: (x * w, w),
    "through a view": lambda x, w: (x * w, w.reshape(-1)[1:]),
    "through detach": lambda x, w: (x * w, w.detach()),
    "a base, saved as a view": lambda x, w: (x * w.T.T, w),
    "a saved output": lambda x, _: (y := x.exp(), y.detach()),
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


def by_operators(lib):
    x, m = lib.tensor([1, 2, 3, 9]), lib.tensor([True, False])
    same, mask = x, m
    x += 4
    x -= 1
    x *= 3
    x //= 2
    x %= 7
    x **= 2
    x |= 1
    x &= 13
    x ^= 2
    m &= lib.tensor([True, True])
    return [same is x, mask is m, +x is x, x.tolist(), m.tolist()]


def test_operators_change_the_tensor_itself():
    assert by_operators(fn) == by_operators(torch)


def test_in_place_rules():
    x = leaf(3)
    for change in (
        lambda: x.__iadd__(1),
        lambda: x.zero_(),
        lambda: x.__setitem__(0, 1.0),
        lambda: x.copy_(x * 2),
    ):
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
    assert counts.tolist() == [2, 3]
    assert counts.dtype == np.int64
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


# NumPy


def test_arrays_and_tensors_mix():
    x, a = fn.tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 4.0], np.float32)
    for z in (
        a + x,
        x + a,
        a * x,
        a - x,
        a / x,
        a @ x,
        a**x,
        np.float32(2) * x,
        np.float64(2) * x,
        x * np.int64(2),
    ):
        assert isinstance(z, fn.Tensor)
        assert z.requires_grad
        assert z.dtype == np.float32
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
        assert x.data.flags.carray
        assert not np.shares_memory(x.data, data)
    np.testing.assert_array_equal(given, plain)
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[3])


def test_tensor_copies_and_from_numpy_shares():
    a = np.ones(3)
    copied, shared = fn.tensor(a), fn.from_numpy(a)
    a[0] = 5
    assert copied.tolist() == [1, 1, 1]
    assert shared.tolist() == [5, 1, 1]
    shared += 1
    assert a.tolist() == [6, 2, 2]


def test_dtypes():
    assert [fn.tensor(v).dtype for v in (1.0, [1.0], 1, [1, 2], True)] == [np.float32] * 2 + [
        np.int64
    ] * 2 + [np.bool_]
    assert fn.tensor(torch.ones(2, dtype=torch.float64)).dtype == np.float64
    assert fn.tensor([1, 2], dtype=np.float64).dtype == np.float64
    assert nn.Parameter([1.0, 2.0]).dtype == np.float32
    given, shared = np.ones(2), fn.tensor([1.0])
    assert not np.shares_memory(nn.Parameter(given).data, given)
    assert np.shares_memory(nn.Parameter(shared).data, shared.data)
    pixels = fn.tensor(np.array([0, 255], np.uint8))
    assert (pixels / 255).dtype == np.float32
    assert (pixels / 255).tolist() == [0, 1]
    assert (pixels * 0.5).dtype == np.float32
    assert fn.sqrt(pixels).dtype == np.float32
    x = fn.tensor([1.0], requires_grad=True)
    x.double().sum().backward()
    assert x.grad.dtype == np.float32
    assert x.to(np.int64).dtype == np.int64
    assert x.long().tolist() == [1]


def test_scalars():
    x = fn.tensor(3.0, requires_grad=True)
    assert x.shape == ()
    assert x.item() == 3
    assert float(x) == 3
    assert int(x) == 3
    assert bool(x)
    assert x.numel() == 1
    (x * x).sum().reshape(1).max().backward()
    assert x.grad.shape == ()
    assert x.grad.item() == 6
    for _ in range(2):
        ((x * fn.tensor([1.0, 2.0])).sum() + x.relu() * x).backward()
    assert type(x.grad.data) is np.ndarray
    assert x.grad.item() == 6 + 2 * 9
    assert all(
        type(y.data) is np.ndarray for y in (-x, x + x, x.sum(), x.relu(), x.clone(), x.max(), fn.exp(x))
    )
    assert repr(x) == "tensor(3., requires_grad=True)"
    assert "op=mul" in repr(x * x)
    for call in (lambda: len(x), lambda: list(x)):
        with pytest.raises(TypeError):
            call()
    assert (x == 3).item()
    assert (x > 2).item()
    assert not (x != 3).item()
    assert (x <= 3).item()
    assert len({x, x.detach()}) == 2  # hashed by identity


# Copies


def test_tensors_copy_and_pickle():
    x = leaf(3)
    (x * 2).sum().backward()
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(y) is fn.Tensor
        assert y.requires_grad
        assert not np.shares_memory(x.data, y.data)
        np.testing.assert_array_equal(y.data, x.data)
        np.testing.assert_array_equal(y.grad.data, 2.0)
    for make in (copy.deepcopy, pickle.dumps):
        with pytest.raises(
            RuntimeError, match=r"cannot be copied or pickled with its graph; use \.detach\(\)"
        ):
            make(x * 2)
    parameter = nn.Parameter(np.ones(2))
    twins = copy.deepcopy([parameter, parameter])
    assert twins[0] is twins[1]
    assert type(twins[0]) is nn.Parameter


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
    assert seen == {"grad": True, "backend": default}
    assert fn.current_backend() == default


def test_back_ends_chosen_by_threads_in_turns_leave_the_process_as_it_was():
    before, turn = fn.current_backend(), threading.Barrier(2)

    def work(name):
        for _ in range(50):
            turn.wait()
            choice = fn.use_backend(name)
            turn.wait()
            with choice:
                assert fn.current_backend() == name

    threads = [threading.Thread(target=work, args=(name,)) for name in ("numpy", "numba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fn.current_backend() == before
    fn.use_backend("numpy")
    assert fn.current_backend() == "numpy"


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


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "float64"])
def test_what_nothing_looks_like(shape, dtype):
    ours, theirs = (repr(lib.zeros(shape, dtype=getattr(lib, dtype))) for lib in (fn, torch))
    assert ours == theirs.replace("torch.", "")
