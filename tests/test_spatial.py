"""Convolution, pooling, padding and upsampling: plans, errors, and what the table of PyTorch's cases does not hold."""

import warnings
from functools import partial

import numpy as np
import pytest

import fastnano as fn
from fastnano import architecture, nn
from fastnano._graph import gradcheck
from fastnano.inspect import summary
from oracle import array, compare, our_tensor, run, their_tensor, torch
from twins import check
from words import words

F = nn.functional


# Plans

PLANNED = [  # of (N, 2, 7, 6); each trains on in a layer behind
    "ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1), Tanh(), ConvTranspose2d(4, 4, 2, groups=2)",
    "Flatten(2), Conv1d(2, 4, 3, padding=1), ReLU(), MaxPool1d(2), ConvTranspose1d(4, 2, 2, stride=2), AvgPool1d(3)",
    "Unflatten(1, (1, 2)), Conv3d(1, 3, (2, 3, 3), padding=1, stride=(1, 2, 1)), ReLU(), MaxPool3d(2)",
    "Unflatten(1, (1, 2)), Conv3d(1, 2, 1), AvgPool3d((2, 1, 2)), AdaptiveAvgPool3d((1, 3, 2))",
    *(f"Conv2d(2, 3, 3, padding=2, padding_mode='{mode}')" for mode in ("reflect", "replicate", "circular")),
    "ZeroPad2d((-1, 2, 0, 1)), Conv2d(2, 3, 3), AdaptiveAvgPool2d((4, 3)), AdaptiveMaxPool2d((3, 2))",
    "Conv2d(2, 6, 3), ReLU(), AdaptiveAvgPool2d(1)",
    "Conv2d(2, 4, 3), PixelShuffle(2), UpsamplingNearest2d(scale_factor=2), Conv2d(1, 2, 3), PixelUnshuffle(2)",
    "Conv2d(2, 3, 3), Upsample(scale_factor=1.5, mode='bilinear')",
    "Conv2d(2, 3, 3), Upsample((7, 5), mode='bicubic', align_corners=True)",
    "Unfold(3, stride=2), Fold((7, 6), 3, stride=2), Conv2d(2, 3, 3), MixedPool2d(2, channels=3), MixedPool2d(2)",
    "Conv2d(2, 3, 3), Sigmoid(), LPPool2d(2, 2)",
]


def with_output(text):
    """The layers with a dense one of the size that they lead to."""
    front = nn.Sequential(*eval(f"[{text}, Flatten()]", words(nn)))
    size = front(np.zeros((1, 2, 7, 6), np.float32)).shape[1]
    return nn.Sequential(*front, nn.Linear(size, 5))


@pytest.mark.parametrize("text", PLANNED)
def test_plans_take_them(text):
    check(lambda: with_output(text), steps=8)


# What PyTorch has otherwise, or not


def test_mixed_pooling_is_its_formula():
    x = array(2, 3, 7, 6)
    for channels in (None, 3):
        pool = nn.MixedPool2d(3, stride=2, padding=1, channels=channels).double()
        assert pool.mixing.shape == (channels or 1, 1, 1)
        mean, most = (f(fn.tensor(x), 3, 2, 1).data for f in (F.avg_pool2d, F.max_pool2d))
        np.testing.assert_allclose(pool(x), (mean + most) / 2, rtol=1e-12)
        pool.mixing.data[...] = array(*pool.mixing.shape)
        a = 1 / (1 + np.exp(-pool.mixing.data))
        np.testing.assert_allclose(pool(x), a * most + (1 - a) * mean, rtol=1e-12)
        assert gradcheck(pool, [fn.tensor(x, requires_grad=True)])
        pool(fn.tensor(x)).sum().backward()
        slope = ((most - mean) * a * (1 - a)).sum(axis=(0, 2, 3), keepdims=True)[0]
        want = slope if channels else slope.sum(axis=0, keepdims=True)
        np.testing.assert_allclose(pool.mixing.grad.data, want, rtol=1e-10)
    assert repr(pool) == "MixedPool2d(kernel_size=3, stride=2, padding=1, channels=3)"


