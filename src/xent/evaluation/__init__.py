"""Evaluating predictions: how good they are, why they are not better, and what would mend them."""

from xent.evaluation._compare import compare as compare
from xent.evaluation._evaluate import evaluate as evaluate
from xent.evaluation._evaluator import Evaluator as Evaluator
from xent.evaluation._loss_only import LossOnly as LossOnly
from xent.evaluation._threads import threads as threads
from xent.evaluation.results import Also as Also
from xent.evaluation.results import Audit as Audit
from xent.evaluation.results import Averaging as Averaging
from xent.evaluation.results import ClassDifference as ClassDifference
from xent.evaluation.results import ClassRow as ClassRow
from xent.evaluation.results import Classwise as Classwise
from xent.evaluation.results import Clipped as Clipped
from xent.evaluation.results import Comparison as Comparison
from xent.evaluation.results import Confusion as Confusion
from xent.evaluation.results import Estimate as Estimate
from xent.evaluation.results import Evaluation as Evaluation
from xent.evaluation.results import Isotonic as Isotonic
from xent.evaluation.results import JoinAudit as JoinAudit
from xent.evaluation.results import LossBin as LossBin
from xent.evaluation.results import Mover as Mover
from xent.evaluation.results import Recalibration as Recalibration
from xent.evaluation.results import Reliability as Reliability
from xent.evaluation.results import Slice as Slice
from xent.evaluation.results import TemperaturePoint as TemperaturePoint
from xent.evaluation.results import WorstRow as WorstRow
from xent.evaluation.results import json_ready as json_ready
