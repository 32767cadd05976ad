"""Parts of modules by name, buffers that persist or not, copies, and shapes checked before training."""

import copy
import pickle

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import words
from torch_cases import table


def test_parts_are_found_by_their_names():
    net = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.BatchNorm1d(2)))
    assert net.get_submodule("1.0") is net[1][0]
    assert net.get_submodule("") is net
    assert net.get_parameter("1.0.weight") is net[1][0].weight
    assert net.get_buffer("1.0.running_mean") is net[1][0].running_mean
    assert [name for name, _ in net.named_parameters("net")][:2] == ["net.0.weight", "net.0.bias"]
    assert list(net.parameters(recurse=False)) == []
    assert next(name for name, _ in net[1][0].named_buffers(recurse=False)) == "running_mean"
    assert list(net.state_dict(prefix="a."))[:2] == ["a.0.weight", "a.0.bias"]
    for call, said in (
        (lambda: net.get_submodule("1.2"), "1 has no module '2'"),
        (lambda: net.get_parameter("0.w"), "0 has no 'w', only"),
        (lambda: net.get_buffer("nothing"), "Sequential has no 'nothing'"),
    ):
        with pytest.raises(AttributeError, match=said):
            call()


def test_a_buffer_that_does_not_persist_is_not_saved():
    layer = nn.Identity()
    layer.register_buffer("kept", fn.ones(2))
    layer.register_buffer("passing", fn.ones(2), persistent=False)
    assert list(layer.state_dict()) == ["kept"]
    assert [name for name, _ in layer.named_buffers()] == ["kept", "passing"]
    assert layer.double().passing.dtype == np.float64
    layer.load_state_dict({"kept": np.zeros(2)})
    layer.register_buffer("passing", fn.ones(2))
    assert list(layer.state_dict()) == ["kept", "passing"]


def test_a_wrong_shape_is_found_before_training():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(5, 2))
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), fn.optim.SGD(net.parameters(), lr=0.1))
    with pytest.raises(
        ValueError,
        match=r"^in layer '2' \(Linear\(in_features=5.*\) of Sequential: linear: input has shape \(9, 3\)",
    ):
        trainer.fit((np.ones((9, 4), "f"), np.zeros(9, int)), progress=False, compile=False)
    assert net.training


ONE_OF_EACH = {case.text.split("(")[0]: case for case in table() if "lambda" not in case.text}


@pytest.mark.parametrize("case", ONE_OF_EACH.values(), ids=ONE_OF_EACH)
def test_every_module_copies_and_pickles(case):
    layer = eval(case.text, {}, words(fn))
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(twin) == repr(layer)
        ours, theirs = layer.state_dict(), twin.state_dict()
        assert list(ours) == list(theirs)
        for name, value in ours.items():
            np.testing.assert_array_equal(value.data, theirs[name].data)
            assert not np.shares_memory(value.data, theirs[name].data)
