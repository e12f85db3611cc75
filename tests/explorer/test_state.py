"""The text of the state: read as the page reads it, and changed one key at a time."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xent
from xent import DistributionError, ShapeError
from xent.explorer import _state

DEFAULT = _state.Values((0.1, 0.2, 0.7), (0.6, 0.3, 0.1), "nats")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # As `String(x)` gives them in a browser.
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (100.0, "100"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (0.1 + 0.2, "0.30000000000000004"),
        (123.456, "123.456"),
        (-2.5, "-2.5"),
        (1e-6, "0.000001"),
        (1.5e-6, "0.0000015"),
        (1e-7, "1e-7"),
        (1.25e-7, "1.25e-7"),
        (5e-324, "5e-324"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (2.0**53, "9007199254740992"),
        (np.float64(0.25), "0.25"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(value, text):
    assert _state.number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_to_the_bit_and_has_the_form_that_the_page_takes(value):
    text = _state.number_text(value)
    assert float(text) == value
    assert re.fullmatch(r"-?(0|[1-9]\d{0,20}|[1-9]\d*\.\d+|0\.0{0,5}[1-9]\d*|\d(\.\d+)?e[+-]\d+)", text)
    assert "." not in text or not text.split("e")[0].endswith("0")


@pytest.mark.parametrize("state", ["", "#", "v=1", "#v=1", "v=1&", "v=1&p", "v=1&unknown=3&z=1", "v=1&=2"])
def test_what_is_missing_has_its_default(state):
    assert _state.read(state) == DEFAULT


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("p=1,0,0", (1, 0, 0)),
        ("p=.5,.25,.25", (0.5, 0.25, 0.25)),
        ("p=5e-1,2.5E-1,+0.25", (0.5, 0.25, 0.25)),
        ("p=1.,0.,-0", (1, 0, 0)),
        ("p=0.5%2C0.25%2c0.25", (0.5, 0.25, 0.25)),
        ("%70=0.5,0.25,0.25", (0.5, 0.25, 0.25)),
        ("p=0.1,0.1,0.8&p=0.5,0.25,0.25", (0.5, 0.25, 0.25)),  # the last, as in a browser
        ("p=0.3,0.3,0.4000000000009", (0.3, 0.3, 0.4000000000009)),
        ("p=1e-320,0,1", (1e-320, 0, 1)),
    ],
)
def test_shares_are_used_as_given(part, expected):
    assert _state.read(f"v=1&{part}").p == expected


@pytest.mark.parametrize(
    "value",
    [
        *("", "0.5", "0.5,0.5", "0.25,0.25,0.25,0.25", "0.5,0.25,0.26", "0.3,0.3,0.4000000000011", "2,-1,0", "nan,0,1"),
        *(
            "inf,0,0",
            "1e400,0,1",
            "0x1,0,0",
            "1 ,0,0",
            " 1,0,0",
            "1,0,0,",
            "1_0,0,0",
            "٠,0,1",
            "0.5,0.25,0.25\n",
            "%zz,0,1",
        ),
        *("%ff,0,1", ".,0,1", "1e,0,0", "--1,0,0", "0,5;0,25;0,25", "Infinity,0,0", "<img src=x>,0,1"),
    ],
)
def test_shares_that_are_not_accepted_take_the_default(value):
    assert _state.read(f"v=1&q={value}&p=1,0,0") == _state.Values((1.0, 0.0, 0.0), DEFAULT.q, "nats")


@pytest.mark.parametrize(
    "state", ["p=1,0,0", "v=2&p=1,0,0", "v=1.0&p=1,0,0", "v=1&v=2&p=1,0,0", "v=1&p=1,0,0&x=" + "1" * 2000]
)
def test_a_state_of_another_version_or_too_long_is_refused_whole(state):
    assert _state.read(state) == DEFAULT
    assert _state.replaced(state, "unit", "bits") == "v=1&unit=bits"


@pytest.mark.parametrize("state", ["", "#"])
def test_a_state_that_says_nothing_takes_a_key(state):
    assert _state.replaced(state, "p", [0.5, 0.25, 0.25]) == "v=1&p=0.5,0.25,0.25"


def test_length_counts_as_javascript_counts():
    leaf = "\N{LEAF FLUTTERING IN WIND}"  # two units there
    assert _state.read("v=1&p=1,0,0&" + leaf * 994).p == (1, 0, 0)
    assert _state.read("v=1&p=1,0,0&" + leaf * 995).p == DEFAULT.p


@pytest.mark.parametrize(("text", "unit"), [("bits", "bits"), ("nats", "nats"), ("bans", "nats"), ("BITS", "nats")])
def test_the_unit(text, unit):
    assert _state.read(f"v=1&unit={text}").unit == unit


def test_one_key_is_replaced_and_the_others_stay():
    state = "v=1&chapter=training&unit=nats&x=0.25&p=0.1,0.2,0.7&q=0.6,0.3,0.1&more=%C3%BC&step=7"
    changed = _state.replaced(state, "p", [0.5, 0.25, 0.25])
    assert changed == state.replace("0.1,0.2,0.7", "0.5,0.25,0.25")
    assert _state.replaced(changed, "unit", "bits") == changed.replace("unit=nats", "unit=bits")
    assert _state.replaced("", "q", [1, 0, 0]) == "v=1&q=1,0,0"
    assert _state.replaced("#v=1&k=3", "q", [1, 0, 0]) == "v=1&k=3&q=1,0,0"
    assert _state.replaced("v=1&p=1,0,0&k=3&%70=0,1,0", "p", [0, 0, 1]) == "v=1&p=0,0,1&k=3"


def test_a_state_never_grows_beyond_what_is_read():
    long = "v=1&noise=" + "x" * 1985
    assert _state.read(long + "&p=1,0,0").p == DEFAULT.p
    assert _state.replaced(long, "p", [1, 0, 0]) == "v=1&p=1,0,0"


triples = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda x: sum(x) > 1e-3)


@given(triples, st.sampled_from(["p", "q"]))
def test_what_is_set_is_what_is_read_to_the_bit(weights, name):
    values = xent.normalize(np.array(weights))
    state = _state.replaced("v=1&chapter=entropy", name, values)
    assert getattr(_state.read(state), name) == tuple(values.tolist())


@pytest.mark.parametrize(
    "value",
    [
        [0.5, 0.25, 0.25],
        (0.5, 0.25, 0.25),
        np.array([0.5, 0.25, 0.25]),
        np.array([0.5, 0.25, 0.25], dtype=np.float32),
        xent.Probs([0.5, 0.25, 0.25]),
        [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)],
    ],
)
def test_what_holds_three_probabilities_is_taken(value):
    assert _state.shares("p", value) == (0.5, 0.25, 0.25)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([0.5, 0.5], ShapeError, "`p` has shape (2,); the explorer takes three probabilities."),
        ([[1, 0, 0]], ShapeError, "`p` has shape (1, 3); the explorer takes three probabilities."),
        (0.5, ShapeError, "`p` has shape (); the explorer takes three probabilities."),
        ([0.5, 0.25, 0.2], DistributionError, "`p` sums to 0.95, not 1 to within 1e-12"),
        ([0.3, 0.3, 0.4 + 2e-12], DistributionError, "`p` sums to 1.000000000002, not 1"),
        ([2, 3, 5], DistributionError, "To rescale it: `xent.normalize(numpy.float64(p))`."),
        ([1.5, -0.5, 0], DistributionError, "`p` has a negative probability, -0.5 at outcome 1."),
        ([math.nan, 0, 1], DistributionError, "`p` has NaN at outcome 0."),
        ([math.inf, 0, 1], DistributionError, "`p` has inf at outcome 0; a probability is finite."),
        ([1 + 2**-52, 0, 0], DistributionError, "`p` has 1.0000000000000002; a probability is at most 1."),
        ("0.1,0.2,0.7", DistributionError, "`p` is '0.1,0.2,0.7'; it holds three plain numbers."),
        (["a", 0, 1], DistributionError, "it holds three plain numbers."),
        ([1j, 0, 1], DistributionError, "it holds three plain numbers."),
        ([[1], 0], DistributionError, "it holds three plain numbers."),
        ((x for x in ()), DistributionError, "it holds three plain numbers."),
        (["x" * 200], DistributionError, "...; it holds three plain numbers."),
        (xent.Logits([1.0, 2, 3]), DistributionError, "`p` is given as `xent.Logits`, which does not make sense here."),
    ],
)
def test_what_the_page_would_not_take_is_refused_with_a_reason(value, error, message):
    with pytest.raises(error, match=re.escape(message)):
        _state.replaced("v=1", "p", value)


def test_off_by_rounding_in_single_precision_is_mended_as_the_message_says():
    p = np.array([0.1, 0.2, 0.7], dtype=np.float32)
    with pytest.raises(DistributionError, match=re.escape("xent.normalize(numpy.float64(p))")):
        _state.shares("p", p)
    assert _state.shares("p", xent.normalize(np.float64(p))) == pytest.approx((0.1, 0.2, 0.7), rel=1e-6)


@pytest.mark.parametrize("value", ["bans", "Bits", "", None, 1, ["bits"]])
def test_an_unknown_unit_is_refused(value):
    with pytest.raises(ValueError, match=re.escape(f"`unit` is {value!r}; the explorer shows 'nats' or 'bits'.")):
        _state.replaced("v=1", "unit", value)


def test_a_link_says_the_least_that_is_needed():
    p, q = (0.1, 0.2, 0.7), xent.normalize(np.array([1.0, 1, 1]))
    text = _state.link("simplex", "bits", p, q)
    third = "0.3333333333333333"
    assert text == f"v=1&chapter=simplex&unit=bits&p=0.1,0.2,0.7&q={third},{third},{third}"
    assert _state.read(text) == _state.Values(p, (1 / 3,) * 3, "bits")
    assert _state.link("simplex", "bans", p, p) == "v=1&chapter=simplex&p=0.1,0.2,0.7&q=0.1,0.2,0.7"
