"""Figures drawn with matplotlib: nine that explain cross-entropy, and those of an evaluation and of a comparison.

Every figure takes `ax=`, those that explain also `unit=`; all return the `Axes` they drew on, leave matplotlib's
settings alone and never import pyplot. `describe` gives a figure's sentence, `save` writes it, `svg` puts it into a
page: same figure, same bytes.
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
from xent.plots._comparison import comparison as comparison
from xent.plots._description import describe as describe
from xent.plots._estimator_bias import estimator_bias as estimator_bias
from xent.plots._fit import forward_reverse_fit as forward_reverse_fit
from xent.plots._histogram import loss_histogram as loss_histogram
from xent.plots._identity import identity_bar as identity_bar
from xent.plots._inline import svg as svg
from xent.plots._kl_integrand import kl_integrand as kl_integrand
from xent.plots._ranked import class_losses as class_losses
from xent.plots._ranked import confusion_losses as confusion_losses
from xent.plots._reliability import reliability as reliability
from xent.plots._save import render as render
from xent.plots._save import save as save
from xent.plots._simplex import simplex_cross_entropy as simplex_cross_entropy
from xent.plots._surface import cross_entropy_surface as cross_entropy_surface
from xent.plots._tangent import entropy_tangent as entropy_tangent
from xent.plots._temperature import temperature_curve as temperature_curve