def test_even_kernels_with_same_padding_of_signals_and_volumes():
    for name, shape, kernel in (("conv1d", (2, 3, 7), (4,)), ("conv3d", (2, 3, 4, 5, 6), (2, 3, 4))):
        inputs = [array(*shape), array(4, 3, *kernel, seed=1), array(4, seed=2)]
        theirs, ours = (
            partial(getattr(library, name), padding="same") for library in (torch.nn.functional, F)
        )
        with warnings.catch_warnings(action="ignore"):  # that PyTorch copies its input
            expected = run(theirs, inputs, their_tensor)
        compare(run(ours, inputs, our_tensor("float64")), expected, "float64")


@pytest.mark.parametrize("size", [(9, 7), (10, 8), (2, 3, 9, 8)])
def test_the_output_size_of_a_transposed_convolution(size):
    ours, theirs = (m.ConvTranspose2d(2, 3, 3, stride=2, padding=1, bias=False) for m in (nn, torch.nn))
    ours.load_state_dict(theirs.state_dict())
    x = array(2, 2, 5, 4).astype("f")
    want = theirs(torch.tensor(x), output_size=size).detach().numpy()
    np.testing.assert_allclose(ours(fn.tensor(x), output_size=size).data, want, rtol=1e-5, atol=1e-5)


def test_a_transposed_convolution_is_the_transpose_of_one():
    weight, x, y = array(4, 3, 3, 2), array(2, 3, 9, 8), array(2, 4, 5, 3)
    window = {"stride": (2, 3), "padding": (1, 0), "dilation": 1}
    forth = F.conv2d(x, weight, **window).data
    back = F.conv_transpose2d(y, weight, output_padding=(0, 0), **window).data
    np.testing.assert_allclose((forth * y).sum(), (back * x).sum(), rtol=1e-12)


def test_initial_values_are_uniform_within_pytorchs_bounds():
    for text in (
        "Conv1d(4, 300, 5, groups=2)",
        "Conv3d(2, 100, (1, 3, 2))",
        "ConvTranspose1d(100, 6, 3, groups=2)",
        "ConvTranspose2d(50, 8, (3, 5), groups=2)",
    ):
        ours, theirs = eval(f"nn.{text}"), eval(f"nn.{text}", {"nn": torch.nn})
        bound = np.prod(theirs.weight.shape[1:]) ** -0.5
        weight = ours.weight.data
        assert weight.shape == tuple(theirs.weight.shape)
        assert 0.97 * bound < np.abs(weight).max() <= bound
        assert np.abs(ours.bias.data).max() <= bound
        assert abs(weight.mean()) < 0.1 * bound
        assert theirs.weight.abs().max() <= bound < theirs.weight.abs().max() * 1.05


def test_of_an_empty_batch_pixels_are_shuffled_too():  # where PyTorch's backward fails
    x = fn.tensor(np.ones((0, 4, 3, 3)), requires_grad=True)
    F.pixel_shuffle(x, 2).sum().backward()
    assert x.grad.shape == (0, 4, 3, 3)


def test_unpooling_leaves_its_indices_checked():
    y, at = F.max_pool2d(fn.tensor(array(1, 2, 5, 7)), 2, return_indices=True)
    assert F.max_unpool2d(y, at, 2, output_size=(1, 2, 5, 7)).shape == (1, 2, 5, 7)
    with pytest.raises(ValueError, match=r"max_unpool2d: indices .* do not lie in a plane of \(4, 6\)"):
        F.max_unpool2d(y, at, 2)
    with pytest.raises(ValueError, match=r"output_size=\(9, 7\) must be within stride=\(2, 2\) of \(4, 6\)"):
        F.max_unpool2d(y, at, 2, output_size=(9, 7))
    with pytest.raises(ValueError, match="indices are float64"):
        F.max_unpool2d(y, y, 2)


