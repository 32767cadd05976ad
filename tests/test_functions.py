"""Functions of tensors beside their gradients: every name, changes in place, creation, chance, DLPack, bad input."""

import math

import numpy as np
import pytest

import fastnano as fn
from fastnano import functions
from fastnano.functions import comparison, creation, elementwise, indexing, movement, products, reduction
from oracle import array, torch

FAMILIES = (elementwise, comparison, reduction, movement, indexing, products, creation)
NAMES = [name for family in FAMILIES for name in family.__all__]


def test_every_function_is_a_name_of_the_package_once():
    assert sorted(set(NAMES) - set(fn.__all__)) == []
    assert len(NAMES) == len(set(NAMES))
    for family in FAMILIES:
        for name in family.__all__:
            assert getattr(fn, name) is getattr(family, name)
            assert getattr(fn, name).__doc__, f"{name} has no docstring"
    assert functions.__doc__


def test_methods_are_the_functions():
    shared = [name for name in NAMES if hasattr(fn.Tensor, name) and name not in ("where", "split")]
    assert len(shared) > 140
    assert all(getattr(fn.Tensor, name) is getattr(fn, name) for name in shared)


def test_pytorch_has_every_name():
    assert [name for name in NAMES if not hasattr(torch, name) and not hasattr(torch.Tensor, name)] == []
    methods = [name for name in dir(fn.Tensor) if not name.startswith("_") and name not in ("data", "shape")]
    assert [name for name in methods if not hasattr(torch.Tensor, name)] == []


# Where PyTorch's rule is not NumPy's, or where a rule has an edge: x is 3 x 4 x 5, m a mask, w whole numbers.
EDGES = (
    *(
        "m * 2",
        "m + 1",
        "m / 2",
        "m // 2",
        "m % 2",
        "m == 2",
        "m < 2",
        "-1 / (m + 1)",
        "lib.where(m, m, 5)",
        "m & True",
    ),
    *("b == 300", "b * 2", "w * True", "lib.masked_fill(w, m, 1.5)", "lib.masked_fill(x[0, 0, :3], m, 2)"),
    *(
        "x[0, :, w]",
        "x[:, 1, w]",
        "x[w, :, 0]",
        "x[None, w, ..., 0]",
        "x[0, :, [1, 2]]",
        "x[1, x[1] > 0]",
        "x[0, w]",
    ),
    *(
        "x[lib.tensor(1):lib.tensor(3)]",
        "x[w, lib.tensor(1)]",
        "x[..., w, 0]",
        "x[0, None, :, w]",
        "x[m, 0, :, None]",
    ),
    *(
        "x.narrow(1, -2, 2)",
        "x.var(False)",
        "x.std(True)",
        "x[0].median()",
        "lib.tensor([1.0, nan, 2.0]).median()",
    ),
    *("lib.tensor([[1.0, nan, 2.0], [3.0, 1.0, 2.0]]).median(1).values", "lib.zeros(0, 3).mean(1)"),
    *(
        "lib.tensor([[3.0, nan, nan], [3.0, 1.0, 2.0]]).median(1).indices",
        "x[0].repeat(1, 1).fill_(5.0)",
        "x.tile(1, 1)",
    ),
    *(
        "lib.nn.functional.cosine_similarity(x[0], x[0, 0], dim=0)",
        "lib.nn.functional.cosine_similarity(x[0, 0], x, dim=-1)",
    ),
    *("x[0].repeat(3, 1, 1).zero_()", "m.clone().zero_()", "m.clone().fill_(2)", "w.clone().fill_(1.5)"),
    *(
        f"w.{name}"
        for name in ("sum(dtype=lib.int32)", "prod(0, dtype=lib.int8)", "cumsum(0, dtype=lib.int16)")
    ),
    *("b.cumprod(0, dtype=lib.float64)", "w.scatter(0, w, 1.5)", "w.masked_fill(m, lib.tensor(1.5))"),
    *("lib.cat(lib.zeros(2, 0).chunk(3, 1), 0)", "lib.tensor([3 in w, 2 in w, 1.0 in lib.zeros(0)])"),
    "lib.nn.functional.mse_loss(lib.zeros(0, 3), lib.zeros(0, 3), reduction='sum')",
)


