"""Activations, element by element: arrays of any shape.

``inplace`` is taken where PyTorch has it, and shown, but changes nothing: results are new arrays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._random import Generator
from ..autograd import Tensor
from . import functional as F
from ._arguments import number
from .init import constant_
from .module import Module, Parameter

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "ArcTan",
    "BinaryStep",
    "Gaussian",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _Activation(Module):
    """y = function(x, ...): behind x go the attributes named in ``shown``."""

    function: Callable[..., Tensor]
    shown: tuple[str, ...] = ()

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, *(getattr(self, name) for name in self.shown))


class _Inplace(_Activation):
    """Those that take ``inplace``; repr shows it, if it is true, behind what is ``shown``."""

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        shown = [f"{name}={getattr(self, name)}" for name in self.shown]
        return ", ".join([*shown, *(["inplace=True"] if self.inplace else [])])


class _Shrink(_Activation):
    shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return str(self.lambd)


# Rectifiers


class ReLU(_Inplace):
    """y = max(x, 0).  V. Nair, G. Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines",
    2010.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.relu)


class ReLU6(_Inplace):
    """y = min(max(x, 0), 6).  A. Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.relu6)


class LeakyReLU(_Inplace):
    """y = x where x > 0, else negative_slope · x.  A. Maas et al., "Rectifier Nonlinearities", 2013.

    Shapes: x (*), y the same.
    """

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = number("LeakyReLU", "negative_slope", negative_slope)

    function = staticmethod(F.leaky_relu)


class PReLU(Module):
    """y = x where x > 0, else weight · x, weight learnt: one number, or num_parameters, one per channel of
    x (N, C, *).

    Source: K. He et al., "Delving Deep into Rectifiers", 2015.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(np.full(num_parameters, init, np.float32))

    def reset_parameters(self) -> None:
        """Weight ``init`` again."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(_Inplace):
    """y = x where x > 0, else a · x: a is drawn from lower to upper for each element in training, their mean
    in evaluation.

    The draw is a function of the generator's state and the element's place, as for Dropout.
    Source: B. Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.
    Shapes: x (*), y the same.
    """

    shown = ("lower", "upper")

    def __init__(
        self,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        inplace: bool = False,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(inplace)
        self.lower, self.upper, self.generator = lower, upper, generator

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, generator=self.generator)


class ELU(_Inplace):
    """y = x where x > 0, else alpha (e^x − 1).  D.-A. Clevert et al., "Fast and Accurate Deep Network Learning
    by Exponential Linear Units", 2016.

    Shapes: x (*), y the same.
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    function = staticmethod(F.elu)


class SELU(_Inplace):
    """y = 1.0507 · ELU(x) of alpha 1.6733, which keep a mean of 0 and a variance of 1 (with weights of LeCun's
    initialisation).

    Source: G. Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    Shapes: x (*), y the same.
    """

    function = staticmethod(F.selu)


class CELU(_Inplace):
    """y = x where x > 0, else alpha (e^(x / alpha) − 1), smooth for every alpha.  J. Barron, "Continuously
    Differentiable Exponential Linear Units", 2017.

    Shapes: x (*), y the same.
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    function = staticmethod(F.celu)


# Smooth gates


class GELU(Module):
    """y = x Φ(x), Φ the distribution function of the standard normal; of ``approximate="tanh"``,
    y = x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2.

    Source: D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", 2016.
    Shapes: x (*), y the same.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(_Inplace):
    """y = x σ(x), also called Swish.  S. Elfwing et al., "Sigmoid-Weighted Linear Units", 2017.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.silu)


class Mish(_Inplace):
    """y = x tanh(log(1 + e^x)).  D. Misra, "Mish: A Self Regularized Non-Monotonic Activation Function",
    2019.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.mish)


class GLU(_Activation):
    """y = a σ(b), a and b the halves of x along the axis ``dim``, whose size must be even.  Y. Dauphin et al.,
    "Language Modeling with Gated Convolutional Networks", 2017.

    Shapes: x (..., 2s, ...), y (..., s, ...).
    """

    function, shown = staticmethod(F.glu), ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


# Steps, sharp and soft


class Sigmoid(_Activation):
    """y = 1 / (1 + e^−x).

    Shapes: x (*), y the same.
    Source: D. Rumelhart, G. Hinton, R. Williams, "Learning Representations by Back-Propagating Errors", 1986.
    """

    function = staticmethod(F.sigmoid)


