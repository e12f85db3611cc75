"""Plain numbers all the way down, and strict JSON that reads back to the bit."""

import dataclasses
import json
import math

import numpy as np
import pytest

from xent.evaluation import evaluate

FIELDS = [
    *("n", "classes", "unit", "cross_entropy", "finite_cross_entropy", "clipped", "uncertainty", "skill"),
    *(
        "miscalibration",
        "discrimination",
        "recalibration",
        "isotonic",
        "classwise",
        "per_class",
        "worst_rows",
        "tail_share",
        "audit",
    ),
    *("clusters", "confusions", "slices", "also", "reliability", "loss_histogram", "temperature_curve"),
]


def plain(value):
    if isinstance(value, dict):
        return all(type(key) is str and plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or type(value) in (int, float, str)


def null_for_nan(value):
    if isinstance(value, dict):
        return {key: null_for_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [null_for_nan(item) for item in value]
    return None if value != value else value


def test_fields(several):
    y, _, q = several(50)
    fields = evaluate(y.astype(np.int8), q).to_dict()
    assert list(fields) == FIELDS
    assert plain(fields)
    assert list(fields["cross_entropy"]) == ["value", "se", "low", "high"]
    assert list(fields["clipped"][0]) == ["eps", "cross_entropy"]
    assert list(fields["recalibration"]) == ["kind", "parameters", "gain", "p_value", "state"]
    per_class = ["name", "n", "loss", "share", "frequency", "mean_probability", "slope", "intercept"]
    assert list(fields["per_class"][0]) == per_class
    worst = ["row", "label", "probability", "loss", "said", "said_probability"]
    assert list(fields["worst_rows"][0]) == worst
    assert list(fields["audit"]) == [
        "rows",
        "dropped",
        "zero_probability_rows",
        "unnormalized_rows",
        "renormalized_rows",
    ]


def test_results_are_frozen(several):
    y, _, q = several(50)
    e = evaluate(y, q)
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.n = 3
    assert isinstance(e.worst_rows, tuple)
    assert e == evaluate(y, q)


def test_json_reads_back_to_the_bit(several):
    y, _, q = several(50)
    e = evaluate(y, q)
    read = json.loads(e.to_json())
    assert read.pop("schema_version") == 1
    assert read.pop("nonfinite") == {}
    assert read == null_for_nan(e.to_dict())
    assert read["also"]["auc"] is None


def test_infinite_and_undefined():
    e = evaluate([0, 1, 1], [0.5, 0.0, 0.5], classes=["a", "b"])
    text = e.to_json()
    read = json.loads(text, parse_constant=pytest.fail)
    assert read["cross_entropy"] == {"value": None, "se": None, "low": None, "high": None}
    assert read["miscalibration"] is None
    assert read["nonfinite"] == {
        "cross_entropy.value": "inf",
        "skill.value": "-inf",
        "per_class.1.loss": "inf",
        "worst_rows.0.loss": "inf",
        "confusions.0.loss": "inf",
        "loss_histogram.13.high": "inf",
    }
    assert math.isnan(e.miscalibration)
    assert text.isascii()


def test_hostile_names():
    names = ["</script>", '"\\\u2028\x00', "\ud800"]
    read = json.loads(evaluate([0, 1, 2], np.full((3, 3), 1 / 3), classes=names).to_json())
    assert read["classes"] == names
