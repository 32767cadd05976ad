"""Shapes that nobody thought of: drawn by Hypothesis, always the same, and held against NumPy or the formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastnano as fn
from fastnano import nn
from fastnano.nn import functional as F
from oracle import array

drawn = settings(derandomize=True, max_examples=30, deadline=None, database=None)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)
PAIRS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "maximum": np.maximum,
    "where": None,
    "eq": np.equal,
}
SUMS = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "prod": np.prod, "logsumexp": None}


def leaf(*shape, seed=0):
    return fn.tensor(array(*shape, seed=seed), requires_grad=True)


def summed_to(gradient, shape):
    """The sum over the axes along which an array of this shape was broadcast."""
    wide = gradient.sum(tuple(range(gradient.ndim - len(shape))))
    return wide.sum(tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)


@pytest.mark.parametrize("name", PAIRS)
@drawn
@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4))
def test_two_shapes_broadcast(name, shapes):
    x, y = (leaf(*shape, seed=i) for i, shape in enumerate(shapes.input_shapes))
    if name == "where":
        z, expected = fn.where(x > 0, x, y), np.where(x.data > 0, x.data, y.data)
    else:
        z, expected = getattr(fn, name)(x, y), PAIRS[name](x.data, y.data)
    assert z.shape == shapes.result_shape
    np.testing.assert_array_equal(z.data, expected)
    if name != "eq":
        z.sum().backward()
        assert (x.grad.shape, y.grad.shape) == shapes.input_shapes
    if name == "mul":
        ones = np.ones(z.shape)
        np.testing.assert_allclose(x.grad.data, summed_to(ones * y.data, x.shape), rtol=1e-12, atol=1e-12)


@drawn
@given(shapes=hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=3, max_side=4))
def test_matrix_products_broadcast(shapes):
    x, y = (leaf(*shape, seed=i) for i, shape in enumerate(shapes.input_shapes))
    z = x @ y
    assert z.shape == shapes.result_shape
    np.testing.assert_allclose(z.data, x.data @ y.data, rtol=1e-12, atol=1e-12)
    z.sum().backward()
    assert (x.grad.shape, y.grad.shape) == shapes.input_shapes


@pytest.mark.parametrize("name", SUMS)
@drawn
@given(data=st.data(), shape=SHAPES, keepdim=st.booleans())
def test_reductions_over_axes(name, data, shape, keepdim):
    several = name != "prod"  # of one axis, as PyTorch's
    axes = data.draw(hnp.valid_tuple_axes(len(shape), min_size=1, max_size=None if several else 1))
    x = leaf(*shape)
    z = getattr(fn, name)(x, axes if several else axes[0], keepdim=keepdim)
    if name == "logsumexp":
        expected = np.log(np.exp(x.data).sum(axes, keepdims=keepdim))
    else:
        expected = SUMS[name](x.data, axes, keepdims=keepdim)
    np.testing.assert_allclose(z.data, expected, rtol=1e-12, atol=1e-12, strict=True)
    z.sum().backward()
    assert x.grad.shape == shape


@drawn
@given(data=st.data(), shape=SHAPES)
def test_there_and_back(data, shape):
    x = leaf(*shape)
    order = data.draw(st.permutations(range(len(shape))))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(shape) - 1)] * 2)))
    place = data.draw(st.integers(-len(shape) - 1, len(shape)))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    pieces = data.draw(st.integers(1, shape[axis]))
    for there, back in (
        (x.permute(*order), lambda y: y.permute(*np.argsort(order))),
        (x.reshape(-1), lambda y: y.reshape(*shape)),
        (x.flatten(start, end), lambda y: y.unflatten(start, shape[start : end + 1])),
        (x.unsqueeze(place), lambda y: y.squeeze(place)),
        (x.movedim(axis, 0), lambda y: y.movedim(0, axis)),
        (x.flip((axis,)), lambda y: y.flip((axis,))),
        (x.roll(pieces, axis), lambda y: y.roll(-pieces, axis)),
        (x.split(pieces, axis), lambda y: fn.cat(y, axis)),
        (x.unbind(axis), lambda y: fn.stack(y, axis)),
        (x.expand(3, *shape), lambda y: y[1]),
    ):
        again = back(there)
        np.testing.assert_array_equal(again.data, x.data, strict=True)
        x.grad = None
        again.sum().backward()
        np.testing.assert_array_equal(x.grad.data, 1)


def windows(draw, dims, dilations=(1, 2)):
    """Sizes, strides, paddings and dilations of windows, an image at least as large, and how many fit into it."""

    def numbers(low, high):
        return draw(st.tuples(*[st.integers(low, high)] * dims))

    kernel, stride, dilation, more = numbers(1, 3), numbers(1, 3), numbers(*dilations), numbers(0, 4)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    image = tuple(d * (k - 1) + 1 + m for d, k, m in zip(dilation, kernel, more, strict=True))
    places = tuple((m + 2 * p) // s + 1 for m, p, s in zip(more, padding, stride, strict=True))
    return image, kernel, {"stride": stride, "padding": padding, "dilation": dilation}, places


@pytest.mark.parametrize("dims", [1, 2, 3])
@drawn
@given(data=st.data(), batch=st.integers(0, 3), groups=st.integers(1, 2), channels=st.integers(1, 2))
def test_convolutions(dims, data, batch, groups, channels):
    image, kernel, numbers, places = windows(data.draw, dims)
    layer = getattr(nn, f"Conv{dims}d")(groups * channels, 2 * groups, kernel, **numbers, groups=groups)
    x = fn.randn(batch, groups * channels, *image, requires_grad=True)
    y = layer(x)
    assert y.shape == (batch, 2 * groups, *places)
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert layer.weight.grad.shape == layer.weight.shape
    if dims < 3:  # back to the image, but for what no window reaches
        window = {**numbers, "output_padding": 0, "groups": groups}
        reached = tuple(
            (q - 1) * s - 2 * p + d * (k - 1) + 1
            for q, k, s, p, d in zip(places, kernel, *numbers.values(), strict=True)
        )
        if min(reached) > 0:
            assert getattr(F, f"conv_transpose{dims}d")(y, layer.weight, **window).shape[2:] == reached


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@drawn
@given(data=st.data())
def test_poolings(dims, kind, data):
    image, kernel, numbers, places = windows(data.draw, dims, (1, 2) if kind == "max" else (1, 1))
    if kind == "avg":
        del numbers["dilation"]
    x = leaf(2, 3, *image)
    y = getattr(F, f"{kind}_pool{dims}d")(x, kernel, **numbers)
    assert y.shape == (2, 3, *places)
    dy = np.ones(y.shape)
    y.backward(dy)
    assert x.grad.shape == x.shape
    if kind == "max":
        np.testing.assert_allclose(x.grad.data.sum(), dy.sum())
