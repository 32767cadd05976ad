"""Muon and L-BFGS, which run in Python, against PyTorch; what the trainer makes of them."""

import copy

import numpy as np
import pytest

import fastnano as fn
from fastnano import Trainer, checkpoint, nn, optim
from oracle import array, pair, torch

NETWORK = "Sequential(Linear(6, 9), Tanh(), Linear(9, 4), Tanh(), Linear(4, 3))"
MUONS = [
    "Muon(p)",
    "Muon(p, lr=0.1, weight_decay=0.3, momentum=0.8, nesterov=False)",
    "Muon(p, lr=0.1, adjust_lr_fn='match_rms_adamw', ns_steps=3, eps=10.0)",
    "Muon([{'params': p[:1], 'lr': 0.2}, {'params': p[1:], 'nesterov': False}], adjust_lr_fn='original')",
]
LBFGSS = [  # and so many steps as rounding has not grown large in
    (1, "LBFGS(p)"),
    (5, "LBFGS(p, lr=0.3, max_iter=4, history_size=2)"),
    (1, "LBFGS(p, line_search_fn='strong_wolfe')"),
    (5, "LBFGS(p, lr=30, max_iter=7, max_eval=12, line_search_fn='strong_wolfe')"),
    (5, "LBFGS(p, lr=1e-3, max_iter=5, line_search_fn='strong_wolfe', history_size=3)"),
    (5, "LBFGS(p, tolerance_grad=0.05, tolerance_change=1e-3)"),
    (5, "LBFGS(p, max_eval=1, line_search_fn='strong_wolfe')"),
]


def closures(networks, optimisers, x, t, counts):
    """The closure of each library, which counts its calls."""

    def make(i, F, tensor):
        def closure():
            counts[i] += 1
            optimisers[i].zero_grad()
            loss = F.cross_entropy(networks[i](tensor(x)), tensor(t))
            loss.backward()
            return loss

        return closure

    return make(0, nn.functional, fn.tensor), make(1, torch.nn.functional, torch.tensor)


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
@pytest.mark.parametrize(("steps", "text"), LBFGSS)
def test_lbfgs(steps, text):
    networks = pair(NETWORK)
    optimisers = [
        eval(text, {"LBFGS": o.LBFGS, "p": list(network.parameters())})
        for o, network in zip((optim, torch.optim), networks, strict=True)
    ]
    counts, losses = [0, 0], []
    pairs = closures(networks, optimisers, array(30, 6), np.arange(30) % 3, counts)
    for _ in range(steps):
        losses.append([float(o.step(closure)) for o, closure in zip(optimisers, pairs, strict=True)])
        assert counts[0] == counts[1]
    ours, theirs = np.array(losses).T
    np.testing.assert_allclose(ours, theirs, rtol=1e-7)
    for p, t in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=1e-5, atol=1e-6)
    ours, theirs = (o.state_dict()["state"][0] for o in optimisers)
    assert ours.keys() >= theirs.keys() - {"al"}
    assert ours["n_iter"] == theirs["n_iter"]
    assert ours["func_evals"] == theirs["func_evals"] == counts[0]


