"""Synthetic digits: the same pixels anywhere, in MNIST's format, neither trivial nor hopeless to tell."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnano.data import SyntheticDigits, TensorDataset, find, synthetic, verify

Digits = tuple[SyntheticDigits, SyntheticDigits]


def test_format(digits: Digits) -> None:
    for part, size in zip(digits, (60_000, 10_000), strict=True):
        assert part.images.shape == (size, 28, 28)
        assert part.images.dtype == part.labels.dtype == np.uint8
        assert not part.images.flags.writeable
        assert part.images.max() == 255
        assert np.all(np.abs(np.bincount(part.labels) - size / 10) < size / 100)
        assert part.name == "Synthetic digits"
        assert "drawn, seed 0" in part.source
    train = digits[0].images[:10_000] / 255
    np.testing.assert_allclose(
        (train.mean(), train.std()), (SyntheticDigits.mean, SyntheticDigits.std), atol=2e-3
    )


def test_pixels_are_those_of_any_machine(digits: Digits) -> None:
    assert digits[0].verified
    assert digits[1].verified
    assert [check.published for check in verify("synthetic")] == [True] * 4


def test_pixels_do_not_depend_on_vector_instructions() -> None:
    """The plainest of NumPy's loops draw the same bits as the widest."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    wide = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    code = (
        "from fastnano.data.synthetic import draw; import sys; sys.stdout.buffer.write(draw(300, True, 5)[0])"
    )
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(wide)}
    plain = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
    expected = synthetic.draw(300, True, 5)[0]
    np.testing.assert_array_equal(np.frombuffer(plain.stdout, np.uint8), expected.ravel())


def test_smaller_sets_are_the_first_of_larger_ones(digits: Digits) -> None:
    small = SyntheticDigits(size=700)
    assert len(small) == 700
    np.testing.assert_array_equal(small.images, digits[0].images[:700])
    np.testing.assert_array_equal(small.labels, digits[0].labels[:700])


def test_arguments_change_the_pixels() -> None:
    first = SyntheticDigits(size=20)
    for other in (SyntheticDigits(size=20, seed=1), SyntheticDigits(train=False, size=20)):
        assert not np.array_equal(other.images, first.images)
    neat = SyntheticDigits(size=20, distortion=0.0)
    np.testing.assert_array_equal(neat.labels, first.labels)
    assert not np.array_equal(neat.images, first.images)


def test_second_load_maps_the_cache(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "draw", lambda *_: pytest.fail("drawn again"))
    again = SyntheticDigits()
    np.testing.assert_array_equal(again.images[:100], digits[0].images[:100])
    assert find("synthetic") is not None


def test_damaged_cache_is_drawn_again(empty_cache: Path) -> None:
    first = SyntheticDigits(size=50)
    images = first.images.copy()
    (path,) = empty_cache.glob("synthetic/*/train-images*")
    path.write_bytes(path.read_bytes()[:1000])
    np.testing.assert_array_equal(SyntheticDigits(size=50).images, images)


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FASTNANO_CACHE", str(tmp_path / "file" / "cache"))
    kept = SyntheticDigits(size=50)
    assert len(kept.sha256) == 64
    np.testing.assert_array_equal(kept.images, synthetic.draw(50, True, 0)[0])


def test_two_processes_draw_at_once(empty_cache: Path) -> None:
    code = "from fastnano.data import SyntheticDigits as S; print(S(size=2000).sha256)"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    hashes = [process.communicate()[0] for process in both]
    assert hashes[0] == hashes[1] == SyntheticDigits(size=2000).sha256 + "\n"
    assert not [path for path in empty_cache.rglob("*") if path.suffix == ".tmp"]


@pytest.mark.parametrize("bad", [{"seed": -1}, {"size": 0}, {"distortion": -0.1}, {"distortion": 3.0}])
def test_bad_arguments(bad: dict[str, float]) -> None:
    (name,) = bad
    with pytest.raises(
        ValueError, match=rf"SyntheticDigits: {name} is {bad[name]}, expected .* or more and below"
    ):
        SyntheticDigits(**bad)


def test_is_a_data_set(digits: Digits) -> None:
    assert isinstance(digits[1], TensorDataset)
    image, label = digits[1][5]
    images, labels = digits[1][[5, 6]]
    np.testing.assert_array_equal(images[0], image)
    assert labels[0] == label
    assert repr(digits[1]).startswith("Synthetic digits(test, 10,000 images, from ")


def test_difficulty(digits: Digits) -> None:
    """A linear least-squares classifier does far better than chance and far worse than the digits allow."""
    (x, y), (test, answers) = (part[:5000] for part in digits)
    design = np.c_[x.reshape(5000, -1) / 255.0, np.ones(5000)]
    weights = np.linalg.solve(design.T @ design + 10 * np.eye(785), design.T @ np.eye(10)[y])
    guess = np.c_[test.reshape(5000, -1) / 255.0, np.ones(5000)] @ weights
    assert 0.65 < (guess.argmax(1) == answers).mean() < 0.92
