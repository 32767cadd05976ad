"""Elementwise ops of one's own, from one NumPy expression: its gradients are worked out from it.

# Design: the function is called once with symbols that answer to Python's operators and to NumPy's functions, so that
# lambdas, closures and functions without a source file serve alike.  The expression then goes the way of the library's
# own formulas (``_kernels/_formula.py``) to Numba.  Rejected: parsing the source, which lambdas within a call do not
# have to themselves; differences in place of derivatives, which lose half of the digits.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ._kernels._formula import Parsed
from ._own_kernels import Kernel, OwnKernel, OwnOp
from ._state import state
from .autograd import Tensor, as_tensor
from .functions import elementwise as functions

__all__ = ["ElementwiseOp", "elementwise"]

_UFUNCS: dict[str, Any] = {
    **{"add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div, "power": ast.Pow},
    **{"greater": ast.Gt, "less": ast.Lt, "greater_equal": ast.GtE, "less_equal": ast.LtE, "equal": ast.Eq},
}
_LOGIC: dict[str, Any] = {
    **{
        "bitwise_and": ast.BitAnd,
        "logical_and": ast.BitAnd,
        "bitwise_or": ast.BitOr,
        "logical_or": ast.BitOr,
    },
    **{"invert": ast.Invert, "logical_not": ast.Invert},
}
# What a formula may call, by NumPy's names, and the derivatives by u.
DERIVATIVES = {
    "abs": "sign(u)",
    "arctan": "1 / (1 + u * u)",
    "cos": "-sin(u)",
    "cosh": "sinh(u)",
    "exp": "exp(u)",
    "expm1": "exp(u)",
    "log": "1 / u",
    "log1p": "1 / (1 + u)",
    "sign": "0",
    "sin": "cos(u)",
    "sinh": "cosh(u)",
    "sqrt": "0.5 / sqrt(u)",
    "tan": "1 + tan(u) * tan(u)",
    "tanh": "1 - tanh(u) * tanh(u)",
}
_OTHERS = ("maximum", "minimum", "where")
_FUNCTIONS = {"abs": np.absolute} | {
    name: getattr(np, name) for name in (*DERIVATIVES, *_OTHERS) if name != "abs"
}
_ZERO, _ONE = ast.Constant(0), ast.Constant(1)


class _Symbol(NDArrayOperatorsMixin):
    """A value of a formula, known by its expression."""

    def __init__(self, node: ast.expr) -> None:
        self.node = node

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *values: Any, **options: Any) -> _Symbol:
        name = {"absolute": "abs", "fabs": "abs", "true_divide": "divide"}.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or options:
            raise TypeError(
                f"numpy.{ufunc.__name__}.{method} with {sorted(options)} is not of single elements"
            )
        nodes = [_node(value) for value in values]
        if name in _LOGIC:
            return _Symbol(_logical(name, nodes))
        if all(map(_is_condition, nodes)) and name not in ("equal", "not_equal"):
            raise TypeError(
                f"numpy.{ufunc.__name__} of {' and '.join(map(ast.unparse, nodes))}: expected numbers, got conditions; "
                "make them np.where(condition, 1, 0), or join them by & and |"
            )
        if name in _UFUNCS:
            return _Symbol(_binary(_UFUNCS[name](), *nodes))
        match name:
            case "not_equal":
                return _Symbol(_unlike(*nodes))
            case "negative":
                return _Symbol(ast.UnaryOp(ast.USub(), nodes[0]))
            case "square":
                return _Symbol(_times(nodes[0], nodes[0]))
            case "reciprocal":
                return _Symbol(_over(_ONE, nodes[0]))
            case "positive":
                return self
        return _Symbol(_call(name, *nodes))

    def __array_function__(self, function: Callable[..., Any], types: Any, values: Any, options: Any) -> Any:
        if function is np.clip and len(values) == 3:
            return values[0].clip(*values[1:])
        if function is not np.where or len(values) != 3:
            raise TypeError(f"numpy.{function.__name__} is nothing that a formula may call: {_allowed()}")
        condition, *sides = map(_node, values)
        return _Symbol(_call("where", _as_condition(condition), *sides))

    def clip(self, low: Any, high: Any, **options: Any) -> Any:
        return _Symbol(_call("minimum", _call("maximum", self.node, _node(low)), _node(high)))

    def __bool__(self) -> bool:
        raise TypeError(
            "a condition on an element cannot be asked by if, and, or, min or max: use np.where(c, a, b)"
        )

    def __float__(self) -> float:
        raise TypeError("an element is no float yet: use NumPy's functions in place of those of math")


def _node(value: Any) -> ast.expr:
    if isinstance(value, _Symbol):
        return value.node
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, (bool, int, float)):
        return ast.Constant(value)
    if np.ndim(value):
        raise TypeError(f"an array of shape {np.shape(value)} is among the elements; make it an argument")
    raise TypeError(f"{value!r} is among the elements, expected a real number or a parameter")


def _allowed() -> str:
    return f"arithmetic, comparisons, {', '.join(sorted((*DERIVATIVES, *_OTHERS, 'clip', 'square')))}"


def _call(name: str, *nodes: ast.expr) -> ast.expr:
    if name not in _FUNCTIONS:
        raise TypeError(f"numpy.{name} is nothing that a formula may call: {_allowed()}")
    return ast.Call(ast.Name(name), list(nodes), [])


# Expressions, with what is zero or one left out


def _is(node: ast.expr, value: float) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _binary(op: ast.AST, a: ast.expr, b: ast.expr) -> ast.expr:
    match op:
        case ast.Pow():
            if _is(b, 2) or _is(b, 3):
                return _times(a, _power(a, b.value - 1))  # type: ignore[attr-defined]
            return ast.BinOp(a, op, b)
        case ast.operator():
            return ast.BinOp(a, op, b)
    return ast.Compare(a, [op], [b])  # type: ignore[list-item]


def _unlike(a: ast.expr, b: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Invert(), ast.Compare(a, [ast.Eq()], [b]))


def _is_condition(node: ast.expr) -> bool:
    match node:
        case (
            ast.Compare()
            | ast.Constant(bool())
            | ast.UnaryOp(ast.Invert())
            | ast.BinOp(op=ast.BitAnd() | ast.BitOr())
        ):
            return True
    return False


def _as_condition(node: ast.expr) -> ast.expr:
    """Whether a number is other than 0, as NumPy takes it."""
    return node if _is_condition(node) else _unlike(node, _ZERO)


def _logical(name: str, nodes: list[ast.expr]) -> ast.expr:
    """``&``, ``|`` and ``~`` of conditions; those that NumPy calls logical take numbers too."""
    for node in nodes:
        if not name.startswith("logical") and not _is_condition(node):
            raise TypeError(
                f"numpy.{name} (&, | or ~) of {ast.unparse(node)}: expected a condition, got a number; write "
                f"{ast.unparse(node)} != 0"
            )
    first, *second = map(_as_condition, nodes)
    op = _LOGIC[name]()
    return ast.BinOp(first, op, second[0]) if second else ast.UnaryOp(op, first)


def _power(a: ast.expr, exponent: Any) -> ast.expr:
    return a if exponent == 1 else _binary(ast.Pow(), a, ast.Constant(exponent))


def _plus(a: ast.expr, b: ast.expr) -> ast.expr:
    return b if _is(a, 0) else a if _is(b, 0) else ast.BinOp(a, ast.Add(), b)


def _minus(a: ast.expr, b: ast.expr) -> ast.expr:
    return a if _is(b, 0) else _negative(b) if _is(a, 0) else ast.BinOp(a, ast.Sub(), b)


def _negative(a: ast.expr) -> ast.expr:
    return a if _is(a, 0) else ast.UnaryOp(ast.USub(), a)


def _times(a: ast.expr, b: ast.expr) -> ast.expr:
    if _is(a, 0) or _is(b, 0):
        return _ZERO
    return b if _is(a, 1) else a if _is(b, 1) else ast.BinOp(a, ast.Mult(), b)


def _over(a: ast.expr, b: ast.expr) -> ast.expr:
    return a if _is(a, 0) or _is(b, 1) else ast.BinOp(a, ast.Div(), b)


def derivative(node: ast.expr, by: str) -> ast.expr:
    """The derivative of an expression by one of its names."""

    def d(part: ast.expr) -> ast.expr:
        return derivative(part, by)

    match node:
        case ast.Name(name):
            return _ONE if name == by else _ZERO
        case ast.UnaryOp(ast.USub(), u):
            return _negative(d(u))
        case ast.BinOp(u, ast.Add(), v):
            return _plus(d(u), d(v))
        case ast.BinOp(u, ast.Sub(), v):
            return _minus(d(u), d(v))
        case ast.BinOp(u, ast.Mult(), v):
            return _plus(_times(d(u), v), _times(u, d(v)))
        case ast.BinOp(u, ast.Div(), v):
            return _minus(_over(d(u), v), _over(_times(d(v), node), v))
        case ast.BinOp(u, ast.Pow(), v):
            lower = _times(v, _power_less_one(u, v))
            return _plus(_times(d(u), lower), _zero_or(d(v), lambda: _call("log", u), node))
        case ast.Call(ast.Name("where"), [c, u, v]):
            return _choose(c, d(u), d(v))
        case ast.Call(ast.Name("maximum" | "minimum" as name), [u, v]):
            first = ast.Compare(u, [ast.Gt() if name == "maximum" else ast.Lt()], [v])
            half = _times(ast.Constant(0.5), _plus(d(u), d(v)))
            return _choose(first, d(u), _choose(ast.Compare(u, [ast.Eq()], [v]), half, d(v)))
        case ast.Call(ast.Name(name), [u]):
            outer = _Put(u).visit(ast.parse(DERIVATIVES[name], mode="eval").body)
            return _times(d(u), outer)
    return _ZERO  # numbers and conditions


def _power_less_one(u: ast.expr, v: ast.expr) -> ast.expr:
    if isinstance(v, ast.Constant):
        exponent: Any = v.value
        return _ONE if exponent == 1 else _power(u, exponent - 1)
    return ast.BinOp(u, ast.Pow(), _minus(v, _ONE))


def _zero_or(a: ast.expr, b: Callable[[], ast.expr], c: ast.expr) -> ast.expr:
    return a if _is(a, 0) else _times(a, _times(b(), c))


def _choose(c: ast.expr, u: ast.expr, v: ast.expr) -> ast.expr:
    return u if ast.dump(u) == ast.dump(v) else _call("where", c, u, v)


class _Put(ast.NodeTransformer):
    """An expression in the place of u."""

    def __init__(self, node: ast.expr) -> None:
        self.node = node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.node if node.id == "u" else node


# The op


class ElementwiseOp(OwnOp):
    """What ``fastnano.elementwise`` makes: a function of tensors, which are broadcast."""

    def __init__(self, name: str, function: Callable[..., Any], given: Any = None) -> None:
        arrays, numbers, defaults = _parameters(name, function)
        self.expression = _traced(name, function, arrays, numbers)
        self.derived = given is None
        slopes = _given(name, given, arrays, numbers) or [derivative(self.expression, a) for a in arrays]
        values = [_times(ast.Name("dy"), slope) for slope in slopes]
        reads = [[r for r in (*arrays, "y") if r in _names(value)] for value in values]
        tail = f" ; {' '.join(numbers)}" if numbers else ""
        super().__init__(
            name,
            f"{' '.join(f'{a}[...]' for a in arrays)} -> y[...]{tail}",
            tuple(f"{' '.join(['dy', *r])} -> d{a}" for r, a in zip(reads, arrays, strict=True)),
        )
        self.defaults = defaults
        forward = Parsed(self.forward.name, arrays, numbers, "y", (("y", self.expression),))
        parsed = [forward] + [
            Parsed(g.name, ("dy", *r), numbers, f"d{a}", ((f"d{a}", value),))
            for g, r, a, value in zip(self.gradients, reads, arrays, values, strict=True)
        ]
        self.kernels = {f.name: OwnKernel(f.name, _in_numpy(f), partial(_in_numba, f)) for f in parsed}
        self.formulas = {f.name: ast.unparse(f.steps[0][1]) for f in parsed}  # for the reader
        self.__doc__, self.__module__, self.__qualname__ = (
            function.__doc__,
            function.__module__,
            function.__qualname__,
        )

    def __call__(self, /, *inputs: Any, **numbers: Any) -> Tensor:
        count = len(self.inputs)
        arrays = [as_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs[:count]]
        like = next((x for x in arrays if isinstance(x, Tensor)), None)
        tensors = [as_tensor(x, like) for x in arrays]
        if state.recording is not None and self.derived and len(inputs) >= count:
            return self._of_ops(tensors, dict(zip(self.scalars, inputs[count:], strict=False)) | numbers)
        if len({t.shape for t in tensors}) > 1:
            shape = np.broadcast_shapes(*(t.shape for t in tensors))
            tensors = [t if t.shape == shape else t.expand(shape) for t in tensors]
        return super().__call__(*tensors, *inputs[count:], **numbers)

    def _of_ops(self, tensors: list[Tensor], numbers: dict[str, Any]) -> Tensor:
        """The expression in the library's own ops, whose native forms a compiled step can take up."""
        known = dict(zip(self.inputs, tensors, strict=True)) | self.defaults | numbers
        words = {name: getattr(functions, name) for name in _FUNCTIONS}
        return eval(ast.unparse(self.expression), words, known)

    def __repr__(self) -> str:
        return f"<elementwise {self.name}({', '.join([*self.inputs, *self.scalars])}) = {ast.unparse(self.expression)}>"


