"""Modules: driven by hand, put together, copied, frozen, saved; and PyTorch's weights in them."""

import copy
import pickle
import threading
from collections import OrderedDict

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import array, pair, torch
from words import words


def double(text):
    return pair(text)[0]


# By hand, on arrays

BY_HAND = [
    ("Linear(3, 2)", (4, 3)),
    ("Conv2d(2, 3, 3, padding=1)", (2, 2, 4, 4)),
    ("MaxPool2d(2)", (2, 2, 4, 4)),
    ("BatchNorm2d(2)", (3, 2, 4, 4)),
    ("ReLU()", (3, 4)),
    ("Softmax(1)", (3, 4)),
    ("Dropout(0.5)", (3, 4)),
    ("Flatten()", (2, 3, 4)),
    ("Sequential(Linear(3, 4), Tanh(), Linear(4, 2))", (5, 3)),
]


@pytest.mark.parametrize(("text", "shape"), BY_HAND, ids=[text for text, _ in BY_HAND])
def test_by_hand_equals_the_tape(text, shape):
    results = []
    for by_hand in (True, False):
        layer, data = double(text), array(*shape)
        fn.manual_seed(1)
        if by_hand:
            y = layer.forward(data)
            dy = array(*y.shape, seed=1)
            dx = layer.backward(dy)
            assert type(y) is np.ndarray
            assert type(dx) is np.ndarray
        else:
            x = fn.tensor(data, requires_grad=True)
            y = layer(x)
            y.backward(dy)
            y, dx = y.data, x.grad.data
        results.append(
            [y, dx, *(p.grad.data for p in layer.parameters()), *(b.data for b in layer.buffers())]
        )
        np.testing.assert_array_equal(data, array(*shape))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_used_twice_goes_back_through_the_last_call_first():
    layer = double("Linear(3, 3)")
    x = array(4, 3)
    h = np.maximum(layer.forward(x), 0)
    y = layer.forward(h)
    dx = layer.backward(layer.backward(np.ones_like(y)) * (h > 0))
    gradient = layer.weight.grad.data
    layer.zero_grad()
    t = fn.tensor(x, requires_grad=True)
    layer(layer(t).relu()).sum().backward()
    np.testing.assert_allclose(dx, t.grad.data, rtol=1e-12)
    np.testing.assert_allclose(gradient, layer.weight.grad.data, rtol=1e-12)
    with pytest.raises(RuntimeError, match=r"Linear\.backward: no call of forward on an array is left"):
        layer.backward(y)


def test_by_hand_in_several_threads():
    layer, failures = double("Sequential(Linear(3, 3), Tanh())"), []

    def work(seed):
        x = array(4, 3, seed=seed)
        expected = fn.tensor(x, requires_grad=True)
        net = copy.deepcopy(layer)
        net(expected).sum().backward()
        for _ in range(20):
            y = layer.forward(x)
            if not np.array_equal(layer.backward(np.ones_like(y)), expected.grad.data):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_layer_between_forward_and_backward_is_copied_without_its_calls():
    layer = double("Linear(3, 2)")
    y = layer.forward(array(4, 3))
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin.forward(array(4, 3)), y)
        twin.backward(y)
        with pytest.raises(RuntimeError, match="no call of forward"):
            twin.backward(y)
    assert layer.weight.grad is None
    layer.backward(y)
    np.testing.assert_array_equal(layer.weight.grad.data, twin.weight.grad.data)


def test_by_hand_with_a_wrong_gradient_the_call_stays():
    layer = double("ReLU()")
    layer.forward(array(4, 3))
    with pytest.raises(ValueError, match=r"gradient has shape \(2,\), expected \(4, 3\)"):
        layer.backward(np.ones(2))
    assert layer.backward(np.ones((4, 3))).shape == (4, 3)


def test_losses_and_pairs_by_hand():
    loss = nn.CrossEntropyLoss()
    assert loss.forward(array(5, 4), np.zeros(5, int)).shape == ()
    dx, dt = loss.backward()
    np.testing.assert_allclose(dx.sum(1), 0, atol=1e-15)
    assert dt is None
    pool = nn.MaxPool2d(2, return_indices=True)
    y, indices = pool.forward(array(1, 1, 4, 4))
    assert type(y) is np.ndarray
    assert indices.dtype == np.int64
    with pytest.raises(TypeError, match="dy must be a tuple of 2"):
        pool.backward(y)
    assert pool.backward((np.ones_like(y), None)).sum() == 4
    with fn.no_grad():
        pool.forward(array(1, 1, 4, 4))
    with pytest.raises(RuntimeError, match="no call of forward"):
        pool.backward((y, None))


# Putting together


