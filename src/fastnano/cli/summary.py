"""``fastnano summary``: a network's layers, shapes and parameters."""

from __future__ import annotations

from ._parser import Parser, UsageError
from ._run import INPUT_SHAPE, Run


def main(argv: list[str]) -> int:
    from .. import architecture, inspect

    parser = Parser("summary", "A network's layers, shapes and parameters.")
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run's folder or model file")
    parser.add_argument("--model", help=f"a model by name: {', '.join(architecture.MODELS)}")
    parser.add_argument("--layers", help="an architecture line, such as 'conv 8 5, relu, flatten, dense 10'")
    args = parser.parse(argv)
    if sum(x is not None for x in (args.run, args.model, args.layers)) != 1:
        raise UsageError("summary: give one of RUN, --model NAME and --layers '...'")
    if args.run is not None:
        model = Run.open(args.run).model
    elif args.model is not None:
        model = architecture.model(args.model)
    else:
        model = architecture.parse_layers(args.layers)
    print(inspect.summary(model, INPUT_SHAPE))
    return 0
