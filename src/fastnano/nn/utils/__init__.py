"""PyTorch's ``nn.utils``: gradient clipping, parameters as one vector, and weights that are functions of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._lazy import lazy

# Clipping lives beside the layers; here it has PyTorch's address.
_NAMES = {
    "clipping": ("clip_grad_norm_", "clip_grad_value_"),
    "convert_parameters": ("parameters_to_vector", "vector_to_parameters"),
}
__getattr__, __dir__, __all__ = lazy(__name__, ("parametrizations", "parametrize", "rnn"), _NAMES)

if TYPE_CHECKING:
    from . import parametrizations, parametrize, rnn
    from .clipping import *
    from .convert_parameters import *