def test_sequential():
    a, b, c = nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)
    net = nn.Sequential(OrderedDict(first=a, act=b, last=c))
    assert net.first is a
    assert net[-1] is c
    assert len(net) == 3
    assert list(net) == [a, b, c]
    head = net[:2]
    assert type(head) is nn.Sequential
    assert list(head.state_dict()) == ["first.weight", "first.bias"]
    assert net[1:][0] is b
    net[1] = nn.Tanh()
    assert type(net.act) is nn.Tanh
    assert head[1] is b
    with pytest.raises(IndexError, match="index 3 is out of range for 3 layers"):
        net[3]
    with pytest.raises(TypeError, match="'0' must be a Module, got builtin"):
        nn.Sequential(len)
    assert list(nn.Sequential(a, b, c)[1:].append(a)) == [b, c, a]
    positional = nn.Sequential(a).append(nn.Sequential(b, c))
    assert [name for name, _ in positional.named_parameters()] == [
        "0.weight",
        "0.bias",
        "1.1.weight",
        "1.1.bias",
    ]
    x = fn.tensor(array(2, 3), dtype=np.float64)
    np.testing.assert_array_equal(nn.Sequential()(x).data, x.data)


class Add(nn.Module):
    def forward(self, x, y):
        return x + y


class Scale(fn.Function):
    def forward(self, x):
        return x * 3

    def backward(self, dz):
        return dz * 3


def residual():
    return nn.Graph(
        nodes={
            "add": Add(),
            "act": nn.ReLU(),
            "conv": double("Conv2d(2, 2, 3, padding=1)"),
            "scale": Scale(),
        },
        edges=[("input", "conv"), ("conv", "act"), ("act", "add"), ("input", "add"), ("add", "scale")],
    )


def test_graph_with_a_residual_and_a_function():
    net = residual()
    assert (
        net.order.index("conv") < net.order.index("act") < net.order.index("add") < net.order.index("scale")
    )
    x = fn.tensor(array(2, 2, 4, 4), requires_grad=True)
    y = net(x)
    np.testing.assert_allclose(y.data, 3 * (net.conv(x).relu() + x).data, rtol=1e-12)
    assert fn.gradcheck(net, x)
    assert list(net.state_dict()) == ["conv.weight", "conv.bias"]
    dy = array(*y.shape, seed=1)
    y.backward(dy)
    assert net.forward(x.data).shape == y.shape
    np.testing.assert_allclose(net.backward(dy), x.grad.data, rtol=1e-12)
    twin = copy.deepcopy(net)
    twin.conv.weight.data[...] = 0
    assert twin(x).data.std() != y.data.std()
    assert np.array_equal(net(x).data, y.data)
    net.conv = nn.Identity()
    np.testing.assert_allclose(net(x).data, 3 * (x.relu() + x).data, rtol=1e-12)


def test_graph_with_several_inputs_and_outputs():
    net = nn.Graph(
        {"sum": lambda x, y: x + y, "product": lambda x, y: x * y, "exp": fn.exp},
        [("a", "sum"), ("b", "sum"), ("a", "product"), ("b", "product"), ("product", "exp")],
    )
    assert net.inputs == ["a", "b"]
    assert net.outputs == ["sum", "exp"]
    a, b = array(3), array(3, seed=1)
    total, power = net(fn.tensor(a), fn.tensor(b))
    np.testing.assert_allclose(total.data, a + b)
    np.testing.assert_allclose(power.data, np.exp(a * b))
    total, power = net.forward(a, b)
    da, db = net.backward((np.ones(3), np.ones(3)))
    np.testing.assert_allclose(da, 1 + b * power)
    np.testing.assert_allclose(db, 1 + a * power)
    with pytest.raises(TypeError, match=r"Graph: takes 2 inputs \(a, b\), got 1"):
        net(a)


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (
            {"a": abs, "b": abs},
            [("x", "a"), ("a", "b"), ("b", "a")],
            "the nodes a, b are on a cycle or behind one",
        ),
        ({"a": abs}, [("a", "a")], "the nodes a are on a cycle"),
        ({"a": abs}, [("x", "b")], r"edge \('x', 'b'\) must lead to one of the nodes \['a'\]"),
        ({"a": abs, "b": abs}, [("x", "a")], "no edge leads to b"),
    ],
)
def test_graphs_that_cannot_be(nodes, edges, message):
    with pytest.raises(ValueError, match=message):
        nn.Graph(nodes, edges)
    with pytest.raises(TypeError, match="node 'a' must be callable, got int"):
        nn.Graph({"a": 1}, [("x", "a")])


