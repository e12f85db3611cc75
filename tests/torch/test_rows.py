"""Rows of logits on the compiled core against float64, element by element, over every option and layout."""

import itertools
import math

import pytest

torch = pytest.importorskip("torch")

import rows_reference as reference  # noqa: E402

from xent import _native  # noqa: E402
from xent.torch import _rows  # noqa: E402
from xent.torch._options import Options  # noqa: E402

pytestmark = pytest.mark.skipif(not _native.available(), reason=_native.reason())

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
KINDS = ("labels", "dense", "drop", "spread")
# In ulps of the result: half-precision gradients are rounded once from double, ties of what double rounds aside.
ULPS = {torch.float32: 0.55, torch.bfloat16: 0.5001, torch.float16: 0.5001}


def spacing(want, dtype):
    info = torch.finfo(dtype)
    exponent = torch.frexp(want.double())[1] - 1
    return (info.eps * torch.exp2(exponent.double())).clamp_min(info.smallest_normal * info.eps)


def near(got, want, *, scale=1.0):
    """Within the ulps of its dtype, and what float64 itself rounds away in the reference (a few 2^-53 of `scale`)."""
    if got.dtype == torch.float64:
        bound = 1e-12 * want.abs() + 1e-14 * scale
    else:
        bound = ULPS[got.dtype] * spacing(want, got.dtype) + 4e-15 * scale
    far = (got.double() - want).abs()
    bad = ~((far <= bound) | (got.double() == want) | (got.isnan() & want.isnan()))
    assert not bad.any(), (got[bad][:4], want[bad][:4], (far / spacing(want, got.dtype))[bad].max())


def make_target(kind, n, v, seed=0):
    """(target, probs, spread), with one ignored row among labels."""
    g = torch.Generator().manual_seed(seed)
    if kind == "labels":
        y = torch.randint(0, v, (n,), generator=g)
        if n > 2:
            y[1] = -100
        return y, None, False
    if kind == "dense":
        t = torch.rand(n, v, generator=g, dtype=torch.float64) ** 4
        t[:, ::3] = 0 if v > 1 else 1
        return (t / t.sum(1, keepdim=True)).float(), None, False
    k = min(v, 3)
    index = torch.stack([torch.randperm(v, generator=g)[:k] for _ in range(n)]) if n else torch.zeros(0, k).long()
    return index, torch.rand(n, k, generator=g) / k, kind == "spread"


