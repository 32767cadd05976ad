"""Initial values: bounds, variances, structure; and functions of all parameters of a model."""

import math

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import torch
from torch_cases import table
from words import words

SHAPE = (60, 20, 3, 5)  # fan_in 300, fan_out 900
GENERATOR = 5


def drawn(name, shape=SHAPE, **options):
    t = fn.zeros(*shape)
    found = getattr(nn.init, name)(t, generator=fn.Generator(GENERATOR), **options)
    assert found is t
    assert t.dtype == np.float32
    return t.data.astype(np.float64)


UNIFORM = {  # the bounds
    "uniform_": ({"a": -1, "b": 3}, -1, 3),
    "xavier_uniform_": ({"gain": 2}, *(s * 2 * math.sqrt(6 / 1200) for s in (-1, 1))),
    "kaiming_uniform_": ({"a": math.sqrt(5)}, *(s / math.sqrt(300) for s in (-1, 1))),
}
NORMAL = {  # mean and standard deviation
    "normal_": ({"mean": 2, "std": 0.5}, 2, 0.5),
    "xavier_normal_": ({}, 0, math.sqrt(2 / 1200)),
    "kaiming_normal_": ({"mode": "fan_out", "nonlinearity": "relu"}, 0, math.sqrt(2 / 900)),
}


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform(name):
    options, low, high = UNIFORM[name]
    x = drawn(name, **options)
    assert low <= x.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < x.max() <= high
    counts, _ = np.histogram(x, 10, (low, high))
    assert abs(counts / x.size - 0.1).max() < 0.01


@pytest.mark.parametrize("name", NORMAL)
def test_normal(name):
    options, mean, std = NORMAL[name]
    x = drawn(name, **options)
    assert abs(x.mean() - mean) < 5 * std / math.sqrt(x.size)
    assert abs(x.std() / std - 1) < 0.03
    assert abs((abs(x - mean) < std).mean() - 0.6827) < 0.02


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (1, 0.5, -100, 1), (0, 1, 2, 3), (0, 1, -11, -10), (5, 0.1, 0, 100)],
)
def test_truncated_normal(mean, std, a, b):
    x = drawn("trunc_normal_", mean=mean, std=std, a=a, b=b)
    assert a <= x.min()
    assert x.max() <= np.float32(b)
    grid = np.linspace(max(a, mean - 12 * std), min(b, mean + 12 * std), 100_001)
    weight = np.exp((np.min((grid - mean) ** 2) - (grid - mean) ** 2) / (2 * std**2))
    expected = (grid * weight).sum() / weight.sum()
    spread = math.sqrt((((grid - expected) ** 2) * weight).sum() / weight.sum())
    assert abs(x.mean() - expected) < 6 * spread / math.sqrt(x.size)
    assert abs(x.std() / spread - 1) < 0.05


@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (6, 2, 3, 3), (1, 7), (5, 5)])
def test_orthogonal(shape):
    x = drawn("orthogonal_", shape, gain=3.0).reshape(shape[0], -1)
    product = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-5)


def test_sparse():
    x = drawn("sparse_", (50, 400), sparsity=0.33, std=2.0)
    np.testing.assert_array_equal((x == 0).sum(0), math.ceil(0.33 * 50))
    assert abs(x[x != 0].std() / 2 - 1) < 0.03


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        ("constant_(x, 1.5)", (2, 3)),
        ("ones_(x)", (3,)),
        ("zeros_(x)", (2, 1)),
        ("eye_(x)", (3, 5)),
        ("dirac_(x)", (5, 3, 3)),
        ("dirac_(x, 2)", (6, 2, 3, 4)),
        ("dirac_(x)", (3, 5, 1, 2, 3)),
    ],
)
def test_what_has_no_chance_equals_pytorch(call, shape):
    ours, theirs = nn.Parameter(np.full(shape, 7.0)), torch.full(shape, 7.0, dtype=torch.float64)
    eval(f"init.{call}", {"init": nn.init, "x": ours})
    eval(f"init.{call}", {"init": torch.nn.init, "x": theirs})
    assert ours.requires_grad
    np.testing.assert_array_equal(ours.data, theirs.numpy())


