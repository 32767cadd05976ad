"""What tensors and layers refuse: a call, the error, and what it says: the argument, its value, what was expected."""

import math

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from refusals import E, I, T, V, leaf, ones

F = nn.functional
S = optim.lr_scheduler
W = optim.swa_utils

TENSORS = [
    (
        lambda: ones(2, 3).narrow(1, 1, 9),
        V,
        "narrow: start=1 and length=9 must lie within the 3 places of axis 1",
    ),
    (lambda: ones(2, 3).narrow(1, 1, -1), V, "narrow: start=1 and length=-1 must lie within"),
    (lambda: ones(3).tril(), V, r"tril: input has shape \(3,\), expected at least 2 axes"),
    (lambda: ones(2, 3).sum(True), E, "sum: dim=True must be an integer"),
    (lambda: ones(2, 3).softmax((0, 1)), E, r"softmax: dim=\(0, 1\) must be an integer"),
    (lambda: fn.zeros(3, 0).mean(1), V, r"mean: the tensor of shape \(3, 0\) is empty along dim=1"),
    (lambda: T("abc"), E, "holds real numbers, got dtype <U3, 'abc'; expected numbers, an array or a tensor"),
    (lambda: T(None), E, "holds real numbers, got dtype object"),
    (lambda: T([1j]), E, "holds real numbers, got dtype complex128"),
    (lambda: T(np.ones(2, np.float16)), E, "float32 or float64, got float16"),
    (lambda: T([1, 2], requires_grad=True), E, "only float tensors have gradients, got int64"),
    (lambda: T([1, 2]).requires_grad_(), E, "only float tensors have gradients, got int64"),
    (lambda: (leaf(2) * 2).requires_grad_(False), RuntimeError, "only leaf tensors can be changed"),
    (lambda: fn.from_numpy([1.0]), E, "array must be a numpy.ndarray, got list"),
    (lambda: fn.from_numpy(np.ones(2, ">f4")), E, "not this machine's byte order"),
    (lambda: leaf(2).numpy(), RuntimeError, r"use \.detach\(\)\.numpy"),
    (lambda: ones(2).item(), V, r"item: the tensor has 2 values \(shape \(2,\)\), expected one"),
    (lambda: bool(ones(2)), V, r"bool: the truth of a tensor of 2 values .* is ambiguous; use \.any\(\)"),
    (lambda: ones(2).backward(), RuntimeError, "does not depend on anything that requires a gradient"),
    (lambda: leaf(2).backward(), RuntimeError, r"gradient is needed for a tensor of shape \(2,\)"),
    (lambda: leaf(2).backward(np.ones(3)), V, r"gradient has shape \(3,\), expected \(2,\)"),
    (lambda: ones(2).__iadd__(leaf(2)), RuntimeError, "gradient would be lost"),
    (lambda: ones(2).__setitem__(0, leaf(1)[0]), RuntimeError, "gradient would be lost"),
    (lambda: leaf(2).to("f2"), E, "float32 or float64, got float16"),
    (lambda: ones(2) + ones(2, dtype="f8"), E, r"add: the operands are float32 and float64; convert one"),
    (lambda: ones(2) @ np.ones(2), E, "matmul: the operands are float32 and float64"),
    (lambda: ones(2) + "a", E, "unsupported operand"),
    (lambda: ones(2) + ones(3), V, r"add: shapes \(2,\) and \(3,\) do not broadcast; .* equal or 1"),
    (
        lambda: T([1, 2]) // 0,
        RuntimeError,
        r"ZeroDivisionError: whole numbers are divided by 0, which floats",
    ),
    (lambda: 3 % T([1, 0]), RuntimeError, "ZeroDivisionError"),
    (lambda: ones(3).add_(ones(4)), V, r"add_: values of shape \(4,\) do not fit into shape \(3,\)"),
    (lambda: ones(3).sub_(ones(2, 3)), V, r"sub_: values of shape \(2, 3\) do not fit into shape \(3,\)"),
    (lambda: ones(3).__setitem__(0, ones(4)), V, r"values of shape \(4,\) do not fit into shape \(\)"),
    (lambda: ones(3).__setitem__(5, 1), I, r"index 5 is out of bounds .* for shape \(3,\)"),
    (lambda: ones(3) > ones(4), V, r"gt: shapes \(3,\) and \(4,\) do not broadcast"),
    (
        lambda: fn.where(ones(4) > 0, ones(3), 0),
        V,
        r"where: shapes \(4,\) and \(3,\) and \(\) do not broadcast",
    ),
    (lambda: ones(3).masked_select(ones(4) > 0), V, r"masked_select: shapes \(3,\) and \(4,\) do not"),
    (lambda: ones(3)[ones(4) > 0], I, r"boolean index did not match .* for shape \(3,\)"),
    (lambda: ones(2) & ones(2), E, "bitwise_and: not for float32 and float32; convert with"),
    (lambda: fn.zeros(0, 3).max(0), V, r"max: input of shape \(0, 3\) is empty along the axis"),
    (lambda: fn.zeros(0).argmin(), V, r"argmin: input of shape \(0,\) is empty along the axis"),
    (lambda: ones(2, 3, 4) @ ones(3, 4, 2), V, r"matmul: shapes .* from the last axis but two on"),
    (lambda: fn.einsum(ones(2), ones(2)), E, "einsum: equation must be text such as 'ij,jk->ik', got Tensor"),
    (lambda: fn.einsum("i"), V, "einsum: 'i' names 1 operands, got 0"),
    (lambda: fn.bincount(T([-1])), V, "bincount: input holds -1, expected whole numbers from 0"),
    (lambda: fn.bincount(ones(2)), E, "bincount: input must be a vector of whole numbers, got float32"),
    (lambda: ones(2).repeat_interleave(-1), V, "repeat_interleave: repeats=-1 must be a whole number"),
    (
        lambda: ones(2, 3).index_add(0, T([0]), ones(2, 2)),
        V,
        r"index_add: source has shape \(2, 2\), expected",
    ),
    (
        lambda: ones(2, 3).scatter(1, T([[0, 1]]), ones(1, 1)),
        V,
        r"scatter: src has shape \(1, 1\), expected that of index, \(1, 2\)",
    ),
    (lambda: ones(2, 3).sort(2), I, r"sort: dim=2 is not an axis of shape \(2, 3\)"),
    (lambda: ones(2, 3).size(2), I, r"size: dim=2 is not an axis of shape \(2, 3\)"),
    (lambda: fn.vstack([ones(2), ones(3)]), V, r"vstack: a tensor of shape \(1, 3\) does not fit"),
    (lambda: fn.randint(5), E, "randint: give a size"),
    (lambda: T([[1], [1, 2]]), V, "the rows of a tensor must be equally long"),
    (lambda: T([leaf(2), leaf(2)]), V, "a list of tensors is no tensor; join them by stack or cat"),
    (lambda: T(None, dtype="f4"), E, "a tensor holds real numbers, got dtype object, None"),
    (lambda: fn.exp(None), E, "exp: a tensor holds real numbers"),
    (lambda: len(T(1.0)), E, "a tensor of no axes has no length"),
    (
        lambda: ones(2, 3) @ ones(2, 3),
        V,
        r"matmul: .* shapes \(2, 3\) and \(2, 3\), expected axis -1 of the first as long as axis -2",
    ),
    (lambda: ones(2, 3) @ T(1.0), V, r"matmul: .* is a single number; multiply by \*"),
    (lambda: fn.bmm(ones(2, 3), ones(3, 4)), V, r"bmm: .* \(2, 3\) and \(3, 4\), expected 3 and 3 axes"),
    (
        lambda: fn.bmm(ones(2, 3, 4), ones(2, 3, 4)),
        V,
        r"bmm: .* expected axis -1 of .* axis -2 of the second",
    ),
    (lambda: fn.bmm(ones(2, 3, 4), ones(1, 4, 4)), V, r"bmm: .* mat2 \(1, 4, 4\), expected as many matrices"),
    (lambda: fn.dot(ones(3), ones(2)), V, r"dot: .* \(3,\) and \(2,\), .* as long as axis 0 of the second"),
    (lambda: ones(2, 3).norm(p="nuc"), V, "norm: p='nuc' must be a number, inf, -inf or 'fro'; numpy.linalg"),
    (
        lambda: ones(2, 3).gather(1, T([[5]])),
        I,
        r"gather: index holds 5, expected places from 0 to 2 .* axis 1",
    ),
    (
        lambda: ones(2, 3).scatter(1, T([[-4]]), 1.0),
        I,
        "scatter: index holds -4, expected places from 0 to 2",
    ),
    (
        lambda: ones(2, 3).gather(1, T([0])),
        V,
        r"gather: index has shape \(1,\), expected as many axes as input",
    ),
    (
        lambda: fn.stack([ones(2), ones(3)]),
        V,
        r"stack: tensors\[1\] has shape \(3,\), expected \(2,\) as tensors.*; cat",
    ),
    (lambda: fn.stack([]), V, r"stack: tensors=\[\] is empty, expected at least one"),
    (lambda: fn.stack([ones(2)], 5), I, r"stack: dim=5 is not an axis of shape \(2,\)"),
    (lambda: fn.hstack([]), V, r"hstack: tensors=\[\] is empty"),
    (lambda: ones(2, 3).chunk(0), V, "chunk: chunks=0 must be at least 1"),
    (lambda: fn.randn(-1), V, r"randn: size=\(-1,\) must hold no number below 0"),
    (lambda: fn.zeros(2, 2.5), E, r"zeros: \(2, 2.5\) must hold whole numbers, or be one tuple"),
    (lambda: fn.full((2, -3), 1.0), V, r"full: size=\(2, -3\) must hold no number below 0"),
    (lambda: fn.eye(-1), V, "eye: n=-1 must be a whole number, at least 0"),
    (lambda: fn.linspace(0, 1, -1), V, "linspace: steps=-1 must be a whole number, at least 0"),
    (lambda: fn.randperm(-1), V, "randperm: n=-1 must be a whole number, at least 0"),
    (lambda: fn.randint(3, 3, (2,)), V, "randint: low=3 must be below high=3"),
    (lambda: fn.arange(0, 1, 0), V, "arange: step=0 must not be 0"),
    (
        lambda: ones(2, 3).reshape(4),
        V,
        r"reshape: shape=\(4,\) does not fit the 6 elements .* \(2, 3\); .* one may be",
    ),
    (lambda: ones(2, 3).view(-1, 4), V, r"reshape: shape=\(-1, 4\) does not fit the 6 elements"),
    (lambda: ones(2, 3).view(-1, -1), V, r"reshape: shape=\(-1, -1\) must hold sizes, and -1 at most once"),
    (lambda: ones(2, 3).view(-2, -3), V, r"reshape: shape=\(-2, -3\) must hold sizes"),
    (lambda: ones(0, 3).view(-1, 0), V, r"reshape: shape=\(-1, 0\) leaves open what -1 is"),
    (lambda: ones(2, 3).view("a"), E, r"reshape: \('a',\) must hold whole numbers"),
    (lambda: ones(2, 3).permute(0, 2), I, r"permute: dim=2 is not an axis of shape \(2, 3\)"),
    (lambda: ones(2, 3).permute(0, 0), V, r"permute: dims=\(0, 0\) must name each axis"),
    (lambda: ones(2, 3).transpose(0, 2), I, "transpose: dim=2 is not an axis"),
    (lambda: ones(2, 3).flatten(2), I, "flatten: dim=2 is not an axis"),
    (lambda: ones(2, 3).flatten(1, 0), V, "flatten: start_dim=1 comes after end_dim=0"),
    (lambda: ones(2, 3).squeeze(2), I, "squeeze: dim=2 is not an axis"),
    (
        lambda: ones(2, 3).expand(4, 3),
        V,
        r"expand: size=\(4, 3\) does not fit .* \(2, 3\): only axes of size 1 can grow",
    ),
    (lambda: ones(2, 3).expand(-1, 2, 3), V, r"expand: size=\(-1, 2, 3\) does not fit"),
    (lambda: ones(1).expand(-2), V, r"expand: size=\(-2,\) does not fit"),
    (lambda: ones(2, 3).expand(3), V, r"expand: shape=\(3,\) must have at least the 2 axes of \(2, 3\)"),
    (lambda: ones(2, 3).sum(2), I, "dim=2 is not an axis"),
    (lambda: ones(2, 3)[2], I, "index 2 is out of bounds"),
    (lambda: ones(2, 3).max(2), I, "dim=2 is not an axis"),
    (lambda: ones(0, 3).mean(), V, r"mean: the tensor of shape \(0, 3\) is empty"),
    (lambda: T([1]).mean(), E, "mean: needs a float tensor, got int64"),
    (
        lambda: fn.use_backend("cuda"),
        V,
        "use_backend: name='cuda' is unknown; choose one of cython, numba, numpy",
    ),
    (lambda: fn.manual_seed(-1), V, "seed=-1 must be an integer from 0"),
    (lambda: fn.manual_seed(0.5), V, "seed=0.5 must be an integer"),
    (lambda: fn.gradcheck(lambda x: x, ones(2)), V, "no input requires a gradient"),
]

