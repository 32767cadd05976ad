"""Who can run a network: fastnano and its peers, each in the modes it has.

# Design: a contestant is a row of a table and a function that builds two calls, one that trains and one that
# looks at a single image; each peer is imported in its own function, in its own process.  Every eager step is
# the same: zero the gradients, forward, mean cross-entropy, backward, SGD with momentum 0.9.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from .workloads import NETWORKS, batches, build

LEARNING_RATE, MOMENTUM = 0.01, 0.9
POOL = 8  # batches in memory, taken in turn
SCAN = 64  # steps of one call, where a peer takes several at once


def _no_such_mode() -> None:
    raise NotImplementedError("has no such mode")


class Calls(NamedTuple):
    """What a contestant does with a network."""

    train: Callable[[], Any]  # so many steps on a batch each
    infer: Callable[[], Any]  # one image
    steps: int = 1  # of one call of train


class Contestant(NamedTuple):
    package: str
    make: Callable[[str, int, int, str], Calls]  # of network, batch size, threads and fastnano's back end
    networks: tuple[str, ...] = tuple(NETWORKS)


def _eager(
    nn: Any, optim: Any, stock: Iterable[tuple[Any, Any]], image: Any, network: str, still_mode: Any
) -> Calls:
    """A training step and a look at one image, layer by layer; the two libraries share their spelling."""
    net, criterion = build(nn, network), nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    batch_after_batch = itertools.cycle(list(stock))

    def train() -> None:
        x, target = next(batch_after_batch)
        optimizer.zero_grad()
        loss = criterion(net(x), target)
        loss.backward()
        optimizer.step()

    still = build(nn, network).eval()

    def infer() -> Any:
        with still_mode():
            return still(image)

    return Calls(train, infer)


def _fastnano_eager(network: str, batch: int, threads: int, backend: str) -> Calls:
    import fastnano
    from fastnano import nn, optim

    fastnano.use_backend(backend)
    stock = [(fastnano.from_numpy(x), t) for x, t in batches(network, POOL, batch)]
    image = fastnano.from_numpy(next(batches(network, 1, 1))[0])
    return _eager(nn, optim, stock, image, network, fastnano.no_grad)


def _fastnano_plan(network: str, batch: int, threads: int, backend: str) -> Calls:
    """The compiled step; its kernels are native, whatever the back end."""
    import fastnano
    from fastnano import nn, optim

    net, still = build(nn, network), build(nn, network)
    optimizer = optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    plan = fastnano.compile(net, nn.CrossEntropyLoss(), optimizer, batch)
    x, target = map(np.concatenate, zip(*batches(network, SCAN, batch), strict=True))
    look = fastnano.compile(still, nn.CrossEntropyLoss(), optim.SGD(still.parameters(), lr=LEARNING_RATE))
    image = next(batches(network, 1, 1))[0]
    return Calls(lambda: plan.run_epoch(x, target), lambda: look.predict(image), SCAN)


def _torch_eager(network: str, batch: int, threads: int, backend: str) -> Calls:
    import torch

    torch.set_num_threads(threads)
    stock = [tuple(map(torch.from_numpy, pair)) for pair in batches(network, POOL, batch)]
    image = torch.from_numpy(next(batches(network, 1, 1))[0])
    return _eager(torch.nn, torch.optim, stock, image, network, torch.inference_mode)


def _sklearn(network: str, batch: int, threads: int, backend: str) -> Calls:
    from sklearn.neural_network import MLPClassifier

    hidden = tuple(layer[2] for layer in NETWORKS[network].layers if layer[0] == "Linear")[:-1]
    model = MLPClassifier(
        hidden,
        solver="sgd",
        alpha=0,
        batch_size=batch,
        learning_rate_init=LEARNING_RATE,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
    )
    x, target = next(batches(network, 1, batch * SCAN))
    classes = np.unique(target)

    def train() -> None:
        model.partial_fit(x, target, classes=classes)

    train()  # before this it cannot predict
    return Calls(train, lambda: model.predict_proba(x[:1]), SCAN)


def _jax_step(network: str, batch: int, threads: int, backend: str) -> Calls:
    import jax

    state, step, forward = _jax_network(network)
    step = jax.jit(step, donate_argnums=0)
    stock = itertools.cycle([tuple(map(jax.numpy.asarray, pair)) for pair in batches(network, POOL, batch)])

    def train() -> None:
        nonlocal state
        state = jax.block_until_ready(step(state, next(stock)))

    weights, look = _jax_network(network)[0][0], jax.jit(lambda weights, x: forward(weights, x, None))
    image = jax.numpy.asarray(next(batches(network, 1, 1))[0])
    return Calls(train, lambda: look(weights, image).block_until_ready())


def _jax_scan(network: str, batch: int, threads: int, backend: str) -> Calls:
    """Many steps as one compiled call."""
    import jax

    state, step, _ = _jax_network(network)

    def steps(state: Any, data: Any) -> Any:
        return jax.lax.scan(lambda s, pair: (step(s, pair), None), state, data)[0]

    compiled = jax.jit(steps, donate_argnums=0)
    data = tuple(jax.numpy.stack(column) for column in zip(*batches(network, SCAN, batch), strict=True))

    def train() -> None:
        nonlocal state
        state = jax.block_until_ready(compiled(state, data))

    return Calls(train, _no_such_mode, SCAN)


def _jax_network(network: str) -> tuple[Any, Callable, Callable]:
    """(weights, velocities, key), one training step on them, and the forward pass (training, given a key)."""
    import jax

    layers, rng = NETWORKS[network].layers, np.random.default_rng(0)
    weights = [[jax.numpy.asarray(w) for w in _weights(rng, *layer)] for layer in layers]

    def forward(weights: Any, x: Any, key: Any) -> Any:
        for (name, *arguments), own in zip(layers, weights, strict=True):
            key, used = (None, None) if key is None else jax.random.split(key)
            x = _jax_layer(name, arguments, own, x, used)
        return x

    def loss(weights: Any, x: Any, target: Any, key: Any) -> Any:
        chosen = jax.numpy.take_along_axis(jax.nn.log_softmax(forward(weights, x, key)), target[:, None], 1)
        return -chosen.mean()

    def step(state: Any, pair: Any) -> Any:
        weights, velocity, key = state
        key, used = jax.random.split(key)
        gradient = jax.grad(loss)(weights, *pair, used)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradient)
        return jax.tree.map(lambda w, v: w - LEARNING_RATE * v, weights, velocity), velocity, key

    return (weights, jax.tree.map(jax.numpy.zeros_like, weights), jax.random.key(0)), step, forward


def _weights(rng: np.random.Generator, name: str, *sizes: Any) -> list[np.ndarray]:
    if name == "BatchNorm2d":
        return [np.ones(sizes[0], np.float32), np.zeros(sizes[0], np.float32)]
    shapes = {"Linear": lambda i, o: (o, i), "Conv2d": lambda c, o, k, *_: (o, c, k, k)}
    if name not in shapes:
        return []
    shape = shapes[name](*sizes)
    bound = 1 / np.sqrt(np.prod(shape[1:]))
    return [rng.uniform(-bound, bound, s).astype(np.float32) for s in (shape, shape[:1])]


def _jax_layer(name: str, arguments: list, own: list, x: Any, key: Any) -> Any:
    import jax

    if name == "Linear":
        return x @ own[0].T + own[1]
    if name == "Conv2d":
        pad = arguments[4] if len(arguments) > 4 else 0
        return jax.lax.conv(x, own[0], (1, 1), "SAME" if pad else "VALID") + own[1][:, None, None]
    if name == "BatchNorm2d":
        centred = x - x.mean((0, 2, 3), keepdims=True)
        scale = own[0][:, None, None] * jax.lax.rsqrt((centred**2).mean((0, 2, 3), keepdims=True) + 1e-5)
        return centred * scale + own[1][:, None, None]
    if name == "MaxPool2d":
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    if name == "Dropout":
        keep = 1 - arguments[0]
        return x if key is None else x * jax.random.bernoulli(key, keep, x.shape) / keep
    return {"ReLU": jax.nn.relu, "Flatten": lambda x: x.reshape(len(x), -1)}[name](x)


CONTESTANTS = {
    "fastnano plan": Contestant("fastnano", _fastnano_plan),
    "fastnano eager": Contestant("fastnano", _fastnano_eager),
    "torch eager": Contestant("torch", _torch_eager),
    "jax step": Contestant("jax", _jax_step),
    "jax scan": Contestant("jax", _jax_scan, ("mlp",)),  # XLA's convolutions are far slower in a scan
    "sklearn": Contestant("sklearn", _sklearn, ("mlp",)),
}
