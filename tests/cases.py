"""One row per op and step, several where shapes matter: the small, odd inputs that the generic tests run.

``case(name, sizes, name=maker or number ...)``: sizes by letter (``...=3x4``: an array of any shape), then
how to make an input where a standard normal array will not do, and the row's numbers.
"""

from __future__ import annotations

import numpy as np

from makers import *


def conv(stride=(1, 1), pad=(0, 0), dilation=(1, 1), groups=1):
    return window(stride, pad, dilation) | {"groups": groups}


def window(stride, pad, dilation=None):
    pairs = {"stride": stride, "pad": pad} | ({"dilation": dilation} if dilation else {})
    return {f"{k}_{axis}": v[i] for k, v in pairs.items() for i, axis in enumerate("hw")}


def pool(kernel, stride, pad=(0, 0), dilation=(1, 1), ceil=False):
    size = {"kernel_h": kernel[0], "kernel_w": kernel[1]}
    return size | window(stride, pad, dilation) | {"ceil_mode": ceil}


def average(kernel, stride, pad=(0, 0)):
    return {"kernel_h": kernel[0], "kernel_w": kernel[1]} | window(stride, pad)


CONVOLUTIONS = (
    #  sizes                              stride         padding     dilation       groups
    ("n=7 c=1 h=28 w=28 o=6 d=1 k=5 l=5", conv((1, 1), (2, 2))),
    ("n=5 c=6 h=14 w=14 o=16 d=6 k=5 l=5", conv()),
    ("n=3 c=2 h=7 w=6 o=5 d=2 k=3 l=2", conv((1, 1), (1, 0))),
    ("n=3 c=3 h=9 w=8 o=4 d=3 k=1 l=1", conv((2, 2))),
    ("n=2 c=4 h=9 w=8 o=6 d=2 k=3 l=2", conv((2, 3), (1, 2), (2, 1), 2)),
    ("n=2 c=3 h=11 w=8 o=3 d=1 k=3 l=4", conv((3, 2), (2, 1), (1, 2), 3)),
    ("n=1 c=3 h=11 w=5 o=2 d=3 k=1 l=2", conv((3, 2), (0, 5), (1, 2))),
    ("n=1 c=1 h=1 w=1 o=1 d=1 k=1 l=1", conv()),
)

TRANSPOSED = (  # of x[n,o,p,q]
    ("n=5 o=6 p=7 q=5 d=4 k=3 l=3 c=4", conv((2, 2), (1, 1)), (1, 1)),
    ("n=17 o=3 p=4 q=3 d=2 k=2 l=2 c=2", conv((2, 2)), (0, 0)),
    ("n=3 o=4 p=3 q=5 d=3 k=3 l=2 c=6", conv((2, 3), (1, 0), (2, 1), 2), (1, 2)),
    ("n=2 o=3 p=5 q=4 d=1 k=3 l=4 c=3", conv((1, 1), (2, 1), (1, 2), 3), (0, 1)),
    ("n=2 o=5 p=3 q=3 d=35 k=1 l=1 c=35", conv((3, 2)), (2, 1)),
    ("n=1 o=1 p=1 q=1 d=1 k=1 l=1 c=1", conv(), (0, 0)),
)

WINOGRAD = (  # 3 x 3 kernels in tiles of 4 x 4 outputs, some tiles and some channels at a time
    ("n=2 c=16 h=13 w=13 o=32 d=16 k=3 l=3", conv()),
    ("n=2 c=33 h=11 w=11 o=35 d=33 k=3 l=3", conv()),
    ("n=3 c=5 h=12 w=10 o=7 d=5 k=3 l=3", conv((1, 1), (1, 1))),
    ("n=3 c=1 h=9 w=26 o=17 d=1 k=3 l=3", conv((1, 1), (2, 0))),
    ("n=2 c=9 h=5 w=4 o=1 d=9 k=3 l=3", conv((1, 1), (1, 3))),
    ("n=1 c=2 h=1 w=3 o=3 d=2 k=3 l=3", conv((1, 1), (2, 4))),
    ("n=1 c=1 h=3 w=3 o=1 d=1 k=3 l=3", conv()),
)


