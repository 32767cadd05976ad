"""The error function, which NumPy lacks."""

import numpy as np

# W. J. Cody, "Rational Chebyshev approximations for the error function" (Math. Comp. 23, 1969): erf(x) / x near 0
# as a fraction in x², erfc(x) e^(x²) beyond as one in |x|; coefficients of the highest power first.
_NEAR = (
    "1.85777706184603153e-1 3.16112374387056560 1.13864154151050156e2 3.77485237685302021e2 3.20937758913846947e3",
    "1 2.36012909523441209e1 2.44024637934444173e2 1.28261652607737228e3 2.84423683343917062e3",
)
_FAR = (
    "2.15311535474403846e-8 5.64188496988670089e-1 8.88314979438837594 6.61191906371416295e1 "
    "2.98635138197400131e2 8.81952221241769090e2 1.71204761263407058e3 2.05107837782607147e3 1.23033935479799725e3",
    "1 1.57449261107098347e1 1.17693950891312499e2 5.37181101862009858e2 1.62138957456669019e3 "
    "3.29079923573345963e3 4.36261909014324716e3 3.43936767414372164e3 1.23033935480374942e3",
)


def _fraction(coefficients, x):
    above, below = (np.polyval([float(c) for c in text.split()], x) for text in coefficients)
    return above / below


def erf(x):
    """2/√π ∫₀ˣ e^(−t²) dt, to 1e-15, in the dtype of x."""
    wide = np.asarray(x, np.float64)
    size = np.minimum(np.abs(wide), 6)  # erfc(6) is 2e-17
    near = size * _fraction(_NEAR, size * size)
    far = 1 - np.exp(-size * size) * _fraction(_FAR, size)
    return np.copysign(np.where(size < 0.46875, near, far), wide).astype(x.dtype)
