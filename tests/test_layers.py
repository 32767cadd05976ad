"""Every layer against PyTorch, over unusual hyper-parameters: outputs, gradients, running statistics,
names."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import PRECISIONS, agree, array, back_end, compare, our_tensor, pair, run, their_tensor, torch
from words import words

F = nn.functional

LAYERS = [  # what makes the layer, the shape of its input
    ("Linear(3, 2)", (4, 3)),
    ("Linear(3, 2, bias=False)", (1, 3)),
    ("Linear(17, 5)", (33, 17)),
    ("Linear(3, 2)", (3,)),
    ("Linear(3, 2)", (4, 5, 2, 3)),
    ("Linear(3, 2)", (0, 3)),
    ("Linear(1, 1)", (1, 1)),
    ("Conv2d(1, 1, 1)", (1, 1, 1, 1)),
    ("Conv2d(3, 4, 3)", (2, 3, 7, 6)),
    ("Conv2d(3, 4, 3)", (3, 7, 6)),
    ("Conv2d(3, 4, 3, bias=False)", (17, 3, 5, 5)),
    ("Conv2d(3, 5, 1)", (2, 3, 4, 4)),
    ("Conv2d(3, 5, 1, stride=2)", (2, 3, 5, 4)),
    ("Conv2d(2, 3, 3, padding=1)", (2, 2, 5, 6)),
    ("Conv2d(2, 3, (2, 5), padding=(1, 3))", (2, 2, 6, 5)),
    ("Conv2d(2, 3, 3, padding=4)", (2, 2, 3, 2)),
    ("Conv2d(2, 3, 3, stride=2, padding=1)", (2, 2, 6, 7)),
    ("Conv2d(2, 3, 2, stride=3)", (2, 2, 8, 9)),
    ("Conv2d(2, 3, 1, stride=(3, 2))", (2, 2, 8, 9)),
    ("Conv2d(2, 3, 3, stride=(1, 3), padding=(2, 0), dilation=(1, 2))", (2, 2, 6, 9)),
    ("Conv2d(2, 3, 3, dilation=3)", (2, 2, 7, 8)),
    ("Conv2d(4, 6, 3, groups=2, padding=1)", (2, 4, 5, 5)),
    ("Conv2d(4, 4, 3, groups=4)", (2, 4, 5, 5)),
    ("Conv2d(4, 8, 2, groups=4, stride=2, dilation=2, padding=1)", (3, 4, 7, 6)),
    ("Conv2d(2, 3, 3, padding='same')", (2, 2, 5, 4)),
    ("Conv2d(2, 3, 3, padding='valid')", (2, 2, 5, 4)),
    ("Conv2d(2, 3, (3, 5), padding='same', dilation=(2, 1), groups=1)", (2, 2, 5, 6)),
    ("Conv2d(2, 3, 5)", (2, 2, 5, 5)),
    ("Conv2d(2, 3, 3, padding=1)", (0, 2, 5, 5)),
    ("MaxPool2d(2)", (2, 3, 6, 4)),
    ("MaxPool2d(2)", (3, 7, 5)),
    ("MaxPool2d(1)", (1, 1, 2, 2)),
    ("MaxPool2d(3, stride=1)", (2, 3, 6, 5)),
    ("MaxPool2d(3, stride=2, padding=1)", (2, 3, 6, 5)),
    ("MaxPool2d((2, 3), stride=(3, 1), padding=(1, 1))", (2, 3, 6, 5)),
    ("MaxPool2d(2, stride=1, dilation=2)", (2, 3, 6, 5)),
    ("MaxPool2d(3, stride=2, padding=1, dilation=(2, 1))", (2, 3, 8, 7)),
    ("MaxPool2d(2, ceil_mode=True)", (2, 3, 7, 5)),
    ("MaxPool2d(2, stride=3, padding=1, ceil_mode=True)", (2, 3, 6, 7)),
    ("MaxPool2d(3, stride=2, padding=1, ceil_mode=True)", (2, 3, 6, 4)),
    ("MaxPool2d(2, return_indices=True)", (2, 3, 6, 4)),
    ("MaxPool2d(3, stride=2, padding=1, return_indices=True)", (3, 6, 5)),
    ("AvgPool2d(2)", (2, 3, 6, 4)),
    ("AvgPool2d(2)", (3, 7, 5)),
    ("AvgPool2d(3, stride=1, padding=1)", (2, 3, 6, 5)),
    ("AvgPool2d(3, stride=2, padding=1, count_include_pad=False)", (2, 3, 6, 5)),
    ("AvgPool2d((2, 3), stride=(3, 1), padding=(1, 0))", (2, 3, 6, 5)),
    ("AvgPool2d(2, ceil_mode=True)", (2, 3, 7, 5)),
    ("AvgPool2d(3, stride=2, padding=1, ceil_mode=True)", (2, 3, 6, 4)),
    ("AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)", (2, 3, 6, 4)),
    ("AvgPool2d(2, stride=3, padding=1, ceil_mode=True, count_include_pad=False)", (2, 3, 6, 7)),
    ("AvgPool2d(3, divisor_override=2)", (2, 3, 6, 5)),
    ("AvgPool2d(3, stride=2, padding=1, ceil_mode=True, divisor_override=5)", (2, 3, 6, 4)),
    ("BatchNorm1d(3)", (5, 3)),
    ("BatchNorm1d(3)", (2, 3, 4)),
    ("BatchNorm1d(3, affine=False)", (5, 3)),
    ("BatchNorm1d(3, momentum=None)", (5, 3)),
    ("BatchNorm1d(3, track_running_stats=False)", (5, 3)),
    ("BatchNorm1d(17, eps=0.5, momentum=1.0)", (19, 17)),
    ("BatchNorm2d(3)", (2, 3, 4, 5)),
    ("BatchNorm2d(3)", (1, 3, 2, 1)),
    ("BatchNorm2d(3, momentum=0.0)", (2, 3, 4, 5)),
    ("BatchNorm2d(2, momentum=None, affine=False, track_running_stats=False)", (2, 2, 4, 5)),
    ("ReLU()", (3, 5)),
    ("ReLU()", ()),
    ("LeakyReLU()", (3, 5)),
    ("LeakyReLU(0.3)", (2, 3, 4, 5)),
    ("LeakyReLU(-0.5)", (7,)),
    ("Sigmoid()", (3, 5)),
    ("Tanh()", (3, 5)),
    ("Softmax(dim=1)", (3, 5)),
    ("Softmax(dim=0)", (3, 5)),
    ("Softmax(dim=-1)", (2, 3, 4, 5)),
    ("Softmax(dim=-3)", (2, 3, 4, 5)),
    ("Softmax(dim=0)", (5,)),
    ("LogSoftmax(dim=1)", (3, 5)),
    ("LogSoftmax(dim=0)", (2, 3, 4)),
    ("LogSoftmax(dim=1)", (2, 3, 4, 5)),
    ("Dropout(0.0)", (3, 5)),
    ("Flatten()", (2, 3, 4, 5)),
    ("Flatten(0, 2)", (2, 3, 4, 5)),
    ("Flatten(-2)", (2, 3, 4)),
    ("Identity(7, unused=1)", (3, 5)),
    ("Sequential(Conv2d(1, 3, 3), BatchNorm2d(3), ReLU(), MaxPool2d(2), Flatten())", (5, 1, 4, 6)),
    ("Sequential(Sequential(Linear(3, 4), Tanh()), Sequential(), Linear(4, 2, bias=False))", (5, 3)),
]  # fmt: skip
MODES = [(*row, True) for row in LAYERS] + [(*row, False) for row in LAYERS if "BatchNorm" in row[0]]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("text", "shape", "training"),
    MODES,
    ids=[f"{text} {list(shape)} {'train' if training else 'eval'}" for text, shape, training in MODES],
)
def test_layer(text, shape, training, precision):
    ours, theirs = pair(text, training)
    agree(ours, theirs, [array(*shape)], precision)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "text", ["BatchNorm2d(3)", "BatchNorm2d(3, momentum=None)", "BatchNorm2d(3, momentum=0.7)"]
)
def test_running_statistics_over_several_batches(text, precision):
    ours, theirs = pair(text)
    for seed in range(3):
        agree(ours, theirs, [array(4, 3, 2, 5, seed=seed) * 3 + 10], precision)
        ours.zero_grad(), theirs.zero_grad()
    agree(ours.eval(), theirs.eval(), [array(4, 3, 2, 5)], precision)


def test_batch_norm_follows_its_momentum_and_counts_on_its_own():
    x, norm = fn.tensor(array(4, 3) + 5, dtype="float32"), nn.BatchNorm1d(3)
    norm(x)
    twins = copy.deepcopy(norm), pickle.loads(pickle.dumps(norm))
    before = norm.running_mean.detach().clone()
    norm.momentum = 0.0
    norm(x)
    np.testing.assert_array_equal(norm.running_mean.data, before.data)
    norm.momentum = 1.0
    norm(x)
    np.testing.assert_allclose(norm.running_mean.data, x.data.mean(0), rtol=1e-6)
    assert norm.state_dict()["num_batches_tracked"].item() == 3
    for twin in twins:
        assert twin.num_batches_tracked.item() == 1
        twin(x)
        assert twin.num_batches_tracked.item() == 2
        assert twin.num_batches_tracked.data.shape == ()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("text", "shape"), [row for row in LAYERS if row[0].startswith("Conv2d")])
def test_both_convolution_algorithms(text, shape, precision):
    ours, theirs = pair(text)
    ours.algorithm = (
        "im2col" if precision in ("cython", "numba") else "direct"
    )  # the one that is not the default
    agree(ours, theirs, [array(*shape)], precision)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("text", "shape"), [row for row in LAYERS if row[0] in ("Conv2d(3, 4, 3)", "Conv2d(2, 3, 3, padding=4)")]
)
def test_winograds_convolution(text, shape, precision):
    ours, theirs = pair(text)
    ours.algorithm = "winograd"
    agree(ours, theirs, [array(*shape)], precision)


def test_native_code_takes_winograds_convolution_where_it_pays():
    def chosen(c, o, size, dtype="float32", **options):
        x = fn.tensor(np.ones((1, c, size, size)), dtype=dtype)
        weight = fn.tensor(np.ones((o, c // options.get("groups", 1), 3, 3)), dtype=dtype, requires_grad=True)
        return F.conv2d(x, weight, **options)._node.op.name

    with fn.use_backend("cython"):
        assert [chosen(16, 32, 13), chosen(32, 32, 11), chosen(128, 128, 6, padding=1)] == [
            "conv2d_winograd"
        ] * 3
        assert chosen(16, 16, 8, algorithm="direct") == chosen(15, 16, 8) == chosen(16, 15, 8) == "conv2d"
        assert chosen(16, 129, 8) == chosen(16, 16, 7) == chosen(16, 16, 9, stride=2) == "conv2d"
        assert chosen(32, 32, 8, groups=2) == chosen(16, 16, 12, dilation=2) == "conv2d"
        assert chosen(16, 16, 8, "float64") == "conv2d_im2col"
    with fn.use_backend("numpy"):
        assert chosen(16, 16, 8) == "conv2d_im2col"


def test_even_kernels_with_same_padding():
    functions = [
        lambda *tensors, f=f: f(*tensors, padding="same") for f in (torch.nn.functional.conv2d, F.conv2d)
    ]
    for kernel in ((2, 2), (4, 3), (1, 6)):
        inputs = [array(2, 3, 5, 6), array(4, 3, *kernel, seed=1), array(4, seed=2)]
        with warnings.catch_warnings(action="ignore"):  # that PyTorch copies its input
            expected = run(functions[0], inputs, their_tensor)
        compare(run(functions[1], inputs, our_tensor("float64")), expected, "float64")


FUNCTIONS = [  # every layer as a function: the call, shapes of its tensors
    ("F.linear(x, w, b)", [(4, 3), (2, 3), (2,)]),
    ("F.conv2d(x, w, b, stride=2, padding=1)", [(2, 3, 5, 5), (4, 3, 3, 3), (4,)]),
    ("F.max_pool2d(x, 2, return_indices=True)", [(2, 3, 5, 5)]),
    ("F.avg_pool2d(x, 2, padding=1, count_include_pad=False)", [(2, 3, 5, 5)]),
    ("F.batch_norm(x, None, None, w, b, training=True)", [(4, 3), (3,), (3,)]),
    ("F.relu(x)", [(3, 4)]),
    ("F.leaky_relu(x, 0.2)", [(3, 4)]),
    ("F.sigmoid(x)", [(3, 4)]),
    ("F.tanh(x)", [(3, 4)]),
    ("F.softmax(x, dim=-1)", [(3, 4)]),
    ("F.log_softmax(x, dim=0)", [(3, 4)]),
    ("F.dropout(x, 0.5, training=False)", [(3, 4)]),
    ("F.pad(x, (1, 2, 0, 3), value=1.5)", [(3, 4)]),
]


@pytest.mark.parametrize(("text", "shapes"), FUNCTIONS, ids=[text for text, _ in FUNCTIONS])
def test_function(text, shapes):
    inputs = [array(*shape, seed=i) for i, shape in enumerate(shapes)]

    def call(functional):
        return lambda *tensors: eval(text, {"F": functional} | dict(zip("xwb", tensors, strict=False)))

    expected = run(call(torch.nn.functional), inputs, their_tensor)
    compare(run(call(F), inputs, our_tensor("float64")), expected, "float64")
    assert call(F)(*inputs) is not None  # arrays will do


def test_softmax_chooses_its_axis_as_pytorch_does():
    for shape in ((4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)):
        with pytest.warns(UserWarning, match="Implicit dimension"):
            expected = torch.nn.Softmax()(torch.tensor(array(*shape))).numpy()
        np.testing.assert_allclose(nn.Softmax()(array(*shape)), expected, rtol=1e-12)


EXTREME = np.array([[0, 1e-30, -1e-30, 80, -80, 1e4, -1e4, np.inf, -np.inf]])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "text", ["ReLU()", "LeakyReLU()", "Sigmoid()", "Tanh()", "Softmax(1)", "LogSoftmax(1)"]
)
def test_extreme_values(text, precision):
    values = EXTREME if "oftmax" not in text else EXTREME[:, :7]
    ours, theirs = pair(text)
    agree(ours, theirs, [values], precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_nan_is_not_hidden(precision):
    x = our_tensor(precision)(np.array([[1.0, np.nan, 3.0, 4.0]])).detach()
    image = x.reshape(1, 1, 2, 2)
    with back_end(precision):
        for y in (
            F.relu(x),
            F.leaky_relu(x),
            F.sigmoid(x),
            F.tanh(x),
            F.softmax(x, 1),
            F.max_pool2d(image, 2),
        ):
            assert np.isnan(y.numpy()).any()
        assert np.isnan(F.avg_pool2d(image, 2).numpy()).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_dropout(precision):
    x = our_tensor(precision)(np.ones((200, 100)))
    layer = nn.Dropout(0.25, generator=fn.Generator(3))
    with back_end(precision):
        y, again = layer(x), layer(x)
        y.backward(np.full(y.shape, 2.0))
    kept = y.data != 0
    assert abs(kept.mean() - 0.75) < 0.01
    np.testing.assert_allclose(y.data[kept], 4 / 3, rtol=1e-6)
    np.testing.assert_allclose(x.grad.data, 2 * y.data, rtol=1e-6)  # backward drops the same places
    assert ((again.data != 0) != kept).any()
    assert layer.eval()(x) is x
    layer.train().generator.manual_seed(3)
    np.testing.assert_array_equal(layer(x.double()).data != 0, kept)  # from the seed, on any back end
    np.testing.assert_array_equal(F.dropout(x, 1.0).data, 0)


def test_initial_values():
    fn.manual_seed(0)
    for text, bound in (("Linear(50, 400)", 50**-0.5), ("Conv2d(4, 60, (3, 5), groups=2)", 30**-0.5)):
        layer, theirs = eval(text, words(nn)), eval(text, vars(torch.nn).copy())
        for name, p in layer.named_parameters():
            t = dict(theirs.named_parameters())[name]
            assert p.shape == tuple(t.shape)
            assert p.dtype == np.float32
            assert p.requires_grad
            assert 0.9 * bound < np.abs(p.data).max() <= bound
            assert t.abs().max() <= bound
    fn.manual_seed(0)
    first = nn.Linear(3, 3).weight.data
    fn.manual_seed(0)
    np.testing.assert_array_equal(nn.Linear(3, 3).weight.data, first)