def elementwise(
    function: Callable[..., Any] | None = None, *, derivative: Any = None, name: str | None = None
) -> Any:
    """Make an op of one NumPy expression of single elements; its gradients follow by the rules of calculus::

        @fastnano.elementwise
        def swish(x, *, beta=1.0):
            return 0.5 * x * (1 + np.tanh(0.5 * beta * x))

        y = swish(x, beta=1.5)                                          # tensors in, tensor out, on the tape
        leaky = fastnano.elementwise(lambda x, a: np.where(x > 0, x, a * x), name="leaky")
        y = leaky(x, weight)                                            # with a gradient for both, broadcast

    Positional parameters are tensors (or numbers), each with a gradient; those behind ``*`` and those with a default
    are plain numbers.  The function may use arithmetic, comparisons, ``&``, ``|``, ``~``, ``np.where``, ``np.exp`` and
    such; conditions are no numbers, and a formula that ends in one gives 1 or 0.  At a kink ``where`` takes the side
    its condition says, ``maximum`` half of each.  ``derivative`` gives dy/dx instead (a function of the same
    parameters, or one for each tensor), for a straight-through estimator, say.  Derivatives overflow where the
    expression does: tanh serves large x where exp does not.  ``swish.formulas`` shows what was derived.  Numba
    compiles the loops; compiled steps take the expression as the ops it is made of, where these have native forms and
    no ``derivative`` is given.

    Raises TypeError for what is no expression of single elements, naming it.
    """
    if function is None:
        return lambda function: elementwise(function, derivative=derivative, name=name)
    if not callable(function):
        raise TypeError(f"elementwise: function must be callable, got {type(function).__name__}")
    given = name or function.__name__
    if not given.isidentifier():
        given = "own"  # a lambda
    return ElementwiseOp(given, function, derivative)


