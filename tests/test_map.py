"""CONTRIBUTING.md says where everything is: each source file is on its map, and nothing that is not there."""

import re
from pathlib import Path

from fastnano._kernels import FAMILIES

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "fastnano"


def mapped():
    """Files and folders of the map's first column; within a row, further names lie in the folder of the first."""
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## The map")[1].split("\n## ")[0]
    for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        names = re.findall(r"`([^`]+)`", cell)
        folder = "" if names[0].endswith("/") else names[0].rpartition("/")[0]
        for name in names:
            path = name if "/" in name or not folder else f"{folder}/{name}"
            yield from (path.replace("<family>", f) for f in (FAMILIES if "<family>" in path else [""]))


def test_the_map_is_of_the_source_files():
    files = {
        p.relative_to(SOURCES).as_posix()
        for p in SOURCES.rglob("*")
        if p.suffix in (".py", ".pyx", ".pxi", ".h")
    }
    files = {f for f in files if not f.endswith(("__init__.py", "__main__.py"))}
    names = set(mapped())
    folders = tuple(name for name in names if name.endswith("/"))
    assert sorted(f for f in files - names if not f.startswith(folders)) == [], "add them to the map"
    assert sorted(n for n in names if not (SOURCES / n).exists()) == [], "take them off the map"
