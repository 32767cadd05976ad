"""Noise, erasing, elastic distortions, MixUp and CutMix: their formulas, reproducible, and in training."""

import numpy as np
import pytest

import fastnano
from fastnano import nn, optim
from fastnano.data import (
    Compose,
    CutMix,
    Cutout,
    DataLoader,
    ElasticTransform,
    GaussianNoise,
    MixUp,
    RandomErasing,
    RandomShift,
    TensorDataset,
)

KINDS = {
    "noise": lambda seed=None: GaussianNoise(sigma=0.2, seed=seed),
    "cutout": lambda seed=None: Cutout(4, value=7, seed=seed),
    "erasing": lambda seed=None: RandomErasing(p=0.8, value=7, seed=seed),
    "elastic": lambda seed=None: ElasticTransform(20, 3, seed=seed),
}
each = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def pictures(*shape, dtype=np.uint8):
    x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return x if dtype == np.uint8 else (x / 255).astype(dtype)


@each
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
@pytest.mark.parametrize("shape", [(7, 12, 9), (7, 3, 12, 9), (1, 1, 1), (0, 12, 9)], ids=str)
def test_shapes_dtypes_and_seeds(make, dtype, shape):
    images = pictures(*shape, dtype=np.dtype(dtype))
    before = images.copy()
    first = make(3)(images)
    assert first.dtype == images.dtype
    assert first.shape == shape
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(first, make(3)(images))
    np.testing.assert_array_equal(first, make()(images, np.random.default_rng(3)))
    if images.size > 7:
        assert not np.array_equal(first, images)
        stream = make(3)
        assert not np.array_equal(stream(images), stream(images))
        assert not np.array_equal(first, make(4)(images))


@pytest.mark.parametrize("kind", ["cutout", "erasing", "elastic"])
def test_channels_change_together(kind):
    images = pictures(5, 12, 9)
    plain, colour = (KINDS[kind](3)(x) for x in (images, np.stack([images, images], 1)))
    np.testing.assert_array_equal(colour, np.stack([plain, plain], 1))


def test_noise_has_its_mean_and_deviation_and_stays_in_range():
    grey = np.full((50, 28, 28), 128, np.uint8)
    noise = GaussianNoise(mean=0.05, sigma=0.1, seed=0)(grey) / 255 - 128 / 255
    assert noise.mean() == pytest.approx(0.05, abs=2e-3)
    assert noise.std() == pytest.approx(0.1, abs=2e-3)
    floats = GaussianNoise(sigma=0.5, seed=0)(np.full((5, 28, 28), 0.5, "f"))
    assert (floats.min(), floats.max()) == (0, 1)
    assert GaussianNoise(sigma=0.5, clip=False, seed=0)(np.zeros((5, 28, 28), "f")).min() < -1


def extents(erased):
    """Height and width of what was erased in each image."""
    return erased.any(2).sum(1), erased.any(1).sum(1)


def test_cutout_erases_a_square_that_may_lie_half_outside():
    erased = Cutout(4, value=7, seed=0)(np.zeros((500, 12, 9), np.uint8)) == 7
    tall, wide = extents(erased)
    np.testing.assert_array_equal(erased.sum((1, 2)), tall * wide)
    assert set(tall) == set(wide) == {2, 3, 4}
    assert set(np.argwhere(erased)[:, 1]) == set(range(12))


def test_erasing_has_its_probability_area_and_ratio():
    transform = RandomErasing(p=0.3, scale=(0.1, 0.2), ratio=(0.5, 2.0), value=1, seed=0)
    erased = transform(np.zeros((2000, 40, 40), np.float32)) == 1
    area, (tall, wide) = erased.sum((1, 2)), extents(erased)
    hit = area > 0
    assert 0.27 < hit.mean() < 0.33
    np.testing.assert_array_equal(area, tall * wide)
    assert 0.09 * 1600 <= area[hit].min() < area[hit].max() <= 0.21 * 1600
    assert 0.45 < (tall[hit] / wide[hit]).min() < (tall[hit] / wide[hit]).max() < 2.2
    assert erased[:, 0].any()
    assert erased[:, -1].any()
    whole = RandomErasing(p=1, scale=(1, 1), ratio=(4, 4), value=1, seed=0)(np.zeros((1, 6, 6), "f"))
    assert whole.sum() == 18  # 12 x 3, but the image has 6 rows


def test_elastic_distortion_is_its_formula():
    images = np.random.default_rng(1).random((2, 9, 8))
    alpha, sigma = 5.0, 2.0
    got = ElasticTransform(alpha, sigma)(images, np.random.default_rng(5))
    field = np.random.default_rng(5).random((2, 2, 9, 8), np.float32) * 2 - 1
    far = np.arange(-40, 41)
    total = np.exp(-(far**2) / (2 * sigma**2)).sum()

    def value(image, y, x):
        return image[int(y), int(x)] if 0 <= y < 9 and 0 <= x < 8 else 0.0

    for n, i, j in [(0, 4, 4), (1, 0, 0), (0, 8, 3), (1, 5, 7)]:
        weight = (
            np.exp(-((np.arange(9)[:, None] - i) ** 2 + (np.arange(8) - j) ** 2) / (2 * sigma**2)) / total**2
        )
        y, x = (p + alpha * (weight * field[k, n]).sum() for k, p in enumerate((i, j)))
        fy, fx = y - np.floor(y), x - np.floor(x)
        y, x = np.floor(y), np.floor(x)
        image = images[n]
        expected = (1 - fy) * ((1 - fx) * value(image, y, x) + fx * value(image, y, x + 1))
        expected += fy * ((1 - fx) * value(image, y + 1, x) + fx * value(image, y + 1, x + 1))
        assert got[n, i, j] == pytest.approx(expected, abs=1e-5)
    np.testing.assert_array_equal(ElasticTransform(0, 3)(images), images)


