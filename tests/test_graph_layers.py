"""Layers on graphs against their formulas in dense matrices."""

import copy

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from fastnano.architecture import build, describe
from fastnano.nn.graph import aggregate

RNG = np.random.default_rng(0)
NODES = 6
EDGES = np.array([[0, 1, 2, 2, 4, 0, 3, 3], [1, 0, 1, 3, 3, 3, 3, 4]])  # node 5 is alone, node 3 has a loop
X = RNG.standard_normal((NODES, 4))


def dense(weight=1.0):
    """A[i, j]: the weight of the edge from j to i."""
    matrix = np.zeros((NODES, NODES))
    matrix[EDGES[1], EDGES[0]] = weight
    return matrix


REDUCE = {"add": np.sum, "sum": np.sum, "mean": np.mean, "max": np.max}


@pytest.mark.parametrize("aggr", REDUCE)
def test_rows_are_gathered_at_their_places(aggr):
    x, index = fn.tensor(RNG.standard_normal((7, 2, 3)), requires_grad=True), np.array([3, 0, 3, 1, 0, 3, 5])
    y = aggregate(x, index, 6, aggr)
    for place in range(6):
        rows = x.data[index == place]
        np.testing.assert_allclose(y.data[place], REDUCE[aggr](rows, axis=0) if len(rows) else 0)
    assert fn.gradcheck(lambda x: aggregate(x, index, 6, aggr), x)
    assert aggregate(x[:0], index[:0], 3, aggr).tolist() == np.zeros((3, 2, 3)).tolist()


