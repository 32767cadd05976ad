"""Containers: lists and dictionaries as PyTorch's, residuals, branches, functions as layers; described and planned."""

import copy
import json

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from fastnano.architecture import build, describe
from oracle import torch
from twins import check

BOTH = pytest.mark.parametrize("lib", [nn, torch.nn], ids=["fastnano", "torch"])


def blocks(lib):
    return lib.ModuleList(
        [lib.Linear(2, 3), lib.Linear(2, 3), lib.Sequential(lib.ReLU()), lib.Sequential(lib.ReLU())]
    )


def test_lists_look_as_pytorchs_and_have_its_keys():
    for make in (
        blocks,
        lambda lib: lib.ModuleDict({"a": lib.Linear(2, 3), "b": blocks(lib)}),
        lambda lib: lib.ModuleList(),
    ):
        ours, theirs = make(nn), make(torch.nn)
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())


def operate(layers, lib):
    """Everything a list does, and what it then holds."""
    layers.insert(1, lib.Tanh())
    layers.append(lib.Sigmoid())
    layers.extend([lib.Flatten()])
    layers += lib.Sequential(lib.Identity())
    layers[-1] = lib.Dropout(0.25)
    popped = layers.pop(0)
    del layers[2:4]
    return [repr(layers), repr(popped), repr(layers[1:]), len(layers), [type(m).__name__ for m in layers]]


@pytest.mark.parametrize(
    "make", [blocks, lambda lib: lib.Sequential(*blocks(lib))], ids=["ModuleList", "Sequential"]
)
def test_lists_are_changed_as_pytorchs(make):
    assert operate(make(nn), nn) == operate(make(torch.nn), torch.nn)
    assert repr(make(nn) + make(nn)) == repr(make(torch.nn) + make(torch.nn))


def multiply(lib):
    layers = lib.Sequential(lib.ReLU(), lib.Linear(1, 1))
    twice = layers * 2
    assert twice[0] is twice[2] is layers[0]
    same = layers
    same *= 3
    assert same is layers
    return [repr(x) for x in (twice, 2 * twice, layers)]


def test_layers_many_times():
    assert multiply(nn) == multiply(torch.nn)


@BOTH
def test_dictionaries(lib):
    layers = lib.ModuleDict([["a", lib.ReLU()]])
    layers["b"] = lib.Linear(1, 1)
    layers.update({"c": lib.Tanh()})
    assert isinstance(layers.pop("a"), lib.ReLU)
    del layers["c"]
    assert list(layers) == list(layers.keys()) == ["b"]
    assert len(layers) == 1
    assert "b" in layers
    assert dict(layers.items())["b"] is next(iter(layers.values())) is layers["b"]
    layers.clear()
    assert len(list(layers.parameters())) == 0


@BOTH
def test_parameters_in_lists_and_dictionaries(lib):
    tensor = fn.tensor if lib is nn else torch.tensor
    listed = lib.ParameterList([tensor([1.0]), lib.Parameter(tensor([2.0, 3.0]))])
    listed.append(tensor([4.0]))
    listed.extend([tensor([5.0])])
    named = lib.ParameterDict({"w": tensor([6.0])})
    named["b"] = tensor([7.0])
    holder = lib.Sequential()
    holder.listed, holder.named = listed, named
    assert list(holder.state_dict()) == ["listed.0", "listed.1", "listed.2", "listed.3", "named.w", "named.b"]
    assert [p.tolist() for p in listed[1:3]] == [[2.0, 3.0], [4.0]]
    assert all(isinstance(p, lib.Parameter) for p in holder.parameters())
    assert "w" in named
    assert sorted(named.keys()) == ["b", "w"]
    assert len(listed) == 4


@pytest.mark.parametrize("shapes", [(), [(2, 3)], [(2, 3), (), (1,)]])
@pytest.mark.parametrize("kind", ["ParameterList", "ParameterDict"])
def test_what_parameters_look_like(kind, shapes):
    """As PyTorch's, but for names of types that only PyTorch has."""

    def look(lib, zeros):
        held = [zeros(shape) for shape in shapes]
        held = held if kind == "ParameterList" else {f"w{i}": value for i, value in enumerate(held)}
        return repr(lib.Sequential(getattr(lib, kind)(held)))

    theirs = look(torch.nn, torch.zeros).replace("torch.FloatTensor", "float32")
    assert look(nn, fn.zeros) == theirs.replace("torch.float32", "float32")


def network():
    return nn.Sequential(
        nn.Concat(nn.Conv2d(1, 2, 1), nn.Conv2d(1, 3, 3, padding=1), dim=1),
        nn.Residual(nn.Sequential(nn.Conv2d(5, 4, 3, padding=1), nn.ReLU()), nn.Conv2d(5, 4, 1)),
        nn.Residual(nn.Conv2d(4, 4, 3, padding=1)),
        nn.Flatten(),
        nn.Linear(4 * 36, 3),
    )


