"""Sizes that need arithmetic: what convolution and pooling make of an input's height and width."""

from __future__ import annotations

from collections.abc import Mapping


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
    check_window(
        "conv2d",
        kernel_size=(sizes["k"], sizes["l"]),
        stride=(stride_h, stride_w),
        padding=(pad_h, pad_w),
        dilation=(dilation_h, dilation_w),
    )
    if c < 1:
        raise ValueError("conv2d: x has 0 channels, expected at least 1")
    if groups < 1 or c % groups or o % groups:
        raise ValueError(f"conv2d: groups={groups} must divide both in_channels={c} and out_channels={o}")
    if d * groups != c:
        raise ValueError(
            f"conv2d: x has {c} channels, but weight has {d} per group and groups={groups}, "
            f"so {d * groups} expected"
        )
    p = _positions("conv2d", "height", sizes["h"], sizes["k"], stride_h, pad_h, dilation_h)
    q = _positions("conv2d", "width", sizes["w"], sizes["l"], stride_w, pad_w, dilation_w)
    return {"p": p, "q": q}


def winograd(sizes: Mapping[str, int], **numbers: int) -> dict[str, int]:
    """The same where Winograd's algorithm applies."""
    found = convolution(sizes, **numbers)
    asked = {
        "kernel_size": (sizes["k"], sizes["l"]),
        "stride": (numbers["stride_h"], numbers["stride_w"]),
        "dilation": (numbers["dilation_h"], numbers["dilation_w"]),
        "groups": numbers["groups"],
    }
    if asked != {"kernel_size": (3, 3), "stride": (1, 1), "dilation": (1, 1), "groups": 1}:
        given = ", ".join(f"{name}={value}" for name, value in asked.items())
        raise ValueError(
            f"conv2d: algorithm='winograd' needs kernel_size=(3, 3) and stride, dilation and groups 1, got {given}"
        )
    return found


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
    check_pooling(
        "max_pool2d", (kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w)
    )
    name = "max_pool2d"
    if sizes["h"] * sizes["w"] >= 2**31:
        raise ValueError(f"{name}: a plane of {sizes['h']} x {sizes['w']} is too large for 32-bit indices")
    p = _positions(name, "height", sizes["h"], kernel_h, stride_h, pad_h, dilation_h, ceil_mode)
    q = _positions(name, "width", sizes["w"], kernel_w, stride_w, pad_w, dilation_w, ceil_mode)
    _check_reach(name, "height", sizes["h"], p, kernel_h, stride_h, pad_h, dilation_h)
    _check_reach(name, "width", sizes["w"], q, kernel_w, stride_w, pad_w, dilation_w)
    return {"p": p, "q": q}


def _check_reach(
    name: str, axis: str, size: int, positions: int, kernel: int, stride: int, pad: int, dilation: int
) -> None:
    """Every window must meet a value: a dilated one can step over the whole input."""
    for start in range(-pad, positions * stride - pad, stride):
        first = max(0, -(start // dilation))  # of the window's places, not to lie before the input
        if first >= kernel or start + first * dilation >= size:
            raise ValueError(
                f"{name}: a window meets only padding={pad} along the {axis} {size} "
                f"(kernel_size={kernel}, dilation={dilation}); use less padding or dilation"
            )


def average_pooling(
    height: int,
    width: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    ceil_mode: bool,
) -> tuple[int, int]:
    """Output rows and columns of average pooling."""
    name = "avg_pool2d"
    check_pooling(name, kernel, stride, pad, (1, 1))
    p = _positions(name, "height", height, kernel[0], stride[0], pad[0], 1, ceil_mode)
    q = _positions(name, "width", width, kernel[1], stride[1], pad[1], 1, ceil_mode)
    return p, q


def check_window(
    name: str,
    *,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    kernel_size: tuple[int, int],
) -> None:
    """Refuse windows that cannot be: everything at least 1, padding at least 0, all in 32 bits."""
    for argument, value, least in (
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if min(value) < least:
            raise ValueError(f"{name}: {argument}={value} must be at least {least}")
        if max(value) >= 2**31:
            raise ValueError(f"{name}: {argument}={value} must be below 2**31")


def check_pooling(
    name: str,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    check_window(name, stride=stride, padding=pad, dilation=dilation, kernel_size=kernel)
    if 2 * pad[0] > kernel[0] or 2 * pad[1] > kernel[1]:
        raise ValueError(f"{name}: padding={pad} must be at most half of kernel_size={kernel}")


def _positions(
    name: str,
    axis: str,
    size: int,
    kernel: int,
    stride: int,
    pad: int,
    dilation: int,
    ceil_mode: bool = False,
) -> int:
    """Places of a dilated window on a padded axis."""
    if size < 1:
        raise ValueError(f"{name}: the {axis} of its input is {size}, expected at least 1")
    room = size + 2 * pad - dilation * (kernel - 1) - 1
    if room < 0:
        reach = dilation * (kernel - 1) + 1
        raise ValueError(
            f"{name}: the kernel reaches over {reach} (kernel_size={kernel}, dilation={dilation}), "
            f"more than the padded {axis} {size} + 2 * {pad} of its input; "
            f"use a smaller kernel_size or more padding"
        )
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + pad else count  # no window starts in the far padding
