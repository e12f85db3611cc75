"""Mutual information of paired samples from nearest neighbours in the joint space: KSG 1 and 2, and Gao's for ties.

Distances are of the max norm, within x and y as between them. x and y are used as they are: a change of scale of one
of them changes the estimate a little, though not what is estimated.
"""

from __future__ import annotations

import numpy as np

from xent._errors import DistributionError
from xent.estimators import _neighbours
from xent.estimators._points import Points
from xent.estimators._special import digamma


def ksg1(x: Points, y: Points, k: int) -> float:
    """psi(k) + psi(n) - mean(psi(n_x + 1) + psi(n_y + 1)), n_x and n_y counted nearer than the kth neighbour."""
    x, y, radius = _joint(x, y, k)
    near_x = _neighbours.count_within(x, radius, closed=False)
    near_y = _neighbours.count_within(y, radius, closed=False)
    return float(digamma(k) + digamma(len(x)) - (digamma(near_x + 1) + digamma(near_y + 1)).mean())


def ksg2(x: Points, y: Points, k: int) -> float:
    """psi(k) - 1/k + psi(n) - mean(psi(n_x) + psi(n_y)), counted up to the widest of the k neighbours each way."""
    joint, others = _neighbours.nearest_others(np.hstack([x, y]), k)
    parts = joint[:, : x.shape[1]], joint[:, x.shape[1] :]
    near = [_neighbours.count_within(part, _reach(part, others), closed=True) for part in parts]
    return float(digamma(k) - 1 / k + digamma(len(x)) - sum(digamma(n).mean() for n in near))


def gao(x: Points, y: Points, k: int) -> float:
    """psi(n) + mean(psi(k_i) - psi(n_x + 1) - psi(n_y + 1)): KSG 1 where the kth neighbour is at a distance.

    Where it is a tie, k_i, n_x + 1 and n_y + 1 count how often the pair, its x and its y occur. This is the form of the
    authors' program (up to log n - psi(n), about 1/2n, so that a constant tells exactly nothing). That of the paper has
    log in place of the last two psi, and counts what is as far as the kth neighbour too: of 1000 normal pairs it is
    0.04 to 0.06 too small, where x repeats and y does not 0.2 to 0.3 (here off by 0.005 to 0.06), and of independent
    outcomes, 6 x 6, by 0.005 (here 0.0002): where all is tied psi makes Miller and Madow's correction.
    """
    x, y, radius = _joint(x, y, k)
    near_x = _neighbours.count_within(x, radius, closed=False)
    near_y = _neighbours.count_within(y, radius, closed=False)
    own = np.full(len(x), k)
    tied = np.nonzero(radius == 0)[0]
    if len(tied):
        own[tied] = _copies(np.hstack([x[tied], y[tied]]))
    return float(digamma(len(x)) + (digamma(own) - digamma(near_x + 1) - digamma(near_y + 1)).mean())


def refuse_atoms(name: str, x: Points, k: int) -> None:
    """Refuse a value that more than k samples share: their neighbours are at distance 0, for which KSG has no term."""
    ordered = np.sort(x[:, 0])
    if not (ordered[k:] == ordered[:-k]).any():
        return
    rows, counts = np.unique(x, axis=0, return_counts=True)
    most = int(counts.argmax())
    if counts[most] <= k:
        return
    value = ", ".join(f"{v:g}" for v in rows[most])
    raise DistributionError(
        f"`{name}` is {value if x.shape[1] == 1 else f'({value})'} in {counts[most]} of {len(x)} samples: with k={k} "
        'such ties have no room in KSG, and nothing is jittered in silence. Pass method="gao", which takes ties.'
    )


def _joint(x: Points, y: Points, k: int) -> tuple[Points, Points, Points]:
    """x and y in an order that suits the search, and the distance of each pair to its kth nearest other."""
    joint, radius = _neighbours.nearest(np.hstack([x, y]), k)
    return joint[:, : x.shape[1]], joint[:, x.shape[1] :], radius


def _reach(part: Points, others: Points) -> Points:
    """How far the neighbours of each point lie from it in these columns."""
    reach = np.zeros(len(part))
    for column in part.T:
        np.maximum(reach, np.abs(column[others] - column[:, None]).max(axis=1), out=reach)
    return reach


def _copies(rows: Points) -> Points:
    """How often each row occurs, all of whose copies are among the rows."""
    _, group, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return counts[group.reshape(-1)]
