"""Images made larger or smaller."""

from . import row

ROWS = [
    *(
        row(f"Upsample({size}, mode={mode!r}{more})", shape)
        for mode, more, shape in (
            ("nearest", "", (2, 3, 5)),
            ("nearest-exact", "", (2, 3, 5)),
            ("linear", "", (2, 3, 5)),
            ("linear", ", align_corners=True", (1, 2, 4)),
            ("area", "", (2, 3, 5)),
        )
        for size in ("size=1", "size=7", "size=11", "scale_factor=2", "scale_factor=1.7", "scale_factor=0.6")
    ),
    *(
        row(f"Upsample({size}, mode={mode!r}{more})", (2, 2, 4, 5))
        for mode, more in (
            ("nearest", ""),
            ("nearest-exact", ""),
            ("bilinear", ""),
            ("bilinear", ", align_corners=True"),
            ("bicubic", ""),
            ("bicubic", ", align_corners=True"),
            ("area", ""),
        )
        for size in (
            "size=(7, 3)",
            "size=(1, 9)",
            "scale_factor=2",
            "scale_factor=(1.3, 0.5)",
            "scale_factor=1.45, recompute_scale_factor=True",
        )
    ),
    row("Upsample(scale_factor=2)", (17, 3, 2, 3)),
    row("Upsample(scale_factor=2)", (1, 1, 1, 1)),
    row("Upsample(scale_factor=3, mode='bilinear')", (1, 1, 1, 1)),
    row("Upsample(scale_factor=2)", (2, 2, 2, 3, 4)),
    row("Upsample(size=(3, 5, 2), mode='trilinear')", (2, 2, 2, 3, 4)),
    row("Upsample(scale_factor=2, mode='trilinear', align_corners=True)", (1, 2, 2, 3, 2)),
    row("UpsamplingNearest2d(scale_factor=2)", (2, 3, 4, 3)),
    row("UpsamplingNearest2d((5, 7))", (2, 3, 4, 3)),
    row("UpsamplingBilinear2d(scale_factor=2)", (2, 3, 4, 3)),
    row("UpsamplingBilinear2d(5)", (2, 3, 4, 3)),
    row("PixelShuffle(2)", (2, 8, 3, 4)),
    row("PixelShuffle(3)", (9, 2, 1)),
    row("PixelShuffle(1)", (2, 3, 4, 4)),
    row("PixelUnshuffle(2)", (2, 3, 4, 6)),
    row("PixelUnshuffle(3)", (1, 3, 6)),
    row("lambda x: F.interpolate(x, scale_factor=2.0, mode='bilinear')", (2, 3, 4, 3)),
    row("lambda x: F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2)", (2, 2, 8, 3, 2)),
]
