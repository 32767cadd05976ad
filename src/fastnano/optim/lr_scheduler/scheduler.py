"""What all schedules share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer

__all__ = ["LRScheduler"]


class LRScheduler:
    """The base: ``values(t)`` gives each group's hyper-parameters at step t, in closed form.

    A schedule is a function of the step, not a recurrence as PyTorch's are: it can be unrolled to a table and
    resumed anywhere.  Where somebody else has written the learning rate, ``step`` goes on from there, by ``after``.
    """

    per_batch = False  # whether step() follows each batch rather than each epoch

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self._attach(optimizer)
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: last_epoch={last_epoch} needs 'initial_lr' in every group"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        begins = last_epoch == -1
        self._write(self.after(0, self.get_last_lr()) if begins else self.values(self.last_epoch))

    def _attach(self, optimizer: Any) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: optimizer must be an Optimizer, got {type(optimizer).__name__}"
            )
        self.optimizer = optimizer

    def _for_groups(self, name: str, value: Any) -> list[float]:
        """One number per parameter group, out of one for all or a list."""
        groups = self.optimizer.param_groups
        values = list(value) if isinstance(value, (list, tuple)) else [value] * len(groups)
        if len(values) != len(groups):
            raise ValueError(
                f"{type(self).__name__}: {len(values)} values of {name} for {len(groups)} parameter groups"
            )
        return values

    def lr(self, t: int, base: float) -> float:
        """The learning rate at step t of a group that had ``base`` at first."""
        raise NotImplementedError(f"{type(self).__name__}.lr: define the learning rate at step t")

    def values(self, t: int) -> list[dict[str, Any]]:
        """What each group is set to at step t."""
        return [{"lr": self.lr(t, base)} for base in self.base_lrs]

    def after(self, t: int, lrs: list[float]) -> list[dict[str, Any]]:
        """What each group is set to at step t where others write the learning rate too: ``lrs`` as it is now."""
        return self.values(t)

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step of the schedule, or to a certain one."""
        self._take_groups()
        before, lrs = self.last_epoch, self.get_last_lr()
        self.last_epoch = before + 1 if epoch is None else epoch
        undisturbed = epoch is not None or lrs == [values["lr"] for values in self.values(before)]
        self._write(self.values(self.last_epoch) if undisturbed else self.after(self.last_epoch, lrs))

    def _take_groups(self) -> None:
        """Groups that were added to the optimizer since."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(group.setdefault("initial_lr", group["lr"]))

    def follow(self, record: Mapping[str, Any]) -> None:
        """Step after an epoch, of which these numbers were measured."""
        self.step()

    def _set(self) -> None:
        self._write(self.values(self.last_epoch))

    def _write(self, values: list[dict[str, Any]]) -> None:
        for group, of_group in zip(self.optimizer.param_groups, values, strict=True):
            for name, value in of_group.items():
                group[name] = value

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group, as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` needs to go on from here."""
        return {"last_epoch": self.last_epoch, "base_lrs": self.base_lrs, "_last_lr": self.get_last_lr()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken, and set the learning rates."""
        self.last_epoch, self.base_lrs = state_dict["last_epoch"], list(state_dict["base_lrs"])
        self._set()
        self._write([{"lr": lr} for lr in state_dict.get("_last_lr", self.get_last_lr())])


def at_least(owner: object, least: float, **numbers: float) -> None:
    """Refuse numbers below a limit."""
    for name, value in numbers.items():
        if not value >= least:
            raise ValueError(f"{type(owner).__name__}: {name}={value} must be at least {least:g}")


def same_optimizer(owner: object, schedulers: Sequence[Any], optimizer: Optimizer) -> list[LRScheduler]:
    """The parts of a combined schedule, checked."""
    if not schedulers:
        raise ValueError(f"{type(owner).__name__}: schedulers is empty; give at least one")
    for part in schedulers:
        if not isinstance(part, LRScheduler) or not hasattr(part, "base_lrs"):
            raise TypeError(
                f"{type(owner).__name__}: schedulers must be schedules of the step alone, got {type(part).__name__}"
            )
        if part.optimizer is not optimizer:
            raise ValueError(f"{type(owner).__name__}: {type(part).__name__} is of another optimizer")
    return list(schedulers)
