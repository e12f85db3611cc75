"""The kernels of the training losses on plain memory, where the sanitizers can watch. Accuracy: tests/torch."""

import itertools

import loss_rows
import ml_dtypes
import numpy as np
import pytest

DTYPES = (np.float64, np.float32, np.float16, ml_dtypes.bfloat16)
WIDTHS = (1, 2, 7, 8, 9, 31, 32, 33, 100, 1023, 1024, 1025, 2500)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def tight(a):
    """A copy that ends where its memory ends, so that one step beyond is seen."""
    return np.frombuffer(bytearray(a.tobytes()), dtype=a.dtype).reshape(a.shape)


def close(got, want, dtype):
    eps = float(ml_dtypes.finfo(dtype).eps)
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=2 * eps, atol=1e-14 if eps < 1e-9 else 2 * eps)


@pytest.mark.parametrize("v", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_labels(dtype, v):
    rng = np.random.default_rng(v)
    for n, (eps, cap) in itertools.product((1, 8, 11), ((0.0, 0.0), (0.1, 0.0), (0.1, 4.0))):
        a = tight((rng.standard_normal((n, v)) * 3).astype(dtype))
        y = tight(rng.integers(0, v, n))
        out, state = tight(np.zeros((n, v), dtype)), tight(np.empty((n, 4)))
        weight = tight(rng.random(v) + 0.5)
        options = {"smoothing": eps, "cap": cap, "weight": weight}
        found, loss, _ = loss_rows.loss(a, y, out=out, **options)
        assert found == (0, -1)
        wide = a.astype(np.float64)
        z = cap * np.tanh(wide / cap) if cap else wide
        p = softmax(z)
        t = ((1 - eps) * np.eye(v)[y] + eps / v) * weight
        total = weight[y].sum()
        np.testing.assert_allclose(
            loss, -(t * np.log(p)).sum() / total, rtol=1e-6 if dtype != np.float64 else 1e-12, atol=1e-14
        )
        slope = (t.sum(1, keepdims=True) * p - t) / total
        close(out, slope / np.cosh(wide / cap) ** 2 if cap else slope, dtype)
        loss_rows.loss(a, y, state=state, **options)
        again = loss_rows.loss(a, y, state=state, task=1, out=a, **options)[2]
        assert again.tobytes() == out.tobytes()


@pytest.mark.parametrize("v", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_distributions(dtype, v):
    rng = np.random.default_rng(v)
    n, k = 5, min(v, 4)
    a = tight((rng.standard_normal((n, v)) * 3).astype(dtype))
    p, out = softmax(a.astype(np.float64)), tight(np.zeros((n, v), dtype))
    t = tight(rng.dirichlet(np.ones(v), n).astype(np.float32))
    assert loss_rows.loss(a, t, out=out)[0] == (0, -1)
    close(out, (p * t.astype(np.float64).sum(1, keepdims=True) - t) / n, dtype)
    index = tight(np.stack([rng.permutation(v)[:k] for _ in range(n)]))
    probs = tight(rng.dirichlet(np.ones(k), n))
    assert loss_rows.loss(a, index, probs, out=out, spread=True)[0] == (0, -1)
    sparse = np.zeros((n, v))
    np.put_along_axis(sparse, index, probs, 1)
    close(out, (p - sparse) / n, dtype)


@pytest.mark.parametrize("v", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_statistics(dtype, v):
    rng = np.random.default_rng(v)
    n, wide = 5, np.float64 if dtype == np.float64 else np.float32
    a, y = tight((rng.standard_normal((n, v)) * 3).astype(dtype)), tight(rng.integers(0, v, n))
    state, columns = tight(np.empty((n, 4))), [tight(np.empty(n, wide)) for _ in range(3)]
    best, out = tight(np.empty(n, np.int64)), tight(np.zeros((n, v), dtype))
    assert loss_rows.statistics(a, y, state, columns, best) == (0, -1)
    p = softmax(a.astype(np.float64))
    h = -(p * np.log(p)).sum(1)
    np.testing.assert_allclose(columns[0], np.log(p[np.arange(n), y]), rtol=1e-6, atol=1e-14)
    np.testing.assert_allclose(columns[2], h, rtol=1e-6, atol=1e-14)
    assert best.tolist() == a.astype(np.float64).argmax(1).tolist()
    up = [tight(rng.standard_normal(n)) for _ in range(3)]
    assert loss_rows.statistics(a, y, state, up, None, out=out) == (0, -1)
    of_log_prob, of_lse, of_entropy = (u[:, None] for u in up)
    close(out, of_log_prob * (np.eye(v)[y] - p) + of_lse * p - of_entropy * p * (np.log(p) + h[:, None]), dtype)


@pytest.mark.parametrize("v", [3, 40, 1100])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_rows_that_are_no_numbers(dtype, v):
    for value, place in itertools.product(
        (np.nan, np.inf, -np.inf, float(ml_dtypes.finfo(dtype).max)), (0, v - 1, slice(None))
    ):
        a, y, out = np.zeros((3, v), dtype), np.array([0, v - 1, 0]), np.zeros((3, v), dtype)
        a[1, place] = value
        for eps, cap in ((0.0, 0.0), (0.1, 0.0), (0.1, 4.0)):
            found, loss, _ = loss_rows.loss(tight(a), y, out=out, smoothing=eps, cap=cap, reduction=0)
            assert found == (0, -1)
            assert np.isfinite(loss[[0, 2]]).all()
            assert np.isfinite(out[[0, 2]].astype(np.float64)).all()


@pytest.mark.parametrize("v", [*WIDTHS, 256, 257])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_a_loss_alone_is_the_loss_beside_a_gradient(dtype, v):
    rng = np.random.default_rng(v)
    a = tight(rng.integers(-3, 4, (21, v)).astype(dtype))  # many elements equal their row's maximum
    y = tight(np.where(np.arange(21) % 5 == 3, -100, rng.integers(0, v, 21)))
    token = tight(rng.random(21))
    for cap, z_loss in ((0.0, 0.0), (4.0, 0.01)):
        options = {"cap": cap, "z_loss": z_loss, "token_weight": token, "reduction": 0}
        alone, beside = tight(np.empty((21, 4))), tight(np.empty((21, 4)))
        _, loss, _ = loss_rows.loss(a, y, state=alone, **options)
        _, same, _ = loss_rows.loss(a, y, state=beside, out=tight(np.zeros((21, v), dtype)), **options)
        assert loss.tobytes() == same.tobytes()
        assert alone[:, :2].tobytes() == beside[:, :2].tobytes()
        wide = a.astype(np.float64)
        z = cap * np.tanh(wide / cap) if cap else wide
        lse = np.log(np.exp(z).sum(1))
        want = token * (lse - z[np.arange(21), np.maximum(y, 0)] + z_loss * lse**2) * (y >= 0)
        np.testing.assert_allclose(loss, want, rtol=1e-6 if dtype != np.float64 else 1e-12, atol=1e-14)


@pytest.mark.parametrize("y", [-(2**63), -1, 5, 2**63 - 1])
@pytest.mark.parametrize("v", [5, 50])
def test_labels_out_of_range_are_never_read(v, y):
    a = tight(np.zeros((20, v), np.float32))
    target = np.zeros(20, np.int64)
    target[13] = y if y != 5 else v
    for reduction in (0, 1, 2):
        assert loss_rows.loss(a, target, reduction=reduction)[0] == (1, 13)
    index = np.zeros((20, 1), np.int64)
    index[13] = target[13]
    assert loss_rows.loss(a, index, np.ones((20, 1)))[0] == (4, 13)
