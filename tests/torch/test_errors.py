"""Bad input on the CPU is one plain sentence or two: what, where, found, do."""

import numpy as np
import pytest
import torch
from samples import sample

import xent.torch as xt
from xent import DistributionError, ShapeError, TopK, _native
from xent.torch import _ops
from xent.torch._operands import operands
from xent.torch._options import Options


def refused(error, message, function=xt.cross_entropy, *args, **kwargs):
    with pytest.raises(error) as found:
        function(*args, **kwargs)
    assert str(found.value) == message
    assert found.value.__context__ is None or found.value.__suppress_context__


X, Y = sample((6, 21), torch.float32)
LEAVES_WORD = "the kernels leave word of such rows for the next call: test_triton.py"


def test_labels_out_of_range(backend):
    if backend == "triton":
        pytest.skip(LEAVES_WORD)
    y = torch.tensor([0, 20, -100, 1, 255, -1])
    advice = "If 255 marks rows to skip, pass `ignore_index=255`."
    message = f"`target` has 2 labels outside [0, 21); the first is 255 at row 4. {advice}"
    for function in (xt.cross_entropy, xt.token_statistics):
        for kind in (torch.int64, torch.int32):
            refused(DistributionError, message, function, X, y.to(kind))
    one = f"`target` has 1 label outside [0, 21); 255 at row 3. {advice}"
    refused(DistributionError, one, xt.cross_entropy, X, torch.tensor([0, 20, 3, 255, 1, 2], dtype=torch.uint8))
    images = X.view(2, 3, 21).movedim(2, 1)
    message = f"`target` has 2 labels outside [0, 21); the first is 255 at row (1, 1). {advice}"
    refused(DistributionError, message, xt.cross_entropy, images, y.view(2, 3))
    message = "`target` has 1 label outside [0, 21); 21. If 21 marks rows to skip, pass `ignore_index=21`."
    refused(DistributionError, message, xt.cross_entropy, X[0], torch.tensor(21))


@pytest.mark.parametrize("row", [4, 0])
def test_targets_that_are_no_distribution(backend, row):
    if backend == "triton":
        pytest.skip(LEAVES_WORD)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        t = torch.full((6, 20), 0.05, dtype=dtype)
        x = torch.zeros(6, 20)
        for bad, said in ((-0.5, "-0.5"), (torch.nan, "nan"), (torch.inf, "inf")):
            t[row, 3] = bad
            message = f"`target` row {row} has {said} at outcome 3; a probability lies in [0, 1]."
            refused(DistributionError, message, xt.cross_entropy, x, t)
        t[row, 3] = 1.05
        advice = r"If these are logits, pass `target.softmax\(...\)`."
        with pytest.raises(DistributionError, match=rf"`target` row {row} sums to (2|1.99\d), not 1. {advice}$"):
            xt.cross_entropy(x, t)


def test_a_sum_may_be_off_by_what_its_dtype_allows(backend):
    if backend == "triton":
        pytest.skip(LEAVES_WORD)
    for dtype, near, far in ((torch.float64, 5e-7, 5e-6), (torch.float32, 5e-5, 5e-4), (torch.bfloat16, 1e-2, 1e-1)):
        t = torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64)
        xt.cross_entropy(torch.zeros(2, 2), (t * (1 + near)).to(dtype))
        with pytest.raises(DistributionError, match="sums to"):
            xt.cross_entropy(torch.zeros(2, 2), (t * (1 + far)).to(dtype))


def test_top_k(backend):
    if backend == "triton":
        pytest.skip(LEAVES_WORD)
    i, p = torch.tensor([[0, 1], [2, 20]]), torch.tensor([[0.5, 0.5], [0.75, 0.125]])
    x = X[:2]
    message = (
        '`target.probs` row 1 sums to 0.875. Say where the rest is: `tail="drop"` (nowhere) or `tail="spread"` '
        "(evenly over the other outcomes)."
    )
    refused(DistributionError, message, xt.cross_entropy, x, TopK(i, p))
    for tail in ("drop", "spread"):
        refused(DistributionError, "`target.indices` has 1 label outside [0, 21); 21 at row (1, 1).",
                xt.cross_entropy, x, TopK(torch.tensor([[0, 1], [2, 21]]), p, tail))  # fmt: skip
        message = "`target.indices` row 0 names an outcome twice."
        refused(DistributionError, message, xt.cross_entropy, x, TopK(torch.tensor([[3, 3], [2, 1]]), p, tail))
        message = "`target.probs` row 1 has -0.75 at outcome 0; a probability lies in [0, 1]."
        refused(DistributionError, message, xt.cross_entropy, x, TopK(i, p * torch.tensor([[1], [-1]]), tail))
        with pytest.raises(DistributionError, match="`target.probs` row 0 sums to 2, not 1"):
            xt.cross_entropy(x, TopK(i, 2 * p, tail))
    refused(
        ValueError,
        '`target.tail` is \'even\'; it is "drop", "spread" or None.',
        xt.cross_entropy,
        x,
        TopK(i, p, "even"),
    )
    refused(TypeError, "`target.indices` is torch.float32; it is a tensor of int64, int32 or uint8.",
            xt.cross_entropy, x, TopK(p, p))  # fmt: skip
    refused(TypeError, "`target.indices` is list; it is a tensor of int64, int32 or uint8.",
            xt.cross_entropy, x, TopK([[0]], p))  # fmt: skip
    message = "`target.indices` has shape (1, 2) and `target.probs` (2, 2); for this input both are (2, k)."
    refused(ShapeError, message, xt.cross_entropy, x, TopK(i[:1], p))
    big = torch.arange(22).expand(2, 22)
    message = "`target` has 22 outcomes a row, more than the 21 classes there are."
    refused(ShapeError, message, xt.cross_entropy, x, TopK(big, torch.rand(2, 22)))


