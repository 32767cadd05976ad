"""Penalties and constraints: their formulas, by hand and in the Trainer."""

import copy

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((60, 4)).astype("f"), RNG.integers(0, 2, 60)


def network():
    fn.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


FORMULAS = {
    "L1Penalty": (lambda w: 0.5 * np.abs(w).sum(), {"l1": 0.5}),
    "L2Penalty": (lambda w: 0.25 * (w**2).sum(), {"l2": 0.25}),
    "L1L2Penalty": (lambda w: 0.5 * np.abs(w).sum() + 0.25 * (w**2).sum(), {"l1": 0.5, "l2": 0.25}),
}


@pytest.mark.parametrize(("name", "formula"), FORMULAS.items())
def test_penalties_are_their_formulas(name, formula):
    net = network().double()
    value, numbers = formula
    kind = getattr(nn, name)
    first, _, last = net
    penalty = kind(net, **numbers)
    assert penalty().item() == pytest.approx(value(first.weight.data) + value(last.weight.data))
    assert kind(first.bias, **numbers)().item() == pytest.approx(value(first.bias.data))
    assert kind([first.bias, last.weight], **numbers)().item() == pytest.approx(
        value(first.bias.data) + value(last.weight.data)
    )
    assert fn.gradcheck(lambda w: kind(w, **numbers)(), first.weight)


def trained(compile, penalties=(), constraints=(), decay=0.0):
    net = network()
    loss = nn.CrossEntropyLoss()
    optimizer = optim.SGD(
        [{"params": [net[0].weight], "weight_decay": decay}, {"params": [net[0].bias, *net[2].parameters()]}],
        lr=0.2,
    )
    trainer = fn.Trainer(
        net, loss, optimizer, penalties=[p(net) for p in penalties], constraints=[c(net) for c in constraints]
    )
    trainer.fit((X, Y), epochs=4, batch_size=16, progress=False, compile=compile)
    return net, trainer


@pytest.mark.parametrize("compile", [False, "auto"])
def test_the_trainer_adds_penalties(compile):
    net, trainer = trained(compile, [lambda net: nn.L2Penalty(net[0], 0.05)])
    decayed, _ = trained(False, decay=0.1)
    for a, b in zip(net.parameters(), decayed.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-4, atol=1e-5)
    plain = fn.Trainer(net, nn.CrossEntropyLoss(), trainer.optimizer)
    more = 0.05 * (net[0].weight.data ** 2).sum()
    assert trainer.evaluate((X, Y))["loss"] == pytest.approx(plain.evaluate((X, Y))["loss"] + more, rel=1e-5)
    assert trainer.history.eager == ("compile=False" if compile is False else "")


def test_l1_leads_weights_to_zero():
    def small(net):
        return (np.abs(net[0].weight.data) < 0.02).sum()

    net, trainer = trained("auto", [lambda net: nn.L1Penalty(net[0], 0.05)])
    assert small(net) > small(trained("auto")[0]) + 5
    assert trainer.history.eager == ""


def norms(w):
    return np.linalg.norm(w.reshape(len(w), -1), axis=1)


def test_constraints_are_their_formulas():
    w = RNG.standard_normal((5, 3, 2))
    w[0] = 0
    w[1] /= 10
    length = norms(w)
    for make, wanted in (
        (lambda p: nn.MaxNorm(p, 1.5), np.minimum(length, 1.5)),
        (lambda p: nn.UnitNorm(p), np.where(length > 0, 1, 0)),
        (lambda p: nn.MinMaxNorm(p, 0.5, 2.0), np.where(length > 0, np.clip(length, 0.5, 2), 0)),
        (lambda p: nn.MinMaxNorm(p, 1.0, 1.0, rate=0.5), np.where(length > 0, (length + 1) / 2, 0)),
    ):
        p = nn.Parameter(w)
        make(p)()
        np.testing.assert_allclose(norms(p.data), wanted, rtol=1e-12)
        inside = np.flatnonzero((length > 0) & (wanted > 0))
        np.testing.assert_allclose(
            p.data[inside] / norms(p.data)[inside, None, None], w[inside] / length[inside, None, None]
        )
    p = nn.Parameter(w)
    nn.NonNeg(p)()
    np.testing.assert_array_equal(p.data, np.maximum(w, 0))


def test_what_is_allowed_stays_as_it_is_and_dim_chooses_the_axes():
    w = RNG.standard_normal((5, 3)).astype("f")
    p = nn.Parameter(w)
    nn.MaxNorm(p, 100)()
    np.testing.assert_array_equal(p.data, w)
    nn.MaxNorm(p, 1.0, dim=0)()
    np.testing.assert_allclose(
        np.linalg.norm(p.data, axis=0), np.minimum(np.linalg.norm(w, axis=0), 1), rtol=1e-6
    )
    bias = nn.Parameter(np.array([3.0, 4.0]))
    nn.UnitNorm(bias)()
    np.testing.assert_allclose(bias.data, [0.6, 0.8])


def test_a_constraint_is_a_change_in_place_that_backward_notices():
    p = nn.Parameter(np.ones((2, 2)))
    y = (p * p).sum()
    nn.MaxNorm(p, 1.0)()
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_the_trainer_holds_constraints_and_says_that_it_has_no_plan():
    net, trainer = trained(
        "auto", constraints=[lambda net: nn.MaxNorm(net[0], 0.3), lambda net: nn.NonNeg(net[2])]
    )
    assert norms(net[0].weight.data).max() <= 0.3 + 1e-6
    assert net[2].weight.data.min() == 0
    assert trainer.history.eager == "MaxNorm((8, 4), dim=None, max_value=0.3) is Python code"


def test_a_penalized_loss_by_hand_and_copied():
    net = network()
    loss = nn.PenalizedLoss(nn.MSELoss(), nn.L2Penalty(net, 0.1))
    assert repr(loss) == "PenalizedLoss(\n  L2Penalty((8, 4), (2, 8), l2=0.1)\n  (loss): MSELoss()\n)"
    y = net(fn.tensor(X))
    value = loss(y, np.zeros((60, 2), "f"))
    assert copy.deepcopy(loss)(y, np.zeros((60, 2), "f")).item() == value.item()
    value.backward()
    assert net[0].weight.grad is not None


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: nn.L2Penalty(nn.ReLU()), ValueError, r"L2Penalty: parameters=ReLU\(\) has no weights"),
        (lambda: nn.MaxNorm([]), ValueError, r"has no weights"),
        (lambda: nn.L1Penalty(network(), -1), ValueError, r"L1Penalty: l1=-1 must be a number of at least 0"),
        (lambda: nn.MaxNorm(network(), -1), ValueError, r"MaxNorm: max_value=-1 must be at least 0"),
        (lambda: nn.MinMaxNorm(network(), 2, 1), ValueError, r"max_value=1 must be at least 2"),
        (lambda: nn.PenalizedLoss(nn.MSELoss(), 0.1), TypeError, r"a penalty must be callable, got float"),
    ],
)
def test_errors(run, error, message):
    with pytest.raises(error, match=message):
        run()
