"""PyTorch's free functions of tensors; those of ``_tensor``'s lists are methods of ``Tensor`` too."""

from .. import autograd
