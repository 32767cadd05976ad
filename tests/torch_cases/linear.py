"""Dense layers."""

from . import row

ROWS = [
    row("Linear(5, 3)", (4, 5)),
    row("Linear(5, 3)", (5,)),
    row("Linear(5, 3, bias=False)", (2, 7, 5)),
    row("Linear(1, 1)", (1, 1)),
    row("Linear(5, 3)", (0, 5)),
    row("Linear(300, 33)", (17, 300)),
    row("lambda x, w, b: F.linear(x, w, b)", (2, 4, 5), (3, 5), ()),
    *(row("lambda x, w, b: F.linear(x, w, b)", x, (5,), ()) for x in ((2, 4, 5), (5,))),
    row("lambda x, w: F.linear(x, w)", (4, 5), (5,)),
    row("Bilinear(3, 2, 4)", (5, 3), (5, 2)),
    row("Bilinear(3, 2, 4, bias=False)", (2, 5, 3), (2, 5, 2)),
    row("Bilinear(1, 1, 1)", (1,), (1,)),
    row("Bilinear(3, 2, 4)", (0, 3), (0, 2)),
    row("Flatten()", (3, 2, 4, 5)),
    row("Flatten(0, 1)", (3, 2, 4, 5)),
    row("Flatten(-2)", (3, 2, 4, 5)),
    row("Identity()", (3, 2)),
]
