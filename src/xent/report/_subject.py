"""What a report is about: an evaluation, and what is known of the file it is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xent.evaluation import Evaluation
from xent.io import Facts

_LOSS_ONLY = (
    "n",
    "classes",
    "unit",
    "cross_entropy",
    "finite_cross_entropy",
    "clipped",
    "uncertainty",
    "skill",
    "audit",
    "clusters",
)


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

    def fields(self) -> dict[str, Any]:
        """The fields of the evaluation in Python's numbers; those of the loss alone where no more was asked for."""
        found = self.evaluation.to_dict()
        return {name: found[name] for name in _LOSS_ONLY} if self.loss_only else found
