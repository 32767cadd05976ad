"""What a plan refuses to repeat, what recording leaves as it was, and what makes it record again."""

import random
from contextlib import nullcontext

import numpy as np
import pytest

import fastnano
from fastnano import NotPlannable, Tensor, nn, optim
from fastnano.plan import Plan
from twins import MLP, RNG, SGD, Eager, Twins, X, Y, assert_close, bits, build, optimiser, state

F = nn.functional


def plan(network=MLP, loss=None, batch=16, optimizer=SGD, **options):
    model = build(network)
    return Plan(model, loss or nn.CrossEntropyLoss(), optimiser(optimizer, model), batch, **options)


# Refused


class Square(fastnano.Function):
    def forward(self, x):
        self.x = x.copy()
        return x * x

    def backward(self, dz):
        return 2 * self.x * dz


class Odd(nn.Module):
    """A linear layer, and then whatever a function does."""

    def __init__(self, function):
        super().__init__()
        self.out, self.function, self.calls = nn.Linear(84, 5), function, 0
        self.drop, self.beside = nn.Dropout(0.5), fastnano.ones(5)
        self.register_buffer("mean", fastnano.zeros(5))

    def forward(self, x):
        self.calls, self.seen = self.calls + 1, x.data
        return self.function(self.drop(self.out(x.flatten(1))), self)


def changed(x, change):
    """x after NumPy has changed it in place."""
    change(x.data)
    return x


def changed_after_use(x):
    y = x.relu()
    z = y * 2
    y.data += 1
    return z


def of_its_weights(x, net):
    net.out.weight.data *= 0.9
    return x


def moved(x, y, tensor):
    """x less a tensor, which goes with y."""
    tensor.mul_(0.9).add_(y.detach().mean(0) * 0.1)
    return x - tensor


def counted(o, y):
    """A loss that holds how often it was called."""
    counted.calls.append(1)
    return F.cross_entropy(o, y) * (1 if len(counted.calls) < 9 else 2)


counted.calls = []

