"""Two recordings of one step become nodes: native kernels on values that are per sample or shared.

Everything is derived from the rows: which letter is the batch, what is read, overwritten, summed or updated in place.
NumPy expressions have native forms where a kernel bears the formula's name, where they only move elements (an
index list, found by running the formula on numbered places) or where they sum over broadcast axes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._contract import Contract
from .._rows import UNBROADCAST, Formula
from .axes import goes_along, lower_along
from .places import places_of, sources
from .products import is_product, lower_product
from .recording import Call, NotPlannable, Place, Recording, place

Shape = tuple[int, ...]


@dataclass(eq=False)
class Value:
    """An array of the step.  One of a batch has a leading axis of samples, which its shape leaves out.

    Native code computes with float32: answers (bool) are 1 and 0 there, and what is counted is such numbers too.
    """

    shape: Shape
    dtype: np.dtype  # as it is held
    batched: bool
    array: np.ndarray | None = None  # where it lies, for state and constants
    input: int = -1  # which input of the step it is
    constant: bool = False  # nothing ever writes it
    refusal: NotPlannable | None = None  # why it has no native form; raised where it is wanted

    @property
    def size(self) -> int:
        """Elements; per sample, for one of a batch."""
        return math.prod(self.shape)

    @property
    def made(self) -> bool:
        """Whether a node makes it."""
        return self.array is None and self.input < 0


@dataclass(eq=False)
class Node:
    """One native call."""

    kernel: Any
    operands: tuple[Value, ...]  # in the contract's order
    sizes: dict[str, int]  # of the letters; that of the batch is left out
    numbers: tuple[float, ...]
    batched: bool  # it works on samples, so that it can run block by block
    fold: int = 1  # how many of its samples make one of the batch: T where (N, T, i) is taken as (N * T, i)

    @property
    def contract(self) -> Contract:
        """The kernel's contract."""
        return self.kernel.contract

    @property
    def name(self) -> str:
        """The kernel's name."""
        return self.contract.name

    def _marked(self, mark: str) -> list[Value]:
        given = len(self.contract.reads)
        return [v for a, v in zip(self.contract.writes, self.operands[given:], strict=True) if a.mark == mark]

    @property
    def reads(self) -> list[Value]:
        """The values read, those updated in place among them."""
        return [*self.operands[: len(self.contract.reads)], *self._marked("~")]

    @property
    def writes(self) -> list[Value]:
        """The values written, those updated in place not among them."""
        return list(self.operands[len(self.contract.reads) :])

    @property
    def sums(self) -> list[Value]:
        """The values that are summed over the blocks of the batch."""
        return self._marked("+") if self.batched and self.kernel.mode == "blocks" else []


