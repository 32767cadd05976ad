"""The options of ``fastnano train``, what they stand for, and how a run's file gives them again."""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..architecture import MODELS, unknown
from ._parser import Parser, UsageError, number, one_of, path
from ._run import CONFIG, DATASETS, INPUT_SHAPE, read_options

if TYPE_CHECKING:
    from .. import nn, optim
    from ..data import Compose, ImageDataset

LOSSES = {  # of scores and labels
    "cross-entropy": "CrossEntropyLoss",
    "squared-log": "SquaredLogLoss",
    "expectation": "ExpectationLoss",
    "regularized-expectation": "RegularizedExpectationLoss",
    "chebyshev": "ChebyshevLoss",
    "tanimoto": "TanimotoLoss",
    "cauchy-schwarz": "CauchySchwarzLoss",
    "hinge": "HingeLoss",
    "squared-hinge": "SquaredHingeLoss",
    "cubed-hinge": "CubedHingeLoss",
    "multi-margin": "MultiMarginLoss",
}
ONE_HOT_LOSSES = {  # of scores and 1 for the label's class, 0 for the rest
    "bce": "BCEWithLogitsLoss",
    "mse": "MSELoss",
    "l1": "L1Loss",
    "smooth-l1": "SmoothL1Loss",
    "log-cosh": "LogCoshLoss",
}
OPTIMIZERS = {  # classes, and learning rates
    "sgd": ("SGD", 0.05),
    "adam": ("Adam", 0.003),
    "adamw": ("AdamW", 0.003),
    "nadam": ("NAdam", 0.003),
    "radam": ("RAdam", 0.003),
    "adamax": ("Adamax", 0.005),
    "rmsprop": ("RMSprop", 0.001),
    "adagrad": ("Adagrad", 0.02),
    "adadelta": ("Adadelta", 1.0),
    "lion": ("Lion", 0.0005),
}
MOMENTUM = {"sgd": 0.9, "rmsprop": 0.0}
Schedule = Callable[[Any, Any, Any, int], Any]
SCHEDULES: dict[str, Schedule] = {  # of lr_scheduler, options, optimiser, steps per epoch
    "none": lambda *_: None,
    "step": lambda s, args, optimizer, _: s.StepLR(optimizer, max(1, args.epochs // 3)),
    "exponential": lambda s, args, optimizer, _: s.ExponentialLR(optimizer, 0.01 ** (1 / args.epochs)),
    "linear": lambda s, args, optimizer, _: s.LinearLR(optimizer, 1.0, 0.0, args.epochs),
    "cosine": lambda s, args, optimizer, _: s.CosineAnnealingLR(optimizer, args.epochs),
    "restarts": lambda s, args, optimizer, _: s.CosineAnnealingWarmRestarts(optimizer, -(-args.epochs // 3)),
    "plateau": lambda s, _, optimizer, __: s.ReduceLROnPlateau(optimizer, factor=0.3, patience=1),
    "cyclic": lambda s, args, optimizer, steps: s.CyclicLR(
        optimizer, args.lr / 10, args.lr, -(-steps // 2), cycle_momentum=_cycles(args)
    ),
    "onecycle": lambda s, args, optimizer, steps: s.OneCycleLR(
        optimizer, args.lr, steps * args.epochs, cycle_momentum=_cycles(args)
    ),
}
AUGMENTS = {  # pixels, degrees, probability; those below run without a plan: deviation, pixels, probability, strength
    **{"shift": 2, "rotate": 10, "flip": 0.5},
    **{"noise": 0.1, "cutout": 8, "erase": 0.5, "elastic": 34.0},
}
BACKENDS = ("cython", "numba", "numpy")
COMPILE: dict[str, bool | str] = {"auto": "auto", "always": True, "never": False}
NOT_REPEATED = ("config", "resume", "out")  # a run's file does not hold them
WITH_RESUME = ("resume", "data_dir", "threads", "backend", "compile")


def parser() -> Parser:
    """The parser of ``fastnano train``, whose options a run's file repeats."""
    p = Parser("train", "Train a network and keep all about it in a run folder.", "[options]")
    _data_options(p.add_argument_group("data").add_argument)
    _network_options(p.add_argument_group("network").add_argument)
    _training_options(p.add_argument_group("training").add_argument)
    _run_options(p.add_argument_group("machine and runs").add_argument)
    return p


def _data_options(add: Callable[..., Any]) -> None:
    add(
        "--dataset",
        metavar="NAME",
        default="auto",
        type=one_of("data set", DATASETS),
        help=", ".join(DATASETS),
    )
    add("--data-dir", metavar="FOLDER", type=path, help="where the data set's files are")
    add(
        "--validation",
        metavar="SHARE",
        default=0.05,
        type=number(float, below=1),
        help="of the training images",
    )
    add(
        "--augment",
        metavar="LIST",
        help="any of shift=2,rotate=10,flip=0.5,noise=0.1,cutout=8,erase=0.5,elastic=34",
    )


def _network_options(add: Callable[..., Any]) -> None:
    add(
        "--model",
        metavar="NAME",
        type=one_of("model", MODELS),
        help="mlp, lenet5, cnn (if nothing is said) or bncnn",
    )
    add("--layers", metavar="LINE", help="such as 'conv 8 5, relu, maxpool 2, flatten, dense 10'")


def _training_options(add: Callable[..., Any]) -> None:
    rates = ", ".join(f"{rate} for {name}" for name, (_, rate) in OPTIMIZERS.items())
    for what, default, known in (
        ("loss", "cross-entropy", (*LOSSES, *ONE_HOT_LOSSES)),
        ("optimizer", "adam", tuple(OPTIMIZERS)),
        ("schedule", "onecycle", tuple(SCHEDULES)),
    ):
        add(f"--{what}", metavar="NAME", default=default, type=one_of(what, known), help=", ".join(known))
    add(
        "--lr",
        metavar="RATE",
        type=lambda text: text if text == "auto" else number(float, above=True)(text),
        help=f"learning rate, the highest of a cycle: {rates}; auto looks for one",
    )
    add(
        "--momentum",
        metavar="X",
        type=number(float, below=1),
        help="of sgd (0.9) and rmsprop (0), or as the cycle has it",
    )
    add("--weight-decay", metavar="X", type=number(float), help="0.01 for adamw, 0 for others")
    add("--label-smoothing", metavar="X", default=0.0, type=number(float, below=1), help="of cross-entropy")
    add(
        "--clip-norm", metavar="X", type=number(float, above=True), help="limit of the gradients' common norm"
    )
    add(
        "--epochs",
        metavar="N",
        default=3,
        type=number(int, 1, 2**31),
        help="times through the training images",
    )
    add("--batch-size", metavar="N", default=64, type=number(int, 1, 2**31), help="images per step")
    add("--seed", metavar="N", default=0, type=number(int, below=2**63), help="of weights, order, dropout")


def _run_options(add: Callable[..., Any]) -> None:
    add("--threads", metavar="N", type=number(int, 1, 2**31), help="of native code")
    add(
        "--compile",
        metavar="WHEN",
        default="auto",
        type=one_of("time to compile", COMPILE),
        help="the training step, into a native plan: auto (where it can be), always, never",
    )
    add("--backend", metavar="NAME", type=one_of("back end", BACKENDS), help=", ".join(BACKENDS))
    add("--out", metavar="FOLDER", type=path, help="the run's folder: runs/<date>-<data set>-<model>")
    add(
        "--config",
        metavar="FILE",
        type=path,
        help=f"repeat a run by its {CONFIG}; further options given here prevail",
    )
    add("--resume", metavar="RUN", type=path, help="go on with a run that was interrupted")


def parse(argv: list[str]) -> Any:
    """The options of a command line, over those of the run it repeats or resumes."""
    p = parser()
    args, given = p.parse(argv), _given(argv)
    if args.resume and args.config:
        raise UsageError("train: give one of --config and --resume")
    if args.resume:
        for name in given:
            if name not in WITH_RESUME:
                raise UsageError(f"train: --{name.replace('_', '-')} cannot change when a run is resumed")
    if "data_dir" in given and not Path(args.data_dir).expanduser().is_dir():
        raise UsageError(f"train: --data-dir {args.data_dir}: there is no such folder")
    path = run_file(args)
    if path is None:
        return _completed(args)
    repeated = _arguments(path, p, given)
    try:
        return _completed(p.parse(repeated + argv))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def run_file(args: Any) -> Path | None:
    """The file of the run that is repeated or resumed."""
    if args.resume:
        if not Path(args.resume).is_dir():
            raise UsageError(f"train: --resume {args.resume}: there is no such folder; name a run's")
        return Path(args.resume) / CONFIG
    path = Path(args.config) if args.config else None
    return path / CONFIG if path is not None and path.is_dir() else path


def _given(argv: list[str]) -> set[str]:
    """The options that a command line holds itself, those with their default values too."""
    p = parser()
    for action in p._actions:
        action.default = SUPPRESS
    return set(vars(p.parse(argv)))


def _arguments(path: Path, p: Parser, given: set[str]) -> list[str]:
    """A run's file as command-line arguments, so that the same checks hold for them."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; every run folder has its {CONFIG}")
    options = read_options(path)
    replaced = {"model", "layers"} if given & {"model", "layers"} else set()
    if "optimizer" in given:  # another one has a rate and a momentum of its own
        replaced |= {"lr", "momentum"}
    options = {name: value for name, value in options.items() if name not in replaced}
    for name in options:
        if name in (*NOT_REPEATED, "help"):
            raise ValueError(f"{path}: [options] cannot hold {name}; give --{name} on the command line")
        if f"--{name}" not in p._option_string_actions:
            raise ValueError(f"{path}: {p.unknown_option(f'--{name}')}")
    return [f"--{name}={value}" for name, value in options.items()]


def _completed(args: Any) -> Any:
    """Defaults that depend on other options, and combinations that make no sense."""
    if args.model is not None and args.layers is not None:
        raise UsageError("train: give one of --model and --layers")
    if args.momentum is not None and args.optimizer not in MOMENTUM:
        raise UsageError(f"train: --momentum is for --optimizer sgd and rmsprop, not {args.optimizer}")
    if args.label_smoothing and args.loss != "cross-entropy":
        raise UsageError(f"train: --label-smoothing is for --loss cross-entropy, not {args.loss}")
    if args.model is None and args.layers is None:
        args.model = "cnn"
    if args.layers is not None:
        from .. import architecture

        args.layers = " ".join(args.layers.split())  # it may have been broken into lines
        try:
            architecture.parse_layers(args.layers, INPUT_SHAPE)  # its faults come before any download
        except (ValueError, TypeError, MemoryError) as error:
            raise UsageError(f"train: --layers: {error}") from error
    if args.lr is None:
        args.lr = OPTIMIZERS[args.optimizer][1]
    augmentation(args.augment)
    return args


def options(args: Any) -> dict[str, Any]:
    """What a run's file keeps: all options that were not left open."""
    kept = {name.replace("_", "-"): value for name, value in vars(args).items() if name not in NOT_REPEATED}
    if args.data_dir:
        kept["data-dir"] = str(Path(args.data_dir).expanduser().resolve())
    return kept


# What they stand for


def network(args: Any, dataset: ImageDataset) -> nn.Sequential:
    """The network, new; it must have an output per class."""
    from .. import architecture

    if args.layers is None:
        return architecture.model(args.model, INPUT_SHAPE)
    model, classes = architecture.parse_layers(args.layers, INPUT_SHAPE), len(dataset.classes)
    shape = architecture.output_shape(model, INPUT_SHAPE)
    if shape != (classes,):
        raise ValueError(
            f"--layers: the output has shape {shape}, but {dataset.name} has {classes} classes; end with "
            f"'dense {classes}'" + (" after a 'flatten'" if len(shape) > 1 else "")
        )
    return model


def loss(args: Any) -> Any:
    """The loss that ``--loss`` names, of integer labels."""
    from .. import nn

    if args.loss == "cross-entropy":
        return nn.CrossEntropyLoss(label_smoothing=args.label_smoothing)
    if args.loss in ONE_HOT_LOSSES:
        return _of_one_hot(getattr(nn, ONE_HOT_LOSSES[args.loss])())
    return getattr(nn, LOSSES[args.loss])()


def _of_one_hot(loss: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    from ..nn.functional._loss_arguments import class_shares

    return lambda x, labels: loss(x, class_shares("loss", x, labels))


def optimizer(args: Any, model: nn.Module) -> optim.Optimizer:
    """The optimiser that ``--optimizer`` names, of the model's parameters."""
    from .. import optim

    name, rate = OPTIMIZERS[args.optimizer]
    given = {} if args.weight_decay is None else {"weight_decay": args.weight_decay}
    if args.optimizer in MOMENTUM:
        given["momentum"] = MOMENTUM[args.optimizer] if args.momentum is None else args.momentum
    return getattr(optim, name)(model.parameters(), lr=rate if args.lr == "auto" else args.lr, **given)


def scheduler(args: Any, optimizer: optim.Optimizer, steps: int) -> optim.lr_scheduler.LRScheduler | None:
    """The schedule over all epochs of so many steps."""
    from ..optim import lr_scheduler

    return SCHEDULES[args.schedule](lr_scheduler, args, optimizer, steps)


def _cycles(args: Any) -> bool:
    """Whether a cycle takes the momentum, or β₁, along."""
    return args.momentum is None and args.optimizer not in ("rmsprop", "adagrad", "adadelta")


def augmentation(text: str | None) -> Compose | None:
    """``shift=2,rotate=10,flip`` as transforms."""
    if not text:
        return None
    from .. import data
    from ..data import Compose

    kinds: dict[str, Any] = {
        **{"shift": data.RandomShift, "rotate": data.RandomRotation, "flip": data.RandomHorizontalFlip},
        **{"noise": lambda sigma: data.GaussianNoise(sigma=sigma), "cutout": data.Cutout},
        **{"erase": data.RandomErasing, "elastic": data.ElasticTransform},
    }
    transforms = []
    for item in text.split(","):
        name, _, amount = item.strip().partition("=")
        if name not in AUGMENTS:
            raise UsageError(f"train: --augment: {unknown('augmentation', name, AUGMENTS)}")
        usual = AUGMENTS[name]
        try:
            transforms.append(kinds[name](_amount(amount, type(usual)) if amount else usual))
        except ValueError as error:
            raise UsageError(f"train: --augment {item}: {error}; such as {name}={usual}") from None
    return Compose(transforms)


def _amount(text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a {'whole ' if kind is int else ''}number") from None
