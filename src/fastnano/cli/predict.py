"""``fastnano predict``: class probabilities for a picture or a test image."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from ._parser import Parser, UsageError, number
from ._run import Run


def main(argv: list[str]) -> int:
    parser = Parser("predict", "Class probabilities for a picture or a test image.")
    parser.add_argument("run", metavar="RUN", help="a run's folder or model file")
    parser.add_argument("--image", metavar="FILE", help="a picture; it is made grey, 28x28 and light on dark")
    parser.add_argument("--index", type=number(int), help="a test image, by its number")
    parser.add_argument("--data-dir", help="where the data set's files are")
    args = parser.parse(argv)
    if (args.image is None) == (args.index is None):
        raise UsageError("predict: give one of --image FILE and --index N")
    run = Run.open(args.run)
    if args.image is not None:
        image, truth = read_image(args.image), ""
    else:
        image, truth = test_image(run, args.index, args.data_dir)
    if sys.stdout.isatty():
        from .. import inspect

        print(inspect.half_blocks(image))
    for line in _bars(_probabilities(run, image), run.metadata["classes"]):
        print(line)
    print(truth or args.image)
    return 0


def test_image(run: Run, index: int, root: str | None) -> tuple[Any, str]:
    """A test image, and the line that says what it is."""
    test = run.test_data(root)
    if index >= len(test):
        raise IndexError(f"image {index}: {test.name} test has the images 0 to {len(test) - 1}")
    return test.images[
        index
    ], f"{test.name} test image {index} is labelled {test.classes[test.labels[index]]}"


def read_image(path: str) -> Any:
    """A picture as uint8 (28, 28), light on dark as the data sets are."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("reading pictures needs Pillow: pip install 'fastnano[viz]'") from error
    if not Path(path).is_file():
        raise FileNotFoundError(f"--image {path}: there is no such file")
    try:
        with Image.open(path) as picture:
            ink = picture.convert("RGBA")
    except (OSError, Image.DecompressionBombError) as error:
        raise OSError(f"--image {path}: is damaged, or not a picture ({error})") from error
    paper = Image.new("RGBA", ink.size, "white")  # shows where the picture is transparent
    pixels = np.asarray(Image.alpha_composite(paper, ink).convert("L").resize((28, 28)))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return 255 - pixels if np.median(border) > 127 else pixels


def _probabilities(run: Run, image: Any) -> Any:
    from ..nn.functional import softmax

    return softmax(run.predict(image[None]), 1).data[0]


def _bars(probabilities: Any, classes: list[str]) -> list[str]:
    """The classes, likeliest first."""
    width = max(map(len, classes))
    order = np.argsort(-probabilities, kind="stable")
    shares = [(classes[i], probabilities[i]) for i in order]
    return [f"{name:>{width}}  {100 * p:6.2f} %  {'█' * round(40 * p)}".rstrip() for name, p in shares]
