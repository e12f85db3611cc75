"""Evaluating predictions: how good they are, why they are not better, and what would mend them."""

from xent.evaluation._evaluate import evaluate as evaluate
from xent.evaluation.results import Audit as Audit
from xent.evaluation.results import ClassRow as ClassRow
from xent.evaluation.results import Clipped as Clipped
from xent.evaluation.results import Estimate as Estimate
from xent.evaluation.results import Evaluation as Evaluation
from xent.evaluation.results import Recalibration as Recalibration
from xent.evaluation.results import WorstRow as WorstRow
from xent.evaluation.results import json_ready as json_ready
