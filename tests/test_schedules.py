"""Schedules against PyTorch, step by step, and what may be saved, combined and refused."""

import copy
import math

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from optim_twins import Twins
from oracle import torch
from words import words

OPTIMISERS = [
    "SGD(p, lr=0.1, momentum=0.9)",
    "Adam(p, lr=0.1, betas=(0.5, 0.7), eps=0.1, weight_decay=0.2)",
    "SGD([{'params': p[:2]}, {'params': p[2:], 'lr': 0.5, 'momentum': 0.1}], lr=0.1, momentum=0.9)",
]
SCHEDULES = [
    "StepLR(o, 7)",
    "StepLR(o, 1, gamma=0.9)",
    "MultiStepLR(o, [30, 7, 12, 12], gamma=0.5)",
    "ExponentialLR(o, 0.93)",
    "ConstantLR(o)",
    "ConstantLR(o, factor=0.2, total_iters=20)",
    "LinearLR(o)",
    "LinearLR(o, start_factor=0.01, end_factor=0.5, total_iters=33)",
    "PolynomialLR(o)",
    "PolynomialLR(o, total_iters=40, power=1.7)",
    "LambdaLR(o, lambda t: 1 / (1 + t))",
    "LambdaLR(o, [lambda t, i=i: 0.9 ** (t + i) for i in range(len(o.param_groups))])",
    "MultiplicativeLR(o, lambda t: 1 - 1 / (2 + t))",
    "MultiplicativeLR(o, [lambda t, i=i: 0.9 - 0.1 * i for i in range(len(o.param_groups))])",
    "CosineAnnealingLR(o, 10)",
    "CosineAnnealingLR(o, T_max=32, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(o, 7)",
    "CosineAnnealingWarmRestarts(o, 4, T_mult=2, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(o, T_0=1, T_mult=3)",
    "CyclicLR(o, 0.01, 0.1, step_size_up=8)",
    "CyclicLR(o, 0.01, 0.1, 5, 9, mode='triangular2', base_momentum=0.5, max_momentum=0.7)",
    "CyclicLR(o, 0.01, 0.1, 5, 3, mode='exp_range', gamma=0.95)",
    "CyclicLR(o, 0.01, 0.1, 5, scale_fn=lambda x: 1 / x, cycle_momentum=False)",
    "CyclicLR(o, 0.01, 0.1, 5, scale_fn=lambda x: 0.9 ** x, scale_mode='iterations')",
    "CyclicLR(o, [0.01 * (i + 1) for i in range(len(o.param_groups))], 0.1, 6)",
    "OneCycleLR(o, 0.5, total_steps=60)",
    "OneCycleLR(o, 0.5, epochs=4, steps_per_epoch=15, anneal_strategy='linear')",
    "OneCycleLR(o, 0.5, total_steps=61, three_phase=True)",
    "OneCycleLR(o, 0.5, total_steps=60, three_phase=True, anneal_strategy='linear', pct_start=0.4)",
    "OneCycleLR(o, 0.5, total_steps=60, pct_start=0.1, div_factor=9, final_div_factor=3, cycle_momentum=0)",
    "OneCycleLR(o, 0.5, total_steps=60, base_momentum=0.7, max_momentum=0.99)",
    "SequentialLR(o, [ConstantLR(o, 0.1, 20), ExponentialLR(o, 0.9)], [9])",
    "SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 20), StepLR(o, 3)], [5, 25])",
    "SequentialLR(o, [LambdaLR(o, lambda t: 1 / (1 + t)), CosineAnnealingWarmRestarts(o, 5)], [17])",
    "ChainedScheduler([ConstantLR(o, 0.1, 20), ExponentialLR(o, 0.9)])",
    "ChainedScheduler([LinearLR(o, 0.1, total_iters=20), StepLR(o, 9, 0.5), PolynomialLR(o, 45)], o)",
    "ChainedScheduler([CosineAnnealingLR(o, 12, eta_min=0.01), ExponentialLR(o, 0.97)])",
    "ChainedScheduler([LambdaLR(o, lambda t: 1 / (1 + t)), MultiplicativeLR(o, lambda t: 0.9)])",
    "ChainedScheduler([MultiStepLR(o, [5, 9]), CosineAnnealingWarmRestarts(o, 5)])",
]
AVERAGING = [
    "SWALR(o, swa_lr=0.01)",
    "SWALR(o, swa_lr=0.7, anneal_epochs=20, anneal_strategy='linear')",
    "SWALR(o, swa_lr=[0.02 + 0.01 * i for i in range(len(o.param_groups))], anneal_epochs=0)",
]


