"""Digits match the interval, undefined numbers are words, and nothing is rounded to a lie."""

import math

import pytest

from xent.evaluation import Estimate
from xent.report import _numbers as numbers


@pytest.mark.parametrize(
    ("se", "digits"), [(0.0025, 4), (0.025, 3), (0.099, 3), (1.0, 1), (25.0, 1), (3e-9, 10), (0.0, 4), (math.nan, 4)]
)
def test_decimals(se, digits):
    assert numbers.decimals(Estimate(0.5, se, 0.4, 0.6)) == digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.23912, "0.2391"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "undefined"),
        (-1e-9, "0.0000"),
        (-0.5, "-0.5000"),
    ],
)
def test_loss(value, text):
    assert numbers.loss(value, 4) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.2e-7, "1.2e-07"),
        (0.5, "0.500"),
        (0.0123, "0.012"),
        (1.0, "1"),
        (0.99999, ">0.999"),
        (0.9994, "0.999"),
    ],
)
def test_probability(value, text):
    assert numbers.probability(value) == text


def test_a_probability_that_is_not_0_or_1_is_never_written_so():
    for exponent in range(1, 300, 7):
        assert float(numbers.probability(10.0**-exponent)) > 0
    assert numbers.probability(1 - 2**-53) != "1"


@pytest.mark.parametrize(
    ("nats", "text"),
    [
        (0.2391, "1.270"),
        (0.0, "1.000"),
        (2.5, "12.18"),
        (9.0, "8,103"),
        (math.inf, "inf"),
        (800.0, "2.73e+347"),
        (27.7, "1.07e+12"),
    ],
)
def test_perplexity(nats, text):
    assert numbers.perplexity(nats) == text


def test_signs_and_intervals():
    assert numbers.signed(0.5, 2) == "+0.50"
    assert numbers.signed(-0.5, 2) == "-0.50"
    assert numbers.signed(0.0, 2) == "0.00"
    assert numbers.interval(Estimate(0.5, 0.1, 0.25, 0.75), 2) == "0.25-0.75"
    assert numbers.interval(Estimate(0.5, 0.3, -0.25, 1.25), 2) == "-0.25 to 1.25"
    assert numbers.p_value(3e-9) == "p < 0.0001"
    assert numbers.p_value(math.nan) == "p undefined"
    assert numbers.share(math.nan) == "undefined"
    assert (numbers.rows(1), numbers.rows(1797)) == ("1 row", "1,797 rows")


def test_what_is_below_1_is_never_100_percent():
    assert numbers.share(0.99999) == ">99.9%"
    assert numbers.share(1.0) == "100.0%"
    assert numbers.share(-1e-9) == "0.0%"
    assert numbers.share(-12.345) == "-1,234.5%"


def test_parameters_keep_their_zeros():
    assert (numbers.number(1.6), numbers.number(160.0), numbers.number(-0.2)) == ("1.60", "160", "-0.200")


def test_a_probability_too_small_for_a_double():
    assert numbers.probability(0.0, 800.0) == "<1e-308"
    assert numbers.probability(0.0) == "0"
    assert numbers.amount(1.25e-12, 10) == "1.25e-12"
    assert numbers.amount(0.0, 4) == "0.0000"
