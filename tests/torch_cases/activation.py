"""Activations, also at their kinks, at infinity and of NaN."""

import numpy as np

from . import row

ANY = np.array(
    [0, -0.0, 0.25, -0.25, 0.5, -0.5, 1, -1, 2, -2, 3, -3, 6, 7, -7, 20, 30, -30, 100, -100, -np.inf]
)
ODD = np.append(ANY, [np.inf, np.nan])
WHOLE = np.array([-4, -2, -1, 0, 1, 5, 6, 7, 2**60 + 1])

ROWS = [
    *(row(text, x) for text in ("ReLU()", "ReLU6()") for x in (ODD, (3, 0, 2))),
    *(row(text, WHOLE) for text in ("ReLU()", "ReLU6()", "Hardtanh(-2.5, 5.5)", "Threshold(-0.5, 7.5)")),
    *(row(text, ODD) for text in ("LeakyReLU()", "LeakyReLU(0.5)", "LeakyReLU(2)", "LeakyReLU(-1.5)")),
    *(row(text, ODD) for text in ("ELU()", "ELU(2)", "ELU(0.3)", "SELU()")),
    *(row(text, ODD) for text in ("CELU()", "CELU(0.5)", "CELU(3.)")),
    *(row(text, (5, 4)) for text in ("GELU()", "GELU('tanh')", "GELU(approximate='none')")),
    *(row(text, ANY[:-1]) for text in ("GELU()", "GELU('tanh')", "Softsign()")),
    *(row(text, ODD) for text in ("SiLU()", "Mish()")),
    *(row(text, ODD) for text in ("Sigmoid()", "LogSigmoid()", "Tanh()", "Tanhshrink()")),
    *(row(text, ODD) for text in ("Softplus()", "Softplus(2, 3)", "Softplus(0.5)", "Softplus(threshold=1)")),
    *(row(text, ODD) for text in ("Hardtanh()", "Hardtanh(-2, 0.5)", "Hardtanh(0, 6)")),
    row("Hardswish()", ODD),
    row("Hardsigmoid()", ODD[np.abs(ODD) >= 3]),  # between: test_activations.py
    *(row(text, ODD) for text in ("Hardshrink()", "Hardshrink(1)", "Hardshrink(0)", "Hardshrink(-1)")),
    *(row(text, ODD) for text in ("Softshrink()", "Softshrink(2)", "Softshrink(0)")),
    *(row(text, ODD) for text in ("Threshold(0.5, 20)", "Threshold(-1., -0.5)", "Threshold(0, 0)")),
    row("PReLU()", ODD),
    row("PReLU()", ()),
    row("PReLU()", (3, 4)),
    row("PReLU(4, 0.5)", (3, 4)),
    row("PReLU(4)", (2, 4, 3, 5)),
    row("PReLU(1, -0.5)", (2, 4, 3)),
    row("PReLU(4)", (0, 4, 3)),
    row("RReLU()", ODD, training=False),
    row("RReLU(0.1, 0.1)", (4, 5)),
    row("RReLU(0.2, 0.7)", (4, 5), training=False),
    row("GLU()", (3, 6)),
    row("GLU(0)", (6,)),
    row("GLU(1)", (2, 4, 3, 5)),
    row("GLU(-3)", (2, 8, 3, 5)),
    row("GLU()", (0, 2)),
    *(
        row(f"{name}({dim})", shape)
        for name in ("Softmax", "Softmin", "LogSoftmax")
        for dim, shape in (
            (1, (3, 4)),
            (0, (3, 4)),
            (-1, (2, 3, 4)),
            (2, (2, 3, 4, 5)),
            (0, (5,)),
            (1, (0, 3)),
        )
    ),
    row("Softmax2d()", (2, 3, 4, 5)),
    row("Softmax2d()", (3, 4, 1)),
    row("Softmax2d()", (0, 3, 4, 5)),
    *(
        row(f"lambda x: F.{call}", (3, 5))
        for call in (
            *("relu(x)", "relu6(x)", "leaky_relu(x, 0.2)", "elu(x, 0.5)", "selu(x)"),
            *("celu(x, 2.0)", "gelu(x, approximate='tanh')", "silu(x)", "mish(x)", "softplus(x, 2, 1)"),
            *(
                "softsign(x)",
                "softmin(x, dim=1)",
                "logsigmoid(x)",
                "hardtanh(x, -0.5, 0.5)",
            ),
            *("hardswish(x)", "hardshrink(x, 1.0)", "softshrink(x, 0.25)", "tanhshrink(x)", "sigmoid(x)"),
            *(
                "threshold(x, 0.1, 2.0)",
                "rrelu(x, 0.1, 0.3)",
                "tanh(x)",
                "softmax(x, 0)",
                "log_softmax(x, 1)",
            ),
        )
    ),
    row("lambda x, w: F.prelu(x, w)", (3, 5), (5,)),
    row("lambda x, w: F.prelu(x, w)", (5,), (1,)),
    row("lambda x: F.glu(x, dim=0)", (4, 5)),
]
