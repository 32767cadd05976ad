"""The architecture line, named models and descriptions."""

import json

import numpy as np
import pytest

import fastnano
from fastnano import nn
from fastnano.architecture import MODELS, build, describe, model, output_shape, parse_layers, register

LINE = (
    "conv 16 5, relu, maxpool 2, conv 32 3, batchnorm, relu, maxpool 2, flatten, "
    "dense 128, relu, dropout 0.5, dense 10"
)


def test_sizes_are_inferred():
    network = parse_layers(LINE)
    kinds = [type(layer).__name__ for layer in network]
    assert kinds == [
        "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "Flatten", "Linear",
        "ReLU", "Dropout", "Linear",
    ]  # fmt: skip
    assert (network[0].in_channels, network[3].in_channels, network[8].in_features) == (1, 16, 800)
    assert network[10].p == 0.5
    assert output_shape(network, (1, 28, 28)) == (10,)


def test_options_pairs_and_aliases():
    network = parse_layers(
        "Conv2d 4 3x5 padding=same bias=false, LeakyReLU 0.2, avgpool 2, flatten, Linear 3"
    )
    assert network[0].kernel_size == (3, 5)
    assert network[0].padding == "same"
    assert network[0].bias is None
    assert network[1].negative_slope == 0.2
    assert isinstance(parse_layers("dense 3, batchnorm", (5,))[1], nn.BatchNorm1d)


def test_making_a_network_leaves_it_untrained_and_in_training_mode():
    network = parse_layers("conv 2 3, batchnorm, relu")
    assert all(layer.training for layer in network.modules())
    assert network[1].num_batches_tracked.item() == 0
    assert not network[1].running_mean.data.any()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("convv 3 3", ["layer 1 ('convv 3 3')", "did you mean 'conv'", "Known: conv, dense"]),
        ("conv 8 5, relu, conv 8 40", ["layer 3 ('conv 8 40')", "8 x 24 x 24", "kernel"]),
        ("conv 3", ["conv out_channels kernel_size [stride] [padding]"]),
        ("dense 10", ["1 x 28 x 28", "put flatten before it"]),
        ("flatten, conv 3 3", ["layer 2", "784", "(channels, height, width)"]),
        ("conv 3 3 bias=maybe", ["bias=maybe must be true or false"]),
        ("maxpool 2 return_indices=true", ["must give one tensor, got tuple"]),
        ("conv 3 3 paddng=1", ["option of conv 'paddng'", "did you mean 'padding'"]),
        ("conv 3 3 padding=1 padding=2", ["padding is given twice"]),
        ("conv 3 3 in_channels=1", ["unknown option of conv 'in_channels'"]),
        ("conv 3 0", ["kernel_size=0 must be at least 1"]),
        ("dropout 2", ["p=2 must be from 0 to 1"]),
        ("relu 3", ["expected 'relu'"]),
        ("relu,, relu", ["layer 2", "nothing between two commas"]),
        (" ", ["the line is empty"]),
    ],
)
def test_errors_say_where_and_what(line, words):
    with pytest.raises(ValueError, match="layer") as caught:
        parse_layers(line)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_named_models_classify_digits(name):
    network = model(name)
    assert output_shape(network, (1, 28, 28)) == (10,)


def test_an_unknown_model_is_named():
    with pytest.raises(ValueError, match="unknown model 'lenet'; did you mean 'lenet5'"):
        model("lenet")


@pytest.mark.parametrize("line", [*MODELS.values(), LINE])
def test_a_description_builds_the_same_network(line):
    network = parse_layers(line)
    same = build(json.loads(json.dumps(describe(network))))
    assert repr(same) == repr(network)
    same.load_state_dict(network.state_dict())
    x = np.random.default_rng(0).random((2, 1, 28, 28), np.float32)
    with fastnano.use_backend("numpy"):
        assert np.array_equal(same.eval()(x), network.eval()(x))


def test_nested_and_named_layers_are_described():
    network = nn.Sequential(
        {"body": nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh()), "head": nn.Linear(4, 2)}
    )
    same = build(describe(network))
    assert list(same.state_dict()) == ["body.0.weight", "head.weight", "head.bias"]


class Scale(nn.Module):
    """One of one's own."""

    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def test_classes_of_ones_own_are_registered(monkeypatch):
    network = nn.Sequential(Scale(3.0))
    with pytest.raises(TypeError, match=r"Scale is not known by name.*register"):
        describe(network)
    monkeypatch.setattr("fastnano.architecture._registered", {})
    assert register(Scale) is Scale
    assert build(describe(network))[0].factor == 3.0


def test_layers_used_twice_are_refused():
    layer = nn.Linear(3, 3)
    with pytest.raises(TypeError, match="two places"):
        describe(nn.Sequential(layer, nn.ReLU(), layer))


@pytest.mark.parametrize(
    "description",
    [
        None,
        {"type": "os.system"},
        {"type": "Linear", "in_features": 3},
        {"type": "Linear", "in_features": 3, "out_features": 0},
        {"type": "Sequential"},
        {"type": "Sequential", "layers": [["0", []]]},
    ],
)
def test_wrong_descriptions_are_refused(description):
    with pytest.raises(ValueError, match=r"build|Linear"):
        build(description)