def test_residuals_and_branches_are_their_formulas():
    x = fn.tensor(np.random.default_rng(0).standard_normal((2, 1, 6, 6)), requires_grad=True)
    concat, residual, plain, *_ = network().double()
    y = concat(x)
    np.testing.assert_array_equal(y.data, np.concatenate([branch(x).data for branch in concat], 1))
    z = residual(y)
    np.testing.assert_allclose(z.data, (residual.function(y) + residual.projection(y)).data)
    np.testing.assert_allclose(plain(z).data, (z + plain.function(z)).data)
    assert fn.gradcheck(lambda t: plain(residual(concat(t))).flatten(1), x)
    assert fn.gradcheck(nn.Concat(nn.Identity(), nn.Tanh(), nn.ReLU(), dim=-1), x)


def test_containers_by_hand_on_arrays():
    layer, x = nn.Concat(nn.Linear(3, 2), nn.Linear(3, 1)), np.ones((4, 3), "f")
    y = layer.forward(x)
    assert layer.backward(np.ones_like(y)).shape == x.shape
    assert all(p.grad is not None for p in layer.parameters())


def test_they_are_saved_and_built_again():
    net = nn.Sequential(network(), nn.ModuleDict({"a": nn.ReLU()}), nn.ModuleList([nn.Linear(1, 2)]))
    same = build(json.loads(json.dumps(describe(net))))
    assert repr(same) == repr(net)
    same.load_state_dict(net.state_dict())


def test_plans_take_them():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 1, 6, 6)).astype("f"), rng.integers(0, 3, 50)
    check(network, x=x, y=y, steps=10)


def double(x):
    return x * 2


def test_functions_as_layers(tmp_path):
    net = nn.Sequential(nn.Linear(2, 2), nn.Lambda(double))
    assert repr(net[1]) == "Lambda(double)"
    assert repr(nn.Lambda(lambda x: x)) == "Lambda(<lambda>)"
    x = np.ones((1, 2), "f")
    np.testing.assert_array_equal(net(x), 2 * net[0](x))
    np.testing.assert_array_equal(copy.deepcopy(net)(x), net(x))
    with pytest.raises(TypeError, match=r"Lambda\(double\) holds a function, which is code.*register"):
        describe(net)
    fn.save(tmp_path / "net", net)
    with pytest.raises(ValueError, match=r"Lambda\(double\) holds a function"):
        fn.load(tmp_path / "net")
    again = nn.Sequential(nn.Linear(2, 2), nn.Lambda(double))
    np.testing.assert_array_equal(fn.load(tmp_path / "net", again)(x), net(x))


def test_a_function_of_tensors_is_planned():
    net = nn.Sequential(nn.Linear(3, 4), nn.Lambda(lambda x: x.relu() + x), nn.Linear(4, 2))
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters(), lr=0.1))
    x, y = np.random.default_rng(0).standard_normal((20, 3)).astype("f"), np.arange(20) % 2
    trainer.fit((x, y), epochs=1, progress=False, compile=True)
    assert trainer.history.eager == ""


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: nn.Residual(double), TypeError, r"Residual: function must be a Module, got function; wrap"),
        (
            lambda: nn.Residual(nn.Linear(3, 2))(fn.ones(1, 3)),
            ValueError,
            r"function gives shape \(1, 2\).*projection",
        ),
        (lambda: nn.Concat(), ValueError, r"no branch is given"),
        (lambda: nn.Concat(nn.Identity(), dim=2)(fn.ones(1, 3)), IndexError, r"dim=2 is not an axis"),
        (
            lambda: nn.Concat(nn.Identity(), nn.Linear(3, 1), dim=0)(fn.ones(1, 3)),
            ValueError,
            r"a tensor of shape \(1, 1\) does not fit one of shape \(1, 3\) along dim=0",
        ),
        (lambda: nn.Lambda(3), TypeError, r"function must be callable, got int"),
        (lambda: nn.ModuleList([1]), TypeError, r"must be a Module, got int"),
        (
            lambda: nn.Sequential().insert(1, nn.ReLU()),
            IndexError,
            "Sequential: index 1 is out of range for 0",
        ),
        (lambda: nn.Sequential() * 0, ValueError, "Sequential: times=0 must be at least 1"),
        (
            lambda: nn.ParameterList(fn.ones(2)),
            TypeError,
            "ParameterList: extend takes several values, got one",
        ),
        (
            lambda: nn.ReLU().train("x"),
            ValueError,
            "train: mode='x', but training mode is expected to be bool",
        ),
        (lambda: nn.ModuleList()[0], IndexError, r"ModuleList: index 0 is out of range for 0 layers"),
    ],
)
def test_errors(run, error, message):
    with pytest.raises(error, match=message):
        run()


def test_a_dictionary_of_parameters_is_a_dictionary():
    weights = nn.ParameterDict([("left", np.ones(2)), ("right", np.zeros(3))])
    assert weights.get("up") is None
    assert weights.get("left") is weights["left"] is weights.setdefault("left", np.zeros(1))
    assert weights.setdefault("up", np.ones(1)) is weights.copy()["up"]
    assert weights.popitem()[0] == "up"
    assert list(reversed(weights)) == ["right", "left"]
    assert list(weights | {"low": np.ones(4)}) == ["left", "right", "low"]
    assert list({"low": np.ones(4)} | weights.copy()) == ["low", "left", "right"]
    assert weights.pop("right").shape == (3,)
    assert [p.tolist() for p in weights.fromkeys("ab", np.ones(1)).values()] == [[1], [1]]
    weights.clear()
    assert not len(weights)
