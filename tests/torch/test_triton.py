"""What only the Triton kernels do: word of bad targets, no waiting, walks of many turns, float32 to its last digits."""

import contextlib
import itertools

import numpy as np
import pytest
import rows_reference
import torch
import torch.nn.functional as F
from samples import TRITON, close, rand, same_bits, sample, truth, value_and_gradient

import xent.torch as xt
from xent import BackendUnavailable, DistributionError, TopK
from xent.torch import _ops, _ops_statistics
from xent.torch._options import Options

pytestmark = pytest.mark.parametrize("backend", [TRITON], indirect=True)


@pytest.fixture(autouse=True)
def by_kernels(backend):
    """Every test here is one of the kernels."""


@pytest.fixture
def small_blocks(monkeypatch):
    """Rows of few columns take many turns of the loop, in several lanes."""
    from xent.torch.backends.triton import launch

    def narrow(columns, itemsize, heavy=False):
        return launch.Blocks(1, 2, 2, 4, 4)

    monkeypatch.setattr(launch, "blocks", narrow)


LABEL = (
    r"^`target` of an earlier call held a label out of range: {0}\. The loss of its row is NaN\. If {0} marks rows to "
    r"skip, pass `ignore_index={0}`\.$"
)
SOFT = (
    r"^`target` of an earlier call held a row that is no distribution: a negative number, a sum that is not 1, or an "
    r"outcome out of range\. Its loss is NaN\.$"
)


