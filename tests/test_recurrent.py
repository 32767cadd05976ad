"""Recurrent layers beyond PyTorch's table of cases: initial values, dropout, by hand, training, what is refused."""

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from twins import check

F = nn.functional
ones = np.ones


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM, nn.GRU])
def test_initial_values(layer):
    fn.manual_seed(0)
    values = np.concatenate([p.detach().numpy().ravel() for p in layer(30, 100, 2).parameters()])
    assert np.abs(values).max() <= 0.1
    assert np.abs(values).max() > 0.0999
    assert abs(values.std() - 0.1 / 3**0.5) < 0.001


def test_dropout_between_layers_only():
    fn.manual_seed(0)
    x = ones((5, 2, 3), "f")
    one, two = nn.GRU(3, 40, batch_first=True), nn.GRU(3, 40, 2, batch_first=True, dropout=0.5)
    np.testing.assert_array_equal(one(x)[0], one(x)[0])
    first, second = two(x), two(x)
    assert (first[0] != second[0]).any()
    np.testing.assert_array_equal(first[1][0], second[1][0])  # the first layer's own states
    two.eval()
    np.testing.assert_array_equal(two(x)[0], two(x)[0])


@pytest.mark.parametrize(("layer", "states"), [(nn.RNN, 1), (nn.LSTM, 2), (nn.GRU, 1)])
def test_cells_step_by_step_give_the_layer(layer, states):
    sequence, cell = layer(5, 4).double(), getattr(nn, f"{layer.__name__}Cell")(5, 4).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in sequence.state_dict().items()})
    x, state, found = np.random.default_rng(0).standard_normal((7, 3, 5)), None, []
    for step in x:
        state = cell(fn.tensor(step), state)
        found.append((state[0] if states == 2 else state).detach().numpy())
    y, last = sequence(fn.tensor(x))
    np.testing.assert_allclose(y.detach().numpy(), found, atol=1e-12)
    for one, kept in zip(last, state, strict=True) if states == 2 else [(last, state)]:
        np.testing.assert_allclose(
            one.detach().numpy().reshape(kept.shape), kept.detach().numpy(), atol=1e-12
        )


def test_an_lstm_by_hand_equals_the_tape():
    layer = nn.LSTM(3, 4, 2)
    x = np.random.default_rng(0).standard_normal((5, 2, 3)).astype("f")
    t = fn.tensor(x, requires_grad=True)
    y, (h, c) = layer(t)
    ((y * 2).sum() + (h * 3).sum() + c.sum()).backward()
    expected = [p.grad.numpy().copy() for p in layer.parameters()]
    layer.zero_grad()
    arrays = layer.forward(x)
    np.testing.assert_array_equal(arrays[1][1], c.detach().numpy())
    dx = layer.backward((np.full(y.shape, 2, "f"), (np.full(h.shape, 3, "f"), ones(c.shape, "f"))))
    np.testing.assert_allclose(dx, t.grad.numpy(), rtol=1e-5, atol=1e-6)
    for p, gradient in zip(layer.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), gradient, rtol=1e-5, atol=1e-6)
    layer.forward(x)
    with pytest.raises(TypeError, match="dy must be a tuple of 2 gradients"):
        layer.backward(ones(y.shape, "f"))


