"""Averages of weights against PyTorch."""

import copy
import pickle

import numpy as np
import pytest

import fastnano as fn
from fastnano import Trainer, checkpoint, nn, optim
from fastnano.optim.swa_utils import AveragedModel
from oracle import array, pair, torch
from words import words

NETWORK = "Sequential(Conv2d(2, 4, 3), BatchNorm2d(4), ReLU(), Flatten(), Linear(64, 3), BatchNorm1d(3))"
AVERAGES = [
    "AveragedModel(m)",
    "AveragedModel(m, multi_avg_fn=get_swa_multi_avg_fn())",
    "AveragedModel(m, avg_fn=get_swa_avg_fn())",
    "AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(0.9))",
    "AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn())",
    "AveragedModel(m, avg_fn=get_ema_avg_fn(0.7))",
    "AveragedModel(m, avg_fn=lambda a, c, n: 0.3 * a + 0.7 * c)",
    "AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(0.7), use_buffers=True)",
]


def averaged(text):
    """The model and its average, here and in PyTorch."""
    networks = pair(NETWORK)
    pairs = zip((optim, torch.optim), networks, strict=True)
    return networks, [eval(text, words(o.swa_utils) | {"m": m}) for o, m in pairs]


def change(networks, seed):
    for network in networks:
        for i, t in enumerate((*network.parameters(), *network.buffers())):
            value = array(*t.shape, seed=100 * seed + i, low=0.1) if t.ndim else np.array(5 * seed)
            target = t.data if isinstance(t, fn.Tensor) else t.detach().numpy()
            target[...] = value


def same(ours, theirs, tolerance=1e-12):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for (name, value), truth in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(value.numpy(), truth.numpy(), rtol=tolerance, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("text", AVERAGES)
def test_the_average_of_ten_models(text):
    networks, (ours, theirs) = averaged(text)
    tolerance = 1e-6 if "swa_multi" in text else 1e-12  # where PyTorch's 1 / (number + 1) is float32
    for i in range(10):
        same(ours, theirs, tolerance)
        change(networks, i)
        ours.update_parameters(networks[0])
        theirs.update_parameters(networks[1])
    same(ours, theirs, tolerance)
    x = array(5, 2, 6, 6)
    np.testing.assert_allclose(
        ours.eval()(fn.tensor(x)).data, theirs.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-6
    )


def test_an_average_is_saved_and_copied():
    networks, (ours, _) = averaged(AVERAGES[0])
    for i in range(3):
        change(networks, i)
        ours.update_parameters(networks[0])
    other = AveragedModel(networks[0])
    other.load_state_dict(ours.state_dict())
    change(networks, 4)
    twins = [ours, other, copy.deepcopy(ours), pickle.loads(pickle.dumps(other))]
    for twin in twins:
        twin.update_parameters(networks[0])
    for twin in twins[1:]:
        for p, q in zip(twin.parameters(), ours.parameters(), strict=True):
            np.testing.assert_array_equal(p.data, q.data)
    assert ours.n_averaged.item() == 4


@pytest.mark.parametrize("momentum", [0.1, None])
def test_update_bn(momentum):
    networks = pair(NETWORK, training=False)
    for network in networks:
        network[1].momentum = momentum
        network[5].training = True
    batches = [array(n, 2, 6, 6, seed=n) for n in (7, 4, 5)]
    optim.swa_utils.update_bn([(b, None) for b in batches[:2]] + batches[2:], networks[0])
    torch.optim.swa_utils.update_bn([torch.tensor(b) for b in batches], networks[1])
    same(*networks, tolerance=1e-10)
    assert networks[0][1].momentum == momentum
    assert [m.training for m in networks[0]] == [False] * 5 + [True]
    before = copy.deepcopy(networks[0])
    optim.swa_utils.update_bn(None, nn.Sequential(nn.Linear(2, 3)))  # has none
    same(networks[0], before)


def test_update_bn_leaves_other_statistics_alone():
    network = nn.Sequential(nn.InstanceNorm1d(2, track_running_stats=True), nn.BatchNorm1d(2))
    ones = np.ones((3, 2, 4), np.float32)
    network(fn.tensor(ones))
    optim.swa_utils.update_bn([ones], network)
    assert network[0].running_mean.numpy().all()


@pytest.mark.parametrize("words_of", [
    ("update_parameters: the model is another", lambda m: AveragedModel(m).update_parameters(nn.Linear(2, 3))),
    ("give one of avg_fn and multi_avg_fn", lambda m: AveragedModel(m, avg_fn=max, multi_avg_fn=max)),
    ("device='cuda' must be None", lambda m: AveragedModel(m, "cuda")),
    ("multi_avg_fn: decay=1.5 must be a number from 0 to 1", lambda _: optim.swa_utils.get_ema_multi_avg_fn(1.5)),
])  # fmt: skip
def test_refused(words_of):
    message, make = words_of
    with pytest.raises(ValueError, match=message):
        make(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))


