"""IDX files: what is written is read, and what is not IDX is named."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from fastnano.data import map_idx, read_idx, write_idx


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 5), (1, 1, 1, 2)])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_idx_round_trip(tmp_path: Path, dtype: type, shape: tuple[int, ...], end: str) -> None:
    array = np.random.default_rng(0).integers(0, 128, shape).astype(dtype)
    path = tmp_path / f"array-idx{end}"
    write_idx(path, array)
    read = read_idx(path)
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(read, array, strict=True)
    if not end:
        mapped = map_idx(path)
        np.testing.assert_array_equal(mapped, array)
        assert not mapped.flags.writeable or not mapped.size


def test_idx_is_big_endian_with_the_published_magic(tmp_path: Path) -> None:
    write_idx(tmp_path / "images", np.zeros((2, 28, 28), np.uint8))
    assert (tmp_path / "images").read_bytes()[:16] == struct.pack(">4i", 2051, 2, 28, 28)
    write_idx(tmp_path / "ints", np.array([1, 258], "<i4"))
    assert (tmp_path / "ints").read_bytes() == bytes.fromhex("00000c01 00000002 00000001 00000102")


GOOD = bytes.fromhex("00000801 00000003 010203")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", b"", r"found nothing at the start, expected the IDX magic"),
        ("a", b"<!DOCTYPE html>", r"found 3c 21 44 4f at the start"),
        ("a", b"\0\0\x07\x01" + GOOD[4:], r"found 00 00 07 01.*type code \(08, 09, 0b, 0c, 0d, 0e\)"),
        ("a", b"\0\0\x08\0", r"number of dimensions"),
        ("a", GOOD[:6], r"found 6 bytes, expected 8 of header for 1 dimensions.*truncated"),
        ("a", GOOD[:-1], r"found 2 bytes after the header, expected 3 .*is truncated: fetch it again"),
        (
            "a",
            GOOD + b"x",
            r"found 4 bytes after the header, expected 3 for uint8 of shape \(3,\).*trailing bytes",
        ),
        ("a.gz", GOOD, r"found raw IDX, expected gzip by the file's name; remove \.gz"),
        ("a.gz", b"<!DOCTYPE html>", r"perhaps a web page was saved"),
        ("a", gzip.compress(GOOD), r"found gzip data, expected raw IDX.*add \.gz"),
        ("a.gz", gzip.compress(GOOD)[:-5], r"damaged gzip file of \d+ bytes"),
        ("a.gz", gzip.compress(GOOD)[:12] + b"\xff" * 9, r"damaged gzip file"),
        ("a.gz", gzip.compress(GOOD)[:-8] + b"12345678", r"damaged gzip file"),
        ("a.gz", gzip.compress(GOOD[:-1]), r"found 2 bytes after the header"),
    ],
)
def test_bad_idx_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as raised:
        read_idx(path)
    assert str(path) in str(raised.value)


def test_map_idx_checks_the_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(GOOD[:-1])
    with pytest.raises(ValueError, match="is truncated"):
        map_idx(tmp_path / "a")


@pytest.mark.parametrize("array", [np.zeros(3, np.int64), np.zeros((), np.uint8), np.zeros(2, bool)])
def test_write_idx_refuses(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(
        ValueError, match=r"write_idx: array of shape .* expected 1 to 255 dimensions of one of uint8"
    ):
        write_idx(tmp_path / "a", array)
    assert not list(tmp_path.iterdir())


def test_write_idx_leaves_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    write_idx(path, np.arange(3, dtype=np.uint8))

    def full(self: Path, data: bytes) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        write_idx(path, np.arange(9, dtype=np.uint8))
    assert list(tmp_path.iterdir()) == [path]
    assert len(read_idx(path)) == 3