def activations(names, smooth=True, **numbers):
    """Ordinary numbers, none close to zero; very large ones, infinities and NaN."""
    return [
        case(name, sizes, smooth and maker is away, x=maker, **numbers)
        for name in names.split()
        for sizes, maker in (("...=3x4x2", away), ("...=7x33", extreme))
    ]


ADAM = {"lr": values(0.1), "betas": values(0.9, 0.999), "eps": values(1e-8)}
ADAM |= {"exp_avg_sq": positive, "max_exp_avg_sq": positive}
DECAY = [{"weight_decay": values(0.01), "decoupled_weight_decay": values(how)} for how in (0, 1)]
NADAM = {"momentum_decay": values(0.004), "mu_product": values(0.4)}
RATES = {"lr": values(0.1), "weight_decay": values(0.01)}
SPREAD = {"eps": values(1e-6), "square_avg": positive}
CENTRED = {"alpha": values(0.9), "grad_avg": small}
SGD = {"lr": values(0.1), "momentum": values(0.9), "nesterov": values(0), "step": values(2)}
FIRST = {"step": values(1), "momentum_buffer": zeros}
NESTEROV = {"nesterov": values(1)}
LABELS = {"ignore_index": -100, "target": labels, "weight": positive}
MARGIN = {"target": classes, "weight": positive}
SURE = {"target": zeros}
PATCHY = {"x": patchy, "target": of_finite}
RUNNING = {"var": positive, "running_var": positive, "count": values(6), "tracked": values(3)}
ONE_VALUE = {"count": values(1)}

