"""Losses: what PyTorch lacks against formulas, kinds of target, extreme scores (see also ``torch_cases/loss.py``)."""

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from fastnano.autograd import topological_order
from oracle import PRECISIONS, agree, array, back_end, compare, our_tensor, run, their_tensor, torch

F = nn.functional


def labels(*shape, classes):
    return np.random.default_rng([0, *shape]).integers(0, classes, shape)


def probabilities(*shape):
    p = np.exp(array(*shape, seed=2))
    return p / p.sum(1 if len(shape) > 1 else 0, keepdims=True)


def hinge(x, signs, margin, reduction, p=1):
    loss = torch.clamp(margin - signs * x, min=0) ** p
    return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("loss", "margin", "p"),
    [
        ("HingeLoss", 1.0, 1),
        ("HingeLoss", 0.25, 1),
        ("SquaredHingeLoss", 0.5, 2),
        ("CubedHingeLoss", 0.5, 3),
    ],
)
def test_hinge_loss(loss, margin, p, reduction):
    x, t = array(5, 4), labels(5, classes=4)
    one_hot = np.where(np.arange(4) == t[:, None], 1.0, -1.0)
    expected = run(lambda x: hinge(x, torch.tensor(one_hot), margin, reduction, p), [x], their_tensor)
    for target in (one_hot, one_hot.astype(int), t, t.astype(np.uint8), t.tolist()):
        f = getattr(nn, loss)(margin, reduction)
        compare(run(lambda x, t=target, f=f: f(x, t), [x], our_tensor("float64")), expected, "float64")
    single = run(lambda x: getattr(nn, loss)()(x, 2), [x[0]], our_tensor("float64"))
    signs = torch.tensor([-1.0, -1, 1, -1])
    compare(single, run(lambda x: hinge(x, signs, 1, "mean", p), [x[0]], their_tensor), "float64")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_at_the_kink(precision):
    x, t = np.array([[0.0, 1, -1, 0], [2, 1, 3, -1], [1, 1, 1, 1]]), np.array([0, 1, 2])
    for p in (1, 2):
        agree(nn.MultiMarginLoss(p=p), torch.nn.MultiMarginLoss(p=p), [x, t], precision)
    signs = torch.tensor(np.where(np.arange(4) == t[:, None], 1.0, -1.0))
    expected = run(lambda x: hinge(x, signs, 1, "sum"), [x], their_tensor)
    with back_end(precision):
        found = run(lambda x: F.hinge_loss(x, t, reduction="sum"), [x], our_tensor(precision))
    compare(found, expected, precision)


@pytest.mark.parametrize("function", ["mse_loss", "kl_div", "log_cosh_loss", "tversky_loss"])
def test_arrays_and_lists_will_do(function):
    x, t = array(5, 4, low=0.1).astype("f"), array(5, 4, seed=1, low=0.1).astype("f")
    expected = getattr(F, function)(fn.tensor(x), fn.tensor(t)).item()
    assert getattr(F, function)(x, t).item() == expected
    assert getattr(F, function)(x.tolist(), t.tolist()).item() == pytest.approx(expected, rel=1e-6)


def test_gradient_of_the_target():
    for function in ("mse_loss", "l1_loss", "cross_entropy"):
        inputs = [array(5, 4), probabilities(5, 4)]
        expected = run(getattr(torch.nn.functional, function), inputs, their_tensor)
        compare(run(getattr(F, function), inputs, our_tensor("float64")), expected, "float64")


def test_kinds_of_labels():
    x, t = array(5, 4), labels(5, classes=4)
    expected = F.cross_entropy(x, t).item()
    for target in (
        t.astype(np.uint8),
        t.astype(np.int32),
        t.astype(">i8"),
        t[::-1][::-1],
        t.tolist(),
        fn.tensor(t),
    ):
        assert F.cross_entropy(x, target).item() == expected


@pytest.mark.parametrize("function", ["cross_entropy", "nll_loss", "multi_margin_loss", "hinge_loss"])
def test_int64_labels_are_not_copied(function):
    x, t = our_tensor("float64")(array(5, 4)), labels(5, classes=4)
    loss = getattr(F, function)(x, t)
    targets = [
        s._node.kept["target"] for s in topological_order(loss) if s._node and "target" in s._node.kept
    ]
    assert len(targets) == 1
    assert np.shares_memory(targets[0], t)


@pytest.mark.parametrize("weight", [None, [0.5, 1, 2, 0.25]])
def test_questions_about_labels_are_asked_of_the_callers_array(weight, monkeypatch):
    x, t = array(5, 4), labels(5, classes=4)
    everything, asked = np.array([[3, 0], [-100, 2]]), []

    def examine(array, question):
        asked.append(array)
        return question(everything)

    expected = F.cross_entropy(x, t, weight=weight).item()
    monkeypatch.setattr(nn.functional._loss_arguments, "examine", examine)
    assert F.cross_entropy(x, t, weight=weight).item() == pytest.approx(expected)  # now as a weighted mean
    assert len(asked) == 2
    assert all(array is t for array in asked)
    everything[0, 0] = 4
    with pytest.raises(ValueError, match="target holds 4, expected classes from 0 to 3"):
        F.cross_entropy(x, t, weight=weight)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_cross_entropy_of_large_scores(precision):
    x = np.array([[1e4, 0, -1e4, 5], [-80, 80, 0, 0], [3, 3, 3, 3]])
    for t in (np.array([0, 1, 2]), np.array([2, 0, 3])):
        agree(nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss(), [x, t], precision)


def test_weights_are_a_buffer():
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0])
    assert list(loss.state_dict()) == ["weight"]
    assert not list(loss.parameters())
    assert loss.double().weight.dtype == np.float64
    assert (
        F.cross_entropy(array(2, 2), [0, 1], weight=[1, 2]).dtype == np.float64
    )  # a list follows the scores


@pytest.mark.parametrize("backend", ["cython", "numba", "numpy"])
@pytest.mark.parametrize("ignored", [2**32 + 1, -(2**40), 2])
def test_ignored_label_of_any_size(ignored, backend):
    x = fn.tensor(array(5, 4), dtype="float32")
    expected = F.cross_entropy(x, [0, -100, 1, 3, -100])
    with fn.use_backend(backend):
        loss = F.cross_entropy(x, [0, ignored, 1, 3, ignored], ignore_index=ignored)
    assert loss.item() == pytest.approx(expected.item())