def batch():
    return pictures(8, 1, 6, 5), np.arange(8) % 3


def test_mixup_is_its_formula():
    x, y = batch()
    mixed, targets = MixUp(alpha=0.4, num_classes=3)(x, y, np.random.default_rng(2))
    rng = np.random.default_rng(2)
    share, other = np.float32(rng.beta(0.4, 0.4)), rng.permutation(8)
    np.testing.assert_array_equal(mixed, np.rint(share * x + (1 - share) * x[other]).astype(np.uint8))
    np.testing.assert_allclose(targets, share * np.eye(3)[y] + (1 - share) * np.eye(3)[y[other]], rtol=1e-6)
    assert targets.dtype == np.float32
    again, twice = MixUp(num_classes=3, seed=1)((x / 255).astype("f"), targets)
    assert again.dtype == np.float32
    np.testing.assert_allclose(twice.sum(1), 1, rtol=1e-6)


def test_cutmix_cuts_one_rectangle_and_shares_by_area():
    x = np.arange(40, dtype=np.uint8)[:, None, None, None] + np.zeros((40, 2, 10, 10), np.uint8)
    cut, kept = CutMix(num_classes=40, seed=0), []
    for _ in range(30):
        mixed, targets = cut(x, np.arange(40))
        foreign = mixed != x
        np.testing.assert_array_equal(foreign[:, 0], foreign[:, 1])
        where = foreign[:, 0].any(0)
        assert where.sum() == where.any(0).sum() * where.any(1).sum()
        share = 1 - where.mean()
        kept.append(share)
        for n in np.flatnonzero(foreign.any((1, 2, 3))):
            other = mixed[n][foreign[n]][0]
            np.testing.assert_allclose(
                targets[n], share * np.eye(40)[n] + (1 - share) * np.eye(40)[other], atol=1e-6
            )
    assert min(kept) < 0.4
    assert max(kept) > 0.9


def test_a_loader_mixes_after_its_transform_and_in_the_same_way_each_time():
    x, y = batch()
    loader = DataLoader(
        TensorDataset(x, y), 4, shuffle=True, seed=5, transform=RandomShift(1), mix=MixUp(num_classes=3)
    )
    first = list(loader)
    loader.set_epoch(0)
    for a, b in zip(first, loader, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other)
    assert first[0][1].shape == (4, 3)
    assert "mix=MixUp(alpha=1.0, num_classes=3)" in repr(loader)


@pytest.mark.parametrize("mix", [MixUp(num_classes=3), CutMix(alpha=0.5, num_classes=3)], ids=repr)
def test_training_with_mixed_batches(mix):
    fastnano.manual_seed(0)
    x = np.zeros((90, 6, 6), np.uint8)
    y = np.arange(90) % 3
    x[np.arange(90), :, y * 2] = 200
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    trainer = fastnano.Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net.parameters(), lr=0.02))
    history = trainer.fit((x, y), (x, y), epochs=5, batch_size=10, mix=mix, progress=False)
    assert history.eager == f"the batches go through {mix!r}, which is Python code"
    assert "accuracy" not in history.last
    assert history.last["val_accuracy"] > 0.9


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_the_trainer_says_that_distortions_have_no_plan(make):
    x, y = pictures(20, 6, 6), np.arange(20) % 2
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 2))
    trainer = fastnano.Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters()))
    augment = Compose([RandomShift(1), make()])
    history = trainer.fit((x, y), augment=augment, progress=False)
    assert history.eager == f"the images go through {make()!r}, which is Python code"


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: GaussianNoise(sigma=-1), ValueError, r"sigma is -1, expected 0 or more"),
        (lambda: Cutout(0), ValueError, r"Cutout: size is 0"),
        (lambda: RandomErasing(2), ValueError, r"p is 2, expected a probability"),
        (lambda: RandomErasing(scale=(0.5, 0.2)), ValueError, r"scale is \(0.5, 0.2\)"),
        (lambda: RandomErasing(ratio=(0, 1)), ValueError, r"ratio is \(0, 1\)"),
        (lambda: ElasticTransform(sigma=0), ValueError, r"sigma is 0"),
        (lambda: ElasticTransform(alpha=-1), ValueError, r"alpha is -1"),
        (lambda: MixUp(alpha=0), ValueError, r"MixUp: alpha is 0"),
        (lambda: MixUp()(*batch()), ValueError, r"say how many there are, MixUp\(num_classes=10\)"),
        (
            lambda: CutMix(num_classes=2)(*batch()),
            ValueError,
            r"labels hold 0 to 2, expected classes from 0 to 1",
        ),
        (
            lambda: MixUp(num_classes=3)(np.zeros((2, 3)), np.zeros(2)),
            ValueError,
            r"labels are float64 of shape \(2,\)",
        ),
        (
            lambda: CutMix(num_classes=3)(np.zeros((2, 3)), np.zeros(2, int)),
            ValueError,
            r"samples have shape \(2, 3\)",
        ),
        (
            lambda: DataLoader(TensorDataset(*batch()), mix=abs),
            TypeError,
            r"mix is a builtin_function_or_method",
        ),
    ],
)
def test_errors(run, error, message):
    with pytest.raises(error, match=message):
        run()
