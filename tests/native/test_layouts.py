"""A result depends on the values of its row alone: not on strides, order, broadcasting or dtype."""

import numpy as np
import pytest

from xent import _native

RNG = np.random.default_rng(1)
PAIRS = (
    ("kl", "probs", "probs"),
    ("cross_entropy", "probs", "logits"),
    ("js", "probs", "logprobs"),
    ("kl", "logits", "logits"),
    ("cross_entropy", "counts", "counts"),
)


def rows(form, shape):
    p = RNG.dirichlet(np.ones(shape[-1]), shape[:-1])
    return {"probs": p, "logprobs": np.log(p), "logits": np.log(p) + 3, "counts": np.ceil(p * 1e6)}[form]


def spread(a):
    """The same values with a stride that is no multiple of a row."""
    wide = np.full((*a.shape[:-1], 3 * a.shape[-1]), np.nan)
    wide[..., 1::3] = a
    return wide[..., 1::3]


@pytest.mark.parametrize("K", [1, 10, 32, 33, 100, 1030])
@pytest.mark.parametrize(("op", "left", "right"), PAIRS)
def test_same_bits_in_every_layout(op, left, right, K):
    a, b = rows(left, (19, K)), rows(right, (19, K))
    want = _native.reduce(op, ((left, a), (right, b)), -1)[0]
    for x, y, axis in (
        (np.asfortranarray(a), b, -1),
        (np.ascontiguousarray(a.T), np.ascontiguousarray(b.T), -2),
        (np.ascontiguousarray(a.T), b.T, -2),
        (spread(a), np.asfortranarray(b), -1),
        (a[:, ::-1].copy()[:, ::-1], b, -1),
    ):
        assert np.array_equal(_native.reduce(op, ((left, x), (right, y)), axis)[0], want)
    upside = _native.reduce(op, ((left, a[::-1]), (right, b[::-1])), -1)[0]
    assert np.array_equal(upside[::-1], want)
    for i in (0, 7, 18):
        assert _native.reduce(op, ((left, a[i]), (right, b[i])), -1)[0] == want[i]
    assert np.array_equal(_native.reduce(op, ((left, a[3:14]), (right, b[3:14])), -1)[0], want[3:14])


def test_outer_axes_broadcast():
    a, b = rows("probs", (4, 1, 3, 40)), rows("probs", (5, 1, 40))
    got = _native.reduce("kl", (("probs", a), ("probs", b)), -1)[0]
    assert got.shape == (4, 5, 3)
    full = [np.ascontiguousarray(x) for x in np.broadcast_arrays(a, b)]
    assert np.array_equal(got, _native.reduce("kl", (("probs", full[0]), ("probs", full[1])), -1)[0])
    y = RNG.integers(0, 40, (5, 3))
    got = _native.reduce("cross_entropy", (("labels", y), ("probs", a)), -1)[0]
    assert np.array_equal(
        got,
        -np.log(np.take_along_axis(np.broadcast_to(a, (4, 5, 3, 40)), np.broadcast_to(y, (4, 5, 3))[..., None], -1))[
            ..., 0
        ],
    )
    middle = np.moveaxis(a, -1, -2)
    assert np.array_equal(
        _native.reduce("entropy", (("probs", middle),), -2)[0], _native.reduce("entropy", (("probs", a),), -1)[0]
    )


def test_repeated_rows_without_copies():
    a = np.broadcast_to(rows("probs", (50,)), (10**6, 50))
    got = _native.reduce("entropy", (("probs", a),), -1)[0]
    assert (got == got[0]).all()


