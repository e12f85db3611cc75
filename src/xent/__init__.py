"""Cross-entropy: understand it, measure with it, train with it.

    >>> import xent
    >>> float(xent.cross_entropy([0.5, 0.5], [0.25, 0.75], unit="bits"))
    1.207518749639422

Truth first, model second, always. A plain float array holds probabilities; anything else says so with a form:
`Probs`, `LogProbs`, `Logits`, `Labels`, `Counts`. The measures are here; reading files and `xent.plots` need their
extra (`pip install "xent[report]"`), the losses of `xent.torch` theirs. `xent.explorer` is the interactive page.
Everything is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from xent import _objects, _rendering
from xent._errors import BackendUnavailable as BackendUnavailable
from xent._errors import DistributionError as DistributionError
from xent._errors import NotConverged as NotConverged
from xent._errors import ShapeError as ShapeError
from xent._errors import UnsafeFile as UnsafeFile
from xent._forms import Counts as Counts
from xent._forms import Labels as Labels
from xent._forms import Logits as Logits
from xent._forms import LogProbs as LogProbs
from xent._forms import Probs as Probs
from xent._forms import Samples as Samples
from xent._forms import TopK as TopK
from xent._objects import Details as Details

if TYPE_CHECKING:
    from xent import distributions as distributions
    from xent import estimators as estimators
    from xent import examples as examples
    from xent import explorer as explorer
    from xent import plots as plots
    from xent import testing as testing
    from xent import torch as torch
    from xent._about import about as about
    from xent.evaluation import Evaluator as Evaluator
    from xent.evaluation import compare as compare
    from xent.evaluation import evaluate as evaluate
    from xent.io import read_predictions as read_predictions
    from xent.measures import alpha_divergence as alpha_divergence
    from xent.measures import binary_cross_entropy as binary_cross_entropy
    from xent.measures import binary_entropy as binary_entropy
    from xent.measures import binary_kl_divergence as binary_kl_divergence
    from xent.measures import chi_square_divergence as chi_square_divergence
    from xent.measures import conditional_entropy as conditional_entropy
    from xent.measures import cross_entropy as cross_entropy
    from xent.measures import entropy as entropy
    from xent.measures import f_divergence as f_divergence
    from xent.measures import hellinger_distance as hellinger_distance
    from xent.measures import joint_entropy as joint_entropy
    from xent.measures import js_distance as js_distance
    from xent.measures import js_divergence as js_divergence
    from xent.measures import kl_divergence as kl_divergence
    from xent.measures import mutual_information as mutual_information
    from xent.measures import normalize as normalize
    from xent.measures import perplexity as perplexity
    from xent.measures import renyi_divergence as renyi_divergence
    from xent.measures import renyi_entropy as renyi_entropy
    from xent.measures import surprisal as surprisal
    from xent.measures import total_variation as total_variation
    from xent.measures import tsallis_divergence as tsallis_divergence
    from xent.measures import tsallis_entropy as tsallis_entropy

__version__ = "0.1.0"

# Results ask for their reports; the room that writes them is imported when the first one is asked for.
_rendering.load_with(lambda: importlib.import_module("xent.report"))
# Measures of what is no array: the room of distributions answers.
_objects.load_with(lambda: importlib.import_module("xent.distributions"))

# Imported when first used, so that `xent --help` and shell completion need not wait for NumPy:
# name -> (module, attribute or None for the module itself).
_MEASURES = (
    "alpha_divergence",
    "binary_cross_entropy",
    "binary_entropy",
    "binary_kl_divergence",
    "chi_square_divergence",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "f_divergence",
    "hellinger_distance",
    "joint_entropy",
    "js_distance",
    "js_divergence",
    "kl_divergence",
    "mutual_information",
    "normalize",
    "perplexity",
    "renyi_divergence",
    "renyi_entropy",
    "surprisal",
    "total_variation",
    "tsallis_divergence",
    "tsallis_entropy",
)
_LAZY: dict[str, tuple[str, str | None]] = {
    **{name: ("xent.measures", name) for name in _MEASURES},
    "about": ("xent._about", "about"),
    "Evaluator": ("xent.evaluation", "Evaluator"),
    "compare": ("xent.evaluation", "compare"),
    "evaluate": ("xent.evaluation", "evaluate"),
    "read_predictions": ("xent.io", "read_predictions"),
    "distributions": ("xent.distributions", None),
    "estimators": ("xent.estimators", None),
    "examples": ("xent.examples", None),
    "explorer": ("xent.explorer", None),
    "measures": ("xent.measures", None),
    "plots": ("xent.plots", None),
    "testing": ("xent.testing", None),
    "torch": ("xent.torch", None),
}


__all__ = [
    "BackendUnavailable",
    "Counts",
    "Details",
    "DistributionError",
    "Evaluator",
    "Labels",
    "LogProbs",
    "Logits",
    "NotConverged",
    "Probs",
    "Samples",
    "ShapeError",
    "TopK",
    "UnsafeFile",
    "about",
    "compare",
    "evaluate",
    "read_predictions",
    *_MEASURES,
]  # pyright: ignore[reportUnsupportedDunderAll]  # the measures are listed once, above


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'xent' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    room = importlib.import_module(module)
    value = room if attribute is None else getattr(room, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY} - {"importlib", "TYPE_CHECKING", "Any"})
