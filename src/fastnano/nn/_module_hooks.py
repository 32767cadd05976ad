"""Hooks of modules, and what an error says of the layer it comes from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

from .._hooks import RemovableHandle
from .._state import state
from ..autograd import Tensor, as_tensor

Hook = Callable[..., Any]


class Hooked:
    """Functions called around ``forward`` and ``backward``; they see tensors, where the call is one of arrays too.

    A step with hooks has no native plan: only Python can call them.
    """

    _hooks: dict[str, dict[RemovableHandle, Hook]]  # made with the first hook

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Before forward: ``hook(module, inputs)``; what it gives back, if anything, takes the inputs' place.

        ``with_kwargs``: ``hook(module, inputs, options)``, which gives back both or None.  ``prepend``: before the
        hooks there are.
        """
        return self._register("before", hook, prepend, partial(_before, hook, with_kwargs))

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """After forward: ``hook(module, inputs, output)``; what it gives back, if anything, takes the output's place.

        ``with_kwargs``: ``hook(module, inputs, options, output)``.  ``prepend``: before the hooks there are.
        """
        return self._register("after", hook, prepend, partial(_after, hook, with_kwargs))

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """When the gradients of the inputs are complete: ``hook(module, grad_input, grad_output)``, both tuples,
        with None for what has no gradient.  What it gives back, if anything, takes the place of the gradient of a
        layer's one input."""
        return self._register("backward", hook, prepend, hook)

    def _register(self, when: str, hook: Hook, prepend: bool, call: Hook) -> RemovableHandle:
        if not callable(hook):
            raise TypeError(f"{type(self).__name__}: a hook must be callable, got {type(hook).__name__}")
        hooks = self.__dict__.setdefault("_hooks", {}).setdefault(when, {})
        earlier = list(hooks)
        handle = RemovableHandle(hooks, call)
        for other in earlier if prepend else ():
            hooks[other] = hooks.pop(other)  # behind the new one
        return handle

    def _hooks_of(self, when: str) -> list[Hook]:
        return list(self.__dict__.get("_hooks", {}).get(when, {}).values())

    def _run(self, forward: Callable[..., Any], inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """forward(*inputs), with this module's hooks around it."""
        if not any(self.__dict__.get("_hooks", {}).values()):
            return forward(*inputs, **options)
        if state.recording is not None:
            state.recording.python(f"a hook of {type(self).__name__}")
        for hook in self._hooks_of("before"):
            inputs, options = hook(self, inputs, options)
        backward = _Backward(self) if state.grad_enabled and self._hooks_of("backward") else None
        output = forward(*(backward.inputs(inputs) if backward else inputs), **options)
        for hook in self._hooks_of("after"):
            output = hook(self, inputs, options, output)
        return backward.outputs(output) if backward else output

    def _after_backward(self, dx: Any, dy: tuple[Any, ...]) -> Any:
        """The gradients of the inputs, arrays, as the hooks leave them behind a backward that was called by hand."""
        if not self._hooks_of("backward"):
            return dx
        call = _Backward(self)
        for gradients, given in (
            (call.grad_input, dx if isinstance(dx, tuple) else (dx,)),
            (call.grad_output, dy),
        ):
            gradients += [None if g is None else as_tensor(g) for g in given]
        call._call(call.grad_input)
        found = tuple(None if g is None else as_tensor(g).data for g in call.grad_input)
        return found if isinstance(dx, tuple) else found[0]


def _before(
    hook: Hook, with_kwargs: bool, module: Hooked, inputs: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of forward as a hook leaves them."""
    found = hook(module, inputs, options) if with_kwargs else hook(module, inputs)
    if found is None:
        return inputs, options
    if not with_kwargs:
        return found if isinstance(found, tuple) else (found,), options
    if not isinstance(found, tuple) or [type(part) for part in found] != [tuple, dict]:
        raise TypeError(
            f"{type(module).__name__}: a forward pre-hook with_kwargs must give back None or (inputs, options), "
            f"a tuple and a dict, got {found!r}"
        )
    return found


def _after(
    hook: Hook,
    with_kwargs: bool,
    module: Hooked,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    output: Any,
) -> Any:
    """The output as a hook leaves it."""
    found = hook(module, inputs, options, output) if with_kwargs else hook(module, inputs, output)
    return output if found is None else found


class _Backward:
    """One call of a module with backward hooks: collects the gradients of its outputs, then of its inputs."""

    def __init__(self, module: Hooked) -> None:
        self.module = module
        self.grad_input: list[Tensor | None] = []
        self.grad_output: list[Tensor | None] = []
        self.waiting: set[int] = (
            set()
        )  # the places of grad_input (where none is wanted, of grad_output) to come

    def inputs(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return self._watched(self.grad_input, inputs)

    def outputs(self, output: Any) -> Any:
        several = output if isinstance(output, tuple) else (output,)
        watched = self._watched(self.grad_output, several)
        return watched if isinstance(output, tuple) else watched[0]

    def _watched(self, gradients: list[Tensor | None], tensors: tuple[Any, ...]) -> tuple[Any, ...]:
        """The same values as tensors of this call's own, so that their gradients are those of this call alone."""
        gradients += [None] * len(tensors)
        wanted = [i for i, x in enumerate(tensors) if isinstance(x, Tensor) and x.requires_grad]
        awaited = bool(wanted) and not self.waiting
        own = list(tensors)
        for i in wanted:
            own[i] = tensors[i].reshape(tensors[i].shape)
            own[i].register_hook(partial(self._receive, gradients, i, awaited))
        self.waiting |= set(wanted) if awaited else set()
        return tuple(own)

    def _receive(self, gradients: list[Tensor | None], i: int, awaited: bool, gradient: Tensor) -> Any:
        gradients[i] = gradient
        if not awaited:
            return None
        self.waiting.discard(i)
        return None if self.waiting else self._call(gradients)

    def _call(self, gradients: list[Tensor | None]) -> Tensor | None:
        for hook in self.module._hooks_of("backward"):
            found = hook(self.module, tuple(self.grad_input), tuple(self.grad_output))
            if found is None:
                continue
            if len(self.grad_input) != 1:
                raise ValueError(
                    f"{type(self.module).__name__}: a backward hook can replace the gradient of one input, "
                    f"not of {len(self.grad_input)}"
                )
            self.grad_input[:] = found if isinstance(found, tuple) else [found]
        return self.grad_input[0] if gradients is not self.grad_output and len(self.grad_input) == 1 else None


def untensored(error: AttributeError, module: Any, inputs: tuple[Any, ...]) -> TypeError | None:
    """What to say where ``forward`` took an input for a tensor that is none."""
    for name, value in zip(signature(module.forward).parameters, inputs, strict=False):
        if value is error.obj and not isinstance(value, Tensor):
            return TypeError(
                f"{type(module).__name__}: {name} must be a tensor, got {type(value).__name__}; "
                f"fastnano.tensor makes one of numbers"
            )
    return None


def locate(error: Exception, module: Any) -> None:
    """Tell in the error's message which layer below this module it comes from.

    # Design: each module that an error passes on its way out puts itself in front of the path, so that calls which
    # succeed pay nothing, and the message is complete wherever the error is caught.
    """
    if len(error.args) != 1 or not isinstance(error.args[0], str):
        return
    private, call, rest = error.args[0].partition(".forward() ")
    if call and private.startswith("_"):
        error.args = (f"{type(module).__name__}{call}{rest}",)
    found = error.__dict__.setdefault(
        "_layer", {"path": [], "failed": module, "last": module, "text": error.args[0]}
    )
    name = next((key for key, child in module._modules.items() if child is found["last"]), None)
    if name is None:
        return
    found["path"].insert(0, name)
    found["last"] = module
    failed = " ".join(repr(found["failed"]).split())
    failed = failed if len(failed) <= 120 else f"{failed[:117]}..."
    where = f"in layer {'.'.join(found['path'])!r} ({failed}) of {type(module).__name__}"
    error.args = (f"{where}: {found['text']}",)
