# Numba's loops cannot keep a tile in registers, which the transforms need: the direct convolution serves.
from .convolution_numba import conv2d_dweight as conv2d_winograd_dweight
from .convolution_numba import conv2d_dx as conv2d_winograd_dx
from .convolution_numba import conv2d_forward as conv2d_winograd_forward

__all__ = ["conv2d_winograd_dweight", "conv2d_winograd_dx", "conv2d_winograd_forward"]
