"""Losses and distances, each with every reduction."""

import numpy as np

from . import integers, row

REDUCTIONS = ("mean", "sum", "none")


def every(text, *given, reductions=REDUCTIONS, **numbers):
    """A row for every reduction."""
    begun = text[:-1] + ("" if text.endswith("()") else ", ")
    return [row(f"{begun}reduction='{r}')", *given, **numbers) for r in reductions]


def shares(*shape):
    """From 0 to 1, both met."""
    return np.random.default_rng([2, *shape]).uniform(-0.2, 1.2, shape).clip(0, 1)


def probabilities(*shape):
    p = np.exp(np.random.default_rng([3, *shape]).uniform(-2, 2, shape))
    return p / p.sum(1 if len(shape) > 1 else 0, keepdims=True)


def classes(most, *shape, ignored=None):
    found = integers(most, *shape)
    return found if ignored is None else np.where(integers(4, *shape, seed=1) == 0, ignored, found)


def signs(*shape):
    return 2.0 * integers(2, *shape) - 1


WEIGHT = "weight=torch.tensor([0.2, 1.5, 1.0, 0.7])"
LISTS = np.array([[3, 0, -1, 1], [-1, 2, 2, 2], [0, 1, 2, 3], [2, 2, 0, -1], [1, -1, -1, -1]])

