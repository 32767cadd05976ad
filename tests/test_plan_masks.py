"""Comparisons, masks and choices inside compiled steps."""

import numpy as np
import pytest

import fastnano
from fastnano import NotPlannable, Tensor, nn
from twins import MLP, SGD, Twins, Y, check

F = nn.functional
RNG = np.random.default_rng(0)
X = RNG.standard_normal((61, 7, 12)).astype(np.float32)
TOKENS = RNG.integers(0, 4, (61, 7))
ODD = RNG.choice(np.float32([np.inf, -np.inf, np.nan, 1]), (7, 12))
MASK = fastnano.tensor(RNG.random((7, 12)) < 0.5)


class Between(nn.Module):
    """A function between two dense layers, of what the first gives and of x."""

    def __init__(self, function, **layers):
        super().__init__()
        self.first, self.function, self.layers = nn.Linear(12, 12), function, nn.ModuleDict(layers)
        self.last = nn.Linear(self.between(Tensor(X[:2])).shape[1], 5)

    def between(self, x):
        return self.function(self.first(x), x, **dict(self.layers.items())).flatten(1)

    def forward(self, x):
        return self.last(self.between(x))


def trained_alike(function, **layers):
    """With layers that functions make, so that both networks begin alike."""
    made = layers.items()
    return check(lambda: Between(function, **{name: make() for name, make in made}), x=X, steps=10)


CHOICES = {
    "a mask times a tensor": lambda h, x: (h > x) * h,
    "where of two tensors": lambda h, x: fastnano.where(h >= 0, h * x, -0.1 * h),
    "a condition of fewer axes": lambda h, x: fastnano.where((x[:, :1] < 0) | (x[:, :1] == 0), h, x),
    "and, or, not, xor": lambda h, x: h.masked_fill(~((h > 0) & (x > 0)) ^ ((x < -1) | (h < -1)), 0.5),
    "logical operations": lambda h, x: h.masked_fill(
        fastnano.logical_and(h, fastnano.logical_not(x.relu())).logical_xor(x.relu()), 0.5
    ),
    "a mask in another shape": lambda h, x: h.masked_fill((x != 0).mT.flip(1).reshape((-1, 7, 12)), 2.0),
    "masks joined": lambda h, x: h.masked_fill(fastnano.cat([x[:, :3] > 0, x[:, 3:] <= 0], 1), 0.5),
    "a constant mask": lambda h, _: h.masked_fill(Tensor(np.eye(7, 12) > 0), 0.5),
    "a mask that is kept": lambda h, _: h.masked_fill(MASK, 0.5),
    "infinities and NaN": lambda h, _: (
        fastnano.nan_to_num(h.detach() * ODD, 0.1, 0.2, -0.3) + (h.detach() * ODD).isfinite() * h
    ),
    "bounds that are tensors": lambda h, x: h.clamp(fastnano.tensor(-0.5), x),
    "how many": lambda h, x: h.sum(1) / (1 + (x > 0.5).sum(1).float()),
    "how many of a batch": lambda h, x: h * (x > 0.5).sum() / 100,
    "the mean of answers": lambda h, x: h * (x > 0.5).float().mean((1, 2), keepdim=True),
    "sums over samples": lambda h, x: h * x.sum(0) * 0.1,
}


@pytest.mark.parametrize("function", CHOICES.values(), ids=CHOICES)
def test_choices(function):
    trained_alike(function)


def test_a_mask_that_changes_in_place_is_followed():
    masks = [fastnano.tensor(np.zeros((7, 12), bool)) for _ in range(2)]
    ours = iter(masks)

    def network():
        mask = next(ours)
        return Between(lambda h, _: h.masked_fill(mask, 1.0))

    twins = Twins(network, optimizer=SGD)
    twins.train(X, Y, epochs=1)
    for mask in masks:
        mask.data[:, ::2] = True
    twins.train(X, Y, epochs=1)
    twins.check(X, Y)


def attend(**options):
    return lambda h, x: F.scaled_dot_product_attention(h, x, x, **options)