BY_PYTHON = "is made by Python from the data, from the model, from chance or from the batch size"
ODD = {
    "noise of NumPy": (lambda x, _: x + Tensor(RNG.random(5, np.float32)), f"add_forward: y {BY_PYTHON}"),
    "a draw of NumPy": (lambda x, _: x * float(RNG.random()), f"mul_forward: y {BY_PYTHON}"),
    "a counter": (lambda x, net: x * net.calls, f"mul_forward: y {BY_PYTHON}"),
    "the batch size": (lambda x, _: x / len(x), f"div_forward: y {BY_PYTHON}"),
    "a number of the data": (lambda x, _: x - float(x.data.max()), f"sub_forward: y {BY_PYTHON}"),
    "an array of the data": (lambda x, _: x * Tensor(np.sign(x.data)), f"mul_forward: y {BY_PYTHON}"),
    "NumPy in between": (lambda x, _: Tensor(x.data * 2) + x, f"add_forward: x {BY_PYTHON}"),
    "a Function": (lambda x, _: Square()(x), "Square is Python code"),
    "a change in place": (lambda x, _: changed(x, lambda a: a.__imul__(2)), "Python changes x in place"),
    "a change behind an op": (lambda x, _: changed_after_use(x), "relu_dx: Python changes y in place"),
    "a change of weights": (of_its_weights, "sgd_momentum: Python changes param in place"),
    "a choice by the data": (
        lambda x, _: x if len(x) > 2 else x.relu(),
        "takes another course for other data",
    ),
    "a number of the weights": (lambda x, net: x * net.out.bias[0].item(), "Tensor.item is Python code"),
    "a choice by a tensor": (lambda x, _: x if x.max() > 2 else x.relu(), "Tensor.item is Python code"),
    "the length of the weights": (
        lambda x, net: x / float(np.linalg.norm(net.out.weight.data)),
        f"div_forward: y {BY_PYTHON}",
    ),
    "a copy of the weights": (
        lambda x, net: x + Tensor(net.out.bias.data.copy()),
        f"add_forward: y {BY_PYTHON}",
    ),
    "places more than once": (lambda x, _: x[:, [0, 0, 1, 1, 2]], "index_dx adds elements up"),
    "some samples": (lambda x, _: x[:1] * x, "index_forward picks samples of a batch"),
    "all samples but one": (lambda x, _: x[1:].sum() * x, "index_forward folds the samples of a batch"),
    "samples turned round": (lambda x, _: x[::-1], "index_forward mixes the samples of a batch"),
    "a mean over samples": (lambda x, _: x - x.mean(0), f"div_forward: y {BY_PYTHON}"),
    "the largest": (lambda x, _: x - x.max(), "amax_forward mixes the samples of a batch"),
    "a product over samples": (lambda x, _: x @ (x.T @ x), "permute_forward folds the samples of a batch"),
    "a softmax over samples": (lambda x, _: F.softmax(x, 0), "softmax_forward: x folds the samples"),
    "another order": (lambda x, _: x.reshape((5, len(x))).reshape(x.shape), "folds the samples"),
    "a buffer in place": (lambda x, net: moved(x, x, net.mean), "mul_, a change in place, is Python code"),
    "a buffer by NumPy": (
        lambda x, net: x - changed(net.mean, lambda a: a.__iadd__(1)),
        "changes y in place",
    ),
    "a buffer not read": (
        lambda x, net: (changed(net.mean, lambda a: a.__iadd__(1)), x)[1],
        r"changes an array of shape \(5,\) in place",
    ),
    "weights by NumPy": (
        lambda x, net: (changed(net.out.bias, lambda a: a.clip(-0.01, 0.01, out=a)), x)[1],
        "Python changes param in place",
    ),
    "a tensor beside": (
        lambda x, net: x * changed(net.beside, lambda a: a.__imul__(2)),
        "changes y in place",
    ),
    "a toss of NumPy's": (lambda x, _: x if np.random.rand() < 2 else x.relu(), "draws random numbers"),
    "a toss of Python's": (lambda x, _: x if random.random() < 2 else x.relu(), "draws random numbers"),
    "a toss of a tensor": (
        lambda x, _: x if fastnano.rand(1).data[0] < 2 else x.relu(),
        "draws random numbers",
    ),
    "a counter at last": (lambda x, net: x if net.calls < 9 else x.relu(), "changes what the module holds"),
    "nothing left": (lambda x, _: fastnano.cat([x[:, :0], x], 1), r"has no elements \(shape \(16, 0\)\)"),
    "most of the batch": (lambda x, _: x if len(x) > 8 else x.relu(), "takes another course"),
}


@pytest.mark.parametrize(("function", "reason"), ODD.values(), ids=ODD)
def test_what_a_plan_would_freeze_is_refused(function, reason):
    odd = plan(lambda: Odd(function))
    before, chance = bits(odd.model), (np.random.random_sample, random.random)
    np.random.seed(0), random.seed(0)
    with pytest.raises(NotPlannable, match=reason):
        odd.run_epoch(X, Y)
    assert bits(odd.model) == before
    assert odd.model.calls == 0
    found = [draw() for draw in chance]
    np.random.seed(0), random.seed(0)
    assert [draw() for draw in chance] == found


ALIKE = {  # batches that look alike to Python at the beginning and at the end of the data
    "the largest label": (lambda x, _: x, lambda o, y: F.cross_entropy(o, y) * float(y.max())),
    "a label": (lambda x, _: x, lambda o, y: F.cross_entropy(o, y) if y[0] > 1 else F.hinge_loss(o, y)),
    "the largest pixel": (lambda x, net: x / float(net.seen.max()), F.cross_entropy),
    "the darkest pixel": (lambda x, net: x - float(net.seen.min()), F.cross_entropy),
}


