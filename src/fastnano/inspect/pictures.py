"""Figures for papers and notebooks.

Each function returns a ``matplotlib.figure.Figure`` and writes it where a path is given, as PNG or what the
suffix says.  They keep clear of pyplot: no global state, no display needed.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor
from ..nn import Module
from ..nn._arguments import count
from ._colour import DIVERGING
from ._probe import as_batch, find_layer, label
from .filters import filters, responses

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

File = str | os.PathLike[str]

INK, QUIET, BLUE, RED = "#222222", "#777777", "#2166ac", "#b2182b"
_DPI = 200
_COLUMNS = 8  # of feature maps, before they go on in a next band


def plot_filters(
    model: Module, path: File | None = None, layer: int | str = 0, limit: int | None = 256
) -> Figure:
    """The filters of a layer, on one scale: blue is negative, white zero, red positive.  See ``filters``.

    A filter of several input channels is a column, with one kernel per channel.  At most ``limit`` kernels are drawn
    (None: all, which may take metres): the first channels of every filter, or one of the first filters.
    """
    weights = filters(model, layer)
    out, channels, height, width = weights.shape
    limit = weights[:, :, 0, 0].size if limit is None else count("plot_filters", "limit", limit)
    shown = weights[:limit, : max(limit // out, 1)]
    columns = min(len(shown), max(4, math.ceil(math.sqrt(1.6 * len(shown)))) if channels == 1 else 16)
    step = height / width + 0.06
    canvas = _Canvas(weights)
    for i, kernels in enumerate(shown):
        row, column = divmod(i, columns)
        top = row * (len(kernels) * step + (0.28 if channels == 1 else 0.45))
        canvas.caption(column * 1.12 + 0.5, top - 0.06, str(i))
        for c, kernel in enumerate(kernels):
            canvas.tile(kernel, column * 1.12, top + c * step)
            if channels > 1 and column == 0:
                canvas.caption(-0.12, top + (c + 0.5) * step, str(c), ha="right", va="center")
    name, module = find_layer("plot_filters", model, layer)
    title = f"{label(name, module)}: {_first(len(shown), out, 'filter')} {height} × {width}"
    title += f" of {_first(shown.shape[1], channels, 'channel')}" if channels > 1 else ""
    title += ", from top to bottom" if shown.shape[1] > 1 else ""
    return canvas.finish(title, "weight", path)


def plot_responses(
    model: Module,
    images: npt.ArrayLike | Tensor,
    path: File | None = None,
    layer: int | str = 0,
    activation: bool = False,
) -> Figure:
    """What a layer makes of images: filters along the top, images down the side, their feature maps between.

    All maps are on one scale: blue is negative, white zero, red positive.  Images and ``activation`` as for
    ``responses``.  A filter of several input channels is shown as a mosaic of its kernels.
    """
    batch = as_batch("plot_responses", model, images)
    maps = responses(model, batch, layer, activation)
    if maps.ndim not in (2, 4):
        raise ValueError(
            f"plot_responses: layer={layer!r} gives {maps.shape}, expected (N, C, H, W) or (N, C)"
        )
    kind = "responses" if maps.ndim == 2 else "feature maps"
    maps = maps.reshape(*maps.shape[:2], *(maps.shape[2:] or (1, 1)))
    kernels = _kernels_of(model, layer, maps.shape[1])
    pictures = _pictures(batch)
    canvas = _Canvas(maps)
    down = max(pictures.shape[1] / pictures.shape[2], maps.shape[2] / maps.shape[3])
    size = 0.6 if kernels and not np.isnan(kernels[0]).any() else 1.0  # a mosaic takes the whole width
    header = size * kernels[0].shape[0] / kernels[0].shape[1] + 0.2 if kernels else 0.0
    band = header + 0.45 + len(batch) * (down + 0.12)
    for column in range(maps.shape[1]):
        top, left = column // _COLUMNS * band, 1.3 + column % _COLUMNS * 1.12
        canvas.caption(left + 0.5, top - 0.06, str(column))
        if kernels:
            canvas.tile(kernels[column], left + (1 - size) / 2, top, size, limit=_largest(kernels))
        for n, picture in enumerate(pictures):
            y = top + header + n * (down + 0.12)
            canvas.tile(maps[n, column], left, y)
            if maps[n, column].size == 1:
                canvas.number(maps[n, column].item(), left, y)
            if left == 1.3:
                canvas.picture(picture, 0, y)
        if kernels and left == 1.3:
            canvas.caption(1.18, top + header / 2 - 0.1, "filter", ha="right", va="center")
    name, module = find_layer("plot_responses", model, layer)
    title = f"{label(name, module)}: {maps.shape[1]} {kind}" + (" after its activation" if activation else "")
    return canvas.finish(title, "response", path)


def plot_curves(log: Any, path: File | None = None, title: str = "") -> Figure:
    """Loss and accuracy per epoch, of training and validation, the best validation epoch marked.

    ``log``: a ``History``, a list of records (dicts) with loss, val_loss, accuracy or val_accuracy, and epoch
    (counted from 1 where it is missing), or the path of a JSON Lines file of such records, which may also
    hold other lines.
    """
    records = _records(log)
    panels = [key for key in ("loss", "accuracy") if any(key in r or f"val_{key}" in r for r in records)]
    figure = _figure(4.2 * len(panels), 3.2)
    figure.suptitle(title or getattr(log, "dataset", ""), x=0.01, ha="left", size=11, color=INK)
    for key, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        _curves(axes, records, key)
    return _written(figure, path)


def plot_rates(found: Any, path: File | None = None, title: str = "Learning-rate range test") -> Figure:
    """Loss over learning rate, as ``lr_find`` saw it: each step's, the smoothed one, and the rate it suggests."""
    figure = _figure(5.4, 3.4)
    figure.suptitle(title, x=0.01, ha="left", size=11, color=INK)
    axes = figure.subplots()
    axes.plot(found.lrs, found.losses, color=BLUE, linewidth=0.8, alpha=0.35, label="loss")
    axes.plot(found.lrs, found.smoothed, color=BLUE, linewidth=1.8, label="smoothed")
    at = int(np.searchsorted(found.lrs, found.suggestion))
    axes.axvline(found.suggestion, color=RED, linewidth=0.8, linestyle=":")
    axes.plot(
        found.lrs[at],
        found.smoothed[at],
        "o",
        color=RED,
        markersize=6,
        label=f"steepest: {found.suggestion:.2g}",
    )
    low, high = float(found.losses.min()), float(min(found.smoothed.max(), 2 * found.smoothed[0]))
    margin = 0.06 * (high - low) or 0.1
    axes.set(xscale="log", ylim=(low - margin, high + margin))
    axes.set_title("loss", loc="left", size=10, color=INK)
    axes.set_xlabel("learning rate", size=8, color=INK)
    _plain(axes)
    return _written(figure, path)


