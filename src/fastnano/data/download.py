"""Fetch a file from the first mirror that gives it whole: resumed, checked by SHA-256, written atomically."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .cache import locked, log, sha256

TIMEOUT = 10.0  # seconds without an answer


class DownloadError(OSError):
    """No mirror gave the file; the message holds each one's reason."""


def download(urls: Sequence[str], target: Path, digest: str) -> str:
    """Fetch ``target`` (SHA-256 ``digest``) from one of ``urls``; that one, or "" if it was there.

    An interrupted transfer leaves ``<target>.part``, which the next call continues, from any mirror.
    """
    part = target.with_name(target.name + ".part")
    reasons = []
    with locked(target):
        if target.is_file() and sha256(target) == digest:
            return ""
        for url in urls:
            try:
                _fetch(url, part, digest)
            except (OSError, HTTPException, ValueError) as error:
                log.info("%s: %s", url, error)
                reasons.append(f"{url}: {error}")
            else:
                os.replace(part, target)
                log.info("%s was downloaded from %s", target, url)
                return url
    raise DownloadError("\n".join(reasons) or f"no mirror is known for {target.name}")


def _fetch(url: str, part: Path, digest: str) -> None:
    """Fill ``part``; a continued one that turns out wrong is fetched once more from the start."""
    continued = part.exists()
    _transfer(url, part)
    if (found := sha256(part)) == digest:
        return
    part.unlink()
    if not continued:
        raise ValueError(f"the file has SHA-256 {found}, expected {digest}")
    _fetch(url, part, digest)


def _transfer(url: str, part: Path) -> None:
    start = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"User-Agent": "fastnano"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        with error:
            if error.code == 416 and start:  # nothing is left to send
                return
            raise OSError(f"HTTP {error.code} {error.reason}") from error
    with response:
        start = start if response.status == 206 else 0
        rest = response.headers["Content-Length"]
        total = start + int(rest) if rest else None
        with open(part, "ab" if start else "wb") as file, _progress(part.stem, start, total) as advance:
            while chunk := response.read(1 << 16):
                file.write(chunk)
                advance(len(chunk))
    if total is not None and part.stat().st_size != total:
        raise OSError(f"the transfer ended after {part.stat().st_size:,} of {total:,} bytes")


@contextmanager
def _progress(name: str, start: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total, completed=start)
        yield lambda count: bar.advance(task, count)
