"""Every operation of the library, one row each.

# Design: an op is one row: the signature of its forward kernel and a short rule per gradient kernel.  Eager
# autograd, layers driven by hand and every test are generic drivers of these rows.  Rejected: a class per op,
# where each repeats shape checks, allocation and the list of what backward needs.

``d<name>`` is the gradient of ``<name>`` and has its shape.  The rule ``dy weight -> dx`` of op ``linear`` is
the kernel ``linear_dx``; kernels take reads, writes and scalars in the row's order.  A rule may read what an
earlier rule wrote.  See ``_contract`` for the marks.
"""

from __future__ import annotations

from . import _dims as dims
from ._contract import Contract
from ._expressions import EXPRESSIONS
from ._rows import Op

__all__ = ["CONTRACTS", "EXPRESSIONS", "FORMULAS", "OPS", "STEPS"]


_CONVOLUTION = (
    "x[n,c,h,w] weight[o,d,k,l] bias[o] -> y[n,o,p,q]"
    " ; stride_h stride_w pad_h pad_w dilation_h dilation_w groups",
    "dy weight -> dx",
    "dy x -> +dweight +dbias",
)  # d = c / groups input channels per group; kernel k by l; output p by q

_RNN = (
    "x[n,t,g] weight[g,h] start[n,h] -> y[n,t,h]",
    "dy y weight -> dx dstart",
    "dx y start -> +dweight",
)  # g = h

