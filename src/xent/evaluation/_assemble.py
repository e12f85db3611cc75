"""From a tally and a calibration, both in nats, to an `Evaluation` in its unit."""

from __future__ import annotations

import math
from dataclasses import replace

from xent.evaluation._calibration import Calibration
from xent.evaluation._estimates import in_unit, times
from xent.evaluation._exact import ratio
from xent.evaluation._losses import CLIPS
from xent.evaluation._spread import cross_entropy, finite_cross_entropy, skill, uncertainty
from xent.evaluation._tables import class_table
from xent.evaluation._tally import Tally
from xent.evaluation._weighing import up
from xent.evaluation.results import (
    Also,
    Audit,
    Classwise,
    Clipped,
    Evaluation,
    Isotonic,
    Recalibration,
    Reliability,
    TemperaturePoint,
)


def assemble(tally: Tally, calibration: Calibration, classes: tuple[str, ...], unit: str, scale: float) -> Evaluation:
    """Return the evaluation; `scale` turns nats into `unit`."""
    sums, mended = tally.sums, calibration.mended
    loss, entropy = cross_entropy(sums), uncertainty(sums)
    whole = sums.loss if sums.finite == sums.n else None
    clusters = None if sums.clusters is None else len(sums.clusters.sums)
    return Evaluation(
        n=sums.n,
        classes=classes,
        unit=unit,
        cross_entropy=in_unit(loss, scale),
        finite_cross_entropy=in_unit(finite_cross_entropy(sums), scale),
        clipped=_clipped(tally, scale),
        uncertainty=entropy * scale,
        skill=skill(sums, entropy),
        miscalibration=times(loss.value - mended.loss, scale),
        discrimination=times(entropy - mended.loss, scale),
        recalibration=Recalibration(
            mended.kind, mended.parameters, in_unit(mended.gain, scale), mended.p_value, mended.state
        ),
        isotonic=_isotonic(calibration.isotonic, loss.value, entropy, scale),
        classwise=_classwise(calibration.classwise, scale),
        per_class=class_table(tally, classes, calibration.slopes, scale),
        worst_rows=tuple(row.shown(classes, scale) for row in tally.worst),
        tail_share=calibration.tail_share,
        audit=_audit(tally),
        clusters=clusters,
        confusions=tally.confusions.costliest(classes, whole, scale),
        slices=tally.slices.shown(whole, scale),
        also=_also(tally, calibration.auc),
        reliability=tuple(_reliability(one, scale) for one in calibration.reliability),
        loss_histogram=tally.bins.histogram(scale),
        temperature_curve=tuple(
            TemperaturePoint(point.temperature, times(point.cross_entropy, scale))
            for point in calibration.temperature_curve
        ),
    )


def _clipped(tally: Tally, scale: float) -> tuple[Clipped, ...]:
    whole = up(tally.sums.weight)
    totals = (tally.sums.loss - clip.before + clip.after for clip in tally.clips)
    return tuple(Clipped(eps, ratio(total, whole) * scale) for eps, total in zip(CLIPS, totals, strict=True))


def _isotonic(one: Isotonic | None, loss: float, entropy: float, scale: float) -> Isotonic | None:
    if one is None:
        return None
    return Isotonic(
        miscalibration=times(one.miscalibration, scale),
        discrimination=times(entropy - (loss - one.miscalibration), scale),
        null_mean=times(one.null_mean, scale),
        null_high=times(one.null_high, scale),
        p_value=one.p_value,
    )


def _classwise(one: Classwise | None, scale: float) -> Classwise | None:
    return None if one is None else replace(one, gain=in_unit(one.gain, scale))


def _reliability(one: Reliability, scale: float) -> Reliability:
    return replace(one, miscalibration=times(one.miscalibration, scale), null_mean=times(one.null_mean, scale))


def _audit(tally: Tally) -> Audit:
    return Audit(
        rows=tally.given,
        dropped=tally.given - tally.sums.n,
        zero_probability_rows=tally.sums.n - tally.sums.finite,
        unnormalized_rows=tally.unnormalized,
        renormalized_rows=0,
    )


def _also(tally: Tally, auc: float) -> Also:
    whole = up(tally.sums.weight)
    return Also(
        accuracy=ratio(tally.sums.right, whole),
        brier=ratio(tally.brier, whole),
        auc=math.nan if math.isnan(auc) else auc,
        ece=tally.bins.ece(),
    )