def make_logits(n, v, dtype, seed=1, size=3.0):
    draws = torch.randn(n, v, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (draws * size).to(dtype)


def compare(logits, target, probs, weight, token_weight, options, *, spread=False, denominator=None):
    """Loss and gradient, made at once and made from the state, against the reference."""
    n = len(logits)
    g = torch.Generator().manual_seed(3)
    up = torch.randn(n, generator=g) if options.reduction == "none" else torch.tensor(1.7)
    args, more = (target, probs, weight, token_weight, options), {"spread": spread, "denominator": denominator}
    want, slope = reference.with_gradient(logits, *args, upstream=up.double(), **more)
    got = _rows.loss(logits, *args, **more)
    assert got.loss.dtype == (torch.float64 if logits.dtype == torch.float64 else torch.float32)
    near(got.loss, want, scale=float(want.abs().max()) if want.numel() else 1.0)
    later = _rows.gradient(logits, *args, got.state, up, **more)
    assert later.dtype == logits.dtype
    near(later, slope, scale=10.0)
    if options.reduction != "none":
        once = _rows.loss(logits, *args, upstream=float(up), **more)
        assert once.state is None
        assert torch.equal(once.loss, got.loss)
        assert torch.equal(once.gradient, later)
    return got.loss, later


OPTIONS = [
    Options(reduction=r, label_smoothing=e, z_loss=z, softcap=c, temperature=t)
    for r, e, z, c, t in itertools.product(("mean", "sum", "none"), (0.0, 0.1), (0.0, 0.01), (None, 5.0), (1.0, 0.7))
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_every_combination_of_options(kind, dtype):
    n, v = 4, 37
    logits, (target, probs, spread) = make_logits(n, v, dtype), make_target(kind, n, v)
    weight, share = torch.rand(v) + 0.5, torch.rand(n)
    weight[4] = 0.0
    for options, w, s in itertools.product(OPTIONS, (None, weight), (None, share)):
        compare(logits, target, probs, w, s, options, spread=spread)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("v", [*range(1, 41), 1023, 1024, 1025, 3000])
def test_every_width(kind, v):
    target, probs, spread = make_target(kind, 3, v)
    for dtype in (torch.float32, torch.bfloat16):
        for eps in (0.0, 0.2):
            options = Options(label_smoothing=eps, z_loss=1e-3)
            compare(make_logits(3, v, dtype), target, probs, None, None, options, spread=spread)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_rows(kind, n):
    for v in (5, 50):
        target, probs, spread = make_target(kind, n, v)
        for reduction in ("mean", "sum", "none"):
            options = Options(reduction=reduction)
            compare(make_logits(n, v, torch.float32), target, probs, None, None, options, spread=spread)


def test_a_large_vocabulary():
    v = 128256
    for dtype in (torch.float32, torch.bfloat16):
        for kind, eps in itertools.product(KINDS, (0.0, 0.1)):
            target, probs, spread = make_target(kind, 2, v)
            if kind == "dense":
                target = target.double()
            compare(make_logits(2, v, dtype), target, probs, None, None, Options(label_smoothing=eps), spread=spread)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8], ids=str)
def test_every_dtype_of_labels_and_any_ignored_label(dtype):
    y = torch.tensor([3, 250, 0, 7]).to(dtype)
    compare(make_logits(4, 10, torch.float32), y, None, None, None, Options(ignore_index=250))
    compare(make_logits(4, 10, torch.float32), y.clamp(max=9), None, None, None, Options(ignore_index=3))
    most = Options(ignore_index=2**63 - 1)
    got = _rows.loss(make_logits(4, 10, torch.float32), y.clamp(max=9), None, None, None, most)
    near(got.loss, reference.losses(make_logits(4, 10, torch.float32), y.clamp(max=9), None, None, None, Options()))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_of_targets_and_weights(dtype):
    n, v = 4, 40
    logits, weight, share = make_logits(n, v, torch.float32), torch.rand(v).to(dtype), torch.rand(n).to(dtype)
    for kind in KINDS:
        target, probs, spread = make_target(kind, n, v)
        if kind == "dense":
            target = target.to(dtype)
        if probs is not None:
            target, probs = target.int(), probs.to(dtype)
        compare(logits, target, probs, weight, share, Options(), spread=spread)


def test_the_denominator():
    y, share = torch.tensor([1, 2, -100]), torch.tensor([0.5, 2.0, 1.0])
    compare(make_logits(3, 9, torch.float32), y, None, None, share, Options(), denominator=17.0)


def layouts(v):
    base = make_logits(9, 2 * v + 3, torch.float32)
    yield base[:, :v]
    yield base[:, 1 : v + 1]
    yield base[::2, 3 : v + 3]
    yield base[:, : 2 * v : 2]
    yield base[:1, :v].expand(5, v)
    yield base[:5, :1].expand(5, v)
    yield base[:v, :7].T if v < 9 else base.T[:7, :v] if v <= 9 else base.T[:v].T
    yield base.reshape(-1)[1 : 1 + 4 * v].reshape(4, v)


@pytest.mark.parametrize("v", [5, 40, 1100])
def test_every_layout(v):
    for logits in layouts(v):
        n, v = logits.shape
        for kind in KINDS:
            target, probs, spread = make_target(kind, n, v)
            compare(logits, target, probs, None, None, Options(label_smoothing=0.1), spread=spread)
    target = make_target("dense", 6, v)[0]
    for t in (target.T.contiguous().T, target[:1].expand(6, v), target[::2]):
        compare(make_logits(len(t), v, torch.float32), t, None, None, None, Options())
    y = make_target("labels", 12, v)[0]
    compare(make_logits(6, v, torch.float32), y[::2], None, None, None, Options())
    compare(make_logits(6, v, torch.float32), y[:1].expand(6), None, None, None, Options())


