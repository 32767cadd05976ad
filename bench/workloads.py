"""What is measured: rows of kernels at the sizes of four networks, and the networks.

# Design: a row names an op (or step) of ``fastnano.ops`` and gives its letters and numbers; arrays, kernels
# and floating point operations follow from the op's own row.  A network is a list of layers by name, from
# which fastnano and PyTorch build the same thing; its operations are counted on the tape of one forward pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import fastnano
from fastnano._contract import Argument, Contract
from fastnano._rows import Environment, Op
from fastnano.autograd import launch, topological_order
from fastnano.ops import OPS, STEPS

BATCH = 64
IMAGES = 60_000  # one epoch
CLASSES = 10


class Workload(NamedTuple):
    """One op (or step) at one size."""

    op: str
    place: str  # where the size comes from
    sizes: dict[str, Any]
    numbers: Mapping[str, float] = MappingProxyType({})

    @property
    def name(self) -> str:
        return f"{self.op} {self.place}"


def _linear(place: str, i: int, o: int) -> Workload:
    return Workload("linear", place, {"n": BATCH, "i": i, "o": o})


def _conv(place: str, c: int, size: int, o: int, kernel: int, pad: int = 0, op: str = "conv2d") -> Workload:
    sizes = {"n": BATCH, "c": c, "h": size, "w": size, "o": o, "d": c, "k": kernel, "l": kernel}
    window = {"stride_h": 1, "stride_w": 1, "pad_h": pad, "pad_w": pad, "dilation_h": 1, "dilation_w": 1}
    return Workload(op, place, sizes, window | {"groups": 1})


def _transposed(place: str, o: int, size: int, c: int, kernel: int, stride: int, pad: int) -> Workload:
    sizes = {"n": BATCH, "o": o, "p": size, "q": size, "c": c, "d": c, "k": kernel, "l": kernel}
    window = {
        "stride_h": stride,
        "stride_w": stride,
        "pad_h": pad,
        "pad_w": pad,
        "dilation_h": 1,
        "dilation_w": 1,
    }
    return Workload(
        "conv_transpose2d", place, sizes, window | {"groups": 1, "output_pad_h": 0, "output_pad_w": 0}
    )


def _pool(place: str, c: int, size: int, op: str = "max_pool2d") -> Workload:
    sizes = {"n": BATCH, "c": c, "h": size, "w": size, "p": size // 2, "q": size // 2}
    window = {"kernel_h": 2, "kernel_w": 2, "stride_h": 2, "stride_w": 2, "pad_h": 0, "pad_w": 0}
    if op == "max_pool2d":
        window |= {"dilation_h": 1, "dilation_w": 1, "ceil_mode": False}
    return Workload(op, place, sizes, window)


def _flat(op: str, place: str, *shape: int, **numbers: float) -> Workload:
    return Workload(op, place, {"...": shape}, numbers)


def _channels(op: str, place: str, c: int, s: int, **numbers: float) -> Workload:
    return Workload(op, place, {"n": BATCH, "c": c, "s": s}, numbers)


WORKLOADS = (
    _linear("mlp 1", 784, 512),
    _linear("mlp 2", 512, 10),
    _linear("lenet 3", 400, 120),
    _linear("basic 3", 9216, 128),
    Workload("matmul", "heads", {"n": 4 * BATCH, "i": 32, "k": 16, "j": 32}),
    _conv("lenet 1", 1, 28, 6, 5, pad=2),
    _conv("lenet 2", 6, 14, 16, 5),
    _conv("bncnn 1", 1, 28, 16, 3),
    _conv("bncnn 2", 16, 13, 32, 3),
    _conv("bncnn 3", 32, 11, 32, 3),
    _conv("basic 1", 1, 28, 32, 3),
    _conv("basic 2", 32, 26, 64, 3),
    _conv("lenet 1", 1, 28, 6, 5, pad=2, op="conv2d_im2col"),
    _conv("lenet 2", 6, 14, 16, 5, op="conv2d_im2col"),
    _conv("basic 2", 32, 26, 64, 3, op="conv2d_im2col"),
    _conv("bncnn 2", 16, 13, 32, 3, op="conv2d_winograd"),
    _conv("bncnn 3", 32, 11, 32, 3, op="conv2d_winograd"),
    _conv("basic 2", 32, 26, 64, 3, op="conv2d_winograd"),
    _transposed("decoder 1", 64, 7, 32, 4, stride=2, pad=1),
    _transposed("decoder 2", 32, 14, 1, 4, stride=2, pad=1),
    _pool("lenet 1", 6, 28),
    _pool("lenet 2", 16, 10),
    _pool("bncnn 1", 16, 26),
    _pool("basic 2", 64, 24),
    _pool("lenet 1", 6, 28, op="avg_pool2d"),
    _flat("relu", "mlp 1", BATCH, 512),
    _flat("relu", "lenet 1", BATCH, 6, 28, 28),
    _flat("relu", "basic 2", BATCH, 64, 24, 24),
    _flat("leaky_relu", "lenet 1", BATCH, 6, 28, 28, negative_slope=0.01),
    _flat("sigmoid", "lenet 1", BATCH, 6, 28, 28),
    _flat("tanh", "lenet 1", BATCH, 6, 28, 28),
    _flat("elu", "lenet 1", BATCH, 6, 28, 28, alpha=1.0),
    _flat("selu", "lenet 1", BATCH, 6, 28, 28),
    _flat("celu", "lenet 1", BATCH, 6, 28, 28, alpha=1.0),
    _flat("gelu", "lenet 1", BATCH, 6, 28, 28),
    _flat("gelu_tanh", "lenet 1", BATCH, 6, 28, 28),
    _flat("silu", "lenet 1", BATCH, 6, 28, 28),
    _flat("mish", "lenet 1", BATCH, 6, 28, 28),
    _flat("softplus", "lenet 1", BATCH, 6, 28, 28, beta=1.0, threshold=20.0),
    _flat("softsign", "lenet 1", BATCH, 6, 28, 28),
    _flat("logsigmoid", "lenet 1", BATCH, 6, 28, 28),
    _flat("hardtanh", "lenet 1", BATCH, 6, 28, 28, min_val=-1.0, max_val=1.0),
    _flat("hardsigmoid", "lenet 1", BATCH, 6, 28, 28),
    _flat("hardswish", "lenet 1", BATCH, 6, 28, 28),
    _flat("hardshrink", "lenet 1", BATCH, 6, 28, 28, lambd=0.5),
    _flat("softshrink", "lenet 1", BATCH, 6, 28, 28, lambd=0.5),
    _flat("threshold", "lenet 1", BATCH, 6, 28, 28, threshold=0.0, value=0.0),
    _flat("gaussian", "lenet 1", BATCH, 6, 28, 28),
    _flat("binary_step", "lenet 1", BATCH, 6, 28, 28, window=1.0),
    _flat("binary_step_sigmoid", "lenet 1", BATCH, 6, 28, 28, slope=1.0),
    _channels("softmax", "scores", CLASSES, 1),
    _channels("softmax", "pixels", CLASSES, 14 * 14),
    _channels("log_softmax", "scores", CLASSES, 1),
    *(
        _channels(name, "words", 32, 128)
        for name in ("amax", "amin", "logsumexp", "any", "all", "argmax", "argmin")
    ),
    Workload("gather", "words", {"n": BATCH, "c": 32, "k": 1, "s": 128}),
    _channels("batch_statistics", "bncnn 1", 16, 26 * 26),
    _channels("batch_statistics", "bncnn 3", 32, 9 * 9),
    _channels("batch_norm", "bncnn 1", 16, 26 * 26, eps=1e-5),
    _channels("batch_norm", "bncnn 3", 32, 9 * 9, eps=1e-5),
    _channels("batch_norm_inference", "bncnn 1", 16, 26 * 26, eps=1e-5),
    Workload("layer_norm", "words", {"n": BATCH, "s": 512}, {"eps": 1e-5}),
    Workload("rms_norm", "words", {"n": BATCH, "s": 512}, {"eps": 1e-5}),
    _flat("dropout", "basic 2", BATCH, 9216, p=0.25),
    _flat("dropout", "basic 3", BATCH, 128, p=0.5),
    _flat("uniform", "lenet 1", BATCH, 6, 28, 28, low=0.125, high=0.5),
    *(
        Workload(name, "rows", {"n": BATCH, "t": 28, "g": gates * 128, "h": 128})
        for name, gates in (("rnn_tanh", 1), ("rnn_relu", 1), ("lstm", 4), ("gru", 3))
    ),
    _channels("cross_entropy", "scores", CLASSES, 1, ignore_index=-100, label_smoothing=0.0),
    _channels("nll_loss", "scores", CLASSES, 1, ignore_index=-100),
    _channels("weight_of_targets", "scores", CLASSES, 1, ignore_index=-100),
    Workload("multi_margin_loss", "scores", {"n": BATCH, "c": CLASSES}, {"p": 1, "margin": 1.0}),
    _channels("hinge_loss", "scores", CLASSES, 1, margin=1.0),
    Workload("sum", "scores", {"n": BATCH, "s": 1}),
    Workload("mean", "scores", {"n": BATCH, "s": 1}),
    Workload("mean", "pixels", {"n": BATCH, "s": 28 * 28}),
    _channels("count_correct", "scores", CLASSES, 1),
    Workload("embedding", "words", {"n": BATCH, "s": 32, "v": 1000, "e": 128}, {"padding_idx": -1}),
    _channels("one_hot", "scores", CLASSES, 1),
    Workload("take", "lenet 1", {"n": BATCH, "i": 28 * 28, "j": 32 * 32}),
    Workload("spread", "mlp 1", {"n": BATCH, "i": 512, "j": 512, "k": 1}),
    Workload("to_float", "pixels", {"n": BATCH, "s": 28 * 28}),
    _flat("answers_to_float", "words", 32, 32),
    Workload("running_statistics", "bncnn 2", {"c": 32}),
    Workload("next_key", "once", {}),
    Workload("zero", "once", {}),
    Workload("square_sum", "mlp 1", {"i": 512 * 784}),
    Workload("clip_factor", "once", {}),
    _flat("scale_gradient", "mlp 1", 512, 784),
    _flat("limit_gradient", "mlp 1", 512, 784),
    Workload("advance", "once", {}),
    _flat("sgd", "mlp 1", 512, 784),
    _flat("sgd_momentum", "mlp 1", 512, 784),
    _flat("sgd_momentum", "lenet 2", 16, 6, 5, 5),
    _flat("sgd_momentum", "basic 3", 128, 9216),
    _flat("adam", "mlp 1", 512, 784),
    *(
        _flat(step, "mlp 1", 512, 784)
        for step in (
            *("adam_amsgrad", "radam", "nadam", "adamax", "adagrad", "adadelta", "asgd", "rprop", "lion"),
            *("rmsprop", "rmsprop_momentum", "rmsprop_centered", "rmsprop_centered_momentum"),
        )
    ),
    Workload("asgd_rates", "once", {}),
    Workload("nadam_product", "once", {}),
)


# Running a row


def kernels(workload: Workload) -> tuple[Contract, ...]:
    """The kernels of a row: forward, then gradients; a step is its own kernel."""
    op = OPS.get(workload.op)
    return (STEPS[workload.op],) if op is None else (op.forward, *op.gradients)


def sizes(workload: Workload, batch: int = BATCH) -> dict[str, Any]:
    """The sizes of all letters, those that follow from the others included, at another batch size."""
    found = dict(workload.sizes)
    if "n" in found or workload.op not in STEPS:  # a step's arrays are parameters: they know no batch
        if "..." in found:
            found["..."] = (batch, *found["..."][1:])
        else:
            found["n"] = batch
    forward = kernels(workload)[0]
    if forward.dims is not None:
        found |= forward.dims(found, **workload.numbers)
    return found


def environment(workload: Workload, batch: int = BATCH, seed: int = 0) -> Environment:
    """Every array and number that the kernels of a row name, filled with plausible values."""
    rng = np.random.default_rng(seed)
    known = sizes(workload, batch)
    env: Environment = dict(workload.numbers)
    for contract in kernels(workload):
        for argument in contract.arrays:
            if argument.name not in env:
                env[argument.name] = _fill(argument, known, rng)
    if "argmax" in env:  # an index: only the forward kernel knows what it may hold
        with fastnano.use_backend("numpy"):
            launch(kernels(workload)[0], env)
    return env


_GIVEN = {
    "lr": [1e-3],
    "momentum": [0.9],
    "betas": [0.9, 0.999],
    "eps": [1e-8],
    "step": [2.0],
    "count": [1e4],
    "total": [4.0],
    "max_norm": [1.0],
    "factor": [0.999],
    "limit": [0.1],
    "alpha": [0.99],
    "rho": [0.9],
    "etas": [0.5, 1.2],
    "step_sizes": [1e-6, 50.0],
    "eta": [0.01],
    "mu": [0.5],
    "mu_product": [0.5],
}
_POSITIVE = ("var", "running_var", "logsumexp", "rstd", "sum", "exp_inf", "acc_delta", "step_size")
_POSITIVE += ("square_avg", "exp_avg_sq", "max_exp_avg_sq")


def _fill(argument: Argument, known: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    shape = argument.shape(dict(known))
    if argument.dtype == np.float64 or argument.name in _GIVEN:
        return np.array(_GIVEN.get(argument.name, [0.0]), argument.dtype or np.float32)
    if argument.dtype is not None:
        most = known.get("i", CLASSES) if argument.name == "index" else CLASSES
        return rng.integers(0, most, shape).astype(argument.dtype)
    values = rng.standard_normal(shape, np.float32)
    if argument.name == "grad_avg":  # its square is never above square_avg
        return values / 20
    return np.abs(values) + np.float32(0.1) if argument.name in _POSITIVE else values


def flop(workload: Workload, batch: int = BATCH) -> int:
    """Floating point operations of each kernel of a row; 0 where they are not what it costs."""
    return _flop(workload.op, sizes(workload, batch))


def _flop(op: str, known: Mapping[str, int]) -> int:
    letters = OPS[op].multiply_adds if op in OPS else ""
    return 2 * math.prod(known[letter] for letter in letters) if letters else 0


def traffic(contract: Contract, env: Environment) -> int:
    """Bytes that a kernel reads and writes at least."""
    arrays = {a.name: env[a.name].nbytes for a in contract.arrays}
    return sum(arrays.values()) + sum(arrays[a.name] for a in contract.writes if a.mark == "~")


# Networks


class Network(NamedTuple):
    """Layers in order: class name and positional arguments, the same in fastnano.nn and torch.nn."""

    shape: tuple[int, ...]  # of one image
    layers: tuple[tuple, ...]


_RELU, _POOL, _FLATTEN = ("ReLU",), ("MaxPool2d", 2), ("Flatten",)

NETWORKS = {
    "mlp": Network((784,), (("Linear", 784, 512), _RELU, ("Linear", 512, 10))),
    "lenet": Network(
        (1, 28, 28),
        (
            *(("Conv2d", 1, 6, 5, 1, 2), _RELU, _POOL),
            *(("Conv2d", 6, 16, 5), _RELU, _POOL, _FLATTEN),
            *(("Linear", 400, 120), _RELU, ("Linear", 120, 84), _RELU, ("Linear", 84, 10)),
        ),
    ),
    "bncnn": Network(
        (1, 28, 28),
        (
            *(("Conv2d", 1, 16, 3), ("BatchNorm2d", 16), _RELU, _POOL),
            *(("Conv2d", 16, 32, 3), ("BatchNorm2d", 32), _RELU),
            *(("Conv2d", 32, 32, 3), ("BatchNorm2d", 32), _RELU, _FLATTEN),
            ("Linear", 2592, 10),
        ),
    ),
    "basic": Network(
        (1, 28, 28),
        (
            *(("Conv2d", 1, 32, 3), _RELU, ("Conv2d", 32, 64, 3), _RELU, _POOL, ("Dropout", 0.25), _FLATTEN),
            *(("Linear", 9216, 128), _RELU, ("Dropout", 0.5), ("Linear", 128, 10)),
        ),
    ),
}


def build(nn: Any, name: str) -> Any:
    """A network from the layers of ``fastnano.nn`` or ``torch.nn``."""
    return nn.Sequential(*(getattr(nn, layer)(*arguments) for layer, *arguments in NETWORKS[name].layers))


def batches(name: str, count: int, batch: int = BATCH) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Random images and labels."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.random((batch, *NETWORKS[name].shape), np.float32), rng.integers(0, CLASSES, batch)


def network_flop(name: str, training: bool = True) -> int:
    """Floating point operations for one image, those of matrix products and convolutions.

    A training step is the forward pass three times, but for the gradient of the first layer's input.
    """
    from fastnano import nn

    images, _ = next(batches(name, 1, batch=2))
    with fastnano.use_backend("numpy"):
        output = build(nn, name)(fastnano.from_numpy(images))
    total = 0
    for tensor in topological_order(output):
        if tensor._node is not None and isinstance(tensor._node.op, Op):
            op, inputs = tensor._node.op, tensor._node.inputs
            arguments = (*op.forward.reads, op.forward.writes[0])
            known: dict[str, int] = {}
            for argument, array in zip(arguments, (*inputs, tensor), strict=True):
                known.update(zip(argument.letters, array.shape, strict=False))
            wanted = {f"d{name}" for name, t in zip(op.inputs, inputs, strict=True) if t.requires_grad}
            rules = sum(any(written.name in wanted for written in rule.writes) for rule in op.gradients)
            total += _flop(op.name, known) * (1 + training * rules)
    return total // len(images)


def epoch_gflop(name: str) -> float:
    """GFLOP to train on every image once."""
    return network_flop(name) * IMAGES / 1e9
