"""Embedding beyond what PyTorch's table of cases shows; maxout by its formula."""

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn

F = nn.functional


def test_initial_rows():
    fn.manual_seed(0)
    weight = nn.Embedding(400, 50, padding_idx=3).weight.detach().numpy()
    assert (weight[3] == 0).all()
    others = np.delete(weight, 3, axis=0)
    assert abs(others.mean()) < 0.03
    assert abs(others.std() - 1) < 0.03


def test_from_pretrained():
    table = np.arange(6, dtype="f").reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table, padding_idx=1)
    assert not layer.weight.requires_grad
    np.testing.assert_array_equal(layer(np.array([2, 0])), table[[2, 0]])
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


def test_rows_scaled_in_place_are_noticed():
    layer = nn.Embedding(5, 3, max_norm=0.1)
    y = layer.weight * layer.weight
    layer(np.array([1]))
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Embedding(0, 3), ValueError, "Embedding: num_embeddings=0 must be at least 1"),
        (lambda: nn.Embedding(3, 2.5), TypeError, "embedding_dim=2.5 must be an integer"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), ValueError, "padding_idx=3 must name one of the 3 rows"),
        (
            lambda: nn.Embedding(3, 2, padding_idx=-4),
            ValueError,
            "padding_idx=-4 must name one of the 3 rows",
        ),
        (lambda: nn.Embedding(3, 2, sparse=True), NotImplementedError, "sparse=True is not built"),
        (
            lambda: nn.Embedding(3, 2, scale_grad_by_freq=True),
            NotImplementedError,
            "scale_grad_by_freq=True is not built",
        ),
        (
            lambda: nn.Embedding(3, 2)(np.array([1, 3])),
            IndexError,
            "input holds 3, expected rows from 0 to 2",
        ),
        (lambda: nn.Embedding(3, 2)(np.array([-1])), IndexError, "input holds -1, expected rows from 0 to 2"),
        (lambda: nn.Embedding(3, 2)(np.ones(2)), TypeError, "input must hold integers, got float64"),
        (lambda: F.embedding(np.array([0]), np.ones(2)), ValueError, r"weight has shape \(2,\)"),
        (lambda: nn.Embedding(3, 2, _weight=np.ones((2, 2))), ValueError, r"expected \(3, 2\)"),
        (lambda: nn.Embedding.from_pretrained(np.ones(2)), ValueError, r"embeddings has shape \(2,\)"),
        (
            lambda: F.bilinear(np.ones(3), np.ones(3), np.ones((2, 3))),
            ValueError,
            r"weight has shape \(2, 3\)",
        ),
        (
            lambda: nn.Bilinear(3, 2, 1)(np.ones((4, 3), "f"), np.ones((5, 2), "f")),
            ValueError,
            r"input1 and input2 have shapes \(4, 3\) and \(5, 2\), expected \(\*, 3\) and \(\*, 2\)",
        ),
        (lambda: nn.Maxout(3, 2, pieces=0), ValueError, "Maxout: pieces=0 must be at least 1"),
        (
            lambda: F.maxout(np.ones((2, 5)), 2),
            ValueError,
            r"input has shape \(2, 5\), whose last axis is no",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("backend", ["cython", "numba", "numpy"])
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 7, 3), (0, 3)])
def test_maxout_by_its_formula(shape, backend):
    layer, x = nn.Maxout(3, 4, pieces=5), np.random.default_rng(0).standard_normal(shape).astype("f")
    weight, bias = layer.weight.detach().numpy().reshape(4, 5, 3), layer.bias.detach().numpy().reshape(4, 5)
    with fn.use_backend(backend):
        y = layer(fn.tensor(x))
    np.testing.assert_allclose(
        y.detach().numpy(),
        (np.einsum("...i,oki->...ok", x, weight) + bias).max(axis=-1),
        rtol=1e-5,
        atol=1e-6,
    )


def test_maxout_has_the_gradient_of_its_largest_piece():
    layer = nn.Maxout(3, 4, pieces=3).double()
    x = fn.tensor(np.random.default_rng(0).standard_normal((5, 3)), requires_grad=True)
    assert fn.gradcheck(lambda x, w, b: F.maxout(F.linear(x, w, b), 3), [x, layer.weight, layer.bias])
    assert repr(layer) == "Maxout(in_features=3, out_features=4, bias=True, pieces=3)"


def test_bags_of_nothing_change_no_row():
    bags = nn.EmbeddingBag(2, 2, max_norm=1.0, mode="sum")
    with fn.no_grad():
        bags.weight.fill_(5)
    bags(fn.tensor(np.zeros(0, np.int64)), fn.tensor(np.zeros(2, np.int64)))
    assert bags.weight.tolist() == [[5, 5], [5, 5]]
