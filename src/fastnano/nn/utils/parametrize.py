"""Parameters computed from others each time they are used.

# Design: a parametrised ``weight`` is no parameter any more, so that reading it ends in ``Module.__getattr__``, which
# computes it from ``parametrizations.weight``.  PyTorch puts a property on a class made for each such layer; without
# one, layers are copied and pickled as ever.  The names of parameters and buffers are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...autograd import Tensor
from ..containers import ModuleDict, ModuleList
from ..module import Module, Parameter

__all__ = [
    "ParametrizationList",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
]


class ParametrizationList(ModuleList):
    """The functions that make a parameter, and what they make it from: ``original``, or ``original0``,
    ``original1`` ... where the first of them takes several."""

    def __init__(self, modules: Iterable[Module], original: Parameter) -> None:
        super().__init__(modules)
        given: Any = original.detach().clone()
        for function in reversed(list(self)):
            given = function.right_inverse(given) if hasattr(function, "right_inverse") else given
        self.is_tensor = not isinstance(given, tuple)
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(len(given))]
        for name, value in zip(names, (given,) if self.is_tensor else given, strict=True):
            self.register_parameter(name, Parameter(value, original.requires_grad))

    def forward(self) -> Tensor:
        first, *others = self
        value = first(*self._parameters.values())
        for function in others:
            value = function(value)
        return value


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module's parameter of this name (or any) is computed from others."""
    found = module._modules.get("parametrizations", ())
    return bool(len(found)) if tensor_name is None else tensor_name in found


def register_parametrization(module: Module, tensor_name: str, parametrization: Module) -> Module:
    """Let ``module.<tensor_name>`` be ``parametrization(original)``, computed each time it is read.

    The original is the parameter as it was, or what ``parametrization.right_inverse(parameter)`` gives (a tuple:
    several originals).  A second parametrization is applied to the first one's result.  Optimisers made earlier
    hold the old parameter: make them afterwards.
    """
    if is_parametrized(module, tensor_name):
        module.parametrizations[tensor_name].append(parametrization)
        return module
    if not isinstance(module._parameters.get(tensor_name), Parameter):
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter {tensor_name!r}, but "
            f"{', '.join(module._parameters) or 'none'}"
        )
    value: Any = module._parameters.pop(tensor_name)
    if "parametrizations" not in module._modules:
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = ParametrizationList([parametrization], value)
    module.parametrizations.train(module.training)
    return module


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make ``module.<tensor_name>`` a parameter again: with the value it has, or the original one."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} is not parametrized"
        )
    found = module.parametrizations[tensor_name]
    if not leave_parametrized and not found.is_tensor:
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} is made of several originals; use leave_parametrized=True"
        )
    wanted = any(p.requires_grad for p in found.parameters())
    value = getattr(module, tensor_name) if leave_parametrized else found.original
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module.parametrizations
    module.register_parameter(tensor_name, Parameter(value.detach().clone(), wanted))
    return module