def plot_confusion(
    matrix: npt.ArrayLike, classes: Sequence[str], path: File | None = None, title: str = "Confusion matrix"
) -> Figure:
    """How often samples of each class (row) were taken for each class (column), as counts.

    Colours show the errors: their scale ends at the most frequent one, and the diagonal is grey.  On the
    right the recall of each class, below its precision, – where there is none: no sample of the class, or none that was
    taken for it.  ``title`` should name the data set; the accuracy is put behind it.
    """
    counts = np.asarray(matrix)
    k = len(classes)
    if counts.shape != (k, k) or k == 0:
        raise ValueError(
            f"plot_confusion: matrix has shape {counts.shape}, expected ({k}, {k}) for {k} classes"
        )
    if counts.dtype.kind not in "iuf" or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError(
            f"plot_confusion: matrix holds {counts.dtype} with minimum {counts.min()}, expected counts"
        )
    cell = 0.52 if k <= 12 else 0.36  # inches
    side = 1.6 + max(2.4, cell * k)
    longest = max(map(len, classes))
    figure = _figure(side + 0.06 * longest, side + 0.045 * (longest if longest > 4 else 0))
    axes = figure.subplots()
    _confusion_cells(axes, counts, cell)
    _confusion_edges(axes, counts, classes, cell)
    total, right = int(counts.sum()), int(np.trace(counts))
    share = f", {right / total:.2%} accuracy" if total else ""
    axes.set_title(title, loc="left", size=11, color=INK, pad=20)
    subtitle = f"{total:,} samples, {total - right:,} errors{share}"
    axes.annotate(subtitle, (0, 1), (0, 6), "axes fraction", textcoords="offset points", size=8, color=QUIET)
    return _written(figure, path)


def _first(shown: int, there: int, what: str) -> str:
    what = f"{there} {what}{'s' * (there > 1)}"
    return what if shown == there else f"the first {f'{shown} ' * (shown > 1)}of {what}"


# Tiles