def test_the_largest_rows_get_the_gradient_and_equal_ones_share_it():
    x = fn.tensor([1.0, 5.0, 5.0, 2.0], requires_grad=True)
    (aggregate(x, np.array([0, 0, 0, 1]), 2, "max") * fn.tensor([4.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [0, 2, 2, 3]


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_graph_convolution_is_its_formula(weighted, loops):
    layer = nn.GCNConv(4, 3, add_self_loops=loops).double()
    weight = RNG.uniform(0.5, 2, EDGES.shape[1]) if weighted else None
    a = dense(1.0 if weight is None else weight)
    if loops:
        a += np.diag(np.diag(a) == 0).astype(float)
    degree = a.sum(1)
    root = np.where(degree > 0, 1 / np.sqrt(np.where(degree > 0, degree, 1)), 0)
    expected = (root[:, None] * a * root) @ X @ layer.lin.weight.data.T + layer.bias.data
    with fn.no_grad():
        layer.bias += 0.5
    y = layer(fn.tensor(X), EDGES, weight)
    np.testing.assert_allclose(y.data, expected + 0.5, rtol=1e-12)
    given = [fn.tensor(X, requires_grad=True), *layer.parameters()]
    assert fn.gradcheck(lambda x, *_: layer(x, fn.tensor(EDGES), weight), given)
    if weighted:
        w = fn.tensor(weight, requires_grad=True)
        assert fn.gradcheck(lambda w: layer(fn.tensor(X), EDGES, w), w)


def test_without_normalisation_it_is_the_plain_sum():
    layer = nn.GCNConv(4, 3, normalize=False, bias=False).double()
    np.testing.assert_allclose(layer(fn.tensor(X), EDGES).data, dense() @ X @ layer.lin.weight.data.T)
    assert list(layer.state_dict()) == ["lin.weight"]
    assert list(nn.GCNConv(4, 3).state_dict()) == ["bias", "lin.weight"]
    bound = np.sqrt(6 / 7)
    assert 0.5 * bound < np.abs(nn.GCNConv(4, 3).lin.weight.data).max() <= bound


@pytest.mark.parametrize("aggr", ["max", "mean", "add"])
def test_edge_convolution_is_its_formula(aggr):
    net = nn.Sequential(nn.Linear(8, 5), nn.Tanh()).double()
    layer = nn.EdgeConv(net, aggr)
    y = layer(fn.tensor(X), EDGES).data
    for i in range(NODES):
        sources = EDGES[0][EDGES[1] == i]
        if not len(sources):
            np.testing.assert_array_equal(y[i], 0)
            continue
        pairs = np.array([np.concatenate([X[i], X[j] - X[i]]) for j in sources])
        messages = np.tanh(pairs @ net[0].weight.data.T + net[0].bias.data)
        np.testing.assert_allclose(y[i], REDUCE[aggr](messages, axis=0), rtol=1e-10)
    assert fn.gradcheck(
        lambda x, *_: layer(x, EDGES), [fn.tensor(X, requires_grad=True), *layer.parameters()]
    )


class Weighted(nn.MessagePassing):
    """One of one's own: x_i + the mean of weight · (x_j − x_i)."""

    def __init__(self):
        super().__init__(aggr="mean")

    def forward(self, x, edge_index, weight):
        return x + self.propagate(edge_index, x=x, weight=weight)

    def message(self, x_i, x_j, weight):
        return weight * (x_j - x_i)

    def update(self, gathered):
        return 2 * gathered


def test_one_of_ones_own():
    weight = RNG.uniform(0.5, 2, (EDGES.shape[1], 1))
    y = Weighted()(fn.tensor(X), EDGES, fn.tensor(weight)).data
    for i in range(NODES):
        rows = [w * (X[j] - X[i]) for j, k, w in zip(*EDGES, weight, strict=True) if k == i]
        np.testing.assert_allclose(y[i], X[i] + 2 * (np.mean(rows, axis=0) if rows else 0))
    np.testing.assert_allclose(nn.MessagePassing().propagate(EDGES, X).data, dense() @ X)


def test_by_hand_copied_described_and_without_edges():
    layer, x = nn.GCNConv(4, 3), X.astype("f")
    y = layer.forward(x, EDGES)
    dx, none = layer.backward(np.ones_like(y))
    assert dx.shape == x.shape
    assert none is None
    np.testing.assert_array_equal(copy.deepcopy(layer)(fn.tensor(x), EDGES).data, y)
    assert repr(layer).startswith("GCNConv(\n  4, 3\n  (lin): Linear(")
    assert repr(build(describe(layer))) == repr(layer)
    assert repr(build(describe(nn.EdgeConv(nn.Linear(8, 2))))) == repr(nn.EdgeConv(nn.Linear(8, 2)))
    nothing = np.zeros((2, 0), int)
    np.testing.assert_allclose(
        layer(fn.tensor(x), nothing).data, x @ layer.lin.weight.data.T, rtol=1e-5, atol=1e-6
    )


class TwoConvolutions(nn.Module):
    """A network that tells the nodes of a graph apart."""

    def __init__(self, inputs, hidden, edges):
        super().__init__()
        self.first, self.second = nn.GCNConv(inputs, hidden), nn.GCNConv(hidden, 2)
        self.edges = edges

    def forward(self, x):
        return self.second(self.first(x, self.edges).relu(), self.edges)


def test_a_network_learns_the_communities_of_a_graph():
    fn.manual_seed(0)
    rng, side = np.random.default_rng(1), np.arange(40) % 2
    links = rng.random((40, 40)) < np.where(side[:, None] == side, 0.3, 0.03)
    edges = np.array(np.nonzero(links | links.T))
    x = np.eye(40, dtype="f")
    known = np.arange(6)

    net = TwoConvolutions(40, 16, edges)
    optimizer = optim.Adam(net.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(fn.tensor(x))[known], side[known]).backward()
        optimizer.step()
    assert (net(fn.tensor(x)).argmax(1).data == side).mean() > 0.85


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda: nn.GCNConv(4, 3)(fn.ones(2, 4), EDGES),
            ValueError,
            r"holds 0 to 4, expected 0 to 1 for 2 nodes",
        ),
        (
            lambda: nn.GCNConv(4, 3)(fn.ones(6, 4), EDGES.T),
            ValueError,
            r"of shape \(8, 2\), expected whole numbers \(2, E\)",
        ),
        (lambda: nn.GCNConv(4, 3)(fn.ones(6, 4), EDGES * 1.0), ValueError, r"edge_index is float64"),
        (
            lambda: nn.GCNConv(4, 3)(fn.ones(6, 4), EDGES, np.ones(3, "f")),
            ValueError,
            r"edge_weight has shape \(3,\)",
        ),
        (lambda: nn.GCNConv(0, 3), ValueError, r"in_channels=0 must be at least 1"),
        (lambda: nn.EdgeConv(np.tanh), TypeError, r"EdgeConv: nn must be a Module, got ufunc"),
        (
            lambda: nn.MessagePassing("min"),
            ValueError,
            r"aggr='min' must be one of 'add', 'sum', 'mean', 'max'",
        ),
        (
            lambda: Weighted().propagate(EDGES, X),
            TypeError,
            r"Weighted.message: takes weight, but propagate was given x",
        ),
        (
            lambda: aggregate(X, [0, 1], 3),
            ValueError,
            r"of shape \(2,\), expected a whole number for each of the 6 rows",
        ),
        (lambda: aggregate(X, np.full(6, 3), 3), ValueError, r"index holds 3 to 3, expected 0 to 2"),
    ],
)
def test_errors(run, error, message):
    with pytest.raises(error, match=message):
        run()


@pytest.mark.parametrize("compile", ["auto", False])
def test_all_nodes_of_a_graph_are_a_batch_for_the_trainer(compile):
    fn.manual_seed(0)
    net = TwoConvolutions(4, 8, EDGES)
    data = X.astype(np.float32), np.arange(NODES) % 2
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net.parameters(), 0.05))
    losses = trainer.fit(
        data, data, epochs=40, batch_size=NODES, shuffle=False, compile=compile, progress=False
    )["loss"]
    assert losses[-1] < losses[0] / 2
    with pytest.raises(ValueError, match=r"in layer 'first' .*edge_index holds 0 to 4, expected 0 to 2"):
        trainer.fit(data, batch_size=3, compile=compile, progress=False)