OPS = {
    op.name: op
    for op in (
        # linear
        Op(
            "linear",
            "x[n,i] weight[o,i] bias[o] -> y[n,o]",
            "dy weight -> dx",
            "dy x -> +dweight +dbias",
            multiply_adds="nio",
        ),
        # what the expression of that name is in a compiled step
        Op("matmul", "x[n,i,k] y[n,k,j] -> z[n,i,j]", "dz y -> dx", "dz x -> dy", multiply_adds="nikj"),
        # convolution: three algorithms, one contract
        Op("conv2d", *_CONVOLUTION, dims=dims.convolution, multiply_adds="nopqdkl"),
        Op("conv2d_im2col", *_CONVOLUTION, dims=dims.convolution, multiply_adds="nopqdkl"),
        Op(
            "conv2d_winograd", *_CONVOLUTION, dims=dims.winograd, multiply_adds="nopqdkl"
        ),  # those it saves too
        # the sizes are named as those of the convolution it transposes, which makes x of y
        Op(
            "conv_transpose2d",
            "x[n,o,p,q] weight[o,d,k,l] bias[c] -> y[n,c,h,w]"
            " ; stride_h stride_w pad_h pad_w dilation_h dilation_w groups | output_pad_h output_pad_w",
            "dy weight -> dx",
            "dy x -> +dweight +dbias",
            dims=dims.transposed_convolution,
            multiply_adds="nopqdkl",
        ),
        # pooling; argmax counts positions of the unpadded h x w plane
        Op(
            "max_pool2d",
            "x[n,c,h,w] -> y[n,c,p,q] argmax[n,c,p,q]:i4"
            " ; kernel_h kernel_w stride_h stride_w pad_h pad_w dilation_h dilation_w | ceil_mode",
            "dy argmax -> dx",
            dims=dims.max_pooling,
            each="c",
            picks=True,
        ),
        Op(
            "avg_pool2d",
            "x[n,c,h,w] scale[p,q] -> y[n,c,p,q] ; kernel_h kernel_w stride_h stride_w pad_h pad_w",
            "dy scale -> dx",
            each="c",
        ),
        # activation
        Op("relu", "x[...] -> y[...]", "dy y -> dx", monotone=True),
        Op("leaky_relu", "x[...] -> y[...] ; negative_slope", "dy x -> dx"),
        Op("sigmoid", "x[...] -> y[...]", "dy y -> dx"),
        Op("tanh", "x[...] -> y[...]", "dy y -> dx"),
        Op("elu", "x[...] -> y[...] ; alpha", "dy x -> dx"),
        Op("selu", "x[...] -> y[...]", "dy x -> dx"),
        Op("celu", "x[...] -> y[...] ; alpha", "dy x -> dx"),
        Op("gelu", "x[...] -> y[...]", "dy x -> dx"),
        Op("gelu_tanh", "x[...] -> y[...]", "dy x -> dx"),
        Op("silu", "x[...] -> y[...]", "dy x -> dx"),
        Op("mish", "x[...] -> y[...]", "dy x -> dx"),
        Op("softplus", "x[...] -> y[...] ; beta threshold", "dy x -> dx"),
        Op("softsign", "x[...] -> y[...]", "dy x -> dx"),
        Op("logsigmoid", "x[...] -> y[...]", "dy x -> dx"),
        Op("hardtanh", "x[...] -> y[...] ; min_val max_val", "dy x -> dx"),
        Op("hardsigmoid", "x[...] -> y[...]", "dy x -> dx"),
        Op("hardswish", "x[...] -> y[...]", "dy x -> dx"),
        Op("hardshrink", "x[...] -> y[...] ; lambd", "dy x -> dx"),
        Op("softshrink", "x[...] -> y[...] ; lambd", "dy x -> dx"),
        Op("threshold", "x[...] -> y[...] ; threshold value", "dy x -> dx"),
        Op("gaussian", "x[...] -> y[...]", "dy x y -> dx"),
        Op("binary_step", "x[...] -> y[...] ; window", "dy x -> dx"),
        Op("binary_step_sigmoid", "x[...] -> y[...] ; slope", "dy x -> dx"),
        # softmax, over the axis c
        Op("softmax", "x[n,c,s] -> y[n,c,s]", "dy y -> dx"),
        Op("log_softmax", "x[n,c,s] -> y[n,c,s]", "dy y -> dx"),
        # norm: in training mean and var are those of x itself, and dx takes account of it
        # (count is n * s, the number of values a channel has)
        Op("batch_statistics", "x[n,c,s] -> +mean[c] +var[c] +count[1]"),  # count is no channel's: not each
        Op(
            "batch_norm",
            "x[n,c,s] weight[c] bias[c] mean[c] var[c] -> y[n,c,s] ; eps",
            "dy x mean var -> +dweight +dbias",
            "dy x weight mean var dweight dbias -> dx",
            each="c",
        ),
        Op(
            "batch_norm_inference",
            "x[n,c,s] weight[c] bias[c] mean[c] var[c] -> y[n,c,s] ; eps",
            "dy x mean var -> +dweight +dbias",
            "dy weight var -> dx",
            each="c",
        ),
        # norm of each row by itself
        Op(
            "layer_norm",
            "x[n,s] weight[s] bias[s] -> y[n,s] mean[n] rstd[n] ; eps",
            "dy x mean rstd -> +dweight +dbias",
            "dy x weight mean rstd -> dx",
        ),
        Op(
            "rms_norm",
            "x[n,s] weight[s] -> y[n,s] rstd[n] ; eps",
            "dy x rstd -> +dweight",
            "dy x weight rstd -> dx",
        ),
        # dropout: the mask is a function of the key and the element's place, so backward makes it again
        Op("dropout", "x[...] key[2]:u8 -> y[...] ; p", "dy key -> dx"),
        # as many random numbers as x has elements, from low to high
        Op("uniform", "x[...] key[2]:u8 -> y[...] ; low high"),
        # recurrent layers, all steps t of a sequence from its projected inputs; an LSTM's y is h and c
        Op("rnn_tanh", *_RNN),
        Op("rnn_relu", *_RNN),
        Op(
            "lstm",
            "x[n,t,g] weight[g,h] start[n,h] cell[n,h] -> y[n,2,t,h] gates[n,t,g]",
            "dy y gates weight cell -> dx dstart dcell",
            "dx y start -> +dweight",
            multiply_adds="ntgh",
        ),
        Op(
            "gru",
            "x[n,t,g] weight[g,h] bias[g] start[n,h] -> y[n,t,h] gates[n,t,g] inner[n,t,h]",
            "dy y gates inner weight start -> dx dgates dstart",
            "dgates y start -> +dweight +dbias",
            multiply_adds="ntgh",
        ),
        # what the expressions of these names are in a compiled step, c being the axes they go along
        Op("amax", "x[n,c,s] -> z[n,s]", "dz z x -> dx"),
        Op("amin", "x[n,c,s] -> z[n,s]", "dz z x -> dx"),
        Op("logsumexp", "x[n,c,s] -> z[n,s]", "dz z x -> dx"),
        Op("any", "x[n,c,s] -> z[n,s]"),
        Op("all", "x[n,c,s] -> z[n,s]"),
        Op("argmax", "x[n,c,s] -> z[n,s]:i4"),
        Op("argmin", "x[n,c,s] -> z[n,s]:i4"),
        Op("gather", "x[n,c,s] index[n,k,s]:i4 -> z[n,k,s]", "dz index -> dx"),
        # loss, one value per sample and place, or per score; a reduction follows
        Op(
            "cross_entropy",
            "x[n,c,s] target[n,s]:i8 weight[c] -> loss[n,s] logsumexp[n,s] ; ignore_index label_smoothing",
            "dloss x target weight logsumexp -> dx",
        ),
        Op(
            "nll_loss",
            "x[n,c,s] target[n,s]:i8 weight[c] -> loss[n,s] ; ignore_index",
            "dloss target weight -> dx",
        ),
        Op("weight_of_targets", "target[n,s]:i8 weight[c] -> +total[] ; ignore_index"),
        Op(
            "multi_margin_loss",
            "x[n,c] target[n]:i8 weight[c] -> loss[n] ; p margin",
            "dloss x target weight -> dx",
        ),
        Op("hinge_loss", "x[n,c,s] target[n,s]:i8 -> loss[n,c,s] ; margin", "dloss x target -> dx"),
        # reduction of everything; over some axes only, see the expressions of that name
        Op("sum", "x[n,s] -> +y[]", "dy -> dx"),
        Op("mean", "x[n,s] -> +y[]", "dy -> dx"),
        # rows of a table; padding_idx is below 0 where there is none
        Op("embedding", "index[n,s]:i8 weight[v,e] -> y[n,s,e] ; padding_idx", "dy index -> +dweight"),
        # indexing: what class indices stand for; what a sample's slices, permutations and paddings are, and what
        # spreads one array over the samples of a batch; zero where index is below 0.  Of like only the number of
        # samples matters
        Op("one_hot", "target[n,s]:i8 value[c] -> y[n,c,s]"),
        Op("take", "x[n,i] index[j]:i4 -> y[n,j]", "dy index -> dx"),
        Op("spread", "x[i] index[j]:i4 like[n,k] -> y[n,j]", "dy index -> +dx"),
    )
}

