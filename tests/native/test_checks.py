"""What the free checks find, and what comes out where there is nothing to compute."""

import numpy as np
import pytest

from xent import _native

GOOD = np.tile([0.25, 0.75], (40, 1))
FORMS = {"probs": GOOD, "logprobs": np.log(GOOD), "logits": np.log(GOOD) + 5, "counts": np.tile([1.0, 3.0], (40, 1))}
FAULTS = {
    "probs": ([-0.25, 1.25], [np.nan, 1], [np.inf, 0], [0.5, 0.6], [0, 0]),
    "logprobs": ([np.nan, 0], [np.inf, 0], [-1, -1], [-np.inf, -np.inf]),
    "logits": ([np.nan, 0], [np.inf, 0], [-np.inf, -np.inf]),
    "counts": ([-1, 2], [np.nan, 1], [np.inf, 1], [0, 0]),
}
AS_GIVEN = ([0.5, 0.6], [0, 0], [-1, -1])  # fail the check, and yet have a value
CASES = [(form, fault) for form, faults in FAULTS.items() for fault in faults]


@pytest.mark.parametrize("K", [2, 50])
@pytest.mark.parametrize(("form", "fault"), CASES)
def test_the_first_bad_row_is_named(form, fault, K):
    a = np.full((40, K), -np.inf if form in ("logits", "logprobs") else 0.0)
    a[:, [0, K - 1]] = FORMS[form]
    other = a.copy()
    assert _native.reduce("entropy", ((form, a),), -1, tol=1e-6)[1] == (-1,)
    a[[23, 31]] = -np.inf if form in ("logits", "logprobs") else 0.0
    a[np.ix_([23, 31], [0, K - 1])] = fault
    for x, axis in ((a, -1), (np.ascontiguousarray(a.T), -2)):
        values, bad = _native.reduce("entropy", ((form, x),), axis, tol=1e-6)
        assert bad == (23,)
        assert _native.reduce("entropy", ((form, x),), axis)[1] == (-1,)
        rest = np.delete(np.arange(40), [23, 31])
        assert np.isfinite(values[rest]).all()
    if fault not in AS_GIVEN or form == "counts":
        assert np.isnan(values[[23, 31]]).all()
    for op in ("cross_entropy", "kl", "js"):
        assert _native.reduce(op, ((form, a), (form, other)), -1, tol=1e-6)[1] == (23, -1)
        assert _native.reduce(op, ((form, other), (form, a)), -1, tol=(1e-6, 1e-6))[1] == (-1, 23)
        assert _native.reduce(op, ((form, other), (form, a)), -1, tol=(1e-6, None))[1] == (-1, -1)
    y = np.zeros(40, int)
    assert _native.reduce("cross_entropy", (("labels", y), (form, a)), -1, tol=1e-6)[1] == (-1, 23)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"])
@pytest.mark.parametrize("form", FORMS)
def test_hostile_labels_read_nothing(form, dtype):
    info = np.iinfo(dtype)
    y = np.array([0, info.max, 1, info.min if info.min else info.max, 2], dtype)
    q = FORMS[form][:5]
    for op in ("cross_entropy", "kl", "js"):
        values, bad = _native.reduce(op, (("labels", y), (form, q)), -1, tol=0.5)
        assert bad == (1, -1)
        assert np.isnan(values[[1, 3, 4]]).all()
        assert np.isfinite(values[[0, 2]]).all()
        assert np.isnan(_native.reduce(op, (("labels", y), (form, q)), -1)[0][[1, 3, 4]]).all()


def test_wrong_calls_are_errors_not_reads():
    p = np.full((3, 4), 0.25)
    with pytest.raises(ValueError, match="outcomes"):
        _native.reduce("kl", (("probs", p), ("probs", p[:, :3])), -1)
    with pytest.raises(ValueError, match="axis"):
        _native.reduce("entropy", (("probs", p),), -3)
    with pytest.raises(ValueError, match="axis"):
        _native.reduce("entropy", (("probs", p),), 0)
    with pytest.raises(ValueError, match="no outcomes"):
        _native.reduce("entropy", (("probs", np.zeros((3, 0))),), -1)
    with pytest.raises(ValueError, match="broadcast"):
        _native.reduce("kl", (("probs", p), ("probs", p[:2])), -1)
    with pytest.raises(ValueError, match="truth only"):
        _native.reduce("js", (("probs", p), ("labels", np.zeros(3, int))), -1)
    with pytest.raises(TypeError, match="complex"):
        _native.reduce("entropy", (("probs", p.astype(complex)),), -1)
    with pytest.raises(TypeError, match="object"):
        _native.reduce("entropy", (("probs", p.astype(object)),), -1)
