"""What is changed after a plan was recorded is taken up by the next epoch and the next prediction."""

import copy
import pickle
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from fastnano import Tensor, nn
from fastnano.nn import functional as F
from fastnano.plan import NotPlannable
from twins import MLP, Twins, X, Y, build

SOME = X[:4]
SCALE = 1.0  # a number that a forward reads from its module


@dataclass
class Config:
    scale: float


class Plain:
    scale = 1.0


class Passing(nn.Module):
    def forward(self, x):
        return x


class Scaled(nn.Module):
    """A network that multiplies by what a function finds in one of its attributes."""

    def __init__(self, held, scale):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(84, 5))
        self.held, self.scale = held, scale

    def forward(self, x):
        return self.layers(x) * self.scale(self.held)


def closed_over():
    scale = 1.0

    def get():
        return scale

    def change(value):
        nonlocal scale
        scale = value

    get.change = change
    return get


def of_the_module(held):
    return SCALE


def by_a_helper(held):
    return max([of_the_module(held) for _ in range(2)])


def scaled_loss(output, y, held, scale):
    return F.cross_entropy(output, y) * scale(held)


def expect_equal(twins):
    twins.train(epochs=2)
    twins.check()
    model = twins.eager.model.eval()
    np.testing.assert_allclose(twins.plan.predict(X[:5]), model(Tensor(X[:5])).data, rtol=1e-4, atol=1e-5)
    model.train()


HELD = {
    "list": (lambda: [1.0], lambda h: h[0], lambda h, v: h.__setitem__(0, v)),
    "dict": (lambda: {"s": 1.0}, lambda h: h["s"], lambda h, v: h.__setitem__("s", v)),
    "nested": (lambda: {"s": ([1.0],)}, lambda h: h["s"][0][0], lambda h, v: h["s"][0].__setitem__(0, v)),
    "set": (lambda: {1.0}, lambda h: min(h), lambda h, v: (h.clear(), h.add(v))),
    "dataclass": (lambda: Config(1.0), lambda h: h.scale, lambda h, v: setattr(h, "scale", v)),
    "closure": (closed_over, lambda h: h(), lambda h, v: h.change(v)),
    "partial": (lambda: partial(min, [1.0]), lambda h: h(), lambda h, v: h.args[0].__setitem__(0, v)),
    "array": (lambda: np.ones(3), lambda h: float(h[0]), lambda h, v: h.__setitem__(0, v)),
    "object": (Plain, lambda h: h.scale, lambda h, v: setattr(h, "scale", v)),
    "object in a dict": (
        lambda: {"s": Plain()},
        lambda h: h["s"].scale,
        lambda h, v: setattr(h["s"], "scale", v),
    ),
    "class": (lambda: Plain, lambda h: h.scale, lambda h, v: setattr(h, "scale", v)),
    "helper": (lambda: None, by_a_helper, lambda _, v: globals().__setitem__("SCALE", v)),
    "global": (lambda: None, of_the_module, lambda _, v: globals().__setitem__("SCALE", v)),
}


@pytest.mark.parametrize("kind", HELD)
def test_what_a_layer_holds(kind, monkeypatch):
    monkeypatch.setitem(globals(), "SCALE", 1.0)
    monkeypatch.setattr(Plain, "scale", 1.0)
    make, scale, change = HELD[kind]
    twins = Twins(lambda: Scaled(make(), scale))
    for value in (1.0, 3.0, -0.5):
        for part in twins.parts:
            change(part.model.held, value)
        expect_equal(twins)


@pytest.mark.parametrize("kind", HELD)
def test_what_a_loss_holds(kind, monkeypatch):
    monkeypatch.setitem(globals(), "SCALE", 1.0)
    monkeypatch.setattr(Plain, "scale", 1.0)
    make, scale, change = HELD[kind]
    held = make()
    if kind == "global":
        twins = Twins(loss=lambda output, y: F.cross_entropy(output, y) * SCALE)
    else:
        twins = Twins(loss=partial(scaled_loss, held=held, scale=scale))
    for value in (1.0, 3.0, 0.5):
        change(held, value)
        expect_equal(twins)


