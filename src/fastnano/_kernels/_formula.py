"""One formula for every back end: what a small Python function of elements becomes in Cython and in Numba.

A formula is a function of one element of each array it reads and, behind ``*``, of numbers; its value is written::

    def elu_dx(dy, x, *, alpha):
        return where(x <= 0, dy * (alpha * exp(x)), dy)

It may give intermediate values a name, and consists of arithmetic, comparisons, ``&``, ``|``, ``~``, of WORDS, of
numbers that have a name in its module and of what ``math`` makes of numbers.  NumPy runs it on whole arrays, as it
stands: it is the definition.

# Design: formulas are parsed, never run, so that building needs their text alone, and one tree serves both writers.
# Rejected: calling them with stand-ins for arrays, which the build, where nothing can be imported, cannot do.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass

WORDS = {  # the functions of a formula, and those of vector.h that compute them
    "abs": "absolute",
    "arctan": "arc_tangent",
    "erf": "error_function",
    "exp": "exponential",
    "expm1": "exponential_minus_1",
    "log": "log_of",
    "log1p": "log_of_1_plus",
    "maximum": "larger_of",
    "minimum": "smaller_of",
    "sigmoid": "sigmoid",
    "sign": "sign_of",
    "sqrt": "root",
    "tanh": "hyperbolic_tangent",
    "where": "choose",
}
CHEAP = {"abs", "maximum", "minimum", "sign", "where"}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {  # the function of vector.h, and whether its operands change places
    ast.Gt: ("greater", False),
    ast.Lt: ("greater", True),
    ast.GtE: ("at_least", False),
    ast.LtE: ("at_least", True),
    ast.Eq: ("alike", False),
    ast.NotEq: ("unlike", False),
}
_LOGIC = {ast.BitAnd: "both", ast.BitOr: "either", ast.BitXor: "one_of"}


class NotAFormula(ValueError):
    """The text says what a formula cannot."""


@dataclass(frozen=True)
class Parsed:
    """A parsed formula: what it reads, what it writes, and the steps to it."""

    name: str
    arrays: tuple[str, ...]
    numbers: tuple[str, ...]
    output: str
    steps: tuple[tuple[str, ast.expr], ...]  # named values, the last of them the output
    answers: bool = False  # its arrays may hold answers, 1 or 0, and be conditions

    @property
    def arguments(self) -> tuple[str, ...]:
        """Parameters of its kernels, in order."""
        return (*self.arrays, self.output, *self.numbers)

    @property
    def costly(self) -> bool:
        """Whether it calls a function that takes longer than reading the memory."""
        calls = (node for _, value in self.steps for node in ast.walk(value) if isinstance(node, ast.Call))
        return any(_word(call) not in CHEAP for call in calls)


def of_functions(source: str) -> list[Parsed]:
    """The formulas of a module: its functions without an underscore.  ``NAME_forward`` writes y, ``NAME_dx`` dx."""
    tree = ast.parse(source)
    known = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.UnaryOp)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    functions = [f for f in tree.body if isinstance(f, ast.FunctionDef) and not f.name.startswith("_")]
    return [_of_function(f, known) for f in functions]


def of_expressions(source: str) -> list[Parsed]:
    """Those of the lambdas in ``Expression`` rows that are formulas, and do more than hand their argument on."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(ast.Name("Expression"), [ast.Constant(str(row)), forward, *_], gradients):
                parts = [("forward", "z", forward), *((k.arg, k.arg, k.value) for k in gradients)]
                found += [_of_lambda(f"{row}_{part}", str(output), value) for part, output, value in parts]
    return [formula for formula in found if formula and _is_formula(formula)]


def _of_lambda(name: str, output: str, value: ast.expr) -> Parsed | None:
    """An expression's numbers are behind ``*``."""
    if not isinstance(value, ast.Lambda) or isinstance(value.body, ast.Name):
        return None
    arrays, numbers = (tuple(a.arg for a in some) for some in (value.args.args, value.args.kwonlyargs))
    return Parsed(name, arrays, numbers, output, ((output, _Numbers({}).visit(value.body)),), answers=True)


def _is_formula(formula: Parsed) -> bool:
    try:
        native(formula)
    except NotAFormula:
        return False
    return True


def _of_function(function: ast.FunctionDef, known: dict[str, float]) -> Parsed:
    ending = function.name.rpartition("_")[2]
    output = "y" if ending == "forward" else ending
    steps = []
    for statement in function.body:
        match statement:
            case ast.Expr(ast.Constant(str())):
                continue  # the docstring
            case ast.Assign([ast.Name(name)], value):
                steps.append((name, value))
            case ast.Return(value) if value and statement is function.body[-1]:
                steps.append((output, value))
            case _:
                raise NotAFormula(f"{function.name}: {ast.unparse(statement)!r} is no step of a formula")
    arrays, numbers = (tuple(a.arg for a in some) for some in (function.args.args, function.args.kwonlyargs))
    found = tuple((name, _Numbers(known).visit(value)) for name, value in steps)
    return Parsed(function.name, arrays, numbers, output, found)


