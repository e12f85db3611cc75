"""Six figures that explain cross-entropy, drawn with matplotlib from data in full precision.

Every figure takes `unit=` and `ax=`, returns the `Axes` it drew on, leaves matplotlib's settings alone and never
imports pyplot. `describe` gives a figure's sentence, `save` writes it: same figure, same bytes.
"""

from importlib import import_module

try:
    import_module("matplotlib")  # asked for first, so that its absence is told in our words
except ModuleNotFoundError as error:
    if error.name != "matplotlib":
        raise
    raise ImportError('xent.plots draws with matplotlib, which is missing: pip install "xent[report]"') from error

from xent.plots._binary_curves import binary_cross_entropy_curves as binary_cross_entropy_curves
from xent.plots._binary_surface import binary_cross_entropy_surface as binary_cross_entropy_surface
from xent.plots._code_lengths import code_lengths as code_lengths
from xent.plots._description import describe as describe
from xent.plots._save import render as render
from xent.plots._save import save as save
from xent.plots._simplex import simplex_cross_entropy as simplex_cross_entropy
from xent.plots._surface import cross_entropy_surface as cross_entropy_surface
from xent.plots._tangent import entropy_tangent as entropy_tangent
