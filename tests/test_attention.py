"""Attention beyond PyTorch's table of cases: initial values, dropout, by hand, training, what is refused."""

import copy
import math

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn
from oracle import torch
from twins import check

F = nn.functional
ones = np.ones


def test_initial_values():
    fn.manual_seed(0)
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    weight, bound = layer.in_proj_weight.detach().numpy(), math.sqrt(6 / 256)
    assert bound * 0.999 < np.abs(weight).max() <= bound
    assert abs(weight.std() - bound / 3**0.5) < 0.001
    assert not layer.in_proj_bias.detach().numpy().any()
    assert not layer.out_proj.bias.detach().numpy().any()
    assert abs(layer.bias_k.detach().numpy().std() - 1 / 8) < 0.03
    layer = nn.MultiheadAttention(64, 4, kdim=32)
    assert 0.99 * math.sqrt(6 / 96) < np.abs(layer.k_proj_weight.detach().numpy()).max() <= math.sqrt(6 / 96)


def test_dropout_acts_on_the_weights_in_training():
    fn.manual_seed(0)
    layer, x = (
        nn.MultiheadAttention(8, 2, dropout=0.5),
        np.random.default_rng(0).standard_normal((40, 2, 8)).astype("f"),
    )
    layer.eval()
    whole = layer(x, x, x)[1]
    np.testing.assert_allclose(whole.sum(-1), 1, rtol=1e-5)
    layer.train()
    dropped = (
        layer.forward(fn.tensor(x), fn.tensor(x), fn.tensor(x), average_attn_weights=False)[1]
        .detach()
        .numpy()
    )
    assert abs((dropped == 0).mean() - 0.5) < 0.03
    first, second = (F.scaled_dot_product_attention(x, x, x, dropout_p=0.5).numpy() for _ in range(2))
    assert (first != second).any()


def test_a_causal_encoder_does_not_look_ahead():
    fn.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    net, x = nn.TransformerEncoder(layer, 2), np.random.default_rng(0).standard_normal((1, 6, 8)).astype("f")
    changed = x.copy()
    changed[:, 4:] = 0
    before, after = (net(fn.tensor(values), is_causal=True).detach().numpy() for values in (x, changed))
    np.testing.assert_allclose(before[:, :4], after[:, :4], rtol=1e-5, atol=1e-6)
    assert np.abs(before[:, 4:] - after[:, 4:]).max() > 0.1


def test_layers_of_an_encoder_are_copies():
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    net = nn.TransformerEncoder(layer, 2)
    first, second = (one.linear1.weight for one in net.layers)
    np.testing.assert_array_equal(first.detach().numpy(), second.detach().numpy())
    assert len({id(first), id(second), id(layer.linear1.weight)}) == 3
    assert repr(copy.deepcopy(net)) == repr(net)


def test_attention_by_hand_equals_the_tape():
    layer = nn.MultiheadAttention(4, 2)
    x = [np.random.default_rng(i).standard_normal((3, 2, 4)).astype("f") for i in range(3)]
    tensors = [fn.tensor(a, requires_grad=True) for a in x]
    y, weights = layer(*tensors)
    ((y * 2).sum() + (weights * weights).sum()).backward()
    layer.zero_grad()
    layer.forward(*x)
    found = layer.backward((np.full(y.shape, 2, "f"), 2 * weights.detach().numpy()))
    for gradient, tensor in zip(found, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("norm_first", [False, True])
def test_training_beside_pytorch(norm_first):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")

    def network(library):
        nn = library.nn
        layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True, norm_first=norm_first)
        options = {"enable_nested_tensor": False}
        return nn.Sequential(nn.Embedding(11, 8), nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), **options))

    ours, theirs = network(fn).double(), network(torch).double()
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    steps = fn.optim.SGD(ours.parameters(), lr=0.05), torch.optim.SGD(theirs.parameters(), 0.05)
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, target = rng.integers(0, 11, (5, 7)), rng.standard_normal((5, 7, 8))
        for model, step, library in ((ours, steps[0], fn), (theirs, steps[1], torch)):
            step.zero_grad()
            library.nn.functional.mse_loss(model(library.tensor(x)), library.tensor(target)).backward()
            step.step()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), atol=1e-8, err_msg=name)


