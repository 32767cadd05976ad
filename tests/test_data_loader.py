"""Data sets, subsets and loaders: every sample once, in an order that can be had again."""

import numpy as np
import pytest

import fastnano
from fastnano.data import DataLoader, RandomShift, Subset, SyntheticDigits, TensorDataset, random_split


@pytest.fixture
def pairs() -> TensorDataset:
    return TensorDataset(np.arange(100, dtype=np.float32).reshape(50, 2), np.arange(50))


def test_tensor_dataset(pairs: TensorDataset) -> None:
    assert len(pairs) == 50
    x, y = pairs[3]
    assert (x.tolist(), int(y)) == ([6, 7], 3)
    for index in (slice(1, 4), [1, 2, 3], np.array([1, 2, 3]), np.arange(50) % 50 // 3 == 99):
        x, y = pairs[index]
        np.testing.assert_array_equal(x[:, 0], 2 * y)
    assert len(list(pairs)) == 50
    with pytest.raises(ValueError, match=r"arrays have \[2, 3\] samples, expected as many in each"):
        TensorDataset(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="expected at least one"):
        TensorDataset()


def test_subset(pairs: TensorDataset) -> None:
    some = Subset(Subset(pairs, [40, 30, 20, 10]), [3, -4])
    assert len(some) == 2
    assert some[:][1].tolist() == [10, 40]
    assert int(some[1][1]) == 40
    assert len(Subset(pairs, [])[:][1]) == 0
    with pytest.raises(IndexError, match=r"Subset: index is 50, expected -50 to 49 for 50 samples"):
        Subset(pairs, [1, 50])
    with pytest.raises(ValueError, match=r"np\.flatnonzero\(mask\)"):
        Subset(pairs, np.ones(50, bool))


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([30, 20], [30, 20]),
        ([0.8, 0.2], [40, 10]),
        ([0.33, 0.33, 0.34], [17, 16, 17]),
        ([50, 0], [50, 0]),
        ([1.0], [50]),
    ],
)
def test_random_split(pairs: TensorDataset, lengths: list[float], sizes: list[int]) -> None:
    parts = random_split(pairs, lengths, seed=1)
    assert [len(part) for part in parts] == sizes
    assert sorted(np.concatenate([part[:][1] for part in parts])) == list(range(50))
    for part, again in zip(parts, random_split(pairs, lengths, seed=1), strict=True):
        np.testing.assert_array_equal(part.indices, again.indices)
    assert parts[0].indices.tolist() != random_split(pairs, lengths, seed=2)[0].indices.tolist()


@pytest.mark.parametrize("lengths", [[30, 30], [0.5, 0.4], [60, -10], [1.5, -0.5], []])
def test_random_split_refuses(pairs: TensorDataset, lengths: list[float]) -> None:
    with pytest.raises(ValueError, match=r"random_split: lengths are .*, expected sizes that sum to 50"):
        random_split(pairs, lengths)


def test_loader_covers_the_set_in_batches(pairs: TensorDataset) -> None:
    batches = list(DataLoader(pairs, batch_size=16))
    assert [len(y) for _, y in batches] == [16, 16, 16, 2]
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), np.arange(50))
    shuffled = DataLoader(pairs, batch_size=16, shuffle=True, seed=0, drop_last=True)
    assert len(shuffled) == 3
    batches = list(shuffled)
    assert [len(y) for _, y in batches] == [16, 16, 16]
    for x, y in batches:
        np.testing.assert_array_equal(x[:, 0], 2 * y)
    assert len({int(i) for _, y in batches for i in y}) == 48


def epoch_of(loader: DataLoader) -> list[int]:
    return np.concatenate([y for _, y in loader]).tolist()


