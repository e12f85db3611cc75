"""Why no map is best, in one word."""

import numpy as np
import pytest

import xent
from xent.evaluation import evaluate


@pytest.mark.parametrize(
    ("y", "q", "state"),
    [
        ([0, 1, 0, 1], [0.1, 0.2, 0.8, 0.9], "fitted"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "separated"),
        ([0, 1, 1, 1], [0.1, 0.1, 0.8, 0.9], "separated"),
        ([1, 1], [0.1, 0.9], "separated"),
        ([0, 1], [0.0, 1.0], "separated"),
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], "reversed"),
        ([1, 0, 1], [0.0, 0.5, 0.5], "infinite"),
        ([0, 1, 1], [0.5, 0.5, 0.5], "fitted"),
    ],
)
def test_two_classes(y, q, state):
    assert evaluate(y, q).recalibration.state == state


@pytest.mark.parametrize(
    ("y", "state"),
    [
        ([0, 0, 0], "separated"),
        ([2, 2, 2], "reversed"),
        ([0, 1, 2], "fitted"),
    ],
)
def test_three_classes(y, state):
    q = np.tile([0.5, 0.3, 0.2], (3, 1))
    assert evaluate(y, q).recalibration.state == state
    weighted = evaluate(y, q, weight=[1, 2, 3], cluster=[0, 0, 1])
    assert weighted.recalibration.state == state


def test_three_classes_without_a_choice():
    assert evaluate([0, 1], np.eye(3)[:2]).recalibration.state == "separated"
    assert evaluate([1, 1], np.eye(3)[:2]).recalibration.state == "infinite"
    assert evaluate([0, 1], xent.Probs(np.full((2, 3), 1 / 3))).recalibration.state == "fitted"