class _Canvas:
    """Small images at places of one pair of axes, in units of a tile's width, y downwards.

    # Design: one pair of axes for all, as a grid of hundreds of axes takes seconds to lay out.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.limit = _largest(values)
        self.figure = _figure(1, 1)
        self.axes = self.figure.subplots()
        self.axes.set_axis_off()
        self.right = self.bottom = self.left = 0.0
        self.frames: list[list[tuple[float, float]]] = []

    def tile(
        self, values: np.ndarray, x: float, y: float, size: float = 1, limit: float | None = None
    ) -> None:
        """Numbers of both signs, ``size`` wide."""
        limit = limit or self.limit
        self._draw(values, x, y, size, cmap=_diverging(), vmin=-limit, vmax=limit)

    def number(self, value: float, x: float, y: float) -> None:
        """A value written into its tile, where the tile is but one pixel."""
        colour = "white" if abs(value) > 0.6 * self.limit else INK
        self.axes.text(
            x + 0.5, y + 0.5, f"{value:.2g}".replace("-", "−"), ha="center", va="center", size=7, color=colour
        )

    def picture(self, values: np.ndarray, x: float, y: float) -> None:
        """An image as ink on paper, (H, W), or in colour, (H, W, 3)."""
        low, high = float(values.min()), float(values.max())
        scaled = (values - low) / (high - low or 1)
        self._draw(scaled, x, y, 1, cmap="gray_r", vmin=0, vmax=1)

    def _draw(self, values: np.ndarray, x: float, y: float, size: float, **style: Any) -> None:
        down = size * values.shape[0] / values.shape[1]
        image = self.axes.imshow(values, extent=(x, x + size, y + down, y), interpolation="nearest", **style)
        image.set_in_layout(False)  # the limits are set by hand, and measuring hundreds of images is slow
        self.frames.append([(x, y), (x + size, y), (x + size, y + down), (x, y + down)])
        self.right, self.bottom = max(self.right, x + size), max(self.bottom, y + down)

    def caption(self, x: float, y: float, text: str, ha: str = "center", va: str = "bottom") -> None:
        self.axes.text(x, y, text, ha=ha, va=va, size=7, color=QUIET)
        self.left = min(self.left, x - 0.3 if ha == "right" else x - 0.5)

    def finish(self, text: str, quantity: str, path: File | None) -> Figure:
        """Set the limits and sizes, and add the colour bar of the numbers."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.collections import PolyCollection
        from matplotlib.colors import Normalize

        frames = PolyCollection(self.frames, facecolors="none", edgecolors="#bbbbbb", linewidths=0.5)
        self.axes.add_collection(frames, autolim=False)
        wide, high = self.right - self.left + 0.06, self.bottom + 0.36
        inches = float(np.clip(min(9 / wide, 14 / high), 0.15, 0.75))
        bar = 0.85 / inches  # with its numbers and name
        self.figure.set_size_inches(
            max((wide + bar) * inches, 0.085 * len(text) + 0.3), max(high * inches, 1.4) + 0.5
        )
        self.axes.set(
            xlim=(self.left - 0.03, self.right + 0.03 + bar), ylim=(self.bottom + 0.06, -0.3), aspect="equal"
        )
        self.axes.set_anchor("NW")
        self.axes.set_title(text, loc="left", size=10, color=INK)
        place = (self.right + 0.15 / inches, 0, 0.13 / inches, min(self.bottom, 2.4 / inches))
        inset = self.axes.inset_axes(place, transform=self.axes.transData)
        scale = ScalarMappable(Normalize(-self.limit, self.limit), _diverging())
        colours = self.figure.colorbar(scale, cax=inset)
        colours.outline.set_visible(False)
        inset.tick_params(labelsize=7, colors=QUIET, length=2)
        colours.set_label(quantity, size=8, color=INK)
        return _written(self.figure, path)


def _kernels_of(model: Module, layer: int | str, maps: int) -> list[np.ndarray]:
    """One image per filter, where the layer has filters to show, and one for each map."""
    try:
        weights = filters(model, layer)
    except (TypeError, ValueError):
        return []
    return [_mosaic(kernels) for kernels in weights] if len(weights) == maps else []


def _mosaic(kernels: np.ndarray) -> np.ndarray:
    """(C, K, L) as one image, with thin gaps (NaN) between the kernels."""
    if len(kernels) == 1:
        return kernels[0]
    zoom = 6
    count = len(kernels)
    least = math.ceil(math.sqrt(count))
    columns = next((c for c in range(least, 2 * least) if count % c == 0), least)
    rows = math.ceil(len(kernels) / columns)
    high, wide = (zoom * size + 2 for size in kernels.shape[1:])
    whole = np.full((rows * high - 2, columns * wide - 2), np.nan)
    for i, kernel in enumerate(kernels):
        y, x = i // columns * high, i % columns * wide
        whole[y : y + high - 2, x : x + wide - 2] = kernel.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return whole


def _pictures(batch: np.ndarray) -> np.ndarray:
    """A batch for the network as pictures: (N, H, W), or (N, H, W, 3) for three channels."""
    if batch.ndim == 2:
        side = math.isqrt(batch.shape[1])
        return batch.reshape(len(batch), *((side, side) if side * side == batch.shape[1] else (1, -1)))
    return np.moveaxis(batch, 1, -1) if batch.shape[1] == 3 else batch.mean(axis=1)