# fmt: off
CASES = [
    # linear
    case("linear", "n=7 i=5 o=3"),
    case("linear", "n=5 i=33 o=17"),
    case("linear", "n=1 i=1 o=1"),
    # products of every sample
    case("matmul", "n=7 i=5 k=3 j=6"),
    case("matmul", "n=3 i=17 k=33 j=9"),
    case("matmul", "n=1 i=1 k=1 j=1"),
    # convolution
    *(
        case(name, sizes, **numbers)
        for name in ("conv2d", "conv2d_im2col")
        for sizes, numbers in CONVOLUTIONS
    ),
    *(case("conv2d_winograd", sizes, **numbers) for sizes, numbers in WINOGRAD),
    *(
        case("conv_transpose2d", sizes, **numbers, output_pad_h=more[0], output_pad_w=more[1])
        for sizes, numbers, more in TRANSPOSED
    ),
    # pooling
    case("max_pool2d", "n=3 c=2 h=6 w=8", **pool((2, 2), (2, 2)), x=distinct),
    case("max_pool2d", "n=2 c=3 h=7 w=9", **pool((3, 2), (2, 3), (1, 1)), x=distinct),
    case("max_pool2d", "n=2 c=3 h=8 w=7", **pool((3, 3), (2, 2), (1, 1), ceil=True), x=distinct),
    case("max_pool2d", "n=2 c=1 h=9 w=8", **pool((2, 3), (1, 2), (1, 1), (3, 2)), x=distinct),
    case("max_pool2d", "n=2 c=3 h=7 w=6", **pool((3, 3), (1, 1), (1, 1)), x=few, smooth=False),
    case("max_pool2d", "n=2 c=3 h=7 w=6", **pool((2, 2), (2, 2), (1, 1)), x=special, smooth=False),
    case("avg_pool2d", "n=3 c=2 h=6 w=8 p=3 q=4", **average((2, 2), (2, 2)), scale=quarter),
    case("avg_pool2d", "n=2 c=3 h=7 w=9 p=4 q=4", **average((3, 2), (2, 3), (1, 1)), scale=positive),
    case("avg_pool2d", "n=2 c=1 h=5 w=5 p=3 q=3", **average((3, 2), (2, 2))),  # the last windows reach beyond
    # activation
    case("relu", "...=3x4x2", x=away),
    case("relu", "...=7x33", x=special, smooth=False),
    case("leaky_relu", "...=5x7", negative_slope=0.01, x=away),
    case("leaky_relu", "...=5x7", negative_slope=-0.5, x=away),
    case("sigmoid", "...=3x4x2"),
    case("sigmoid", "...=7x33", x=wide),
    case("tanh", "...=3x4x2"),
    case("tanh", "...=7x33", x=wide),
    *activations("elu", alpha=1.5),
    *activations("selu gelu gelu_tanh silu mish softsign logsigmoid gaussian"),
    *activations("celu", alpha=0.5),
    *activations("softplus", beta=2.0, threshold=20.0),
    *activations("hardtanh", min_val=-0.5, max_val=0.7),
    *activations("hardsigmoid hardswish"),
    *activations("hardshrink softshrink", lambd=0.01),
    *activations("threshold", threshold=0.0, value=7.0),
    *activations("binary_step", smooth=False, window=1.0),
    *activations("binary_step_sigmoid", smooth=False, slope=2.0),
    # softmax
    case("softmax", "n=6 c=4 s=1"),
    case("softmax", "n=3 c=5 s=7", x=wide),
    case("softmax", "n=3 c=5 s=7", x=masked, smooth=False),
    case("log_softmax", "n=6 c=10 s=1"),
    case("log_softmax", "n=3 c=5 s=7", x=wide),
    case("log_softmax", "n=3 c=1 s=2"),
    # norm
    case("batch_statistics", "n=6 c=5 s=1"),
    case("batch_statistics", "n=3 c=2 s=35", x=far),
    case("batch_norm", "n=6 c=5 s=1", eps=1e-5, mean=mean_of_x, var=var_of_x),
    case("batch_norm", "n=3 c=2 s=35", eps=1e-3, mean=mean_of_x, var=var_of_x),
    case("batch_norm_inference", "n=6 c=5 s=1", eps=1e-5, var=positive),
    case("batch_norm_inference", "n=3 c=2 s=35", eps=1e-3, var=positive),
    case("running_statistics", "c=5", **RUNNING, momentum=values(0.1)),
    case("running_statistics", "c=1", **RUNNING | ONE_VALUE, momentum=values(1)),
    case("running_statistics", "c=17", **RUNNING, momentum=values(np.nan)),
    case("layer_norm", "n=6 s=5", eps=1e-5),
    case("layer_norm", "n=3 s=515", eps=1e-3, x=far),
    case("layer_norm", "n=17 s=1", eps=0.1),
    case("layer_norm", "n=5 s=48", eps=1e-5),
    case("rms_norm", "n=6 s=5", eps=1e-5),
    case("rms_norm", "n=3 s=515", eps=1e-3, x=far),
    case("rms_norm", "n=17 s=1", eps=0.1),
    # dropout
    case("dropout", "...=3x4x2", p=0.5, key=key),
    case("dropout", "...=9x33", p=0.1, key=key),
    case("dropout", "...=7", p=0.0, key=key),
    case("dropout", "...=7", p=1.0, key=key),
    case("next_key", state=key),
    case("uniform", "...=3x4x2", low=-1.0, high=1.0, key=key),
    case("uniform", "...=9x33", low=0.125, high=0.5, key=key),
    # recurrent
    *(
        case(name, sizes)
        for name in ("rnn_tanh", "rnn_relu")
        for sizes in ("n=3 t=4 g=5 h=5", "n=5 t=1 g=33 h=33", "n=1 t=3 g=1 h=1", "n=17 t=2 g=16 h=16")
    ),
    *(
        case(name, sizes)
        for name, gates in (("lstm", 4), ("gru", 3))
        for sizes in (
            f"n=3 t=4 g={5 * gates} h=5",
            f"n=5 t=1 g={33 * gates} h=33",
            f"n=1 t=3 g={gates} h=1",
            f"n=17 t=2 g={16 * gates} h=16",
        )
    ),
    # loss
    case("cross_entropy", "n=9 c=4 s=1", **LABELS, label_smoothing=0.0),
    case("cross_entropy", "n=5 c=3 s=7", **LABELS, label_smoothing=0.1),
    case("cross_entropy", "n=17 c=5 s=1", ignore_index=3, label_smoothing=0.1, x=wide, target=classes),
    case("cross_entropy", "n=7 c=5 s=2", **LABELS | SURE, label_smoothing=0.0, x=masked, smooth=False),
    case("cross_entropy", "n=9 c=4 s=2", **LABELS | PATCHY, label_smoothing=0.1, smooth=False),
    case("nll_loss", "n=9 c=4 s=1", **LABELS),
    case("nll_loss", "n=5 c=3 s=7", **LABELS),
    case("nll_loss", "n=9 c=4 s=2", **LABELS | PATCHY, smooth=False),
    case("weight_of_targets", "n=9 s=1 c=4", ignore_index=-100, target=four_or_ignored, weight=positive),
    case("weight_of_targets", "n=5 s=7 c=4", ignore_index=2, target=four_classes, weight=positive),
    case("multi_margin_loss", "n=9 c=4", **MARGIN, p=1, margin=1.0),
    case("multi_margin_loss", "n=17 c=5", **MARGIN, p=2, margin=0.3),
    case("multi_margin_loss", "n=7 c=3", **MARGIN, p=1, margin=1.0, x=few, smooth=False),
    case("multi_margin_loss", "n=7 c=3", **MARGIN, p=2, margin=1.0, x=undefined, smooth=False),
    case("multi_margin_loss", "n=1 c=1", **MARGIN, p=1, margin=1.0),
    case("hinge_loss", "n=9 c=4 s=1", target=classes, margin=1.0),
    case("hinge_loss", "n=5 c=3 s=7", target=classes, margin=0.25),
    case("hinge_loss", "n=5 c=3 s=2", target=classes, margin=1.0, x=few, smooth=False),
    case("hinge_loss", "n=5 c=3 s=2", target=classes, margin=1.0, x=special, smooth=False),
    # reduction
    case("sum", "n=6 s=5"),
    case("sum", "n=3 s=515", x=far),
    case("sum", "n=5 s=48"),
    case("mean", "n=17 s=1"),
    case("mean", "n=3 s=515", x=far),
    # metric
    case("count_correct", "n=9 c=4 s=1", target=classes),
    case("count_correct", "n=5 c=3 s=7", target=classes),
    case("count_correct", "n=17 c=1 s=2", target=classes),
    # along an axis
    *(
        case(name, sizes, smooth and maker is distinct, x=maker)
        for names, smooth in (("amax amin", True), ("any all argmax argmin", False))
        for name in names.split()
        for sizes, maker in (
            ("n=6 c=4 s=1", distinct), ("n=3 c=5 s=7", few), ("n=17 c=1 s=2", distinct), ("n=5 c=3 s=9", special)
        )
    ),
    case("logsumexp", "n=6 c=4 s=1"),
    case("logsumexp", "n=3 c=5 s=7", x=wide),
    case("logsumexp", "n=3 c=5 s=7", x=masked, smooth=False),
    case("gather", "n=6 c=4 k=2 s=1", index=first_three),
    case("gather", "n=17 c=3 k=5 s=7", index=first_three),
    case("gather", "n=3 c=2 k=2 s=2", index=first_three, smooth=False),  # some index is no place
    # indexing
    case("embedding", "n=7 s=5 v=4 e=3", index=four_classes, padding_idx=-1),
    case("embedding", "n=17 s=1 v=4 e=33", index=four_classes, padding_idx=2, smooth=False),
    case("embedding", "n=1 s=1 v=4 e=1", index=four_classes, padding_idx=0, smooth=False),
    case("one_hot", "n=9 s=1 c=4", target=four_or_ignored),
    case("one_hot", "n=5 s=7 c=4", target=four_classes),
    case("one_hot", "n=3 s=2 c=1", target=four_classes),
    case("take", "n=3 i=6 j=9", index=places),
    case("take", "n=17 i=33 j=5", index=places),
    case("take", "n=2 i=1 j=3", index=values(0, -1, 0)),
    case("spread", "n=3 i=6 j=9 k=2", index=places),
    case("spread", "n=17 i=33 j=5 k=1", index=places),
    case("to_float", "n=7 s=3", x=four_or_ignored),
    case("to_float", "n=17 s=1", x=four_or_ignored),
    case("answers_to_float", "...=5x7", x=yes_or_no),
    case("answers_to_float", "...=33", x=yes_or_no),
    # clipping
    case("zero"),
    case("square_sum", "i=1", total=zeros),
    case("square_sum", "i=40003", total=values(2)),
    case("clip_factor", total=values(4), max_norm=values(1)),
    case("clip_factor", total=values(0.25), max_norm=values(1)),
    case("scale_gradient", "...=5x7", factor=values(0.3)),
    case("scale_gradient", "...=33", factor=values(1)),
    case("limit_gradient", "...=5x7", limit=values(0.5)),
    case("limit_gradient", "...=7x33", limit=values(2), grad=special),
    # optimisers
    case("advance", step=values(2)),
    case("sgd", "...=5x7", lr=values(0.1), weight_decay=values(0.01)),
    case("sgd_momentum", "...=5x7", **SGD, dampening=values(0), weight_decay=values(0)),
    case("sgd_momentum", "...=33", **SGD | FIRST, dampening=values(0.5), weight_decay=values(0.01)),
    case("sgd_momentum", "...=33", **SGD | NESTEROV, dampening=values(0), weight_decay=values(0.01)),
    case("asgd", "...=5x7", **RATES, lambd=values(0.01), eta=values(0.1), mu=values(1)),
    case("asgd", "...=33", **RATES, lambd=values(0.01), eta=values(0.1), mu=values(0.2)),
    case("asgd_rates", lr=values(0.1), lambd=values(0.5), alpha=values(0.7), t0=values(3), step=values(2)),
    case("asgd_rates", lr=values(0.1), lambd=values(0.5), alpha=values(0.7), t0=values(3), step=values(9)),
    case("rprop", "...=5x7", etas=values(0.5, 1.2), step_sizes=values(0.7, 1.5), step_size=positive),
    case("rprop", "...=33", etas=values(0.5, 1.2), step_sizes=values(1e-6, 50), step_size=positive, grad=few, prev=few),
    case("lion", "...=5x7", **RATES, betas=values(0.9, 0.99)),
    case("lion", "...=33", **RATES, betas=values(0.5, 0.8), grad=few, exp_avg=zeros),
    case("adagrad", "...=5x7", **RATES, lr_decay=values(0.1), eps=values(1e-10), step=values(3), sum=positive),
    case("adagrad", "...=33", **RATES, lr_decay=values(0), eps=values(0.1), step=values(1), sum=zeros),
    case("adadelta", "...=5x7", **RATES, **SPREAD, rho=values(0.9), acc_delta=positive),
    case("adadelta", "...=33", **RATES, **SPREAD, rho=values(0.5), acc_delta=zeros),
    case("rmsprop", "...=5x7", **RATES, **SPREAD, alpha=values(0.99)),
    case("rmsprop_momentum", "...=33", **RATES, **SPREAD, alpha=values(0.9), momentum=values(0.9)),
    case("rmsprop_centered", "...=5x7", **RATES, **SPREAD, **CENTRED),
    case("rmsprop_centered_momentum", "...=33", **RATES, **SPREAD, **CENTRED, momentum=values(0.9)),
    *(
        case(name, sizes, **ADAM, **DECAY[decoupled], step=values(step))
        for name in ("adam", "adam_amsgrad", "radam")
        for sizes, decoupled, step in (("...=5x7", 0, 1), ("...=33", 0, 1000), ("...=33", 1, 7))
    ),
    case("adamax", "...=5x7", **RATES, betas=values(0.9, 0.999), eps=values(1e-8), step=values(3), exp_inf=positive),
    case("adamax", "...=33", **RATES, betas=values(0.5, 0.1), eps=values(0.1), step=values(1), exp_inf=positive),
    case("nadam_product", betas=values(0.9, 0.999), momentum_decay=values(0.4), step=values(3), mu_product=values(0.5)),
    case("nadam", "...=5x7", **ADAM, **DECAY[0], **NADAM, step=values(1)),
    case("nadam", "...=33", **ADAM, **DECAY[1], **NADAM, step=values(9)),
]
# fmt: on


