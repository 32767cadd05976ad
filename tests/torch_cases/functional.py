"""Functions of ``nn.functional`` that the other families' rows call by their layers only, their arguments by place."""

import numpy as np

from . import integers, row

SIGNS = 2.0 * integers(2, 5, 4) - 1
LISTS = np.array([[3, 0, -1, 1], [-1, 2, 2, 2], [0, 1, 2, 3]])


def rows(shape, *calls):
    """Rows of functions of one x."""
    return [row(f"lambda x: F.{call}", shape) for call in calls]


ROWS = [
    *(
        case
        for name, shape in (
            *(("dropout", (5, 4)), ("dropout1d", (2, 3, 5)), ("dropout2d", (2, 3, 4, 5))),
            *(
                ("dropout3d", (2, 3, 2, 4, 5)),
                ("alpha_dropout", (5, 4)),
                ("feature_alpha_dropout", (2, 3, 5)),
            ),
        )
        for case in rows(shape, f"{name}(x, 0.5, False)", f"{name}(x, 0.0, True)", f"{name}(x, 1.0, True)")
    ),
    *rows(
        (2, 3, 8),
        "adaptive_avg_pool1d(x, 3)",
        "avg_pool1d(x, 3, 2, 1, True, False)",
        "lp_pool1d(x.exp(), 2, 3, 2, True)",
    ),
    *rows((2, 3, 7, 6), "adaptive_max_pool2d(x, (3, 2))", "avg_pool2d(x, (2, 3), 2, (1, 0), True, False, 5)"),
    *rows(
        (2, 2, 5, 6, 7),
        "adaptive_avg_pool3d(x, (2, None, 3))",
        "adaptive_max_pool3d(x, 2)",
        "adaptive_max_pool3d(x, (1, 2, 3), True)",
        "max_pool3d(x, 2, 1, 1, 2, True)",
    ),
    *rows(
        (2, 6, 4, 3), "channel_shuffle(x, 3)", "local_response_norm(x, 3, 0.5, 0.6, 2.0)", "instance_norm(x)"
    ),
    *rows(np.array([-np.inf, -7, -3.5, 3.5, 7, np.inf, np.nan]), "hardsigmoid(x)"),
    # layers
    row("lambda x, w, b: F.linear(x, w, b)", (4, 5), (3, 5), (3,)),
    row("lambda x, y, w, b: F.bilinear(x, y, w, b)", (5, 3), (5, 2), (4, 3, 2), (4,)),
    row("lambda x, w, b: F.conv2d(x, w, b, 2, 1, 2, 2)", (2, 4, 7, 8), (6, 2, 3, 3), (6,)),
    row("lambda x, w: F.embedding_bag(x, w)", integers(7, 3, 4), (7, 5)),
    row(
        "lambda x, w, o: F.embedding_bag(x, w, o, None, 2.0, False, 'sum')",
        integers(7, 9),
        (7, 5),
        np.array([0, 4]),
    ),
    row("lambda x, w, b: F.batch_norm(x, None, None, w, b, True)", (4, 3, 5), (3,), (3,)),
    row(
        "lambda x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach().exp(), w, b, False, 0.1, 0.3)",
        *((4, 3, 5), (3,), (3,), (3,), (3,)),
    ),
    row("lambda x, w, b: F.group_norm(x, 2, w, b, 0.1)", (4, 6, 5), (6,), (6,)),
    row("lambda x, w, b: F.instance_norm(x, None, None, w, b, True, 0.1, 0.3)", (4, 3, 5), (3,), (3,)),
    row("lambda x, w, b: F.layer_norm(x, (3, 5), w, b, 0.1)", (4, 3, 5), (3, 5), (3, 5)),
    row("lambda x, w: F.rms_norm(x, (5,), w, 0.1)", (4, 5), (5,)),
    # losses and distances
    row("lambda x, t: F.smooth_l1_loss(x, t, beta=0.3)", (5, 4), (5, 4)),
    row(
        "lambda x, t, w: F.binary_cross_entropy_with_logits(x, t.sigmoid().detach(), w.detach())",
        *[(5, 4)] * 3,
    ),
    row("lambda x, t, w: F.cross_entropy(x, t, w.detach().exp())", (5, 4), integers(4, 5), (4,)),
    row("lambda x, t, w: F.nll_loss(x, t, w.detach().exp())", (5, 4), integers(4, 5), (4,)),
    row("lambda x, t: F.kl_div(x, t.softmax(1).detach(), reduction='batchmean')", (5, 4), (5, 4)),
    row("lambda x, t, w: F.multi_margin_loss(x, t, 2, 0.7, w.detach().exp())", (5, 4), integers(4, 5), (4,)),
    row("lambda x, t: F.multilabel_margin_loss(x, t)", (3, 4), LISTS),
    row("lambda x, t: F.multilabel_soft_margin_loss(x, t.sigmoid().detach())", (5, 4), (5, 4)),
    row("lambda x, t: F.soft_margin_loss(x, t.detach())", (5, 4), SIGNS),
    row("lambda x, t: F.hinge_embedding_loss(x, t.detach(), 0.5)", (5, 4), SIGNS),
    row("lambda x, y, t: F.cosine_embedding_loss(x, y, t.detach(), -0.2)", (5, 3), (5, 3), SIGNS[:, 0]),
    row("lambda x, y, t: F.margin_ranking_loss(x, y, t.detach(), 0.5)", (5, 4), (5, 4), SIGNS),
    row("lambda x, y, z: F.triplet_margin_loss(x, y, z, 2.5, 3.0, 0.1, True)", *[(5, 4)] * 3),
    row(
        "lambda *x: F.triplet_margin_with_distance_loss(*x, distance_function=F.pairwise_distance, margin=2.0)",
        *[(5, 4)] * 3,
    ),
    row("lambda x, y: F.pairwise_distance(x, y, 3.0, 0.1, True)", (5, 4), (5, 4)),
    row("lambda x, y: F.cosine_similarity(x, y, 0, 0.1)", (5, 4), (5, 4)),
]