def _largest(values: Any) -> float:
    return max((float(np.nanmax(np.abs(part))) for part in values), default=0.0) or 1.0


# Curves


def _records(log: Any) -> list[Mapping[str, Any]]:
    """The records of epochs, each with its number."""
    if isinstance(log, (str, os.PathLike)):
        lines = Path(log).read_text(encoding="utf-8").splitlines()
        try:
            found = [json.loads(line) for line in lines if line.strip()]
        except json.JSONDecodeError as error:
            raise ValueError(
                f"plot_curves: {log} is not JSON Lines ({error}); give the log of a JSONLogger"
            ) from error
    else:
        found = list(getattr(log, "epochs", log))
    keys = {"loss", "accuracy", "val_loss", "val_accuracy"}
    records = [r for r in found if isinstance(r, Mapping) and any(r.get(key) is not None for key in keys)]
    if not records:
        raise ValueError(
            f"plot_curves: log has no record with any of {', '.join(sorted(keys))} in {len(found)} entries"
        )
    return [{"epoch": i, **r} for i, r in enumerate(records, 1)]


def _curves(axes: Axes, records: list[Mapping[str, Any]], key: str) -> None:
    """One quantity: training a thin line, validation a strong one."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    for name, kind, colour in ((key, "training", BLUE), (f"val_{key}", "validation", RED)):
        points = [(r["epoch"], r[name]) for r in records if r.get(name) is not None]
        if points:
            x, y = zip(*points, strict=True)
            axes.plot(x, y, color=colour, linewidth=1.6, marker="o", markersize=3, label=kind)
            if kind == "validation":
                best = (max if key == "accuracy" else min)(points, key=lambda point: point[1])
                value = f"{best[1]:.2%}" if key == "accuracy" else f"{best[1]:.4g}"
                axes.plot(
                    *best, "o", markersize=8, markerfacecolor="none", color=colour, label=f"best {value}"
                )
    axes.set_title(key, loc="left", size=10, color=INK)
    axes.set_xlabel("epoch", size=8, color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.04, y=0.1)
    if key == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    _plain(axes)


def _plain(axes: Axes) -> None:
    """Two axes, faint lines, small labels."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axes.tick_params(labelsize=8, colors=QUIET)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)


# Confusion


def _confusion_cells(axes: Axes, counts: np.ndarray, cell: float) -> None:
    """Errors in red, the diagonal in grey, zeros left out."""
    k = len(counts)
    errors = np.where(np.eye(k, dtype=bool), 0, counts)
    most = float(errors.max()) or 1.0
    axes.imshow(np.sqrt(errors / most), cmap="Reds", vmin=0, vmax=1.15)
    size = 15 * cell
    for i, j in np.argwhere(counts):
        if i == j:
            axes.fill_between([j - 0.5, j + 0.5], i - 0.5, i + 0.5, color="#e4e7ea")
        dark = i != j and errors[i, j] / most > 0.4
        axes.text(
            j, i, f"{counts[i, j]:g}", ha="center", va="center", size=size, color="white" if dark else INK,
            weight="bold" if i == j else "normal",
        )  # fmt: skip
    for edge in np.arange(k + 1) - 0.5:
        axes.plot([-0.5, k - 0.5], [edge, edge], color="white", linewidth=1)
        axes.plot([edge, edge], [-0.5, k - 0.5], color="white", linewidth=1)


def _confusion_edges(axes: Axes, counts: np.ndarray, classes: Sequence[str], cell: float) -> None:
    """Class names left and above, recall on the right, precision below."""
    k = len(counts)
    long = max(map(len, classes)) > 4
    size = 15 * cell
    axes.set_xticks(
        range(k), classes, rotation=45 if long else 0, ha="right" if long else "center", size=size
    )
    axes.set_yticks(range(k), classes, size=size)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", size=9, color=INK)
    axes.set_ylabel("true", size=9, color=INK)
    axes.set(xlim=(-0.5, k + 0.35), ylim=(k + 0.35, -0.5))
    for axis in (1, 0):
        for i, total in enumerate(counts.sum(axis=axis)):
            x, y = (k, i) if axis else (i, k)
            share = f"{counts[i, i] / total:.1%}" if total else "–"
            axes.text(x, y, share, ha="center", va="center", size=size * 0.8, color=QUIET)
    axes.text(k, -0.62, "recall", ha="center", va="bottom", size=size * 0.85, color=QUIET)
    axes.text(-0.6, k, "precision", ha="right", va="center", size=size * 0.85, color=QUIET)


# matplotlib


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("inspect: figures need matplotlib; pip install 'fastnano[viz]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def _diverging() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("diverging", np.array(DIVERGING) / 255).with_extremes(
        bad="#cccccc"
    )


def _written(figure: Figure, path: File | None) -> Figure:
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DPI)
    return figure