@pytest.mark.parametrize("text", EDGES)
def test_edges_equal_pytorch(text):
    found = []
    for library in (fn, torch):
        given = {
            "x": library.tensor(array(3, 4, 5)),
            "m": library.tensor([True, False, True]),
            "nan": math.nan,
        }
        given |= {
            "w": library.tensor([0, 2, 1]),
            "b": library.tensor(np.array([1, 2], np.uint8)),
            "lib": library,
        }
        found.append(eval(text, given).numpy())
    assert found[0].dtype == found[1].dtype
    np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.parametrize(
    "index", ["0, :, w", "w, :, 1", "0, :, [1, 2]", "None, w, ..., 0", "m, 0", "1, w, 2", "w, 0, 0"]
)
def test_assignment_equals_pytorch(index):
    found = []
    for library in (fn, torch):
        x, w, m = library.zeros(3, 3, 3), library.tensor([1, 2]), library.tensor([True, False, True])
        given = {"x": x, "w": w, "m": m}
        given["y"] = library.arange(1.0, 1 + eval(f"x[{index}].numel()", given)).reshape(
            eval(f"x[{index}].shape", given)
        )
        exec(f"x[{index}] = y", given)
        found.append(x.numpy())
    np.testing.assert_array_equal(*found)


def test_gradients_through_indices_of_both_kinds():
    found = []
    for library in (fn, torch):
        x = library.tensor(array(3, 4, 5), requires_grad=True)
        (x[0, :, library.tensor([1, 1, 2])] * library.arange(3)).sum().backward()
        found.append(x.grad.numpy())
    np.testing.assert_allclose(*found)


def test_values_that_no_probability_has_are_not_hidden():
    scores, target = fn.tensor([-1.0, -1.0]), fn.tensor([-0.5, 0.5])
    with pytest.warns(RuntimeWarning, match="invalid value encountered in log"):
        assert math.isnan(fn.nn.functional.kl_div(scores, target, reduction="sum").item())


def test_spreads_of_no_rows_are_no_numbers():
    assert fn.zeros(0, 3).var(1).shape == fn.zeros(0, 3).std(1).shape == (0,)


def test_whole_numbers_of_few_bits_are_compared_with_any_number():
    x = fn.tensor(np.array([1, 255], np.uint8))
    assert (x > -1).tolist() == [True, True]
    assert (x < 256).tolist() == [True, True]


def test_an_empty_product_has_an_empty_gradient():
    x = fn.zeros(0, requires_grad=True)
    x.prod().backward()
    assert x.grad.shape == (0,)


def test_whole_numbers_index_and_numbers_are_formatted():
    assert list(range(fn.tensor(3))) == [0, 1, 2]
    assert "abc"[fn.tensor(1)] == "b"
    assert f"{fn.tensor(1.5):.2f}" == "1.50"
    assert f"{fn.tensor([1.5])}" == str(fn.tensor([1.5]))
    with pytest.raises(TypeError, match="only a whole number can be an index, not a tensor of float32"):
        range(fn.tensor(3.0))


# Changes in place