@pytest.mark.parametrize(
    ("error", "message", "args"),
    [
        (TypeError, "`input` is a list; it is a torch.Tensor.", ([[0.0]], Y)),
        (TypeError, "`input` has dtype torch.int64; it is float64, float32, bfloat16 or float16.", (Y, Y)),
        (ShapeError, "`input` is a single number; its shape is (C,), (N, C) or (N, C, d1, ...).", (X[0, 0], Y)),
        (ShapeError, "`input` has shape (6, 0): no class along axis 1. A row needs at least one.", (X[:, :0], Y)),
        (
            TypeError,
            "`target` is a list; it is a tensor of class indices or of probabilities, or `xent.TopK(indices, probs)`.",
            (X, [0] * 6),
        ),
        (
            ShapeError,
            (
                "`target` has shape (5,); for `input` of shape (6, 21) class indices have shape (6,) and probabilities "
                "(6, 21)."
            ),
            (X, Y[:5]),
        ),
        (
            ShapeError,
            (
                "`target` has the shape of `input`, (6, 21), and holds integers (torch.int64). Class indices have "
                "shape (6,); probabilities are floating: `target.to(input.dtype)`."
            ),
            (X, X.long()),
        ),
        (
            TypeError,
            "`target` has the shape of class indices, (6,), but dtype torch.float32. Convert it: `target.long()`.",
            (X, Y.float()),
        ),
        (
            TypeError,
            "`target` has dtype torch.int16; class indices are int64, int32 or uint8, probabilities floating.",
            (X, Y.short()),
        ),
        (
            TypeError,
            "`target` has dtype torch.bool; class indices are int64, int32 or uint8, probabilities floating.",
            (X, X > 0),
        ),
        (
            ShapeError,
            (
                "`target` has shape (6, 20); for `input` of shape (6, 21) probabilities have the same shape and class "
                "indices (integers) (6,)."
            ),
            (X, X[:, 1:]),
        ),
        (
            ShapeError,
            "`weight` has shape (6,); it holds one number a class, shape (21,).",
            (X, Y, torch.ones(6)),
        ),
        (TypeError, "`weight` is a list; it is a torch.Tensor.", (X, Y, [1.0])),
        (
            TypeError,
            "`weight` has dtype torch.int64; it is float64, float32, bfloat16 or float16.",
            (X, Y, torch.ones(21).long()),
        ),
    ],
)
def test_shapes_and_dtypes(error, message, args):
    refused(error, message, xt.cross_entropy, *args)


def test_layouts(backend):
    for x, y, name in (
        (X.to_sparse(), Y, "input"),
        (X, Y.to_sparse(), "target"),
        (X, X.softmax(1).to_sparse(), "target"),
    ):
        message = f"`{name}` has layout torch.sparse_coo; it is a dense tensor. Convert it: `{name}.to_dense()`."
        refused(TypeError, message, xt.cross_entropy, x.requires_grad_(), y)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_class_weights_are_finite(backend, wrong):
    if backend == "triton":
        pytest.skip("the kernels' callers look at no value")
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        w = torch.ones(21, dtype=dtype)
        w[4] = wrong
        message = f"`weight` has {wrong:g} at class 4; a class weight is a finite number."
        for target in (Y, X.softmax(1)):
            refused(ValueError, message, xt.cross_entropy, X, target, w)
        if backend == "native":
            with pytest.raises(ValueError, match=message):
                _ops.loss(operands(X, Y, None, None)._replace(weight=w), Options(), None, "native")
    large = torch.full((21,), 1e307, dtype=torch.float64)  # finite, and their sum is not
    assert xt.cross_entropy(X.double(), Y, large, reduction="none").isfinite().all()


