"""A few samples: kernels on one sample as it lies, and plans that look at samples one by one."""

import numpy as np
import pytest

import fastnano
from cases import CASES
from fastnano import _kernels, autograd, nn, optim
from fastnano._kernels import _native
from fastnano.ops import OPS
from test_parity import TOLERANCE, assert_close, run, steps
from variants import NATIVE, every_native_variant, load

FEW = (1, 2, 4, 5)  # the last are looked at in blocks
RNG = np.random.default_rng(0)


def has_companion(name, variant=NATIVE[-1]):
    kernel = load(variant)[name]
    return kernel.single and kernel.mode == "blocks"


def test_kernels_that_a_model_looks_with_have_a_companion_for_one_sample():
    without = [n for n, op in OPS.items() if not load(NATIVE[-1])[op.forward.name].single]
    assert without == [
        "conv2d_im2col",  # whoever chooses it wants to see it at work
        "conv_transpose2d",  # what a sample is written to lies a stride apart
        "batch_statistics",  # of a batch
        *("batch_norm", "dropout", "uniform"),  # in training
        *("rnn_tanh", "rnn_relu", "lstm", "gru"),  # whose products are of all samples
        *("cross_entropy", "nll_loss", "weight_of_targets", "multi_margin_loss", "hinge_loss"),
        *("sum", "mean"),
        "one_hot",  # of labels
    ]


@every_native_variant
@pytest.mark.parametrize("case", [c for c in CASES if has_companion(c.contract.name)], ids=str)
def test_one_sample_at_a_time(variant, case):
    kernels, threads = load(variant), _native.get_num_threads()
    try:
        for n in (1, 2, 4):
            contract, env, sizes, want = next(steps(case.with_batch(n), "f"))
            found = []
            for count in (1, 3):
                _native.set_num_threads(count)
                found.append(run(contract, kernels[contract.name], env, sizes, "f", shift=1))
            for name, value in want.items():
                assert_close(found[0][name], value, TOLERANCE["f"], f"{contract.name}: {name}")
                assert found[0][name].tobytes() == found[1][name].tobytes(), f"{name} with 3 threads"
    finally:
        _native.set_num_threads(threads)


# Plans


class Branches(nn.Module):
    """Slices, sums and shared arrays beside layers."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.scale = nn.Linear(6, 5), nn.Linear(4, 5), nn.Parameter(np.ones(5, "f"))

    def forward(self, x):
        return (self.left(x[:, :6]) * self.scale + self.right(x[:, 4:])).tanh()


MODELS = {
    "lenet": (
        lambda: nn.Sequential(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        ),
        (1, 28, 28),
    ),
    "strides": (
        lambda: nn.Sequential(
            *(nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(6), nn.Sigmoid()),
            *(
                nn.Conv2d(6, 5, (2, 3), stride=(1, 3), dilation=(2, 1)),
                nn.AvgPool2d(2, stride=1),
                nn.Flatten(),
            ),
            *(nn.Dropout(0.5), nn.Softmax(1)),
        ),
        (4, 13, 19),
    ),
    "branches": (Branches, (8,)),
    "in blocks": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3, algorithm="im2col"), nn.LeakyReLU(), nn.Flatten(), nn.LogSoftmax(1)
        ),
        (1, 6, 7),
    ),
}


def plan_of(model):
    return fastnano.compile(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1))


def eager(model, x):
    was = model.training
    model.eval()
    try:
        with fastnano.use_backend("numpy"), fastnano.no_grad():
            return model(fastnano.from_numpy(x)).numpy()
    finally:
        model.train(was)


def assert_predicts(plan, model, x):
    np.testing.assert_allclose(plan.predict(x), eager(model, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("isa", _native.available())
@pytest.mark.parametrize("name", MODELS)
def test_a_plan_looks_at_a_few_samples(name, isa, monkeypatch, request):
    monkeypatch.setenv("FASTNANO_ISA", isa)
    for found in (_kernels.load, autograd._kernel):  # eager kernels, of the set that is first asked for
        request.addfinalizer(found.cache_clear)
    make, shape = MODELS[name]
    model = make()
    plan = plan_of(model)
    for n in (*FEW, 40, *FEW):
        assert_predicts(plan, model, RNG.standard_normal((n, *shape)).astype("f"))
    few = plan._made["predict"][1].few
    assert (few is None) == (name == "in blocks")


def test_a_plan_looks_at_a_few_bytes():
    model, images = MODELS["lenet"][0](), RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    plan = fastnano.compile(
        model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), mean=0.3, std=0.5
    )
    for n in FEW:
        x = ((images[:n, None] / 255 - 0.3) / 0.5).astype("f")
        np.testing.assert_allclose(plan.predict(images[:n]), eager(model, x), rtol=1e-4, atol=1e-5)


def test_a_few_samples_have_the_same_bits_on_any_number_of_threads():
    make, shape = MODELS["lenet"]
    plan, x = plan_of(make()), RNG.standard_normal((4, *shape)).astype("f")
    before, found = _native.get_num_threads(), set()
    try:
        for threads in (1, 2, 3):
            _native.set_num_threads(threads)
            found.add(plan.predict(x).tobytes())
        assert len(found) == 1
        assert plan.predict(x[:1]).tobytes() == plan.predict(x)[:1].tobytes()
    finally:
        _native.set_num_threads(before)


def test_results_are_the_callers_own():
    model, x = nn.Linear(3, 2), np.ones((1, 3), "f")
    plan = plan_of(model)
    first = plan.predict(x)
    kept = first.copy()
    plan.predict(x + 1)
    np.testing.assert_array_equal(first, kept)


def _other_layer(model):
    model[0] = nn.Conv2d(1, 6, 5, padding=2)


def _other_array(model):
    model[0].weight.data = model[0].weight.data * 2


def _other_parameter(model):
    model[-1].bias = nn.Parameter(np.arange(10, dtype="f"))


def _other_values(model):
    model[0].weight.data *= 2


@pytest.mark.parametrize("change", [_other_layer, _other_array, _other_parameter, _other_values])
def test_what_is_replaced_in_the_model_is_seen(change):
    make, shape = MODELS["lenet"]
    model, x = make(), RNG.standard_normal((1, *shape)).astype("f")
    plan = plan_of(model)
    assert_predicts(plan, model, x)
    change(model)
    assert_predicts(plan, model, x)
    assert_predicts(plan, model, x)


def test_a_changed_attribute_is_seen():
    model, x = nn.Sequential(nn.Linear(4, 4), nn.LeakyReLU(0.1)), RNG.standard_normal((1, 4)).astype("f")
    plan = plan_of(model)
    assert_predicts(plan, model, x)
    model[1].negative_slope = 0.5
    assert_predicts(plan, model, x)
    plan.model = nn.Linear(4, 2)
    assert_predicts(plan, plan.model, x)


def test_samples_of_another_shape_are_seen():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    plan = plan_of(model)
    for shape in ((1, 1, 5, 5), (1, 1, 7, 6), (2, 1, 5, 5)):
        assert_predicts(plan, model, RNG.standard_normal(shape).astype("f"))
    with pytest.raises(ValueError, match="no samples"):
        plan.predict(np.zeros((0, 1, 5, 5), "f"))
