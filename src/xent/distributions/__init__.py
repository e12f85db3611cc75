"""The measures of distributions: closed forms where there are any, else quadrature and summation, else Monte Carlo.

There is nothing to call here but `Product`: `xent.entropy`, `xent.cross_entropy`, `xent.kl_divergence` and the others
take distributions of SciPy and of torch, and whatever has `logpdf`, `logpmf` or `log_prob`.
"""

from xent import _objects
from xent.distributions._answer import implementation
from xent.distributions._product import Product as Product

MEASURES = (
    "entropy",
    "cross_entropy",
    "kl_divergence",
    "js_divergence",
    "js_distance",
    "perplexity",
    "renyi_entropy",
    "tsallis_entropy",
    "renyi_divergence",
    "tsallis_divergence",
    "alpha_divergence",
    "hellinger_distance",
    "total_variation",
    "chi_square_divergence",
    "f_divergence",
)

for _measure in MEASURES:
    _objects.register(_measure, implementation(_measure))

__all__ = ["Product"]