class Last(nn.Module):
    """Scores from the states after the last step."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.out = layer, nn.Linear(layer.hidden_size * (1 + layer.bidirectional), 5)

    def forward(self, x):
        return self.out(self.layer(x)[0][:, -1])


@pytest.mark.parametrize(
    "text", ["LSTM(5, 6, 2, batch_first=True)", "GRU(5, 6, batch_first=True, bidirectional=True)"]
)
def test_training_beside_pytorch(text):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = eval(text, vars(torch.nn).copy())
            self.out = torch.nn.Linear(6 * (1 + self.layer.bidirectional), 5)

        def forward(self, x):
            return self.out(self.layer(x)[0][:, -1])

    ours, theirs = Last(eval(text, {}, {"LSTM": nn.LSTM, "GRU": nn.GRU})).double(), Theirs().double()
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    steps = (
        fn.optim.SGD(ours.parameters(), lr=0.1, momentum=0.9),
        torch.optim.SGD(theirs.parameters(), 0.1, 0.9),
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, target = rng.standard_normal((9, 7, 5)), rng.integers(0, 3, 9)
        for model, step, library in ((ours, steps[0], fn), (theirs, steps[1], torch)):
            step.zero_grad()
            library.nn.functional.cross_entropy(model(library.tensor(x)), library.tensor(target)).backward()
            step.step()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), atol=1e-8, err_msg=name)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.LSTM(6, 9, 2, batch_first=True, bidirectional=True),
        lambda: nn.GRU(6, 17, batch_first=True),
        lambda: nn.RNN(6, 9, 2, "relu", batch_first=True),
    ],
    ids=["LSTM", "GRU", "RNN"],
)
def test_a_classifier_of_sequences_in_a_plan(layer):
    check(lambda: nn.Sequential(nn.Flatten(1, 2), Last(layer())), steps=15)  # images of 14 rows


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.RNN(0, 3), ValueError, "RNN: input_size=0 must be at least 1"),
        (lambda: nn.LSTM(3, 0), ValueError, "LSTM: hidden_size=0 must be at least 1"),
        (lambda: nn.GRU(3, 3, 0), ValueError, "GRU: num_layers=0 must be at least 1"),
        (lambda: nn.GRU(3, 3, dropout=2), ValueError, "GRU: dropout=2 must be from 0 to 1"),
        (
            lambda: nn.RNN(3, 3, nonlinearity="elu"),
            ValueError,
            "nonlinearity='elu' must be one of 'tanh', 'relu'",
        ),
        (lambda: nn.RNNCell(3, 3, nonlinearity="elu"), ValueError, "nonlinearity='elu' must be one of"),
        (lambda: nn.LSTM(3, 3, proj_size=2), NotImplementedError, "LSTM: proj_size=2 is not built"),
        (
            lambda: nn.RNN(3, 2)(ones((4, 5, 2), "f")),
            ValueError,
            r"input has shape .*, expected \(T, N, 3\) or \(T, 3\)",
        ),
        (
            lambda: nn.RNN(3, 2, batch_first=True)(ones(3, "f")),
            ValueError,
            r"expected \(N, T, 3\) or \(T, 3\)",
        ),
        (lambda: nn.RNN(3, 2)(ones((0, 5, 3), "f")), ValueError, "of at least one step"),
        (
            lambda: nn.RNN(3, 2)(ones((4, 5, 3), "f"), ones((1, 4, 2), "f")),
            ValueError,
            r"RNN: hx has shape \(1, 4, 2\), expected \(1, 5, 2\)",
        ),
        (
            lambda: nn.LSTM(3, 2)(fn.tensor(ones((4, 5, 3), "f")), [ones((1, 5, 2), "f")]),
            ValueError,
            r"expected a pair \(h, c\) of \(1, 5, 2\)",
        ),
        (
            lambda: nn.GRUCell(3, 2)(ones((4, 2), "f")),
            ValueError,
            r"GRUCell: input has shape \(4, 2\), expected \(N, 3\)",
        ),
        (
            lambda: nn.GRUCell(3, 2)(ones(3, "f"), ones(3, "f")),
            ValueError,
            r"hx has shape \(3,\), expected \(2,\)",
        ),
        (
            lambda: F.lstm(ones((2, 3, 8)), ones((8, 3))),
            ValueError,
            r"expected \(4 \* hidden_size, hidden_size\)",
        ),
        (
            lambda: F.rnn(ones((2, 3, 4)), ones((2, 2))),
            ValueError,
            r"rnn: input has shape .* expected \(N, T, 2\)",
        ),
        (lambda: F.gru(ones((2, 3, 3)), ones((3, 1)), start=ones(2)), ValueError, r"start has shape \(2,\)"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
