"""Attention, the encoder of the transformer."""

import numpy as np

from . import row

SELF = "lambda m, x: m(x, x, x)"
ALONE = "lambda m, x: m(x, x, x, need_weights=False)"
EACH = "lambda m, x: m(x, x, x, average_attn_weights=False)"
DOT = "F.scaled_dot_product_attention"
UPPER = np.triu(np.ones((4, 4), bool), 1)
PADDED = np.array([[False, False, True, True], [False, False, False, True]])
SOME = np.array([[True, True, False], [False, True, False]])
HEADS = np.random.default_rng(0).random((6, 4, 4)) > 0.7
HEADS[..., 0] = False

ROWS = [
    row(f"lambda q, k, v: {DOT}(q, k, v)", (2, 3, 5), (2, 4, 5), (2, 4, 6)),
    row(f"lambda q, k, v: {DOT}(q, k, v)", (3, 5), (4, 5), (4, 5)),
    row(f"lambda q, k, v: {DOT}(q, k, v, scale=0.5)", (2, 17, 3, 5), (2, 17, 4, 5), (2, 17, 4, 5)),
    row(f"lambda q, k, v: {DOT}(q, k, v, is_causal=True)", (2, 2, 4, 5), (2, 2, 4, 5), (2, 2, 4, 5)),
    row(f"lambda q, k, v: {DOT}(q, k, v, is_causal=True)", (2, 4, 5), (2, 6, 5), (2, 6, 5)),
    row(f"lambda q, k, v, m: {DOT}(q, k, v, m)", (2, 2, 5), (2, 3, 5), (2, 3, 5), SOME),
    row(f"lambda q, k, v, m: {DOT}(q, k, v, m)", (2, 2, 5), (2, 3, 5), (2, 3, 5), SOME & False),
    row(f"lambda q, k, v, m: {DOT}(q, k, v, m)", (2, 2, 5), (2, 3, 5), (2, 3, 5), (2, 3)),
    *(
        row(f"lambda q, k, v, m: {DOT}(q, k, v, m.detach(), is_causal=True)", *[(2, 2, 4, 5)] * 3, mask)
        for mask in (HEADS[0], HEADS[0] - 1.0)
    ),
    row("MultiheadAttention(6, 2)", (4, 2, 6), call=SELF),
    row("MultiheadAttention(6, 2, batch_first=True)", (2, 4, 6), call=SELF),
    row("MultiheadAttention(6, 3, bias=False)", (4, 2, 6), call=ALONE),
    row("MultiheadAttention(6, 1)", (4, 6), call=SELF),
    row("MultiheadAttention(6, 2)", (4, 6), call=EACH),
    row("MultiheadAttention(6, 2, batch_first=True)", (2, 4, 6), call=EACH),
    row("MultiheadAttention(6, 2)", (3, 2, 6), (4, 2, 6), (4, 2, 6)),
    row("MultiheadAttention(6, 2, kdim=3, vdim=5)", (3, 2, 6), (4, 2, 3), (4, 2, 5)),
    row("MultiheadAttention(6, 2, kdim=3, vdim=5, bias=False)", (3, 6), (4, 3), (4, 5)),
    row("MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True)", (4, 2, 6), call=SELF),
    row("MultiheadAttention(6, 2, dropout=0.5)", (4, 2, 6), call=SELF, training=False),
    row("MultiheadAttention(32, 4, batch_first=True)", (17, 3, 32), call=SELF),
    row("MultiheadAttention(6, 2)", (4, 2, 6), UPPER, call="lambda m, x, a: m(x, x, x, attn_mask=a)"),
    row("MultiheadAttention(6, 3)", (4, 2, 6), HEADS, call="lambda m, x, a: m(x, x, x, attn_mask=a)"),
    row("MultiheadAttention(6, 3)", (4, 2, 6), (6, 4, 4), call="lambda m, x, a: m(x, x, x, attn_mask=a)"),
    row("MultiheadAttention(6, 2)", (4, 2, 6), PADDED, call="lambda m, x, p: m(x, x, x, p)"),
    row("MultiheadAttention(6, 2)", (4, 6), PADDED[0], call="lambda m, x, p: m(x, x, x, p)"),
    row(
        "MultiheadAttention(6, 2, add_bias_kv=True)",
        *((4, 2, 6), PADDED, UPPER),
        call="lambda m, x, p, a: m(x, x, x, p, attn_mask=a)",
    ),
    *(
        case
        for options in ("", ", norm_first=True", ", activation='gelu'", ", bias=False", ", batch_first=True")
        for case in (
            row(f"TransformerEncoderLayer(6, 2, 8, 0.0{options})", (4, 2, 6)),
            row(f"TransformerEncoderLayer(6, 2, 8, 0.5{options})", (4, 2, 6), training=False),
        )
    ),
    row("TransformerEncoderLayer(6, 2, 8, 0.0)", (4, 6)),
    row(
        "TransformerEncoderLayer(6, 2, 8, 0.0)",
        (4, 2, 6),
        UPPER,
        call="lambda m, x, a: m(x, a, is_causal=True)",
    ),
    row("TransformerEncoderLayer(6, 2, 8, 0.0)", (4, 2, 6), PADDED, call="lambda m, x, p: m(x, None, p)"),
    row(
        "TransformerEncoder(TransformerEncoderLayer(6, 2, 8, 0.0, batch_first=True), 2)",
        *((2, 4, 6), UPPER),
        call="lambda m, x, a: m(x, a)",
    ),
    row(
        "TransformerEncoder(TransformerEncoderLayer(6, 2, 8, 0.0, batch_first=True), 2, LayerNorm(6))",
        *((2, 4, 6), PADDED),
        call="lambda m, x, p: m(x, src_key_padding_mask=p)",
    ),
]
