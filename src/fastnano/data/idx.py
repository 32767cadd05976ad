"""The IDX format of MNIST's files: big-endian arrays after a short header, raw or gzip-compressed.

Header: two zero bytes, a type code, the number of dimensions, each dimension as a 4-byte integer.
Source: http://yann.lecun.com/exdb/mnist, "The IDX file format".
"""

from __future__ import annotations

import gzip
import math
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CODES = {np.dtype(name).newbyteorder("="): code for code, name in _DTYPES.items()}
_GZIP = b"\x1f\x8b"


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array of an IDX file (``.gz`` or raw), in the machine's byte order.

    Raises ``ValueError`` that names the file, what was found, what was expected and what to do.
    """
    path = Path(path)
    return parse(unpack(path.read_bytes(), path), path)


def map_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array of a raw IDX file, read-only and memory-mapped: big-endian as stored, read when touched."""
    path = Path(path)
    with open(path, "rb") as file:
        head = file.read(4 + 4 * 255)
    dtype, shape, start = _header(head, path)
    _check_size(path.stat().st_size - start, dtype, shape, path)
    if not math.prod(shape):
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "r", start, shape))


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write an array as IDX, compressed if the name ends in ``.gz``; the file appears whole or not at all."""
    path = Path(path)
    data = encode(np.asarray(array))
    write_bytes(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def encode(array: NDArray[Any]) -> bytes:
    """An array as raw IDX; ``ValueError`` where its type or number of dimensions has no code."""
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None or not 1 <= array.ndim <= 255:
        known = ", ".join(str(dtype) for dtype in _CODES)
        raise ValueError(
            f"write_idx: array of shape {array.shape} is {array.dtype}, expected 1 to 255 dimensions of one "
            f"of {known}; convert it with array.astype(...)"
        )
    head = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(_DTYPES[code]).tobytes()


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically, making its folder."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A file to fill beside ``path``, which replaces it once the block ends well and is removed otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def unpack(data: bytes, path: Path) -> bytes:
    """The raw bytes of a file whose name says whether ``data`` is compressed; ``ValueError`` if it lies."""
    packed = data[:2] == _GZIP
    if packed != (path.suffix == ".gz"):
        raise ValueError(f"{path}: found {_mislabelled(data, packed)}")
    if not packed:
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: found a damaged gzip file of {len(data):,} bytes ({error}), expected a whole one; "
            "fetch it again"
        ) from error


def _mislabelled(data: bytes, packed: bool) -> str:
    if packed:
        return "gzip data, expected raw IDX by the file's name; add .gz to the name or gunzip it"
    if data[:2] == b"\0\0":
        return "raw IDX, expected gzip by the file's name; remove .gz from the name"
    return f"{data[:16]!r}, expected gzip by the file's name (perhaps a web page was saved); fetch it again"


def parse(data: bytes, path: Path) -> NDArray[Any]:
    """The array in raw IDX bytes (read-only where it already has the machine's byte order)."""
    dtype, shape, start = _header(data, path)
    _check_size(len(data) - start, dtype, shape, path)
    array: NDArray[Any] = np.frombuffer(data, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(data: bytes, path: Path) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type, shape and length in bytes of the header."""
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES or data[3] == 0:
        codes = ", ".join(f"{code:02x}" for code in _DTYPES)
        raise ValueError(
            f"{path}: found {data[:4].hex(' ') or 'nothing'} at the start, expected the IDX magic: 00 00, a "
            f"type code ({codes}) and the number of dimensions; is this an IDX file?"
        )
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise ValueError(
            f"{path}: found {len(data)} bytes, expected {start} of header for {data[3]} dimensions; the file "
            "is truncated: fetch it again"
        )
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], ">u4"))
    return np.dtype(_DTYPES[data[2]]), shape, start


def _check_size(found: int, dtype: np.dtype[Any], shape: tuple[int, ...], path: Path) -> None:
    expected = math.prod(shape) * dtype.itemsize
    if found != expected:
        fault = "is truncated" if found < expected else "has trailing bytes"
        raise ValueError(
            f"{path}: found {found:,} bytes after the header, expected {expected:,} for {dtype.name} of "
            f"shape {shape}; the file {fault}: fetch it again"
        )
