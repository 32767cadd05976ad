"""``fastnano filters``: a layer's learned filters, and what they answer to an image."""

from __future__ import annotations

import sys
from typing import Any

from ._parser import Parser
from ._run import Run, first_filters, pictures, say
from .predict import read_image, test_image


def main(argv: list[str]) -> int:
    parser = Parser(
        "filters",
        "Draw a layer's learned filters, and what they answer to an image: filters-N.png and responses-N.png in the "
        "run's folder, whose filters.png is filters-0.png.",
    )
    parser.add_argument("run", metavar="RUN", help="a run's folder or model file")
    parser.add_argument(
        "--layer", default="0", metavar="N|NAME", help="a convolution, counted from 0, or a layer's name"
    )
    parser.add_argument("--image", metavar="N|FILE", help="a test image by its number, or a picture")
    parser.add_argument("--data-dir", help="where the data set's files are")
    args = parser.parse(argv)
    from .. import inspect

    run = Run.open(args.run)
    layer = int(args.layer) if args.layer.isdecimal() else args.layer
    colour = sys.stdout.isatty()
    image, what = (None, "") if args.image is None else _image(run, args.image, args.data_dir)
    print(first_filters(run.model, layer, colour))
    written = [run.folder / f"filters-{layer}.png"]
    note = pictures(lambda: inspect.plot_filters(run.model, written[0], layer=layer))
    if image is not None:
        x = run.trainer().transform(image[None])[0]
        say(f"\n{what}; what each filter answers:\n")
        print(inspect.show_responses(run.model, x, layer, colour=colour))
        written.append(run.folder / f"responses-{layer}.png")
        note = note or pictures(lambda: inspect.plot_responses(run.model, x, written[1], layer=layer))
    print(note or f"\nWritten: {', '.join(map(str, written))}")
    return 0


def _image(run: Run, which: str, root: str | None) -> tuple[Any, str]:
    if which.isdecimal():
        return test_image(run, int(which), root)
    return read_image(which), which