def test_descriptions_rebuild_them():
    for layer in (
        nn.ConvTranspose2d(2, 3, 3, output_padding=0, dilation=2, bias=False),
        nn.Conv1d(2, 3, 3, padding="same", padding_mode="circular"),
        nn.AvgPool1d(2),
        nn.LPPool2d(2.0, 3),
        nn.MixedPool2d(2, channels=4),
        nn.ReflectionPad2d((1, 2, 0, 1)),
        nn.ConstantPad1d(1, 0.5),
        nn.Upsample(scale_factor=(2, 3), mode="bilinear", align_corners=True),
        nn.UpsamplingBilinear2d(scale_factor=2),
        nn.Unflatten(1, (2, -1)),
    ):
        assert repr(architecture.build(architecture.describe(layer))) == repr(layer)


def test_lines_and_summaries_know_them():
    line = "conv 4 3, relu, convtranspose 2 4 2 1, adaptiveavgpool 1, flatten, dense 3"
    net = architecture.parse_layers(line, (1, 8, 8))
    assert net(np.zeros((1, 1, 8, 8), np.float32)).shape == (1, 3)
    products = next(row for row in summary(net, (1, 8, 8)).splitlines() if "ConvTranspose2d" in row).split()[
        -1
    ]
    assert products == f"{4 * 6 * 6 * 2 * 4 * 4:,}"


def ones(*shape):
    return fn.tensor(np.ones(shape, np.float32))