def free(a):
    """Give the memory of `a` back, as sharded training does with what it gathers."""
    a.untyped_storage().resize_(0)
    return a


def test_memory_that_was_freed(backend):
    for shape in ((6, 21), (2, 21, 3)):
        x, y = sample(shape, torch.float32)
        message = f"`input` of shape {shape} has no memory: its storage was freed. Free it later."
        part = torch.stack([x, x])[1]  # has an address even without memory
        for freed in (free(x.clone()), free(part)):
            for function in (xt.cross_entropy, xt.token_statistics):
                refused(ValueError, message, function, freed.detach().requires_grad_(), y)
    t = X.softmax(1)
    for name, args, kwargs in (
        ("target", (X, free(Y.clone())), {}),
        ("target", (X, free(t.clone())), {}),
        ("target.indices", (X, TopK(free(Y[:, None].clone()), torch.ones(6, 1))), {}),
        ("target.probs", (X, TopK(Y[:, None], free(torch.ones(6, 1)))), {}),
        ("weight", (X, Y, free(torch.ones(21))), {}),
        ("token_weight", (X, Y), {"token_weight": free(torch.ones(6))}),
    ):
        with pytest.raises(ValueError, match=rf"^`{name}` of shape \(.*\) has no memory: its storage was freed\. Free"):
            xt.cross_entropy(*args, **kwargs)


def test_memory_that_is_freed_before_the_backward_pass(monkeypatch):
    if not _native.available():
        pytest.skip(_native.reason())
    monkeypatch.setenv("XENT_BACKEND", "native")
    short = r"`(input|target)` of shape \(6(, 21)?,?\) has no memory: its storage was freed\. Free it later\."
    message = (
        r"The storage of a tensor of shape \(6(, 21|,)\) was freed before the loss was done with it\. "
        r"Free it after the backward pass\."
    )
    for x in (X.clone(), X.t().contiguous().t()):
        for which in ("input", "target"):
            a, y = x.clone().requires_grad_(), Y.clone()
            losses = (
                xt.cross_entropy(a, y, reduction="none").sum(),
                2 * xt.cross_entropy(a, y),
                2 * xt.cross_entropy(a, y, softcap=3.0),
                xt.token_statistics(a, y).entropy.sum(),
            )
            free(a if which == "input" else y)
            for loss in losses:
                with pytest.raises(ValueError, match=f"^({message}|{short})$"):
                    loss.backward()


def test_weights_of_rows_and_denominators():
    refused(
        TypeError,
        "`token_weight` has dtype torch.bool; it is floating. Convert it: `token_weight.float()`.",
        xt.cross_entropy, X, Y, token_weight=Y > 0,
    )  # fmt: skip
    refused(
        ShapeError,
        "`token_weight` has shape (6, 1); it holds one number a row, shape (6,).",
        xt.cross_entropy, X, Y, token_weight=torch.ones(6, 1),
    )  # fmt: skip
    for reduction in ("sum", "none"):
        message = f'`denominator` is for `reduction="mean"`; it makes no sense with "{reduction}".'
        refused(ValueError, message, xt.cross_entropy, X, Y, denominator=3, reduction=reduction)
    for odd in (torch.tensor(True), torch.tensor(1j)):
        message = f"`denominator` has dtype {odd.dtype}; it is one real number."
        refused(TypeError, message, xt.cross_entropy, X, Y, denominator=odd)
    message = "`denominator` is inf; it is a finite number above 0."
    refused(ValueError, message, xt.cross_entropy, X, Y, denominator=10**400)
    message = "`denominator` has shape (2,); it is one real number."
    refused(ShapeError, message, xt.cross_entropy, X, Y, denominator=torch.ones(2))
    for value in ("3", True, [3], b"3"):
        message = f"`denominator` is {value!r}; it is a number or a tensor of one number."
        refused(TypeError, message, xt.cross_entropy, X, Y, denominator=value)


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (-2.5, "-2.5"), (float("nan"), "nan"), (float("inf"), "inf")])
def test_denominators_that_do_not_divide(backend, value, said):
    for denominator in (value, np.float64(value), *([torch.tensor(value)] if backend != "triton" else [])):
        message = f"`denominator` is {said}; it is a finite number above 0."
        refused(ValueError, message, xt.cross_entropy, X, Y, denominator=denominator)


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (ValueError, '`reduction` is \'average\'; it is "none", "mean" or "sum".', {"reduction": "average"}),
        (ValueError, "`label_smoothing` is 1.5; it lies between 0 and 1.", {"label_smoothing": 1.5}),
        (ValueError, "`label_smoothing` is True; it lies between 0 and 1.", {"label_smoothing": True}),
        (ValueError, "`z_loss` is -1; it is a finite number, 0 or more.", {"z_loss": -1}),
        (ValueError, "`softcap` is 0; it is a finite number above 0, or None for no cap.", {"softcap": 0}),
        (ValueError, "`temperature` is 0.0; it is a finite number above 0.", {"temperature": 0.0}),
        (ValueError, "`temperature` is nan; it is a finite number above 0.", {"temperature": float("nan")}),
        (TypeError, "`ignore_index` is 1.0; it is one integer.", {"ignore_index": 1.0}),
        (ValueError, f"`ignore_index` is {2**63}; it is an integer of 64 bits.", {"ignore_index": 2**63}),
        (ValueError, f"`ignore_index` is {-(2**70)}; it is an integer of 64 bits.", {"ignore_index": -(2**70)}),
        (TypeError, "`ignore_index` is -100.0; it is one integer.", {"ignore_index": -100.0}),
        (TypeError, "`z_loss` is [1]; it is a number.", {"z_loss": [1]}),
        (TypeError, "`z_loss` is a tensor of torch.float32 of shape (2,); it is a number.", {"z_loss": torch.ones(2)}),
        (TypeError, "`z_loss` is a tensor of torch.bool of shape (); it is a number.", {"z_loss": torch.tensor(True)}),
        (
            ValueError,
            f"`softcap` is {10**400}; it is a finite number above 0, or None for no cap.",
            {"softcap": 10**400},
        ),
    ],
)
def test_options(error, message, options):
    for _ in range(2):  # what was refused once is not remembered as good
        refused(error, message, xt.cross_entropy, X, Y, **options)
        refused(error, message, xt.CrossEntropyLoss(**options), X, Y)
        refused(error, message, xt.cross_entropy, X.clone().requires_grad_(), Y, **options)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # torch's own forward mode