# One's own modules


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(np.ones(1))
        self.one = double("Linear(3, 3)")
        self.two = self.one  # shared
        self.norm = double("BatchNorm1d(3)")
        self.tied = nn.Linear(3, 3, bias=False).double()
        self.tied.weight = self.one.weight

    def forward(self, x):
        return self.norm(self.tied(self.two(self.one(x)))) * self.scale


def test_what_is_shared_is_counted_once():
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    assert names == ["scale", "one.weight", "one.bias", "norm.weight", "norm.bias"]
    assert sum(p.numel() for p in net.parameters()) == 1 + 9 + 3 + 6
    assert len(list(net.modules())) == 4
    assert [n for n, _ in net.named_children()] == ["one", "two", "norm", "tied"]
    assert "two.weight" in net.state_dict()
    assert "tied.weight" in net.state_dict()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.one is twin.two
        assert twin.tied.weight is twin.one.weight is not net.one.weight
        x = array(4, 3)
        np.testing.assert_array_equal(twin(fn.tensor(x)).data, net(fn.tensor(x)).data)
    x = fn.tensor(array(4, 3))
    assert fn.gradcheck(lambda _: net(x), net.one.weight)


def test_modes_and_freezing():
    net = Net()
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert net.train().norm.training
    before = net.norm.running_mean.data.copy()
    net.norm.eval()
    net(fn.tensor(array(4, 3)))
    np.testing.assert_array_equal(net.norm.running_mean.data, before)
    net.one.requires_grad_(False)
    x = fn.tensor(array(4, 3), requires_grad=True)
    (net(x) ** 2).sum().backward()
    assert net.one.weight.grad is None
    assert net.one.bias.grad is None
    assert net.scale.grad is not None
    assert x.grad is not None
    net.requires_grad_(False)
    assert not net(x.detach()).requires_grad
    net.zero_grad()
    assert net.scale.grad is None


def test_dtypes():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert net.double() is net
    assert {p.dtype for p in net.parameters()} == {np.dtype("f8")}
    assert net[1].running_var.dtype == np.float64
    assert net[1].num_batches_tracked.dtype == np.int64
    assert net(fn.tensor(array(4, 3))).dtype == np.float64
    assert {p.dtype for p in net.float().parameters()} == {np.dtype("f4")}
    with pytest.raises(TypeError, match="dtype=float16 must be float32 or float64"):
        net.to(np.float16)
    with pytest.raises(TypeError, match=r"is float64 but .* is float32; convert one of them"):
        net.double()(fn.tensor(np.ones((2, 3), np.float32)))


def test_attributes():
    layer = nn.Linear(3, 2)
    weight = layer.weight
    for value, message in ((np.ones((2, 3)), "ndarray"), (fn.tensor(1.0), "Tensor")):
        with pytest.raises(TypeError, match=rf"Linear\.weight: assign a Parameter or None, not {message}"):
            layer.weight = value
    assert layer.weight is weight
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]
    assert "weight" in dir(layer)
    norm = nn.BatchNorm1d(3)
    with pytest.raises(TypeError, match=r"BatchNorm1d\.running_mean: assign a tensor or None, not list"):
        norm.running_mean = [1]
    net = nn.Sequential(layer)
    with pytest.raises(AttributeError, match="Sequential has no attribute 'conv'"):
        _ = net.conv
    net.extra = norm
    del net.extra
    assert len(net) == 1

    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"call super\(\)\.__init__\(\) before assigning 'layer'"):
        Forgetful()
    with pytest.raises(NotImplementedError, match=r"Module\.forward: define it"):
        nn.Module()(1)


def test_apply_sees_every_module_children_first():
    seen = []
    nn.Sequential(nn.Sequential(nn.ReLU()), nn.Tanh()).apply(lambda m: seen.append(type(m).__name__))
    assert seen[-1] == "Sequential"
    assert sorted(seen) == ["ReLU", "Sequential", "Sequential", "Tanh"]
    assert seen.index("ReLU") < seen.index("Sequential")


# State

NETWORK = "Sequential(Conv2d(1, 4, 3), BatchNorm2d(4), ReLU(), MaxPool2d(2), Flatten(), Linear(16, 3))"


def test_weights_of_pytorch():
    theirs = eval(NETWORK, vars(torch.nn).copy())
    ours = eval(NETWORK, words(nn)).double()
    theirs(torch.tensor(array(4, 1, 6, 6), dtype=torch.float32))
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    x = array(4, 1, 6, 6, seed=1)
    expected = theirs.eval().double()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours.eval()(fn.tensor(x)).detach().numpy(), expected, rtol=1e-12)
    ours.load_state_dict(
        {k: v + 1e-12 for k, v in theirs.state_dict().items() if "num" not in k}, strict=False
    )
    assert np.any(ours[0].weight.data != ours[0].weight.data.astype("f4"))  # float64 arrives as float64


