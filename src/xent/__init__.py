"""Cross-entropy: understand it, measure with it, train with it."""

from xent._errors import BackendUnavailable as BackendUnavailable
from xent._errors import DistributionError as DistributionError
from xent._errors import ShapeError as ShapeError
from xent._errors import UnsafeFile as UnsafeFile
from xent.evaluation import evaluate as evaluate
from xent._forms import Counts as Counts
from xent.evaluation import evaluate as evaluate
from xent._forms import Labels as Labels
from xent.evaluation import evaluate as evaluate
from xent._forms import LogProbs as LogProbs
from xent.evaluation import evaluate as evaluate
from xent._forms import Logits as Logits
from xent.evaluation import evaluate as evaluate
from xent._forms import Probs as Probs
from xent.evaluation import evaluate as evaluate
from xent._forms import TopK as TopK

__version__ = "0.1.0"
