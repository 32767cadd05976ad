"""Modules that define backward beside forward, in NumPy: on the tape, by hand, in plans, copied, with hooks."""

import copy
import pickle

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import array, pair


def double(text):
    return pair(text)[0]


def leaf(*shape, seed=0):
    return fn.tensor(array(*shape, seed=seed), requires_grad=True)


class Dense(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(array(i, o, seed=7))
        self.bias = nn.Parameter(array(o, seed=8))
        self.calls = 0

    def forward(self, x):
        self.x, self.calls = x, self.calls + 1
        self.z = x @ self.weight + self.bias
        return np.maximum(self.z, 0)

    def backward(self, dy):
        dz = dy * (self.z > 0)
        self.weight.grad = self.x.T @ dz
        self.bias.grad[...] += np.sum(dz, axis=0)
        self.dx = np.dot(dz, self.weight.T)
        return self.dx


class Taped(Dense):
    """The same by the tape."""

    backward = nn.Module.backward

    def forward(self, x):
        return (x @ self.weight + self.bias).relu()


class Driven(nn.Module):
    """y = tanh(scale · layer(x)), of layers driven by hand."""

    def __init__(self):
        super().__init__()
        self.layer, self.act = double("Linear(4, 4)"), nn.Tanh()
        self.scale = nn.Parameter(np.array(2.0))

    def forward(self, x):
        self.h = self.layer(x)
        return self.act(self.scale * self.h)

    def backward(self, dy):
        dz = self.act.backward(dy)
        self.scale.grad = np.sum(dz * self.h)
        return self.layer.backward(dz * self.scale)


class Noted(nn.Linear):
    """A backward alone, around that of the layer."""

    def backward(self, dy):
        self.dy = dy
        return super().backward(2 * dy)


class Product(nn.Module):
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        return dz * self.y, dz * self.x


# On the tape


@pytest.mark.parametrize("kind", [lambda: Dense(4, 4), Driven], ids=["arrays", "layers"])
def test_gradients_in_a_network_also_of_a_layer_used_twice(kind):
    own = kind()
    net = nn.Sequential(double("Linear(3, 4)"), own, double("Linear(4, 4)"), own)
    x = leaf(6, 3)
    assert fn.gradcheck(net, x)
    assert fn.gradcheck(lambda *_: net(x), list(net.parameters()))


def test_steps_equal_those_of_the_tape():
    nets = [nn.Sequential(kind(3, 4), double("Linear(4, 2)")) for kind in (Dense, Taped)]
    for net in nets:
        optimizer = fn.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for step in range(3):
            for half in range(2):  # gradients of two batches are added, whether backward sets or adds
                (net(fn.tensor(array(5, 3, seed=2 * step + half))) ** 2).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12)
    assert nets[0][0].calls == 6
    assert nets[0][0].dx.shape == (5, 3)


def test_grad_changes_no_grad_and_a_frozen_parameter_gets_none():
    layer = Dense(3, 4)
    layer.bias.requires_grad_(False)
    y = layer(fn.tensor(array(5, 3)))
    (dweight,) = fn.grad(y.sum(), layer.weight)
    assert layer.weight.grad is None
    y.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.data, dweight.data)


def test_a_backward_alone_goes_around_that_of_the_layer():
    layer, plain = Noted(3, 2).double(), double("Linear(3, 2)")
    layer.load_state_dict(plain.state_dict())
    x, dy = leaf(5, 3), array(5, 2, seed=1)
    layer(x).backward(dy)
    dx = x.grad.data
    by_hand = layer.forward(x.data), layer.backward(dy)
    np.testing.assert_array_equal(by_hand[0], plain(x).data)
    np.testing.assert_array_equal(by_hand[1], dx)
    x.grad = None
    plain(x).backward(2 * dy)
    np.testing.assert_array_equal(dx, x.grad.data)
    np.testing.assert_array_equal(layer.weight.grad.data, 2 * plain.weight.grad.data)
    np.testing.assert_array_equal(layer.dy, dy)


def test_several_inputs():
    product, x, y = Product(), leaf(3), leaf(3, seed=1)
    assert fn.gradcheck(lambda x, y: product(product(x, y), x), [x, y])
    assert fn.gradcheck(lambda x: product(x, y.data), x)
    product.forward(x.data, y.data)
    assert all(type(d) is np.ndarray for d in product.backward(np.ones(3)))


def test_in_training_it_is_run_step_by_step():
    x, losses = array(200, 4).astype("f"), []
    for kind, eager in ((Dense, "Dense is Python code"), (Taped, "")):
        net = nn.Sequential(kind(4, 6), double("Linear(6, 2)")).float()
        trainer = fn.Trainer(net, nn.CrossEntropyLoss(), fn.optim.SGD(net.parameters(), lr=0.05))
        fn.manual_seed(0)
        history = trainer.fit((x, (x[:, 0] > 0).astype(int)), epochs=3, progress=False)
        assert history.eager == eager
        losses.append([epoch["loss"] for epoch in history.epochs])
    np.testing.assert_allclose(*losses, rtol=1e-5)


