"""The families of kernels: the files of this folder that hold them."""

FAMILIES = (
    *("linear", "convolution", "winograd", "pooling", "softmax", "norm", "row_norm", "dropout", "loss"),
    *("along", "reduction", "indexing", "embedding", "recurrent", "matmul", "metric", "optim"),
)
FORMULAS = ("elementwise",)  # families of formulas, whose kernels are derived (see ``_formula``)
