"""Attention, and the encoder half of the transformer."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._random import default_generator
from ..autograd import Tensor, as_tensor
from ..functions.elementwise import where
from ..functions.movement import cat
from . import functional as F
from ._arguments import choice, count, probability
from ._initial import constant
from .containers import ModuleList
from .dropout import Dropout
from .functional._attention import as_mask, attend, causal
from .linear import Linear
from .module import Module, Parameter
from .norm import LayerNorm

__all__ = ["MultiheadAttention", "TransformerEncoder", "TransformerEncoderLayer"]


class MultiheadAttention(Module):
    """y = W_o [head_1 ... head_h] + b_o, head_i = softmax(q_i k_iᵀ / √(E / h)) v_i; q, k, v = W x + b of query, key
    and value, cut into h heads.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim), the first two axes the other way round with
    ``batch_first``, or without N.  ``forward`` returns y (L, N, E) and the weights of the values, (N, L, S), their mean
    over the heads, or (N, h, L, S) with ``average_attn_weights=False``, or None with ``need_weights=False``.
    ``key_padding_mask`` (N, S) and ``attn_mask`` (L, S) or (N · h, L, S) are added to the scores, or boolean: True
    where a query may *not* look.  ``is_causal`` without a mask lets query i look at keys up to i.
    ``add_bias_kv`` appends a learned key and value, ``add_zero_attn`` zeros.  Initial weights as Glorot's, biases 0.
    Source: A. Vaswani et al., "Attention Is All You Need", arXiv:1706.03762.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        name = "MultiheadAttention"
        self.embed_dim = count(name, "embed_dim", embed_dim)
        self.num_heads = count(name, "num_heads", num_heads)
        if embed_dim % num_heads:
            raise ValueError(f"{name}: num_heads={num_heads} must divide embed_dim={embed_dim}")
        self.kdim = embed_dim if kdim is None else count(name, "kdim", kdim)
        self.vdim = embed_dim if vdim is None else count(name, "vdim", vdim)
        self.dropout = probability(name, "dropout", dropout)
        self.batch_first, self.add_zero_attn = batch_first, add_zero_attn
        self.head_dim = embed_dim // num_heads
        shapes = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        together = self.kdim == self.vdim == embed_dim
        for key, inputs in shapes.items():
            self.register_parameter(key, None if together else _glorot(embed_dim, inputs))
        self.register_parameter("in_proj_weight", _glorot(3 * embed_dim, embed_dim) if together else None)
        zeros = Parameter(np.zeros(3 * embed_dim, np.float32)) if bias else None
        self.register_parameter("in_proj_bias", zeros)
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if bias:
            self.out_proj.bias.data[:] = 0
        for key in ("bias_k", "bias_v"):
            # Glorot's for a normal distribution, of (1, 1, E): both fans are E
            drawn = default_generator.rng.standard_normal((1, 1, embed_dim)) * embed_dim**-0.5
            self.register_parameter(key, Parameter(drawn.astype(np.float32)) if add_bias_kv else None)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        batched = self._check(query, key, value)
        swap = batched and not self.batch_first
        same = query is key and key is value
        query, key, value = (_leading(x, batched, swap) for x in (query, key, value))
        q, k, v = self._projected(query) if same else self._projections(query, key, value)
        k, v, extra = self._appended(k, v)
        mask = self._mask(key_padding_mask, attn_mask, is_causal, query, key, extra)
        q, k, v = (x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2) for x in (q, k, v))
        y, weights = attend(q, k, v, mask, self.dropout if self.training else 0.0)
        y = self.out_proj(y.transpose(1, 2).reshape(query.shape))
        y = y.transpose(0, 1) if swap else y if batched else y[0]
        if not need_weights:
            return y, None
        weights = weights.mean(1) if average_attn_weights else weights
        return y, weights if batched else weights[0]

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> bool:
        """Whether there is an axis of samples; raises where the shapes do not fit."""
        batch = 0 if self.batch_first else 1
        fits = (
            query.ndim in (2, 3)
            and query.ndim == key.ndim == value.ndim
            and (query.shape[-1], key.shape[-1], value.shape[-1]) == (self.embed_dim, self.kdim, self.vdim)
            and key.shape[:-1] == value.shape[:-1]
            and (query.ndim == 2 or query.shape[batch] == key.shape[batch])
        )
        if not fits:
            layout = ("(N, L, {})", "(N, S, {})") if self.batch_first else ("(L, N, {})", "(S, N, {})")
            expected = [layout[i > 0].format(n) for i, n in enumerate((self.embed_dim, self.kdim, self.vdim))]
            raise ValueError(
                f"MultiheadAttention: query, key and value have shapes {query.shape}, {key.shape} and {value.shape}, "
                f"expected {', '.join(expected)}, or all without N"
            )
        return query.ndim == 3

    def _projected(self, x: Tensor) -> list[Tensor]:
        """q, k, v of one tensor, in one product where the weights are one."""
        if self.in_proj_weight is None:
            return self._projections(x, x, x)
        return _thirds(F.linear(x, self.in_proj_weight, self.in_proj_bias), -1)

    def _projections(self, *inputs: Tensor) -> list[Tensor]:
        if self.in_proj_weight is None:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        else:
            weights = _thirds(self.in_proj_weight, 0)
        biases = [None] * 3 if self.in_proj_bias is None else _thirds(self.in_proj_bias, 0)
        return [F.linear(*parts) for parts in zip(inputs, weights, biases, strict=True)]

    def _appended(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, int]:
        """Keys and values (N, S, E), with what is appended to them, and how many that are."""
        shape, more = (k.shape[0], 1, self.embed_dim), []
        if self.bias_k is not None:
            more.append((self.bias_k, self.bias_v))
        if self.add_zero_attn:
            more.append((constant(0, 1, k.dtype), constant(0, 1, k.dtype)))
        for added_k, added_v in more:
            k, v = cat([k, added_k.expand(shape)], 1), cat([v, added_v.expand(shape)], 1)
        return k, v, len(more)

    def _mask(
        self, padding: Any, mask: Any, is_causal: bool, query: Tensor, key: Tensor, extra: int
    ) -> Tensor | None:
        """What is added to the scores (N, h, L, S + extra)."""
        n, queries, keys = query.shape[0], query.shape[1], key.shape[1]
        found = []
        if mask is None and is_causal:
            found.append(causal(queries, keys, query.dtype))
        if mask is not None:
            mask = as_tensor(mask)
            if mask.shape == (n * self.num_heads, queries, keys) and mask.ndim == 3:
                mask = mask.reshape((n, self.num_heads, queries, keys))
            elif mask.shape != (queries, keys):
                raise ValueError(
                    f"MultiheadAttention: attn_mask has shape {mask.shape}, expected {(queries, keys)} or "
                    f"{(n * self.num_heads, queries, keys)}"
                )
            found.append(_additive(mask, query))
        if padding is not None:
            padding = as_tensor(padding)
            padding = padding.unsqueeze(0) if padding.ndim == 1 else padding
            if padding.shape != (n, keys):
                raise ValueError(
                    f"MultiheadAttention: key_padding_mask has shape {padding.shape}, expected {(n, keys)}"
                )
            found.append(_additive(padding.reshape((n, 1, 1, keys)), query))
        if not found:
            return None
        total = found[0] if len(found) == 1 else found[0] + found[1]
        return F.pad(total, (0, extra)) if extra else total


