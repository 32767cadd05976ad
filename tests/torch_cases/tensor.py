"""Tensors: their methods, and the functions of the package itself."""

import numpy as np

from . import integers, row

X = (2, 3, 4)
TIES = np.array([[1.0, 3.0, 3.0, -2.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 2.0, -1.0, 2.0]])
ZEROS = np.array([[0.0, 2.0, -3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 3.0], [5.0, -1.0, 0.0]])
MASK = integers(2, 3, 4).astype(bool)
PLACES = integers(3, 2, 5, 4)


def each(text, *given, **names):
    """One row for each word in the place of a name: ``each("lambda x: torch.F(x)", X, F="exp log")``."""
    ((name, words),) = ((n, w) for n, w in names.items() if n.isupper())
    rest = {n: v for n, v in names.items() if not n.isupper()}
    return [row(text.replace(name, word), *given, **rest) for word in words.split()]


ELEMENTWISE = [
    *each(
        "lambda x: torch.FUNCTION(x)",
        X,
        FUNCTION="abs sign square exp exp2 expm1 erf sin cos tan tanh sigmoid arctan sinh cosh neg relu",
    ),
    *each("lambda x: torch.FUNCTION(x)", X, FUNCTION="floor ceil round trunc"),
    *each("lambda x: torch.FUNCTION(x)", X, FUNCTION="log log1p log2 log10 sqrt rsqrt reciprocal", low=0.1),
    *each("lambda x: torch.FUNCTION(x)", X, FUNCTION="arcsin arccos", low=-0.95, high=0.95),
    *each("lambda x: torch.FUNCTION(x)", (), FUNCTION="abs exp square floor"),
    *each("lambda x: torch.FUNCTION(x)", (0, 3), FUNCTION="abs exp square floor"),
    *each("lambda x: torch.FUNCTION(x)", TIES, FUNCTION="abs sign relu square"),
    *each("lambda x, y: torch.FUNCTION(x, y)", (3, 4), (4,), FUNCTION="add sub mul maximum minimum arctan2"),
    *each("lambda x, y: torch.FUNCTION(x, y)", (3, 1), (2, 1, 4), FUNCTION="div pow remainder", low=0.3),
    row("lambda x: torch.maximum(x, x.flip(1)) + torch.minimum(x, x.flip(1)) * 2", TIES),
    row("lambda x, y: torch.add(x, y, alpha=0.3) * torch.sub(x, y, alpha=2)", X, X),
    row("lambda x, y: torch.div(x, y, rounding_mode='trunc')", X, X),
    row("lambda x, y: torch.div(x, y, rounding_mode='floor').detach()", X, X),
    row(
        "lambda x, y: torch.div(x * 2**50 + 1, y, rounding_mode='trunc')",
        integers(9, 3, 4) - 4,
        integers(3, 4) + 1,
    ),
    row("lambda x, y: (x // y, torch.floor_divide(x, y))", integers(9, 3, 4) - 4, integers(3, 4) + 1),
    row("lambda x, y: (x // y).detach()", X, X),
    row("lambda x, y: x % y", X, X),
    row("lambda x, y: x % y", np.array([1.7, 0.6]), np.array([0.1, 0.2])),  # x / y rounds up
    row("lambda x, y: torch.arctan2(x, y)", np.array([0.0, -0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0, 0.0])),
    row("lambda x, y: x**y", np.array([0.0, 0.0, 2.0]), np.array([0.0, 1.5, -1.0])),
    row("lambda x: x % 0.7", X),
    row("lambda x: 2**x + x**2 + x**0 + 1 / x - x / 3", X),
    row("lambda x: x**3", TIES),
    row("lambda x, y: torch.lerp(x, y, 0.3)", X, X),
    row(
        "lambda x, y, z: torch.addcmul(x, y, z, value=0.5) + torch.addcdiv(x, y, z.abs() + 1, value=2)",
        X,
        X,
        X,
    ),
    row("lambda x: torch.clamp(x, -1, 1)", X),
    row("lambda x: torch.clamp(x, -1.0, 2.0)", TIES),
    row("lambda x: x.clamp(min=0.0) + x.clamp(max=2) + x.clamp_min(-1) * x.clamp_max(3)", TIES),
    row("lambda x, y, z: torch.clamp(x, y, z)", X, X, (4,)),
    row("lambda x, y: torch.where(x > y, x * 2, y * 3)", X, (3, 1)),
    row("lambda x: torch.where(x > 0, x, 0.5) + x.where(x < 1, 2.0)", X),
    row("lambda x, y: torch.where(x, y, y * y)", MASK, (4,)),
]
COMPARISONS = [
    *each("lambda x, y: torch.FUNCTION(x, y)", TIES, TIES.round()[::-1].copy(), FUNCTION="eq ne lt le gt ge"),
    row("lambda x: (x == 0, x != 0, x < 0, x <= 0, x > 0, x >= 0)", TIES),
    row(
        "lambda x: (torch.logical_and(x, x.T), torch.logical_or(x, x.T), torch.logical_xor(x, x.T))",
        MASK[:, :3],
    ),
    row("lambda x: (~x, x & x.T, x | x.T, x ^ x.T, torch.logical_not(x))", MASK[:, :3]),
    *each(
        "lambda x, y: torch.bitwise_FUNCTION(x, y)", integers(9, 3, 4), integers(9, 4), FUNCTION="and or xor"
    ),
    row("lambda x: torch.bitwise_not(x)", integers(9, 3, 4)),
    row("lambda x: (torch.isclose(x, x + 1e-4), torch.isclose(x, x + 1e-4, 0, 1e-3))", TIES),
    row("lambda x: (torch.isnan(1 / x), torch.isinf(x), torch.isfinite(x))", np.array([1.0, np.nan, 2.0])),
    row("lambda x: (torch.isinf(x), torch.isfinite(x))", np.array([np.inf, -np.inf, 0.0])),
    row(
        "lambda x: torch.tensor([torch.allclose(x, x + 1e-9), torch.equal(x, x), torch.equal(x, x.T)])",
        TIES[:, :3],
    ),
]
REDUCTIONS = [
    *(
        found
        for dim in ("", "1", "-1", "(0, 2)", "0, keepdim=True", "(1, 2), keepdim=True")
        for found in each(f"lambda x: torch.FUNCTION(x, {dim})", X, FUNCTION="sum mean var std amax amin")
    ),
    *each("lambda x: torch.FUNCTION(x, 1)", TIES, FUNCTION="var std amax amin sum mean prod logsumexp"),
    *each("lambda x: torch.FUNCTION(x)", (), FUNCTION="sum mean amax amin prod"),
    *each("lambda x: torch.FUNCTION(x)", (7,), FUNCTION="sum mean var std amax amin prod norm"),
    *each("lambda x: torch.FUNCTION(x)", TIES, FUNCTION="max min amax amin"),
    *each("lambda x: torch.FUNCTION(x, 1)", (0, 3), FUNCTION="sum prod any"),
    row("lambda x: torch.var(x, 1, correction=0) + torch.std(x, dim=1, correction=2)", (3, 5)),
    row("lambda x: x.var(unbiased=False) + x.std(1, unbiased=False, keepdim=True)", (3, 5)),
    row("lambda x: torch.var_mean(x, 1)", X),
    row("lambda x: torch.std_mean(x, (0, 1), keepdim=True)", X),
    *each("lambda x: torch.prod(x, DIM)", ZEROS, DIM="0 1 dim=1,keepdim=True"),
    row("lambda x: x.prod()", (3, 2)),
    *(
        found
        for p in ("2", "1", "3", "1.5", "0.5", "float('inf')", "-float('inf')")
        for found in each(f"lambda x: torch.norm(x, {p}, DIM)", X, DIM="1 (0,2) dim=2,keepdim=True")
    ),
    *each("lambda x: torch.norm(x, P, 1)", TIES, P="2 1 3 float('inf')"),
    *each("lambda x: torch.norm(x, P, 0)", ZEROS, P="2 1 3"),
    row("lambda x: x.norm() + torch.norm(x, 'fro')", X),
    *each("lambda x: torch.logsumexp(x, DIM)", X, DIM="0 1 (0,2) dim=2,keepdim=True"),
    row("lambda x: torch.logsumexp(1000 * x, 1)", X),
    *each("lambda x: torch.FUNCTION(x, 1)", X, FUNCTION="cumsum cumprod"),
    *each("lambda x: torch.FUNCTION(x, -1)", ZEROS, FUNCTION="cumsum cumprod"),
    *each("lambda x: torch.FUNCTION(x)", MASK, FUNCTION="any all sum count_nonzero"),
    *each("lambda x: torch.FUNCTION(x, 0)", MASK, FUNCTION="any all sum count_nonzero cumsum"),
    *each("lambda x: torch.FUNCTION(x, 1, keepdim=True)", X, FUNCTION="any all argmax argmin"),
    *each(
        "lambda x: (torch.FUNCTION(x), x.FUNCTION(0), x.FUNCTION(-1, keepdim=True))",
        X,
        FUNCTION="argmax argmin",
    ),
    row("lambda x: (x.sum(), x.prod(1), x.cumsum(0), x.max())", integers(5, 3, 4)),
    *each(
        "lambda x: FUNCTION(x, dim=1, dtype=torch.float64).to(x.dtype)",
        X,
        FUNCTION="torch.sum torch.mean torch.prod torch.norm torch.cumsum torch.cumprod torch.softmax "
        "torch.log_softmax F.softmin",
    ),
    row("lambda x: x.sum(dtype=torch.float64).long()", integers(5, 3, 4)),
    row("lambda x: (x.round(decimals=1), x.round(decimals=-1))", X, low=-20, high=20),
]
MOVEMENT = [
    row(f"lambda x: x.{call} * 2", X)
    for call in (
        *("view(6, 4)", "reshape(-1)", "reshape((4, -1))", "flatten()", "flatten(1)", "flatten(0, 1)"),
        *("ravel()", "mT", "permute(2, 0, 1)", "permute((1, 2, 0))", "transpose(0, -1)", "swapaxes(1, 2)"),
        *(
            "movedim(0, 2)",
            "movedim((0, 1), (2, 0))",
            "unsqueeze(0)",
            "unsqueeze(-1)",
            "unflatten(2, (2, 2))",
        ),
        *("unflatten(-1, (-1, 2))", "expand(5, 2, 3, 4)", "expand(-1, 3, 4)", "repeat(2, 1, 3)"),
        *("repeat(2, 1, 1, 2)", "tile(2)", "tile(2, 1, 1, 2)", "repeat_interleave(2)"),
        *("repeat_interleave(3, 1)", "flip(0)", "flip(0, 2)", "flip((1,))", "roll(1)", "roll(2, 1)"),
        *("roll((1, -1), (0, 2))", "narrow(2, 1, 2)", "select(1, 2)", "select(0, -1)", "tril()", "triu(1)"),
        *("tril(-1)", "diagonal()", "diagonal(1, 1, 2)", "diagonal(-1, 0, 2)", "clone()", "contiguous()"),
        *(
            "squeeze()",
            "unsqueeze(1).squeeze(1)",
            "unsqueeze(0).unsqueeze(2).squeeze((0, 2))",
            "diag_embed()",
        ),
        *(
            "diag_embed(1)",
            "diag_embed(0, 0, 2)",
            "diag_embed(-1, -1, 0)",
            "expand_as(x[None])",
            "view_as(x.flatten())",
            "reshape_as(x.permute(2, 1, 0))",
        ),
        *("broadcast_to((2, 2, 3, 4))", "swapaxes(0, 1)"),
    )
] + [
    row("lambda x: x.T", (3, 4)),
    row("lambda x: torch.diag(x)", (4,)),
    row("lambda x: torch.diag(x, -2)", (4,)),
    row("lambda x: torch.diag(x, 1) + torch.trace(x)", (3, 3)),
    row("lambda x: torch.repeat_interleave(x, torch.tensor([2, 0, 1]), 0)", (3, 4)),
    row("lambda x, y: torch.cat((x, y))", (2, 3), (4, 3)),
    row("lambda x, y, z: torch.cat([x, y, z], -1)", (2, 3), (2, 1), (2, 4)),
    *each("lambda x, y: torch.FUNCTION((x, y), 1)", (2, 3), (2, 0), FUNCTION="concat concatenate"),
    row("lambda x, y: torch.stack((x, y, x))", (2, 3), (2, 3)),
    row("lambda x, y: torch.stack((x, y), -1)", (2, 3), (2, 3)),
    row("lambda x, y: torch.stack((x, y))", (), ()),
    row("lambda x, y: (torch.hstack((x, y)), torch.vstack((x, y)))", (2, 3), (2, 3)),
    row("lambda x, y: (torch.hstack((x, y)), torch.vstack((x, y)))", (3,), (3,)),
    *each("lambda x: x.split(SIZE)", (7, 2), SIZE="2 3 7 9 [1,4,2]"),
    *each("lambda x: torch.split(x, SIZE, dim=1)", (2, 6), SIZE="2 4 [5,1]"),
    *each("lambda x: torch.chunk(x, COUNT, 1)", (2, 7), COUNT="1 2 3 4 5 9"),
    row("lambda x: x.unbind(1)", (2, 3, 2)),
    row("lambda x: x[..., None, 1:] * x[:, [0, 1, 0]].sum() + x[-1, ::2].sum()", X),
    row("lambda x, y: torch.meshgrid(x, y, indexing='ij')", (3,), (4,)),
    row("lambda x, y: torch.meshgrid(x, y, indexing='xy')", (3,), (4,)),
]
INDEXING = [
    row("lambda x, i: torch.gather(x, 1, i)", X, PLACES[:, :, :3]),
    row("lambda x, i: x.gather(-1, i)", (2, 3), integers(3, 2, 5)),
    row("lambda x, i: x.gather(0, i)", (3,), integers(3, 6)),
    row("lambda x, i: torch.take_along_dim(x, i, 1)", X, PLACES[:, :, :1]),
    row("lambda x, i: torch.take_along_dim(x, i)", (2, 3), integers(6, 4)),
    row(
        "lambda x, y, i: torch.scatter(x, 0, i, y)",
        (5, 4),
        (3, 4),
        np.array([[0, 1, 2, 3], [4, 4, 0, 0], [2, 3, 1, 1]]),
    ),
    row("lambda x, i: x.scatter(1, i, 1.5)", (3, 5), integers(5, 3, 2)),
    *each(
        "lambda x, y: torch.nn.utils.rnn.pad_sequence([x, y], OPTIONS)",
        (2, 3),
        (4, 3),
        OPTIONS="True batch_first=False,padding_value=2.5 padding_side='left'",
    ),
    row(
        "lambda x, n: tuple(torch.nn.utils.rnn.unpad_sequence(x, n, True))",
        (2, 4, 3),
        np.array([4, 2]),
    ),
    row("lambda x, i: x.scatter(1, i, value=1.5)", (3, 5), integers(5, 3, 2)),
    row("lambda x, y, i: torch.scatter_add(x, 1, i, y)", (3, 4), (3, 5), integers(4, 3, 5)),
    row("lambda x, y, i: x.index_add(1, i, y, alpha=0.5)", (3, 4), (3, 6), integers(4, 6)),
    row("lambda x, i: torch.index_select(x, 1, i)", X, integers(3, 5)),
    row("lambda x, m: torch.masked_select(x, m)", (3, 4), MASK),
    row("lambda x, m: x.masked_select(m)", (2, 3, 4), MASK),
    row("lambda x, m: x.masked_fill(m, -1.5)", (2, 3, 4), MASK),
    row("lambda x, m, v: torch.masked_fill(x, m, v)", (3, 4), MASK, ()),
    row("lambda x, i: x[i] + x[i, 0, :, None].sum()", X, integers(2, 3)),
    *each("lambda x: torch.FUNCTION(x, 1)", TIES[[0, 2]][:, [0, 3, 1]], FUNCTION="max min median"),
    *each("lambda x: torch.FUNCTION(x, 0, keepdim=True)", (4, 3), FUNCTION="max min median"),
    *each("lambda x: x.FUNCTION()", (5, 3), FUNCTION="max min median"),
    row("lambda x, y: torch.max(x, y) * torch.min(x, y)", X, X),
    *each("lambda x: torch.sort(x, DIM)", X, DIM="0 1 -1 dim=1,descending=True"),
    row("lambda x: torch.sort(x, stable=True, dim=1)", TIES),
    row("lambda x: torch.sort(x, stable=True, dim=1, descending=True)", TIES),
    row("lambda x: (torch.argsort(x), x.argsort(0, descending=True))", X),
    *each("lambda x: torch.topk(x, SIZE)", (3, 7), SIZE="1 3 7 3,dim=0 4,largest=False 2,-1,False"),
    *each("lambda x: torch.kthvalue(x, SIZE)", (3, 7), SIZE="1 4 7 2,0 3,1,True"),
    row("lambda x: (torch.nonzero(x), *torch.nonzero(x, as_tuple=True), *torch.where(x))", MASK),
    row("lambda x: torch.unique(x, return_inverse=True, return_counts=True)", integers(4, 3, 5)),
    row("lambda x: (torch.unique(x), torch.unique(x, dim=0))", integers(2, 6, 2)),
    row("lambda x: (torch.bincount(x), x.bincount(minlength=9))", integers(5, 12)),
]
PRODUCTS = [
    row("lambda x, y: x @ y", (2, 3, 4), (4, 5)),
    row("lambda x, y: torch.matmul(x, y)", (3,), (2, 3, 4)),
    row("lambda x, y: torch.mm(x, y)", (2, 3), (3, 4)),
    row("lambda x, y: torch.bmm(x, y)", (5, 2, 3), (5, 3, 4)),
    row("lambda x, y: torch.bmm(x, y)", (0, 2, 3), (0, 3, 4)),
    row("lambda x, y: torch.mv(x, y)", (2, 3), (3,)),
    row("lambda x, y: torch.dot(x, y)", (7,), (7,)),
    row("lambda x, y: torch.outer(x, y)", (3,), (5,)),
    row("lambda x, y: torch.inner(x, y)", (2, 3), (4, 3)),
    row("lambda x, y, z: torch.addmm(x, y, z, beta=0.5, alpha=2)", (4,), (2, 3), (3, 4)),
    row("lambda x, y, z: torch.baddbmm(x, y, z)", (5, 2, 4), (5, 2, 3), (5, 3, 4)),
    row("lambda x, y: torch.tensordot(x, y)", (2, 3, 4), (3, 4, 5)),
    row("lambda x, y: torch.tensordot(x, y, 1)", (2, 3), (3, 4, 5)),
    row("lambda x, y: torch.tensordot(x, y, ([2, 0], [1, 0]))", (2, 3, 4), (2, 4, 5)),
    *(
        row(f"lambda *x: torch.einsum('{equation}', *x)", *shapes)
        for equation, *shapes in (
            ("ij->ji", (2, 3)),
            ("ij->", (2, 3)),
            ("ij->j", (2, 3)),
            ("ii->i", (3, 3)),
            ("ii", (3, 3)),
            ("iji->j", (3, 2, 3)),
            ("...ij->...ji", (5, 2, 3)),
            ("i,i", (3,), (3,)),
            ("i,j->ij", (3,), (4,)),
            ("ik,kj", (2, 3), (3, 4)),
            ("ik,kj->ji", (2, 3), (3, 4)),
            ("ij,ij->i", (2, 3), (2, 3)),
            ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
            ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
            ("...ij,jk->...ik", (5, 2, 3), (3, 4)),
            ("...i,...i->...", (5, 1, 3), (2, 3)),
            ("ij,kj->i", (2, 3), (4, 3)),
            ("i,ij,j->", (2,), (2, 3), (3,)),
            ("bi,oij,bj->bo", (4, 2), (5, 2, 3), (4, 3)),
        )
    ),
]
CREATION = [
    row(f"lambda x: x + torch.{call}", (3, 4))
    for call in (
        *(
            "full((3, 1), 2)",
            "arange(4)",
            "arange(1, 9, 2)",
            "zeros_like(x)",
            "ones_like(x)",
            "full_like(x, 3)",
        ),
        *("tensor([1, 2, 3, 4])", "tensor(5)"),
    )
]
NAMES = [
    row("lambda x: (F.normalize(x), F.normalize(x, 1, 0), F.normalize(x, 3, (1, 2)), F.normalize(x * 0))", X),
    row("ChannelShuffle(3)", (2, 6, 4, 3)),
    row("ChannelShuffle(2)", (2, 4, 5)),
    row("lambda x: (x.softmax(1), torch.log_softmax(x, 0), torch.softmax(x, -1))", X),
    row("lambda x: (x.t(), torch.fliplr(x), torch.flipud(x), x.moveaxis(0, 1), x.swapdims(0, 1))", (3, 4)),
    row("lambda x: (x.t(), x.absolute(), x.negative(), x.clip(-1, 1), x.erfc(), torch.atan(x))", (4,)),
    row("lambda x: (torch.asin(x), torch.acos(x), torch.atan2(x, x + 2))", (4,), low=-0.9, high=0.9),
    row(
        "lambda x, y: (torch.subtract(x, y), torch.multiply(x, y), torch.divide(x, y), x.true_divide(y))",
        X,
        X,
    ),
    row("lambda x: torch.nan_to_num(x, 0.5, 3, -3)", np.array([1.0, np.nan, np.inf, -np.inf])),
    row("lambda x: (x.greater(0), x.greater_equal(0), x.less(0), x.less_equal(0), x.not_equal(0))", TIES),
    row(
        "lambda x: x * x.new_tensor([1, 2, 3, 4]) + x.new_ones(3, 1) * x.new_full((4,), 2) - x.new_zeros(4)",
        (3, 4),
    ),
]
ROWS = [*NAMES, *ELEMENTWISE, *COMPARISONS, *REDUCTIONS, *MOVEMENT, *INDEXING, *PRODUCTS, *CREATION]
