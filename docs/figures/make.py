"""Draw the figures of the README and the guides again: `python docs/figures/make.py`, the same bytes every time."""

from pathlib import Path

from xent import plots

HERE = Path(__file__).parent
FIGURES = (
    "binary_cross_entropy_curves",
    "binary_cross_entropy_surface",
    "simplex_cross_entropy",
    "cross_entropy_surface",
    "entropy_tangent",
    "code_lengths",
)

for name in FIGURES:
    drawn = getattr(plots, name)()
    for kind in ("png", "svg"):
        print(f"wrote {plots.save(drawn, HERE / f'{name}.{kind}')}")
