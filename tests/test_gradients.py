"""Gradients against central finite differences in a random direction, in float64."""

import numpy as np
import pytest

from cases import CASES, EXPRESSION_CASES
from fastnano import _kernels
from fastnano.autograd import apply, tensor
from fastnano.ops import EXPRESSIONS, OPS

STEP = 1e-5

smooth_cases = pytest.mark.parametrize("case", [c for c in CASES if c.name in OPS and c.smooth], ids=str)


def forward(case, inputs):
    """All that the reference forward kernel reads and writes."""
    contract, env = case.contract, inputs | case.scalars
    outputs = contract.outputs([inputs[a.name] for a in contract.given], case.scalars)
    env |= {name: np.empty(shape, dtype) for name, shape, dtype in outputs}
    _kernels.load("numpy")[contract.name](*(env[name] for name in contract.arguments))
    return env


def gradients(op, env, dout):
    """What the reference gradient kernels write."""
    env = env | {f"d{op.output}": dout}
    for rule in op.gradients:
        env |= {w.name: np.full(env[w.name[1:]].shape, np.nan) for w in rule.writes}
        _kernels.load("numpy")[rule.name](*(env[name] for name in rule.arguments))
    return env


@smooth_cases
def test_every_op(case):
    op, inputs, rng = OPS[case.name], case.inputs("d"), np.random.default_rng(1)
    env = forward(case, inputs)
    dout = rng.standard_normal(env[op.output].shape)
    env = gradients(op, env, dout)
    for name in sorted(op.differentiable):
        direction = rng.standard_normal(inputs[name].shape)

        def along(step, name=name, direction=direction):
            moved = case.rederive(inputs | {name: inputs[name] + step * direction})
            return np.sum(forward(case, moved)[op.output] * dout)

        expected = (along(STEP) - along(-STEP)) / (2 * STEP)
        found = np.sum(env[f"d{name}"] * direction)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7, err_msg=f"{op.name}: d{name}")


@pytest.mark.parametrize("case", EXPRESSION_CASES, ids=str)
def test_every_expression(case):
    row, arrays, rng = EXPRESSIONS[case.name], case.inputs(), np.random.default_rng(1)
    inputs = [tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    output = apply(row, *inputs, **case.keywords)
    dout = rng.standard_normal(output.shape)
    output.backward(dout)
    for i, x in enumerate(inputs):
        if not x.requires_grad:
            continue
        direction = rng.standard_normal(x.shape)

        def along(step, i=i, direction=direction):
            moved = [a + step * direction if i == k else a for k, a in enumerate(arrays)]
            return np.sum(row.forward.function(*moved, *case.keywords.values()) * dout)

        expected = (along(STEP) - along(-STEP)) / (2 * STEP)
        assert x.grad.shape == x.shape
        found = np.sum(x.grad.data * direction)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7, err_msg=f"{row.name}: input {i}")