# Schedules and the state of optimisers in the trainer


def trainer(
    optimizer="Adam(p, lr=0.1)", schedule="ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=0.5)"
):
    fn.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    made = eval(optimizer, words(optim) | {"p": model.parameters()})
    follow = eval(schedule, words(optim.lr_scheduler) | words(optim.swa_utils) | {"o": made})
    return Trainer(model, nn.CrossEntropyLoss(), made, follow)


X, Y = array(60, 6).astype(np.float32), np.arange(60) % 3


@pytest.mark.parametrize("validation", [None, (X[:20], Y[:20])])
def test_the_trainer_hands_the_plateau_its_loss(validation):
    t = trainer()
    history = t.fit((X, Y), validation, epochs=8, batch_size=20, progress=False)
    assert history.eager == ""
    twin = optim.SGD([nn.Parameter([1.0])], lr=0.1)
    expected = optim.lr_scheduler.ReduceLROnPlateau(twin, factor=0.5, patience=0, threshold=0.5)
    for record in history.epochs:
        assert record["lr"] == twin.param_groups[0]["lr"]
        expected.step(record["loss" if validation is None else "val_loss"])
    assert 0 < t.scheduler.best == expected.best
    assert twin.param_groups[0]["lr"] < 0.1


@pytest.mark.parametrize("optimizer", [
    "NAdam(p)", "RAdam(p)", "Adamax(p)", "Adagrad(p)", "Adadelta(p)", "Lion(p)", "Rprop(p)", "ASGD(p, t0=3)",
    "AdamW(p, amsgrad=True)", "RMSprop(p, centered=True, momentum=0.5)", "SGD(p, lr=0.1)",
])  # fmt: skip
@pytest.mark.parametrize("schedule", [
    "ReduceLROnPlateau(o, factor=0.5, patience=1)",
    "ChainedScheduler([LinearLR(o), ExponentialLR(o, 0.9)])",
    "SequentialLR(o, [ConstantLR(o, 0.5, 2), CyclicLR(o, 0.001, 0.01, 3, cycle_momentum=False)], [4])",
    "SWALR(o, 0.01, 4)",
])  # fmt: skip
def test_a_training_goes_on_bit_for_bit(optimizer, schedule, tmp_path):
    whole, half, rest = (trainer(optimizer, schedule) for _ in range(3))
    whole.fit((X, Y), epochs=6, batch_size=20, progress=False)
    half.fit((X, Y), epochs=3, batch_size=20, progress=False)
    checkpoint.save_training(tmp_path / "t", half)
    checkpoint.load_training(tmp_path / "t", rest)
    assert rest.scheduler.get_last_lr() == half.scheduler.get_last_lr()
    rest.fit((X, Y), epochs=3, batch_size=20, progress=False)
    assert whole.history.eager == rest.history.eager == ""
    for p, q in zip(whole.model.parameters(), rest.model.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert whole.scheduler.state_dict() == rest.scheduler.state_dict()