class _Numbers(ast.NodeTransformer):
    """Numbers in the place of their names, and of what ``math`` makes of them."""

    def __init__(self, known: dict[str, float]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(self.known[node.id]) if node.id in self.known else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        match node:
            case ast.Attribute(ast.Name("math"), name) if isinstance(value := getattr(math, name), float):
                return ast.Constant(value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node.func:
            case ast.Attribute(ast.Name("math")):
                return ast.Constant(eval(ast.unparse(node), {"math": math, "__builtins__": {}}, self.known))
        return self.generic_visit(node)


def _word(call: ast.Call) -> str:
    """The function that is called, ``exp`` or ``np.exp``."""
    match call.func:
        case ast.Name(name) | ast.Attribute(ast.Name("np"), name):
            return name
    return ast.unparse(call.func)


# Cython


def native(formula: Parsed) -> str:
    """The kernel as Cython source, a vector at a time; load and store see to the last, shorter one."""
    parameters = [f"const float *{a}" for a in formula.arrays] + [f"float *{formula.output}"]
    parameters += [f"double {n}" for n in formula.numbers] + ["size begin", "size end"]
    write = _Native(formula)
    lines = [f"cdef void {formula.name}({', '.join(parameters)}) noexcept nogil:", "    cdef size i"]
    lines += [f"    cdef vec {n}_ = splat(<float> {n})" for n in formula.numbers]
    names = dict.fromkeys([*formula.arrays, *(name for name, _ in formula.steps)])
    lines += [f"    cdef vec {', '.join(f'{name}_' for name in names)}"]
    lines += ["    for i from begin <= i < end by LANES:"]
    lines += [f"        {a}_ = load({a} + i, end - i)" for a in formula.arrays]
    lines += [f"        {name}_ = {write.step(name, value)}" for name, value in formula.steps]
    lines += [f"        store({formula.output} + i, {formula.output}_, end - i)"]
    return "\n".join(lines) + "\n"


class _Native(ast.NodeVisitor):
    """Expressions in the functions of vector.h; each with whether it is a mask."""

    def __init__(self, formula: Parsed) -> None:
        self.name, self.known = formula.name, {*formula.arrays, *formula.numbers}
        self.answers = formula.arrays if formula.answers else ()

    def step(self, name: str, value: ast.expr) -> str:
        text = self.vector(value)
        self.known.add(name)
        return text

    def vector(self, node: ast.expr) -> str:
        """As numbers: 1 where a condition holds, else 0."""
        text, mask = self.visit(node)
        return f"where({text}, splat(1))" if mask else text

    def mask(self, node: ast.expr) -> str:
        text, mask = self.visit(node)
        if isinstance(node, ast.Name) and node.id in self.answers:
            return f"unlike({text}, splat(0))"
        if not mask:
            raise NotAFormula(f"{self.name}: {ast.unparse(node)} is no condition")
        return text

    def generic_visit(self, node: ast.AST) -> tuple[str, bool]:
        raise NotAFormula(f"{self.name}: {ast.unparse(node)!r} is nothing a formula may say")

    def visit_Constant(self, node: ast.Constant) -> tuple[str, bool]:
        if not isinstance(node.value, int | float):
            self.generic_visit(node)
        return f"splat({'INFINITY' if node.value == math.inf else repr(node.value)})", False

    def visit_Name(self, node: ast.Name) -> tuple[str, bool]:
        if node.id not in self.known:
            raise NotAFormula(f"{self.name}: {node.id} is neither a parameter nor a number of the module")
        return f"{node.id}_", False

    def visit_UnaryOp(self, node: ast.UnaryOp) -> tuple[str, bool]:
        if isinstance(node.op, ast.Invert):
            return f"neither({self.mask(node.operand)})", True
        if not isinstance(node.op, ast.USub):
            self.generic_visit(node)
        return f"(-{self.vector(node.operand)})", False

    def visit_BinOp(self, node: ast.BinOp) -> tuple[str, bool]:
        if type(node.op) in _LOGIC:
            return f"{_LOGIC[type(node.op)]}({self.mask(node.left)}, {self.mask(node.right)})", True
        left, right = self.vector(node.left), self.vector(node.right)
        if isinstance(node.op, ast.Pow):
            return f"power({left}, {right})", False
        if type(node.op) not in _ARITHMETIC:
            self.generic_visit(node)
        return f"({left} {_ARITHMETIC[type(node.op)]} {right})", False

    def visit_Compare(self, node: ast.Compare) -> tuple[str, bool]:
        if len(node.ops) > 1 or type(node.ops[0]) not in _COMPARISONS:
            self.generic_visit(node)
        function, exchanged = _COMPARISONS[type(node.ops[0])]
        sides = [self.vector(node.left), self.vector(node.comparators[0])]
        return f"{function}({', '.join(reversed(sides) if exchanged else sides)})", True

    def visit_Call(self, node: ast.Call) -> tuple[str, bool]:
        word = _word(node)
        if word not in WORDS or node.keywords:
            self.generic_visit(node)
        first: Callable[[ast.expr], str] = self.mask if word == "where" else self.vector
        arguments = [first(node.args[0]), *(self.vector(a) for a in node.args[1:])]
        return f"{WORDS[word]}({', '.join(arguments)})", False


# Numba


def loop(formula: Parsed) -> str:
    """The kernel as a parallel loop over flat arrays, its numbers in the arrays' dtype."""
    write = _Loop(formula)
    lines = [f"def {formula.name}({', '.join(formula.arguments)}):"]
    lines += [f"    __number = {formula.output}.dtype.type"]
    lines += [f"    _{n} = __number({n})" for n in formula.numbers]
    lines += [f"    for __i in prange({formula.output}.size):"]
    for name, value in formula.steps:
        place = f"{name}[__i]" if name == formula.output else name
        lines += [f"        {place} = {ast.unparse(write.visit(value))}"]
    return "\n".join(lines) + "\n"


class _Loop(ast.NodeTransformer):
    """One element of each array, and every number in their dtype."""

    def __init__(self, formula: Parsed) -> None:
        self.formula = formula

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.formula.arrays:
            return ast.Name(f"{node.id}[__i]")
        return ast.Name(f"_{node.id}") if node.id in self.formula.numbers else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(ast.Name(_word(node)), [self.visit(a) for a in node.args], [])

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Call(ast.Name("__number"), [node], [])
