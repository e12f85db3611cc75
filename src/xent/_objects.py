"""How the measures answer for arguments that are no arrays, without an arrow that runs upwards.

`xent.distributions` registers what it computes for each measure when it is imported; the measures below hand on what
they do not know. The package's face says how to import that room, which happens when the first such argument is met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn


class NotAnArray(TypeError):
    """An argument is neither an array nor a form: a distribution, or a mistake. The message is for a mistake."""


class How(NamedTuple):
    """How a measure of distributions is to be computed: its keywords, None where nothing was asked.

    method: "closed form", "quadrature" or "Monte Carlo"; estimator: "k1", "k2" or "k3" (Monte Carlo); bounds: where
    the mass lies, (low, high); n: draws; rtol: relative (standard) error to reach; seed; details: say how.
    """

    method: str | None = None
    estimator: str | None = None
    bounds: tuple[float, float] | None = None
    n: int | None = None
    rtol: float | None = None
    seed: int | None = None
    details: bool | None = None


NOTHING = How()


@dataclass(frozen=True, slots=True)
class Details:
    """A value, and how it was computed.

    Attributes
    ----------
    value : float or array
        The measure, in the unit asked for.
    method : {"closed form", "quadrature", "Monte Carlo"}
        Quadrature stands for summation too, of distributions of integers.
    error_bound : float, array or None
        How far `value` may be from the truth; None for Monte Carlo.
    standard_error : float, array or None
        Of Monte Carlo and of samples, None otherwise.
    n : int
        Places at which the densities were computed, or draws; 0 for a closed form.
    """

    value: Any
    method: str
    error_bound: Any
    standard_error: Any
    n: int


Details.__module__ = "xent"

Implementation = Callable[..., Details]

_implementations: dict[str, Implementation] = {}
_loaders: list[Callable[[], object]] = []


def register(measure: str, implementation: Implementation) -> None:
    """Compute this measure of distributions so; for `xent.distributions`, when it is imported."""
    _implementations[measure] = implementation


def load_with(loader: Callable[[], object]) -> None:
    """Import that room so; for the package's face."""
    _loaders[:] = [loader]


def answer(measure: str, arguments: tuple[Any, ...], unit: str, how: tuple[Any, ...], **parameters: Any) -> Any:
    """The measure of arguments of which one at least is no array: its value, or its `Details` where asked for.

    A numeric result, whatever its method, is in the unit asked for. The implementation is called as
    `implementation(*arguments, unit=unit, how=how, **parameters)`. To be called where `NotAnArray` was caught: it is
    raised again where nothing computes this measure of distributions.
    """
    if measure not in _implementations:
        for load in _loaders:
            load()
    if measure not in _implementations:
        raise  # the mistake that the measure caught
    asked = How(*how)
    try:
        found = _implementations[measure](*arguments, unit=unit, how=asked, **parameters)
    except Exception as error:
        _forget(error)
        raise
    return found if asked.details else found.value


def _forget(error: BaseException) -> None:
    """Leave out of a traceback that an argument was no array: that is how a distribution is told, and no error."""
    while error.__context__ is not None and not isinstance(error.__context__, NotAnArray):
        error = error.__context__
    error.__context__ = None


def of_arrays(value: Any, how: tuple[Any, ...]) -> Any:
    """The measure of arrays where a keyword for distributions was given: `details` is answered, others are refused."""
    asked = How(*how)
    for name, given in zip(How._fields[:-1], asked[:-1], strict=True):
        if given is not None and (name, given) != ("method", "closed form"):
            _refuse(name)
    if not asked.details:
        return value
    return Details(value, "closed form", None, None, 0)


def _refuse(name: str) -> NoReturn:
    raise TypeError(f"`{name}` is for distributions and samples; of arrays every measure is computed exactly.")
