"""Nothing is forgotten: every kernel has its twins, every row its case and its workload."""

import inspect
import runpy
from pathlib import Path

import numpy as np
import pytest
from fastnano._kernels._executor import Kernel

from cases import CASES, EXPRESSION_CASES
from fastnano import _kernels, nn
from fastnano._contract import Contract
from fastnano._kernels._build import formulas
from fastnano._rows import Op
from fastnano.ops import CONTRACTS, EXPRESSIONS, FORMULAS, OPS, STEPS
from variants import NATIVE, load

WORKLOADS = runpy.run_path(str(Path(__file__).parents[1] / "bench" / "workloads.py"))["WORKLOADS"]
ROWS = {*OPS, *STEPS}


def arguments(kernel):
    contract = getattr(kernel, "contract", None)  # a native kernel carries its own
    return contract.arguments if contract else tuple(inspect.signature(kernel).parameters)


@pytest.mark.parametrize("backend", _kernels.BACKENDS)
def test_every_back_end_has_exactly_the_contracted_kernels(backend):
    kernels = set(_kernels.load(backend))
    assert sorted(set(CONTRACTS) - kernels) == [], f"without a {backend} kernel"
    assert sorted(kernels - set(CONTRACTS)) == [], f"{backend} kernels of no row"


@pytest.mark.parametrize("variant", NATIVE)
def test_every_instruction_set_has_exactly_the_contracted_kernels(variant):
    assert sorted(set(CONTRACTS) ^ set(load(variant))) == []


@pytest.mark.parametrize("backend", _kernels.BACKENDS)
def test_arguments_are_those_of_the_contract(backend):
    kernels = _kernels.load(backend)
    wrong = {
        n: arguments(kernels[n])
        for n, c in CONTRACTS.items()
        if n in kernels and arguments(kernels[n]) != c.arguments
    }
    assert wrong == {}


def test_every_family_exports_its_kernels_once():
    owners = [
        n
        for family in _kernels.FAMILIES
        for n in __import__(f"fastnano._kernels.{family}", fromlist="_").__all__
    ]
    derived = [f.name for f in formulas(Path(_kernels.__file__).parent) if f.name not in FORMULAS]
    assert sorted(owners + derived) == sorted(CONTRACTS)


@pytest.mark.parametrize(
    ("what", "rows", "named"),
    [
        ("case", ROWS, {c.name for c in CASES}),
        (
            "case",
            {name for name, row in EXPRESSIONS.items() if row.differentiable},
            {c.name for c in EXPRESSION_CASES},
        ),
        ("workload", ROWS, {row[0] for row in WORKLOADS}),
    ],
    ids=["cases", "expression cases", "workloads"],
)
def test_every_row_has_its(what, rows, named):
    assert sorted(rows - named) == [], f"rows without a {what}"
    assert sorted(named - rows) == [], f"a {what} of no row"


def test_every_row_has_its_function_and_every_function_its_class():
    functions = nn.functional.__all__
    classes = [name.lower() for name in nn.__all__]
    assert [r for r in OPS if not r.startswith(tuple(functions))] == [
        "matmul",  # what the operator of tensors is in a compiled step
        "batch_statistics",  # part of batch_norm
        "uniform",  # the slopes of rrelu
        # what the functions of these names are in a compiled step
        *("amax", "amin", "logsumexp", "any", "all", "argmax", "argmin", "gather"),
        "weight_of_targets",  # part of the weighted losses
        *("sum", "mean"),  # methods of tensors, and functions of the package itself
        *("take", "spread"),  # what indexing, padding and broadcasting are in a compiled step
    ]
    assert [f for f in functions if not any(c.startswith(f.replace("_", "")) for c in classes)] == [
        *("binary_cross_entropy", "binary_cross_entropy_with_logits"),  # BCELoss, BCEWithLogitsLoss
        "interpolate",  # Upsample
        "normalize",  # of vectors
        "one_hot",  # part of the losses of classes
        "pad",  # the padding layers
        "scaled_dot_product_attention",  # what MultiheadAttention is made of
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cases_fit_their_contract(case):
    contract, inputs = case.contract, case.inputs("f")
    sizes = contract.bind([inputs[a.name] for a in contract.given], case.scalars)
    assert all(
        array.dtype in (np.float32, a.dtype) for a, array in zip(contract.given, inputs.values(), strict=True)
    )
    assert all(np.all(np.array(a.shape(sizes)) > 0) for a in contract.arrays)


FEW_NUMBERS, MANY = ["Py_ssize_t begin", "Py_ssize_t end"], ["Py_ssize_t end"] * 33


@pytest.mark.parametrize(
    ("signature", "table", "error"),
    [
        ("x[...] -> y[...]", {"own": MANY}, "own: 33 numbers"),
        ("x[...] -> y[...]", {"own": FEW_NUMBERS, "own_single": MANY}, "own_single: 33 numbers"),
        ("x[...] -> y[...]", {"own": FEW_NUMBERS, "own_scratch": MANY}, "own: 33 numbers"),
        ("x[...] -> y[...]", {"own": FEW_NUMBERS, "own_merge": MANY}, "own: 33 numbers"),
        (f"x[...] -> y[...] ; {' '.join(f's{i}' for i in range(33))}", {"own": FEW_NUMBERS}, "33 of its row"),
        ("x[a,b,c,d,e,f,g] -> y[a]", {"own": []}, "7 axes, above 6"),
        (" ".join(f"x{i}[a]" for i in range(12)) + " -> y[a]", {"own": []}, "13 arrays"),
    ],
)
def test_a_native_kernel_that_asks_for_more_than_there_is_room_for_is_refused(signature, table, error):
    contract = Contract.parse("own", signature)
    arrays = [f"float * {a.name}" for a in contract.arrays]
    entries = {name: (1, arrays + numbers) for name, numbers in table.items()}
    with pytest.raises(ValueError, match=error):
        Kernel(contract, entries, (0, 0), "baseline")


@pytest.mark.parametrize(
    ("signature", "gradient", "flag"),
    [
        ("x[...] other[...] -> y[...]", "dy y -> dx", "monotone"),
        ("x[...] -> y[...] other[...]", "dy y -> dx dother", "monotone"),
        ("x[n,i] -> y[n,i]", "dy y -> dx", "monotone"),
        ("input[n,i] -> y[n]", "dy -> dinput", "picks"),
    ],
)
def test_rows_that_a_plan_could_not_exchange_are_refused(signature, gradient, flag):
    with pytest.raises(ValueError, match=r"^own: "):
        Op("own", signature, gradient, **{flag: True})
