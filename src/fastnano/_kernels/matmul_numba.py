# A loop of matrix products: NumPy's BLAS is the fast path already.
from .matmul import matmul_dx, matmul_dy, matmul_forward

__all__ = ["matmul_dx", "matmul_dy", "matmul_forward"]
