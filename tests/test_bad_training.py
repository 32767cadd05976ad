"""What losses, optimisers, schedules and trainings refuse: a call, the error, and what it must say."""

import math

import numpy as np
import pytest

import fastnano
from fastnano import nn, optim
from fastnano.data import TensorDataset
from fastnano.train import Trainer
from refusals import E, I, T, V, leaf, ones, parameters, sgd

F = nn.functional
S = optim.lr_scheduler
W = optim.swa_utils

LOSSES = [
    (
        lambda: F.cross_entropy(ones(2, 3), ones(2, 3), ignore_index=1),
        V,
        "ignore_index=1 is for class indices",
    ),
    (
        lambda: F.binary_cross_entropy(ones(2) * math.nan, ones(2)),
        V,
        "binary_cross_entropy: the input has values outside",
    ),
    (lambda: nn.MSELoss("average"), V, "MSELoss: reduction='average' must be one of 'mean', 'sum', 'none'"),
    (lambda: F.mse_loss(ones(2), ones(2), reduction=None), V, "mse_loss: reduction=None must be one of"),
    (
        lambda: F.mse_loss(ones(2, 1), ones(2)),
        V,
        r"target has shape \(2,\), expected that of the input, \(2, 1\)",
    ),
    (lambda: F.mse_loss(ones(2), np.ones(2)), E, "float32 and float64; convert"),
    (lambda: F.mse_loss(ones(0, 2), ones(0, 2)), V, "mse_loss: the batch is empty"),
    (lambda: F.l1_loss(ones(0), ones(0)), V, "l1_loss: the batch is empty"),
    (
        lambda: F.cross_entropy(ones(2, 3), [0, 3]),
        V,
        "cross_entropy: target holds 3, expected classes from 0 to 2",
    ),
    (lambda: F.cross_entropy(ones(2, 3), [-1, 0]), V, "target holds -1, expected classes from 0 to 2"),
    (
        lambda: F.cross_entropy(ones(2, 3), [0.0, 1.0]),
        V,
        "expected class probabilities .* convert it to integers",
    ),
    (lambda: F.cross_entropy(ones(2, 3), [True, False]), E, "target must be integer class indices, got bool"),
    (
        lambda: F.cross_entropy(ones(2, 3), [0]),
        V,
        r"target has shape \(1,\), expected \(2,\) for scores of shape",
    ),
    (
        lambda: F.cross_entropy(ones(2, 3), np.ones((2, 3), int)),
        V,
        r"target has shape \(2, 3\), expected \(2,\)",
    ),
    (lambda: F.cross_entropy(ones(0, 3), np.zeros(0, int)), V, "cross_entropy: the batch is empty"),
    (lambda: F.cross_entropy(T(1.0), 0), V, "the scores are a single number"),
    (lambda: F.cross_entropy(T([[1, 2]]), [0]), E, "must be float32 or float64, got int64"),
    (
        lambda: F.cross_entropy(ones(2, 3), [0, 1], weight=[1, 2]),
        V,
        r"weight has shape \(2,\), expected .* \(3,\)",
    ),
    (lambda: F.cross_entropy(ones(2, 2), [0, 1], weight=[1, math.nan]), V, "weight=.* holds NaN or infinity"),
    (
        lambda: F.cross_entropy(ones(2, 2), [0, 1], weight=np.ones(2)),
        E,
        "is float64 but .* is float32; convert",
    ),
    (lambda: F.cross_entropy(ones(2, 2), [0, 0], weight=[0.0, 1.0]), V, "weights of all targets add up to 0"),
    (lambda: F.cross_entropy(ones(2, 2), [1, 1], ignore_index=1), V, r"add up to 0 \(all ignored\?\)"),
    (
        lambda: F.cross_entropy(ones(2, 2), [0, 1], label_smoothing=2),
        V,
        "label_smoothing=2 must be from 0 to 1",
    ),
    (lambda: nn.CrossEntropyLoss(label_smoothing=-1), V, "CrossEntropyLoss: label_smoothing=-1 must be"),
    (
        lambda: F.nll_loss(ones(2, 3), [0.0, 1.0]),
        E,
        "nll_loss: target must be integer class indices, got float32",
    ),
    (lambda: F.nll_loss(ones(2, 3), [0, 5]), V, "nll_loss: target holds 5"),
    (lambda: F.nll_loss(ones(0, 3), np.zeros(0, int)), V, "nll_loss: the batch is empty"),
    (lambda: nn.MultiMarginLoss(p=3), V, "MultiMarginLoss: p=3 must be 1 or 2"),
    (
        lambda: F.multi_margin_loss(ones(2, 3, 4), [0, 0]),
        V,
        r"scores have shape \(2, 3, 4\), expected \(N, C\)",
    ),
    (lambda: F.multi_margin_loss(ones(2, 3), [0, -1]), V, "target holds -1, expected classes from 0 to 2"),
    (lambda: F.multi_margin_loss(ones(0, 3), np.zeros(0, int)), V, "multi_margin_loss: the batch is empty"),
    (lambda: F.hinge_loss(ones(2, 3), np.zeros((2, 3))), V, r"target .* must hold -1 and \+1 only"),
    (lambda: F.hinge_loss(ones(2, 3), [0, 3]), V, "hinge_loss: target holds 3"),
    (lambda: F.hinge_loss(ones(0, 3), np.ones((0, 3))), V, "hinge_loss: the batch is empty"),
    (lambda: nn.utils.rnn.pad_sequence([]), V, "pad_sequence: sequences is empty, expected at least one"),
    (lambda: nn.utils.rnn.unpad_sequence(ones(3, 2), [3]), V, "lengths has 1 numbers for 2 sequences"),
    (
        lambda: F.interpolate(ones(1, 1, 4), 2, antialias=True),
        NotImplementedError,
        "no antialias=True; smooth first",
    ),
    (lambda: F.one_hot([0, 3], 3), V, "one_hot: input holds 3, expected classes from 0 to num_classes=3 - 1"),
    (lambda: F.one_hot([-1, 0]), V, "one_hot: input holds -1"),
    (lambda: F.one_hot([1.0]), E, "one_hot: input must hold integers, got float32"),
    (lambda: F.one_hot(np.zeros(0, int)), V, "one_hot: input is empty and num_classes=-1"),
    (lambda: nn.HingeLoss(p=4), V, "HingeLoss: p=4 must be 1, 2 or 3"),
    (lambda: F.mse_loss(ones(2), ones(2), weight=[1.0]), V, r"weight has shape \(1,\), expected .* \(2,\)"),
    (lambda: nn.SmoothL1Loss(beta=-1), V, "SmoothL1Loss: beta=-1 must be at least 0"),
    (lambda: nn.HuberLoss(delta=0), V, "HuberLoss: delta=0 must be above 0"),
    (lambda: nn.HuberLoss(delta="1"), E, "HuberLoss: delta='1' must be a number above 0"),
    (
        lambda: F.binary_cross_entropy(ones(2) * 2, ones(2)),
        V,
        "the input has values outside 0 to 1; for scores",
    ),
    (lambda: F.binary_cross_entropy(ones(2), -ones(2)), V, "target has values outside 0 to 1"),
    (
        lambda: nn.BCELoss([1.0] * 3)(ones(2), ones(2)),
        V,
        r"weight has shape \(3,\), expected one that broadcasts",
    ),
    (
        lambda: F.binary_cross_entropy_with_logits(ones(2), ones(2), pos_weight=ones(1, 2)),
        V,
        r"pos_weight has shape \(1, 2\), expected one that broadcasts to that of the input, \(2,\)",
    ),
    (lambda: nn.KLDivLoss("batch"), V, "reduction='batch' must be one of 'batchmean', 'mean', 'sum', 'none'"),
    (lambda: F.kl_div(ones(3), ones(2)), V, r"kl_div: shapes \(3,\) and \(2,\) do not broadcast"),
    (lambda: F.gaussian_nll_loss(ones(2), ones(2), -1), V, "var holds -1.0; variances must be at least 0"),
    (lambda: F.gaussian_nll_loss(ones(4, 3), ones(4, 3), ones(3)), V, r"var has shape \(3,\), expected"),
    (
        lambda: F.multilabel_margin_loss(ones(2), [0, 2]),
        V,
        "target holds 2, expected classes from 0 to 1, then -1",
    ),
    (lambda: F.multilabel_margin_loss(ones(2), [0.0, 1.0]), E, "target must be integer class indices"),
    (lambda: F.multilabel_margin_loss(ones(2), [0]), V, r"target has shape \(1,\), expected .* \(2,\)"),
    (lambda: F.multilabel_soft_margin_loss(T(1.0), T(1.0)), V, "the scores are a single number"),
    (lambda: F.hinge_embedding_loss(ones(2), [0, 1]), V, r"target of shape \(2,\) must hold -1 and \+1 only"),
    (
        lambda: F.margin_ranking_loss(ones(2), ones(1, 2), [1, 1]),
        V,
        "margin_ranking_loss: .* as many axes each",
    ),
    (lambda: F.cosine_embedding_loss(ones(2), ones(2), [1]), V, r"expected \(N, D\), \(N, D\) and \(N,\)"),
    (lambda: nn.TripletMarginLoss(margin=0), V, "TripletMarginLoss: margin=0 must be above 0"),
    (lambda: F.triplet_margin_loss(ones(2), ones(2), ones(1, 2)), V, "expected as many axes each"),
    (lambda: F.expectation_loss(ones(2, 3), ones(2)), V, r"expectation_loss: target has shape \(2,\)"),
    (lambda: F.tanimoto_loss(ones(2, 3), [0, 3]), V, "tanimoto_loss: target holds 3, expected classes"),
    (lambda: F.chebyshev_loss(T(1.0), 0), V, "chebyshev_loss: the scores are a single number"),
    (lambda: F.dice_loss(ones(3), ones(3)), V, r"the probabilities have shape \(3,\), expected \(N, ...\)"),
    (
        lambda: F.tversky_loss(ones(1, 3), ones(1, 3), alpha=-1),
        V,
        "tversky_loss: alpha=-1 must be at least 0",
    ),
]