BEHIND = np.triu(np.ones((7, 7), bool), 1)  # where causal attention may not look
BLIND = BEHIND | (np.arange(7) == 0)[:, None]  # and the first query nowhere
FLOATING = np.where(BEHIND, -np.inf, 0).astype(np.float32)
LATER = fastnano.tensor(np.arange(7) > 0)  # the first key is seen by all
ATTENTION = {
    "causal": attend(is_causal=True),
    "floating": attend(attn_mask=FLOATING),
    "boolean": attend(attn_mask=~BEHIND),
    "boolean, its axes exchanged": attend(attn_mask=BEHIND.T[::-1, ::-1].copy().T),
    "floating, its axes exchanged": attend(attn_mask=np.asfortranarray(FLOATING)),
    "boolean, some blind": attend(attn_mask=fastnano.tensor(~BLIND)),
    "of the data, some blind": lambda h, x: F.scaled_dot_product_attention(
        h, x, x, (x[..., 0] > 0).unsqueeze(1)
    ),
}


@pytest.mark.parametrize("function", ATTENTION.values(), ids=ATTENTION)
def test_attention(function):
    trained_alike(function)


MASKS = {
    "causal": {"is_causal": True},
    "floating": {"attn_mask": FLOATING},
    "boolean": {"attn_mask": BEHIND},
    "for each head": {"attn_mask": FLOATING, "average_attn_weights": False},
}


@pytest.mark.parametrize("options", MASKS.values(), ids=MASKS)
def test_multihead_attention(options):
    def function(h, x, attention):
        return attention(h, x, x, key_padding_mask=(x[..., 0] > 0) & LATER, **options)[0]

    trained_alike(function, attention=lambda: nn.MultiheadAttention(12, 3, batch_first=True))


TOKEN_MASKS = {
    "padding in attention": lambda m, t: m.attention(m.embed(t), src_key_padding_mask=t == 0).mean(1),
    "the mean of words": lambda m, t: (
        (m.embed(t) * (t != 0).unsqueeze(-1)).sum(1) / (t != 0).sum(1, keepdim=True).float().clamp(min=1.0)
    ),
    "words in the place of words": lambda m, t: m.embed(t).masked_fill((t == 0).unsqueeze(-1), 0.0).sum(1),
}


class Reader(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.embed, self.last, self.function = nn.Embedding(4, 12), nn.Linear(12, 5), function
        self.attention = nn.TransformerEncoderLayer(12, 3, 20, 0.0, batch_first=True)

    def forward(self, tokens):
        return self.last(self.function(self, tokens))


@pytest.mark.parametrize("function", TOKEN_MASKS.values(), ids=TOKEN_MASKS)
def test_masks_of_tokens(function):
    check(lambda: Reader(function), optimizer=SGD, x=TOKENS, steps=10)


LOSSES = {
    "of some samples": lambda o, y: (F.cross_entropy(o, y, reduction="none") * (Tensor(y) != 2)).mean(),
    "the mean over some": lambda o, y: (o.square().sum(1) * (Tensor(y) > 1)).sum() / (Tensor(y) > 1).sum(),
    "by class": lambda o, y: fastnano.where((Tensor(y) == 2).unsqueeze(1), o, o * o).mean(),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_masks_of_labels(loss):
    check(MLP, loss, "SGD(p, lr=0.01)", steps=10)


def test_whole_numbers_that_a_step_computes_with_are_refused():
    for function in (lambda y: y * 2 + 1, lambda y: y & 1, lambda y: fastnano.where(y > 1, y, y + y)):
        with pytest.raises(NotPlannable, match=r"computes in int64; plans do in float32 \(x.float\(\)\)"):
            check(MLP, lambda o, y, f=function: (o * f(Tensor(y)).float().unsqueeze(1)).mean(), steps=1)
    with pytest.raises(NotPlannable, match=r"of float32 to int64, has no native form"):
        check(MLP, lambda o, _: (o * o.long().float()).mean(), steps=1)


def test_a_mask_with_gaps_in_memory_is_refused():
    mask = np.repeat(~BEHIND, 2, 1)[:, ::2]
    with pytest.raises(NotPlannable, match=r"has gaps in memory; make it numpy.ascontiguousarray"):
        trained_alike(attend(attn_mask=mask))


def test_whole_numbers_that_floats_do_not_tell_apart_are_refused():
    with pytest.raises(NotPlannable, match=r"eq_forward meets whole numbers of 2\^24 or more"):
        check(MLP, lambda o, y: ((Tensor(y) == 2**24).unsqueeze(1) * o).mean(), y=Y + 2**24, steps=1)