def test_gains_equal_pytorch():
    for name in ("linear", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


def test_a_seed_gives_the_same_values_again():
    fn.manual_seed(3)
    first = nn.init.normal_(fn.zeros(4)).tolist()
    fn.manual_seed(3)
    assert nn.init.normal_(fn.zeros(4)).tolist() == first


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: nn.init.xavier_normal_(fn.zeros(3)), r"shape \(3,\), and needs an axis of outputs"),
        (lambda: nn.init.kaiming_normal_(fn.zeros(3, 2), mode="fan"), "mode='fan' must be one of"),
        (lambda: nn.init.calculate_gain("gelu"), "nonlinearity='gelu' must be one of"),
        (lambda: nn.init.eye_(fn.zeros(3)), "expected 2 axes"),
        (lambda: nn.init.dirac_(fn.zeros(3, 2)), "expected 3 or 4 or 5 axes"),
        (lambda: nn.init.dirac_(fn.zeros(3, 2, 1), 2), "groups=2 must divide the 3 output channels"),
        (lambda: nn.init.orthogonal_(fn.zeros(3)), "expected at least 2 axes"),
        (lambda: nn.init.sparse_(fn.zeros(3, 3), 1.5), "sparsity=1.5 must be from 0 to 1"),
        (lambda: nn.init.trunc_normal_(fn.zeros(3), a=2, b=1), "a=2 must be below b=1"),
        (
            lambda: nn.utils.vector_to_parameters(fn.zeros(3), nn.Linear(2, 2).parameters()),
            r"vec has shape \(3,\), expected \(6,\)",
        ),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_parameters_to_vector_and_back():
    net, other = (nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)) for _ in range(2))
    vector = nn.utils.parameters_to_vector(net.parameters())
    vector.sum().backward()
    assert vector.shape == (11,)
    assert all((p.grad.data == 1).all() for p in net.parameters())
    nn.utils.vector_to_parameters(vector, other.parameters())
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        assert not np.shares_memory(p.data, q.data)


def test_counted_parameters():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    net.add_module("again", net[0])
    net[1].requires_grad_(False)
    assert fn.count_parameters(net) == 11
    assert fn.count_parameters(net, trainable_only=True) == 8


# Initial values again

ONE_OF_EACH = {row.text.split("(")[0]: row.text for row in table() if "lambda" not in row.text}
RESET = [text for name, text in ONE_OF_EACH.items() if hasattr(getattr(nn, name, None), "reset_parameters")]


@pytest.mark.parametrize(
    "text", [*RESET, "GCNConv(3, 4)", "Embedding(5, 3, padding_idx=1)", "Linear(3, 2, bias=False)"]
)
def test_a_layer_that_is_reset_is_as_it_was_made(text):
    fn.manual_seed(1)
    layer = eval(text, {}, words(nn))
    made = {name: t.data.copy() for name, t in layer.state_dict().items()}
    rest = fn.rand(3).tolist()
    for t in layer.state_dict().values():
        t.fill_(7)
    fn.manual_seed(1)
    layer.reset_parameters()
    for name, t in layer.state_dict().items():
        if not isinstance(layer, nn.GCNConv):  # whose Linear has drawn values of its own before
            np.testing.assert_array_equal(t.data, made[name])
    assert isinstance(layer, nn.GCNConv) or fn.rand(3).tolist() == rest
    assert not any((t.data == 7).any() for t in layer.state_dict().values())


def test_running_statistics_are_reset_alone():
    norm = nn.BatchNorm1d(3).double()
    norm.weight.data[...] = 2
    norm(fn.randn(8, 3).double())
    norm.reset_running_stats()
    np.testing.assert_array_equal(norm.running_mean.data, 0)
    np.testing.assert_array_equal(norm.running_var.data, 1)
    assert norm.num_batches_tracked.item() == 0
    np.testing.assert_array_equal(norm.weight.data, 2)
    nn.InstanceNorm1d(3).reset_running_stats()


def test_a_network_is_reset_in_place_and_trains_on():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.LSTM(8, 2))
    weight = net[0].weight
    memory = weight.data
    net.apply(lambda m: m.reset_parameters() if hasattr(m, "reset_parameters") else None)
    assert net[0].weight is weight
    assert weight.data is memory
    net[2].flatten_parameters()