ERRORS = [
    (lambda: nn.Conv1d(1, 1, (3, 3)), r"Conv1d: kernel_size=\(3, 3\) must be one integer$"),
    (lambda: nn.Conv3d(1, 1, (3, 3)), r"Conv3d: kernel_size=\(3, 3\) must be one integer or three"),
    (lambda: nn.Conv1d(1, 1, 3)(ones(3)), r"conv1d: input has shape \(3,\), expected \(N, C, L\) or \(C, L\)"),
    (lambda: nn.Conv1d(1, 1, 3)(ones(1, 1, 2)), "conv1d: the kernel reaches over 3 .* padded length 2"),
    (lambda: nn.Conv1d(2, 1, 3)(ones(1, 1, 5)), "conv1d: input has 1 channels, but weight has 2"),
    (lambda: nn.Conv3d(1, 1, 3)(ones(1, 1, 2, 5, 5)), "conv3d: the kernel reaches over 3 .* padded depth 2"),
    (lambda: F.conv3d(ones(1, 1, 3, 3, 3), ones(1, 1, 3, 3)), r"conv3d: weight .* expected \(O, C/groups, J, K, L\)"),
    (lambda: nn.Conv2d(1, 1, 3, padding=3, padding_mode="reflect")(ones(1, 1, 3, 9)), "mode='reflect' can fill .* 3"),
    (lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"), "padding_mode='reflect' must be one of 'zeros'"),
    (lambda: nn.ConvTranspose2d(4, 3, 3, groups=2), "groups=2 must divide in_channels=4 and out_channels=3"),
    (
        lambda: nn.ConvTranspose2d(1, 1, 3, output_padding=1)(ones(1, 1, 2, 2)),
        r"conv_transpose2d: output_padding=\(1, 1\) must be at least 0 and smaller than stride=\(1, 1\)",
    ),
    (lambda: nn.ConvTranspose2d(1, 1, 2, padding=3)(ones(1, 1, 2, 2)), r"gives an output of \(-3, -3\)"),
    (
        lambda: nn.ConvTranspose2d(1, 1, 2, 2)(ones(1, 1, 2, 2), output_size=(6, 4)),
        r"output_size=\(6, 4\) must be from \(4, 4\) to \(5, 5\) for an input of \(2, 2\)",
    ),
    (lambda: F.conv_transpose2d(ones(1, 3, 2, 2), ones(3, 1, 2, 2), groups=2), "groups=2 must divide in_channels=3"),
    (lambda: F.conv_transpose1d(ones(1, 2, 2), ones(3, 1, 2)), r"input has shape .* expected \(N, 3, P, Q\)"),
    (lambda: F.conv_transpose2d(ones(1, 1, 2, 2), ones(1, 2, 2, 2), ones(3)), r"bias has shape \(3,\), but .* 2"),
    (lambda: nn.MaxPool1d(2, padding=2)(ones(1, 1, 4)), r"max_pool1d: padding=\(2,\) must be at most half"),
    (lambda: nn.MaxPool3d(2, 1, 1, 5)(ones(1, 1, 4, 9, 9)), "max_pool3d: .* only padding=1 along the depth 4"),
    (lambda: nn.AvgPool3d(4)(ones(1, 1, 4, 3, 4)), "avg_pool3d: the kernel reaches over 4 .* height 3"),
    (lambda: nn.AdaptiveAvgPool2d((1, 2, 3))(ones(1, 1, 4, 4)), "output_size=.* must be one integer or 2"),
    (lambda: nn.AdaptiveMaxPool2d(0)(ones(1, 1, 4, 4)), "adaptive_max_pool2d: output_size=0 must be at least 1"),
    (lambda: F.lp_pool2d(ones(1, 1, 4, 4), 0, 2), "lp_pool2d: norm_type=0 must be a number other than 0"),
    (lambda: nn.MixedPool2d(2, channels=0), "MixedPool2d: channels=0 must be at least 1"),
    (lambda: F.pad(ones(1, 2, 3), (1, 1), mode="mirror"), "pad: mode='mirror' must be one of 'constant', 'reflect'"),
    (lambda: F.pad(ones(1, 2, 3), (1, 4), mode="circular"), r"pad: \(1, 4\) is more than mode='circular' can"),
    (lambda: F.pad(ones(1, 2, 3, 4), (1, 1), mode="reflect"), "pad: mode='reflect' takes input of shape"),
    (lambda: F.pad(ones(1, 2, 3), (1, 1), mode="reflect", value=1.0), "pad: value=1.0 is for mode='constant'"),
    (lambda: nn.ReflectionPad2d((1, 2)), r"ReflectionPad2d: padding=\(1, 2\) must be one integer or 4"),
    (lambda: nn.Upsample()(ones(1, 1, 2)), "interpolate: give one of size and scale_factor, got None and None"),
    (lambda: nn.Upsample(2, mode="bilinear")(ones(1, 1, 2)), "which mode='bilinear' is not for"),
    (lambda: nn.Upsample(2, mode="cubic")(ones(1, 1, 2)), "mode='cubic' must be one of 'nearest'"),
    (lambda: nn.Upsample(2, align_corners=True)(ones(1, 1, 2)), "align_corners=True is not for mode='nearest'"),
    (lambda: nn.Upsample(scale_factor=0.1)(ones(1, 1, 2)), r"scale_factor=0\.1 leaves nothing of \(2,\)"),
    (lambda: nn.Upsample(scale_factor=(2.0, -1.0))(ones(1, 1, 2, 2)), "scale_factor=.* must be one number above 0"),
    (lambda: F.pixel_shuffle(ones(1, 3, 2, 2), 2), r"pixel_shuffle: input has shape \(1, 3, 2, 2\), .*factor=2"),
    (lambda: F.pixel_unshuffle(ones(1, 3, 2, 3), 2), r"pixel_unshuffle: input has shape \(1, 3, 2, 3\)"),
    (lambda: F.unfold(ones(1, 1, 2, 2), 3), "unfold: the kernel reaches over 3"),
    (lambda: F.fold(ones(1, 4, 3), 3, 2), r"fold: input has shape \(1, 4, 3\), expected \(N, C · 4, 4\)"),
    (lambda: nn.Unflatten(1, (2, 3))(ones(2, 5)), r"Unflatten: unflattened_size=\(2, 3\) must multiply to the 5"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[row[1] for row in ERRORS])
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
@pytest.mark.parametrize("sides", [(-1, 2), (2, -1), (1, -2), (-2, 3), (0, -2)])
def test_padding_that_cuts_and_fills(sides, mode):
    x = np.arange(1.0, 6).reshape(1, 1, 5)
    found = [lib.nn.functional.pad(lib.tensor(x), sides, mode).numpy() for lib in (fn, torch)]
    np.testing.assert_array_equal(*found)