IN_PLACE = {
    "x.sigmoid_().{}_()": "absolute acos arccos arcsin arctan asin atan cos cosh erf erfc exp2 expm1 log10 log1p log2 "
    "logical_not nan_to_num negative reciprocal sin sinh tan trunc",  # of values that all of them take
    "x.{}_(y)": "arctan2 atan2 divide floor_divide logical_and logical_or logical_xor multiply remainder subtract "
    "true_divide",
}
CHANGES = (
    *(
        "x.add_(y)",
        "x.add_(y, alpha=2)",
        "x.sub_(2)",
        "x.sub_(y, alpha=0.5)",
        "x.mul_(y)",
        "x.div_(y)",
        "x.neg_()",
    ),
    *("x.abs_()", "x.pow_(2)", "x.square_()", "x.exp_()", "x.abs_().log_()", "x.abs_().sqrt_()"),
    *(
        "x.clamp_(-1, 1)",
        "x.clamp_(min=0)",
        "x.clamp_min_(0.5)",
        "x.clamp_max_(0.5)",
        "x.relu_()",
        "x.sigmoid_()",
    ),
    *(
        "x.tanh_()",
        "x.round_()",
        "x.floor_()",
        "x.ceil_()",
        "x.sign_()",
        "x.fill_(3)",
        "x.zero_()",
        "x.copy_(y)",
    ),
    *(
        "x.addcmul_(y, y, value=0.1)",
        "x.addcdiv_(y, y, value=2)",
        "x.lerp_(y, 0.3)",
        "x.masked_fill_(x > 0, -1)",
    ),
    *("x.tril_()", "x.triu_(1)", "x.scatter_(1, i, y)", "x.scatter_(1, i, 2.0)", "x.scatter_add_(1, i, y)"),
    "x.index_add_(0, i[:, 0] * 0, y)",
    *(form.format(name) for form, names in IN_PLACE.items() for name in names.split()),
    *("x.clip_(-1, 1)", "x.cumsum_(1)", "x.cumprod_(0)", "x.addmm_(y, y, beta=0.5)"),
    *(
        "b.baddbmm_(b.exp(), b.exp())",
        "i.bitwise_and_(1)",
        "i.bitwise_or_(1)",
        "i.bitwise_xor_(i + 1)",
        "i.bitwise_not_()",
    ),
)


@pytest.mark.parametrize("change", CHANGES)
def test_changes_in_place_equal_pytorch(change):
    found = []
    for library in (fn, torch):
        x, y = (library.tensor(array(3, 3, seed=s)) for s in (0, 1))
        i = library.tensor(np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0]]))
        given = {"x": x, "y": y, "i": i, "b": library.tensor(array(2, 3, 3))}
        changed = given[change[0]]
        memory = changed.numpy()
        assert eval(change, given) is changed
        assert np.shares_memory(changed.numpy(), memory)
        found.append(memory)
    np.testing.assert_allclose(*found, rtol=1e-14)


@pytest.mark.parametrize(
    "change", ["x.add_(1)", "x.exp_()", "x.fill_(1)", "x.normal_()", "x.masked_fill_(x > 0, 1)"]
)
def test_changes_in_place_are_refused_on_the_tape_and_noticed(change):
    x = fn.tensor(array(3), requires_grad=True)
    with pytest.raises(RuntimeError, match="changed in place only under"):
        eval(change, {"x": x})
    y = x.detach()
    z = x * y
    eval(change, {"x": y})
    with pytest.raises(RuntimeError, match="was changed in place"):
        z.sum().backward()


def test_assignment_by_index():
    found = []
    for library in (fn, torch):
        x = library.tensor(array(3, 4))
        x[0], x[1:, ::2], x[x > 1.5] = 7, library.tensor(array(2, 2)), -1.0
        x[library.tensor(np.array([0, 2])), 1] = 5.0
        found.append(x.numpy())
    np.testing.assert_array_equal(*found)


def test_a_change_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"add_: values of shape \(3,\) do not fit into shape \(2,\)"):
        fn.ones(2).add_(fn.ones(3))
    with pytest.raises(ValueError, match=r"pow_: the result has shape \(2, 1\), the tensor \(1,\)"):
        fn.ones(1).pow_(fn.ones(2, 1))
    with pytest.raises(TypeError, match="sqrt_: a int64 tensor cannot take in float32"):
        fn.tensor([1, 2]).sqrt_()


# Creation