def word_is(message):
    """The next call raises, once; the one after it is as if nothing had been."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    for function in (xt.cross_entropy, xt.token_statistics):
        with pytest.raises(DistributionError, match=message):
            function(*sample((2, 3)))
        break
    assert xt.cross_entropy(*sample((2, 3))).isfinite()


@pytest.mark.parametrize(
    ("kind", "label"), [(torch.int64, -1), (torch.int64, 2**40), (torch.int32, 5), (torch.uint8, 255)]
)
def test_a_label_out_of_range_is_a_row_of_nan_and_word_for_the_next_call(kind, label):
    x, y = sample((4, 5))
    y = torch.tensor([0, 1, 2, 3], dtype=kind)
    good = value_and_gradient(xt.cross_entropy, x, y, reduction="none", label_smoothing=0.1)
    y[2] = label
    loss, gradient = value_and_gradient(xt.cross_entropy, x, y, reduction="none", label_smoothing=0.1)
    assert loss.isnan().tolist() == [False, False, True, False]
    assert gradient[2].isnan().all()
    kept = torch.tensor([0, 1, 3])
    same_bits([loss[kept], gradient[kept]], [good[0][kept], good[1][kept]])
    word_is(LABEL.format(label))


def test_a_label_out_of_range_makes_a_mean_nan_and_statistics_too():
    x, y = sample((4, 5))
    y[2] = 17
    loss, gradient = value_and_gradient(xt.cross_entropy, x, y)
    assert loss.isnan()
    assert gradient[2].isnan().all()
    assert gradient[[0, 3]].isfinite().all()
    word_is(LABEL.format(17))
    s = xt.token_statistics(x, y)
    assert s.log_prob.isnan().tolist() == [False, False, True, False]
    with pytest.raises(DistributionError, match=LABEL.format(17)):
        xt.token_statistics(x, y)


SIMPLE = [1.0, 0.0, 0.0]


@pytest.mark.parametrize("row", [[1.5, -0.5, 0.0], [0.5, np.nan, 0.5], [0.5, np.inf, 0.0], [0.5, 0.499, 0.0]], ids=str)
def test_a_row_that_is_no_distribution_is_nan_and_word_for_the_next_call(row):
    target = torch.tensor([SIMPLE, row, SIMPLE])
    loss, gradient = value_and_gradient(xt.cross_entropy, sample((3, 3))[0], target, reduction="none")
    assert loss.isnan().tolist() == [False, True, False]
    assert gradient.isnan().all(1).tolist() == [False, True, False]
    word_is(SOFT)


@pytest.mark.parametrize(
    ("index", "probs", "tail"),
    [
        ([1, 3], [0.5, 0.5], None),
        ([1, -1], [0.5, 0.0], "drop"),
        ([1, 2], [0.5, -0.1], "spread"),
        ([1, 2], [0.5, np.nan], "drop"),
        ([1, 2], [0.5, 0.4], None),
        ([1, 2], [0.5, 0.6], "spread"),
    ],
)
def test_top_k_that_cannot_be_is_nan_and_word_for_the_next_call(index, probs, tail):
    target = TopK(torch.tensor([[0, 1], index]), torch.tensor([[0.5, 0.5], probs]), tail)
    loss, gradient = value_and_gradient(xt.cross_entropy, sample((2, 3))[0], target, reduction="none")
    assert loss.isnan().tolist() == [False, True]
    assert gradient.isnan().all(1).tolist() == [False, True]
    word_is(SOFT)


@pytest.mark.parametrize(("dtype", "near", "far"), [(torch.float32, 5e-5, 5e-4), (torch.bfloat16, 1e-2, 1e-1)], ids=str)
def test_a_sum_may_be_off_by_what_its_dtype_allows(dtype, near, far):
    t = torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64)
    x = torch.zeros(2, 2)
    assert xt.cross_entropy(x, (t * (1 + near)).to(dtype)).isfinite()
    assert xt.cross_entropy(x, (t * (1 + far)).to(dtype)).isnan()
    word_is(SOFT)


# Targets of every kind, plain and with all that goes with them.
EVERY = {"label_smoothing": 0.1, "z_loss": 0.01, "softcap": 5.0, "temperature": 1.3}
CASES = [(*case, torch.float32) for case in itertools.product(("labels", "probabilities", "top-k"), ({}, EVERY))]
CASES += [("labels", EVERY, torch.bfloat16), ("top-k", {}, torch.bfloat16)]


def target_of(kind, n, v):
    if kind == "labels":
        y = torch.arange(n) * 7 % v
        y[1] = -100
        return y, (y, None)
    if kind == "probabilities":
        t = sample((n, v), torch.float32, kind=kind)[1]
        return t, (t, None)
    index = (torch.arange(n)[:, None] * 5 + torch.arange(3)) % v
    probs = rand((n, 3), dtype=torch.float32) / 4
    return TopK(index, probs, "spread"), (index, probs)


@pytest.mark.parametrize(("kind", "options", "dtype"), CASES, ids=str)
def test_rows_of_several_turns_and_lanes(small_blocks, kind, options, dtype):
    """Rows of 37 logits that lie askew, in blocks of 16: three turns, two lanes, the last turn in part."""
    n, v = 4, 37
    base = torch.zeros(n, v + 2, dtype=dtype)
    x = base[:, 1 : v + 1]
    x.copy_(sample((n, v), dtype)[0])
    x[:, 33] += 12.0  # lanes and turns whose largest come late
    x[3, 5] = -torch.inf
    if kind != "labels":
        x[3, 5] = -90.0
    target, (first, second) = target_of(kind, n, v)
    weight, tokens = (rand(v), rand(n)) if options else (None, None)
    how = {"weight": weight, "token_weight": tokens, **options}
    if options and kind == "labels":
        x[3, 5] = -90.0
    for reduction in ("none", "mean"):
        upstream = rand(n if reduction == "none" else (), seed=4)
        a = x.detach().requires_grad_()
        loss = xt.cross_entropy(a, target, reduction=reduction, **how)
        (gradient,) = torch.autograd.grad(loss, a, upstream.float())
        opts = Options(reduction=reduction, **options)
        with torch.device("cpu"):
            given = [None if t is None else t.cpu() for t in (first, second, weight, tokens)]
            exact, slope = rows_reference.with_gradient(
                x.cpu(), *given, opts, spread=kind == "top-k", upstream=upstream.float().double().cpu()
            )
        close([loss.cpu()], [exact], torch.float32)
        torch.testing.assert_close(
            gradient.cpu().double(), slope, rtol=2e-6 if dtype == torch.float32 else 8e-3, atol=2e-7
        )


def test_statistics_of_several_turns_and_lanes(small_blocks):
    x, y = sample((5, 37), torch.float32)
    x[0, 9] = x[0, 35] = x[0].amax() + 1  # a tie over turns and lanes
    x[2, ::2] = -torch.inf
    y[2] = 1
    x.requires_grad_()
    s = xt.token_statistics(x, y, temperature=0.7)
    up = [rand(5, seed=i, dtype=torch.float32) for i in range(3)]
    (gradient,) = torch.autograd.grad(s[:3], x, up)
    a = x.detach().cpu().double().requires_grad_()
    exact = rows_reference.statistics(a, y.cpu(), Options(temperature=0.7))
    close([v.cpu() for v in s[:3]], exact[:3])
    assert s.argmax.tolist() == exact[3].tolist()
    finite = a.detach() > -torch.inf
    (slope,) = torch.autograd.grad(exact[:3], a, [u.cpu().double() for u in up])
    torch.testing.assert_close(gradient.cpu().double()[finite], slope.nan_to_num()[finite], rtol=2e-5, atol=2e-6)
    assert not gradient.cpu()[~finite].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_no_row_is_further_off_than_torchs(small_blocks, dtype, scale):
    """A row's worst number is within 2 ulp of its largest, or no further off than that of torch on the same logits."""
    x = (sample((4, 61))[0] * scale / 3).to(dtype)
    y = torch.tensor([0, 17, 44, 60])
    exact = truth(F.cross_entropy, x, y, reduction="none")
    ours = value_and_gradient(xt.cross_entropy, x, y, reduction="none")
    theirs = value_and_gradient(F.cross_entropy, x, y, reduction="none")
    for mine, rival, true in zip(ours, theirs, exact, strict=True):
        ulp = true.view(4, -1).abs().amax(1) * torch.finfo(mine.dtype).eps
        error, other = ((v.double() - true).abs().view(4, -1).amax(1) for v in (mine, rival))
        assert (error <= torch.maximum(other, 2 * ulp)).all()