# By hand


@pytest.mark.parametrize("kind", [lambda: Dense(4, 4), Driven], ids=["arrays", "layers"])
def test_by_hand_equals_the_tape(kind):
    x, dy = leaf(5, 4), array(5, 4, seed=1)
    taped, own = kind(), kind()
    own.load_state_dict(taped.state_dict())
    y = taped(x)
    y.backward(dy)
    by_hand = own.forward(x.data)
    assert type(by_hand) is np.ndarray
    np.testing.assert_array_equal(by_hand, y.data)
    np.testing.assert_array_equal(own.backward(dy), x.grad.data)
    for a, b in zip(own.parameters(), taped.parameters(), strict=True):
        assert type(a.grad) is fn.Tensor
        np.testing.assert_array_equal(a.grad.data, b.grad.data)


def test_parameters_and_buffers_are_arrays_in_forward_and_backward():
    class Learning(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.ones(3))
            self.register_buffer("mean", fn.zeros(3).double())

        def forward(self, x):
            self.mean = 0.5 * self.mean + x.mean(axis=0, keepdims=True)[0]
            self.weights = [self.weight, self.weight * 1, self.weight.sum(axis=0, keepdims=True)]
            return x * self.weight

        def backward(self, dy):
            self.weight.grad = dy.sum(axis=0)
            self.weight -= 0.5 * self.weight.grad
            self.weight.data -= 1
            return dy * self.weight

    layer = Learning()
    weight, mean = layer.weight, layer.mean
    layer.forward(np.ones((2, 3)))
    assert isinstance(layer.weights[0], np.ndarray)
    assert [type(w) for w in layer.weights[1:]] == [np.ndarray] * 2
    np.testing.assert_array_equal(layer.backward(np.ones((2, 3))), -1)
    assert layer.weight is weight
    assert layer.mean is mean
    np.testing.assert_array_equal(weight.data, -1)
    np.testing.assert_array_equal(mean.data, 1)
    assert "weight" not in vars(layer)


def test_copies_and_hooks():
    layer, x, dy = Dense(3, 2), leaf(5, 3), array(5, 2, seed=1)
    layer(x).backward(dy)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin.backward(dy), x.grad.data)
        assert twin.weight is not layer.weight
        np.testing.assert_array_equal(twin.weight.grad.data, layer.weight.grad.data)
    seen = []
    layer.register_forward_hook(lambda _, inputs, y: seen.append((inputs[0].shape, y.shape)))
    layer.register_full_backward_hook(
        lambda _, dx, dy: seen.append((dx[0].shape, dy[0].shape)) or (2 * dx[0],)
    )
    expected = [((5, 3), (5, 2))] * 2
    y = leaf(5, 3)
    layer(y).backward(dy)
    assert seen == expected
    layer(x.data)
    np.testing.assert_array_equal(layer.backward(dy), 2 * x.grad.data)
    np.testing.assert_array_equal(y.grad.data, 2 * x.grad.data)
    assert seen == expected * 2


# What is wrong is said


def of(forward, backward, base=nn.Module):
    return type("Own", (base,), {"forward": forward, "backward": backward})()


@pytest.mark.parametrize(
    ("backward", "kind", "message"),
    [
        (
            lambda _, dy: dy[:1],
            ValueError,
            r"Own\.backward: the gradient of input 0 has shape \(1, 3\), expected \(2, 3\)",
        ),
        (lambda *_: None, TypeError, r"Own\.backward: returned None, expected the gradient of its input"),
        (lambda _, dy: (dy, dy), ValueError, r"Own\.backward: returned 2 gradients for 1 inputs"),
    ],
)
def test_wrong_gradients_of_inputs(backward, kind, message):
    with pytest.raises(kind, match=message):
        of(lambda _, x: x * x, backward)(leaf(2, 3)).sum().backward()


def test_wrong_gradients_of_parameters_and_methods_that_arrays_have_not():
    def backward(self, dy):
        self.weight.grad = dy

    layer = type("Own", (Dense,), {"backward": backward})(3, 2)
    layer.forward(array(5, 3))
    with pytest.raises(ValueError, match=r"weight\.grad is given shape \(5, 2\), expected \(3, 2\)"):
        layer.backward(array(5, 2))
    taught = r"no attribute 'relu'; a layer that defines backward works on arrays"
    for x in (leaf(2), array(2)):
        with pytest.raises(TypeError, match=taught):
            of(lambda _, x: x.relu(), lambda _, dy: dy)(x)
    alone = type("Own", (nn.Module,), {"forward": lambda _, x: np.tanh(x)})()
    with pytest.raises(
        RuntimeError, match=r"define backward beside forward in the layer, or use fastnano\.Function"
    ):
        alone(leaf(2))
