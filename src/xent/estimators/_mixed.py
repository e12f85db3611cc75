"""Mutual information of labels and continuous samples: Ross's estimator."""

from __future__ import annotations

import numpy as np

from xent._errors import DistributionError
from xent.estimators import _neighbours
from xent.estimators._points import Points, refuse_ties
from xent.estimators._special import digamma

_TIED = (
    'Take a larger `k`, or method="gao", which takes ties, with the labels as numbers: '
    "`xent.Samples(labels.astype(float))`."
)


def ross(labels: Points, x: Points, k: int) -> float:
    """psi(n) - mean psi(n_label) + mean psi(k_label) - mean psi(m), in nats.

    m is 1 (for the kth nearest neighbour of the same label) and one for each sample of any label that is nearer; a
    label with k samples or fewer has k_label = n_label - 1.
    """
    order = np.argsort(labels, kind="stable")
    ordered, counts = x[order], np.unique(labels, return_counts=True)[1]
    parts = [
        _neighbours.nearest(part, min(k, len(part) - 1)) for part in np.split(ordered, np.cumsum(counts)[:-1].tolist())
    ]
    centres = np.concatenate([points for points, _ in parts])
    radius = np.concatenate([radii for _, radii in parts])
    tied = int((radius == 0).sum())
    if tied:
        refuse_ties("samples", tied, len(x), k, f"Neighbours are those of the same label. {_TIED}")
    near = _neighbours.count_near(x, centres, radius, closed=False)  # itself among them: 1
    share = counts / len(x)
    own = float(share @ (digamma(np.minimum(k, counts - 1)) - digamma(counts)))
    return float(digamma(len(x))) + own - float(digamma(near).mean())


def refuse_single(name: str, labels: Points) -> None:
    """Refuse a label that only one sample has."""
    found, counts = np.unique(labels, return_counts=True)
    single = np.nonzero(counts == 1)[0]
    if len(single):
        several = f"`{name}` has {len(single)} labels of one sample each; the first is"
        raise DistributionError(
            f"{several if len(single) > 1 else f'`{name}` has one sample of label'} {int(found[single[0]])}: it has no "
            "neighbour of its own label. Leave such samples out, or merge labels."
        )