def test_one_row_of_one_outcome():
    for dtype in (torch.float32, torch.float16):
        x = torch.tensor([[3.0]], dtype=dtype, requires_grad=True)
        loss = xt.cross_entropy(x, torch.tensor([0]), label_smoothing=0.1, z_loss=0.5)
        assert loss.item() == 4.5
        (gradient,) = torch.autograd.grad(loss, x)
        assert gradient.item() == 3.0


@pytest.mark.parametrize("options", [{}, {"token_weight": True, "denominator": True, "label_smoothing": 0.1}], ids=str)
@pytest.mark.parametrize("kind", ["labels", "probabilities", "top-k"])
def test_nothing_waits_for_the_device(monkeypatch, kind, options):
    x, (target, _) = sample((4, 9), torch.float32)[0], target_of(kind, 4, 9)
    how = dict(options)
    if options:
        how = {"token_weight": rand(4), "denominator": torch.tensor(3.0), "label_smoothing": 0.1}
    expected = value_and_gradient(xt.cross_entropy, x, target, **how)
    upstream = torch.tensor(0.75)
    x.requires_grad_()
    forbid_waiting(monkeypatch)
    loss = xt.cross_entropy(x, target, **how)
    (gradient,) = torch.autograd.grad(loss, x, upstream)
    if kind == "labels":
        s = xt.token_statistics(x, target)
        torch.autograd.grad(s[:3], x, [torch.ones_like(a) for a in s[:3]])
    monkeypatch.undo()
    assert torch.equal(loss.detach(), expected[0])
    assert gradient.isfinite().all()


def forbid_waiting(monkeypatch):
    """Whatever brings a number of a tensor to the host fails, but in the interpreter and the cell of the host."""
    from xent.torch.backends.triton import flag, launch

    start, at_work = launch.start, []

    def started(*args, **kwargs):
        at_work.append(True)
        start(*args, **kwargs)
        at_work.pop()

    monkeypatch.setattr(launch, "start", started)
    monkeypatch.setattr(flag, "raise_earlier", lambda: None)
    for name in ("item", "tolist", "nonzero", "cpu", "numpy", "__bool__", "__float__", "__int__", "__index__"):
        monkeypatch.setattr(torch.Tensor, name, guarded(name, at_work))


