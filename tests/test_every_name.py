"""Every public layer and function is run by some test: a row of a table, or a test file that is named here."""

import ast
from pathlib import Path

import pytest

import fastnano
from fastnano import nn
from test_loss_formulas import FORMULAS, FUNCTIONS
from torch_cases import table

ELSEWHERE = {  # what PyTorch lacks, what is left to chance, what is more than a row says
    "test_autograd": "as_tensor is_floating_point is_tensor numel",
    "test_activations": "ArcTan BinaryStep Gaussian binary_step gaussian",
    "test_containers": "Concat Lambda ModuleDict ModuleList ParameterDict ParameterList Residual",
    "test_embedding": "Maxout maxout",
    "test_functions": "bernoulli empty empty_like eye from_dlpack linspace logspace multinomial normal ones rand "
    "rand_like randint randn randn_like randperm zeros",
    "test_graph_layers": "EdgeConv GCNConv MessagePassing",
    "test_losses": "CubedHingeLoss HingeLoss SquaredHingeLoss hinge_loss",
    "test_modules": "Graph Module Parameter",
    "test_optim": "clip_grad_norm_ clip_grad_value_",
    "test_penalty": "L1L2Penalty L1Penalty L2Penalty MaxNorm MinMaxNorm NonNeg PenalizedLoss UnitNorm",
    "test_plan": "Dense",  # another name of Linear
    "test_recurrent": "gru lstm rnn",
    "test_spatial": "MixedPool2d",
}
TENSORS = {
    name
    for home, names in fastnano._NAMES.items()
    if home.startswith("functions.")
    for name in names
    if callable(getattr(fastnano, name))
}
MODULES = {"functional", "graph", "init", "utils"}


def named(tree: ast.AST) -> set[str]:
    """The names in code, and in its strings that are expressions, without those of the modules they are in."""
    found: set[str] = set()
    modules = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute() if node in modules:
                continue
            case ast.Name(name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.Constant(str(text)):
                try:
                    found |= named(ast.parse(text.strip(), mode="eval").body)
                except SyntaxError:
                    continue
    return found


def of_tables() -> set[str]:
    texts = [text for row in table() for text in (row.text, row.call) if text] + [*FORMULAS]
    return {*FUNCTIONS}.union(*(named(ast.parse(text, mode="eval")) for text in texts))


@pytest.mark.parametrize(
    "public",
    [{*nn.__all__} - MODULES, {*nn.functional.__all__}, TENSORS],
    ids=["nn", "nn.functional", "fastnano"],
)
def test_every_name_is_run(public):
    others = {name for names in ELSEWHERE.values() for name in names.split()}
    assert sorted(public - of_tables() - others) == []


@pytest.mark.parametrize("file", ELSEWHERE)
def test_what_is_elsewhere_is_there_and_in_no_table(file):
    names = set(ELSEWHERE[file].split())
    tree = ast.parse((Path(__file__).parent / f"{file}.py").read_text(encoding="utf-8"))
    assert sorted(names - named(tree)) == []
    assert sorted(names & of_tables()) == []