@pytest.mark.parametrize(
    "call",
    [
        *("zeros(2, 3)", "zeros((2, 3))", "ones(2, dtype=torch.int64)", "full((2, 3), 1.5)", "full((2,), 3)"),
        *("full((), True)", "eye(3)", "eye(2, 4, dtype=torch.float64)", "arange(5)", "arange(2, 9, 3)"),
        *("arange(0, 1, 0.25)", "arange(3.0)", "arange(5, 0, -2)", "linspace(-1, 2, 7)", "logspace(0, 2, 3)"),
        *("zeros_like(torch.ones(2, 3))", "ones_like(torch.arange(3))", "full_like(torch.ones(2), 4)"),
        *("tensor([1, 2]).double()", "tensor([1.5]).long()", "tensor([1.5]).int()", "tensor([0, 2]).bool()"),
        *(
            "ones(2).to(torch.float64)",
            "ones(2).type_as(torch.arange(2))",
            "ones(2).to('cpu')",
            "ones(2).to(dtype=torch.float64)",
            "ones(2).cpu()",
        ),
        *(
            "tensor([1, 2]) / 2",
            "tensor([1, 2]) + 0.5",
            "tensor([True, False]).sum()",
            "tensor([7, -7]) // 2",
        ),
        *("tensor([7, -7]) % 3", "tensor([1, 2, 2]).unique()", "tensor([True]) & torch.tensor([False])"),
        *("tensor([1, 2]).clamp(0, 1)", "tensor([1, 2]).clamp(min=1.5)", "tensor([3, 4]).prod()"),
        *(
            "isnan(torch.tensor([1.0]))",
            "tensor([1, 2]) > 1.5",
            "tensor([7, -7]).div(2, rounding_mode='trunc')",
        ),
        *("cat((torch.arange(2), torch.ones(2)))", "argsort(torch.tensor(3.0))", "tensor(3.0).sort()[0]"),
    ],
)
def test_values_and_dtypes_equal_pytorch(call):
    ours, theirs = (eval(f"torch.{call}", {"torch": library}) for library in (fn, torch))
    assert ours.dtype == theirs.numpy().dtype
    np.testing.assert_allclose(ours.data, theirs.numpy(), rtol=1e-6)
    assert ours.shape == tuple(theirs.shape)


def test_what_a_tensor_is():
    x = fn.zeros(2, 3)
    assert (x.dim(), x.numel(), x.element_size(), x.nbytes) == (2, 6, 4, 24)
    assert x.is_floating_point()
    assert not x.long().is_floating_point()
    assert x.is_contiguous()
    assert not x.T.is_contiguous()
    assert x.T.contiguous().is_contiguous()
    assert x.contiguous() is x
    assert fn.empty(2, 3).shape == fn.empty_like(x).shape == (2, 3)
    assert fn.float32 == np.float32
    assert fn.long == fn.tensor([1]).dtype
    assert fn.ones(2, requires_grad=True).requires_grad
    layer = fn.nn.Linear(2, 1)
    assert layer.to("cpu") is layer.cpu() is layer
    assert (
        x.to("cpu", np.float64).dtype
        == x.to(x.double()).dtype
        == x.to(device="cpu", dtype=float).dtype
        == float
    )
    assert x.to(copy=True) is not x
    assert x.to("cpu") is x.to(x) is x
    with pytest.raises(TypeError, match="to: 'cuda' is no dtype, and the one device is 'cpu'"):
        x.to("cuda")
    assert x.new_zeros(2, dtype=np.int64).dtype == x.new_empty((2,), dtype=np.int64).dtype == np.int64
    assert x.new_full((2,), 1, requires_grad=True).requires_grad
    assert fn.arange(end=3).tolist() == fn.arange(3).tolist() == fn.arange(0, 3).tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="arange: give end"):
        fn.arange()
    with pytest.raises(TypeError, match="scatter: give one of src and value"):
        x.scatter(0, x.long())
    with pytest.raises(ValueError, match="diag_embed: dim1=1 and dim2=-1 are one axis"):
        fn.diag_embed(x[0], dim1=1)


