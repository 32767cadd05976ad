"""Dropout where nothing is left to chance; what is, is tested in test_dropout.py."""

from . import row

NAMES = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
SHAPES = ((2, 3, 5), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 4, 5), (4, 5), (2, 3, 5))

ROWS = [
    *(row(f"{name}()", shape, training=False) for name, shape in zip(NAMES, SHAPES, strict=True)),
    *(row(f"{name}(0.0)", shape) for name, shape in zip(NAMES, SHAPES, strict=True)),
    *(row(f"{name}(1.0)", shape) for name, shape in zip(NAMES, SHAPES, strict=True)),
    row("Dropout1d(1.0)", (3, 5)),
    row("Dropout3d(1.0)", (3, 2, 4, 5)),
]