def guarded(name, at_work):
    original = getattr(torch.Tensor, name)

    def function(self, *args, **kwargs):
        assert at_work, f"{name} waits for the device"
        return original(self, *args, **kwargs)

    return function


def test_a_gradient_is_handed_out_for_one_and_made_again_for_others(monkeypatch):
    from xent.torch.backends.triton import rows

    x, y = sample((4, 37), torch.bfloat16)
    x.requires_grad_()
    made = []
    gradient = rows.gradient

    def watched(*args, **kwargs):
        made.append(kwargs["unless_one"])
        return gradient(*args, **kwargs)

    monkeypatch.setattr(rows, "gradient", watched)
    loss = xt.cross_entropy(x, y)
    (once,) = torch.autograd.grad(loss, x, retain_graph=True)
    (again,) = torch.autograd.grad(loss, x, torch.tensor(3.0), retain_graph=True)
    assert made == [True, False]
    same_bits([once], torch.autograd.grad(loss, x, retain_graph=True))
    a = x.detach().double().requires_grad_()
    (exact,) = torch.autograd.grad(F.cross_entropy(a, y), a)
    for ours, times in ((once, 1), (again, 3)):  # cut off or rounded once: not twice
        torch.testing.assert_close(ours.double(), times * exact, rtol=2**-7, atol=1e-9)
    loss = xt.cross_entropy(x, y)
    (first,) = torch.autograd.grad(loss, x, torch.tensor(3.0))  # not 1: made again where it lies
    same_bits([first], [again])


def test_operators_keep_torchs_rules():
    x, y = sample((3, 5))
    x.requires_grad_()
    rest = (None, None, None, None, None, False, True, -100, "mean", 0.1, 0.2, 3.0, 1.5, "triton")
    torch.library.opcheck(_ops.cross_entropy, (x, y, *rest))
    torch.library.opcheck(_ops_statistics.token_statistics, (x, y, -100, 3.0, 1.5, "triton"))
    loss, state = _ops.cross_entropy(x, y, *rest)
    torch.library.opcheck(_ops.cross_entropy_gradient, (torch.ones_like(loss), state, x.detach(), y, *rest))


def test_what_a_call_would_use():
    x, y = sample((3, 5))
    x.requires_grad_()
    assert xt.choice(xt.cross_entropy, x, y)[:2] == ("triton", "in forward")
    assert xt.choice(xt.cross_entropy, x, y, reduction="none")[:2] == ("triton", "in backward")
    assert xt.choice(xt.cross_entropy, x.half(), y)[:2] == ("triton", "in backward")
    assert xt.choice(xt.token_statistics, x.detach(), y)[:2] == ("triton", "none")
    with pytest.raises(BackendUnavailable, match="XENT_BACKEND=triton, but float64 is computed by torch operations"):
        xt.cross_entropy(x.double(), y)


def test_ignored_rows_and_padding_of_one_block():
    """A label to ignore that is a column, or beyond all; rows that hold NaN."""
    x, y = sample((3, 5))
    x[1] = torch.nan
    for ignored in (2, 300, -(2**40)):
        y = torch.tensor([0, ignored, 4])
        loss, gradient = value_and_gradient(xt.cross_entropy, x, y, ignore_index=ignored, reduction="none")
        assert loss[1] == 0.0
        assert (gradient[1] == 0.0).all()
        assert loss[[0, 2]].isfinite().all()


LOWEST = torch.finfo(torch.float32).min


def test_masks_of_the_lowest_number_overflow_to_nothing():
    """The lowest float32 as a mask: over a temperature or a cap below 1, and many in one lane before what counts."""
    x, y = sample((3, 40))
    y[:] = 7
    x[:, 20:] = LOWEST
    plain = value_and_gradient(xt.cross_entropy, x[:, :20].contiguous(), y, temperature=0.5)
    loss, gradient = value_and_gradient(xt.cross_entropy, x, y, temperature=0.5)
    close([loss, gradient[:, :20]], plain)
    assert (gradient[:, 20:] == 0.0).all()
    capped = value_and_gradient(xt.cross_entropy, x.clamp(min=-1e30), y, softcap=0.5)
    same_bits(value_and_gradient(xt.cross_entropy, x, y, softcap=0.5), capped)
    top = TopK(torch.tensor([[0, 1]] * 3), torch.tensor([[0.25, 0.75]] * 3), tail="spread")  # nothing is left to spread
    assert value_and_gradient(xt.cross_entropy, x, top)[0].isfinite()


