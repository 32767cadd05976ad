"""Padding layers and functions."""

from . import integers, row

ROWS = [
    *(
        row(f"{kind}Pad{dims}d({sides})", shape)
        for kind in ("Zero", "Reflection", "Replication", "Circular")
        for dims, sides, shape in (
            (1, "2", (2, 3, 5)),
            (1, "(0, 3)", (2, 4)),
            (1, "1", (0, 2, 5)),
            (2, "1", (2, 3, 4, 5)),
            (2, "(3, 0, 2, 1)", (1, 2, 3, 4)),
            (2, "(1, 2, 0, 3)", (3, 4, 5)),
        )
    ),
    row("ConstantPad1d(2, 1.5)", (2, 3, 5)),
    row("ConstantPad1d((-1, 2), 3.0)", (2, 5)),
    row("ConstantPad2d((1, -2, -1, 3), -0.5)", (2, 3, 4, 5)),
    row("ZeroPad2d((-1, 1, 2, -2))", (2, 3, 4, 5)),
    row("ReplicationPad2d((5, 9, 7, 0))", (2, 3, 1, 2)),
    row("lambda x: F.pad(x, (1, 2))", (3,)),
    row("lambda x: F.pad(x, (1, 2, 0, 3), value=1.5)", (3, 4)),
    row("lambda x: F.pad(x, (1, 0, 2, 1, 0, 1))", (2, 3, 2, 4)),
    row("lambda x: F.pad(x, (1, 2, 2, 0, 1, 1), mode='reflect')", (2, 3, 3, 4, 5)),
    row("lambda x: F.pad(x, (1, 2, 2, 0, 1, 3), mode='replicate')", (2, 3, 3, 4, 5)),
    row("lambda x: F.pad(x, (1, 2, 2, 0, 1, 3), mode='circular')", (2, 3, 3, 4, 5)),
    *(
        row(f"lambda x: F.pad(x, (1, 2), '{mode}', 0)", x)
        for mode in ("reflect", "replicate", "circular")
        for x in ((2, 3, 4), integers(9, 2, 3, 4))
    ),
    row("Unflatten(1, (2, 5))", (3, 10)),
    row("Unflatten(-2, (3, -1, 1))", (2, 6, 4)),
    row("Unflatten(0, (-1, 1))", (3, 4)),
]