def _parameters(
    name: str, function: Callable[..., Any]
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Names of arrays and of numbers, and the numbers' defaults."""
    parameters = inspect.signature(function).parameters.values()
    number = [p.kind is p.KEYWORD_ONLY or p.default is not p.empty for p in parameters]
    arrays = tuple(p.name for p, is_number in zip(parameters, number, strict=True) if not is_number)
    numbers = tuple(p.name for p, is_number in zip(parameters, number, strict=True) if is_number)
    if not arrays or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise TypeError(
            f"elementwise {name}: takes ({', '.join(map(str, parameters))}), expected x and more by name, then numbers "
            "behind *"
        )
    _check_names(name, arrays, numbers)
    return arrays, numbers, {p.name: p.default for p in parameters if p.default is not p.empty}


def _check_names(name: str, arrays: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    meanings = {"y": "the result", **dict.fromkeys((*_FUNCTIONS, "prange"), "a function")}
    meanings |= {f"d{array}": f"the gradient of {array}" for array in ("y", *arrays)}
    for parameter in (*arrays, *numbers):
        if parameter in meanings or parameter.startswith("_"):
            meaning = meanings.get(parameter, "a name of the compiled loop")
            raise TypeError(
                f"elementwise {name}: the parameter {parameter!r} is {meaning} in a formula; expected another name, "
                "call it otherwise"
            )


def _traced(
    name: str, function: Callable[..., Any], arrays: tuple[str, ...], numbers: tuple[str, ...]
) -> ast.expr:
    symbols = {n: _Symbol(ast.Name(n)) for n in (*arrays, *numbers)}
    try:
        value = function(*(symbols[a] for a in arrays), **{n: symbols[n] for n in numbers})
    except TypeError as error:
        raise TypeError(f"elementwise {name}: {error}") from error
    if not isinstance(value, _Symbol):
        raise TypeError(
            f"elementwise {name}: gives a {type(value).__name__}, expected an expression of {arrays[0]}"
        )
    node = value.node
    return _call("where", node, ast.Constant(1.0), ast.Constant(0.0)) if _is_condition(node) else node


def _given(
    name: str, derivative: Any, arrays: tuple[str, ...], numbers: tuple[str, ...]
) -> list[ast.expr] | None:
    if derivative is None:
        return None
    functions = list(derivative) if isinstance(derivative, (tuple, list)) else [derivative]
    if len(functions) != len(arrays) or not all(map(callable, functions)):
        raise TypeError(f"elementwise {name}: derivative must be a function for each of {', '.join(arrays)}")
    return [_traced(f"{name}'s derivative", f, arrays, numbers) for f in functions]


def _names(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _in_numpy(formula: Parsed) -> Kernel:
    """The kernel as the formula stands, in NumPy."""
    ((output, value),) = formula.steps
    code = compile(ast.unparse(value), f"<{formula.name}>", "eval")

    def run(*arguments: Any) -> None:
        known = dict(zip(formula.arguments, arguments, strict=True))
        with np.errstate(all="ignore"):  # where() takes both of its sides
            known[output][...] = eval(code, _FUNCTIONS, known)

    return run


def _in_numba(formula: Parsed) -> Kernel:
    """The kernel as a compiled loop, kept on disk under a name that its text makes its own."""
    from ._kernels import _formula, _numba, _words_numba

    fresh = tuple((name, ast.parse(ast.unparse(value), mode="eval").body) for name, value in formula.steps)
    text = _formula.loop(replace(formula, steps=fresh))  # which changes the nodes, and some are shared
    unique = f"{formula.name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    scope = {**_FUNCTIONS, **_words_numba.WORDS, "__name__": __name__}
    exec(compile(text.replace(f"def {formula.name}(", f"def {unique}(", 1), __file__, "exec"), scope)
    return _numba.Kernel(scope[unique], 40_000, flat=True)
