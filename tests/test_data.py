"""Data sets: files found, checked, downloaded and kept."""

import http.server
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fastnano import data
from fastnano.data import (
    KMNIST,
    MNIST,
    DatasetNotFoundError,
    FashionMNIST,
    SyntheticDigits,
    read_idx,
    write_idx,
)
from fastnano.data.cache import sha256
from fastnano.data.images import TEST, TRAIN

FILES = TRAIN + TEST


def make_files(folder: Path, end: str = ".gz", seed: int = 0) -> Path:
    """A small set in MNIST's format: 50 images to train, 20 to test."""
    rng = np.random.default_rng(seed)
    for stem in FILES:
        n = 50 if stem in TRAIN else 20
        shape, top = ((n, 28, 28), 256) if "images" in stem else ((n,), 10)
        write_idx(folder / (stem + end), rng.integers(0, top, shape, dtype=np.uint8))
    return folder


@pytest.fixture
def small(tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small set whose hashes are published as MNIST's."""
    folder = make_files(tmp_path / "small")
    monkeypatch.setattr(MNIST, "hashes", {stem: (sha256(folder / f"{stem}.gz"),) for stem in FILES})
    return folder


class Server(http.server.ThreadingHTTPServer):
    """A mirror: serves ``folder``, notes what is asked for, and can break a transfer or spoil the bytes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.asked: list[tuple[str, str | None]] = []
        self.status = self.breaks_after = None
        self.spoils = self.ignores_ranges = False
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers["Range"]
        server.asked.append((self.path[1:], wanted))
        if server.status:
            self.send_error(server.status)
            return
        body = (server.folder / self.path[1:]).read_bytes()
        body = body[::-1] if server.spoils else body
        start = int(wanted[6:-1]) if wanted and not server.ignores_ranges else 0
        if start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : server.breaks_after])

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def mirrors(small: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    """Two mirrors of the small set, from which MNIST is downloaded."""
    servers = [Server(small), Server(small)]
    monkeypatch.setenv("FASTNANO_OFFLINE", "0")
    monkeypatch.setattr(MNIST, "mirrors", tuple(server.url for server in servers))
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        socket.create_connection(servers[0].server_address, timeout=5).close()
        yield servers
    except OSError as error:
        pytest.skip(f"this machine does not reach its own loopback address: {error}")
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


# Where sets are found


def test_found_in_order(
    small: Path, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetNotFoundError):
        MNIST()
    shutil.copytree(small, empty_cache / "mnist")
    assert MNIST().source == f"{empty_cache / 'mnist'} (cache)"
    shutil.copytree(small, tmp_path / "env" / "mnist")
    monkeypatch.setenv("FASTNANO_DATA", str(tmp_path / "env"))
    assert MNIST().source == f"{tmp_path / 'env' / 'mnist'} ($FASTNANO_DATA)"
    given = MNIST(small, train=False)
    assert given.source == f"{small} (given folder)"
    assert MNIST().source.endswith("($FASTNANO_DATA)")
    assert given.verified
    assert [place.complete for place in data.where("mnist", small)] == [True, False, False]
    assert [place.complete for place in data.where("mnist")] == [False, True, False, True]


@pytest.mark.parametrize("name", ["mnist", "auto"])
def test_a_wrong_folder_is_refused(mirrors: list[Server], tmp_path: Path, name: str) -> None:
    MNIST()
    asked = len(mirrors[0].asked)
    wrong = tmp_path / "nothing"
    for root in (wrong, str(wrong)):
        with pytest.raises(DatasetNotFoundError, match=r"no other folder was looked into") as raised:
            data.load(name, root)
        assert f"{wrong} (given folder): 0 of 4 files" in str(raised.value)
        assert "(cache)" not in str(raised.value)
    with pytest.raises(DatasetNotFoundError, match="nothing to verify"):
        data.verify("mnist", wrong)
    assert len(mirrors[0].asked) == asked


@pytest.mark.parametrize("inner", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_layouts(tmp_path: Path, empty_cache: Path, inner: str, end: str) -> None:
    folder = make_files(tmp_path / "root" / inner, end)
    mnist = MNIST(tmp_path / "root")
    assert mnist.images.shape == (50, 28, 28)
    assert mnist.labels.shape == (50,)
    np.testing.assert_array_equal(mnist.images, read_idx(folder / (TRAIN[0] + end)))
    assert not mnist.images.flags.writeable


def test_dots_in_names(tmp_path: Path, empty_cache: Path) -> None:
    folder = make_files(tmp_path, "")
    for path in list(folder.glob("*-idx*")):
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert len(MNIST(folder, train=False)) == 20


def test_files_of_ones_own_are_not_verified(tmp_path: Path, empty_cache: Path) -> None:
    raw = MNIST(make_files(tmp_path / "raw", ""))
    packed = MNIST(make_files(tmp_path / "packed"))
    assert not raw.verified
    assert not packed.verified
    assert raw.sha256 == packed.sha256 == sha256(tmp_path / "raw" / TRAIN[0])


def test_second_load_unpacks_nothing(small: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = MNIST(small)
    copies = sorted((empty_cache / "unpacked").iterdir())
    assert [path.name for path in copies] == sorted(sha256(path) for path in copies)
    monkeypatch.setattr("fastnano.data.cache.unpack", lambda *_: pytest.fail("unpacked again"))
    again = MNIST(small)
    np.testing.assert_array_equal(again.images, first.images)
    assert (again.verified, again.sha256) == (True, first.sha256)


def test_changed_files_are_read_again(small: Path) -> None:
    first = MNIST(small)
    make_files(small, seed=1)
    again = MNIST(small)
    assert not again.verified
    assert not np.array_equal(again.images, first.images)


@pytest.mark.parametrize("folder", ["unpacked", "checked"])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"\0" * 20)])
def test_damaged_copies_are_made_again(small: Path, empty_cache: Path, folder: str, damage: object) -> None:
    images = MNIST(small).images.copy()
    for path in list((empty_cache / folder).iterdir()):
        damage(path)
    np.testing.assert_array_equal(MNIST(small).images, images)


def test_cache_that_cannot_be_written(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FASTNANO_CACHE", str(tmp_path / "file" / "cache"))
    mnist = MNIST(small)
    assert mnist.verified
    assert mnist.images.shape == (50, 28, 28)
    assert "the cache folder cannot be written" in caplog.text


def test_two_processes_unpack_at_once(small: Path, empty_cache: Path) -> None:
    code = f"from fastnano.data import MNIST as M; m = M({str(small)!r}); print(m.sha256, m.images.sum())"
    run = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    mnist = MNIST(small)
    assert {process.communicate()[0] for process in run} == {f"{mnist.sha256} {mnist.images.sum()}\n"}
    assert not [path for path in empty_cache.rglob("*") if path.suffix == ".tmp"]


def test_another_sets_files(small: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match=r"found MNIST's file by its SHA-256, expected Fashion-MNIST's; use MNIST\("
    ):
        FashionMNIST(small)
    monkeypatch.setenv("FASTNANO_DATA", str(small))
    assert MNIST().verified
    with pytest.raises(DatasetNotFoundError):  # passed over where it was not asked for
        KMNIST()


@pytest.mark.parametrize(
    ("stem", "array", "message"),
    [
        (TRAIN[1], np.zeros(49, np.uint8), r"49 labels for 50 images, expected as many"),
        (TRAIN[1], np.full(50, 10, np.uint8), r"label 10 for image 0, expected 0 to 9"),
        (
            TRAIN[0],
            np.zeros((50, 32, 32), np.uint8),
            r"images are uint8 of shape \(50, 32, 32\).*\(N, 28, 28\)",
        ),
        (TRAIN[0], np.zeros((50, 28, 28), np.float32), r"images are .*f4|float32"),
    ],
)
def test_files_that_do_not_fit(
    tmp_path: Path, empty_cache: Path, stem: str, array: np.ndarray, message: str
) -> None:
    write_idx(make_files(tmp_path, "") / stem, array)
    with pytest.raises(ValueError, match=message):
        MNIST(tmp_path)


def test_error_tells_where_it_looked(tmp_path: Path, empty_cache: Path) -> None:
    (make_files(tmp_path / "part") / f"{TRAIN[1]}.gz").unlink()
    with pytest.raises(FileNotFoundError) as raised:
        MNIST(tmp_path / "part")
    text = str(raised.value)
    assert f"{tmp_path / 'part'} (given folder): 3 of 4 files" in text
    assert "fastnano data fetch mnist" in text
    assert MNIST.mirrors[0] in text
    assert len(MNIST(tmp_path / "part", train=False)) == 20  # the test files are whole
    with pytest.raises(DatasetNotFoundError, match="not downloaded, as FASTNANO_OFFLINE is set") as raised:
        MNIST()
    assert f"{empty_cache / 'mnist'} (cache): 0 of 4 files" in str(raised.value)
    with pytest.raises(DatasetNotFoundError, match="download=False"):
        MNIST(download=False)


# Downloads


def test_download(mirrors: list[Server], small: Path, empty_cache: Path) -> None:
    mnist = MNIST()
    assert mnist.verified
    assert mnist.source == f"{empty_cache / 'mnist'} (downloaded from {mirrors[0].url[:-1]})"
    np.testing.assert_array_equal(mnist.images, read_idx(small / f"{TRAIN[0]}.gz"))
    assert len(mirrors[0].asked) == 4
    assert MNIST(train=False).source.endswith("(cache)")
    assert (len(mirrors[0].asked), len(mirrors[1].asked)) == (4, 0)
    assert [check.published and not check.error for check in data.verify("mnist")] == [True] * 4
    assert not list(empty_cache.rglob("*.part"))


def test_download_shows_progress_on_a_terminal(
    mirrors: list[Server], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert MNIST().verified
    assert TRAIN[0] in capsys.readouterr().err


def test_download_resumes(mirrors: list[Server], empty_cache: Path) -> None:
    """What one mirror leaves unfinished is continued at the next."""
    mirrors[0].breaks_after = 1000
    mnist = MNIST()
    assert mnist.verified
    assert (f"{TRAIN[0]}.gz", "bytes=1000-") in mirrors[1].asked
    assert mirrors[1].url[:-1] in mnist.source


def test_download_resumes_later(mirrors: list[Server]) -> None:
    for server in mirrors:
        server.breaks_after = 1000
    with pytest.raises(DatasetNotFoundError, match=r"the transfer ended after 1,000 of \d+,\d+ bytes"):
        data.fetch("mnist")
    mirrors[0].breaks_after = None
    data.fetch("mnist")
    assert (f"{TRAIN[0]}.gz", "bytes=1000-") in mirrors[0].asked


def test_download_from_a_server_without_ranges(mirrors: list[Server]) -> None:
    mirrors[0].breaks_after = 1000
    mirrors[1].ignores_ranges = True
    assert MNIST().verified


@pytest.mark.parametrize("left", [b"rubbish", b"rubbish" * 10_000])
def test_download_starts_anew_after_a_bad_part(mirrors: list[Server], empty_cache: Path, left: bytes) -> None:
    (empty_cache / "mnist").mkdir(parents=True)
    (empty_cache / "mnist" / f"{TRAIN[0]}.gz.part").write_bytes(left)
    assert MNIST().verified
    assert mirrors[0].asked[:2] == [(f"{TRAIN[0]}.gz", f"bytes={len(left)}-"), (f"{TRAIN[0]}.gz", None)]


def test_download_refuses_other_bytes(mirrors: list[Server], empty_cache: Path) -> None:
    mirrors[0].spoils = True
    assert mirrors[1].url[:-1] in MNIST().source
    shutil.rmtree(empty_cache)
    mirrors[1].spoils = True
    with pytest.raises(
        DatasetNotFoundError, match=r"the file has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}"
    ):
        MNIST()
    assert not list(empty_cache.rglob("*ubyte*.gz"))


def test_all_mirrors_down(mirrors: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    mirrors[0].status = 503
    closed = "http://127.0.0.1:9/"
    monkeypatch.setattr(MNIST, "mirrors", (mirrors[0].url, closed))
    with pytest.raises(DatasetNotFoundError) as raised:
        MNIST()
    text = str(raised.value)
    assert f"{mirrors[0].url}{TRAIN[0]}.gz: HTTP 503" in text
    assert f"{closed}{TRAIN[0]}.gz: " in text
    assert "fastnano data import mnist" in text


def test_damaged_cache_is_fetched_again(mirrors: list[Server], empty_cache: Path) -> None:
    MNIST()
    path = empty_cache / "mnist" / f"{TRAIN[0]}.gz"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="damaged gzip"):
        MNIST()
    bad = [check for check in data.verify("mnist") if not check.published]
    assert [check.path for check in bad] == [path]
    assert "damaged gzip" in bad[0].error
    data.fetch("mnist")
    assert MNIST().verified
    assert len(mirrors[0].asked) == 5


def test_two_processes_download_once(mirrors: list[Server], small: Path, empty_cache: Path) -> None:
    code = (
        "from fastnano.data import MNIST\n"
        f"MNIST.mirrors, MNIST.hashes = {MNIST.mirrors!r}, {MNIST.hashes!r}\n"
        "print(MNIST().verified)"
    )
    run = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [process.communicate()[0] for process in run] == ["True\n"] * 2
    assert len(mirrors[0].asked) == 4


def test_no_place_for_a_download(
    mirrors: list[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FASTNANO_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DatasetNotFoundError, match=r"the download failed:\n.*Not a directory|exists"):
        MNIST()


def test_offline_never_asks(mirrors: list[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTNANO_OFFLINE", "1")
    with pytest.raises(DatasetNotFoundError, match="FASTNANO_OFFLINE"):
        MNIST()
    with pytest.raises(DatasetNotFoundError, match="FASTNANO_OFFLINE"):
        data.fetch("mnist")
    assert not mirrors[0].asked


# By name


def test_import_files(small: Path, tmp_path: Path, empty_cache: Path) -> None:
    place = data.import_files("mnist", small)
    assert place.complete
    assert place.folder == empty_cache / "mnist"
    assert MNIST().verified
    with pytest.raises(DatasetNotFoundError, match="nothing to import in the given folder"):
        data.import_files("mnist", tmp_path / "nothing")
    make_files(small, seed=1)
    with pytest.raises(ValueError, match=r"found SHA-256 .*, expected one published for MNIST; .*root="):
        data.import_files("mnist", small)


def test_load_by_name(small: Path) -> None:
    assert isinstance(data.load("MNIST", small), MNIST)
    assert len(data.load("mnist", small, train=False)) == 20
    with pytest.raises(ValueError, match=r"'fashon-mnist' is unknown.*did you mean 'fashion-mnist'\?"):
        data.load("fashon-mnist")
    with pytest.raises(
        ValueError, match=r"'cifar' is unknown, expected one of mnist, fashion-mnist, kmnist, "
    ):
        data.load("cifar")
    for name in ("synthetic", "Synthetic digits", "SyntheticDigits"):
        assert data.where(name) == SyntheticDigits.places()
    assert data.find("Fashion_MNIST") is None
    with pytest.raises(DatasetNotFoundError, match="nothing to verify"):
        data.verify("kmnist")


def test_auto_is_mnist_where_it_can_be_had(mirrors: list[Server], small: Path) -> None:
    assert data.load("auto", small).source.endswith("(given folder)")
    assert not mirrors[0].asked
    assert data.load().name == "MNIST"
    assert len(mirrors[0].asked) == 4


@pytest.mark.usefixtures("digits")
def test_auto_falls_back_on_synthetic_digits(caplog: pytest.LogCaptureFixture) -> None:
    train = data.load("auto")
    assert train.name == "Synthetic digits"
    assert "The synthetic digits are used" in caplog.text
    assert type(data.load(train.name, train=False)) is SyntheticDigits


def test_real_mnist(mnist_folder: Path) -> None:
    train, test = (MNIST(mnist_folder, train=part) for part in (True, False))
    assert train.verified
    assert test.verified
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    np.testing.assert_array_equal(
        np.bincount(train.labels), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    )
    pixels = train.images[::7] / 255
    assert abs(pixels.mean() - MNIST.mean) < 1e-3
    assert abs(pixels.std() - MNIST.std) < 1e-3
    assert train.sha256 == MNIST.hashes[TRAIN[0]][1]
    assert isinstance(train.images.base, np.memmap)


def test_import_needs_numpy_only() -> None:
    code = (
        "import sys, fastnano.data; names = {name.partition('.')[0] for name in sys.modules}; "
        "print(names & {'rich', 'platformdirs', 'numba', 'matplotlib', 'scipy', 'safetensors'})"
    )
    out = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert out == "set()\n"
