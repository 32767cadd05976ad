"""Normalisation."""

from . import row

ROWS = [
    # over the batch
    row("BatchNorm1d(3)", (4, 3)),
    row("BatchNorm1d(3, bias=False)", (4, 3, 7)),
    row("BatchNorm2d(3, momentum=None)", (2, 3, 5, 4)),
    row("BatchNorm3d(3)", (2, 3, 4, 3, 2)),
    row("BatchNorm3d(3)", (2, 3, 4, 3, 2), training=False),
    row("BatchNorm3d(17, 1e-3, 0.3, affine=False)", (1, 17, 1, 3, 2)),
    row("BatchNorm3d(2, track_running_stats=False)", (3, 2, 2, 1, 2), training=False),
    # over the last axes
    row("LayerNorm(5)", (4, 5)),
    row("LayerNorm(5)", (5,)),
    row("LayerNorm(5, bias=False)", (2, 7, 5)),
    row("LayerNorm((3, 5), 1e-2)", (17, 3, 5)),
    row("LayerNorm((2, 3, 5), elementwise_affine=False)", (2, 3, 5)),
    row("LayerNorm(1)", (4, 1)),
    row("LayerNorm(5)", (0, 5)),
    row("LayerNorm(300)", (33, 300)),
    row("LayerNorm(5)", (16, 2, 5), training=False),
    row("RMSNorm(5)", (4, 5)),
    row("RMSNorm(5, eps=0.1)", (5,)),
    row("RMSNorm((3, 5), elementwise_affine=False)", (2, 3, 5)),
    row("RMSNorm(300)", (33, 300)),
    row("RMSNorm(5)", (0, 5)),
    # over groups of channels
    row("GroupNorm(2, 6)", (4, 6, 5)),
    row("GroupNorm(1, 3, 1e-2)", (2, 3, 4, 5)),
    row("GroupNorm(3, 3, bias=False)", (2, 3, 4, 2, 3)),
    row("GroupNorm(2, 4, 0.1, affine=False)", (4, 4)),
    row("GroupNorm(3, 3)", (4, 3)),
    row("GroupNorm(2, 6)", (0, 6, 5)),
    row("GroupNorm(4, 32)", (17, 32, 3, 3)),
    # over the places of a channel
    row("InstanceNorm1d(3)", (4, 3, 5)),
    row("InstanceNorm1d(3, affine=True)", (3, 5)),
    row("InstanceNorm1d(3, affine=True, bias=False)", (17, 3, 2)),
    row("InstanceNorm2d(3, 1e-2)", (2, 3, 4, 5)),
    row("InstanceNorm2d(3, affine=True)", (3, 4, 5)),
    row("InstanceNorm2d(3, affine=True, track_running_stats=True)", (2, 3, 4, 5)),
    row("InstanceNorm2d(3, momentum=0.3, track_running_stats=True)", (3, 4, 5)),
    row("InstanceNorm2d(3, affine=True, track_running_stats=True)", (2, 3, 4, 5), training=False),
    row("InstanceNorm2d(3, momentum=None, track_running_stats=True)", (2, 3, 1, 5)),
    row("InstanceNorm3d(2, affine=True)", (2, 2, 3, 4, 2)),
    row("InstanceNorm3d(2)", (2, 3, 4, 2)),
    # over neighbouring channels
    row("LocalResponseNorm(3)", (2, 7, 4, 3)),
    row("LocalResponseNorm(2, alpha=0.5, beta=0.5, k=2.0)", (2, 7, 4)),
    row("LocalResponseNorm(5, alpha=1.0)", (1, 3, 2, 2, 2)),
    row("LocalResponseNorm(1, alpha=1.0)", (3, 1, 5)),
]
