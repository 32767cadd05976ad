"""``fastnano data``: find, fetch, verify and import data sets."""

from __future__ import annotations

from ._parser import Parser, UsageError, one_of
from ._run import DATASETS

ACTIONS = {
    "where": "the folders looked into, in order, and what they have",
    "fetch": "download it into the cache folder (the synthetic digits are drawn)",
    "verify": "read its files whole and compare their SHA-256 with the published ones",
    "import": "copy its files from a folder into the cache folder",
}


def main(argv: list[str]) -> int:
    from .. import data

    parser = Parser("data", "; ".join(f"{name}: {text}" for name, text in ACTIONS.items()))
    parser.add_argument("action", type=one_of("action", ACTIONS), help=", ".join(ACTIONS))
    parser.add_argument(
        "name", nargs="?", type=one_of("data set", DATASETS[1:]), help=", ".join(DATASETS[1:])
    )
    parser.add_argument("folder", nargs="?", help="where to import from, or to look in")
    args = parser.parse(argv)
    names = [args.name] if args.name else DATASETS[1:]
    if not args.name and args.action != "where":
        raise UsageError(f"data {args.action}: name a data set: {', '.join(DATASETS[1:])}")
    if args.action == "import" and not args.folder:
        raise UsageError(
            f"data import: name the folder to import from: fastnano data import {args.name} FOLDER"
        )
    if args.action == "import" and args.name == "synthetic":
        raise UsageError("data import: the synthetic digits are drawn: fastnano data fetch synthetic")
    if args.action == "fetch" and args.folder:
        raise UsageError(f"data fetch: unexpected argument {args.folder!r}; FASTNANO_CACHE names the folder")
    if args.action == "where":
        for name in names:
            _where(name, args.folder)
    elif args.action == "verify":
        return _verify(args.name, args.folder)
    else:
        place = data.fetch(args.name) if args.action == "fetch" else data.import_files(args.name, args.folder)
        print(f"{args.name} is in {place.folder}")
    return 0


def _where(name: str, root: str | None) -> None:
    from .. import data

    print(name)
    for place in data.where(name, root):
        print(f"  {len(place.files)} of 4 files  {place}")


def _verify(name: str, root: str | None) -> int:
    """One line per file; 2 where one is not what was published."""
    from .. import data

    checks = data.verify(name, root)
    for check in checks:
        state = (
            f"damaged: {check.error}"
            if check.error
            else "ok"
            if check.published
            else "not the published file"
        )
        print(f"{check.sha256}  {check.path}  {state}")
    good = all(check.published and not check.error for check in checks)
    print(f"{name}: {'all files are as published' if good else 'not as published'}")
    return 0 if good else 2
