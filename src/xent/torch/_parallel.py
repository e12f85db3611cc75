"""`cross_entropy` and `token_statistics` of logits whose columns lie in several processes.

Every process holds some of the columns and has the loss of the whole vocabulary; see `_parallel_rows` for how.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from xent import _check
from xent._errors import BackendUnavailable, DistributionError, ShapeError
from xent.torch import _operands, _parallel_rows, _reference, _select, _state
from xent.torch._operands import Operands, positive_denominator
from xent.torch._options import Options
from xent.torch._parallel_autograd import Four, LossFunction, StatisticsFunction
from xent.torch._parallel_group import Given, Shard, Split, asked, local, sharded, unmixed
from xent.torch._parallel_merge import Replicated
from xent.torch._parallel_rows import Aim, Maybe
from xent.torch._rows import DIGITS
from xent.torch._select import Choice, Facts

MANY = 1 << 62  # classes, as long as the other processes have not said how many they hold


class Call(NamedTuple):
    """A call over several processes: `operands` are of this one, but a `weight` may be of all classes."""

    operands: Operands
    options: Options
    denominator: float | torch.Tensor | None
    choice: Choice
    split: Split


def here(process_group: Any, input: Any, *others: Any) -> tuple[Split | None, list[Any]]:
    """The group if there is one, and what this process holds of input, target, weight and token_weight."""
    axis = 0 if getattr(input, "ndim", 2) == 1 else 1
    main = Given("input", input, axis)
    if not asked(process_group, main):
        unmixed(input=input, **dict(zip(("target", "weight", "token_weight"), others, strict=False)))
        return None, [input, *others]
    soft = isinstance(others[0], torch.Tensor) and others[0].is_floating_point()
    axes = {"target": axis if soft else None, "weight": 0, "token_weight": None}
    return local(process_group, main, [Given(*given) for given in zip(axes, others, axes.values(), strict=True)])


def chosen(split: Split, input: torch.Tensor, *others: Any) -> Choice:
    """The Triton kernels or torch operations, and the gradient from the state of each row.

    `others` are target, probabilities and class weights, whose gradients torch operations make, and then what else
    there is.
    """
    over, what = f"the vocabulary is split over {split.ranks} processes", _state.obstacle()
    if what:
        raise BackendUnavailable(
            f"{over[0].upper()}{over[1:]}, but {what}, where they cannot tell each other anything."
        )
    tensors = [a for a in (input, *others) if isinstance(a, torch.Tensor)]
    grad = torch.is_grad_enabled()
    wanted = grad and any(a.requires_grad for a in tensors)
    names = zip(("target", "target", "weight"), others, strict=False)
    other = next(
        (f"`{name}` requires a gradient" for name, a in names if grad and a is not None and a.requires_grad), ""
    )
    _, kernels, gpu = _select.backends(input, others[1])
    compiled = "something looks at the operations, such as torch.compile" if _state.seen() else ""
    kernels = kernels or _state.obstacle(*tensors) or compiled
    choice = _select.chosen(Facts("", over, kernels, gpu, wanted, other, forced=_select.forced()))
    reason = over if choice.backend == "triton" else choice.reason
    return choice._replace(gradient="in backward" if wanted else "none", reason=reason)


def class_weight(weight: Any, input: torch.Tensor) -> None:
    """Refuse a `weight` that is no vector of finite numbers; of how many, the processes decide together."""
    if weight is None:
        return
    _operands.floating("weight", weight)
    if weight.dim() != 1:
        raise ShapeError(
            f"`weight` has shape {tuple(weight.shape)}; it holds one number a class, of the columns here or of all."
        )
    _operands.class_weight(weight, len(weight), "input", input)


def prepared(
    split: Split,
    input: Any,
    target: Any,
    weight: Any,
    token_weight: Any,
    denominator: Any,
    options: Options,
) -> Call:
    """The arguments of one process, checked as far as it can see."""
    o = _operands.operands(input, target, None, token_weight, most=MANY)
    class_weight(weight, input)
    if denominator is not None:
        denominator = _operands.checked_denominator(denominator, options.reduction)
    choice = chosen(split, o.logits, o.target, o.probs, weight, o.token_weight, denominator)
    split = split._replace(kernels=choice.backend == "triton")
    return Call(o._replace(weight=weight), options, denominator, choice, split)


def asked_for(o: Operands, options: Options, denominator: Any) -> str:
    """What every process has to ask for alike, labels too: one that is bad in a single process would stop only that."""
    given = (a is None for a in (o.probs, o.weight, denominator))
    labels = 0
    if not o.target.is_floating_point() and _state.readable(o.target):
        labels = zlib.crc32(o.target.detach().to(torch.int64).contiguous().numpy().tobytes())
    return f"{options} {o.target.is_floating_point()} {o.spread} {o.tail} {list(given)} {labels}"


def settled(call: Call) -> Shard:
    """Which columns are here; what any process can be blamed for is an error in all of them."""
    o, split = call.operands, call.split
    weights = 0 if o.weight is None else len(o.weight)
    asked = asked_for(o, call.options, call.denominator)
    return sharded(split, "input", o.logits, 1, weights, asked, o.logits.shape[0])


def check(o: Operands, options: Options, denominator: Any, shard: Shard) -> None:
    """Labels and top-k targets are of the whole vocabulary; the same error in every process, before any waits."""
    if shard.reads(o.target) and isinstance(shard.outcomes, int):
        if o.probs is not None:
            _operands.check_top_k(o.target, o.probs, shard.outcomes, o.shape, tail=o.tail)
        elif not o.soft:
            _operands.check_labels(o.target, shard.outcomes, options.ignore_index, o.shape)
    if isinstance(denominator, torch.Tensor) and shard.reads(denominator):
        positive_denominator(denominator.item())


def local_weight(weight: Maybe, shard: Shard) -> Maybe:
    """The class weights of the columns here: as given, or cut from those of all.

    Weights that are neither are NaN where the number of all outcomes cannot be looked at, and so is the loss.
    """
    if weight is None or len(weight) == shard.width:
        return weight
    whole = Replicated.apply(_parallel_rows.wide(weight), shard)
    if isinstance(shard.outcomes, torch.Tensor):
        place = (shard.start + torch.arange(shard.width, device=weight.device)).clamp(max=len(weight) - 1)
        return whole[place].where(shard.outcomes == len(weight), torch.nan)
    if len(weight) != shard.outcomes:
        raise ShapeError(
            f"`weight` has shape ({len(weight)},); it holds one number a class: of the columns here, shape "
            f"({shard.width},), or of all, shape ({shard.outcomes},)."
        )
    return whole[shard.start : shard.start + shard.width]


class Counted(NamedTuple):
    """Which rows are read."""

    kept: Maybe  # (N,) bool, not ignored; None where all are
    bad: Maybe  # (N,) bool, neither ignored nor a class
    rows: Maybe  # (N,) bool, kept and not bad


def counted(o: Operands, options: Options, shard: Shard) -> Counted:
    """Distributions count always, labels where they are classes."""
    if o.soft:
        return Counted(None, None, None)
    target = o.target.to(torch.int64)
    kept = target != options.ignore_index
    inside = (target >= 0) & (target < shard.outcomes)
    return Counted(kept, kept & ~inside, kept & inside)


def beside(o: Operands, rows: Counted, options: Options, shard: Shard, *, mean: bool) -> torch.Tensor:
    """What the processes add up beside the states (N, e): w_y for a mean, or what tells whether rows are distributions.

    `o.weight` is local.
    """
    if o.soft:
        if o.probs is not None or not shard.reads(o.target):
            return o.logits.new_empty((len(o.target), 0))
        found = o.target.detach()
        return torch.stack([found.sum(-1, dtype=torch.float64), (~(found.amin(-1) >= 0)).double()], 1)
    if o.weight is None or not mean or rows.rows is None:
        return o.logits.new_empty((len(o.target), 0))
    place = o.target.to(torch.int64) - shard.start
    here = rows.rows & (place >= 0) & (place < shard.width)
    own = o.weight.double()[place.masked_fill(~here, 0)].masked_fill(~here, 0.0)
    return own.unsqueeze(1)


def distributions(sums: torch.Tensor, o: Operands, shard: Shard) -> None:
    """Refuse probabilities that over all processes are no distribution; `sums` are those of `beside`."""
    if not o.soft or not sums.shape[1]:
        return
    tolerance = _check.sum_tolerance(DIGITS[o.target.dtype], int(shard.outcomes))
    off = ~((sums[:, 0] - 1).abs() <= tolerance) | (sums[:, 1] > 0)
    if not off.any():
        return
    row = int(off.to(torch.uint8).argmax())
    place = _check.position(row, o.shape)
    if sums[row, 1] > 0:
        raise DistributionError(
            f"`target` row {place} has a number below 0, or NaN, in a process; a probability has none."
        )
    raise DistributionError(f"`target` row {place} sums to {float(sums[row, 0]):.6g} over all processes, not 1.")


def reduced(
    each: torch.Tensor,
    sums: torch.Tensor,
    o: Operands,
    rows: Counted,
    options: Options,
    denominator: float | torch.Tensor | None,
) -> torch.Tensor:
    """The losses of the rows as the caller wants them; the same operations in every process."""
    if rows.kept is not None and rows.bad is not None:
        each = each.masked_fill(rows.bad, torch.nan).masked_fill(~rows.kept, 0.0)
    if o.weight is None or o.soft or options.reduction != "mean" or denominator is not None:
        return _reference.reduced(each, o.target, None, o.token_weight, options, soft=o.soft, denominator=denominator)
    plain = replace(options, reduction="none")
    each = _reference.reduced(each, o.target, None, o.token_weight, plain, soft=False)
    share = _reference.reduced(sums[:, 0], o.target, None, o.token_weight, plain, soft=False)
    return _reference.averaged(each.sum(), share)


def loss(call: Call) -> torch.Tensor:
    """The loss of a call, () or (N,)."""
    shard = settled(call)
    check(call.operands, call.options, call.denominator, shard)
    o = call.operands._replace(weight=local_weight(call.operands.weight, shard))
    return of_logits(o, call.options, call.denominator, shard)


def of_logits(o: Operands, options: Options, denominator: float | torch.Tensor | None, shard: Shard) -> torch.Tensor:
    """The loss of checked rows of local logits; `o.weight` is local too."""
    rows = counted(o, options, shard)
    aim, coefficients, by = Aim(o.target, o.probs, o.weight, o.spread), None, options
    if o.probs is not None and o.probs.requires_grad:
        aim = aim._replace(probs=Replicated.apply(_parallel_rows.wide(o.probs), shard))
    if torch.is_grad_enabled() and any(a is not None and a.requires_grad for a in aim[:3]):
        dtype = _parallel_rows.wide(o.logits[:0]).dtype
        coefficients = _parallel_rows.coefficients(aim, options, shard, dtype)
        aim, by = Aim(coefficients.detach()), replace(options, label_smoothing=0.0)
    mean = options.reduction == "mean" and denominator is None
    with_them = beside(o, rows, options, shard, mean=mean)
    each, sums = LossFunction.apply(o.logits, coefficients, with_them, aim, rows.rows, by, shard)
    distributions(sums, o, shard)
    return reduced(each, sums, o, rows, options, denominator).to(_reference.loss_dtype(o.logits.dtype))


def statistics(call: Call) -> Four:
    """The statistics of a call, (N,) each."""
    shard = settled(call)
    check(call.operands, call.options, None, shard)
    return statistics_of_logits(call.operands, call.options, shard)


def statistics_of_logits(o: Operands, options: Options, shard: Shard) -> Four:
    """The statistics of checked rows of local logits."""
    rows = counted(o, options, shard)
    found = StatisticsFunction.apply(o.logits, Aim(o.target), rows.rows, options, shard)
    return finished(found, rows, _reference.loss_dtype(o.logits.dtype))


def finished(found: Four, rows: Counted, dtype: torch.dtype) -> Four:
    """The statistics as the caller gets them: 0, 0, 0, -1 for ignored rows, NaN for those whose label is no class."""
    assert rows.kept is not None  # statistics are of labels
    assert rows.bad is not None
    log_prob, logsumexp, entropy = (
        s.masked_fill(rows.bad, torch.nan).masked_fill(~rows.kept, 0.0).to(dtype) for s in found[:3]
    )
    return log_prob, logsumexp, entropy, found[3].masked_fill(~rows.kept, -1)