@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("label_smoothing", "Mix the targets yourself"),
        ("z_loss", "Add it to the loss yourself, from `token_statistics(...).logsumexp`"),
        ("softcap", "Cap the logits yourself"),
        ("temperature", "Divide the logits by it yourself"),
    ],
)
def test_options_have_no_gradient(name, advice):
    message = f"`{name}` requires a gradient, and an option has none. {advice}, or pass `{name}.detach()`."
    option = torch.tensor(0.5, requires_grad=True)
    refused(TypeError, message, xt.cross_entropy, X, Y, **{name: option})
    expected = xt.cross_entropy(X, Y, **{name: 0.5})
    assert torch.equal(xt.cross_entropy(X, Y, **{name: option.detach()}), expected)
    with torch.no_grad():  # nothing is lost
        assert torch.equal(xt.cross_entropy(X, Y, **{name: option}), expected)
    for transform in (torch.func.grad, lambda f: lambda a: torch.func.jvp(f, (a,), (a,))):
        refused(TypeError, message, transform(lambda a: xt.cross_entropy(X, Y, **{name: a})), option.detach())


def test_options_that_are_tensors_are_read_anew():
    temperature = torch.tensor(2.0)
    before = xt.cross_entropy(X, Y, temperature=temperature)
    temperature.fill_(4.0)
    assert torch.equal(xt.cross_entropy(X, Y, temperature=4.0), xt.cross_entropy(X, Y, temperature=temperature))
    assert torch.equal(xt.cross_entropy(X, Y, temperature=2.0), before)


def test_statistics_are_of_labels():
    message = "`target` holds probabilities; the statistics of a row are of one class, an integer."
    refused(ShapeError, message, xt.token_statistics, X, X.softmax(1))
    refused(ShapeError, message, xt.token_statistics, X, TopK(Y[:, None], torch.ones(6, 1)))


def test_devices():
    for name, kwargs in (("target", {}), ("weight", {}), ("token_weight", {})):
        x = X.to("meta")
        args = {
            "target": Y.to("meta"),
            "weight": torch.ones(21, device="meta"),
            "token_weight": torch.ones(6, device="meta"),
        }
        args[name] = args[name].new_ones(args[name].shape, device="cpu")
        refused(
            ValueError,
            f"`{name}` is on cpu and `input` on meta; move one of them.",
            operands_or_loss,
            x,
            args,
            **kwargs,
        )


def test_images_stay_on_their_device():
    """Large images are copied by blocks into memory of the CPU: there alone."""
    x = torch.empty(2, 3, 64, 64, device="meta")
    assert operands(x, torch.empty(2, 64, 64, dtype=torch.int64, device="meta"), None, None).logits.is_meta


def operands_or_loss(x, args):
    return operands(x, args["target"], args["weight"], args["token_weight"])


def test_without_pytorch():
    import subprocess
    import sys

    code = "import sys; sys.modules['torch'] = None\nimport xent.torch"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stderr.strip().endswith('ImportError: `xent.torch` needs PyTorch: pip install "xent[torch]"')
