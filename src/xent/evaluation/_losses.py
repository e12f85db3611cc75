"""The loss of each row, as it is and as others clip it."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._rows import Floats, Rows

CLIPS = (2.0**-52, 1e-15, 1e-7)
"""Where others clip: scikit-learn and NumPy code in float64, older scikit-learn, Keras and code in float32."""


def row_losses(rows: Rows) -> Floats:
    """-log q_y of each row in nats, or -sum_k y_k log q_k for soft labels, where 0 · inf is 0."""
    if rows.soft is None:
        return rows.forecasts.surprisal_of_label(rows.main_label())
    return _expected(rows.soft, rows.surprisal)


def clipped_losses(rows: Rows, losses: Floats, eps: float) -> Floats:
    """The loss of each row if every probability below `eps` were raised to it."""
    ceiling = -math.log(eps)
    if rows.soft is None:
        return np.minimum(losses, ceiling)
    return _expected(rows.soft, np.minimum(rows.surprisal, ceiling))


def _expected(soft: Floats, surprisal: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where(soft > 0.0, soft * surprisal, 0.0).sum(axis=1)