def test_loading_is_all_or_nothing():
    net = eval(NETWORK, words(nn))
    before = copy.deepcopy(net.state_dict())
    good = {name: value.data * 0 + 1 for name, value in before.items()}
    wrong = {
        r"5\.bias is missing": (KeyError, lambda s: s.pop("5.bias")),
        r"extra is not expected": (KeyError, lambda s: s.update(extra=np.ones(1))),
        r"5\.bias has shape \(4,\), expected \(3,\)": (
            ValueError,
            lambda s: s.update({"5.bias": np.ones(4)}),
        ),
        r"holds real numbers": (TypeError, lambda s: s.update({"5.bias": np.array(["a"] * 3)})),
    }
    for message, (error, change) in wrong.items():
        state = dict(good)
        change(state)
        with pytest.raises(error, match=message):
            net.load_state_dict(state)
        for name, value in net.state_dict().items():
            np.testing.assert_array_equal(value.data, before[name].data)
    del state["5.bias"]
    result = net.load_state_dict({**state, "extra": np.ones(1)}, strict=False)
    assert result.missing_keys == ["5.bias"]
    assert result.unexpected_keys == ["extra"]
    np.testing.assert_array_equal(net[0].weight.data, 1)
    np.testing.assert_array_equal(net[5].bias.data, before["5.bias"].data)


def test_state_shares_memory_and_loading_keeps_the_parameters():
    net = nn.Linear(3, 2)
    weight, state = net.weight, net.state_dict()
    net.load_state_dict({"weight": np.ones((2, 3)), "bias": [1, 2]})
    assert net.weight is weight
    assert net.weight.dtype == np.float32
    assert state["weight"].tolist() == [[1, 1, 1]] * 2
    assert net.bias.tolist() == [1, 2]


@pytest.mark.parametrize("text", ["Linear(3, 2)", "ReLU()", "Softmax(1)", "Flatten()", "BatchNorm1d(3)"])
def test_empty_batches(text):
    layer = double(text).eval()
    x = fn.tensor(np.zeros((0, 3)), requires_grad=True)
    y = layer(x)
    assert y.shape[0] == 0
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == (0, 3)
    assert all(not p.grad.data.any() for p in layer.parameters())


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Sigmoid(), nn.Flatten(), nn.Identity()], ids=repr)
def test_an_output_changed_by_its_owner_changes_neither_input_nor_gradient(layer):
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    want, dy = x.copy(), np.ones((3, 4), np.float32)
    layer.forward(x)
    gradient = layer.backward(dy)
    y = layer.forward(x)
    y[:] = -7
    np.testing.assert_array_equal(x, want)
    np.testing.assert_array_equal(layer.backward(dy), gradient)


def test_modules_that_are_there_twice():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert [name for name, _ in net.named_modules(remove_duplicate=False)] == ["", "0", "1"]
    assert [name for name, _ in net.named_modules({layer}, "net")] == ["net"]
    assert len(list(net.modules())) == 2
    assert len(list(net.modules(remove_duplicate=False))) == 3
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    norms = nn.Sequential(*[nn.BatchNorm1d(2)] * 2)
    assert len(list(norms.named_buffers(remove_duplicate=False))) == 2 * len(list(norms.buffers()))


def test_state_dict_of_the_parameters_themselves():
    net, found = nn.Sequential(nn.Linear(2, 2)), {"other": 1}
    assert net.state_dict(destination=found, prefix="net.", keep_vars=True) is found
    assert found["net.0.weight"] is net[0].weight
    assert found["other"] == 1


def test_a_module_takes_the_place_of_another():
    net = nn.Sequential(nn.Sequential(nn.ReLU()))
    net.set_submodule("0.0", nn.Tanh())
    assert isinstance(net[0][0], nn.Tanh)
    with pytest.raises(AttributeError, match="0 has no module '1'"):
        net.set_submodule("0.1", nn.Tanh(), strict=True)
    net.set_submodule("0.1", nn.ReLU())
    assert len(net[0]) == 2


def test_gradients_are_set_to_zero():
    layer = nn.Linear(2, 2)
    layer(fn.ones(1, 2)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert not layer.weight.grad.any().item()
    layer.zero_grad()
    assert layer.weight.grad is None


def test_to_takes_devices_dtypes_and_tensors():
    layer = nn.Linear(2, 2)
    assert layer.to("cpu", np.float64).weight.dtype == np.float64
    assert layer.to(fn.ones(1)).weight.dtype == np.float32
    assert layer.to(device="cpu", dtype=np.float64).type(np.float32).weight.dtype == np.float32
    with pytest.raises(TypeError, match=r"Linear.to: 'cuda' is no dtype, and the one device is 'cpu'"):
        layer.to("cuda")