class LogSigmoid(_Activation):
    """y = log(1 / (1 + e^−x)).

    Shapes: x (*), y the same.
    Source: C. Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing", 2001, as
    −softplus(−x).
    """

    function = staticmethod(F.logsigmoid)


class Tanh(_Activation):
    """y = (e^x − e^−x) / (e^x + e^−x).

    Shapes: x (*), y the same.
    Source: Y. LeCun et al., "Efficient BackProp", 1998.
    """

    function = staticmethod(F.tanh)


class ArcTan(_Activation):
    """y = arctan x, between −π/2 and π/2.

    Shapes: x (*), y the same.
    Source: T. Sivri, N. Akman, A. Berkol, "Multiclass Classification Using Arctangent Activation Function and Its
    Variations", 2022.
    """

    function = staticmethod(F.arctan)


class Softplus(Module):
    """y = log(1 + e^(beta x)) / beta; x itself where beta x > threshold.  C. Dugas et al., "Incorporating
    Second-Order Functional Knowledge for Better Option Pricing", 2001.

    Shapes: x (*), y the same.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(_Activation):
    """y = x / (1 + |x|).  J. Bergstra et al., "Quadratic Polynomials Learn Better Image Features", 2009.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.softsign)


class Hardtanh(_Inplace):
    """y = min(max(x, min_val), max_val).  R. Collobert, "Large Scale Machine Learning", 2004.

    Shapes: x (*), y the same.
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val={min_val} must be below max_val={max_val}")
        self.min_val, self.max_val = min_val, max_val

    function = staticmethod(F.hardtanh)


class Hardsigmoid(_Inplace):
    """y = min(max(x + 3, 0), 6) / 6.  A. Howard et al., "Searching for MobileNetV3", 2019.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.hardsigmoid)

    def extra_repr(self) -> str:
        return ""


class Hardswish(Hardsigmoid):
    """y = x min(max(x + 3, 0), 6) / 6.  A. Howard et al., "Searching for MobileNetV3", 2019.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.hardswish)


class BinaryStep(Module):
    """y = 1 where x ≥ 0, else 0.  Its derivative is zero, from which nothing learns; in its place stands what
    ``gradient`` names:

    * "straight_through": dx = dy
    * "clipped": dx = dy where |x| ≤ 1, else 0
    * "sigmoid": dx = dy · d/dx σ(slope · x)

    Source: Y. Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons", 2013; I. Hubara
    et al., "Binarized Neural Networks", 2016; E. Neftci et al., "Surrogate Gradient Learning", 2019.
    Shapes: x (*), y the same.
    """

    def __init__(self, gradient: str = "straight_through", slope: float = 1.0) -> None:
        super().__init__()
        self.gradient, self.slope = gradient, slope

    def forward(self, input: Tensor) -> Tensor:
        return F.binary_step(input, self.gradient, self.slope)

    def extra_repr(self) -> str:
        return f"gradient={self.gradient!r}" + (f", slope={self.slope}" if self.gradient == "sigmoid" else "")


# Thresholds and bells


class Hardshrink(_Shrink):
    """y = x where |x| > lambd, else 0.  D. Donoho, I. Johnstone, "Ideal Spatial Adaptation by Wavelet
    Shrinkage", 1994.

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.hardshrink)


class Softshrink(_Shrink):
    """y = x − lambd where x > lambd, x + lambd where x < −lambd, else 0; see Hardshrink.

    Shapes: x (*), y the same.
    Source: D. Donoho, I. Johnstone, "Ideal Spatial Adaptation by Wavelet Shrinkage", 1994.
    """

    function = staticmethod(F.softshrink)


class Tanhshrink(_Activation):
    """y = x − tanh(x).

    Shapes: x (*), y the same.
    """

    function = staticmethod(F.tanhshrink)


class Threshold(_Inplace):
    """y = x where x > threshold, else value.

    Shapes: x (*), y the same.
    Source: K. Konda, R. Memisevic, D. Krueger, "Zero-bias autoencoders and the benefits of co-adapting features",
    arXiv:1402.3337, where value is 0.
    """

    shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value

    function = staticmethod(F.threshold)


class Gaussian(_Activation):
    """y = e^(−x²).

    Shapes: x (*), y the same.
    Source: D. Broomhead, D. Lowe, "Multivariable Functional Interpolation and Adaptive Networks", 1988.
    """

    function = staticmethod(F.gaussian)
