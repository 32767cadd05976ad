"""Optimisers: what they share, SGD, Adam and AdamW."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from .._rows import compute, contiguous
from ..autograd import Tensor, launch
from ..ops import EXPRESSIONS, STEPS


class ParamGroup(UserDict):
    """Parameters and the hyper-parameters they share: ``group["lr"] = 0.1``.

    Each hyper-parameter is a view of a small float64 array, which the step kernels read: writing it here, or
    from a schedule, changes the next step.
    """

    def __init__(self, params: list[Tensor], **hyper: Any) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        super().__init__(hyper, params=params)

    def __setitem__(self, name: str, value: Any) -> None:
        if name != "params":
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
    """The base of all optimisers: parameter groups, state per parameter, and a loop over them."""

    names: tuple[str, ...]  # arrays of state per parameter, zero at first

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[ParamGroup] = []
        self.state: dict[Tensor, dict[str, np.ndarray]] = {}
        given: list[Any] = [params] if isinstance(params, Tensor) else list(params)
        if not given:
            raise ValueError(f"{type(self).__name__}: params is empty; pass model.parameters()")
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """A further group, with hyper-parameters of its own where it names them."""
        if "params" not in group:
            raise ValueError(f"{type(self).__name__}: a parameter group needs 'params', got {sorted(group)}")
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(p) for g in self.param_groups for p in g["params"]}
        for p in params:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"{type(self).__name__}: params must be leaf tensors, got {_describe(p)}")
            if p.dtype.kind != "f":
                raise TypeError(f"{type(self).__name__}: params must be float tensors, got {p.dtype}")
            if id(p) in known:
                raise ValueError(f"{type(self).__name__}: a parameter of shape {p.shape} is given twice")
            known.add(id(p))
        unknown = group.keys() - self.defaults.keys() - {"params"}
        if unknown:
            raise TypeError(f"{type(self).__name__}: unknown hyper-parameters {sorted(unknown)}")
        given = {**self.defaults, **{k: v for k, v in group.items() if k != "params"}}
        hyper = {k: _number(k, v) for k, v in given.items()}
        self.check(hyper)
        self.param_groups.append(ParamGroup(params, **hyper))

    def check(self, hyper: dict[str, Any]) -> None:
        """Refuse hyper-parameters out of range."""
        for name in ("lr", "weight_decay", "eps"):
            if name in hyper and not hyper[name] >= 0:
                raise ValueError(f"{type(self).__name__}: {name}={hyper[name]} must be at least 0")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or set them to zero)."""
        for p in self._parameters():
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad.data.fill(0)

    def _parameters(self) -> Iterator[Tensor]:
        return (p for group in self.param_groups for p in group["params"])

    def kernel(self, group: ParamGroup) -> str:
        """The step row that serves a group."""
        raise NotImplementedError(f"{type(self).__name__}.kernel: name the row of ops.STEPS")

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            contract = STEPS[self.kernel(group)]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self._state_of(p)
                env = {"grad": self._gradient(group, p), "param": p.data, **group.arrays, **state}
                contract.bind(contract.fetch(env), {})
                launch(STEPS["advance"], state)
                launch(contract, env)
                p._version[0] += 1

    def _gradient(self, group: ParamGroup, p: Tensor) -> np.ndarray:
        gradient = p.grad.data  # type: ignore[union-attr]
        if group.data.get("maximize"):
            gradient = compute(EXPRESSIONS["neg"].forward, launch, x=gradient)
        return contiguous(gradient, launch)

    def _state_of(self, p: Tensor) -> dict[str, np.ndarray]:
        if not p.data.flags.carray:
            p.data = np.require(p.data, requirements=("C", "A", "W"))
        state = self.state.get(p)
        if state is None:
            state = {"step": np.zeros(1)} | {name: np.zeros_like(p.data) for name in self.names}
            self.state[p] = state
        return state

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """State by the parameters' positions, and the groups' hyper-parameters."""
        position = {id(p): i for i, p in enumerate(self._parameters())}
        state = {
            position[id(p)]: {k: v.copy() for k, v in values.items()} for p, values in self.state.items()
        }
        groups = [{k: v for k, v in group.items() if k != "params"} for group in self.param_groups]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state; all or nothing."""
        parameters, groups = list(self._parameters()), state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"load_state_dict: {len(groups)} parameter groups, expected {len(self.param_groups)}"
            )
        for saved in groups:
            if not saved.keys() >= self.defaults.keys():
                missing = sorted(self.defaults.keys() - saved.keys())
                raise ValueError(f"load_state_dict: a parameter group lacks {', '.join(missing)}")
            self.check({k: v for k, v in saved.items() if k in self.defaults})
        state = {
            self._at(parameters, i): self._checked_state(i, parameters, values)
            for i, values in state_dict["state"].items()
        }
        for group, saved in zip(self.param_groups, groups, strict=True):
            group.update(saved)
        self.state = state

    def _at(self, parameters: list[Tensor], i: Any) -> Tensor:
        if not 0 <= int(i) < len(parameters):
            raise ValueError(f"load_state_dict: state of parameter {i}, but there are {len(parameters)}")
        return parameters[int(i)]

    def _checked_state(
        self, i: Any, parameters: list[Tensor], values: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """Copies of one parameter's saved arrays, in its shape and dtype."""
        p, names = parameters[int(i)], ("step", *self.names)
        if set(values) != set(names):
            raise ValueError(f"load_state_dict: parameter {i} has {sorted(values)}, expected {sorted(names)}")
        arrays = {
            name: np.array(values[name], float if name == "step" else p.dtype, order="C") for name in names
        }
        for name, array in arrays.items():
            expected = (1,) if name == "step" else p.shape
            if array.shape != expected:
                raise ValueError(
                    f"load_state_dict: {name} of parameter {i} has shape {array.shape}, expected {expected}"
                )
        return arrays

    def __repr__(self) -> str:
        groups = (
            ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            + f", {len(group['params'])} parameters"
            for group in self.param_groups
        )
        return f"{type(self).__name__}({'; '.join(groups)})"


