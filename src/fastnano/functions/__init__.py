"""PyTorch's free functions of tensors; those of ``_methods``'s list are methods of ``Tensor`` too.

In their formulas x is the argument ``input``, y is ``other``.
"""

from .. import autograd
