"""Every row of the table: the same outputs, gradients, buffers, repr and state_dict keys as PyTorch's."""

from functools import partial

import pytest

import fastnano as fn
from fastnano import nn
from oracle import PRECISIONS, back_end, compare, our_tensor, pair, run, their_tensor, torch, words
from torch_cases import table

TABLE = table()


def functions(case):
    """What the row names, here and in PyTorch, and the parameters of both."""
    if case.is_function:
        ours, theirs = (eval(case.text, dict(words(library))) for library in (fn, torch))
        return ours, theirs
    return pair(case.text, case.training)


def found(function, case, make):
    """Outputs, gradients and buffers, by name."""
    module = isinstance(function, (nn.Module, torch.nn.Module))
    call = partial(eval(case.call, dict(words(fn))), function) if case.call else function
    values = run(call, case.inputs(), make, function.named_parameters() if module else ())
    return values | ({name: b.numpy() for name, b in function.named_buffers()} if module else {})


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("case", TABLE, ids=str)
def test_equal(case, precision, record_property):
    record_property("family", case.family)
    ours, theirs = functions(case)
    expected, rounded = found(theirs, case, their_tensor), None
    if precision != "float64":
        theirs = functions(case)[1]
        if not case.is_function:
            ours.float(), theirs.float()
        rounded = found(theirs, case, lambda x: their_tensor(x.astype("f") if x.dtype.kind == "f" else x))
    with back_end(precision):
        compare(found(ours, case, our_tensor(precision)), expected, precision, rounded)


@pytest.mark.parametrize("case", [c for c in TABLE if not c.is_function], ids=str)
def test_the_same_repr_and_state_dict(case):
    ours, theirs = pair(case.text)
    assert repr(ours) == repr(theirs).replace("NonDynamicallyQuantizable", "")  # attention's Linear
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()
    ]
    assert list(dict(ours.named_parameters())) == list(dict(theirs.named_parameters()))
