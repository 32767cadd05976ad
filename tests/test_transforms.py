"""Transforms: right for cases whose answer is known, alike for both layouts, and reproducible."""

import numpy as np
import pytest

from fastnano.data import (
    Compose,
    Normalize,
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
    ToFloat,
    Transform,
)

RANDOM = [RandomShift, RandomRotation, RandomHorizontalFlip]
SETTING = {RandomShift: 3, RandomRotation: 30, RandomHorizontalFlip: 0.5}


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 12, 9), dtype=np.uint8)


def test_to_float_scales_bytes_and_keeps_floats(images: np.ndarray) -> None:
    x = ToFloat()(images)
    assert x.dtype == np.float32
    assert x.shape == (7, 1, 12, 9)
    np.testing.assert_allclose(x[:, 0], images / 255, rtol=1e-6)
    np.testing.assert_allclose(ToFloat()(x.astype(np.float64)), x, rtol=1e-6)


def test_normalize_is_its_formula(images: np.ndarray) -> None:
    expected = (images / 255 - 0.1307) / 0.3081
    for batch in (images, (images / 255), (images / 255).astype(np.float32)):
        x = Normalize(0.1307, 0.3081)(batch)
        assert x.dtype == np.float32
        np.testing.assert_allclose(x[:, 0], expected, atol=1e-5)


def test_normalize_per_channel(images: np.ndarray) -> None:
    colour = np.stack([images, images, images], 1)
    x = Normalize([0.1, 0.2, 0.3], [1, 2, 4])(colour)
    assert x.shape == (7, 3, 12, 9)
    np.testing.assert_allclose(x[:, 2], (images / 255 - 0.3) / 4, atol=1e-6)
    with pytest.raises(ValueError, match=r"mean has 2 values for images of 3 channels, expected 1 or 3"):
        Normalize([0.1, 0.2])(colour)


@pytest.mark.parametrize("kind", RANDOM)
def test_random_transforms(kind: type[Transform], images: np.ndarray) -> None:
    before = images.copy()
    first = kind(SETTING[kind], seed=3)(images)
    assert first.dtype == images.dtype
    assert first.shape == images.shape
    assert not np.array_equal(first, images)
    np.testing.assert_array_equal(images, before)  # the input is left alone
    np.testing.assert_array_equal(first, kind(SETTING[kind], seed=3)(images))
    np.testing.assert_array_equal(first, kind(SETTING[kind])(images, np.random.default_rng(3)))
    assert not np.array_equal(first, kind(SETTING[kind], seed=4)(images))

    assert kind(SETTING[kind])(images[:0]).shape == (0, 12, 9)
    stream = kind(SETTING[kind], seed=3)
    assert not np.array_equal(stream(images), stream(images))


@pytest.mark.parametrize("kind", RANDOM)
def test_channels_move_together(kind: type[Transform], images: np.ndarray) -> None:
    plain = kind(SETTING[kind], seed=3)(images)
    colour = kind(SETTING[kind], seed=3)(np.stack([images, images], 1))
    np.testing.assert_array_equal(colour, np.stack([plain, plain], 1))


def test_shift_moves_whole_images_both_ways() -> None:
    images = np.zeros((200, 9, 9), np.float32)
    images[:, 4, 4] = np.arange(1, 201)
    moved = RandomShift(2, seed=0)(images)
    n, y, x = np.nonzero(moved)
    np.testing.assert_array_equal(n, np.arange(200))
    np.testing.assert_array_equal(moved[n, y, x], np.arange(1, 201))
    assert set(y) == set(x) == {2, 3, 4, 5, 6}
    assert len(set(zip(y, x, strict=True))) == 25


def test_shift_brings_in_zeros() -> None:
    moved = RandomShift(1, seed=0)(np.ones((50, 3, 3), np.uint8))
    assert set(moved.sum((1, 2))) == {4, 6, 9}


@pytest.mark.parametrize(("degrees", "turns"), [(0, 0), (90, 1), (180, 2), (-90, 3)])
def test_rotation_by_right_angles(degrees: int, turns: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 2, 8, 8), dtype=np.uint8)
    turned = RandomRotation((degrees, degrees))(images)
    np.testing.assert_array_equal(turned, np.rot90(images, turns, axes=(-2, -1)))


def test_rotation_is_bilinear() -> None:
    """At 45 degrees the pixel right of the centre comes from sqrt(1/2) along both axes."""
    images = np.random.default_rng(0).random((1, 5, 5))
    turned = RandomRotation((-45, -45))(images)
    c = np.sqrt(0.5)
    block = images[0, 1:3, 2:4]  # up and right of the centre
    expected = np.array([c, 1 - c]) @ block @ np.array([1 - c, c])
    np.testing.assert_allclose(turned[0, 2, 3], expected, rtol=1e-6)
    np.testing.assert_allclose(turned[0, 2, 2], images[0, 2, 2], rtol=1e-6)


def test_rotation_beyond_the_edge_is_zero() -> None:
    turned = RandomRotation((45, 45))(np.ones((1, 9, 9), np.float32))
    assert turned[0, 0, 0] == turned[0, 8, 8] == 0
    assert turned[0, 4, 4] == 1


def test_flip_mirrors_with_probability() -> None:
    images = np.arange(3, dtype=np.uint8) + np.zeros((1000, 2, 3), np.uint8)
    np.testing.assert_array_equal(RandomHorizontalFlip(0.0)(images), images)
    np.testing.assert_array_equal(RandomHorizontalFlip(1.0)(images), images[..., ::-1])
    share = (RandomHorizontalFlip(0.3, seed=0)(images)[:, 0, 0] == 2).mean()
    assert 0.25 < share < 0.35


def test_compose_applies_in_order_and_passes_rng(images: np.ndarray) -> None:
    transform = Compose([RandomShift(2), lambda x: x // 2, ToFloat()])
    x = transform(images, np.random.default_rng(5))
    expected = ToFloat()(RandomShift(2, seed=5)(images) // 2)
    np.testing.assert_array_equal(x, expected)
    assert "RandomShift(pixels=2)" in repr(transform)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomShift(-1), r"pixels is -1, expected a whole number of 0 or more"),
        (lambda: RandomShift(1.5), r"pixels is 1.5"),
        (lambda: RandomRotation(-3), r"degrees is -3, expected 0 or more"),
        (lambda: RandomRotation((5, 1)), r"degrees is \(5, 1\)"),
        (lambda: RandomHorizontalFlip(1.1), r"p is 1.1, expected a probability"),
        (lambda: Normalize(0, 0), r"std is 0, expected a positive number"),
        (lambda: ToFloat()(np.zeros((28, 28))), r"ToFloat: images have shape \(28, 28\).*image\[None\]"),
    ],
)
def test_bad_arguments(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