BROADCAST = (
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((1, 4), (3, 1)),
    ((), (2, 3)),
    ((2, 1, 4), (3, 1)),
    ((1,), ()),
)
PRODUCTS = (
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (6, 3, 4)),
)
ONE = (((2, 3, 4),),)
VECTOR = (((7,),),)

EXPRESSION_CASES = [
    # arithmetic
    *expressions("add sub mul", *BROADCAST),
    *expressions("div pow", *BROADCAST, maker=positive),
    *expressions("maximum minimum prelu", *BROADCAST, maker=away),
    *expressions("matmul", *PRODUCTS),
    # elementwise
    *expressions("neg exp exp2 expm1 square erf sin cos arctan sinh cosh clone", *ONE, ((),)),
    *expressions("log log1p log2 log10 sqrt rsqrt reciprocal", *ONE, ((),), maker=positive),
    *expressions("tan arcsin arccos sign floor ceil trunc round", *ONE, maker=fractions),
    *expressions("abs", *ONE, ((),), maker=away),
    *expressions("root", *ONE, maker=positive, degree=3.0),
    *expressions("clamp_min", *ONE, maker=away, min=0.0),
    *expressions("clamp_max", *ONE, maker=away, max=0.0),
    *expressions("arctan2", *BROADCAST, maker=away),
    *expressions("remainder", *BROADCAST, maker=(positive, fractions)),
    *expressions("where", ((3, 4),) * 3, ((4,), (3, 1), ()), maker=(yes_or_no, normal, normal)),
    # losses
    *expressions("huber", *ONE, ((),), delta=0.5),
    *expressions("log_cosh", *ONE, ((),)),
    *expressions("binary_cross_entropy", *BROADCAST, maker=share),
    *expressions("binary_cross_entropy_with_logits", *BROADCAST),
    # reductions
    *(
        row
        for axis in (None, 0, -1, (0, 2))
        for keepdims in (False, True)
        for row in expressions("sum mean amax amin", *ONE, maker=distinct, axis=axis, keepdims=keepdims)
    ),
    *expressions("sum mean", *VECTOR, axis=0, keepdims=False),
    *(
        row
        for axis in (None, (0,), (2, 0))
        for keepdims in (False, True)
        for row in [
            *expressions("logsumexp", *ONE, axis=axis, keepdims=keepdims),
            *(
                row
                for p in (1.0, 1.5, 2.0, 3.0, np.inf, -np.inf, -1.0)
                for row in expressions("norm", *ONE, maker=away, p=p, axis=axis, keepdims=keepdims)
            ),
        ]
    ),
    *expressions("prod", *ONE, axis=None, keepdims=False),
    *expressions("prod", *ONE, axis=1, keepdims=True),
    *expressions("prod", *ONE, maker=some_zero, axis=1, keepdims=False),
    *expressions("cumsum cumprod", *ONE, *VECTOR, axis=0),
    *expressions("cumprod", *ONE, maker=some_zero, axis=2),
    # views
    *expressions("reshape", *ONE, to=(4, 6)),
    *expressions("reshape", *ONE, to=(-1,)),
    *expressions("permute", *ONE, axes=(2, 0, 1)),
    *expressions(
        "segment_sum segment_max", ((5, 3, 2),), maker=distinct, index=np.array([3, 0, 3, 3, 1]), size=5
    ),
    *expressions(
        "segment_sum segment_max", *VECTOR, maker=distinct, index=np.zeros(VECTOR[0][0], int), size=1
    ),
    *expressions("index", *ONE, index=1),
    *expressions("index", *ONE, index=(slice(None), -1, slice(0, 4, 2))),
    *expressions("index", *ONE, index=(..., None, slice(1, 3))),
    *expressions("index", *ONE, index=np.array([1, 0, 1, 1])),
    *expressions("index", *ONE, index=(np.array([1, 0, 1]), slice(None), np.array([2, 2, 2]))),
    *expressions("index", *VECTOR, index=np.array([True, False, True, True, False, False, True])),
    *expressions("pad", *ONE, widths=((0, 0), (2, 1), (0, 3)), value=1.5),
    *expressions("gather", ((2, 3, 4), (2, 5, 1)), maker=(normal, first_three), axis=1),
    *expressions("scatter", ((5, 4), (3, 4), (3, 4)), maker=(normal, normal, rows_apart), axis=0),
    *expressions("scatter_add", ((5, 4), (6, 2), (6, 2)), maker=(normal, normal, first_three), axis=0),
    *expressions("flip", *ONE, axes=(0, 2)),
    *expressions("roll", *ONE, shifts=(1, -2), axes=(0, 2)),
    *expressions("roll", *ONE, shifts=5, axes=None),
    *expressions("tril triu", *ONE, diagonal=-1),
    *expressions("tril triu", *ONE, diagonal=1),
    *expressions("diagonal", *ONE, offset=1, axis1=0, axis2=2),
    *expressions("diagonal", *ONE, offset=-1, axis1=2, axis2=1),
    *expressions("diag_embed", *ONE, *VECTOR, offset=0),
    *expressions("diag_embed", *ONE, offset=-2),
    *expressions("cast", *ONE, dtype=np.float64),
    *expressions("expand", ((3, 1),), to=(2, 3, 4)),
]