ROWS = [
    # of numbers
    *every("MSELoss()", (3, 4), (3, 4)),
    *every("MSELoss()", (), ()),
    *every("L1Loss()", (2, 3, 4), (2, 3, 4)),
    row("lambda x, t, w: F.mse_loss(x, t, weight=w)", (3, 4), (3, 4), shares(3, 4)),
    row("lambda x, t, w: F.mse_loss(x, t, weight=w, reduction='none')", (3, 4), (3, 4), shares(3, 4)),
    row("lambda x, t, w: F.l1_loss(x, t, weight=w)", (3, 4), (3, 4), shares(3, 4)),
    row("lambda x, t, w: F.l1_loss(x, t, weight=w, reduction='sum')", (3, 4), (3, 4), shares(3, 4)),
    row("lambda x, t, w: F.huber_loss(x, t, delta=0.7, weight=w)", (3, 4), (3, 4), shares(3, 4)),
    *every("SmoothL1Loss()", (5, 7), (5, 7)),
    *every("SmoothL1Loss(beta=0.3)", (2, 3, 4), (2, 3, 4)),
    *every("SmoothL1Loss(beta=0)", (3, 4), (3, 4)),
    *every("SmoothL1Loss(beta=50.0)", (3, 4), (3, 4)),
    *every("SmoothL1Loss()", np.arange(-3.0, 4), np.zeros(7)),
    *every("HuberLoss()", (5, 7), (5, 7)),
    *every("HuberLoss(delta=0.3)", (17,), (17,)),
    *every("HuberLoss(delta=2.5)", (), ()),
    *every("HuberLoss()", np.arange(-3.0, 4), np.zeros(7)),
    # of probabilities
    *every("CrossEntropyLoss()", (5, 4), classes(4, 5)),
    *every("CrossEntropyLoss()", (1, 1), classes(1, 1)),
    *every("CrossEntropyLoss()", (4,), classes(4)),
    *every("CrossEntropyLoss()", (2, 4, 3), classes(4, 2, 3)),
    *every("CrossEntropyLoss()", (2, 4, 3, 5), classes(4, 2, 3, 5)),
    *every("CrossEntropyLoss(ignore_index=2)", (9, 4), classes(4, 9)),
    *every("CrossEntropyLoss()", (9, 4), classes(4, 9, ignored=-100)),
    *every("CrossEntropyLoss(ignore_index=-1, label_smoothing=0.2)", (3, 4, 5), classes(4, 3, 5, ignored=-1)),
    *every("CrossEntropyLoss(label_smoothing=0.1)", (17, 4), classes(4, 17)),
    *every("CrossEntropyLoss(label_smoothing=1.0)", (5, 4), classes(4, 5)),
    *every(f"CrossEntropyLoss({WEIGHT})", (5, 4), classes(4, 5)),
    *every(f"CrossEntropyLoss({WEIGHT}, label_smoothing=0.3)", (5, 4), classes(4, 5)),
    *every(f"CrossEntropyLoss({WEIGHT}, ignore_index=1, label_smoothing=0.3)", (9, 4, 2), classes(4, 9, 2)),
    *every(f"CrossEntropyLoss({WEIGHT})", (4,), classes(4)),
    *every("CrossEntropyLoss()", (5, 4), probabilities(5, 4)),
    *every("CrossEntropyLoss(label_smoothing=0.2)", (2, 4, 3), probabilities(2, 4, 3)),
    *every(f"CrossEntropyLoss({WEIGHT}, label_smoothing=0.2)", (5, 4), probabilities(5, 4)),
    *every("CrossEntropyLoss()", (4,), probabilities(4)),
    *every("NLLLoss()", (5, 4), classes(4, 5)),
    *every("NLLLoss()", (4,), classes(4)),
    *every(f"NLLLoss({WEIGHT}, ignore_index=0)", (9, 4), classes(4, 9)),
    *every(f"NLLLoss({WEIGHT})", (2, 4, 3, 2), classes(4, 2, 3, 2)),
    *every("NLLLoss(ignore_index=-7)", (2, 4, 9), classes(4, 2, 9, ignored=-7)),
    *every("BCELoss()", (5, 4), shares(5, 4), low=0.01, high=0.99),
    *every("BCELoss()", (), shares(), low=0.01, high=0.99),
    row(
        "lambda x, t: F.binary_cross_entropy(x, t.to(x.dtype), reduction='none')",
        np.array([0.0, 1, 0.5, 1e-9]),
        np.array([0, 1, 0, 1]),
    ),
    *every(f"BCELoss({WEIGHT})", (5, 4), shares(5, 4), low=0.01, high=0.99),
    *every(
        "BCELoss(weight=torch.tensor([[0.5], [2.0]]))", (2, 3, 2, 4), shares(2, 3, 2, 4), low=0.01, high=0.99
    ),
    *every("BCEWithLogitsLoss()", (5, 4), shares(5, 4)),
    *every("BCEWithLogitsLoss()", (), shares()),
    *every("BCEWithLogitsLoss()", np.array([1e4, -1e4, 90, -90, 0, 20]), shares(6)),
    *every(f"BCEWithLogitsLoss({WEIGHT})", (5, 4), shares(5, 4)),
    *every(f"BCEWithLogitsLoss(pos_{WEIGHT})", (5, 4), shares(5, 4)),
    *every(f"BCEWithLogitsLoss(pos_{WEIGHT}, weight=torch.tensor([[0.5], [2.0]]))", (2, 4), shares(2, 4)),
    *every("KLDivLoss()", (5, 4), probabilities(5, 4), reductions=("sum", "none", "batchmean")),
    *every("KLDivLoss(log_target=True)", (2, 3, 4), (2, 3, 4), reductions=("sum", "none", "batchmean")),
    *every("KLDivLoss()", (5, 4), probabilities(1, 4), reductions=("sum", "none", "batchmean")),
    *every("KLDivLoss()", (), shares(), reductions=("sum", "none", "batchmean")),
    *every("PoissonNLLLoss()", (5, 4), (5, 4)),
    *every("PoissonNLLLoss(full=True)", (5, 7), shares(5, 7) * 4 + 0.1),
    row("lambda x, t: F.poisson_nll_loss(x, t.to(x.dtype), full=True)", (5, 7), integers(6, 5, 7)),
    *every("PoissonNLLLoss(log_input=False, eps=1e-3)", (3, 4), (1, 4), low=0.1, high=3),
    *every("PoissonNLLLoss(False, True)", (3, 4), (3, 4), low=0.1, high=4),
    *every("GaussianNLLLoss()", (5, 4), (5, 4), shares(5, 4)),
    *every("GaussianNLLLoss(full=True, eps=0.3)", (2, 3, 4), (2, 3, 4), shares(2, 3)),
    *every("GaussianNLLLoss()", (5, 4), (5, 4), shares(5, 1) + 0.1),
    row("lambda x, t: F.gaussian_nll_loss(x, t, 0.4)", (5, 4), (5, 4)),
    # of margins
    *every("MultiMarginLoss()", (5, 4), classes(4, 5)),
    *every("MultiMarginLoss()", (4,), classes(4)),
    *every("MultiMarginLoss(p=2)", (5, 4), classes(4, 5)),
    *every(f"MultiMarginLoss({WEIGHT}, margin=0.3)", (5, 4), classes(4, 5)),
    *every(f"MultiMarginLoss(p=2, {WEIGHT}, margin=2.5)", (17, 4), classes(4, 17)),
    *every("SoftMarginLoss()", (5, 4), signs(5, 4).astype(int)),
    *every("SoftMarginLoss()", np.array([80.0, -80, 0, 3]), np.array([1, 1, -1, -1])),
    *every("MultiLabelMarginLoss()", (5, 4), LISTS),
    *every("MultiLabelMarginLoss()", (4,), LISTS[0]),
    *every("MultiLabelMarginLoss()", (1, 1), np.zeros((1, 1), int)),
    *every("MultiLabelSoftMarginLoss()", (5, 4), shares(5, 4)),
    *every("MultiLabelSoftMarginLoss()", (4,), shares(4)),
    *every(f"MultiLabelSoftMarginLoss({WEIGHT})", (2, 3, 4), shares(2, 3, 4)),
    *every("HingeEmbeddingLoss()", (5, 4), signs(5, 4).astype(int)),
    *every("HingeEmbeddingLoss(margin=-0.5)", (5, 4), signs(1, 4).astype(int)),
    *every("MarginRankingLoss()", (17,), (17,), signs(17)),
    *every("MarginRankingLoss(margin=0.7)", (5, 4), (5, 1), signs(5, 4)),
    *every("CosineEmbeddingLoss()", (5, 4), (5, 4), signs(5).astype(int)),
    *every("CosineEmbeddingLoss(margin=0.2)", (17, 3), (17, 3), signs(17).astype(int)),
    *every("CosineEmbeddingLoss(margin=-0.9)", (4,), (4,), signs().astype(int)),
    *every("TripletMarginLoss()", (5, 4), (5, 4), (5, 4)),
    *every("TripletMarginLoss(margin=0.1, p=1.0)", (5, 4), (5, 4), (5, 4)),
    *every("TripletMarginLoss(2.5, 3.0, 0.1, True)", (2, 3, 4), (2, 3, 4), (2, 3, 4)),
    *every("TripletMarginLoss(swap=True)", (4,), (4,), (4,)),
    *every("TripletMarginWithDistanceLoss(margin=2.0)", (5, 4), (5, 4), (5, 4)),
    *every(
        "TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().mean(-1), swap=True)",
        *[(5, 4)] * 3,
    ),
    # classes
    row("lambda x: F.one_hot(x)", classes(4, 5)),
    row("lambda x: F.one_hot(x, 7)", classes(4, 2, 3, 5)),
    row("lambda x: F.one_hot(x, num_classes=3)", classes(3)),
    row("lambda x: F.one_hot(x, 3)", np.zeros((0, 2), int)),
    # distances
    row("CosineSimilarity()", (5, 4), (5, 4)),
    row("CosineSimilarity(dim=-1, eps=3)", (2, 3, 4), (2, 3, 4)),
    row("CosineSimilarity(dim=0)", (5, 4), (5, 1)),
    row("CosineSimilarity()", np.zeros((2, 3)), (2, 3)),
    row("PairwiseDistance()", (5, 4), (5, 4)),
    row("PairwiseDistance(p=1, keepdim=True)", (5, 4), (5, 4)),
    row("PairwiseDistance(p=3.5, eps=0.1)", (2, 3, 4), (4,)),
    row("PairwiseDistance(p=float('inf'))", (5, 4), (5, 4)),
    row("PairwiseDistance(p=0.7)", (4,), (4,)),
    *(row(f"PairwiseDistance(p={p})", (5, 4), (5, 4)) for p in ("-1", "-2.5", "-float('inf')")),
    row("lambda x, y: F.pairwise_distance(x, y, 0).detach()", (5, 4), (5, 4)),
    row("PairwiseDistance(eps=0)", np.ones((2, 3)), np.ones((2, 3))),
    row("PairwiseDistance(p=3, eps=0)", np.ones((2, 3)), np.ones((2, 3))),
    row("PairwiseDistance()", (0, 3), (0, 3)),
]