class SGD(Optimizer):
    """g = grad + weight_decay · p;  v = momentum · v + (1 − dampening) · g, v = g at first;
    p −= lr · (g + momentum · v if nesterov else v), or p −= lr · g without momentum.

    Source: I. Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    names = ("velocity",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, hyper | {"nesterov": nesterov, "maximize": maximize})

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        if not hyper["momentum"] >= 0:
            raise ValueError(f"SGD: momentum={hyper['momentum']} must be at least 0")
        if hyper["nesterov"] and (hyper["momentum"] <= 0 or hyper["dampening"] != 0):
            raise ValueError(
                f"SGD: nesterov=True needs momentum > 0 and dampening 0, got momentum={hyper['momentum']}, "
                f"dampening={hyper['dampening']}"
            )

    def kernel(self, group: ParamGroup) -> str:
        return "sgd_momentum" if group["momentum"] else "sgd"


class Adam(Optimizer):
    """m = β₁ m + (1 − β₁) g;  s = β₂ s + (1 − β₂) g²;  p −= lr · m̂ / (√ŝ + eps),  g = grad + weight_decay ·
    p.

    m̂ and ŝ are m and s divided by 1 − βᵗ.  Source: D. Kingma, J. Ba, arXiv:1412.6980.
    """

    names = ("mean", "square")
    row = "adam"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, hyper)

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        betas = hyper["betas"]
        if (
            not isinstance(betas, (tuple, list))
            or len(betas) != 2
            or not all(0 <= beta < 1 for beta in betas)
        ):
            raise ValueError(f"{type(self).__name__}: betas={betas} must be two numbers in [0, 1)")

    def kernel(self, group: ParamGroup) -> str:
        return self.row


class AdamW(Adam):
    """Adam on the gradient alone, after p *= 1 − lr · weight_decay.

    Source: I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101.
    """

    row = "adamw"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)