@pytest.mark.parametrize("v", [6, 41, 1100])
@pytest.mark.parametrize("kind", KINDS)
def test_in_place_and_into_memory_given(kind, v):
    target, probs, spread = make_target(kind, 5, v)
    for dtype, eps, cap in itertools.product((torch.float32, torch.bfloat16), (0.0, 0.1), (None, 4.0)):
        logits, options = make_logits(5, v, dtype), Options(label_smoothing=eps, softcap=cap, z_loss=1e-3)
        args = (target, probs, None, None, options)
        want = _rows.loss(logits, *args, spread=spread, upstream=2.0)
        wide = torch.full((5, 2 * v), 9.0, dtype=dtype)
        for out in (logits.clone(), wide[:, :v], wide[:, ::2], wide.view(2 * v, 5).T[:, :v]):
            out.copy_(logits)
            for source in (logits, out):
                got = _rows.loss(source, *args, spread=spread, upstream=2.0, out=out)
                assert got.gradient is out
                assert torch.equal(out, want.gradient)
                assert torch.equal(got.loss, want.loss)
                out.copy_(logits)
            state = _rows.loss(logits, *args, spread=spread).state
            assert _rows.gradient(out, *args, state, torch.tensor(2.0), spread=spread, out=out) is out
            assert torch.equal(out, want.gradient)


@pytest.mark.parametrize("v", [6, 41, 1100])
def test_ignored_rows_are_never_read(v):
    logits = make_logits(20, v, torch.float32)
    y = make_target("labels", 20, v)[0]
    y[::3] = -100
    for eps in (0.0, 0.1):
        options = Options(label_smoothing=eps)
        want = _rows.loss(logits, y, None, None, None, options, upstream=1.0)
        spoilt = logits.clone()
        spoilt[y == -100] = math.nan
        got = _rows.loss(spoilt, y, None, None, None, options, upstream=1.0)
        assert torch.equal(got.loss, want.loss)
        assert torch.equal(got.gradient, want.gradient)
        assert not got.gradient[y == -100].any()
    none = torch.full((20,), -100)
    for reduction in ("mean", "sum"):
        got = _rows.loss(spoilt, none, None, None, None, Options(reduction=reduction), upstream=1.0)
        assert got.loss == 0
        assert not got.gradient.any()


@pytest.mark.parametrize("v", [4, 50, 1100])
def test_logits_of_minus_infinity(v):
    logits = make_logits(6, v, torch.float32)
    logits[:, 1::2] = -math.inf
    y = torch.zeros(6, dtype=torch.int64)
    got = _rows.loss(logits, y, None, None, None, Options(), upstream=1.0)
    want, slope = reference.with_gradient(logits[:, ::2], y, None, None, None, Options())
    near(got.loss, want)
    near(got.gradient[:, ::2].contiguous(), slope)
    assert not got.gradient[:, 1::2].any()
    smoothed = _rows.loss(logits, y, None, None, None, Options(label_smoothing=0.1), upstream=1.0)
    assert smoothed.loss == math.inf
    assert smoothed.gradient.isfinite().all()
    assert _rows.loss(logits, y + 1, None, None, None, Options()).loss == math.inf
    t = torch.zeros(6, v)
    t[:, 0] = 1
    assert torch.equal(_rows.loss(logits, t, None, None, None, Options()).loss, got.loss)
    index = torch.tensor([[0, 1]] * 6)
    sparse = _rows.loss(logits, index, torch.tensor([[1.0, 0.0]] * 6), None, None, Options(), upstream=1.0)
    assert torch.equal(sparse.loss, got.loss)
    near(sparse.gradient[:, ::2].contiguous(), slope)