def test_backward_of_some_inputs_alone():
    x, y = fn.ones(2, requires_grad=True), fn.ones(2, requires_grad=True)
    z = x * y
    z.sum().backward(inputs=[y, z])
    assert x.grad is None
    assert y.grad.tolist() == z.grad.tolist() == [1, 1]


def test_chance():
    generator = fn.Generator(1)
    x = fn.rand(1000, generator=generator)
    assert x.dtype == np.float32
    assert 0 <= x.min().item() < 0.01 < 0.99 < x.max().item() < 1
    assert abs(fn.randn(40, 25, generator=generator).std().item() - 1) < 0.1
    whole = fn.randint(2, 5, (1000,), generator=generator)
    assert whole.dtype == np.int64
    assert whole.unique().tolist() == [2, 3, 4]
    assert fn.randint(3, (5,)).max().item() < 3
    assert fn.randint(high=3, size=(5,)).max().item() < 3
    assert fn.bernoulli(x, 1.0).min().item() == 1
    assert sorted(fn.randperm(9).tolist()) == list(range(9))
    assert fn.rand_like(x).shape == fn.randn_like(x).shape == x.shape
    drawn = fn.normal(fn.full((1000,), 5.0), 0.1, generator=generator)
    assert abs(drawn.mean().item() - 5) < 0.02
    assert fn.normal(0.0, 1.0, (2, 3)).shape == (2, 3)
    assert abs(fn.bernoulli(fn.full((1000,), 0.3), generator=generator).mean().item() - 0.3) < 0.05
    places = fn.multinomial(fn.tensor([0.0, 3.0, 1.0]), 1000, True, generator=generator)
    assert abs((places == 1).float().mean().item() - 0.75) < 0.05
    assert sorted(fn.multinomial(fn.tensor([[1.0, 2.0], [2.0, 1.0]]), 2)[0].tolist()) == [0, 1]
    y = fn.zeros(1000)
    assert abs(y.normal_(2, 0.5, generator=generator).mean().item() - 2) < 0.1
    assert -1 <= y.uniform_(-1, 3, generator=generator).min().item() < y.max().item() < 3
    assert abs(y.bernoulli_(0.2, generator=generator).mean().item() - 0.2) < 0.05
    assert fn.rand(3, generator=fn.Generator(4)).tolist() == fn.rand(3, generator=fn.Generator(4)).tolist()


# Other libraries


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_memory_is_shared_through_dlpack(dtype):
    plain = np.array([[1, 0, 1], [0, 1, 1]], dtype)
    for given in (plain.copy(), torch.tensor(plain)):
        ours = fn.from_dlpack(given)
        assert ours.dtype == dtype
        given[0, 1] = 1
        assert ours[0, 1].item() == 1
        ours[1, 0] = 1
        assert given[1, 0] == 1
    x = fn.tensor(plain)
    theirs, array_ = torch.from_dlpack(x), np.from_dlpack(x)
    x[0, 1] = 1
    assert theirs[0, 1] == 1
    assert array_[0, 1] == 1
    theirs[0, 2] = 0
    assert x[0, 2].item() == 0
    assert np.asarray(x) is x.data


def test_a_tensor_on_the_tape_is_not_handed_out():
    with pytest.raises(RuntimeError, match=r"use \.detach\(\)"):
        torch.from_dlpack(fn.ones(2, requires_grad=True))


# Bad input

