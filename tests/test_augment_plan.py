"""Random transforms in a compiled step: the pixels that layers see, and the training, are those of the eager one."""

import numpy as np
import pytest

import fastnano
from fastnano import nn, optim
from fastnano._training_data import Prepare
from fastnano.architecture import parse_layers
from fastnano.data import (
    Compose,
    DataLoader,
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
    Subset,
    TensorDataset,
    ToFloat,
)
from fastnano.plan import NotPlannable, Plan
from fastnano.train import Trainer

SAMPLES = 43  # so that the last batch, and a block of it, are short
SHAPES = [(28, 28), (1, 7, 9), (3, 5, 17), (2, 33, 4), (1, 1), (3, 1, 2)]
TRANSFORMS = {
    "shift": lambda: RandomShift(2),
    "far": lambda: RandomShift(40),
    "rotate": lambda: RandomRotation(30),
    "anywhere": lambda: RandomRotation((-720, 720)),
    "quarter": lambda: RandomRotation((90, 90)),
    "flip": lambda: RandomHorizontalFlip(0.5),
    "nothing": lambda: Compose([]),
    "all": lambda: Compose([RandomShift(1), RandomHorizontalFlip(), RandomRotation(10)]),
    "nested": lambda: Compose(
        [RandomRotation(45), Compose([RandomShift(2), RandomShift(1)]), RandomRotation(5)]
    ),
    "own seed": lambda: Compose(
        [*[RandomRotation(20, seed=3)] * 2, RandomHorizontalFlip(0.3), RandomShift(1, seed=4)]
    ),
}


def pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SAMPLES, *shape), dtype=np.uint8)


def pixels(images: np.ndarray, compile: bool, **options: object) -> np.ndarray:
    """What the model sees of each sample, summed over two epochs: its row of the gradient of Σ y·Wx, y one-hot."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(images[0].size, SAMPLES, bias=False))
    model[1].weight.data[:] = 0
    data = TensorDataset(images, np.eye(SAMPLES, dtype=np.float32))
    trainer = Trainer(model, lambda output, y: (output * y).sum(), optim.SGD(model.parameters(), 1.0))
    loader = DataLoader(data, shuffle=True, seed=5, **options)
    history = trainer.fit(loader, epochs=2, transform=Prepare(0, 1 / 255), compile=compile, progress=False)
    assert compile == (not history.eager)
    return -model[1].weight.data


@pytest.mark.parametrize("batch_size", [5, 16, 20])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_pixels_are_those_of_the_eager_step(name: str, batch_size: int) -> None:
    for shape in SHAPES if batch_size == 20 else SHAPES[:3]:
        options = {"batch_size": batch_size, "transform": TRANSFORMS[name]()}
        expected = pixels(pictures(*shape), False, **options)
        assert expected.any() or max(shape[-2:]) < 3
        options["transform"] = TRANSFORMS[name]()  # anew, for those with seeds of their own
        np.testing.assert_array_equal(pixels(pictures(*shape), True, **options), expected)


@pytest.mark.parametrize("shape", [(9, 7), (3, 8, 8)])
@pytest.mark.parametrize("batch_size", [5, 16, 20])
@pytest.mark.parametrize("name", ["shift", "rotate", "flip", "all"])
def test_training_is_that_of_eager_steps(name: str, batch_size: int, shape: tuple[int, ...]) -> None:
    images, labels = pictures(*shape), np.arange(SAMPLES) % 3
    found = []
    for compile in (False, True):
        fastnano.manual_seed(0)
        layers = "conv 4 3x3, batchnorm, relu, flatten, dense 3"
        model = parse_layers(layers, (1, *shape)[-3:])
        trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), 0.05, momentum=0.9))
        options = {"batch_size": batch_size, "augment": TRANSFORMS[name](), "progress": False}
        trainer.fit((images, labels), epochs=3, compile=compile, **options)
        found.append((trainer.history["loss"], [p.data for p in model.parameters()]))
    (losses, weights), (planned_losses, planned) = found
    np.testing.assert_allclose(planned_losses, losses, rtol=1e-4)
    for a, b in zip(planned, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_parts_of_data_and_whole_batches_only() -> None:
    images, labels = pictures(6, 6), np.eye(SAMPLES, dtype=np.float32)
    part = Subset(TensorDataset(images, labels), np.arange(SAMPLES)[::-2])
    found = []
    for compile in (False, True):
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, SAMPLES, bias=False))
        model[1].weight.data[:] = 0
        trainer = Trainer(model, lambda output, y: (output * y).sum(), optim.SGD(model.parameters(), 1.0))
        loader = DataLoader(part, 5, True, 1, drop_last=True, transform=TRANSFORMS["all"]())
        trainer.fit(loader, transform=Prepare(0, 1 / 255), compile=compile, progress=False)
        found.append(model[1].weight.data)
    assert 15 <= found[0].any(1).sum() <= 20
    np.testing.assert_array_equal(*found)


def test_threads_and_going_on_change_nothing() -> None:
    def weights(*fits: tuple[int, int]) -> np.ndarray:
        fastnano.manual_seed(0)
        model = parse_layers("conv 4 3x3, relu, flatten, dense 3", (1, 12, 12))
        trainer = Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()))
        for threads, epochs in fits:
            fastnano.set_num_threads(threads)
            data = pictures(12, 12), np.arange(SAMPLES) % 3
            trainer.fit(data, None, epochs, 20, augment=TRANSFORMS["all"](), compile=True, progress=False)
        return np.concatenate([p.data.ravel() for p in model.parameters()])

    expected = weights((1, 3))
    for fits in [((2, 3),), ((3, 3),), ((1, 1), (2, 2))]:
        np.testing.assert_array_equal(weights(*fits), expected)


class Shout(RandomShift):
    """A subclass may do anything."""


@pytest.mark.parametrize(
    ("transform", "images", "message"),
    [
        (lambda x: x, pictures(6, 6), "go through <function"),
        (Shout(2), pictures(6, 6), "go through Shout"),
        (Compose([RandomShift(2), Shout(2)]), pictures(6, 6), "go through Shout"),
        (ToFloat(), pictures(6, 6), "go through ToFloat"),
        (
            RandomShift(2),
            pictures(6, 6).astype(np.float32),
            r"RandomShift\(pixels=2\) of float32 .* uint8 images",
        ),
    ],
)
def test_what_has_no_native_form_is_named(transform: object, images: np.ndarray, message: str) -> None:
    with pytest.raises(NotPlannable, match=message):
        pixels(images, True, transform=transform, batch_size=16)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (("turn", np.zeros((SAMPLES, 1))), r"'turn' has numbers of shape \(43, 1\), expected \(43, 2\)"),
        (("blur", np.zeros((SAMPLES, 1))), "'blur' is none of shift, turn, flip"),
    ],
)
def test_wrong_numbers_are_named(augment: tuple[str, np.ndarray], message: str) -> None:
    model = parse_layers("flatten, dense 3", (1, 6, 6))
    plan = Plan(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), 0.1))
    with pytest.raises(ValueError, match=message):
        plan.run_epoch(pictures(6, 6), np.zeros(SAMPLES, np.int64), augment=[augment])


def test_numbers_that_are_none_stay_within_the_image() -> None:
    model = parse_layers("flatten, dense 3", (1, 6, 6))
    plan = Plan(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), 0.1))
    bad = np.resize([np.nan, np.inf, -np.inf, 1e30], (SAMPLES, 2))
    plan.run_epoch(pictures(6, 6), np.zeros(SAMPLES, np.int64), augment=[("turn", bad), ("shift", bad)])
    assert all(np.isfinite(p.data).all() for p in model.parameters())
