"""Public docstrings have one order, and their code runs (the doctests do)."""

import inspect
import itertools

import pytest

import xent
import xent.torch as losses
from xent import measures
from xent.torch import integrations

ORDER = ["Parameters", "Returns", "Raises", "Edge cases", "Accuracy", "Gradient", "References", "Examples"]
NAMES = [name for name in dir(measures) if inspect.isfunction(getattr(measures, name)) and not name.startswith("_")]


def sections(doc):
    lines = inspect.cleandoc(doc).splitlines()
    return [a for a, b in itertools.pairwise(lines) if b and set(b) == {"-"} and len(b) == len(a)]


@pytest.mark.parametrize("name", NAMES)
def test_measures_say_everything_in_one_order(name):
    assert sections(getattr(measures, name).__doc__) == ORDER


LOSSES = [name for name in dir(losses) if inspect.isfunction(getattr(losses, name)) and name != "choice"]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_say_everything_in_one_order(name):
    assert sections(getattr(losses, name).__doc__) == ORDER


@pytest.mark.parametrize("name", ["causal_lm_loss", "patch_causal_lm"])
def test_integrations_say_everything_in_one_order(name):
    assert sections(getattr(integrations, name).__doc__) == ORDER


@pytest.mark.parametrize("name", NAMES)
def test_measures_are_on_the_face(name):
    assert getattr(xent, name) is getattr(measures, name)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_are_positional_only_and_options_keyword_only(name):
    kinds = {p.kind for p in inspect.signature(getattr(measures, name)).parameters.values()}
    assert kinds <= {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.KEYWORD_ONLY}


def test_every_public_thing_has_a_docstring():
    for name in dir(xent):
        if not name.startswith("_"):
            assert getattr(xent, name).__doc__, name
