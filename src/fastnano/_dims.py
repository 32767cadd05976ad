"""Sizes that need arithmetic: what convolution and pooling make of an input's height and width."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ._errors import called

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
Sizes = tuple[int, ...]


def convolution(
    sizes: Mapping[str, int],
    *,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    groups: int,
) -> dict[str, int]:
    """Output rows p and columns q of a convolution; the channels must divide into the groups."""
    c, o, d = sizes["c"], sizes["o"], sizes["d"]
    kernel, image = (sizes["k"], sizes["l"]), (sizes["h"], sizes["w"])
    window = kernel, (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w)
    check_window("conv2d", *window)
    check_channels("conv2d", c, o, d, groups)
    p, q = positions("conv2d", image, *window)
    return {"p": p, "q": q}


def check_channels(name: str, c: int, o: int, d: int, groups: int) -> None:
    """c input channels in groups of d, o output channels."""
    if c < 1:
        raise ValueError(f"{name}: input has 0 channels, expected at least 1")
    if groups < 1 or c % groups or o % groups:
        raise ValueError(f"{name}: groups={groups} must divide both in_channels={c} and out_channels={o}")
    if d * groups != c:
        raise ValueError(
            f"{name}: input has {c} channels, but weight has {d} per group and groups={groups}, "
            f"so {d * groups} expected"
        )


def transposed_convolution(
    sizes: Mapping[str, int],
    *,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    groups: int,
    output_pad_h: int,
    output_pad_w: int,
) -> dict[str, int]:
    """Output rows h and columns w of a transposed convolution."""
    name, kernel, stride, pad = (
        "conv_transpose2d",
        (sizes["k"], sizes["l"]),
        (stride_h, stride_w),
        (pad_h, pad_w),
    )
    dilation, more = (dilation_h, dilation_w), (output_pad_h, output_pad_w)
    check_window(name, kernel, stride, pad, dilation)
    check_transposed_channels(name, sizes["o"], groups)
    if sizes["c"] != sizes["d"] * groups:
        raise ValueError(
            f"{called(name)}: bias has shape ({sizes['c']},), but weight and groups={groups} give "
            f"{sizes['d'] * groups} channels"
        )
    h, w = transposed_positions(name, (sizes["p"], sizes["q"]), kernel, stride, pad, dilation, more)
    return {"h": h, "w": w}


def check_transposed_channels(name: str, o: int, groups: int) -> None:
    """o input channels in groups."""
    if o < 1 or groups < 1 or o % groups:
        raise ValueError(f"{name}: groups={groups} must divide in_channels={o}, which must be at least 1")


def transposed_positions(
    name: str, image: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes, output_pad: Sizes
) -> Sizes:
    """The sizes of an image of which a convolution would make one of these sizes."""
    for more, step, spread in zip(output_pad, stride, dilation, strict=True):
        if not 0 <= more < max(step, spread):
            raise ValueError(
                f"{name}: output_padding={output_pad} must be at least 0 and smaller than "
                f"stride={stride} or dilation={dilation}"
            )
    found = tuple(
        (size - 1) * s - 2 * p + d * (k - 1) + 1 + more
        for size, k, s, p, d, more in zip(image, kernel, stride, pad, dilation, output_pad, strict=True)
    )
    if min(image) < 1 or min(found) < 1:
        raise ValueError(f"{name}: an input of {image} gives an output of {found}; use less padding")
    return found


def winograd(sizes: Mapping[str, int], **numbers: int) -> dict[str, int]:
    """The same where Winograd's algorithm applies."""
    found, kernel = convolution(sizes, **numbers), (sizes["k"], sizes["l"])
    if not winograd_applies(kernel, numbers):
        given = ", ".join(f"{name}={numbers[name]}" for name in _ONES)
        raise ValueError(
            f"conv2d: algorithm='winograd' needs kernel_size=(3, 3) and stride, dilation and groups 1, "
            f"got kernel_size={kernel}, {given}"
        )
    return found


