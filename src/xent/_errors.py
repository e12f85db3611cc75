"""The exception types of xent. Messages are built in `_check`, or by the room that found the trouble."""


class DistributionError(ValueError):
    """An argument does not hold what it should: no distribution, no labels, or not what its form says."""


class ShapeError(ValueError):
    """Shapes or axes that do not fit each other."""


class BackendUnavailable(RuntimeError):
    """A backend was asked for by name and cannot do the work here."""


class NotConverged(ArithmeticError):
    """An integral or a sum over an infinite range that does not settle: the measure is infinite, or out of reach."""


class UnsafeFile(ValueError):
    """A file that is refused: not what it says, too large for the limits, or able to run code when read."""


for _error in (DistributionError, ShapeError, BackendUnavailable, NotConverged, UnsafeFile):
    _error.__module__ = "xent"  # where they are public: what a traceback shows can be typed