def test_entropy_of_rows_that_begin_with_masks(small_blocks):
    x, y = sample((2, 40))
    y[:] = 37
    x[:, :32] = LOWEST
    close(xt.token_statistics(x, y)[:3], xt.token_statistics(x[:, 32:].contiguous(), y - 32)[:3])


@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("hooked", [False, True], ids=["in forward", "in backward"])
def test_where_no_token_counts_nothing_does(kind, hooked):
    """Weights of tokens that are all 0, over logits that are NaN: no loss, no gradient, and no word of it."""
    x, target = sample((3, 5), kind=kind)
    x[0, 1] = torch.nan
    x.requires_grad_()
    keep = torch.autograd.graph.saved_tensors_hooks(lambda a: a, lambda a: a)
    with keep if hooked else contextlib.nullcontext():
        loss = xt.cross_entropy(x, target, token_weight=torch.zeros(3))
    (gradient,) = torch.autograd.grad(loss, x)
    assert loss == 0.0
    assert (gradient == 0.0).all()
    assert xt.cross_entropy(x.detach(), target, token_weight=torch.zeros(3)) == 0.0


@pytest.mark.parametrize("reduction", ["in forward", "in backward"])
def test_what_divides_may_be_nan_and_shows_in_the_gradient(reduction):
    x, y = sample((3, 5), torch.float32 if reduction == "in forward" else torch.float16)
    loss, gradient = value_and_gradient(xt.cross_entropy, x, y, denominator=torch.tensor(torch.nan))
    assert loss.isnan()
    assert gradient[[0, 2]].isnan().all()
    assert (gradient[1] == 0.0).all()  # ignored


def test_a_denominator_of_the_host_is_read_there():
    from xent.torch._operands import operands
    from xent.torch.backends.triton import loss

    o = operands(torch.empty(3, 5, device="meta"), torch.empty(3, dtype=torch.int64, device="meta"), None, None)
    for value in (0.0, -1.0, torch.nan):
        with pytest.raises(ValueError, match=r"`denominator` is .*; it is a finite number above 0\."):
            loss.divisor(o, Options(), torch.tensor(value, device="cpu"))
    assert loss.divisor(o, Options(), torch.tensor(2.0, device="cpu")).is_meta


def test_the_cell_is_of_the_host_wherever_tensors_are_made_and_outlives_inference(monkeypatch):
    from xent.torch.backends.triton import flag

    monkeypatch.setattr(flag, "_cells", [])
    x, y = sample((4, 5))
    y[2] = 17
    with torch.device("meta"), torch.inference_mode():
        cell = flag.cell(x)
    assert cell.is_cpu
    xt.cross_entropy(x, y)
    word_is(LABEL.format(17))


def test_rows_that_begin_anywhere_take_fewer_logits_at_a_time():
    """Each logit then has an address of its own: with more of them registers would be spilled."""
    from xent.torch._operands import operands
    from xent.torch.backends.triton import rows

    y = torch.empty(2, dtype=torch.int64, device="meta")
    for columns, stretches in ((128_256, 4), (50_257, 2), (50_258, 2)):
        o = operands(torch.empty(2, columns, dtype=torch.bfloat16, device="meta"), y, None, None)
        assert rows._arguments(o, Options(), None)[0]["G"] == stretches


def test_a_target_that_lists_more_than_a_kernel_holds():
    x, index = torch.zeros(2, 5000), torch.arange(4097).expand(2, -1)
    message = "XENT_BACKEND=triton, but a target lists 4097 outcomes a row, more than the 4096 that a kernel holds"
    with pytest.raises(BackendUnavailable, match=message):
        xt.cross_entropy(x, TopK(index, torch.full((2, 4097), 1e-4), "drop"))