LAYERS = [
    (lambda: F.pad(ones(2, 4), (1.5, 1)), E, r"pad: pad=\(1.5, 1\) must hold whole numbers"),
    (
        lambda: nn.Linear(2, 2).register_parameter("q", ones(2)),
        E,
        "register_parameter: 'q' must be a Parameter or None",
    ),
    (
        lambda: nn.Linear(2, 2).register_buffer("q", 3),
        E,
        "register_buffer: 'q' must be a tensor or None, got int",
    ),
    (
        lambda: nn.Linear(2, 2).add_module("x.y", nn.ReLU()),
        KeyError,
        "add_module: the name 'x.y' must be text without",
    ),
    (
        lambda: nn.Linear(2, 2).register_buffer("forward", None),
        KeyError,
        "Linear has an attribute 'forward' already",
    ),
    (
        lambda: nn.Linear(2, 2).load_state_dict(nn.Linear(2, 2)),
        E,
        r"load_state_dict: state_dict must be what model\.state_dict\(\) gives, got Linear",
    ),
    (lambda: nn.Linear(0, 2), V, "Linear: in_features=0 must be at least 1"),
    (lambda: nn.Linear(2.5, 2), E, "Linear: in_features=2.5 must be an integer"),
    (lambda: nn.Linear(2, True), E, "Linear: out_features=True must be an integer"),
    (
        lambda: nn.Linear(3, 2)(ones(4, 5)),
        V,
        r"linear: input has shape \(4, 5\), expected \(\*, 3\), since weight has shape \(2, 3\)",
    ),
    (
        lambda: nn.Linear(3, 2)(T(1.0)),
        V,
        r"linear: input is a single number, expected shape \(\*, in_features\)",
    ),
    (
        lambda: nn.Linear(3, 2)(T([[1, 2, 3]])),
        E,
        "Linear: input must be float32 or float64, got int64; convert",
    ),
    (
        lambda: nn.Linear(3, 2)(np.ones((4, 3))),
        E,
        "Linear: weight is float32 but input is float64; convert one",
    ),
    (
        lambda: F.linear(ones(4, 3), ones(1, 2, 3)),
        V,
        r"linear: weight has shape \(1, 2, 3\), expected \(out_features, in",
    ),
    (
        lambda: F.linear(ones(4, 3), ones(2, 3), ones(3)),
        V,
        r"linear: bias has shape \(3,\), expected \(2,\), since weight has shape \(2, 3\)",
    ),
    (
        lambda: nn.Linear(2, 2)("x"),
        E,
        "a tensor holds real numbers, got dtype <U1, 'x'; expected numbers, an array",
    ),
    (lambda: nn.ModuleList([1]), E, "ModuleList: layer '0' must be a Module, got int 1"),
    (
        lambda: nn.Sequential(math.tanh),
        E,
        "Sequential: layer '0' must be a Module, got .*tanh.* nn.Lambda makes a layer of a function",
    ),
    (lambda: nn.ModuleDict({"a": None}), E, "ModuleDict: layer 'a' must be a Module, got NoneType None"),
    (lambda: fn.save(ones(2), "x.npy"), E, r"save: model must be a Module, got str; .* save\(path, model\)"),
    (lambda: nn.Conv2d(1, 1, 0), V, "Conv2d: kernel_size=0 must be at least 1"),
    (lambda: nn.Conv2d(1, 1, (3, 3, 3)), V, r"Conv2d: kernel_size=\(3, 3, 3\) must be one integer or two"),
    (lambda: nn.Conv2d(1, 1, 3, stride=0), V, "Conv2d: stride=0 must be at least 1"),
    (lambda: nn.Conv2d(1, 1, 3, padding=-1), V, "Conv2d: padding=-1 must be at least 0"),
    (lambda: nn.Conv2d(1, 1, 3, padding="full"), V, "padding='full' must be one of 'same', 'valid'"),
    (lambda: nn.Conv2d(1, 1, 3, 2, padding="same"), V, r"padding='same' needs stride 1, got stride=\(2, 2\)"),
    (lambda: nn.Conv2d(1, 1, 3, dilation=0), V, "Conv2d: dilation=0 must be at least 1"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), V, "groups=2 must divide in_channels=3 and out_channels=4"),
    (lambda: nn.Conv2d(2, 2, 3, groups=0), V, "Conv2d: groups=0 must be at least 1"),
    (
        lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"),
        V,
        "padding_mode='mirror' must be one of 'zeros', 'reflect', 'replicate', 'circular'",
    ),
    (
        lambda: nn.Conv2d(1, 1, 3, algorithm="fft"),
        V,
        "algorithm='fft' must be one of 'direct', 'im2col', 'winograd'",
    ),
    (
        lambda: nn.Conv2d(1, 1, 3, stride=2, algorithm="winograd")(ones(1, 1, 5, 5)),
        V,
        r"conv2d: algorithm='winograd' needs kernel_size=\(3, 3\) and stride, .* 1, got .* stride_h=2",
    ),
    (lambda: nn.Conv2d(1, 1, 3)(ones(3, 3)), V, r"conv2d: input has shape \(3, 3\), expected \(N, C, H, W\)"),
    (
        lambda: nn.Conv2d(1, 1, 3)(ones(1, 1, 2, 5)),
        V,
        "the kernel reaches over 3 .* more than the padded height 2",
    ),
    (lambda: nn.Conv2d(1, 1, 3, dilation=3)(ones(1, 1, 6, 7)), V, "reaches over 7 .* padded height 6"),
    (lambda: nn.Conv2d(3, 1, 1)(ones(1, 2, 4, 4)), V, "input has 2 channels, but weight has 3 per group"),
    (lambda: nn.Conv2d(2, 2, 1)(ones(1, 2, 4, 4).double()), E, "is float32 but .* is float64; convert"),
    (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3)),
        V,
        r"conv2d: weight has shape \(1, 1, 3\), expected \(O, C",
    ),
    (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), ones(2)),
        V,
        r"conv2d: bias has shape \(2,\), expected \(1,\), since weight has shape \(1, 1, 3, 3\)",
    ),
    (
        lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), stride=0),
        V,
        "conv2d: stride=0 must be at least 1",
    ),
    (lambda: nn.MaxPool2d(0), V, "MaxPool2d: kernel_size=0 must be at least 1"),
    (lambda: nn.MaxPool2d(2, stride=-1), V, "MaxPool2d: stride=-1 must be at least 1"),
    (
        lambda: nn.MaxPool2d(2, padding=2)(ones(1, 1, 4, 4)),
        V,
        r"padding=\(2, 2\) must be at most half of kernel_size",
    ),
    (lambda: F.linear(ones(2, 0), ones(3, 0)), V, "linear: .* in_features must be at least 1"),
    (lambda: F.conv2d(ones(1, 0, 3, 3), ones(2, 0, 1, 1)), V, "conv2d: input has 0 channels"),
    (
        lambda: F.conv2d(ones(1, 1, 3, 3), ones(2, 1, 0, 1)),
        V,
        r"conv2d: kernel_size=\(0, 1\) must be at least 1",
    ),
    (
        lambda: F.conv2d(ones(1, 1, 0, 3), ones(2, 1, 1, 1), padding=1),
        V,
        "conv2d: the height of its input is 0",
    ),
    (
        lambda: F.conv2d(ones(1, 1, 3, 3), ones(2, 1, 1, 1), stride=2**31),
        V,
        r"conv2d: stride=.* below 2\*\*31",
    ),
    (lambda: nn.MaxPool2d(5)(ones(1, 1, 4, 4)), V, "max_pool2d: the kernel reaches over 5"),
    (lambda: nn.MaxPool2d(2, 1, 1, dilation=5)(ones(1, 1, 4, 4)), V, "max_pool2d: .* only padding"),
    (
        lambda: nn.MaxPool2d(2)(ones(4, 4)),
        V,
        r"max_pool2d: input has shape \(4, 4\), expected \(N, C, H, W\)",
    ),
    (lambda: nn.AvgPool2d(2, padding=-1), V, "AvgPool2d: padding=-1 must be at least 0"),
    (
        lambda: nn.AvgPool2d(2, divisor_override=0)(ones(1, 1, 4, 4)),
        V,
        "divisor_override=0 must be at least 1",
    ),
    (lambda: nn.AvgPool2d(5)(ones(1, 1, 4, 4)), V, "avg_pool2d: the kernel reaches over 5"),
    (lambda: nn.AvgPool2d(2)(T(np.ones((1, 1, 4, 4), int))), E, "must be float32 or float64, got int64"),
    (lambda: nn.BatchNorm1d(0), V, "BatchNorm1d: num_features=0 must be at least 1"),
    (lambda: nn.BatchNorm1d(3, eps=-1.0), V, r"BatchNorm1d: eps=-1\.0 must be at least 0"),
    (lambda: nn.BatchNorm1d(3, momentum=1.5), V, r"BatchNorm1d: momentum=1\.5 must be from 0 to 1"),
    (
        lambda: nn.BatchNorm1d(3)(ones(1, 3)),
        V,
        r"input of shape \(1, 3\) has one value per channel; training needs",
    ),
    (
        lambda: nn.BatchNorm1d(3)(ones(0, 3)),
        V,
        r"input of shape \(0, 3\) has no value per channel; training needs",
    ),
    (
        lambda: nn.BatchNorm1d(3)(ones(2, 3, 4, 5)),
        V,
        "BatchNorm1d: input has shape .* expected 2 axes or 3 axes",
    ),
    (lambda: nn.BatchNorm2d(3)(ones(2, 3)), V, r"BatchNorm2d: input has shape \(2, 3\), expected 4 axes"),
    (
        lambda: nn.BatchNorm1d(3)(ones(4, 2)),
        V,
        r"BatchNorm1d: input has shape \(4, 2\), so 2 channels, but weight has shape \(3,\)",
    ),
    (
        lambda: F.batch_norm(ones(4, 2), ones(3), ones(2)),
        V,
        r"batch_norm: input has shape \(4, 2\), so 2 channels, but running_mean has shape \(3,\)",
    ),
    (lambda: nn.LSTM(3, 4)([1.0]), E, "LSTM: input must be a tensor, got list; fastnano.tensor makes one"),
    (lambda: nn.Flatten()(None), E, "Flatten: input must be a tensor, got NoneType"),
    (
        lambda: nn.Sequential(nn.Flatten())([1.0]),
        E,
        r"in layer '0' \(Flatten.*\) of Sequential: Flatten: input must be a tensor, got list",
    ),
    (lambda: nn.Conv1d(1, 1, 1)(ones(1, 1, 3), 1), E, r"Conv1d.forward\(\) takes 2 positional arguments"),
    (lambda: nn.LSTM(3, 4)(ones(5, 2, 3).long()), E, "LSTM: input must be float32 or float64, got int64"),
    (lambda: nn.AvgPool3d(2)(ones(1, 2, 2, 2).long()), E, "AvgPool3d: input must be float32 or float64"),
    (lambda: F.lp_pool1d(ones(1, 2, 2).long(), 2, 2), E, "lp_pool1d: input must be float32 or float64"),
    (lambda: nn.RMSNorm(3)(ones(2, 3).long()), E, "RMSNorm: input must be float32 or float64, got int64"),
    (lambda: F.cosine_similarity(T([[1]]), T([[1]])), E, "cosine_similarity: the operands are int64"),
    (lambda: nn.Linear(2, 1)(None), E, "Linear: a tensor holds real numbers, got dtype object, None"),
    (lambda: nn.GroupNorm(1, 3)(ones(4, 2)), V, r"GroupNorm: .* 2 channels, but weight has shape \(3,\)"),
    (
        lambda: F.batch_norm(ones(4), None, None),
        V,
        r"batch_norm: input has shape \(4,\), expected \(N, C, \*\)",
    ),
    (
        lambda: F.batch_norm(ones(4, 2), None, None),
        V,
        "running_mean and running_var are needed when training=False",
    ),
    (lambda: nn.Dropout(1.5), V, r"Dropout: p=1\.5 must be from 0 to 1"),
    (lambda: nn.Dropout(math.nan), V, "Dropout: p=nan must be from 0 to 1"),
    (lambda: nn.Dropout("a"), E, "Dropout: p='a' must be a number from 0 to 1"),
    (lambda: F.dropout(ones(2), -0.1), V, r"dropout: p=-0\.1 must be from 0 to 1"),
    (lambda: nn.Softmax(2)(ones(2, 3)), I, r"Softmax: dim=2 is not an axis of shape \(2, 3\)"),
    (lambda: nn.GELU()(T([1])), E, r"GELU: input must be float32 or float64, got int64"),
    (
        lambda: F.scaled_dot_product_attention(ones(2, 3), ones(2, 3), ones(2, 3), np.ones((2, 2), np.int64)),
        E,
        "a mask is boolean or floating, got int64",
    ),
    (lambda: nn.LeakyReLU("a"), E, "LeakyReLU: negative_slope='a' must be a number"),
    (lambda: nn.Flatten()(ones(3)), I, "Flatten: dim=1 is not an axis"),
    (lambda: F.pad(ones(2, 2), 1), E, r"pad: pad=1 must be a tuple of sizes, \(left, right"),
    (lambda: F.layer_norm(ones(2, 2), 2.0), E, "layer_norm: normalized_shape=2.0 must be an integer"),
    (
        lambda: F.conv_transpose1d(ones(1, 3, 5), ones(3, 2, 3), ones(3)),
        V,
        r"conv_transpose1d: bias has shape \(3,\), but weight and groups=1 give 2 channels",
    ),
    (lambda: nn.init.uniform_(ones(2), 2, 1), V, "uniform_: a=2 must not be above b=1"),
    (lambda: nn.init.normal_(ones(2), 0, -1), V, "normal_: std=-1 must be at least 0"),
    (lambda: F.pad(ones(2, 2), (1,)), V, r"pad: pad=\(1,\) must be pairs"),
    (lambda: F.pad(ones(2, 2), (1, -4)), V, r"pad: pad=\(1, -4\) cuts more than the shape \(2, 2\)"),
]


@pytest.mark.parametrize(
    ("call", "error", "message"), [*TENSORS, *LAYERS], ids=[row[2] for row in (*TENSORS, *LAYERS)]
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_failed_forward_leaves_batch_norm_as_it_was():
    norm = nn.BatchNorm1d(3)
    for x in (ones(1, 3), ones(4, 2), ones(4, 3).double()):
        with pytest.raises((ValueError, TypeError)):
            norm(x)
    assert norm.num_batches_tracked.item() == 0
    np.testing.assert_array_equal(norm.running_mean.data, 0)


def test_a_sample_beyond_what_native_code_can_address():
    with fn.use_backend("cython"), pytest.raises(ValueError, match="too large for native code"):
        F.conv2d(ones(1, 1, 3, 3), ones(1, 1, 1, 1), padding=20_000, stride=20_000)