def _glorot(outputs: int, inputs: int) -> Parameter:
    """Uniform in ±√(6 / (inputs + outputs)) (X. Glorot, Y. Bengio, 2010)."""
    bound = math.sqrt(6 / (inputs + outputs))
    return Parameter(default_generator.rng.uniform(-bound, bound, (outputs, inputs)).astype(np.float32))


def _leading(x: Tensor, batched: bool, swap: bool) -> Tensor:
    """(N, L, E)."""
    return x.transpose(0, 1) if swap else x if batched else x.unsqueeze(0)


def _thirds(x: Tensor, dim: int) -> list[Tensor]:
    size = x.shape[dim] // 3
    pieces = [slice(i * size, (i + 1) * size) for i in range(3)]
    return [x[piece] if dim == 0 else x[..., piece] for piece in pieces]


def _additive(mask: Any, like: Tensor) -> Tensor:
    """A mask to add; a boolean one, True where not to look, as 0 and −∞."""
    mask = as_mask(mask)
    if mask.dtype != np.bool_:
        return mask
    return where(mask, as_tensor(-math.inf, like), as_tensor(0.0, like))


class TransformerEncoderLayer(Module):
    """x = norm1(x + attention(x)), y = norm2(x + linear2(activation(linear1(x)))); with ``norm_first`` the norms act on
    what goes into attention and the linear layers instead: x + attention(norm1(x)), and so on.

    Shapes: x and y (T, N, d_model), (N, T, d_model) with ``batch_first``, or (T, d_model); masks as for
    MultiheadAttention.  ``activation`` is "relu", "gelu" or a function of a tensor.  Dropout acts on the attention's
    weights, behind the activation and on what is added to x.
    Sources: A. Vaswani et al., arXiv:1706.03762; R. Xiong et al., arXiv:2002.04745 (``norm_first``).
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        if isinstance(activation, str):
            name = choice("TransformerEncoderLayer", "activation", activation, ("relu", "gelu"))
            activation = getattr(F, name)
        self.activation: Any = activation

    def forward(
        self, src: Tensor, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Tensor:
        masks = (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            src = src + self._attention(self.norm1(src), *masks)
            return src + self._dense(self.norm2(src))
        src = self.norm1(src + self._attention(src, *masks))
        return self.norm2(src + self._dense(src))

    def _attention(self, x: Tensor, mask: Any, padding: Any, is_causal: bool) -> Tensor:
        y, _ = self.self_attn(x, x, x, padding, need_weights=False, attn_mask=mask, is_causal=is_causal)
        return self.dropout1(y)

    def _dense(self, x: Tensor) -> Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """y = norm(layer_n(… layer_1(src))): ``num_layers`` copies of an encoder layer, then ``norm`` if there is one.

    The copies start from the same values; for others, initialise them anew.  ``forward(src, mask=None,
    src_key_padding_mask=None, is_causal=None)`` hands the masks to every layer.
    Shapes: src (N, S, E) or (S, N, E), as the layer's ``batch_first`` says, or (S, E); mask (S, S) or
    (N · heads, S, S); src_key_padding_mask (N, S); y as src.
    Source: A. Vaswani et al., "Attention Is All You Need", arXiv:1706.03762.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        copies = range(count("TransformerEncoder", "num_layers", num_layers))
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in copies])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, src: Tensor, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Tensor:
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)