OPTIMISERS = [
    (lambda: optim.SGD([]), V, r"SGD: params is empty; pass model\.parameters"),
    (lambda: optim.SGD([np.ones(2)]), E, "SGD: params must be leaf tensors, got ndarray"),
    (lambda: optim.SGD([leaf(2) * 2]), E, "SGD: params must be leaf tensors, got the result of mul"),
    (lambda: optim.SGD([T([1])]), E, "SGD: params must be float tensors, got int64"),
    (lambda: optim.SGD([leaf(2)] * 2), V, r"SGD: a parameter of shape \(2,\) is given twice"),
    (lambda: optim.SGD([{"params": [leaf(2)], "rate": 1}]), E, r"SGD: unknown hyper-parameters \['rate'\]"),
    (lambda: optim.SGD([{"lr": 1}]), V, "SGD: a parameter group needs 'params'"),
    (lambda: optim.SGD(parameters(), lr=-1), V, "SGD: lr=-1 must be at least 0"),
    (lambda: optim.SGD(parameters(), lr=math.nan), V, "SGD: lr=nan must be at least 0"),
    (lambda: optim.SGD(parameters(), lr="a"), E, "lr='a' must be a number"),
    (lambda: sgd(momentum=-0.5), V, r"SGD: momentum=-0\.5 must be at least 0"),
    (lambda: sgd(weight_decay=-1), V, "SGD: weight_decay=-1 must be at least 0"),
    (lambda: sgd(nesterov=True), V, "nesterov=True needs momentum > 0 and dampening 0, got momentum=0.0"),
    (
        lambda: optim.Adam(parameters(), betas=(0.9, 1.0)),
        V,
        r"Adam: betas=\(0\.9, 1\.0\) must be two numbers in",
    ),
    (lambda: optim.Adam(parameters(), betas=0.9), V, "Adam: betas=0.9 must be two numbers"),
    (lambda: optim.AdamW(parameters(), eps=-1), V, "AdamW: eps=-1 must be at least 0"),
    (
        lambda: optim.Adam(parameters()).param_groups[0].update(betas=(0.9,)),
        V,
        r"betas=\(0\.9,\) must be 2 numbers",
    ),
    (lambda: sgd().param_groups[0].update(lr=np.ones(2)), E, "lr=.* must be a number"),
    (lambda: W.get_ema_avg_fn(2), V, "get_ema_avg_fn: decay=2 must be a number from 0 to 1"),
    (lambda: W.get_ema_multi_avg_fn("a"), V, "get_ema_multi_avg_fn: decay='a' must be a number from 0 to 1"),
    (lambda: W.update_bn([], nn.BatchNorm1d(2), "cuda"), V, "update_bn: device='cuda' must be 'cpu'"),
    (lambda: S.StepLR(sgd(), 0), V, "StepLR: step_size=0 must be at least 1"),
    (lambda: S.StepLR(parameters(), 1), E, "StepLR: optimizer must be an Optimizer, got generator"),
    (lambda: S.StepLR(sgd(), 1, last_epoch=3), KeyError, "last_epoch=3 needs 'initial_lr'"),
    (lambda: S.CosineAnnealingLR(sgd(), 0), V, "CosineAnnealingLR: T_max=0 must be at least 1"),
    (lambda: S.OneCycleLR(sgd(), 0.1), V, "OneCycleLR: give total_steps, or epochs and steps_per_epoch"),
    (lambda: S.OneCycleLR(sgd(), 0.1, total_steps=0), V, "OneCycleLR: total_steps=0 must be at least 1"),
    (
        lambda: S.OneCycleLR(sgd(), 0.1, 5, pct_start=1.5),
        V,
        r"OneCycleLR: pct_start=1\.5 must be from 0 to 1",
    ),
    (lambda: S.OneCycleLR(sgd(), 0.1, 5, anneal_strategy="log"), V, "anneal_strategy='log' must be 'cos' or"),
    (lambda: S.OneCycleLR(sgd(), [0.1, 0.2], 5), V, "2 values of max_lr for 1 parameter groups"),
    (
        lambda: sgd().load_state_dict(nn.Linear(2, 2).state_dict()),
        V,
        r"what optimizer\.state_dict\(\) gives, got \['bias', 'weight'\]",
    ),
    (lambda: optim.SGD(nn.Linear(2, 2)), E, r"params must be parameters, got Linear; pass model\.parameters"),
    (lambda: optim.SGD(nn.Sequential(nn.ReLU())), E, r"leaf tensors, got ReLU; pass model\.parameters"),
    (
        lambda: nn.clip_grad_norm_(nn.Linear(2, 2), 1),
        E,
        "clip_grad_norm_: parameters must be tensors, got Linear",
    ),
    (
        lambda: nn.clip_grad_value_(nn.Sequential(nn.ReLU()), 1),
        E,
        "clip_grad_value_: .* got Sequential; pass",
    ),
    (lambda: nn.clip_grad_norm_(parameters(), -1), V, "clip_grad_norm_: max_norm=-1 must be at least 0"),
    (lambda: nn.clip_grad_norm_(parameters(), 1, 0), V, "clip_grad_norm_: norm_type=0 must be above 0"),
    (lambda: nn.clip_grad_value_(parameters(), -1), V, "clip_grad_value_: clip_value=-1 must be at least 0"),
]

