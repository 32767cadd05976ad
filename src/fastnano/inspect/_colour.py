"""Two colour scales: black to white for images, blue over white to red for numbers of both signs."""

from __future__ import annotations

import numpy as np

# RdBu of C. Brewer, M. Harrower, colorbrewer2.org: negative blue, zero white, positive red.
DIVERGING = (
    (5, 48, 97), (33, 102, 172), (67, 147, 195), (146, 197, 222), (209, 229, 240), (247, 247, 247),
    (253, 219, 199), (244, 165, 130), (214, 96, 77), (178, 24, 43), (103, 0, 31),
)  # fmt: skip
GREY = ((0, 0, 0), (255, 255, 255))


def unit_scale(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """Values as places from 0 to 1 on a scale, and whether it is the diverging one.

    Numbers of both signs: 0.5 is zero, and both ends are the largest magnitude.  Others: 0 is zero, 1 the
    largest.
    """
    largest = float(np.abs(values).max(initial=0)) or 1.0
    diverging = bool((values < 0).any())
    return (0.5 + values / (2 * largest) if diverging else values / largest), diverging


def rgb(places: np.ndarray, diverging: bool) -> np.ndarray:
    """uint8 colours (..., 3) at places from 0 to 1, linear between the scale's colours."""
    scale = np.array(DIVERGING if diverging else GREY, float)
    knots = np.linspace(0, 1, len(scale))
    channels = [np.interp(places, knots, scale[:, i]) for i in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