_ADAM = "lr[1]:f8 betas[2]:f8 eps[1]:f8 weight_decay[1]:f8 decoupled_weight_decay[1]:f8"
_MOMENTS = "~param[...] ~exp_avg[...] ~exp_avg_sq[...]"

# Kernels that only update state or count; hyper-parameters are arrays, so that a schedule can change them between
# steps.
STEPS = {
    step.name: step
    for step in (
        # what batch_statistics wrote; a momentum of NaN keeps the plain average of all batches tracked
        Contract.parse(
            "running_statistics",
            "mean[c] var[c] count[1] momentum[1]:f8 -> ~running_mean[c] ~running_var[c] ~tracked[]:i8",
        ),
        # labels that a loss takes as numbers, and masks that a model keeps, in a compiled step
        Contract.parse("to_float", "x[n,s]:i8 -> y[n,s]"),
        Contract.parse("answers_to_float", "x[...]:u1 -> y[...]"),
        Contract.parse("count_correct", "x[n,c,s] target[n,s]:i8 -> +correct[]"),
        # the key of the next dropout, out of a generator's state
        Contract.parse("next_key", "-> ~state[2]:u8 key[2]:u8"),
        # clipping: the sum of all gradients' squares, zero at first, one gradient at a time; what scales them all
        Contract.parse("zero", "-> total[1]:f8"),
        Contract.parse("square_sum", "grad[i] -> ~total[1]:f8"),
        Contract.parse("clip_factor", "total[1]:f8 max_norm[1]:f8 -> factor[1]:f8", finite="total"),
        Contract.parse("scale_gradient", "factor[1]:f8 -> ~grad[...]"),
        Contract.parse("limit_gradient", "limit[1]:f8 -> ~grad[...]"),
        # optimisers: first the number of the step, then the step
        Contract.parse("advance", "-> ~step[1]:f8"),
        Contract.parse("sgd", "grad[...] lr[1]:f8 weight_decay[1]:f8 -> ~param[...]"),
        Contract.parse(
            "sgd_momentum",
            "grad[...] lr[1]:f8 momentum[1]:f8 dampening[1]:f8 nesterov[1]:f8 weight_decay[1]:f8 step[1]:f8"
            " -> ~param[...] ~momentum_buffer[...]",
        ),
        Contract.parse(
            "asgd", "grad[...] lambd[1]:f8 weight_decay[1]:f8 eta[1]:f8 mu[1]:f8 -> ~param[...] ~ax[...]"
        ),
        Contract.parse(
            "asgd_rates", "lr[1]:f8 lambd[1]:f8 alpha[1]:f8 t0[1]:f8 step[1]:f8 -> ~eta[1]:f8 ~mu[1]:f8"
        ),
        Contract.parse(
            "rprop", "grad[...] etas[2]:f8 step_sizes[2]:f8 -> ~param[...] ~prev[...] ~step_size[...]"
        ),
        Contract.parse(
            "lion", "grad[...] lr[1]:f8 betas[2]:f8 weight_decay[1]:f8 -> ~param[...] ~exp_avg[...]"
        ),
        Contract.parse(
            "adagrad",
            "grad[...] lr[1]:f8 lr_decay[1]:f8 weight_decay[1]:f8 eps[1]:f8 step[1]:f8 -> ~param[...] ~sum[...]",
        ),
        Contract.parse(
            "adadelta",
            "grad[...] lr[1]:f8 rho[1]:f8 eps[1]:f8 weight_decay[1]:f8"
            " -> ~param[...] ~square_avg[...] ~acc_delta[...]",
        ),
        *(
            Contract.parse(
                f"rmsprop{variant}",
                f"grad[...] lr[1]:f8{reads} alpha[1]:f8 eps[1]:f8 weight_decay[1]:f8"
                f" -> ~param[...] ~square_avg[...]{writes}",
            )
            for variant, reads, writes in (
                ("", "", ""),
                ("_momentum", " momentum[1]:f8", " ~momentum_buffer[...]"),
                ("_centered", "", " ~grad_avg[...]"),
                ("_centered_momentum", " momentum[1]:f8", " ~grad_avg[...] ~momentum_buffer[...]"),
            )
        ),
        *(
            Contract.parse(name, f"grad[...] {_ADAM} step[1]:f8 -> {_MOMENTS}{more}")
            for name, more in (("adam", ""), ("adam_amsgrad", " ~max_exp_avg_sq[...]"), ("radam", ""))
        ),
        Contract.parse(
            "adamax",
            "grad[...] lr[1]:f8 betas[2]:f8 eps[1]:f8 weight_decay[1]:f8 step[1]:f8"
            " -> ~param[...] ~exp_avg[...] ~exp_inf[...]",
        ),
        Contract.parse("nadam_product", "betas[2]:f8 momentum_decay[1]:f8 step[1]:f8 -> ~mu_product[1]:f8"),
        Contract.parse(
            "nadam",
            "grad[...] lr[1]:f8 betas[2]:f8 eps[1]:f8 weight_decay[1]:f8 momentum_decay[1]:f8"
            f" decoupled_weight_decay[1]:f8 step[1]:f8 mu_product[1]:f8 -> {_MOMENTS}",
        ),
    )
}

CONTRACTS = {c.name: c for op in OPS.values() for c in (op.forward, *op.gradients)} | STEPS

FORMULAS = {f.name: f for row in EXPRESSIONS.values() for f in (row.forward, *row.gradients.values())}
