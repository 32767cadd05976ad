"""Optimisers, schedules and clipping in plans; epochs that are watched, stopped, shared; the trainer's plans."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import fastnano
from fastnano import Tensor, nn
from fastnano.plan import NotPlannable, Plan
from twins import MLP, SGD, Twins, X, Y, assert_close, bits, build, check, optimiser

CONVOLUTION = "Conv2d(2, 3, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(12, 5)"
NORM = "Conv2d(2, 3, 3), BatchNorm2d(3), ReLU(), Flatten(), Dropout(0.3), Linear(60, 5)"

# Optimisers, schedules, clipping

OPTIMISERS = [
    "SGD(p, lr=0.1)",
    "SGD(p, lr=0.1, weight_decay=0.03)",
    "SGD(p, lr=0.05, momentum=0.9)",
    "SGD(p, lr=0.05, momentum=0.5, dampening=0.3, weight_decay=0.01)",
    "SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "SGD(p, lr=0.001, momentum=0.9, maximize=True)",
    "Adam(p)",
    "Adam(p, lr=0.01, betas=(0.5, 0.7), eps=0.1, weight_decay=0.02)",
    "Adam(p, lr=0.001, maximize=True)",
    "AdamW(p, lr=0.01)",
    "AdamW(p, lr=0.01, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.5, maximize=True)",
    "Adam(p, lr=0.01, amsgrad=True, weight_decay=0.02)",
    "Adamax(p, lr=0.01, weight_decay=0.02)",
    "NAdam(p, lr=0.01, momentum_decay=0.1, weight_decay=0.02)",
    "RAdam(p, lr=0.02, betas=(0.9, 0.99), weight_decay=0.02, decoupled_weight_decay=True)",
    "Adagrad(p, lr=0.05, lr_decay=0.01, initial_accumulator_value=0.1)",
    "Adadelta(p, lr=0.5, eps=1e-4, weight_decay=0.02)",
    "RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3)",
    "RMSprop(p, lr=0.002, momentum=0.9, eps=1e-3)",
    "RMSprop(p, lr=0.005, alpha=0.9, centered=True, eps=1e-2)",
    "RMSprop(p, lr=0.002, alpha=0.9, centered=True, momentum=0.5, eps=1e-2, maximize=True)",
    "ASGD(p, lr=0.1, lambd=0.01, t0=20, weight_decay=0.01)",
    "Lion(p, lr=0.001, weight_decay=0.1)",
    "SGD([{'params': p[:2]}, {'params': p[2:], 'lr': 0.2, 'momentum': 0.0}], lr=0.05, momentum=0.9)",
    "Adam([{'params': p[:1], 'betas': (0.1, 0.2)}, {'params': p[1:], 'lr': 0.02}], weight_decay=0.1)",
]


@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_optimisers(optimizer):
    twins = check(CONVOLUTION, optimizer=optimizer)
    ours, theirs = (part.optimizer.state_dict()["state"] for part in twins.parts)
    for i, arrays in theirs.items():
        assert ours[i].get("step") == arrays.get("step")
        for name, array in arrays.items():
            np.testing.assert_allclose(ours[i][name], array, rtol=1e-3, atol=1e-5, err_msg=name)


def test_rprop_on_the_whole_data_set():
    """Its sign of a product is lost where rounding decides it, which steps with little data do often."""
    twins = Twins(MLP, optimizer="Rprop(p, lr=0.001, step_sizes=(1e-5, 0.01))", batch=61)
    twins.train(epochs=8)
    twins.check(tolerance=1e-2)


@pytest.mark.parametrize("optimizer", ["Muon([x for x in p if x.ndim == 2])", "LBFGS(p)"])
def test_optimisers_in_python_have_no_plan(optimizer):
    model = build(MLP)
    twin = Plan(model, nn.CrossEntropyLoss(), optimiser(optimizer, model), 13)
    before = bits(model)
    with pytest.raises(NotPlannable, match=f"{optimizer.partition('(')[0]} is Python code"):
        twin.run_epoch(X, Y)
    assert bits(model) == before
    assert not any(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("optimizer", [SGD, "Adam(p)", OPTIMISERS[-2]])
@pytest.mark.parametrize(
    "schedule",
    [
        "CyclicLR(o, 0.01, 0.1, step_size_up=7, step_size_down=4, mode='triangular2')",
        "SequentialLR(o, [LinearLR(o, 0.1, total_iters=9), OneCycleLR(o, 0.1, 70)], [20])",
        "SequentialLR(o, [ConstantLR(o), OneCycleLR(o, 0.1, 70)], [3])",  # which sets a momentum from then on
        "OneCycleLR(o, 0.1, total_steps=50)",
        "OneCycleLR(o, 0.1, epochs=10, steps_per_epoch=5, anneal_strategy='linear', three_phase=True)",
        "OneCycleLR(o, 0.1, total_steps=70, cycle_momentum=False)",
    ],
)
def test_schedules_per_batch(optimizer, schedule):
    twins = Twins(MLP, optimizer=optimizer, scheduler=schedule)
    for _ in range(5):
        twins.train(epochs=2)
        ours, theirs = twins.parts
        assert ours.scheduler.last_epoch == theirs.scheduler.last_epoch
        assert ours.scheduler.get_last_lr() == theirs.scheduler.get_last_lr()
        assert ours.optimizer.state_dict()["param_groups"] == theirs.optimizer.state_dict()["param_groups"]
    twins.check()


@pytest.mark.parametrize("schedule", ["StepLR(o, 2)", "CosineAnnealingLR(o, 5, eta_min=0.01)"])
def test_schedules_per_epoch_are_left_to_the_caller(schedule):
    twins = Twins(MLP, optimizer="SGD(p, lr=0.2)", scheduler=schedule)
    for epoch in range(5):
        twins.train(epochs=1)
        assert [part.scheduler.last_epoch for part in twins.parts] == [epoch] * 2
        for part in twins.parts:
            part.scheduler.step()
    twins.check()


def test_a_rate_that_the_user_sets_holds_until_the_schedule_sets_another():
    twins = Twins(MLP, scheduler="OneCycleLR(o, 0.1, total_steps=50)")
    for part in twins.parts:
        part.optimizer.param_groups[0]["lr"] = 0.3
    twins.train(epochs=1)
    twins.check()


@pytest.mark.parametrize("optimizer", [SGD, "Adam(p)", "SGD(p, lr=0.01, maximize=True)"])
@pytest.mark.parametrize(
    "clip",
    [{"clip_norm": 0.5}, {"clip_norm": 100.0}, {"clip_value": 0.01}, {"clip_norm": 0.3, "clip_value": 0.02}],
)
def test_gradients_are_clipped(clip, optimizer):
    check(MLP, optimizer=optimizer, **clip)


def test_gradients_that_no_optimiser_takes_up_are_not_clipped():
    """Those of the first layer grow from step to step, which must not shrink the updates of the last."""
    check(MLP, optimizer="SGD(p[2:], lr=0.05)", clip_norm=0.3, clip_value=0.02)


# An epoch


def plan(network=MLP, optimizer=SGD, batch=13, **options):
    model = build(network)
    return Plan(model, nn.CrossEntropyLoss(), optimiser(optimizer, model), batch, **options)


@pytest.mark.parametrize(
    "order", [[3, 1, 2], [5] * 30, list(range(60, -1, -2)), np.arange(20, dtype=np.int32), []]
)
def test_an_epoch_takes_the_samples_that_its_order_names(order):
    twins = Twins(MLP)
    got, want = (part.run_epoch(X, Y, np.array(order, int)) for part in twins.parts)
    if len(order):
        assert got == pytest.approx(want, rel=1e-5)
    assert_close(twins.plan.model, twins.eager.model)
    assert twins.plan.progress[1] == len(order)


@pytest.mark.parametrize("order", [[0, 61], [-1, 3], [2**40]])
def test_an_order_beyond_the_data_is_refused(order):
    p = plan()
    before = bits(p.model)
    with pytest.raises(IndexError, match=r"order names sample .* but there are 61"):
        p.run_epoch(X, Y, np.array(order))
    assert bits(p.model) == before


@pytest.mark.parametrize("order", [np.arange(61) > 40, [1.0, 2.0], [[1], [2]]])
def test_an_order_of_something_else_is_refused(order):
    with pytest.raises(IndexError, match="order must be the numbers of samples"):
        plan().run_epoch(X, Y, np.array(order))


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["copy", "pickle"]
)
def test_a_copy_goes_on_by_itself(again):
    first = plan(NORM, "Adam(p)", clip_norm=1.0)
    first.run_epoch(X, Y)
    second = again(first)
    before = bits(first.model)
    assert bits(second.model) == before
    for p in (second, first):
        assert bits(first.model) == before
        fastnano.manual_seed(7)
        p.run_epoch(X, Y)
    assert bits(second.model) == bits(first.model) != before


def after(steps, **options):
    """The twin that took so many steps."""
    eager = Twins(NORM, **options).eager
    fastnano.manual_seed(7)
    eager.run_epoch(X, Y, np.arange(min(13 * steps, 61)))
    return eager


def test_an_epoch_may_be_watched_step_by_step():
    seen = []
    p = plan(NORM)
    measures = p.run_epoch(X, Y, poll=lambda progress: seen.append(progress.copy()), seconds=0.0)
    assert [int(progress[0]) for progress in seen] == [1, 2, 3, 4, 5]
    assert [int(progress[1]) for progress in seen] == [13, 26, 39, 52, 61]
    assert measures == {"loss": seen[-1][2] / 61, "accuracy": seen[-1][3] / 61}
    losses = np.diff([0, *(progress[2] for progress in seen)])
    np.testing.assert_allclose([progress[4] for progress in seen], losses / [13, 13, 13, 13, 9], rtol=1e-5)
    assert p.counts


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_an_epoch_may_be_stopped(steps):
    schedule = "OneCycleLR(o, 0.1, total_steps=50)"
    twins = Twins(NORM, scheduler=schedule)
    fastnano.manual_seed(7)
    twins.plan.run_epoch(X, Y, poll=lambda progress: progress[0] == steps, seconds=0.0)
    want = after(steps, scheduler=schedule)
    assert twins.plan.progress[0] == steps == twins.plan.scheduler.last_epoch
    assert twins.plan.scheduler.get_last_lr() == want.scheduler.get_last_lr()
    assert_close(twins.plan.model, want.model)


def test_ctrl_c_leaves_the_model_as_after_the_last_whole_step():
    def press(progress):
        if progress[0] == 2:
            signal.raise_signal(signal.SIGINT)

    twins = Twins(NORM, scheduler="OneCycleLR(o, 0.1, total_steps=50)")
    fastnano.manual_seed(7)
    with pytest.raises(KeyboardInterrupt):
        twins.plan.run_epoch(X, Y, poll=press, seconds=0.0)
    assert twins.plan.scheduler.last_epoch == 2
    assert_close(twins.plan.model, after(2, scheduler="OneCycleLR(o, 0.1, total_steps=50)").model)
    assert np.isfinite(twins.plan.run_epoch(X, Y)["loss"])


def test_a_poll_that_fails_or_looks_at_the_model_disturbs_nothing():
    twins = Twins(MLP)
    found = []
    twins.plan.run_epoch(X, Y, poll=lambda _: found.append(twins.plan.predict(X)) or None, seconds=0.0)
    twins.eager.run_epoch(X, Y)
    twins.check()
    assert len({array.tobytes() for array in found}) == 5
    with pytest.raises(RuntimeError, match="poll may look at the model, but not train it"):
        twins.plan.run_epoch(X, Y, poll=lambda _: twins.plan.step(X[:1], Y[:1]), seconds=0.0)
    with pytest.raises(ZeroDivisionError):
        twins.plan.run_epoch(X, Y, poll=lambda _: 1 // 0, seconds=0.0)
    assert twins.plan.progress[0] == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_loss_that_is_no_number_is_not_learned_from(bad, threads):
    fastnano.set_num_threads(threads)
    schedule, x = "OneCycleLR(o, 0.1, total_steps=50)", X.copy()
    x[40] = bad
    p = Twins(MLP, optimizer="Adam(p)", scheduler=schedule).plan
    with pytest.raises(FloatingPointError, match="the loss is nan in step 4"):
        p.run_epoch(x, Y)
    want = Twins(MLP, optimizer="Adam(p)", scheduler=schedule).eager
    want.run_epoch(X, Y, np.arange(39))
    assert_close(p.model, want.model)
    assert p.progress[0] == p.scheduler.last_epoch == 3
    assert {float(s["step"][0]) for s in p.optimizer.state.values()} == {3.0}
    assert np.isfinite(p.run_epoch(X, Y)["loss"])


@pytest.mark.parametrize("where", [0, 60])
def test_data_that_are_no_numbers_can_be_recorded(where):
    x = X.copy()
    x[where] = np.nan
    p = plan(clip_norm=1.0)
    before = bits(p.model)
    with pytest.raises(FloatingPointError, match=f"step {1 if where == 0 else 5}"):
        p.run_epoch(x, Y)
    assert (bits(p.model) == before) == (where == 0)


def test_one_step_at_a_time():
    twins = Twins(NORM)
    fastnano.manual_seed(7)
    losses = [twins.plan.step(X[i : i + 13], Y[i : i + 13]) for i in range(0, 61, 13)]
    want = after(5)
    assert len(losses) == 5
    assert_close(twins.plan.model, want.model)
    with pytest.raises(ValueError, match=r"step: 14 samples, more than batch_size=13"):
        twins.plan.step(X[:14], Y[:14])


@pytest.mark.parametrize("samples", [1, 15, 16, 17, 255, 256, 257, 300])
def test_predictions_of_any_number_of_samples(samples):
    x = np.resize(X, (samples, *X.shape[1:]))
    p = plan(NORM)
    p.run_epoch(X, Y)
    got, measures = p.predict(x), p.evaluate(x, np.resize(Y, samples))
    want = p.model.eval()(Tensor(x)).data
    assert got.shape == (samples, 5)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    assert measures["accuracy"] == pytest.approx((want.argmax(1) == np.resize(Y, samples)).mean())


def test_no_samples_and_no_batches_are_refused():
    p = plan()
    for use in (
        lambda: p.predict(X[:0]),
        lambda: p.evaluate(X[:0], Y[:0]),
        lambda: p.run_epoch(X[:0], Y[:0]),
    ):
        with pytest.raises(ValueError, match="there are no samples"):
            use()
    with pytest.raises(ValueError, match="61 samples but 60 labels"):
        p.run_epoch(X, Y[1:])
    for batch in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"batch_size={batch} must be a whole number"):
            plan(batch=batch)


def test_it_explains_what_it_runs():
    p = plan(NORM, "Adam(p)", clip_norm=1.0)
    assert "nothing is recorded yet" in p.explain()
    assert p.progress.tolist() == [0] * 5
    assert not p.counts
    p.run_epoch(X, Y)
    p.predict(X)
    text = p.explain()
    for name in (
        "conv2d_forward", "conv2d_dweight", "batch_statistics_forward", "running_statistics", "batch_norm_dx",
        "relu_dx", "dropout_forward", "next_key", "linear_dx", "cross_entropy_dx", "count_correct", "watch",
        "reduce", "square_sum", "clip_factor", "scale_gradient", "advance", "adam ",
    ):  # fmt: skip
        assert name in text
    train, predict = text.split("\n\n")
    assert train.startswith("train: batch 13, ")
    assert predict.startswith("predict: batch 256, ")
    assert "batch_norm_inference" in predict
    for part in (train, predict):
        for word in ("calls in", "phases", "barriers", "GFLOP a step", "bytes", "phase 1, block by block"):
            assert word in part


def test_a_tape_from_before_an_epoch_is_refused():
    p = plan()
    total = p.model(Tensor(X)).sum()
    p.evaluate(X, Y)
    p.predict(X)
    total.backward()
    total = p.model(Tensor(X)).sum()
    p.run_epoch(X, Y)
    with pytest.raises(RuntimeError, match="was changed in place after it was used"):
        total.backward()


# Threads and processes


def in_threads(*functions):
    failed = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert not any(thread.is_alive() for thread in threads)


def test_two_plans_in_two_threads():
    fastnano.set_num_threads(2)
    plans = [plan(CONVOLUTION, batch=40) for _ in range(3)]
    alone = plans.pop()
    for _ in range(20):
        alone.run_epoch(X, Y)
    in_threads(*(lambda p=p: [p.run_epoch(X, Y) for _ in range(20)] for p in plans))
    assert [bits(p.model) for p in plans] == [bits(alone.model)] * 2


def test_one_plan_in_two_threads_takes_one_epoch_after_another():
    shared, alone = plan(CONVOLUTION), plan(CONVOLUTION)
    for _ in range(20):
        alone.run_epoch(X, Y)
    in_threads(*[lambda: [(shared.run_epoch(X, Y), shared.predict(X)) for _ in range(10)]] * 2)
    assert bits(shared.model) == bits(alone.model)


def test_beside_a_busy_thread():
    done, square = threading.Event(), np.ones((200, 200))
    busy, alone = plan(CONVOLUTION, batch=40), plan(CONVOLUTION, batch=40)

    def multiply():
        while not done.is_set():
            square @ square

    def train():
        for _ in range(20):
            busy.run_epoch(X, Y)
        done.set()

    in_threads(multiply, train)
    for _ in range(20):
        alone.run_epoch(X, Y)
    assert bits(busy.model) == bits(alone.model)


FORK = """
import os, sys
import fastnano
from test_plan_training import plan, bits, X, Y, CONVOLUTION
fastnano.set_num_threads(3)
p = plan(CONVOLUTION, batch=40)
p.run_epoch(X, Y)
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
p.run_epoch(X, Y)
print(hash(bits(p.model)), flush=True)
os._exit(0)
"""


FORK_WHILE_BUSY = """
import os, threading
from test_plan_training import plan, X, Y
p, inside, done = plan(), threading.Event(), threading.Event()
p.run_epoch(X, Y)
def wait(progress):
    inside.set()
    done.wait()
thread = threading.Thread(target=lambda: p.run_epoch(X, Y, poll=wait, seconds=0))
thread.start()
inside.wait()
child = os.fork()
if not child:
    p.predict(X)
    p.run_epoch(X, Y)
    os._exit(0)
status = os.waitpid(child, 0)[1]
done.set()
thread.join()
print(status)
"""


PROFILE = """
import fastnano
from fastnano._kernels import _native
from test_plan_training import plan, NORM, X, Y
p = plan(NORM, batch=61)
p.prepare(X, Y)
counts = iter([1])
_native.get_num_threads = lambda: next(counts, 64)
for _ in range(300):
    counts = iter([1])
    assert "us " in p.profile(X, Y)
"""


def in_a_process(code):
    """What Python code prints, in a process of its own that finds the tests."""
    places = [Path(fastnano.__file__).parents[1], Path(__file__).parent]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places)), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork_both_train_on():
    child, parent = in_a_process(FORK)
    assert child == parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_in_another_threads_epoch_trains_on():
    assert in_a_process(FORK_WHILE_BUSY) == ["0"]


def test_threads_that_join_in_a_profile_have_their_room():
    assert in_a_process(PROFILE) == []
