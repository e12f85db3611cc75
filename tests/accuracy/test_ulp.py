"""The promise, at the public functions on NumPy arrays: 2 ulp for rows, 1 ulp elementwise, found by Hypothesis.

Without the compiled core the promise is that of the array formulas, 4 ulp.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xent
from xent import Counts, Labels, Logits, LogProbs
from xent.testing import reference, strategies, ulp_error

CORE = xent.about().native
ROWS, ELEMENTS = (2, 1) if CORE else (4, 4)
DTYPES = ["float64", "float32"]


def within(value, truth, dtype, limit=ROWS):
    """Near the end of the range no digits are promised: there the value only has to be as small."""
    tiny = 1e-290 if dtype == "float64" else float(np.finfo(dtype).tiny)
    if any(0 < abs(t) < tiny for t in (truth if isinstance(truth, tuple) else (truth,))):
        assert 0 <= abs(float(value)) <= tiny
        return
    assert ulp_error(float(value), truth, dtype) <= limit, (float(value), truth)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_entropy_and_perplexity(dtype, data):
    p = data.draw(strategies.distributions(dtype=dtype))
    within(xent.entropy(p), reference.entropy(p), dtype)
    within(xent.perplexity(p), reference.perplexity(p), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_cross_entropy_and_divergences(dtype, data):
    p = data.draw(strategies.distributions(min_k=2, dtype=dtype))
    q = data.draw(strategies.distributions(min_k=len(p), max_k=len(p), dtype=dtype))
    within(xent.cross_entropy(p, q), reference.cross_entropy(p, q), dtype)
    within(xent.kl_divergence(p, q), reference.kl_divergence(p, q), dtype)
    within(xent.js_divergence(p, q), reference.js_divergence(p, q), dtype)
    within(xent.js_distance(p, q), reference.js_distance(p, q), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_near_equal(dtype, data):
    p, q = data.draw(strategies.near_equal_pairs(dtype=dtype))
    within(xent.kl_divergence(p, q), reference.kl_divergence(p, q), dtype)
    within(xent.js_divergence(p, q), reference.js_divergence(p, q), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_logits(dtype, data):
    z = data.draw(strategies.logits(min_k=2, dtype=dtype))
    y = data.draw(strategies.labels(len(z)))
    p = data.draw(strategies.distributions(min_k=len(z), max_k=len(z), dtype=dtype))
    within(xent.entropy(Logits(z)), reference.entropy(Logits(z)), dtype)
    within(xent.cross_entropy(Labels(y), Logits(z)), reference.cross_entropy(Labels(y), Logits(z)), dtype)
    within(xent.cross_entropy(p, Logits(z)), reference.cross_entropy(p, Logits(z)), dtype)
    for k, s in enumerate(xent.surprisal(Logits(z))):
        within(s, reference.surprisal(Logits(z), k), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=25)  # the reference needs hundreds of digits here
@given(data=st.data())
def test_divergence_of_logits(dtype, data):
    a = data.draw(strategies.logits(min_k=2, dtype=dtype))
    b = (a + data.draw(st.sampled_from([0.0, 1e-6, 1e-2, 1.0])) * np.linspace(-1, 1, len(a))).astype(dtype)
    within(xent.kl_divergence(Logits(a), Logits(b)), reference.kl_divergence(Logits(a), Logits(b)), dtype)
    within(xent.js_divergence(Logits(a), Logits(b)), reference.js_divergence(Logits(a), Logits(b)), dtype)


@given(data=st.data())
def test_counts(data):
    n = np.array(data.draw(st.lists(st.integers(0, 10**12), min_size=2, max_size=8)))
    n[0] += 1
    q = data.draw(strategies.distributions(min_k=len(n), max_k=len(n)))
    within(xent.entropy(Counts(n)), reference.entropy(Counts(n)), "float64")
    within(xent.cross_entropy(Counts(n), q), reference.cross_entropy(Counts(n), q), "float64")
    within(xent.kl_divergence(Counts(n), q), reference.kl_divergence(Counts(n), q), "float64")


@given(data=st.data())
def test_tables(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = shape[0] * shape[1]
    n = np.array(data.draw(st.lists(st.integers(0, 10**6), min_size=size, max_size=size))).reshape(shape)
    n[0, 0] += 1
    for table in (Counts(n), n / n.sum()):
        within(xent.mutual_information(table), reference.mutual_information(table), "float64")
        within(xent.joint_entropy(table), reference.joint_entropy(table), "float64")
        for given_axis in (0, 1):
            found = xent.conditional_entropy(table, given=given_axis)
            within(found, reference.conditional_entropy(table, given=given_axis), "float64")


UNIT = st.one_of(st.floats(0, 1), st.floats(-300, 0).map(lambda x: 10.0**x), st.sampled_from([0.0, 1.0, 0.5]))


@pytest.mark.parametrize("dtype", DTYPES)
@given(y=UNIT, q=UNIT, x=st.floats(-800, 800))
def test_elements(dtype, y, q, x):
    y, q, x = (np.dtype(dtype).type(v) for v in (y, q, x))
    within(xent.binary_entropy(y), reference.binary_entropy(y), dtype, ELEMENTS)
    within(xent.binary_cross_entropy(y, q), reference.binary_cross_entropy(y, q), dtype, ELEMENTS)
    within(xent.binary_kl_divergence(y, q), reference.binary_kl_divergence(y, q), dtype, ELEMENTS)
    within(xent.binary_entropy(Logits(x)), reference.binary_entropy(Logits(x)), dtype, ELEMENTS)
    within(xent.binary_cross_entropy(y, Logits(x)), reference.binary_cross_entropy(y, Logits(x)), dtype, ELEMENTS)
    within(xent.surprisal(q), -reference.mp.log(float(q)) if q else np.inf, dtype, ELEMENTS)
    log_q = np.dtype(dtype).type(-abs(x))
    within(
        xent.binary_cross_entropy(y, LogProbs(log_q)),
        reference.binary_cross_entropy(y, LogProbs(log_q)),
        dtype,
        ELEMENTS,
    )


def test_every_exponent():
    x = np.array([2.0**-e for e in range(1075)])
    found = xent.surprisal(x)
    for value, truth in zip(found, x, strict=True):
        within(value, -reference.mp.log(truth), "float64", ELEMENTS)
