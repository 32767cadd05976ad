"""The base of all layers and networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._contract import FLOATS
from ..autograd import Tensor, as_tensor, tensor
from ..functions._operands import named_dtype
from ._by_hand import go_back, is_shown, original, own_backward, tapes, tensors_or_arrays, with_own_backward
from ._module_hooks import Hooked

__all__ = ["Module", "Parameter"]


class LoadResult(NamedTuple):
    """The names that ``load_state_dict`` did not find, and those that it had no use for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Parameter(Tensor):
    """A tensor that a module learns; assigned to an attribute of a Module, it is found by ``parameters()``.

    It shares the memory of a tensor and copies an array, so that learning never changes a caller's array.
    """

    __slots__ = ()

    def __init__(self, data: npt.ArrayLike, requires_grad: bool = True) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else tensor(data).data, requires_grad)
        if isinstance(data, Tensor):
            self._version = data._version

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Module(Hooked):
    """A layer or a network: define ``forward`` on tensors; parameters and modules assigned to attributes are
    found.

    Driven through autograd::

        loss = criterion(net(x), target); loss.backward()

    or by hand, on arrays: ``y = layer.forward(x)``, then ``dx = layer.backward(dy)``, which adds to the
    parameters' ``.grad`` and returns the gradient of x.  Calls are gone back through last first, in each
    thread by itself.

    A class that defines ``backward(self, dy)`` too is not recorded: both work on arrays, backward returns the gradient
    of the input (a tuple for several) and sets, or adds to, ``.grad`` of the parameters; autograd calls it as well::

        class Dense(nn.Module):
            def __init__(self, i, o):
                super().__init__()
                self.weight = nn.Parameter(0.1 * np.random.randn(i, o).astype(np.float32))

            def forward(self, x):
                self.x = x
                return np.maximum(x @ self.weight, 0)

            def backward(self, dy):
                dy = dy * (self.x @ self.weight > 0)
                self.weight.grad += self.x.T @ dy
                return dy @ self.weight.T
    """

    training: bool

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = {name for name in ("forward", "backward") if name in cls.__dict__}
        if own and cls.backward is not Module.backward:
            cls.forward = with_own_backward(cls.forward)  # type: ignore[method-assign]
        elif own:
            cls.forward = tensors_or_arrays(cls.forward)  # type: ignore[method-assign]
        if "backward" in own:
            cls.backward = own_backward(cls.backward)  # type: ignore[method-assign]

    def __init__(self) -> None:
        for name in ("_parameters", "_buffers", "_modules"):
            object.__setattr__(self, name, {})
        self._passing: set[str] = set()  # buffers that state_dict leaves out
        self.training = True

    def forward(self, *inputs: Any) -> Any:
        """What the layer computes: define it in the class; arrays are taken too, and give arrays."""
        raise NotImplementedError(f"{type(self).__name__}.forward: define it in the class")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if "_hooks" in self.__dict__ and not any(isinstance(x, np.ndarray) for x in inputs):
            return self._run(self.forward, inputs, options)
        return self.forward(*inputs, **options)

    def backward(self, dy: Any = None) -> Any:
        """Go back through the last call of ``forward`` on arrays: dy has the shape of its output (a tuple
        where that is one, with None for what has no gradient); it may be left out where that is a single
        number.

        Adds to ``.grad`` of the parameters; returns the gradient of the input (a tuple where there were
        several).

        Raises RuntimeError where no such call is left.
        """
        calls = tapes.of(original(self))
        if not calls:
            raise RuntimeError(
                f"{type(self).__name__}.backward: no call of forward on an array is left to go back through"
            )
        inputs, output = calls[-1]
        go_back(type(self).__name__, output, dy)
        calls.pop()
        gradients = tuple(None if x.grad is None else x.grad.data for x in inputs)
        for x in inputs:
            x.grad = None
        return gradients[0] if len(gradients) == 1 else gradients

    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
        if name in self._parametrized():
            raise AttributeError(
                f"{type(self).__name__}.{name} is computed from other parameters; change "
                f"parametrizations.{name}, or nn.utils.parametrize.remove_parametrizations first"
            )
        stores = (self._parameters, self._buffers, self._modules)
        if isinstance(value, np.ndarray) and is_shown(self, name):
            self.__dict__[name][...] = value
            return
        if isinstance(value, Parameter):
            home = self._parameters
        elif isinstance(value, Module):
            home = self._modules
        else:
            home = next((store for store in stores if name in store), None)
            if (
                home is not None
                and value is not None
                and not (home is self._buffers and isinstance(value, Tensor))
            ):
                kind = {id(s): k for s, k in zip(stores, ("Parameter", "tensor", "Module"), strict=True)}[
                    id(home)
                ]
                raise TypeError(
                    f"{type(self).__name__}.{name}: assign a {kind} or None, not {type(value).__name__}"
                )
        for store in stores:
            if store is not home:
                store.pop(name, None)
        if home is None:
            object.__setattr__(self, name, value)
        else:
            self.__dict__.pop(name, None)
            home[name] = value

    def __getattr__(self, name: str) -> Any:
        for store in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(store, ()):
                return self.__dict__[store][name]
        if name in self._parametrized():
            return self._modules["parametrizations"][name]()
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def _parametrized(self) -> Any:
        """The names of parameters that are computed from others: see ``nn.utils.parametrize``."""
        return self.__dict__.get("_modules", {}).get("parametrizations", ())

    def __delattr__(self, name: str) -> None:
        for store in (self._parameters, self._buffers, self._modules):
            if name in store:
                del store[name]
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """A parameter by name; None for one that this layer could have and has not.

        Raises TypeError for what is no Parameter, KeyError for a name that is taken or has a dot.
        """
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"register_parameter: {name!r} must be a Parameter or None, got {type(param).__name__}"
            )
        self._check_name("register_parameter", name, self._parameters)
        self._parameters[name] = param

    def _check_name(self, function: str, name: str, home: dict[str, Any]) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(
                f"{function}: the name {name!r} must be text without a dot, since dots part the names of layers"
            )
        if hasattr(self, name) and name not in home:
            raise KeyError(
                f"{function}: {type(self).__name__} has an attribute {name!r} already; choose another name"
            )

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """State that is not learned; in ``state_dict`` unless it is not ``persistent``.

        Raises TypeError for what is no tensor, KeyError for a name that is taken or has a dot.
        """
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"register_buffer: {name!r} must be a tensor or None, got {type(tensor).__name__}"
            )
        self._check_name("register_buffer", name, self._buffers)
        self._buffers[name] = tensor
        (self._passing.discard if persistent else self._passing.add)(name)

    def add_module(self, name: str, module: Module) -> None:
        """Add a module under a name, as assigning it to an attribute does.

        Raises TypeError for what is no Module, KeyError for a name that is taken or has a dot.
        """
        if not isinstance(module, Module):
            got = f"{type(module).__name__} {module!r}"
            remedy = "; nn.Lambda makes a layer of a function" if callable(module) else ""
            raise TypeError(f"{type(self).__name__}: layer {name!r} must be a Module, got {got}{remedy}")
        self._check_name("add_module", name, self._modules)
        self._modules[name] = module

    register_module = add_module

    # Walking

    def children(self) -> Iterator[Module]:
        """The modules that are attributes of this one."""
        return iter(self._modules.values())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Pairs of name and module of those that are attributes of this one."""
        return iter(self._modules.items())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted names: each once, unless ``remove_duplicate`` is False, and none of
        ``memo``, to which those that were met are added."""
        seen: set[Module] = set() if memo is None else memo
        stack = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if module in seen:
                continue
            if remove_duplicate:
                seen.add(module)
            yield name, module
            below = [(f"{name}.{key}" if name else key, child) for key, child in module._modules.items()]
            stack.extend(reversed(below))

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it, each once unless ``remove_duplicate`` is False."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def _named(
        self, store: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        walk = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in walk if recurse else [(prefix, self)]:
            for name, value in getattr(module, store).items():
                if value is not None and id(value) not in seen:
                    if remove_duplicate:
                        seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Every parameter, with its dotted name: once, unless ``remove_duplicate`` is False; of this module alone
        unless ``recurse``."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter once; of this module alone unless ``recurse``."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer, with its dotted name: once, unless ``remove_duplicate`` is False; of this module alone
        unless ``recurse``."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer once; of this module alone unless ``recurse``."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name; itself for an empty one.

        Raises AttributeError where there is none.
        """
        module = self
        for i, name in enumerate(target.split(".") if target else []):
            if name not in module._modules:
                path = ".".join(target.split(".")[:i]) or type(self).__name__
                raise AttributeError(
                    f"get_submodule: {path} has no module {name!r}, only {list(module._modules)}"
                )
            module = module._modules[name]
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted name; with ``strict`` in the place of one that is there."""
        path, _, name = target.rpartition(".")
        if strict:
            self.get_submodule(target)
        self.get_submodule(path).add_module(name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name."""
        return self._get("get_parameter", "_parameters", target)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name."""
        return self._get("get_buffer", "_buffers", target)

    def _get(self, caller: str, store: str, target: str) -> Any:
        path, _, name = target.rpartition(".")
        found = getattr(self.get_submodule(path), store)
        if name not in found:
            raise AttributeError(
                f"{caller}: {path or type(self).__name__} has no {name!r}, only {list(found)}"
            )
        return found[name]

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call a function on every module below and on this one."""
        for module in reversed(list(self.modules())):
            fn(module)
        return self

    # Modes

    def train(self, mode: bool = True) -> Module:
        """Training mode: batch norm uses the batch's statistics, dropout drops.

        Raises ValueError where ``mode`` is no bool.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"train: mode={mode!r}, but training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Evaluation mode: batch norm uses the running statistics, dropout does nothing."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze or unfreeze all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.data.fill(0)

    def to(self, *like: Any, dtype: npt.DTypeLike | None = None, device: Any = None) -> Module:
        """Convert parameters and floating buffers to float32 or float64, in place: to a dtype, or that of a tensor; all
        live on the "cpu", which may be named too.

        Raises TypeError for any other dtype.
        """
        dtype = named_dtype(f"{type(self).__name__}.to", *like, dtype, device)
        if dtype is None:
            return self
        if dtype not in FLOATS:
            raise TypeError(f"{type(self).__name__}.to: dtype={dtype} must be float32 or float64")
        for t in (*self.parameters(), *self.buffers()):
            if t.dtype.kind == "f" and t.dtype != dtype:
                t.data = t.data.astype(dtype)
                t.grad = None
        return self

    def cpu(self) -> Module:
        """Itself."""
        return self

    def type(self, dst_type: npt.DTypeLike) -> Module:
        """``to`` a dtype."""
        return self.to(dst_type)

    def double(self) -> Module:
        """Turn parameters and buffers to float64."""
        return self.to(np.float64)

    def float(self) -> Module:
        """Turn parameters and buffers to float32."""
        return self.to(np.float32)

    # State

    def state_dict(
        self, *, destination: dict[str, Tensor] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers by dotted name, sharing the module's memory, in PyTorch's order; they
        themselves with ``keep_vars``, and put in ``destination`` where that is given."""
        found: dict[str, Tensor] = {} if destination is None else destination
        self._collect(found, prefix, keep_vars)
        return found

    def _collect(self, found: dict[str, Tensor], prefix: str, keep_vars: bool) -> None:
        for store in (self._parameters, self._buffers):
            kept = {name: v for name, v in store.items() if v is not None and name not in self._passing}
            found |= {prefix + name: value if keep_vars else value.detach() for name, value in kept.items()}
        for name, module in self._modules.items():
            module._collect(found, f"{prefix}{name}.", keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Copy values in by name: all of them, or, where anything does not fit, none.

        Raises KeyError for missing or unexpected names (if ``strict``), ValueError for a wrong shape.
        """
        if not isinstance(state_dict, Mapping):
            what = type(state_dict).__name__
            raise TypeError(f"load_state_dict: state_dict must be what model.state_dict() gives, got {what}")
        own = self.state_dict()
        given = {name: np.asarray(as_tensor(value).data) for name, value in state_dict.items()}
        missing, unexpected = [k for k in own if k not in given], [k for k in given if k not in own]
        problems = [f"{name} is missing" for name in missing] + [
            f"{name} is not expected" for name in unexpected
        ]
        if problems and strict:
            raise KeyError(f"load_state_dict: {'; '.join(problems)} (strict=False ignores such names)")
        for name in own.keys() & given.keys():
            if own[name].shape != given[name].shape:
                raise ValueError(
                    f"load_state_dict: {name} has shape {given[name].shape}, expected {own[name].shape}"
                )
        for name in own.keys() & given.keys():
            own[name].copy_(given[name].astype(own[name].dtype))
        return LoadResult(missing, unexpected)

    # Looking

    def extra_repr(self) -> str:
        """What stands in the brackets of the repr."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._modules.items()]
        name, extra = "Parametrized" * bool(self._parametrized()) + type(self).__name__, self.extra_repr()
        if not lines and "\n" not in extra:
            return f"{name}({extra})"
        return f"{name}(\n  " + "\n  ".join(extra.splitlines() + lines) + "\n)"


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards each layer has the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def dtype_of(model: Module) -> np.dtype:
    """The dtype a model computes in, that of its parameters."""
    return next((p.dtype for p in model.parameters()), np.dtype(np.float32))
