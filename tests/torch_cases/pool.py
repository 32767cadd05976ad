"""Poolings."""

import numpy as np

from . import row

TIES = np.random.default_rng(0).integers(-1, 2, (2, 3, 6, 7)).astype(float)  # full of equal values


def apart(most, *shape, places):
    """Numbers from 0 to most - 1, none of them twice in the last axes, whose number is ``places``."""
    rows = np.tile(np.arange(most), (*shape[:-places], 1))
    found = np.random.default_rng(0).permuted(rows, axis=-1)
    return found[..., : np.prod(shape[-places:])].reshape(shape)


ROWS = [
    *(
        row(f"{kind}Pool{len(shape)}d({numbers})", (*lead, *shape))
        for kind in ("Max", "Avg")
        for numbers in (
            "2",
            "3, stride=1",
            "2, stride=5",
            "3, stride=2, padding=1",
            "3, 2, 1, ceil_mode=True",
            "2, stride=3, padding=1, ceil_mode=True",
            "1",
        )
        for lead, shape in (((2, 3), (8,)), ((1, 2), (7, 6)), ((2, 2), (5, 6, 7)))
    ),
    row("MaxPool1d(2)", (3, 7)),
    row("MaxPool1d(3, stride=2, dilation=3, padding=1, return_indices=True)", (2, 3, 12)),
    row("MaxPool1d(2, return_indices=True)", (3, 7)),
    row("MaxPool1d(2)", (0, 3, 6)),
    row("MaxPool2d(2, stride=(4, 5))", (1, 70, 9, 8)),
    row("MaxPool2d((3, 2), stride=2, padding=1, return_indices=True)", TIES),
    row("MaxPool2d(2)", (0, 3, 6, 6)),
    row("MaxPool3d((2, 3, 1), stride=(1, 2, 3), padding=(1, 1, 0), dilation=(2, 1, 1))", (2, 3, 5, 6, 7)),
    row("MaxPool3d(2, stride=2, padding=1, return_indices=True)", (2, 3, 5, 6, 4)),
    row("MaxPool3d((2, 3, 2), stride=1, return_indices=True)", TIES),
    row("MaxPool3d(3, stride=2, ceil_mode=True)", (3, 6, 6, 8)),
    row("lambda x: F.max_pool1d(x, 3, 2, 1, ceil_mode=True)", (2, 3, 8)),
    row("AvgPool1d(3, stride=2, padding=1, count_include_pad=False)", (2, 3, 8)),
    row("AvgPool1d(2)", (3, 7)),
    row("AvgPool2d(5)", (1, 70, 5, 5)),
    row(
        "AvgPool2d((1, 3), stride=(3, 2), padding=(0, 1), ceil_mode=True, count_include_pad=False)",
        (2, 3, 7, 8),
    ),
    row("AvgPool2d(2)", (0, 3, 6, 6)),
    row("AvgPool3d((2, 3, 1), stride=(1, 2, 3), padding=(1, 1, 0))", (2, 3, 5, 6, 7)),
    row("AvgPool3d(3, 2, 1, ceil_mode=True, count_include_pad=False)", (2, 3, 5, 6, 4)),
    row("AvgPool3d(2, divisor_override=3)", (3, 5, 6, 4)),
    row("lambda x: F.avg_pool3d(x, 2, count_include_pad=False)", (1, 2, 3, 4, 5)),
    # to a size that divides, that does not, that is larger
    *(row(f"Adaptive{kind}Pool1d({n})", (2, 3, 10)) for kind in ("Avg", "Max") for n in (1, 5, 4, 7, 10, 13)),
    *(
        row(f"Adaptive{kind}Pool2d({n})", (2, 3, 6, 7))
        for kind in ("Avg", "Max")
        for n in ("1", "(3, 7)", "(4, 5)", "(None, 3)", "(2, None)", "(9, 1)")
    ),
    row("AdaptiveAvgPool1d(3)", (3, 8)),
    row("AdaptiveAvgPool2d(1)", (17, 70, 3, 5)),
    row("AdaptiveAvgPool2d((2, 3))", (3, 5, 5)),
    row("AdaptiveAvgPool2d(2)", (0, 3, 5, 5)),
    row("AdaptiveAvgPool3d((2, 3, 1))", (2, 3, 5, 6, 4)),
    row("AdaptiveAvgPool3d((2, None, 3))", (3, 5, 4, 7)),
    row("AdaptiveMaxPool1d(3, return_indices=True)", (3, 8)),
    row("AdaptiveMaxPool2d((4, 3), return_indices=True)", (2, 3, 6, 7)),
    row("AdaptiveMaxPool2d((2, 3), return_indices=True)", TIES),
    row("AdaptiveMaxPool2d(2, return_indices=True)", (3, 4, 4)),
    row("AdaptiveMaxPool3d((2, 3, 2), return_indices=True)", (2, 3, 5, 6, 3)),
    row("lambda x: F.adaptive_max_pool1d(x, 3)", (2, 3, 7)),
    row("lambda x: F.adaptive_avg_pool2d(x, (2, 3))", (2, 3, 5, 7)),
    row("LPPool1d(2, 3)", (2, 3, 10)),
    row("LPPool1d(3, 2, stride=3, ceil_mode=True)", (3, 9), low=0.0),
    row("LPPool2d(2, 2)", (2, 3, 5, 6)),
    row("LPPool2d(2, 2)", np.concatenate([np.zeros((1, 2, 4, 4)), np.ones((1, 2, 4, 4))])),
    row("LPPool2d(1.5, (3, 2), stride=(1, 3), ceil_mode=True)", (1, 2, 6, 7), low=0.1),
    row("lambda x: F.lp_pool2d(x, 1, 2)", (2, 3, 4, 4)),
    row("LPPool2d(-1.5, 2)", (2, 3, 4, 4), low=0.1),
    row("lambda x: F.lp_pool1d(x, float('inf'), 3, 2)", (2, 3, 8)),
    row("lambda x: F.lp_pool2d(x, -float('inf'), (2, 3))", (2, 3, 4, 6)),
    # windows larger than what they are moved over
    row("MaxPool1d(6, 2, ceil_mode=True, return_indices=True)", (2, 3, 5)),
    row("MaxPool2d((7, 3), (3, 2), 1, (1, 4), ceil_mode=True)", (2, 3, 4, 6)),
    row("MaxPool3d(9, padding=2, ceil_mode=True)", (1, 2, 3, 4, 6)),
    row("AvgPool1d(8, 3, 1, ceil_mode=True)", (2, 3, 5)),
    row("AvgPool2d((8, 3), (4, 2), 1, ceil_mode=True)", (17, 3, 5, 6)),
    row("LPPool2d(2, 6, 3, ceil_mode=True)", (2, 3, 5, 5)),
    # one number in a tuple for all axes
    row("MaxPool2d((3,), (2,), (1,), (1,))", (2, 3, 5, 6)),
    row("lambda x: F.avg_pool2d(x, (3,), [], [1])", (2, 3, 5, 6)),
    # back to where the maxima were
    row("lambda x: F.max_unpool1d(*F.max_pool1d(x, 2, return_indices=True), 2)", (2, 3, 8)),
    row("lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)", (2, 3, 6, 8)),
    row(
        "lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2, output_size=(7, 5))", (3, 7, 5)
    ),
    row(
        "lambda x: F.max_unpool2d(*F.max_pool2d(x, (1, 3), return_indices=True), (1, 3), padding=0)",
        (1, 2, 4, 9),
    ),
    row("MaxUnpool1d(2)", (2, 4), apart(8, 2, 4, places=1)),
    row("MaxUnpool1d(3, stride=2, padding=1)", (1, 2, 4), apart(7, 1, 2, 4, places=1)),
    row("MaxUnpool2d(2)", (2, 3, 2, 2), apart(16, 2, 3, 2, 2, places=2)),
    row(
        "MaxUnpool2d((2, 3), stride=(2, 1), padding=(0, 1))",
        *((1, 2, 2, 3), apart(15, 1, 2, 2, 3, places=2)),
        call="lambda m, x, i: m(x, i, output_size=(5, 3))",
    ),
    row("MaxPool3d(2)", (0, 4, 4, 4, 4)),
    row("MaxPool3d(2, return_indices=True)", (0, 4, 4, 4, 4)),
]
