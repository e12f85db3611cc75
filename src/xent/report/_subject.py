"""What a report is about: an evaluation, and what is known of the file it is of."""

from __future__ import annotations

from dataclasses import dataclass

from xent.evaluation import Evaluation
from xent.io import Facts


@dataclass(frozen=True, slots=True)
class Subject:
    """All that a report shows, none of which is computed again.

    `facts` and `seed` are None where nobody said them: an evaluation of arrays has no file. `loss_only` leaves out all
    that goes beyond the loss, the label entropy, the skill and the audit.
    """

    evaluation: Evaluation
    facts: Facts | None = None
    seed: int | None = None
    weighted: bool = False
    loss_only: bool = False
