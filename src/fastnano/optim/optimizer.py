"""What all optimisers share."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from .._contract import Contract
from .._rows import compute, contiguous
from .._state import enable_grad, state
from ..autograd import Tensor, launch
from ..ops import EXPRESSIONS, STEPS

__all__ = ["Optimizer", "ParamGroup"]


class ParamGroup(UserDict):
    """Parameters and the hyper-parameters they share: ``group["lr"] = 0.1``.

    Each hyper-parameter is a view of a small float64 array, which the step kernels read: writing it here, or
    from a schedule, changes the next step.
    """

    words = ("params", "param_names", "adjust_lr_fn", "line_search_fn")  # what no kernel reads

    def __init__(self, params: list[Tensor], **hyper: Any) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        super().__init__(hyper, params=params)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.words:
            value = _number(name, value)
            array = self.arrays.setdefault(name, np.empty(np.size(value), np.float64))
            if array.size != np.size(value):
                raise ValueError(f"{name}={value} must be {array.size} numbers")
            array[:] = value
        super().__setitem__(name, value)


def _number(name: str, value: Any) -> Any:
    """A number as it is, anything that stands for one as a float, a sequence of them as a tuple."""
    if isinstance(value, (tuple, list)):
        return tuple(_number(name, v) for v in value)
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) or np.asarray(value).size != 1:
        raise TypeError(f"{name}={value!r} must be a number or a tuple of numbers")
    return float(value)


def _describe(value: Any) -> str:
    if isinstance(value, Tensor) and value._node is not None:
        return f"the result of {value._node.op.name}"
    return type(value).__name__


class Optimizer:
    """The base of all optimisers: parameter groups, state per parameter, and a loop over them.

    ``maximize`` goes up the gradient instead of down.  ``state_dict`` has PyTorch's form and names.
    """

    again = False  # whether step() needs a closure, since it looks at the loss more than once

    # What an array of state is at first, a number or a hyper-parameter, where that is not zero.
    first: Mapping[str, float | str] = {}

    # What it is where a saved state has none.
    implied: Mapping[str, float] = {}

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[ParamGroup] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        if not isinstance(params, Iterable):
            raise TypeError(
                f"{type(self).__name__}: params must be parameters, got {type(params).__name__}; "
                f"pass model.parameters()"
            )
        given: list[Any] = [params] if isinstance(params, Tensor) else list(params)
        if not given:
            raise ValueError(f"{type(self).__name__}: params is empty; pass model.parameters()")
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """A further group, with hyper-parameters of its own where it names them; its "params" are parameters, or pairs
        of name and parameter, whose names then stand in "param_names".

        Raises ValueError for a group without parameters or a parameter given twice, TypeError for what is no float
        leaf tensor, or an unknown hyper-parameter.
        """
        group = dict(param_group)
        if "params" not in group:
            raise ValueError(f"{type(self).__name__}: a parameter group needs 'params', got {sorted(group)}")
        params = group.pop("params")
        params = [params] if isinstance(params, Tensor) else list(params)
        named = [isinstance(p, tuple) for p in params]
        if any(named):
            if not all(named) or any(g.get("param_names") is None for g in self.param_groups):
                raise ValueError(f"{type(self).__name__}: give all parameters a name, or none")
            names, params = zip(*params, strict=True)
            group["param_names"], params = list(names), list(params)
        elif any("param_names" in g for g in self.param_groups):
            raise ValueError(f"{type(self).__name__}: give all parameters a name, or none")
        known = {id(p) for g in self.param_groups for p in g["params"]}
        for p in params:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(
                    f"{type(self).__name__}: params must be leaf tensors, got {_describe(p)}; "
                    f"pass model.parameters()"
                )
            if p.dtype.kind != "f":
                raise TypeError(f"{type(self).__name__}: params must be float tensors, got {p.dtype}")
            if id(p) in known:
                raise ValueError(f"{type(self).__name__}: a parameter of shape {p.shape} is given twice")
            known.add(id(p))
        unknown = group.keys() - self.defaults.keys() - {"param_names"}
        if unknown:
            raise TypeError(f"{type(self).__name__}: unknown hyper-parameters {sorted(unknown)}")
        given = {**self.defaults, **group}
        hyper = {k: v if k in ParamGroup.words else _number(k, v) for k, v in given.items()}
        self.check(hyper)
        self.param_groups.append(ParamGroup(params, **hyper))

    def check(self, hyper: dict[str, Any]) -> None:
        """Refuse hyper-parameters out of range."""
        for name in ("lr", "weight_decay", "eps", "momentum"):
            if name in hyper and not hyper[name] >= 0:
                raise ValueError(f"{type(self).__name__}: {name}={hyper[name]} must be at least 0")
        if "betas" in hyper:
            self._check_pair(hyper, "betas", 1.0)

    def _check_pair(self, hyper: dict[str, Any], name: str, below: float) -> None:
        pair = hyper[name]
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(0 <= x < below for x in pair):
            raise ValueError(f"{type(self).__name__}: {name}={pair} must be two numbers in [0, {below:g})")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or set them to zero)."""
        for p in self.parameters():
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad.data.fill(0)

    def parameters(self) -> Iterator[Tensor]:
        """The tensors of all groups, in order."""
        return (p for group in self.param_groups for p in group["params"])

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The rows of ops.STEPS that serve a group, in order."""
        raise NotImplementedError(f"{type(self).__name__}.rows: name the rows of ops.STEPS")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient.

        A ``closure`` works the loss and the gradients out first; its loss is returned.
        """
        loss = None if closure is None else self._evaluate(closure)
        for group in self.param_groups:
            contracts, keeps = self._contracts(group), self._keeps(group)
            for p in group["params"]:
                if p.grad is None:
                    continue
                kept = self._state_of(p, group, keeps)
                env = {"grad": self._gradient(group, p), "param": p.data, **group.arrays, **kept}
                for contract in contracts:
                    if contract.reads:  # one that reads nothing counts, in an array made here
                        contract.bind(contract.fetch(env), {})
                for contract in contracts:
                    launch(contract, env)
                p._version[0] += 1
        return loss

    @staticmethod
    def _evaluate(closure: Callable[[], Any]) -> Any:
        with enable_grad():
            return closure()

    def _refuse_recording(self) -> None:
        """For steps that are Python code, not rows."""
        if state.recording is not None:
            state.recording.python(type(self).__name__)

    def _contracts(self, group: Mapping[str, Any]) -> list[Contract]:
        return [STEPS[name] for name in self.rows(group)]

    def _keeps(self, group: Mapping[str, Any]) -> dict[str, bool]:
        """The state of each parameter of a group, and whether it is a single number; else it is like the parameter."""
        rows = self._contracts(group)
        written = {a.name: a for contract in rows for a in contract.writes if a.name != "param"}
        return {name: a.letters != ("...",) for name, a in written.items()}

    def _gradient(self, group: ParamGroup, p: Tensor) -> np.ndarray:
        gradient = p.grad.data  # type: ignore[union-attr]
        if group.data.get("maximize"):
            gradient = compute(EXPRESSIONS["neg"].forward, launch, x=gradient)
        return contiguous(gradient, launch)

    def _state_of(self, p: Tensor, group: ParamGroup, keeps: dict[str, bool]) -> dict[str, np.ndarray]:
        """The arrays of state that a step needs, made where there are none yet."""
        if not p.data.flags.carray:
            p.data = np.require(p.data, requirements=("C", "A", "W"))
        found = self.state.setdefault(p, {})
        for name, single in keeps.items():
            if name not in found:
                first = self.first.get(name, 0.0)
                value = group[first] if isinstance(first, str) else first
                found[name] = np.full(1 if single else p.shape, value, float if single else p.dtype)
        return found

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """State by the parameters' positions, and the groups' hyper-parameters with those positions."""
        position = {id(p): i for i, p in enumerate(self.parameters())}
        state = {
            position[id(p)]: {k: np.array(v) for k, v in values.items()}
            for p, values in self.state.items()
            if values
        }
        groups = [
            {**group, "params": [position[id(p)] for p in group["params"]]} for group in self.param_groups
        ]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state; all or nothing.

        Raises ValueError where it is no such state, or one of other groups of parameters.
        """
        if not isinstance(state_dict, Mapping) or not state_dict.keys() >= {"state", "param_groups"}:
            what = sorted(state_dict) if isinstance(state_dict, Mapping) else type(state_dict).__name__
            raise ValueError(
                f"load_state_dict: state_dict must be what optimizer.state_dict() gives, got {what}"
            )
        parameters, groups = list(self.parameters()), state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"load_state_dict: {len(groups)} parameter groups, expected {len(self.param_groups)}"
            )
        for saved, group in zip(groups, self.param_groups, strict=True):
            if len(saved["params"]) != len(group["params"]):
                raise ValueError(
                    f"load_state_dict: a group of {len(saved['params'])} parameters, expected "
                    f"{len(group['params'])}; group the parameters as they were saved"
                )
            if not saved.keys() >= self.defaults.keys():
                missing = sorted(self.defaults.keys() - saved.keys())
                raise ValueError(f"load_state_dict: a parameter group lacks {', '.join(missing)}")
            self.check({k: v for k, v in saved.items() if k in self.defaults})
        home = [
            saved for saved, group in zip(groups, self.param_groups, strict=True) for _ in group["params"]
        ]
        state = {
            self._at(parameters, i): self._checked_state(i, parameters, values, home[int(i)])
            for i, values in state_dict["state"].items()
        }
        for group, saved in zip(self.param_groups, groups, strict=True):
            known = {*self.defaults, "initial_lr"}  # those of other libraries may have more
            group.update({k: v for k, v in saved.items() if k in known})
        self.state = state

    def _at(self, parameters: list[Tensor], i: Any) -> Tensor:
        if not 0 <= int(i) < len(parameters):
            raise ValueError(f"load_state_dict: state of parameter {i}, but there are {len(parameters)}")
        return parameters[int(i)]

    def _checked_state(
        self, i: Any, parameters: list[Tensor], values: Mapping[str, Any], group: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """Copies of one parameter's saved arrays, in its shape and dtype."""
        p, needed, values = parameters[int(i)], self._keeps(group), {**self.implied, **values}
        if not values.keys() >= needed.keys():
            raise ValueError(
                f"load_state_dict: parameter {i} has {sorted(values)}, expected {sorted(needed)}"
            )
        arrays = {}
        for name, single in needed.items():
            array = np.array(values[name], float if single else p.dtype, order="C")
            array, expected = (array.reshape(-1), (1,)) if single else (array, p.shape)
            if array.shape != expected:
                raise ValueError(
                    f"load_state_dict: {name} of parameter {i} has shape {array.shape}, expected {expected}"
                )
            arrays[name] = array
        return arrays

    def __repr__(self) -> str:
        groups = (
            ", ".join(f"{k}={v}" for k, v in group.items() if k not in ("params", "param_names"))
            + f", {len(group['params'])} parameters"
            for group in self.param_groups
        )
        return f"{type(self).__name__}({'; '.join(groups)})"
