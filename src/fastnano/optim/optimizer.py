"""Optimisers: what they share, SGD, Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..autograd import Tensor, launch
from ..ops import STEPS


class ParamGroup(dict):
    """Parameters and the hyper-parameters they share: ``group["lr"] = 0.1``.

    Each hyper-parameter is a view of a small float64 array, which the step kernels read: writing it here, or from a
    schedule, changes the next step.
    """

    def __init__(self, params: list[Tensor], **hyper: Any) -> None:
        super().__init__(params=params)
        self.arrays: dict[str, np.ndarray] = {}
        for name, value in hyper.items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name == "params" or not _is_number(value):
            return
        array = self.arrays.setdefault(name, np.empty(np.size(value), np.float64))
        array[:] = value


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, np.number)) or (
        isinstance(value, tuple) and all(isinstance(v, (int, float, np.number)) for v in value)
    )


class Optimizer:
    """The base of all optimisers: parameter groups, state per parameter, and a loop over them."""

    names: tuple[str, ...]  # arrays of state per parameter, zero at first

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[ParamGroup] = []
        self.state: dict[int, dict[str, np.ndarray]] = {}
        given = [params] if isinstance(params, Tensor) else list(params)
        if not given:
            raise ValueError(f"{type(self).__name__}: params is empty; pass model.parameters()")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """A further group, with hyper-parameters of its own where it names them."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(p) for g in self.param_groups for p in g["params"]}
        for p in params:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"{type(self).__name__}: params must be leaf tensors, got {type(p).__name__}")
            if id(p) in known:
                raise ValueError(f"{type(self).__name__}: a parameter of shape {p.shape} is given twice")
            known.add(id(p))
        unknown = group.keys() - self.defaults.keys() - {"params"}
        if unknown:
            raise TypeError(f"{type(self).__name__}: unknown hyper-parameters {sorted(unknown)}")
        hyper = {**self.defaults, **{k: v for k, v in group.items() if k != "params"}}
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
                state["step"] += 1
                env = {"grad": self._gradient(group, p), "param": p.data, **group.arrays, **state}
                contract.bind([env[a.name] for a in contract.given], {})
                launch(contract, env)
                p._version[0] += 1

    def _gradient(self, group: ParamGroup, p: Tensor) -> np.ndarray:
        gradient = p.grad.data  # type: ignore[union-attr]
        return np.ascontiguousarray(-gradient if group.get("maximize") else gradient)

    def _state_of(self, p: Tensor) -> dict[str, np.ndarray]:
        if id(p) not in self.state:
            p.data = np.require(p.data, requirements=("C", "W"))
            self.state[id(p)] = {"step": np.zeros(1)} | {name: np.zeros_like(p.data) for name in self.names}
        return self.state[id(p)]

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """State by the parameters' positions, and the groups' hyper-parameters."""
        position = {id(p): i for i, p in enumerate(self._parameters())}
        state = {position[key]: {k: v.copy() for k, v in values.items()} for key, values in self.state.items()}
        groups = [{k: v for k, v in group.items() if k != "params"} for group in self.param_groups]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state; all or nothing."""
        parameters, groups = list(self._parameters()), state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                f"load_state_dict: {len(groups)} parameter groups, expected {len(self.param_groups)}"
            )
        for i, values in state_dict["state"].items():
            if not 0 <= int(i) < len(parameters):
                raise ValueError(f"load_state_dict: state of parameter {i}, but there are {len(parameters)}")
            for name in self.names:
                if values[name].shape != parameters[int(i)].shape:
                    raise ValueError(
                        f"load_state_dict: {name} of parameter {i} has shape {values[name].shape}, "
                        f"expected {parameters[int(i)].shape}"
                    )
        for group, saved in zip(self.param_groups, groups, strict=True):
            for name, value in saved.items():
                group[name] = value
        self.state = {
            id(parameters[int(i)]): {k: np.array(v) for k, v in values.items()}
            for i, values in state_dict["state"].items()
        }

    def __repr__(self) -> str:
        groups = (
            ", ".join(f"{k}={v}" for k, v in group.items() if k != "params") + f", {len(group['params'])} parameters"
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
    """m = β₁ m + (1 − β₁) g;  s = β₂ s + (1 − β₂) g²;  p −= lr · m̂ / (√ŝ + eps),  g = grad + weight_decay · p.

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
        hyper = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, hyper)

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        if len(hyper["betas"]) != 2 or not all(0 <= beta < 1 for beta in hyper["betas"]):
            raise ValueError(f"{type(self).__name__}: betas={hyper['betas']} must be two numbers in [0, 1)")

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