@pytest.mark.parametrize(("function", "loss"), ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_batches_that_look_alike_hide_nothing(function, loss, kind):
    x, y = RNG.integers(0, 256, X.shape).astype(kind), np.where(np.arange(61) % 57 < 4, 1, Y)
    x[:, 0, 0, :2] = 0, 255
    with pytest.raises(NotPlannable, match=f"{BY_PYTHON}|takes another course"):
        plan(lambda: Odd(function), loss).run_epoch(x, y)


LOSSES = {
    "a Function": (lambda o, _: Square()(o.sum()), "Square is Python code"),
    "other labels": (lambda o, y: F.cross_entropy(o, 4 - y), "labels are changed by Python"),
    "one-hot labels": (
        lambda o, y: F.mse_loss(o, np.eye(5, dtype=np.float32)[y]),
        f"sub_forward: y {BY_PYTHON}",
    ),
    "float64": (lambda o, y: F.cross_entropy(o.double(), y), "runs in float64|cast"),
    "how many classes": (lambda o, y: F.cross_entropy(o, y) / len(np.unique(y)), BY_PYTHON),
    "a spread": (lambda o, y: F.cross_entropy(o, y) * (1 + float(np.std(y))), BY_PYTHON),
    "one class alone": (lambda o, y: F.cross_entropy(o, y) * (1 if (y == y[0]).all() else 2), BY_PYTHON),
    "a counter": (counted, "the loss changes what it holds"),
}


@pytest.mark.parametrize(("loss", "reason"), LOSSES.values(), ids=LOSSES)
def test_losses_that_a_plan_would_freeze_are_refused(loss, reason):
    with pytest.raises(NotPlannable, match=reason):
        plan(loss=loss).run_epoch(X, Y)


@pytest.mark.parametrize("network", ["Identity()", "Flatten()", lambda: Odd(lambda _, net: net.out.weight)])
def test_results_that_no_op_makes_are_refused(network):
    model = build(network)
    lazy = Plan(model, nn.MSELoss(), optim.SGD([nn.Parameter(np.ones(1, np.float32))]))
    with pytest.raises(NotPlannable, match="is the result of no op"):
        lazy.predict(X)


def test_float64_models_are_refused():
    with pytest.raises(NotPlannable, match=r"float64 tensors .*model\.float\(\)"):
        plan(lambda: build(MLP).double()).run_epoch(X, Y)


def test_errors_of_the_network_and_the_loss_are_their_own():
    with pytest.raises(ValueError, match="target holds 9, expected classes from 0 to 4"):
        plan().run_epoch(X, np.where(np.arange(61) == 40, 9, Y))
    with pytest.raises(ValueError, match="must hold -1 and \\+1 only"):
        plan(loss=nn.HingeLoss()).run_epoch(X, np.zeros((61, 5), np.float32))
    with pytest.raises(ValueError, match="all ignored"):
        plan().run_epoch(X, np.full(61, -100))
    with pytest.raises(ValueError, match=r"linear: input has shape \(16, 42\), expected \(\*, 84\)"):
        plan().run_epoch(X[:, :1], Y)


def test_labels_out_of_range_are_found_in_data_that_come_later():
    known = plan()
    known.run_epoch(X, Y)
    before = bits(known.model)
    with pytest.raises(ValueError, match="target holds -1, expected classes from 0 to 4"):
        known.run_epoch(X, Y - 1)
    assert bits(known.model) == before


# As it was

STATEFUL = "Conv2d(2, 3, 3), BatchNorm2d(3), ReLU(), Flatten(), Dropout(0.5), Linear(60, 5)"


def everything(p):
    """All that a step changes, but for the optimiser's state, which may be made, of zeros."""
    optimizer = p.optimizer.state_dict()
    made = {i: arrays for i, arrays in optimizer["state"].items() if arrays["step"]}
    return (
        bits(p.model),
        fastnano._random.default_generator.state.tobytes(),
        {i: [(name, a.tobytes()) for name, a in arrays.items()] for i, arrays in made.items()},
        repr(optimizer["param_groups"]),
        [None if t.grad is None else (id(t.grad), t.grad.data.tobytes()) for t in p.model.parameters()],
        [m.training for m in p.model.modules()],
    )


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("refused", [False, True])
def test_recording_changes_nothing(trained, refused):
    p = plan(STATEFUL, optimizer="Adam(p)", clip_norm=1.0)
    if trained:
        eager = Eager(p.model, p.loss, p.optimizer, 16)
        eager.run_epoch(X, Y)
    if refused:
        p.loss = lambda o, y: F.cross_entropy(o, y) * len(y)
    before = everything(p)
    for use, plannable in (
        (p.prepare, not refused),
        (p.evaluate, not refused),
        (lambda x, _: p.predict(x), True),
    ):
        with nullcontext() if plannable else pytest.raises(NotPlannable):
            use(X, Y)
        assert everything(p) == before


def test_after_a_refusal_one_trains_on_eagerly():
    twins = Twins(STATEFUL)
    twins.plan.loss = lambda o, y: F.cross_entropy(o, y) * len(y)
    with pytest.raises(NotPlannable):
        twins.plan.run_epoch(X, Y)
    fresh = twins.eager
    used = Eager(twins.plan.model, fresh.loss, twins.plan.optimizer, 13)
    for part in (used, fresh):
        fastnano.manual_seed(0)
        part.run_epoch(X, Y)
    assert bits(used.model) == bits(fresh.model)


def test_gradients_of_ones_own_are_kept():
    p = plan()
    p.model[1].weight.grad = mine = fastnano.ones(*p.model[1].weight.shape)
    p.run_epoch(X, Y)
    assert p.model[1].weight.grad is mine
    assert p.model[1].bias.grad is None
    assert (mine.data == 1).all()


def test_labels_all_ignored_at_the_beginning_are_no_error():
    first, last = (np.where(some, -100, Y) for some in (np.arange(61) < 3, np.arange(61) > 58))
    for labels in (first, last):
        twins = Twins(clip_norm=1.0)
        twins.train(y=labels, epochs=2)
        twins.check(y=labels)


# Recorded again


def recordings(p, change):
    """The recordings before and after a change: whether they differ."""
    first = p.prepare(X, Y)
    change(p)
    return p.prepare(X, Y) is not first


def twice(change, network=STATEFUL, loss="CrossEntropyLoss()", optimizer=SGD):
    """An epoch, the change, another epoch, as eagerly."""
    twins = Twins(network, loss, optimizer)
    twins.train(epochs=1)
    for part in twins.parts:
        change(part)
    twins.train(epochs=2)
    twins.check()


def another_optimiser_state(part):
    saved = part.optimizer.state_dict()
    part.optimizer.load_state_dict(
        saved | {"state": {i: {k: v * 2 for k, v in a.items()} for i, a in saved["state"].items()}}
    )


def a_new_layer(part):
    fastnano.manual_seed(1)
    part.model[5] = nn.Linear(60, 5)
    part.optimizer.add_param_group({"params": list(part.model[5].parameters()), "lr": 0.01})


CHANGES = {
    "dropout.p": lambda part: setattr(part.model[4], "p", 0.1),
    "momentum of a norm": lambda part: setattr(part.model[1], "momentum", None),
    "eval() of a layer": lambda part: part.model[1].eval(),
    "eval()": lambda part: part.model.eval(),
    "requires_grad_": lambda part: part.model[0].weight.requires_grad_(False),
    "p.data": lambda part: setattr(part.model[5].weight, "data", part.model[5].weight.data * 2),
    "values of p.data": lambda part: part.model[5].weight.data.__imul__(2),
    "a buffer": lambda part: setattr(part.model[1], "running_mean", fastnano.ones(3)),
    "load_state_dict": lambda part: part.model.load_state_dict({k: v * 0.5 for k, v in state(part.model).items()}),
    "a generator": lambda part: setattr(part.model[4], "generator", fastnano.Generator(9)),
    "a new parameter": lambda part: setattr(part.model[0], "bias", nn.Parameter(np.ones(3, np.float32))),
    "a new layer": a_new_layer,
    "no layer": lambda part: part.model.__setitem__(2, nn.Tanh()),
    "weights of the loss": lambda part: setattr(part.loss, "weight", Tensor(np.arange(1, 6).astype(np.float32))),
    "smoothing": lambda part: setattr(part.loss, "label_smoothing", 0.3),
    "learning rate": lambda part: part.optimizer.param_groups[0].update(lr=0.01, nesterov=True, weight_decay=0.1),
    "no momentum": lambda part: part.optimizer.param_groups[0].update(momentum=0.0),
    "maximize": lambda part: part.optimizer.param_groups[0].update(maximize=True, lr=1e-4),
    "optimiser state": another_optimiser_state,
    "random state": lambda _: fastnano.manual_seed(4),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_between_epochs_counts(change):
    twice(change)


def test_nothing_is_recorded_again_for_nothing():
    p = plan(STATEFUL, optimizer="Adam(p)")

    def use(p):
        p.run_epoch(X, Y)
        p.evaluate(X, Y)
        p.predict(X[:3])
        p.optimizer.param_groups[0]["lr"] = 0.5

    assert not recordings(p, use)
    assert not recordings(p, lambda p: p.prepare(X[:20].copy(), Y[:20].copy()))
    assert recordings(p, lambda p: setattr(p.model[4], "p", 0.25))
    assert recordings(p, lambda p: setattr(p, "batch_size", 7))


class Scaled(nn.Module):
    """Arrays of one's own."""

    def __init__(self):
        super().__init__()
        self.out, self.gain = nn.Linear(84, 5), np.ones(5, np.float32)

    def forward(self, x):
        return self.out(x.flatten(1)) * Tensor(self.gain)


@pytest.mark.parametrize("in_place", [False, True])
def test_arrays_of_ones_own_count_too(in_place):
    def change(part):
        other = np.arange(5).astype(np.float32)
        if in_place:
            part.model.gain[:] = other
        else:
            part.model.gain = other

    twice(change, Scaled)


def test_a_hook_of_a_tensor_counts():
    p = plan(MLP)
    p.run_epoch(X, Y)
    hook = next(p.model.parameters()).register_hook(lambda gradient: gradient * 0.5)
    with pytest.raises(NotPlannable, match="a hook of a tensor is Python code"):
        p.run_epoch(X, Y)
    hook.remove()
    p.run_epoch(X, Y)


def test_an_ignored_label_that_appears_later_counts():
    twins = Twins()
    twins.train(epochs=1)
    some = np.where(np.arange(61) % 3 == 0, -100, Y)
    for labels in (some, Y, some):
        twins.train(y=labels, epochs=1)
        twins.check(y=labels)


def test_parameters_that_no_optimiser_has_are_left_alone():
    nets = [build("Flatten(), Linear(84, 9), Tanh(), Linear(9, 5)") for _ in range(2)]
    for kind, net in zip((Plan, Eager), nets, strict=True):
        part = kind(net, nn.CrossEntropyLoss(), optim.SGD(net[3].parameters(), lr=0.1), 16)
        for _ in range(3):
            part.run_epoch(X, Y)
    assert_close(*nets)
    assert np.array_equal(nets[0][1].weight.data, build(MLP)[1].weight.data)
    assert nets[0][1].weight.grad is None


class Learned(nn.Module):
    """A loss with a parameter."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(np.ones(5, np.float32))

    def forward(self, output, target):
        return F.cross_entropy(output * self.gain, target)


def test_losses_may_learn_too():
    nets, losses = [build(MLP) for _ in range(2)], [Learned(), Learned()]
    for kind, net, loss in zip((Plan, Eager), nets, losses, strict=True):
        part = kind(net, loss, optim.Adam([*net.parameters(), *loss.parameters()], lr=0.01), 16)
        part.run_epoch(X, Y)
        loss.gain.data = loss.gain.data * 2
        part.run_epoch(X, Y)
    assert_close(*nets)
    assert_close(*losses)
