"""Hooks of tensors and modules, and the layer that an error names; PyTorch's order and arguments."""

import copy

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import array, torch


def layers(library):
    ours = library.nn.Sequential(library.nn.Linear(4, 3), library.nn.Tanh(), library.nn.Linear(3, 2))
    for i, p in enumerate(ours.parameters()):
        p.requires_grad_(False)
        p.copy_(library.tensor(array(*p.shape, seed=i)))
        p.requires_grad_(True)
    return ours.double()


def numbers(value):
    """Tensors as arrays, in tuples of any depth."""
    if isinstance(value, tuple):
        return tuple(map(numbers, value))
    return None if value is None else value.detach().numpy().copy()


def watch(net, library, scale=1.0):
    """Every call of a hook, with its arguments; the first layer's input, the tanh's output and dx are scaled."""
    seen = []

    def before(module, inputs):
        seen.append(("before", numbers(inputs)))
        return inputs[0] * scale

    def after(module, inputs, output):
        seen.append(("after", numbers(inputs), numbers(output)))
        return output * scale

    def backward(module, grad_input, grad_output):
        seen.append(("backward", numbers(grad_input), numbers(grad_output)))
        return None if grad_input[0] is None else (grad_input[0] * scale,)

    handles = [net[0].register_forward_pre_hook(before), net[1].register_forward_hook(after)]
    return seen, handles + [layer.register_full_backward_hook(backward) for layer in net]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("wants", [False, True], ids=["data", "input wants a gradient"])
def test_hooks_see_and_change_what_pytorch_s_do(wants):
    results = []
    for library in (fn, torch):
        net = layers(library)
        seen, handles = watch(net, library, scale=2.0)
        x = library.tensor(array(5, 4), requires_grad=wants)
        y = net(x)
        y.backward(library.tensor(array(5, 2, seed=1)))
        gradients = [numbers(p.grad) for p in net.parameters()] + ([numbers(x.grad)] if wants else [])
        for handle in handles:
            handle.remove()
        count = len(seen)
        net(x).sum().backward()
        assert len(seen) == count
        results.append(([kind for kind, *_ in seen], [values for _, *values in seen], gradients, numbers(y)))
    ours, theirs = results
    assert ours[0] == theirs[0]
    for found, expected in zip(ours[1:], theirs[1:], strict=True):
        compare(found, expected)


def compare(found, expected):
    if isinstance(found, (tuple, list)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            compare(a, b)
    elif found is None:
        assert expected is None
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "call", [lambda net, x: net(x), lambda net, x: net.forward(x)], ids=["call", "forward"]
)
def test_hooks_of_a_network_driven_by_hand(call):
    net, x, dy = layers(fn), array(5, 4), array(5, 2, seed=1)
    plain = call(net, x), net.backward(dy)
    seen = []
    net.register_forward_pre_hook(lambda *given: seen.append(("before", given[1])))
    net.register_forward_hook(lambda *given: seen.append(("after", given[2])))
    net.register_full_backward_hook(lambda *given: seen.append(("backward", given[1][0])))
    watched = call(net, x), net.backward(dy)
    assert [name for name, _ in seen] == ["before", "after", "backward"]
    assert all(isinstance(y, np.ndarray) for y in watched)
    for a, b in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(seen[2][1].data, watched[1])


def test_a_backward_hook_of_several_inputs_sees_all_gradients_at_once():
    class Product(nn.Module):
        def forward(self, x, y):
            return x * y

    seen = []
    layer = Product()
    layer.register_full_backward_hook(lambda *given: seen.append(given[1:]))
    x, y = (fn.tensor(array(3, seed=s), requires_grad=True) for s in (0, 1))
    layer(x, y).sum().backward()
    ((dx, dy),) = seen
    np.testing.assert_array_equal(dx[0].data, y.data)
    np.testing.assert_array_equal(dx[1].data, x.data)
    np.testing.assert_array_equal(dy[0].data, 1)
    layer.register_full_backward_hook(lambda *given: given[1])
    with pytest.raises(ValueError, match="can replace the gradient of one input, not of 2"):
        layer(x, y).sum().backward()


def test_hooks_of_tensors_as_pytorch_s():
    found = []
    for library in (fn, torch):
        x = library.tensor(array(3), requires_grad=True)
        seen = []
        handle = x.register_hook(lambda g, seen=seen: seen.append(numbers(g)))
        x.register_hook(lambda g: g * 2)
        y = x * 3
        y.register_hook(lambda g: g + 1)
        y.sum().backward()
        handle.remove()
        (x * x).sum().backward()
        assert len(seen) == 1
        found.append((seen[0], numbers(x.grad)))
    compare(found[0], found[1])
    with pytest.raises(RuntimeError, match="does not require a gradient"):
        fn.tensor([1.0]).register_hook(print)
    x = fn.tensor([1.0], requires_grad=True)
    x.register_hook(lambda _: fn.ones(2))
    with pytest.raises(ValueError, match=r"gave a gradient of shape \(2,\), expected \(1,\)"):
        x.sum().backward()