@pytest.mark.parametrize(
    "dtype", ["float32", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
)
def test_dtypes_read_as_such(dtype):
    for K in (5, 70):
        n = RNG.integers(1, 100, (9, K))
        want = _native.reduce("entropy", (("counts", n.astype(np.float64)),), -1)[0]
        a = n.astype(dtype)
        for x, axis in ((a, -1), (np.ascontiguousarray(a.T), -2), (a[:, ::-1].copy()[:, ::-1], -1)):
            assert np.array_equal(_native.reduce("entropy", (("counts", x),), axis)[0], want)


def test_every_half_is_read_right():
    bits = np.arange(65536, dtype=np.uint32).astype(np.uint16)
    for a in (bits.view(np.float16), bits.view(pytest.importorskip("ml_dtypes").bfloat16)):
        with np.errstate(invalid="ignore"):
            want = a.astype(np.float64)
        fine = np.isfinite(want) & (want > 0)
        got = _native.rowwise("normalize", "probs", a[fine][:, None].repeat(2, 1), -1)[0]
        assert (got == 0.5).all()
        negative = ~np.isnan(want) & (want <= 0)
        values, bad = _native.elementwise("surprisal", (("logprobs", a[negative]),))
        assert bad == (-1,)
        assert np.array_equal(values, -want[negative])
        back, _ = _native.elementwise("surprisal", (("logprobs", a[negative]),), dtype=a.dtype)
        assert np.array_equal(back.astype(np.float64), -want[negative])


def test_halves_round_to_nearest_even():
    x = -np.abs(
        np.concatenate(
            [RNG.standard_normal(5000) * 10.0 ** RNG.uniform(-9, 5, 5000), [65519.99, 65520, 2.0**-25, 3 * 2.0**-25, 0]]
        )
    )
    with np.errstate(over="ignore"):
        want = (-x).astype(np.float16)
    assert np.array_equal(_native.elementwise("surprisal", (("logprobs", x),), dtype=np.float16)[0], want)
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    x = x.astype(np.float32).astype(np.float64)  # one rounding to bfloat16 from float32, as ml_dtypes does
    assert np.array_equal(
        _native.elementwise("surprisal", (("logprobs", x),), dtype=bfloat16)[0], (-x).astype(bfloat16)
    )


def test_odd_arrays():
    p = rows("probs", (6, 20))
    want = _native.reduce("entropy", (("probs", p),), -1)[0]
    swapped = p.astype(p.dtype.newbyteorder())
    raw = np.zeros(p.nbytes + 1, np.uint8)
    crooked = raw[1:].view(np.float64).reshape(p.shape)
    crooked[...] = p
    assert not crooked.flags.aligned
    frozen = p.copy()
    frozen.flags.writeable = False
    for a in (swapped, crooked, frozen):
        assert np.array_equal(_native.reduce("entropy", (("probs", a),), -1)[0], want)
    assert _native.reduce("entropy", (("probs", p[0]),), -1)[0].shape == ()
    assert _native.reduce("entropy", (("probs", np.zeros((0, 3, 5))),), -1)[0].shape == (0, 3)
    assert _native.elementwise("binary_entropy", (("probs", np.zeros((2, 0))),))[0].shape == (2, 0)
    assert _native.elementwise("binary_entropy", (("probs", np.array(0.5)),), post="bits")[0] == 1
    assert _native.joint("joint_entropy", "probs", np.zeros((0, 2, 2)))[0].shape == (0,)


def test_elementwise_layouts():
    y, q = RNG.random((40, 30)), RNG.random((40, 30))
    want = _native.elementwise("binary_kl", (("probs", y), ("probs", q)))[0]
    assert np.array_equal(
        _native.elementwise("binary_kl", (("probs", np.asfortranarray(y)), ("probs", spread(q))))[0], want
    )
    assert np.array_equal(
        _native.elementwise("binary_kl", (("probs", y[::-1, ::-1]), ("probs", q[::-1, ::-1])))[0][::-1, ::-1], want
    )
    one = _native.elementwise("binary_kl", (("probs", y[:, :1]), ("probs", q)))[0]
    assert np.array_equal(
        one, _native.elementwise("binary_kl", (("probs", np.repeat(y[:, :1], 30, 1)), ("probs", q)))[0]
    )
    assert np.array_equal(_native.elementwise("binary_kl", (("probs", y[3, 4]), ("probs", q[3, 4])))[0], want[3, 4])