_ONES = ("stride_h", "stride_w", "dilation_h", "dilation_w", "groups")


def winograd_applies(kernel: tuple[int, ...], numbers: Mapping[str, int]) -> bool:
    """Whether Winograd's algorithm does the convolution: 3 x 3, and stride, dilation and groups of 1."""
    return kernel == (3, 3) and all(numbers[name] == 1 for name in _ONES)


def max_pooling(
    sizes: Mapping[str, int],
    *,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    ceil_mode: bool,
) -> dict[str, int]:
    """Output rows p and columns q of max pooling."""
    plane = sizes["h"], sizes["w"]
    window = (kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w)
    p, q = pooling("max_pool2d", plane, *window, ceil_mode)
    return {"p": p, "q": q}


def pooling(
    name: str, plane: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes, ceil_mode: bool
) -> Sizes:
    """Output sizes of pooling; every window must meet a value."""
    check_window(name, kernel, stride, pad, dilation)
    if any(2 * p > k for p, k in zip(pad, kernel, strict=True)):
        raise ValueError(f"{name}: padding={pad} must be at most half of kernel_size={kernel}")
    if math.prod(plane) >= 2**31:
        sizes = " x ".join(map(str, plane))
        raise ValueError(f"{name}: a plane of {sizes} is too large for 32-bit indices")
    found = positions(name, plane, kernel, stride, pad, dilation, ceil_mode)
    for axis, *numbers in zip(AXES[len(plane)], plane, found, kernel, stride, pad, dilation, strict=True):
        if numbers[-1] > 1:  # a dilated window can step over the whole input
            _check_reach(name, axis, *numbers)
    return found


def _check_reach(
    name: str, axis: str, size: int, positions: int, kernel: int, stride: int, pad: int, dilation: int
) -> None:
    for start in range(-pad, positions * stride - pad, stride):
        first = max(0, -(start // dilation))  # of the window's places, not to lie before the input
        if first >= kernel or start + first * dilation >= size:
            raise ValueError(
                f"{name}: a window meets only padding={pad} along the {axis} {size} "
                f"(kernel_size={kernel}, dilation={dilation}); use less padding or dilation"
            )


def check_window(name: str, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes) -> None:
    """Refuse windows that cannot be: everything at least 1, padding at least 0, all in 32 bits."""
    for argument, value, least in (
        ("kernel_size", kernel, 1),
        ("stride", stride, 1),
        ("padding", pad, 0),
        ("dilation", dilation, 1),
    ):
        if min(value) < least:
            raise ValueError(f"{name}: {argument}={value} must be at least {least}")
        if max(value) >= 2**31:
            raise ValueError(f"{name}: {argument}={value} must be below 2**31")


def positions(
    name: str,
    image: Sizes,
    kernel: Sizes,
    stride: Sizes,
    pad: Sizes,
    dilation: Sizes,
    ceil_mode: bool = False,
) -> Sizes:
    """Places of a dilated window along each axis of a padded image."""
    numbers = zip(AXES[len(image)], image, kernel, stride, pad, dilation, strict=True)
    return tuple(_positions(name, axis, n, k, s, p, d, ceil_mode) for axis, n, k, s, p, d in numbers)


def _positions(
    name: str,
    axis: str,
    size: int,
    kernel: int,
    stride: int,
    pad: int,
    dilation: int,
    ceil_mode: bool,
) -> int:
    if size < 1:
        raise ValueError(f"{name}: the {axis} of its input is {size}, expected at least 1")
    reach = dilation * (kernel - 1) + 1
    room = size + 2 * pad - reach
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if count < 1:
        raise ValueError(
            f"{name}: the kernel reaches over {reach} (kernel_size={kernel}, dilation={dilation}), "
            f"more than the padded {axis} {size} + 2 * {pad} of its input; "
            f"use a smaller kernel_size or more padding"
        )
    in_padding = ceil_mode and (count - 1) * stride >= size + pad  # where no window starts
    return count - in_padding