class Scheduled(Twins):
    def __init__(self, optimiser, *schedules):
        super().__init__(optimiser)
        self.schedules = [
            [eval(text, words(o.lr_scheduler) | words(o.swa_utils) | {"o": made}) for text in schedules]
            for o, made in zip((optim, torch.optim), self.optimisers, strict=True)
        ]

    def step(self, *given, which=0):
        for optimiser, schedules in zip(self.optimisers, self.schedules, strict=True):
            optimiser.step()
            schedules[which].step(*given)

    def same(self):
        groups = [o.param_groups for o in self.optimisers]
        for ours, theirs in zip(*groups, strict=True):
            for name in {"lr", "momentum", "betas"} & ours.keys():
                assert ours[name] == pytest.approx(theirs[name], rel=1e-10, abs=1e-15)


@pytest.mark.filterwarnings("ignore:Detected call of", "ignore:To get the last learning rate")
@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("schedule", SCHEDULES + AVERAGING)
def test_fifty_steps(schedule, optimiser):
    twins = Scheduled(optimiser, schedule)
    for _ in range(55):
        twins.same()
        twins.step()
    ours = twins.schedules[0][0]
    assert ours.get_last_lr() == [group["lr"] for group in twins.optimisers[0].param_groups]
    assert ours.last_epoch == 55


@pytest.mark.parametrize("optimiser", OPTIMISERS[1:])
@pytest.mark.parametrize("schedule", SCHEDULES + AVERAGING)
def test_a_schedule_goes_on_where_it_was_saved(schedule, optimiser):
    first, second = Scheduled(optimiser, schedule), Scheduled(optimiser, schedule)
    for _ in range(14):
        first.step()
    for part, saved in ((second.optimisers, first.optimisers), (second.schedules[0], first.schedules[0])):
        part[0].load_state_dict(copy.deepcopy(saved[0].state_dict()))
    for _ in range(20):
        groups = [twins.optimisers[0].state_dict()["param_groups"] for twins in (first, second)]
        assert groups[0] == groups[1]
        first.step()
        second.step()


@pytest.mark.parametrize("schedule", [s for s in SCHEDULES if "Multiplicative" not in s])
def test_the_values_of_any_step_are_known_before(schedule):
    twins = Scheduled(OPTIMISERS[2], schedule)
    ours = twins.schedules[0][0]
    table = [copy.deepcopy(ours.values(t)) for t in range(30)]
    for row in table:
        for group, values in zip(twins.optimisers[0].param_groups, row, strict=True):
            assert {name: group[name] for name in values} == pytest.approx(values, rel=1e-12)
        twins.step()


