"""Optimisers against PyTorch, step by step, and what may be saved, changed and refused."""

import copy
import math
import pickle

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from optim_twins import SHAPES, Twins
from oracle import PRECISIONS, array, back_end, pair, torch
from words import words

OPTIMISERS = [
    "SGD(p, lr=0.1)",
    "SGD(p, lr=0.1, weight_decay=0.3)",
    "SGD(p, lr=0.1, momentum=0.9)",
    "SGD(p, lr=0.1, momentum=0.5, dampening=0.3, weight_decay=0.1)",
    "SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1)",
    "SGD(p, lr=0.1, momentum=0.9, maximize=True, weight_decay=0.1)",
    "Adam(p)",
    "Adam(p, lr=0.1, betas=(0.5, 0.7), eps=0.1, weight_decay=0.2)",
    "Adam(p, lr=0.05, betas=(0.0, 0.9), maximize=True)",
    "AdamW(p, lr=0.1)",
    "AdamW(p, lr=0.1, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.5, maximize=True)",
    "Adam(p, lr=0.1, amsgrad=True, weight_decay=0.1)",
    "Adam(p, lr=0.1, weight_decay=0.2, decoupled_weight_decay=True)",
    "AdamW(p, lr=0.1, betas=(0.5, 0.6), amsgrad=True, maximize=True)",
    "Adamax(p)",
    "Adamax(p, lr=0.1, betas=(0.5, 0.7), eps=0.1, weight_decay=0.2, maximize=True)",
    "NAdam(p)",
    "NAdam(p, lr=0.1, betas=(0.5, 0.7), eps=0.1, weight_decay=0.2, momentum_decay=0.3, maximize=True)",
    "NAdam(p, lr=0.1, weight_decay=0.2, decoupled_weight_decay=True)",
    "RAdam(p)",
    "RAdam(p, lr=0.1, betas=(0.5, 0.7), eps=0.1, weight_decay=0.2, maximize=True)",
    "RAdam(p, lr=0.1, betas=(0.9, 0.99), weight_decay=0.2, decoupled_weight_decay=True)",
    "Adagrad(p)",
    "Adagrad(p, lr=0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=0.5, eps=0.1, maximize=True)",
    "Adadelta(p)",
    "Adadelta(p, lr=0.5, rho=0.5, eps=0.1, weight_decay=0.1, maximize=True)",
    "RMSprop(p)",
    "RMSprop(p, lr=0.1, alpha=0.5, eps=0.1, weight_decay=0.1, maximize=True)",
    "RMSprop(p, lr=0.02, momentum=0.9, weight_decay=0.1)",
    "RMSprop(p, lr=0.02, alpha=0.9, centered=True, eps=1e-3)",
    "RMSprop(p, lr=0.02, alpha=0.9, centered=True, momentum=0.5, eps=1e-3, maximize=True)",
    "ASGD(p, lr=0.1)",
    "ASGD(p, lr=0.1, lambd=0.1, alpha=0.5, t0=4, weight_decay=0.1, maximize=True)",
    "Rprop(p)",
    "Rprop(p, lr=0.1, etas=(0.3, 1.7), step_sizes=(0.01, 0.5), maximize=True)",
    "SGD([{'params': p[:2]}, {'params': p[2:], 'lr': 0.5, 'momentum': 0.0}], lr=0.1, momentum=0.9)",
    "Adam([{'params': p[:1], 'betas': (0.1, 0.2)}, {'params': p[1:], 'lr': 0.5}], weight_decay=0.1)",
    "AdamW([{'params': p[:1], 'amsgrad': True}, {'params': p[1:], 'maximize': True}], lr=0.1)",
    "RMSprop([{'params': p[:1], 'centered': True}, {'params': p[1:], 'momentum': 0.9}], eps=1e-3)",
]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_fifty_steps(optimiser, precision):
    twins = Twins(optimiser, dtype=np.float64 if precision == "float64" else np.float32)
    with back_end(precision):
        for i in range(50):
            twins.step(i)
    twins.same(1e-10 if precision == "float64" else 2e-5)
    twins.same_state()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_state_of_pytorch_is_taken_over(optimiser):
    twins = Twins(optimiser)
    for i in range(5):
        twins.step(i)
    theirs = twins.optimisers[1].state_dict()
    theirs["state"] = {
        i: {"step": 5.0} | {name: value.numpy() for name, value in values.items() if value is not None}
        for i, values in theirs["state"].items()  # PyTorch counts no steps for SGD
    }
    twins.optimisers[0].load_state_dict(theirs)
    for i in range(5, 10):
        twins.step(i)
    twins.same(1e-10)
    twins.same_state()


