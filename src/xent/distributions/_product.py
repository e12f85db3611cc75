"""Independent coordinates as one distribution."""

from __future__ import annotations

from typing import Any


class Product:
    """Independent coordinates, each with its own distribution: the joint distribution of (x_1, ..., x_d).

        p(x) = p_1(x_1) p_2(x_2) ... p_d(x_d)

    Entropies, cross-entropies and Kullback-Leibler divergences of products are sums over the coordinates, and are
    computed so, each coordinate by its own best way.

    Parameters
    ----------
    *parts : distribution
        One for each coordinate, of numbers: whatever the measures take.

    Examples
    --------
    >>> import xent
    >>> from scipy import stats
    >>> p = xent.distributions.Product(stats.norm(0, 1), stats.expon())
    >>> round(float(xent.entropy(p)), 6)
    2.418939
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: Any) -> None:
        """Keep the parts as given."""
        if not parts:
            raise ValueError("`Product` needs at least one distribution.")
        self.parts = parts

    def __repr__(self) -> str:
        """Name the parts."""
        return f"xent.distributions.Product({', '.join(type(part).__name__ for part in self.parts)})"