def test_warm_restarts_between_epochs():
    twins = Scheduled(OPTIMISERS[2], "CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.01)")
    for i in range(50):
        twins.step(i / 4)
        twins.same()
        assert twins.schedules[0][0].last_epoch == i // 4


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("swa", AVERAGING[:2])
def test_averaging_begins_where_another_schedule_stopped(swa, optimiser):
    twins = Scheduled(optimiser, "ExponentialLR(o, 0.9)", swa)
    for i in range(50):
        twins.step(which=int(i >= 20))
        twins.same()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize(
    "schedule",
    [
        "ReduceLROnPlateau(o, patience=2)",
        "ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=0.1, cooldown=2, min_lr=0.002)",
        "ReduceLROnPlateau(o, 'max', 0.3, 1, threshold=0.2, threshold_mode='abs', eps=1e-3)",
        "ReduceLROnPlateau(o, 'max', patience=1, cooldown=1)",
        "ReduceLROnPlateau(o, patience=1, min_lr=[0.01 * (i + 1) for i in range(len(o.param_groups))])",
    ],
)
def test_plateau(schedule, optimiser):
    twins = Scheduled(optimiser, schedule)
    metrics = np.random.default_rng(0).uniform(0.5, 1.5, 60) * np.linspace(2, 1, 60)
    metrics[10] = math.nan
    for i, metric in enumerate(metrics):
        twins.step(metric if i % 2 else fn.tensor(metric))
        twins.same()
        ours, theirs = (schedules[0] for schedules in twins.schedules)
        for name in ("best", "num_bad_epochs", "cooldown_counter", "in_cooldown", "last_epoch"):
            assert getattr(ours, name) == getattr(theirs, name), name
        if i == 30:
            saved = copy.deepcopy(ours.state_dict())
            ours.best = 0.0
            ours.load_state_dict(saved)


def test_one_cycle_takes_a_peak_per_group_and_ends():
    optimiser = optim.SGD([{"params": nn.Parameter([1.0])}, {"params": nn.Parameter([1.0])}], momentum=0.9)
    schedule = optim.lr_scheduler.OneCycleLR(optimiser, [0.1, 0.2], total_steps=4)
    assert schedule.get_last_lr() == pytest.approx([0.004, 0.008])
    for _ in range(4):
        schedule.step()
    with pytest.raises(ValueError, match="total_steps=4"):
        schedule.step()


def test_combined_schedules_step_as_their_parts_do():
    optimiser = optim.SGD([nn.Parameter([1.0])], momentum=0.9)
    S = optim.lr_scheduler
    parts = [S.LinearLR(optimiser), S.OneCycleLR(optimiser, 0.1, 10)]
    assert S.SequentialLR(optimiser, parts, [4]).per_batch
    assert not S.ChainedScheduler(parts[:1]).per_batch


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        ("MultiStepLR(3, [1])", TypeError, "MultiStepLR: optimizer must be an Optimizer, got int"),
        ("ConstantLR(o, 1.5)", ValueError, "ConstantLR: factor=1.5 must be from 0 to 1"),
        ("LinearLR(o, 0)", ValueError, "LinearLR: start_factor=0 must be above 0"),
        ("LinearLR(o, 1, 2)", ValueError, "LinearLR: end_factor=2 must be from 0 to 1"),
        ("PolynomialLR(o, 0)", ValueError, "PolynomialLR: total_iters=0 must be at least 1"),
        ("LambdaLR(o, [abs, abs])", ValueError, "LambdaLR: 2 values of lr_lambda for 1 parameter groups"),
        ("CosineAnnealingWarmRestarts(o, 0)", ValueError, "T_0=0 must be at least 1"),
        ("CosineAnnealingWarmRestarts(o, 2).step(-1)", ValueError, "epoch=-1 must be at least 0"),
        ("CyclicLR(o, 0.1, 1, mode='square')", ValueError, "mode='square' must be one of triangular"),
        ("CyclicLR(o, 0.1, 1, scale_mode='x')", ValueError, "scale_mode='x' must be 'cycle' or"),
        ("CyclicLR(o, 0.1, 1, 0)", ValueError, "step_size_up=0 must be at least 1"),
        ("CyclicLR(plain, 0.1, 1)", ValueError, "CyclicLR: Adagrad has neither momentum nor betas"),
        ("OneCycleLR(plain, 0.1, 9)", ValueError, "OneCycleLR: Adagrad has neither momentum nor betas"),
        ("ReduceLROnPlateau(o, factor=1)", ValueError, "factor=1 must be below 1"),
        ("ReduceLROnPlateau(o, 'low')", ValueError, "mode='low' must be 'min' or 'max'"),
        ("ReduceLROnPlateau(o, threshold_mode='x')", ValueError, "threshold_mode='x' must be"),
        ("ReduceLROnPlateau(o, min_lr=[1, 2])", ValueError, "2 values of min_lr for 1 parameter groups"),
        ("ReduceLROnPlateau(o, 'max').follow({'loss': 1.0})", ValueError, "needs an accuracy"),
        (
            "SequentialLR(o, [StepLR(o, 1)], [2])",
            ValueError,
            "1 milestones for 1 schedulers, expected one less",
        ),
        ("SequentialLR(o, [], [])", ValueError, "SequentialLR: 0 milestones|schedulers is empty"),
        ("SequentialLR(o, [ReduceLROnPlateau(o)], [])", TypeError, "got ReduceLROnPlateau"),
        ("ChainedScheduler([])", ValueError, "schedulers is empty"),
        ("ChainedScheduler([StepLR(o, 1), StepLR(plain, 1)])", ValueError, "StepLR is of another optimizer"),
        ("SWALR(o, 0.1, anneal_strategy='x')", ValueError, "anneal_strategy='x' must be 'cos' or 'linear'"),
        ("SWALR(o, 0.1, anneal_epochs=-1)", ValueError, "anneal_epochs=-1 must be a whole number"),
    ],
)
def test_refused(make, error, message):
    o, plain = optim.SGD([nn.Parameter([1.0])], momentum=0.9), optim.Adagrad([nn.Parameter([1.0])])
    with pytest.raises(error, match=message):
        eval(make, words(optim.lr_scheduler) | words(optim.swa_utils) | {"o": o, "plain": plain})