def test_lion():
    """Against its formula; PyTorch has none."""
    p = nn.Parameter(array(5, 7))
    q, m = p.data.copy(), np.zeros((5, 7))
    optimiser = optim.Lion([p], lr=0.02, betas=(0.8, 0.95), weight_decay=0.3)
    for i in range(50):
        g = array(5, 7, seed=i)
        p.grad = fn.tensor(g)
        optimiser.step()
        q = q - 0.02 * (np.sign(0.8 * m + 0.2 * g) + 0.3 * q)
        m = 0.95 * m + 0.05 * g
    np.testing.assert_allclose(p.data, q, rtol=1e-12)
    other = nn.Parameter(array(5, 7))
    up = optim.Lion([other], lr=0.02, betas=(0.8, 0.95), weight_decay=0.3, maximize=True)
    for i in range(50):
        other.grad = fn.tensor(-array(5, 7, seed=i))
        up.step()
    np.testing.assert_array_equal(other.data, p.data)


def test_a_closure_gives_the_gradients_and_its_loss_is_returned():
    p = nn.Parameter([3.0])
    optimiser = optim.SGD([p], lr=0.1)

    def closure():
        optimiser.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with fn.no_grad():
        assert optimiser.step(closure).item() == 9
    assert p.item() == pytest.approx(2.4)


NETWORK = (
    "Sequential(Conv2d(1, 4, 3, padding=1), BatchNorm2d(4), ReLU(), MaxPool2d(2),"
    " Conv2d(4, 6, 3, bias=False), Tanh(), AvgPool2d(2, stride=1), Flatten(),"
    " Linear(6, 5), LeakyReLU(), Linear(5, 3))"
)
WITHOUT_GRADIENT = {
    "0.bias"
}  # batch norm takes the mean away: the true gradient is zero, and what is left is rounding


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "optimiser", ["SGD(p, lr=0.1, momentum=0.9, nesterov=True)", "AdamW(p, lr=0.01, eps=1e-4)"]
)
def test_a_network_trained_ten_steps(optimiser, precision):
    ours, theirs = pair(NETWORK)
    if precision != "float64":
        ours.float()
    x, t = array(20, 1, 8, 8), np.arange(20) % 3
    made = [
        eval(optimiser, words(o) | {"p": list(net.parameters())})
        for o, net in ((optim, ours), (torch.optim, theirs))
    ]
    with back_end(precision):
        for _ in range(10):
            losses = [
                nn.functional.cross_entropy(ours(fn.tensor(x, dtype=ours[0].weight.dtype)), t),
                torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(t)),
            ]
            for loss, o in zip(losses, made, strict=True):
                o.zero_grad()
                loss.backward()
                o.step()
    tolerance = 1e-10 if precision == "float64" else 2e-4  # ten steps amplify what one step rounds
    for name, value in theirs.state_dict().items():
        if name not in WITHOUT_GRADIENT:
            found = ours.state_dict()[name].numpy()
            assert np.linalg.norm(found - value.numpy()) <= tolerance * max(np.linalg.norm(value), 1), name
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=tolerance)