class Lowering:
    """The nodes of a step; ``value`` finds what an array of the first recording became."""

    def __init__(
        self, first: Recording, second: Recording, kernels: Mapping[str, Any], formulas: Mapping[str, Any]
    ) -> None:
        self.recordings = (first, second)
        self.kernels, self.formulas = kernels, formulas
        self.known: tuple[dict[Place, Value], dict[Place, Value]] = ({}, {})
        self.batch = tuple(len(recording.inputs[0]) for recording in self.recordings)
        self.nodes: list[Node] = []
        for i, (a, b) in enumerate(zip(first.inputs, second.inputs, strict=True)):
            self._remember(a, b, Value(a.shape[1:], a.dtype, True, input=i))
        if [c.rule for c in first.calls] != [c.rule for c in second.calls]:
            raise NotPlannable(
                "the step takes another course for other data or another batch size, or when it is repeated (a layer "
                "outside the model, whose gradient nobody clears?)"
            )
        for call_a, call_b in zip(first.calls, second.calls, strict=True):
            self._lower(call_a, call_b)

    def value(self, array: np.ndarray) -> Value:
        """The value that the step computed into an array; NotPlannable where no op did."""
        found = self.known[0].get(place(array))
        if found is not None and found.refusal is not None:
            raise found.refusal
        if found is None or not found.made:
            raise NotPlannable(f"what the step gives, of shape {array.shape}, is the result of no op")
        return found

    # Values

    def _remember(self, a: np.ndarray, b: np.ndarray, value: Value) -> Value:
        self.known[0][place(a)] = self.known[1][place(b)] = value
        return value

    def _fold(self, what: str, a: np.ndarray, b: np.ndarray) -> int:
        """How many rows of an array are one sample's; 0: it is shared."""
        if a.shape == b.shape:
            return 0
        if a.ndim and b.ndim and a.shape[1:] == b.shape[1:]:
            folds = [divmod(len(array), batch) for array, batch in zip((a, b), self.batch, strict=True)]
            if folds[0] == folds[1] and folds[0][1] == 0:
                return folds[0][0]
        raise NotPlannable(f"{what} folds the samples of a batch into another axis (shape {a.shape})")

    def _read(self, rule: Contract | Formula, name: str, a: np.ndarray, b: np.ndarray) -> Value:
        """The value that a rule reads; what no call made is state or a constant, or refused."""
        if not a.size:
            raise NotPlannable(f"{rule.name}: {name} has no elements (shape {a.shape})")
        found = [known.get(place(array)) for known, array in zip(self.known, (a, b), strict=True)]
        if found[0] is not found[1]:
            raise NotPlannable(f"{rule.name}: {name} is another array for other data")
        if found[0] is not None:
            if found[0].refusal is not None:
                raise found[0].refusal
            if found[0].batched:
                self._fold(f"{rule.name}: {name}", a, b)
            return found[0]
        first, second = self.recordings
        if a.shape == b.shape and first.first_values(a) == second.first_values(b):
            lasting = a is b or a.ctypes.data == b.ctypes.data
            if lasting and place(b) not in second.nudged and first.met(a) != second.met(b):
                raise NotPlannable(f"{rule.name}: Python changes {name} in place, beside the ops")
            return self._remember(
                a, b, self._kept(f"{rule.name}: {name}", a if lasting else a.copy("C"), not lasting)
            )
        if first.filled(a) and second.filled(b) and (a.shape[0], b.shape[0]) == self.batch and _alike(a, b):
            row = self.constant(a[0].astype(np.float32))
            return self._remember(a, b, self.moved(row, np.arange(row.size), a.shape[1:], True))
        raise NotPlannable(
            f"{rule.name}: {name} is made by Python from the data, from the model, from chance or from the batch size, "
            "beside the ops"
        )

    def _made(self, what: str, a: np.ndarray, b: np.ndarray) -> Value:
        if not a.size:
            raise NotPlannable(f"{what} has no elements (shape {a.shape})")
        batched = self._fold(what, a, b) > 0
        dtype = np.dtype(np.float32) if a.dtype == np.bool_ else a.dtype
        return self._remember(a, b, Value(self._of_one(a.shape, batched), dtype, batched))

    def _kept(self, what: str, array: np.ndarray, constant: bool) -> Value:
        """State, as it will be when a step begins, or a constant."""
        order = np.argsort([-s for s in array.strides], kind="stable")  # of the axes in memory
        held = array if array.flags.c_contiguous else array.transpose(order)
        if not held.flags.c_contiguous:
            raise NotPlannable(f"{what} has gaps in memory; make it numpy.ascontiguousarray")
        value = Value(held.shape, held.dtype, False, held, constant=constant)
        if held.dtype == np.bool_ and constant:
            value = self.constant(held.astype(np.float32))
        elif held.dtype == np.bool_:
            answers = held.view(np.uint8)
            state, value = Value(held.shape, answers.dtype, False, answers), self.made(held.shape)
            self.add("answers_to_float", state, value, **{"...": value.size})
        if held is array:
            return value
        places = np.arange(value.size).reshape(held.shape).transpose(np.argsort(order))
        return self.moved(value, places, array.shape, False)

    def as_float(self, rule: Formula, value: Value) -> Value:
        """The value as float32; whole numbers must be so small that they are the same there."""
        if value.dtype.kind == "f":
            return value
        if not self._exact:
            raise NotPlannable(
                f"{rule.name} meets whole numbers of 2^24 or more, which float32 does not tell apart"
            )
        out = Value(value.shape, np.dtype(np.float32), value.batched)
        if value.constant:
            assert value.array is not None
            return self.constant(value.array.astype(np.float32))
        self.add("to_float", value, out, n=1, s=out.size)
        return out

    def _of_one(self, shape: Shape, batched: bool) -> Shape:
        """The part of an array of the first recording that is one sample's, with the axis of samples where they are
        folded."""
        if not batched:
            return shape
        fold = shape[0] // self.batch[0]
        return (fold, *shape[1:]) if fold > 1 else shape[1:]

    def as_whole(self, value: Value) -> Value:
        """The value as whole numbers of 32 bits, as blocks hold them."""
        if value.constant and value.array is not None:
            return self.constant(value.array.astype(np.int32))
        if value.dtype.kind == "i" and (value.batched or value.dtype.itemsize == 4):
            return value
        raise NotPlannable(
            "whole numbers that are state, or that a step computes, are no index in native code"
        )

    @cached_property
    def _exact(self) -> bool:
        """Whether float32 tells the inputs' whole numbers apart, in all of the data."""
        first = self.recordings[0]
        return all(first.examine(a, _are_small) for a in first.inputs if a.dtype.kind == "i")

    # Calls

    def _lower(self, a: Call, b: Call) -> None:
        if isinstance(a.rule, Formula):
            try:
                self._formula(a, b, a.rule, self._reads(a, b))
            except (
                NotPlannable
            ) as refusal:  # of the last state of a recurrent layer, say, which nobody may want
                result, other = a.writes[a.rule.output], b.writes[a.rule.output]
                self._remember(result, other, Value(result.shape, result.dtype, False, refusal=refusal))
            return
        reads = list(self._reads(a, b).values())
        contract, writes = a.rule, []
        for argument in contract.writes:
            array, other = a.writes[argument.name], b.writes[argument.name]
            if argument.mark == "~":
                writes.append(self._read(contract, argument.name, array, other))
            else:
                writes.append(self._made(f"{contract.name}: {argument.name}", array, other))
        if a.numbers != b.numbers:
            raise NotPlannable(f"{contract.name}: its numbers depend on the data or on the batch size")
        kernel = self.kernels.get(contract.name)
        self._check(contract.name, kernel, a)
        fold = self._fold_of(a, b)
        sizes = self._sizes(a, fold > 0)
        numbers = tuple(a.numbers[name] for name in contract.scalars)
        self.nodes.append(Node(kernel, (*reads, *writes), sizes, numbers, fold > 0, max(fold, 1)))

    def _check(self, name: str, kernel: Any, call: Call) -> None:
        if kernel is None:
            raise NotPlannable(f"{name} has no native kernel")
        for array in (*call.reads.values(), *call.writes.values()):
            if (array.dtype == np.float64 and array.size > 8) or array.dtype.itemsize == 2:
                raise NotPlannable(f"{name} runs in {array.dtype}; plans are float32 (model.float())")

    def _reads(self, a: Call, b: Call) -> dict[str, Value]:
        return {name: self._read(a.rule, name, array, b.reads[name]) for name, array in a.reads.items()}

    def _fold_of(self, a: Call, b: Call) -> int:
        """How many times the batch a call's samples are; 0: it works on none."""
        assert isinstance(a.rule, Contract)
        fold = 0
        for argument in a.rule.arrays:
            arrays = ((call.reads | call.writes)[argument.name] for call in (a, b))
            found = self._fold(f"{a.rule.name}: {argument.name}", *arrays)
            if found and argument.letters[:1] not in (("n",), ("...",)):
                raise NotPlannable(f"{a.rule.name}: {argument} is not of a batch, but has the values of one")
            fold = max(fold, found if argument.letters[:1] == ("n",) else min(found, 1))
        return fold

    def _sizes(self, call: Call, batched: bool) -> dict[str, int]:
        assert isinstance(call.rule, Contract)
        sizes: dict[str, int] = {}
        for argument in call.rule.arrays:
            array = (call.reads | call.writes)[argument.name]
            if argument.letters == ("...",):
                sizes["..."] = array.size // (self.batch[0] if batched else 1)
            else:
                sizes |= {k: s for k, s in zip(argument.letters, array.shape, strict=True) if not k.isdigit()}
        if batched:
            sizes.pop("n", None)
        return sizes

    # Expressions

    def _formula(self, a: Call, b: Call, rule: Formula, reads: dict[str, Value]) -> None:
        result, other = a.writes[rule.output], b.writes[rule.output]
        known = self.known[0].get(place(result))
        if known is not None and known is self.known[1].get(place(other)):
            return  # the same values, perhaps in another shape
        out = self._made(rule.name, result, other)
        if rule.name in self.formulas:
            self._elementwise(a, rule, reads, out)
        elif rule.moves and not _picks_by_data(reads):
            self._move(a, b, rule, reads, out)
        elif rule is UNBROADCAST or rule.sums:
            self._sum(a, rule, reads, out)
        elif rule.name == "cast_forward":
            self._cast(a, b, reads["x"], out)
        elif is_product(rule):
            lower_product(self, a, reads, out)
        elif goes_along(rule, self.kernels):
            lower_along(self, a, reads, out)
        else:
            raise NotPlannable(f"{rule.name} has no native form")

    def _cast(self, a: Call, b: Call, source: Value, out: Value) -> None:
        """Answers and counts are float32 already, whole numbers 32 bits wide in blocks."""
        given, wanted = a.reads["x"].dtype, a.writes["z"].dtype
        if given.kind in "bi" and (wanted.kind == "i" or (source.dtype.kind, wanted) == ("f", np.float32)):
            self._remember(a.writes["z"], b.writes["z"], source)
        elif given.kind == "i" and wanted == np.float32:
            self.add("to_float", source, out, n=1, s=out.size)
        else:
            raise NotPlannable(f"cast_forward, of {given} to {wanted}, has no native form")

    def add(self, name: str, *operands: Value, fold: int = 1, **sizes: int) -> None:
        """A call of a kernel whose numbers are all 0."""
        kernel, batched = self.kernels[name], any(v.batched for v in operands)
        numbers = (0.0,) * len(kernel.contract.scalars)
        self.nodes.append(Node(kernel, operands, sizes, numbers, batched, fold if batched else 1))

    def constant(self, array: np.ndarray) -> Value:
        """A value that is the array as it is now, at every step."""
        return Value(array.shape, array.dtype, False, array, constant=True)

    def made(self, shape: Shape, batched: bool = False) -> Value:
        """A value that some call is yet to make."""
        return Value(shape, np.dtype(np.float32), batched)

    def in_order(self, value: Value, places: np.ndarray) -> Value:
        """The value with its elements in the order of these places."""
        if np.array_equal(places.reshape(-1), np.arange(value.size)):
            return value
        return self.moved(value, places, places.shape, value.batched)

    def _elementwise(self, call: Call, rule: Formula, reads: dict[str, Value], out: Value) -> None:
        kernel, dtype = self.formulas[rule.name], call.writes[rule.output].dtype
        self._check(rule.name, kernel, call)
        if dtype.kind not in "fb":
            raise NotPlannable(f"{rule.name} computes in {dtype}; plans do in float32 (x.float())")
        reads = {name: self.as_float(rule, value) for name, value in reads.items()}
        names = [a.name for a in kernel.contract.reads]
        shape = call.writes[rule.output].shape
        operands = [self._broadcast(rule, call.reads[name].shape, reads[name], shape, out) for name in names]
        numbers = tuple(call.numbers[name] for name in kernel.contract.scalars)
        self.nodes.append(Node(kernel, (*operands, out), {"...": out.size}, numbers, out.batched))

    def _broadcast(self, rule: Formula, own: Shape, value: Value, shape: Shape, out: Value) -> Value:
        """The value, an array of its own shape, spread over the shape of the result."""
        if value.batched == out.batched and value.size == out.size:
            return value
        if value.batched and len(own) != len(shape):
            raise NotPlannable(f"{rule.name}: samples of shape {value.shape} are broadcast to {out.shape}")
        if not value.batched and out.batched and len(own) == len(shape) and own[0] != 1:
            raise NotPlannable(f"{rule.name}: an array of shape {own} has a value for each sample of a batch")
        numbered = np.arange(value.size).reshape(self.row(own, value.batched))
        return self.moved(
            value, np.broadcast_to(numbered, self.row(shape, out.batched)), out.shape, out.batched
        )

    def row(self, shape: Shape, batched: bool) -> Shape:
        """The shape of an array of the first recording, if it were of one sample."""
        return (shape[0] // self.batch[0], *shape[1:]) if batched else shape

    def moved(self, value: Value, places: np.ndarray, shape: Shape, batched: bool) -> Value:
        """A new value whose element j is element places[j] of another, or 0 where that is below 0."""
        out = Value(shape, value.dtype, batched)
        self.put(value, places, out)
        return out

    def put(self, value: Value, places: np.ndarray, out: Value) -> None:
        """Make out of another's elements at places, 0 where that is below 0."""
        if value.dtype.kind == "i" and not value.batched:
            value = self.as_whole(value)
        index = _constant(places)
        if value.batched:
            self.add("take_forward", value, index, out, i=value.size, j=out.size)
        elif out.batched:
            like = next(v for v in self.known[0].values() if v.batched)
            self.add("spread_forward", value, index, like, out, i=value.size, j=out.size, k=like.size)
        elif value.constant:
            assert value.array is not None
            out.array, out.constant = np.ascontiguousarray(value.array.reshape(-1)[places]), True
        else:
            self.add("take_forward", value, index, out, n=1, i=value.size, j=out.size)

    def _move(self, a: Call, b: Call, rule: Formula, reads: dict[str, Value], out: Value) -> None:
        """Run the formula on numbered places to learn where each element comes from."""
        parts = [(reads[name], self._origins(a, b, rule, name, reads[name], out)) for name in sources(a)]
        source, places = parts[0]
        out.dtype = source.dtype
        if rest := a.numbers.get("value"):  # a number where there is no element
            numbers = self.constant(np.where(places < 0, rest, 0).astype(np.float32))
            parts.append((numbers, np.arange(out.size)))
        if len(parts) > 1 and source.dtype.kind != "f":
            raise NotPlannable(f"{rule.name} joins whole numbers, for which it has no native form")
        if len(parts) > 1:
            self._join(parts, out)
        elif source.made and out.batched and np.array_equal(places.reshape(-1), np.arange(source.size)):
            self._remember(a.writes[rule.output], b.writes[rule.output], source)  # all stay where they are
        else:
            self.put(source, places, out)

    def _origins(self, a: Call, b: Call, rule: Formula, name: str, source: Value, out: Value) -> np.ndarray:
        places, other = (
            places_of(call, rule, name, source, out, batch)
            for call, batch in zip((a, b), self.batch, strict=True)
        )
        if not np.array_equal(places, other):
            raise NotPlannable(f"{rule.name} picks other elements for other data")
        return places

    def _join(self, parts: list[tuple[Value, np.ndarray]], out: Value) -> None:
        """Elements of several values: the sum of all, each zero where the others are not."""
        total, *others = (self.moved(value, places, out.shape, out.batched) for value, places in parts)
        add = self.formulas["add_forward"]
        for i, other in enumerate(others, 1):
            result = out if i == len(others) else Value(out.shape, out.dtype, out.batched)
            self.nodes.append(Node(add, (total, other, result), {"...": out.size}, (), out.batched))
            total = result

    def _sum(self, call: Call, rule: Formula, reads: dict[str, Value], out: Value) -> None:
        """Sums over axes: where each element of x goes to is a broadcast of the numbered places of the result."""
        name = next(iter(reads))
        x, array = self.as_float(rule, reads[name]), call.reads[name]
        out.dtype = x.dtype
        shape = call.writes[rule.output].shape
        if rule is not UNBROADCAST:
            shape = np.sum(array, axis=call.numbers["axis"], keepdims=True).shape
        if out.batched and array.ndim != len(shape):
            raise NotPlannable(f"{rule.name} has no native form where samples are broadcast")
        numbered = np.arange(out.size).reshape(self.row(shape, out.batched))
        index = _constant(np.broadcast_to(numbered, self.row(array.shape, x.batched)))
        if x.batched and not out.batched:
            self.add("spread_dx", x, index, out, i=out.size, j=x.size)
        else:
            self.add("take_dx", x, index, out, n=1, i=out.size, j=x.size)


def _picks_by_data(reads: dict[str, Value]) -> bool:
    index = reads.get("index")
    return index is not None and index.array is None


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether all samples of both are the same numbers, none of them NaN."""
    return (
        a.dtype.kind == "f" and a.shape[1:] == b.shape[1:] and bool((a == a[0]).all() and (b == a[0]).all())
    )


def _are_small(whole: np.ndarray) -> bool:
    return bool(np.all(np.abs(whole) < 2**24))


def _constant(places: np.ndarray) -> Value:
    array = np.ascontiguousarray(places.reshape(-1), np.int32)
    return Value(array.shape, array.dtype, False, array)