def test_hooks_are_copied_with_their_module_and_end_with_their_block():
    layer, seen = nn.ReLU(), []
    with layer.register_forward_hook(lambda *_: seen.append(1)):
        layer(fn.ones(2))
        copied = copy.deepcopy(layer)
    layer(fn.ones(2))
    assert len(seen) == 1
    copied(fn.ones(2))
    assert len(seen) == 2
    with pytest.raises(TypeError, match="a hook must be callable, got int"):
        layer.register_forward_hook(3)


def test_a_step_with_hooks_has_no_plan_and_says_so():
    net = nn.Sequential(nn.Linear(4, 2))
    net[0].register_forward_hook(lambda *_: None)
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), fn.optim.SGD(net.parameters(), lr=0.1))
    x, y = array(20, 4).astype("f"), np.arange(20) % 2
    assert trainer.fit((x, y), progress=False).eager == "a hook of Linear is Python code"


# grad


def test_grad_as_pytorch_s():
    found = []
    for library in (fn, torch):
        x, y = (library.tensor(array(3, seed=s), requires_grad=True) for s in (0, 1))
        z = (x * y).sum() + (x * x).sum()
        w = x * 2
        gradients = library.autograd.grad((z, w), (x, y), (None, library.tensor(array(3, seed=2))))
        assert x.grad is None
        inner = x * y
        (through,) = library.autograd.grad((inner * inner).sum(), inner)
        unused = library.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)
        found.append((*map(numbers, gradients), numbers(through), *map(numbers, unused)))
    compare(found[0], found[1])


def test_grad_refuses():
    x, y = (fn.tensor([1.0], requires_grad=True) for _ in range(2))
    with pytest.raises(RuntimeError, match="input 1 is not used by the outputs; allow_unused=True"):
        fn.grad(x * 2, (x, y))
    for call in (lambda: fn.grad(x * 2, x, create_graph=True), lambda: (x * 2).backward(create_graph=True)):
        with pytest.raises(NotImplementedError, match="gradients of gradients, which are not recorded"):
            call()
    with pytest.raises(RuntimeError, match="grad: gradient is needed for a tensor of shape"):
        fn.grad(fn.ones(2, requires_grad=True) * 2, x)


# Errors name the layer


def test_an_error_names_the_layer_it_comes_from():
    inner = nn.Sequential(nn.ReLU(), nn.Linear(100, 10))
    net = nn.Sequential(nn.Flatten(), inner)
    said = (
        r"^in layer '1\.1' \(Linear\(in_features=100, out_features=10, bias=True\)\) of Sequential: "
        r"linear: input has shape \(2, 784\), expected \(\*, 100\), since weight has shape \(10, 100\)$"
    )
    images = np.ones((2, 28, 28), "f")
    for call in (lambda: net(fn.tensor(images)), lambda: net(images), lambda: net.forward(images)):
        with pytest.raises(ValueError, match=said):
            call()
    with pytest.raises(ValueError, match=r"^linear: input has shape"):
        inner[1](fn.ones(2, 3))

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(3, 2))

        def forward(self, x):
            return self.body(x)

    with pytest.raises(ValueError, match=r"^in layer 'body\.0' \(Linear.*\) of Own: linear: input has shape"):
        Own()(fn.ones(2, 4))


def test_hooks_that_see_options_too_and_hooks_put_first():
    class Scaled(nn.Module):
        def forward(self, x, *, by=1):
            return x * by

    layer, seen = Scaled(), []
    layer.register_forward_pre_hook(lambda *given: seen.append(given[2]), with_kwargs=True)
    layer.register_forward_pre_hook(lambda *given: (given[1], {"by": 3}), with_kwargs=True, prepend=True)
    layer.register_forward_hook(lambda *given: given[3] + given[2]["by"], with_kwargs=True)
    layer.register_forward_hook(lambda *given: given[2] * 10, prepend=True)
    assert layer(fn.ones(1), by=2).tolist() == [33]
    assert seen == [{"by": 3}]
    layer.register_forward_pre_hook(lambda *given: given[1], with_kwargs=True)
    with pytest.raises(TypeError, match=r"pre-hook with_kwargs must give back None or \(inputs, options\)"):
        layer(fn.ones(1))