def test_lbfgs_goes_on_where_it_was_saved():
    def train(network, optimiser, steps):
        def closure():
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(network(fn.tensor(array(30, 6))), np.arange(30) % 3)
            loss.backward()
            return loss

        for _ in range(steps):
            optimiser.step(closure)

    first = pair(NETWORK)[0]
    one = optim.LBFGS(first.parameters(), max_iter=4, line_search_fn="strong_wolfe")
    train(first, one, 3)
    second = copy.deepcopy(first)
    other = optim.LBFGS(second.parameters(), max_iter=4, line_search_fn="strong_wolfe")
    other.load_state_dict(one.state_dict())
    for network, optimiser in ((first, one), (second, other)):
        train(network, optimiser, 3)
    for p, q in zip(first.parameters(), second.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    fewer = optim.LBFGS(first[0].parameters())
    with pytest.raises(ValueError, match=r"load_state_dict: a group of 6 parameters, expected 2"):
        fewer.load_state_dict(one.state_dict())


@pytest.mark.parametrize("text", MUONS)
def test_muon(text, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda t: t.clone())  # NumPy has none: we stay in the dtype
    values = [array(5, 7), array(9, 4), array(3, 3)]
    ours, theirs = [nn.Parameter(v) for v in values], [torch.nn.Parameter(torch.tensor(v)) for v in values]
    optimisers = [eval(text, {"Muon": o.Muon, "p": p}) for o, p in ((optim, ours), (torch.optim, theirs))]
    for i in range(50):
        for j, (p, t) in enumerate(zip(ours, theirs, strict=True)):
            g = array(*p.shape, seed=100 * i + j)
            p.grad, t.grad = (fn.tensor(g), torch.tensor(g)) if (i + j) % 4 else (None, None)
        for optimiser in optimisers:
            optimiser.step()
    for p, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=1e-9, atol=1e-10)
    state, expected = (o.state_dict()["state"] for o in optimisers)
    assert state[0].keys() == expected[0].keys()
    fresh = eval(text, {"Muon": optim.Muon, "p": ours})
    fresh.load_state_dict(optimisers[0].state_dict())
    np.testing.assert_array_equal(fresh.state[ours[0]]["momentum_buffer"], state[0]["momentum_buffer"])


def test_muon_makes_matrices_orthogonal():
    from fastnano.optim.muon import _orthogonal

    found = _orthogonal(array(12, 5), (3.4445, -4.7750, 2.0315), 8, 1e-7)
    singular = np.linalg.svd(found, compute_uv=False)
    assert singular.min() > 0.6
    assert singular.max() < 1.3


@pytest.mark.parametrize("kind", ["LBFGS", "Muon"])
def test_the_trainer_runs_them_and_goes_on(kind, tmp_path):
    x, y = array(60, 6).astype(np.float32), np.arange(60) % 3

    def made():
        fn.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8, bias=False), nn.Tanh(), nn.Linear(8, 3, bias=False))
        options = {"line_search_fn": "strong_wolfe", "max_iter": 3} if kind == "LBFGS" else {"lr": 0.02}
        return Trainer(model, nn.CrossEntropyLoss(), getattr(optim, kind)(model.parameters(), **options))

    whole = made()
    history = whole.fit((x, y), epochs=6, batch_size=60, progress=False)
    assert f"{kind} is Python code" in history.eager
    assert history["loss"][-1] < history["loss"][0] - 0.02
    half = made()
    half.fit((x, y), epochs=3, batch_size=60, progress=False)
    checkpoint.save_training(tmp_path / "t", half)
    rest = made()
    checkpoint.load_training(tmp_path / "t", rest)
    rest.fit((x, y), epochs=3, batch_size=60, progress=False)
    for p, q in zip(whole.model.parameters(), rest.model.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def leaf(*shape):
    return nn.Parameter(np.ones(shape))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.Muon([leaf(3)]), ValueError, r"Muon: a parameter has shape \(3,\), expected matrices"),
        (
            lambda: optim.Muon([leaf(3, 2)], adjust_lr_fn="x"),
            ValueError,
            "adjust_lr_fn='x' must be 'original'",
        ),
        (lambda: optim.Muon([leaf(3, 2)], ns_coefficients=(1, 2)), ValueError, "must be three numbers"),
        (lambda: optim.Muon([leaf(3, 2)], ns_steps=100), ValueError, "ns_steps=100 must be .* below 100"),
        (lambda: optim.LBFGS([leaf(3)], line_search_fn="x"), ValueError, "line_search_fn='x' must be"),
        (lambda: optim.LBFGS([leaf(3)], max_iter=0), ValueError, "LBFGS: max_iter=0 must be at least 1"),
        (lambda: optim.LBFGS([leaf(3)]).step(), TypeError, "LBFGS.step: needs a closure"),
        (
            lambda: optim.LBFGS([{"params": leaf(3)}, {"params": leaf(3)}]),
            ValueError,
            "LBFGS: takes one parameter group",
        ),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