def test_order_depends_on_seed_and_epoch_alone(pairs: TensorDataset) -> None:
    loader = DataLoader(pairs, 16, shuffle=True, seed=7)
    epochs = [epoch_of(loader) for _ in range(3)]
    assert len({tuple(order) for order in epochs}) == 3
    other = DataLoader(pairs, 16, shuffle=True, seed=7)
    other.set_epoch(2)
    assert epoch_of(other) == epochs[2]
    other.set_epoch(0)
    next(iter(other))  # an epoch that was left early is an epoch
    assert epoch_of(other) == epochs[1]
    assert other.order(2).tolist() == epochs[2]
    assert epoch_of(DataLoader(pairs, 16, shuffle=True, seed=8)) != epochs[0]
    unseeded = DataLoader(pairs, 16, shuffle=True)
    assert epoch_of(unseeded) == DataLoader(pairs, 16, shuffle=True, seed=unseeded.seed).order(0).tolist()


def test_without_a_seed_the_order_follows_manual_seed(pairs: TensorDataset) -> None:
    def orders() -> list[list[int]]:
        fastnano.manual_seed(5)
        return [DataLoader(pairs, shuffle=True).order(0).tolist() for _ in range(2)]

    first, second = orders()
    assert [first, second] == orders()
    assert first != second
    fastnano.manual_seed(5)
    DataLoader(pairs)  # has no use for chance, so that it takes none
    assert DataLoader(pairs, shuffle=True).order(0).tolist() == first


def test_loader_state_continues(pairs: TensorDataset) -> None:
    loader = DataLoader(pairs, 16, shuffle=True, seed=3)
    epoch_of(loader)
    state = loader.state
    assert state == {"seed": 3, "epoch": 1}
    other = DataLoader(pairs, 16, shuffle=True)
    other.state = state
    assert epoch_of(other) == epoch_of(loader)


def test_loader_takes_users_own_data_sets() -> None:
    class Squares:
        def __len__(self) -> int:
            return 10

        def __getitem__(self, index: np.ndarray) -> tuple[np.ndarray]:
            return (np.asarray(index) ** 2,)

    (first,) = next(iter(DataLoader(Squares(), batch_size=4)))
    assert first.tolist() == [0, 1, 4, 9]


def test_loader_transforms_images_reproducibly(digits: tuple[SyntheticDigits, SyntheticDigits]) -> None:
    part = Subset(digits[1], np.arange(100))

    def epochs(transform: object) -> list[np.ndarray]:
        loader = DataLoader(part, 40, seed=1, transform=transform)
        return [np.concatenate([x for x, _ in loader]) for _ in range(2)]

    first, second = epochs(RandomShift(2))
    assert not np.array_equal(first, second)
    for one, again in zip((first, second), epochs(RandomShift(2)), strict=True):
        np.testing.assert_array_equal(one, again)
    plain, _ = epochs(lambda images: images[:, None] / np.float32(255))
    assert (plain.shape, plain.dtype) == ((100, 1, 28, 28), np.float32)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, r"batch_size is 0, expected a whole number from 1; try 64"),
        ({"batch_size": 2.5}, ValueError, r"batch_size is 2.5"),
        ({"batch_size": True}, ValueError, r"batch_size is True"),
        ({"seed": -1}, ValueError, r"seed is -1, expected a whole number from 0"),
        (
            {"batch_size": 64, "drop_last": True},
            ValueError,
            r"64 for 50 samples, which makes no batch.*drop_last=False",
        ),
        ({"transform": [1]}, TypeError, r"transform is a list, expected a callable; .*Compose"),
        ({"dataset": np.zeros(3)}, TypeError, r"dataset is a ndarray, .*TensorDataset\(images, labels\)"),
        ({"dataset": 3}, TypeError, r"dataset is a int"),
        ({"dataset": TensorDataset(np.zeros((0, 2)))}, ValueError, r"for 0 samples"),
    ],
)
def test_loader_refuses(
    pairs: TensorDataset, arguments: dict[str, object], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        DataLoader(**{"dataset": pairs, **arguments})
    with pytest.raises(ValueError, match="set_epoch: epoch is -1"):
        DataLoader(pairs).set_epoch(-1)
