"""Pictures in the terminal: two pixels to a character."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor
from ..nn import Module
from ._colour import rgb, unit_scale
from ._probe import as_batch, find_layer, label
from .filters import filters, responses

_SHADES = " ░▒▓█"
_RESET = "\x1b[0m"


@dataclass
class _Panel:
    """A picture of ``width`` columns: lines of text that may hold colour codes, and a caption."""

    lines: list[str]
    width: int
    caption: str = ""


def half_blocks(array: npt.ArrayLike, width: int | None = None, colour: bool = True) -> str:
    """An image (H, W), or several (N, H, W) side by side, as text: two pixels, one on the other, a character.

    Images of both signs are drawn from blue (negative) over white (zero) to red, others from black (zero) to
    white, all on one scale.  ``width``: at most so many columns (by default the terminal's); larger images
    are shrunk by averaging.  Without ``colour``, or where the environment sets ``NO_COLOR``, five shades
    stand for the pairs' means.
    """
    images = np.asarray(array)
    if images.ndim not in (2, 3) or not images.size or images.dtype.kind not in "fiub":
        raise ValueError(
            f"half_blocks: array is {images.dtype} {images.shape}, expected numbers (H, W) or (N, H, W)"
        )
    width = _width("half_blocks", width)
    return _flow(_panels(images.reshape(-1, *images.shape[-2:]), width, colour), width)


def show_filters(model: Module, layer: int | str = 0, width: int | None = None, colour: bool = True) -> str:
    """The filters of a convolution (or of a dense first layer) as text; ``print`` it.  See ``filters``."""
    width = _width("show_filters", width)
    weights = filters(model, layer)
    name, module = find_layer("show_filters", model, layer)
    out, channels, height, breadth = weights.shape
    zoom = max(1, min(10 // breadth, width // breadth))
    single = channels == 1
    captions = [f"{o}" if single else f"{o}←{c}" for o in range(out) for c in range(channels)]
    images = weights.reshape(-1, height, breadth).repeat(zoom, axis=1).repeat(zoom, axis=2)
    title = f"{label(name, module)}: {out} filters {height}×{breadth}"
    title += "" if single else f" of {channels} channels (filter←channel)"
    title += f", {weights.min():+.3g} to {weights.max():+.3g}"
    return title + "\n\n" + _flow(_panels(images, width, colour, captions), width)


def show_responses(
    model: Module,
    image: npt.ArrayLike | Tensor,
    layer: int | str = 0,
    activation: bool = False,
    width: int | None = None,
    colour: bool = True,
) -> str:
    """An image and its feature maps behind a layer as text; ``print`` it.  See ``responses``."""
    width = _width("show_responses", width)
    batch = as_batch("show_responses", model, image)
    if len(batch) != 1:
        raise ValueError(f"show_responses: image holds {len(batch)} images, expected one; pass images[i]")
    maps = responses(model, batch, layer, activation)[0]
    dense, count = maps.ndim == 1, len(maps)
    maps = maps.reshape(1, 1, -1).repeat(2, axis=1) if dense else maps
    name, module = find_layer("show_responses", model, layer)
    picture = batch[0].reshape(-1, *batch.shape[-2:]) if batch.ndim == 4 else batch[:, None].repeat(2, axis=1)
    captions = ["image"] if len(picture) == 1 else [f"image, channel {c}" for c in range(len(picture))]
    panels = _panels(picture - picture.min(), width, colour, captions)
    panels += _panels(maps, width, colour, ["responses"] if dense else [f"map {o}" for o in range(count)])
    title = f"{label(name, module)}: {count} {'responses' if dense else 'feature maps'}"
    title += f", {maps.min():+.3g} to {maps.max():+.3g}"
    return title + "\n\n" + _flow(panels, width)


def _width(caller: str, width: int | None) -> int:
    if width is None:
        return shutil.get_terminal_size().columns
    if width < 1:
        raise ValueError(f"{caller}: width={width} must be at least 1 column, or None for the terminal's")
    return width


def _panels(images: np.ndarray, width: int, colour: bool, captions: Sequence[str] = ()) -> list[_Panel]:
    """A panel per image of (N, H, W), all on one colour scale."""
    shrunk = [_shrink(image, width) for image in np.nan_to_num(images.astype(float))]
    places, diverging = unit_scale(np.stack(shrunk))
    draw = _coloured if colour and not os.environ.get("NO_COLOR") else _shaded
    texts = captions or [""] * len(places)
    return [_Panel(draw(p, diverging), p.shape[1], t) for p, t in zip(places, texts, strict=True)]


def _shrink(image: np.ndarray, width: int) -> np.ndarray:
    """Averages of k × k pixels, with the smallest k that makes the image fit; the last may have fewer."""
    k = -(-image.shape[1] // width)
    starts = [np.arange(0, size, k) for size in image.shape]
    sums = np.add.reduceat(np.add.reduceat(image, starts[0], axis=0), starts[1], axis=1)
    counts = [np.minimum(k, size - start) for size, start in zip(image.shape, starts, strict=True)]
    return sums / np.multiply.outer(*counts)


def _coloured(places: np.ndarray, diverging: bool) -> list[str]:
    """▀ with the upper pixel as its colour and the lower one as its background; an odd last row has none."""
    pixels = rgb(places, diverging).tolist()
    lines = []
    for y in range(0, len(pixels), 2):
        line, before = "", None
        for x, upper in enumerate(pixels[y]):
            lower = pixels[y + 1][x] if y + 1 < len(pixels) else None
            if (upper, lower) != before:
                line += "\x1b[38;2;{};{};{}".format(*upper)
                line += "m" if lower is None else ";48;2;{};{};{}m".format(*lower)
            line, before = line + "▀", (upper, lower)
        lines.append(line + _RESET)
    return lines


def _shaded(places: np.ndarray, diverging: bool) -> list[str]:
    """A shade for the mean of each pair of pixels, one above the other."""
    rows, last = len(places), len(_SHADES) - 1
    means = [places[y : y + 2].mean(axis=0) for y in range(0, rows, 2)]
    return ["".join(_SHADES[min(int(v * len(_SHADES)), last)] for v in row) for row in means]


def _flow(panels: Sequence[_Panel], width: int) -> str:
    """Panels from left to right and top to bottom, two columns apart, captions above."""
    rows: list[list[_Panel]] = [[]]
    used = 0
    for panel in panels:
        breadth = max(panel.width, len(panel.caption[:width]))
        if rows[-1] and used + 2 + breadth > width:
            rows.append([])
        used = breadth + (used + 2 if rows[-1] else 0)
        rows[-1].append(panel)
    return "\n\n".join("\n".join(_beside(row, width)) for row in rows)


def _beside(panels: Sequence[_Panel], width: int) -> list[str]:
    """One row of panels as lines."""
    breadths = [max(panel.width, len(panel.caption[:width])) for panel in panels]
    lines = []
    if any(panel.caption for panel in panels):
        captions = (panel.caption[:width].ljust(b) for panel, b in zip(panels, breadths, strict=True))
        lines.append("  ".join(captions).rstrip())
    for y in range(max(len(panel.lines) for panel in panels)):
        line, gap = "", 0
        for panel, breadth in zip(panels, breadths, strict=True):
            shown = y < len(panel.lines)
            line += " " * gap + panel.lines[y] if shown else ""
            gap = (breadth - panel.width if shown else gap + breadth) + 2
        lines.append(line)
    return lines
