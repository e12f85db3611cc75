"""The public functions: what they say of themselves, and what they import."""

import doctest
import inspect
import itertools
import subprocess
import sys

import pytest

from xent import estimators
from xent.estimators import _public

ORDER = ["Parameters", "Returns", "Raises", "Edge cases", "Accuracy", "Gradient", "References", "Examples"]
NAMES = ("entropy", "kl_divergence", "mutual_information")


@pytest.mark.parametrize("name", NAMES)
def test_they_say_everything_in_one_order(name):
    lines = inspect.cleandoc(getattr(estimators, name).__doc__).splitlines()
    assert [a for a, b in itertools.pairwise(lines) if b and set(b) == {"-"} and len(b) == len(a)] == ORDER


@pytest.mark.parametrize("name", NAMES)
def test_their_examples_run(name):
    found = doctest.DocTestFinder(recurse=False).find(getattr(_public, name), name, globs={})
    for example in found:
        assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.parametrize("name", NAMES)
def test_data_are_positional_only_and_options_keyword_only(name):
    kinds = {p.kind for p in inspect.signature(getattr(estimators, name)).parameters.values()}
    assert kinds == {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.KEYWORD_ONLY}


def test_the_plug_in_alone_needs_no_scipy():
    code = (
        "import sys, xent; from xent.estimators import entropy;"
        "entropy(xent.Counts([1, 2]), method='plug-in', interval=None); print('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