BAD = [
    ("fn.cat([])", ValueError, r"tensors=\[\] is empty, expected at least one"),
    (
        "fn.cat([fn.ones(2, 3), fn.ones(3, 2)])",
        ValueError,
        r"shape \(3, 2\) does not fit one of shape \(2, 3\) along dim=0",
    ),
    ("fn.cat([fn.ones(2), fn.ones(2).double()])", TypeError, "convert with"),
    ("fn.cat([fn.tensor(1.0)])", ValueError, "use stack"),
    ("x.sum(2)", IndexError, r"sum: dim=2 is not an axis of shape \(2, 3\)"),
    ("x.sum((0, 0))", ValueError, "names an axis of shape"),
    ("x.gather(0, x)", TypeError, "index must hold whole numbers"),
    ("x.gather(0, fn.tensor([0]))", ValueError, r"index has shape \(1,\), expected as many axes"),
    ("fn.where(x, x, x)", TypeError, "condition must hold bool"),
    ("x.masked_fill(x, 0)", TypeError, "mask must hold bool"),
    ("x.clamp()", ValueError, "at least one of min and max"),
    ("x.std(0, correction=2)", ValueError, "2 elements are not more than correction=2"),
    ("fn.arange(3).var()", TypeError, "var: needs a float tensor"),
    ("x.split([1, 2])", ValueError, r"the sizes \(1, 2\) do not add up to 2"),
    ("x.split(0)", ValueError, "must be at least 1"),
    ("x.unflatten(1, (2, 2))", ValueError, r"axis 1 of shape \(2, 3\) does not split into \(2, 2\)"),
    ("x.repeat(2)", ValueError, "must count for at least the 2 axes"),
    ("x.movedim((0, 1), 0)", ValueError, "differ in number"),
    ("x.roll((1, 2), 0)", ValueError, "differ in number"),
    ("x.topk(4)", ValueError, "k=4 must be from 0"),
    ("x.kthvalue(0)", ValueError, "k=0 must be from 1"),
    ("x.div(2, rounding_mode='up')", ValueError, "rounding_mode='up' must be"),
    ("fn.mm(x, fn.ones(3))", ValueError, "mm: the operands have shapes"),
    ("fn.bmm(fn.ones(2, 2, 2), fn.ones(3, 2, 2))", ValueError, "expected as many matrices in both"),
    ("fn.outer(x, x)", ValueError, "expected two vectors"),
    ("fn.trace(fn.ones(2))", ValueError, "expected a matrix"),
    ("fn.diag(fn.ones(2, 2, 2))", ValueError, "expected a vector or a matrix"),
    ("fn.tensordot(x, fn.ones(2, 2))", ValueError, "do not fit"),
    ("fn.einsum('ij,jk', x)", ValueError, "names 2 operands, got 1"),
    ("fn.einsum('ijk', x)", ValueError, r"does not name the axes of shape \(2, 3\)"),
    ("fn.einsum('ij->k', x)", ValueError, "must name axes of the operands"),
    ("fn.einsum('ij,ij', x, fn.ones(3, 3))", ValueError, "axis i has sizes 2 and 3"),
    ("fn.einsum('ii', x)", ValueError, "axis i has sizes 2 and 3"),
    ("fn.meshgrid(x, indexing='ba')", ValueError, "indexing='ba' must be"),
    ("x.index_select(0, x)", ValueError, "index must be a vector of whole numbers"),
    ("x + x.double()", TypeError, "add: the operands are float32 and float64"),
]


@pytest.mark.parametrize(("call", "kind", "said"), BAD, ids=[row[0] for row in BAD])
def test_bad_input_is_refused(call, kind, said):
    with pytest.raises(kind, match=said):
        eval(call, {"fn": fn, "x": fn.ones(2, 3)})


def test_edges_have_pytorch_s_gradients():
    for call in (
        "x.norm()",
        "x.norm(1)",
        "x.norm(3)",
        "x.std()",
        "x.abs().sum()",
        "x.prod()",
        "x.norm(float('inf'))",
    ):
        found = []
        for library in (fn, torch):
            x = library.zeros(4, dtype=library.float64, requires_grad=True)
            eval(call, {"x": x}).backward()
            found.append(x.grad.numpy())
        np.testing.assert_array_equal(*found, err_msg=call)
    with np.errstate(divide="ignore"):
        x = fn.zeros(1, requires_grad=True)
        x.sqrt().sum().backward()
    assert math.isinf(x.grad.item())