class Causal(nn.Module):
    """Scores from what an encoder that does not look ahead makes of the last place."""

    def __init__(self, norm_first):
        super().__init__()
        layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, norm_first=norm_first)
        self.encoder, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(6, 5)

    def forward(self, x):
        return self.out(self.encoder(x.flatten(1, 2), is_causal=True)[:, -1])


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_causal_encoder_in_a_plan(norm_first):
    check(lambda: Causal(norm_first), steps=15)


def attention(*shapes, **options):
    return nn.MultiheadAttention(4, 2)(*(fn.tensor(ones(s, "f")) for s in shapes), **options)


SAME = ((3, 2, 4),) * 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MultiheadAttention(5, 2), ValueError, "num_heads=2 must divide embed_dim=5"),
        (lambda: nn.MultiheadAttention(4, 2, dropout=2), ValueError, "dropout=2 must be from 0 to 1"),
        (lambda: nn.MultiheadAttention(4, 2, kdim=0), ValueError, "kdim=0 must be at least 1"),
        (
            lambda: attention((3, 2, 5), (3, 2, 4), (3, 2, 4)),
            ValueError,
            r"\(3, 2, 5\).*expected \(L, N, 4\), \(S,",
        ),
        (lambda: attention((3, 2, 4), (3, 1, 4), (3, 1, 4)), ValueError, "query, key and value have shapes"),
        (
            lambda: attention(*SAME, attn_mask=ones((2, 3))),
            ValueError,
            r"attn_mask has shape \(2, 3\), expected",
        ),
        (
            lambda: attention(*SAME, key_padding_mask=ones((3, 2))),
            ValueError,
            r"key_padding_mask has .* \(2, 3\)",
        ),
        (
            lambda: F.scaled_dot_product_attention(ones((2, 3)), ones((2, 4)), ones((2, 3))),
            ValueError,
            r"query and key have shapes \(2, 3\) and \(2, 4\)",
        ),
        (
            lambda: F.scaled_dot_product_attention(ones((2, 3)), ones((2, 3)), ones((3, 3))),
            ValueError,
            r"key and value have shapes \(2, 3\) and \(3, 3\)",
        ),
        (
            lambda: nn.TransformerEncoderLayer(4, 2, activation="elu"),
            ValueError,
            "activation='elu' must be one of 'relu', 'gelu'",
        ),
        (lambda: nn.TransformerEncoder(nn.Identity(), 0), ValueError, "num_layers=0 must be at least 1"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_samples_of_padding_alone_leave_the_others_their_gradients():
    ours = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0)
    theirs = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0)
    theirs.load_state_dict({name: torch.tensor(value.numpy()) for name, value in ours.state_dict().items()})
    x, padding = (
        np.random.default_rng(0).random((2, 2, 4), np.float32),
        np.array([[True, True], [False, False]]),
    )
    found = []
    for library, layer in ((fn, ours), (torch, theirs)):
        y = layer(library.tensor(x), src_key_padding_mask=library.tensor(padding))
        y[1].sum().backward()
        found.append([y.detach().numpy(), *(p.grad.numpy() for p in layer.parameters())])
    for own, other in zip(*found, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-4)


def test_a_floating_mask_may_leave_a_query_nothing_to_see():
    q, mask = np.random.default_rng(0).random((1, 3, 4)), np.zeros((3, 3))
    mask[1] = -np.inf
    found = []
    for library in (fn, torch):
        x = library.tensor(q, requires_grad=True)
        y = library.nn.functional.scaled_dot_product_attention(x, x, x, library.tensor(mask))
        y.sum().backward()
        found += [(y.detach().numpy(), x.grad.numpy())]
    np.testing.assert_allclose(*found, atol=1e-12)
