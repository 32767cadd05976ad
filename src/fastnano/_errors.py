"""What errors say: whom the user called, and NumPy's in other words.  Only calls that fail come here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType

import numpy as np

_PACKAGE = __package__
_FUNCTIONS = (f"{_PACKAGE}.functions.", f"{_PACKAGE}.nn.functional.")
_USERS = (f"{_PACKAGE}.plan", f"{_PACKAGE}.train")  # what they call they call as a user does
_METHODS = {"forward": f"{_PACKAGE}.nn.", "step": f"{_PACKAGE}.optim."}
REFUSALS = (IndexError, TypeError, ValueError)  # what wrong shapes, dtypes and indices raise


def called(name: str, tail: str = "") -> str:
    """The layer, optimiser or function of the library that the user called, which came to run ``name``, and a tail."""
    frame: FrameType | None = sys._getframe(1)
    found = name.removesuffix("_forward")
    while frame is not None:
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if not module.startswith(f"{_PACKAGE}.") or module.startswith(_USERS):
            break
        if module.startswith(_FUNCTIONS):
            names = (function, str(frame.f_locals.get("name")))  # the latter of functions made by another
            found = next((n for n in names if n in frame.f_globals.get("__all__", ())), found)
        elif module.startswith(_METHODS.get(function, "no module")) and "self" in frame.f_locals:
            return type(frame.f_locals["self"]).__name__ + tail
        frame = frame.f_back
    return found and found + tail


def reworded(error: Exception, name: str, arrays: Sequence[np.ndarray]) -> Exception:
    """An error of NumPy's about arrays: whom the user called, what they are, and what to do."""
    text, shapes = str(error), " and ".join(str(a.shape) for a in arrays)
    if "ufunc" in text:
        dtypes = " and ".join(str(a.dtype) for a in arrays)
        text = f"not for {dtypes}; convert with .bool(), .long() or .float()"
    elif "broadcast" in text:
        text = (
            f"shapes {shapes} do not broadcast; from the last axis {'but two ' * (name == 'matmul')}on, sizes must be "
            f"equal or 1 (unsqueeze and reshape add axes of 1)"
        )
    elif "zero-size" in text or "empty sequence" in text:
        text = f"input of shape {shapes} is empty along the axis, expected at least one element"
    else:
        text = f"{text}, for shape {shapes}"
    kind = next(
        kind for kind in REFUSALS if isinstance(error, kind)
    )  # NumPy's own kinds are made in other ways
    return kind(f"{called(name)}: {text}")


def unfit(error: Exception, name: str, into: np.ndarray, values: Sequence[np.ndarray]) -> Exception:
    """An error of NumPy's about values that are put into an array, which keeps its shape and dtype."""
    if isinstance(error, IndexError):
        return IndexError(f"{name}: {error}, for shape {into.shape}")
    if isinstance(error, TypeError):
        dtypes = " and ".join(str(y.dtype) for y in values)
        return TypeError(f"{name}: a {into.dtype} tensor cannot take in {dtypes}; convert with .to(dtype)")
    return ValueError(
        f"{name}: values of shape {' and '.join(str(y.shape) for y in values)} do not fit into shape {np.shape(into)}, "
        f"which a change in place keeps"
    )