X, Y = np.ones((6, 2), np.float32), np.array([0, 1] * 3)
ARRAY = "must be an array of numbers, got"


def learner(**parts):
    model = nn.Linear(2, 2)
    return {
        "model": model,
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.SGD(model.parameters()),
    } | parts


def plan(**parts):
    return fastnano.compile(**learner(**parts))


def trainer(**parts):
    return Trainer(**learner(**parts))


TRAINING = [
    (lambda: plan().run_epoch(X.tolist(), Y), E, f"train: images {ARRAY} list; numpy.asarray makes one"),
    (lambda: plan().step(X, Y.tolist()), E, f"train: labels {ARRAY} list"),
    (lambda: plan().step(1.0, 2), E, f"train: images {ARRAY} float"),
    (lambda: plan().evaluate(X, None), E, f"evaluate: labels {ARRAY} NoneType"),
    (lambda: plan().predict(X.astype(complex)), E, rf"predict: images {ARRAY} complex128 of shape \(6, 2\)"),
    (lambda: plan().run_epoch(X, Y.astype(str)), E, rf"train: labels {ARRAY} <U21 of shape \(6,\)"),
    (lambda: plan().run_epoch(X, Y[:3]), V, "train: 6 samples but 3 labels, expected as many"),
    (lambda: plan().run_epoch(X, Y + 1), V, "cross_entropy: target holds 2, expected classes from 0 to 1"),
    (lambda: plan().run_epoch(X, Y * 1.0), V, r"cross_entropy: .*for class indices, convert it to integers"),
    (lambda: plan().run_epoch(X, Y, 3), I, "order must be the numbers of samples"),
    (lambda: plan(batch_size=2).step(X, Y), V, "step: 6 samples, more than batch_size=2; use run_epoch"),
    (lambda: plan(model=3), E, "compile: model must be a Module, got int"),
    (lambda: plan(loss="mse"), E, "compile: loss must be a function of outputs and labels, got str"),
    (lambda: plan(optimizer=optim.SGD), E, r"optimizer must be an Optimizer, got the class; call it, SGD\("),
    (lambda: plan(scheduler=3), E, "compile: scheduler must be an LRScheduler, got int"),
    (lambda: plan(clip_norm=-1), V, "compile: clip_norm=-1 must be above 0"),
    (lambda: plan(std=0.0), V, "compile: std=0.0 must be above 0"),
    (lambda: trainer(model=None), E, "Trainer: model must be a Module, got NoneType"),
    (lambda: trainer(loss=nn.MSELoss), E, r"Trainer: loss must be .* got the class; call it, MSELoss\("),
    (lambda: trainer(clip_value="a"), E, "Trainer: clip_value='a' must be a number above 0"),
    (lambda: trainer(callbacks=[3]), E, "Trainer: callbacks must be Callbacks, got int"),
    (lambda: trainer().fit(X), E, r"data: a ndarray was given, expected a data set, a pair \(x, y\)"),
    (lambda: trainer().fit("mnist"), E, "data: a str was given, expected a data set"),
    (lambda: trainer().fit(TensorDataset(X)), V, r"fit: .* has no labels, expected pairs \(x, y\)"),
    (lambda: trainer().fit((X, Y[:3])), V, r"arrays have \[3, 6\] samples, expected as many in each"),
    (lambda: trainer().evaluate((X * 1j, Y)), E, "the samples are complex64, expected real numbers"),
    (lambda: trainer().predict(X.astype(str)), E, "the samples are <U32, expected real numbers"),
    (
        lambda: trainer().fit((X, Y.astype(str)), compile=False),
        E,
        "a tensor holds real numbers, got dtype <U21",
    ),
]
ROWS = [*LOSSES, *OPTIMISERS, *TRAINING]


@pytest.mark.parametrize(("call", "error", "message"), ROWS, ids=[row[2] for row in ROWS])
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (ones(3), V, r"SGD: grad has shape \(3,\), expected \(2,\), since param has shape \(2,\)"),
        (ones(2).double(), E, "SGD: param is float32 but grad is float64; convert"),
        (T([1, 2]), E, r"SGD: grad must be float32 or float64, got int64"),
    ],
)
def test_a_gradient_that_does_not_fit_changes_nothing(gradient, error, message):
    p = leaf(2)
    optimiser = optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = gradient
    with pytest.raises(error, match=message):
        optimiser.step()
    assert p.tolist() == [1, 1]
    assert optimiser.state[p]["step"] == 0


def test_gradients_without_a_norm_are_not_scaled():
    p = leaf(2)
    p.grad = T([1.0, math.inf])
    with pytest.raises(ValueError, match="clip_grad_norm_: the gradients have norm inf"):
        nn.clip_grad_norm_(p, 1.0)
    assert p.grad.tolist() == [1.0, math.inf]
