"""The measures: pure functions of arrays. Each has one definition, whatever form or library its arguments have."""

from xent.measures._alpha_divergences import alpha_divergence as alpha_divergence
from xent.measures._alpha_divergences import renyi_divergence as renyi_divergence
from xent.measures._alpha_divergences import tsallis_divergence as tsallis_divergence
from xent.measures._alpha_entropies import renyi_entropy as renyi_entropy
from xent.measures._alpha_entropies import tsallis_entropy as tsallis_entropy
from xent.measures._binaries import binary_cross_entropy as binary_cross_entropy
from xent.measures._binaries import binary_entropy as binary_entropy
from xent.measures._binaries import binary_kl_divergence as binary_kl_divergence
from xent.measures._divergences import js_distance as js_distance
from xent.measures._divergences import js_divergence as js_divergence
from xent.measures._divergences import kl_divergence as kl_divergence
from xent.measures._f_divergence import chi_square_divergence as chi_square_divergence
from xent.measures._f_divergence import f_divergence as f_divergence
from xent.measures._f_divergence import hellinger_distance as hellinger_distance
from xent.measures._f_divergence import total_variation as total_variation
from xent.measures._information import cross_entropy as cross_entropy
from xent.measures._information import entropy as entropy
from xent.measures._information import perplexity as perplexity
from xent.measures._information import surprisal as surprisal
from xent.measures._rescaling import normalize as normalize
from xent.measures._tables import conditional_entropy as conditional_entropy
from xent.measures._tables import joint_entropy as joint_entropy
from xent.measures._tables import mutual_information as mutual_information