def test_spread_passes_over_what_is_ruled_out_and_listed():
    logits = torch.tensor([[1.0, -math.inf, 2.0, 0.5]])
    index, probs = torch.tensor([[0, 1]]), torch.tensor([[0.5, 0.0]])
    compare(logits, index, probs, None, None, Options(reduction="sum"), spread=True)


@pytest.mark.parametrize("v", [1, 4, 50, 1100])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_rows_without_a_softmax_are_nan_as_in_torch(dtype, v):
    y = torch.zeros(5, dtype=torch.int64)
    logits = make_logits(5, v, dtype)
    logits[1] = -math.inf
    logits[2, v // 2] = math.nan
    logits[3, v // 2] = math.inf
    for kind in ("labels", "dense"):
        target = y if kind == "labels" else torch.nn.functional.one_hot(y, v).double()
        for options in (Options(reduction="none"), Options(reduction="none", label_smoothing=0.1, z_loss=1.0)):
            got = _rows.loss(logits, target, None, None, None, options)
            gradient = _rows.gradient(logits, target, None, None, None, options, got.state, torch.ones(5))
            assert got.loss.isnan().tolist() == [False, True, True, True, False]
            assert gradient.isnan().all(1).tolist() == [False, True, True, True, False]
    found = _rows.statistics(logits, y, Options())
    for column in found[:3]:
        assert column.isnan().tolist() == [False, True, True, True, False]
    assert found.argmax.tolist() == logits.argmax(1).tolist()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_shifted_and_huge_logits(kind, dtype):
    for v in (7, 300):
        target, probs, spread = make_target(kind, 4, v)
        largest = torch.finfo(dtype).max
        for logits in (
            make_logits(4, v, torch.float64).add(1e4).to(dtype),
            make_logits(4, v, torch.float64, size=30).to(dtype),
            make_logits(4, v, torch.float64, size=1000).to(dtype),
            make_logits(4, v, torch.float64, size=min(largest / 2**14, 1e100)).to(dtype),
            make_logits(4, v, dtype, size=1e-3),
            torch.zeros(4, v, dtype=dtype),
        ):
            compare(logits, target, probs, None, None, Options(), spread=spread)
            if logits.abs().max() < 200:  # beyond, the reference's 1 - tanh^2 has no digits
                compare(logits, target, probs, None, None, Options(softcap=40.0), spread=spread)


def test_a_label_that_is_all_but_certain():
    for gap, v in itertools.product((5.0, 20.0, 40.0, 80.0), (2, 9, 300, 2000)):
        logits = torch.zeros(1, v)
        logits[0, v // 2] = gap
        y = torch.tensor([v // 2])
        rest = (v - 1) * math.exp(-gap)
        loss, p = math.log1p(rest), math.exp(-gap) / (1 + rest)
        got = _rows.loss(logits, y, None, None, None, Options(), upstream=1.0)
        near(got.loss, torch.tensor(loss, dtype=torch.float64), scale=0.0)
        slope = torch.full((1, v), p, dtype=torch.float64)
        slope[0, v // 2] = -rest / (1 + rest)
        near(got.gradient, slope, scale=0.0)
        one_hot = torch.nn.functional.one_hot(y, v).float()
        near(_rows.loss(logits, one_hot, None, None, None, Options(), upstream=1.0).gradient, slope, scale=0.0)
        sparse = (y[:, None], torch.ones(1, 1))
        near(_rows.loss(logits, *sparse, None, None, Options(), upstream=1.0).gradient, slope, scale=0.0)
        state = _rows.statistics(logits, y, Options()).state
        up = torch.ones(1)
        near(_rows.statistics_gradient(logits, y, Options(), state, up, None, None), -slope, scale=0.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_softcap_near_its_end(dtype):
    # 1 - tanh^2 is 4 e^-2u / (1 + e^-2u)^2: a difference would have lost its digits long before
    u = torch.tensor([[3.0, 8.0, -12.0, 0.25, 1e-3]], dtype=dtype)
    cap, y = 2.0, torch.tensor([3])
    exact = u.double() / cap
    z = cap * torch.tanh(exact)
    p = z.softmax(1)
    p[0, 3] -= 1
    e = torch.exp(-2 * exact.abs())
    got = _rows.loss(u, y, None, None, None, Options(softcap=cap), upstream=1.0).gradient
    near(got, p * 4 * e / (1 + e) ** 2, scale=0.0 if dtype != torch.float64 else 1.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("v", [1, 2, 9, 40, 1100])
def test_statistics(dtype, v):
    logits = make_logits(6, v, dtype)
    logits[3] = logits[3].round()
    y = make_target("labels", 6, v)[0]
    for cap, heat in itertools.product((None, 5.0), (1.0, 0.7)):
        options = Options(softcap=cap, temperature=heat)
        got = _rows.statistics(logits, y, options)
        want = reference.statistics(logits, y, options)
        for a, b in zip(got[:3], want[:3], strict=True):
            near(a, b)
        assert torch.equal(got.argmax, want[3])
        up = [torch.randn(6, generator=torch.Generator().manual_seed(i)) for i in range(3)]
        for used in itertools.product((True, False), repeat=3):
            given = [g if on else None for g, on in zip(up, used, strict=True)]
            a = logits.double().requires_grad_()
            total = sum(
                (s * g).sum() for s, g, on in zip(reference.statistics(a, y, options)[:3], up, used, strict=True) if on
            )
            slope = torch.autograd.grad(total, a)[0] if any(used) else torch.zeros_like(a)
            found = _rows.statistics_gradient(logits, y, options, got.state, *given)
            near(found, slope, scale=10.0)
            place = logits.clone()
            assert _rows.statistics_gradient(place, y, options, got.state, *given, out=place) is place
            assert torch.equal(place, found)


def test_statistics_of_ruled_out_outcomes():
    logits = torch.tensor([[0.0, -math.inf, 1.0], [-math.inf, 2.0, -math.inf]])
    y = torch.tensor([1, 1])
    got = _rows.statistics(logits, y, Options())
    assert got.log_prob.tolist() == [-math.inf, 0.0]
    assert got.entropy[1] == 0
    slope = _rows.statistics_gradient(logits, y, Options(), got.state, torch.ones(2), torch.ones(2), torch.ones(2))
    p = torch.tensor([0.0, 1.0], dtype=torch.float64).softmax(0)
    h = -(p * p.log()).sum()
    want = p - p - p * (p.log() + h)
    near(slope[0, ::2].contiguous(), want)
    assert slope[0, 1] == 1.0
    assert slope[1, 1] == 1.0


BAD = [
    ("label", torch.tensor([0, 1, 5]), None, False),
    ("label", torch.tensor([0, 1, -1]), None, False),
    ("label", torch.tensor([0, 1, -(2**63)]), None, False),
    ("label", torch.tensor([0, 1, 2**63 - 1]), None, False),
    ("label", torch.tensor([0, 1, 255], dtype=torch.uint8), None, False),
    ("label", torch.tensor([0, 1, -(2**31)], dtype=torch.int32), None, False),
    ("value", torch.tensor([[1.0, 0, 0, 0, 0]] * 2 + [[1.5, -0.5, 0, 0, 0]]), None, False),
    ("value", torch.tensor([[1.0, 0, 0, 0, 0]] * 2 + [[1, math.nan, 0, 0, 0]]), None, False),
    ("value", torch.tensor([[1.0, 0, 0, 0, 0]] * 2 + [[1, math.inf, 0, 0, 0]]), None, False),
    ("sum", torch.tensor([[1.0, 0, 0, 0, 0]] * 2 + [[0.5, 0.499, 0, 0, 0]]), None, False),
    ("sum", torch.tensor([[1.0, 0, 0, 0, 0]] * 2 + [[0.5, 0.501, 0, 0, 0]]), None, False),
    ("index", torch.tensor([[0, 1], [0, 1], [5, 1]]), torch.full((3, 2), 0.5), False),
    ("index", torch.tensor([[0, 1], [0, 1], [1, -(2**63)]]), torch.full((3, 2), 0.5), True),
    ("duplicate", torch.tensor([[0, 1], [0, 1], [1, 1]]), torch.full((3, 2), 0.5), False),
    ("value", torch.tensor([[0, 1]] * 3), torch.tensor([[0.5, 0.5]] * 2 + [[0.5, -0.1]]), False),
    ("value", torch.tensor([[0, 1]] * 3), torch.tensor([[0.5, 0.5]] * 2 + [[0.5, math.nan]]), True),
    ("sum", torch.tensor([[0, 1]] * 3), torch.tensor([[0.5, 0.5]] * 2 + [[0.5, 0.501]]), True),
]


@pytest.mark.parametrize(("kind", "target", "probs", "spread"), BAD)
def test_bad_rows_are_named(kind, target, probs, spread):
    logits = make_logits(3, 5, torch.float32)
    for reduction, upstream in itertools.product(("none", "mean", "sum"), (None, 1.0)):
        with pytest.raises(_rows.BadRows) as found:
            _rows.loss(
                logits, target, probs, None, None, Options(reduction=reduction), spread=spread, upstream=upstream
            )
        assert (found.value.kind, found.value.row) == (kind, 2)
    if kind == "label":
        with pytest.raises(_rows.BadRows) as found:
            _rows.statistics(logits, target, Options())
        assert (found.value.kind, found.value.row) == (kind, 2)


def test_the_first_bad_row_is_named_whatever_the_threads():
    y = torch.zeros(60000, dtype=torch.int64)
    y[[31234, 40000, 59999]] = 77
    for reduction in ("mean", "none"):
        with pytest.raises(_rows.BadRows) as found:
            _rows.loss(make_logits(60000, 20, torch.float32), y, None, None, None, Options(reduction=reduction))
        assert found.value.row == 31234


def test_indices_are_marked_anew_in_every_row():
    # a row that fails leaves no mark on the next call, nor does one row on the next
    index, probs = torch.tensor([[0, 1], [1, 0], [0, 1]]), torch.full((3, 2), 0.5)
    compare(make_logits(3, 5, torch.float32), index, probs, None, None, Options())


def test_tolerances_are_those_of_the_targets_dtype():
    off = torch.tensor([[0.5, 0.5 - 5e-5, 0.0]])
    logits = make_logits(1, 3, torch.float32)
    _rows.loss(logits, off, None, None, None, Options())
    with pytest.raises(_rows.BadRows):
        _rows.loss(logits, off.double(), None, None, None, Options())
    _rows.loss(logits, torch.tensor([[0.5, 0.49, 0.0]]).bfloat16(), None, None, None, Options())


def test_fresh_memory_and_a_loss_alone():
    for shape in ((3, 5), (700, 3001), (0, 4)):
        fresh = _rows.empty(shape, torch.bfloat16)
        assert (fresh.shape, fresh.dtype) == (torch.Size(shape), torch.bfloat16)
        assert not fresh.zero_().any()
    assert _rows.available()
    logits, y = make_logits(3, 7, torch.float32), torch.tensor([1, 2, 3])
    alone = _rows.loss(logits, y, None, None, None, Options(), state=False)
    assert alone.state is None
    assert alone.gradient is None
    assert torch.equal(alone.loss, _rows.loss(logits, y, None, None, None, Options()).loss)


def test_a_row_too_long_to_keep():
    v = 2**18 + 3
    target, probs, spread = make_target("labels", 2, v)
    compare(make_logits(2, v, torch.bfloat16), target, probs, None, None, Options(label_smoothing=0.1), spread=spread)
