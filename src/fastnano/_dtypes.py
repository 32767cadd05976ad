"""PyTorch's names of dtypes, which are NumPy's dtypes here."""

import numpy as np

float32 = float = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
int8, int16 = np.dtype(np.int8), np.dtype(np.int16)
int32 = int = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
uint8, bool = np.dtype(np.uint8), np.dtype(np.bool_)