def test_attributes_of_a_loss_that_is_no_module():
    class Loss:
        weight = 1.0

        def __call__(self, output, y):
            return F.cross_entropy(output, y) * self.weight

    loss = Loss()
    twins = Twins(loss=loss)
    for loss.weight in (1.0, 3.0, 0.5):
        expect_equal(twins)


def test_the_mode_of_a_layer():
    twins = Twins("Flatten(), Linear(84, 9), BatchNorm1d(9), Dropout(0.5), Linear(9, 5)")
    for mode in (True, False, True):
        for part in twins.parts:
            part.model[2].train(mode)
            part.model[3].train(mode)
        twins.train(epochs=1)
        twins.check()


def test_a_forward_is_replaced():
    twins = Twins(lambda: nn.Sequential(nn.Flatten(), nn.Linear(84, 5), Passing()))
    expect_equal(twins)
    for part in twins.parts:
        part.model[2].forward = lambda x: x * 2
    expect_equal(twins)


class Own(nn.Module):
    """What its methods read: a class attribute, a property, a layer that is not its own."""

    factor, aside = 1.0, [nn.LeakyReLU(0.5)]

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(84, 5))

    @property
    def half(self):
        return self.factor / 2

    def scores(self, x):
        return self.aside[0](self.layers(x)) * self.half

    def forward(self, x):
        return self.scores(x)


def test_a_class_changes(monkeypatch):
    twins = Twins(Own)
    expect_equal(twins)
    monkeypatch.setattr(Own, "factor", 3.0)
    expect_equal(twins)
    monkeypatch.setattr(Own.aside[0], "negative_slope", 0.1)
    expect_equal(twins)
    monkeypatch.setattr(Own, "scores", lambda self, x: self.layers(x).tanh())
    expect_equal(twins)
    monkeypatch.setattr(Own, "forward", lambda self, x: self.scores(x).sigmoid())
    expect_equal(twins)


def test_a_teacher_changes():
    teacher = build(MLP, seed=9).requires_grad_(False)
    twins = Twins(loss=lambda output, y: F.cross_entropy(output * teacher(Tensor(SOME)).mean().exp(), y))
    expect_equal(twins)
    teacher[1].weight.data = teacher[1].weight.data * 3
    expect_equal(twins)
    teacher[3].weight.data *= 3
    expect_equal(twins)
    teacher.append(nn.Tanh())
    expect_equal(twins)


def test_a_plan_is_copied_after_it_predicted():
    plan = Twins(Own).plan
    want = plan.predict(X)
    for copied in (copy.copy(plan), copy.deepcopy(plan), pickle.loads(pickle.dumps(plan))):
        np.testing.assert_array_equal(copied.predict(X), want)


def test_large_or_deep_contents_end():
    deep = []
    for _ in range(3000):
        deep = [deep]
    wide = [[i] * 50 for i in range(3000)]
    twins = Twins(lambda: Scaled([1.0, deep, wide], lambda held: held[0]))
    expect_equal(twins)


def test_a_hook_comes_after_another_has_gone():
    plan = Twins(MLP).plan
    plan.model[1].register_forward_hook(lambda *_: None).remove()
    plan.run_epoch(X, Y)
    plan.predict(X)
    plan.model[1].register_forward_hook(lambda *call: call[-1] * 2)
    with pytest.raises(NotPlannable, match="a hook of Linear is Python code"):
        plan.run_epoch(X, Y)
    with pytest.raises(NotPlannable, match="a hook of Linear is Python code"):
        plan.predict(X)


def test_what_holds_itself():
    loop = [1.0]
    loop.append(loop)
    twins = Twins(lambda: Scaled(loop, lambda held: held[0]))
    for loop[0] in (1.0, 3.0):
        expect_equal(twins)