DISTURBED = {  # two schedules stepped one after the other, and other changes, each at an epoch
    "one schedule after the other": {0: "a = ExponentialLR(o, 0.9); b = StepLR(o, 2, 0.5); every = [a, b]"},
    "a warm-up beside a plateau": {
        0: "a = LinearLR(o, 0.1, 1, 3); b = ReduceLROnPlateau(o, patience=0, factor=0.5); every = [a, b]"
    },
    "a schedule when another has ended": {0: "every = [ExponentialLR(o, 0.5)]", 3: "every = [StepLR(o, 2)]"},
    **{
        f"a rate written under {schedule}": {0: f"every = [{schedule}]", 4: "o.param_groups[0]['lr'] = 0.77"}
        for schedule in (
            "StepLR(o, 3)",
            "ExponentialLR(o, 0.9)",
            "MultiStepLR(o, [2, 6])",
            "PolynomialLR(o, 8)",
        )
    },
    "a rate written under CosineAnnealingLR": {
        0: "every = [CosineAnnealingLR(o, 20, eta_min=0.01)]",
        4: "o.param_groups[0]['lr'] = 0.77",
    },
    "a group added later": {
        0: "every = [StepLR(o, 2, 0.5)]",
        3: "o.add_param_group({'params': [lib.nn.Parameter(lib.tensor([1.0]))], 'lr': 0.5})",
    },
}


@pytest.mark.parametrize("events", DISTURBED.values(), ids=DISTURBED)
def test_a_schedule_goes_on_from_what_somebody_else_has_written(events):
    found = []
    for library in (fn, torch):
        o = library.optim.SGD([library.nn.Parameter(library.tensor([1.0]))], lr=0.1)
        given = {**words(library.optim.lr_scheduler), "o": o, "lib": library, "every": []}
        rates = []
        for epoch in range(10):
            exec(events.get(epoch, ""), given)
            o.step()
            for schedule in given["every"]:
                schedule.step(*([1.0] if type(schedule).__name__ == "ReduceLROnPlateau" else []))
            rates += [float(group["lr"]) for group in o.param_groups]
        found.append(rates)
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_a_rate_that_somebody_else_has_written_is_kept():
    parameter = nn.Parameter(fn.tensor([1.0]))
    one, other = (optim.SGD([parameter], lr=0.1) for _ in range(2))
    first = optim.lr_scheduler.ExponentialLR(one, 0.5)
    one.param_groups[0]["lr"] = 0.8
    first.step()
    second = optim.lr_scheduler.ExponentialLR(other, 0.5)
    other.load_state_dict(one.state_dict())
    second.load_state_dict(first.state_dict())
    second.step()
    assert second.get_last_lr() == [0.2]