@pytest.mark.parametrize("copy_state", [lambda s: s, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_training_goes_on_where_it_was_saved(optimiser, copy_state):
    twins = Twins(optimiser, "LinearLR(o, 0.1, total_iters=7)")
    for i in range(5):
        twins.step(i)
    fresh = Twins(optimiser, "LinearLR(o, 0.1, total_iters=7)")
    for part, saved in ((fresh.optimisers[0], twins.optimisers[0]), (fresh.schedules[0], twins.schedules[0])):
        part.load_state_dict(copy_state(saved.state_dict()))
    for p, q in zip(fresh.ours, twins.ours, strict=True):
        p.data[...] = q.data
    twins.step(5)  # what was saved is a copy
    fresh.step(5)
    for i in range(6, 9):
        twins.step(i)
        fresh.step(i)
    for p, q in zip(fresh.ours, twins.ours, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    twins.same(1e-10)


def test_an_optimiser_is_copied_with_its_parameters():
    net = nn.Linear(3, 2).double()
    optimiser = optim.Adam(net.parameters(), lr=0.1)

    def train(net, optimiser):
        for _ in range(3):
            optimiser.zero_grad()
            (net(fn.tensor(array(4, 3))) ** 2).sum().backward()
            optimiser.step()

    train(net, optimiser)
    twins = [copy.deepcopy((net, optimiser)), pickle.loads(pickle.dumps((net, optimiser)))]
    train(net, optimiser)
    for twin in twins:
        train(*twin)
        np.testing.assert_array_equal(twin[0].weight.data, net.weight.data)
        twin[1].param_groups[0]["lr"] = 0.0
        before = twin[0].weight.data.copy()
        train(*twin)
        np.testing.assert_array_equal(twin[0].weight.data, before)


@pytest.mark.parametrize("write", [
    lambda g: g.update(lr=0.5, betas=[0.5, 0.6]),
    lambda g: g.update({"lr": np.float32(0.5), "betas": (0.5, 0.6)}),
    lambda g: (g.__setitem__("lr", fn.tensor(0.5)), g.__setitem__("betas", np.array([0.5, 0.6]).tolist())),
])  # fmt: skip
def test_however_a_hyper_parameter_is_written_the_step_reads_it(write):
    results = []
    for start in ({"lr": 0.5, "betas": (0.5, 0.6)}, {}):
        p = nn.Parameter(np.ones(3))
        optimiser = optim.Adam([p], **start)
        if not start:
            write(optimiser.param_groups[0])
        for _ in range(3):
            p.grad = fn.tensor(p.data * 3)
            optimiser.step()
        results.append(p.data)
    np.testing.assert_array_equal(*results)


def test_groups_added_later_and_parameters_of_any_layout():
    strided = nn.Parameter(np.ones((4, 6))[:, ::2])
    read_only = nn.Parameter(np.frombuffer(np.ones(3).tobytes()))
    optimiser = optim.SGD([strided], lr=0.1)
    optimiser.add_param_group({"params": read_only, "lr": 1.0})
    for p in (strided, read_only):
        p.grad = fn.tensor(np.ones(p.shape))
    strided.grad = fn.tensor(np.ones((3, 4))).T
    optimiser.step()
    np.testing.assert_allclose(strided.data, 0.9)
    np.testing.assert_allclose(read_only.data, 0.0)
    assert "2 parameters" not in repr(optimiser)
    assert repr(optimiser).count("1 parameters") == 2
    optimiser.zero_grad(set_to_none=False)
    assert not strided.grad.data.any()
    optimiser.zero_grad()
    assert strided.grad is None


def test_loading_is_all_or_nothing():
    def made(kind, *shapes):
        parameters = [nn.Parameter(np.ones(shape)) for shape in shapes]
        for p in parameters:
            p.grad = fn.tensor(np.ones(p.shape))
        optimiser = kind(parameters, lr=0.1)
        optimiser.step()
        return optimiser

    adam = made(optim.Adam, 3, 2)
    before = pickle.dumps(adam.state_dict())
    other = adam.state_dict()
    other["param_groups"][0]["lr"] = -1.0
    for state, message in (
        (
            made(optim.SGD, 3, 2).state_dict(),
            r"parameter group lacks amsgrad, betas, decoupled_weight_decay, eps",
        ),
        (made(optim.Adam, 2, 3).state_dict(), r"exp_avg of parameter 0 has shape \(2,\), expected \(3,\)"),
        (made(optim.Adam, 3, 2, 1).state_dict(), r"a group of 3 parameters, expected 2"),
        ({**adam.state_dict(), "state": {2: {}}}, r"state of parameter 2, but there are 2"),
        ({"state": {}, "param_groups": []}, r"0 parameter groups, expected 1"),
        ({**adam.state_dict(), "state": {0: {"step": np.ones(1)}}}, r"parameter 0 has \['step'\], expected"),
        (other, r"lr=-1.0 must be at least 0"),
    ):
        with pytest.raises(ValueError, match=message):
            adam.load_state_dict(state)
        assert pickle.dumps(adam.state_dict()) == before


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 1e6])
def test_clip_grad_norm(norm_type, max_norm):
    ours, theirs = [], []
    for i, shape in enumerate(SHAPES):
        g = array(*shape, seed=i)
        ours.append(nn.Parameter(g))
        theirs.append(torch.nn.Parameter(torch.tensor(g)))
        ours[-1].grad, theirs[-1].grad = fn.tensor(g), torch.tensor(g)
    ours.append(nn.Parameter([1.0]))  # without a gradient
    found = nn.clip_grad_norm_((p for p in ours), max_norm, norm_type)
    assert found == pytest.approx(
        torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type).item(), rel=1e-12
    )
    nn.clip_grad_value_(ours, 0.1)
    torch.nn.utils.clip_grad_value_(theirs, 0.1)
    for p, t in zip(ours, theirs, strict=False):
        np.testing.assert_allclose(p.grad.data, t.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_any_layout_are_clipped_in_place(dtype):
    p = nn.Parameter(np.ones((3, 4), dtype))
    p.grad = fn.tensor(np.full((4, 3), -2, dtype)).T
    memory = p.grad.data
    assert not memory.flags.c_contiguous
    assert nn.clip_grad_norm_(p, math.sqrt(12)) == pytest.approx(2 * math.sqrt(12))
    np.testing.assert_allclose(memory, -1, rtol=1e-6)
    nn.clip_grad_value_(p, 0.5)
    np.testing.assert_array_equal(memory, np.full((3, 4), -0.5))
    assert p.grad.data is memory


def test_norms_are_summed_in_float64():
    p = nn.Parameter(np.zeros(1_000_000, np.float32))
    p.grad = fn.tensor(np.full(1_000_000, 1e-3, np.float32))
    p.grad.data[0] = 1e25  # its square is no float32
    assert nn.clip_grad_norm_(p, 1e30) == pytest.approx(1e25, rel=1e-7)
    p.grad.data[0] = 1e-3
    assert nn.clip_grad_norm_(p, 1e30) == pytest.approx(1.0, rel=1e-7)


def test_pytorchs_state_of_momentum_is_taken():
    value, gradient = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    ours, theirs = nn.Parameter(value), torch.nn.Parameter(torch.tensor(value))
    pairs = (ours, optim.SGD), (theirs, torch.optim.SGD)
    first, second = (kind([p], lr=0.1, momentum=0.9) for p, kind in pairs)
    theirs.grad = torch.tensor(gradient)
    second.step()
    saved = second.state_dict()
    saved["state"] = {i: {k: v.numpy() for k, v in state.items()} for i, state in saved["state"].items()}
    first.load_state_dict(saved)
    ours.data[...] = theirs.detach().numpy()
    ours.grad = fn.tensor(gradient)
    first.step(), second.step()
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-12)


def test_parameters_with_names():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer = optim.SGD(net[0].named_parameters(), lr=0.5)
    optimizer.add_param_group({"params": list(net[1].named_parameters(prefix="last")), "lr": 0.1})
    saved = optimizer.state_dict()
    assert [g["param_names"] for g in saved["param_groups"]] == [
        ["weight", "bias"],
        ["last.weight", "last.bias"],
    ]
    assert optimizer.param_groups[0]["params"] == list(net[0].parameters())
    assert "param_names" not in repr(optimizer)
    before = net[1].bias.item()
    net(fn.ones(1, 2)).sum().backward()
    optimizer.step()
    assert net[1].bias.item() == pytest.approx(before - 0.1)
    optim.SGD(net.parameters(), lr=1).state_dict()
    again = optim.SGD([{"params": net[0].named_parameters()}, {"params": net[1].named_parameters()}], lr=1)
    again.load_state_dict(saved)
    assert again.param_groups[1]["lr"] == 0.1
    for first, second in (
        (net[0].parameters(), net[1].named_parameters()),
        (net[0].named_parameters(), net[1].parameters()),
    ):
        with pytest.raises(ValueError, match="SGD: give all parameters a name, or none"):
            optim.SGD([{"params": first}, {"params": second}], lr=1)
