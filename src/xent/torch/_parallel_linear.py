"""`linear_cross_entropy` and `linear_token_statistics` where every process holds some rows of the weights.

The rows of the input are walked a chunk at a time, by torch operations on the CPU and by the Triton kernels on a GPU,
and the states of all of them merged once: the processes need not agree on chunks. A single chunk keeps its logits for
the backward pass (three products); several make them again (four). The gradient by the input, which every process has,
is summed over the processes, in float32 at least, and rounded once.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch

from xent.torch import _linear_reference, _operands, _parallel, _parallel_rows, _reference, _state, _triton
from xent.torch._chunks import Plan
from xent.torch._linear_autograd import Three, finished, saved
from xent.torch._linear_loop import NOTHING, At, Each, Gradients, Wanted, kept, planned, walk, zeros
from xent.torch._linear_operands import LinearOperands, linear_operands
from xent.torch._options import Options
from xent.torch._parallel import MANY, asked_for, chosen, class_weight
from xent.torch._parallel_autograd import Four, alive, numbers, once, value
from xent.torch._parallel_group import Given, Shard, Split, asked, is_dtensor, local, sharded, told, unmixed
from xent.torch._parallel_merge import Replicated, merged, summed
from xent.torch._parallel_rows import Aim, Partial, State
from xent.torch._select import Choice

Maybe = torch.Tensor | None


class Call(NamedTuple):
    """A call over several processes: `operands` are of this one, but the class weights may be of all classes."""

    operands: LinearOperands
    options: Options
    denominator: float | torch.Tensor | None
    choice: Choice
    split: Split
    whole: bool  # by torch operations on all the logits, not by the chunk
    budget: int


def here(process_group: Any, input: Any, linear_weight: Any, *others: Any) -> tuple[Split | None, list[Any]]:
    """The group if there is one, and what this process holds: input, weights, target, bias, weight, token_weight."""
    main = Given("linear_weight", linear_weight, 0)
    if not asked(process_group, main):
        names = ("target", "linear_bias", "weight", "token_weight")
        unmixed(linear_weight=linear_weight, input=input, **dict(zip(names, others, strict=False)))
        return None, [input, linear_weight, *others]
    if process_group is None and not _same_rows(input, linear_weight):
        raise ValueError(
            "`linear_weight` is a DTensor sharded over its outcomes, which does not say whether the processes hold the "
            "same rows of `input`. If they do, and the vocabulary is split: `process_group=mesh.get_group()`. If each "
            "has rows of its own (FSDP): call this inside the `forward` of the module that `fully_shard` was given, "
            "or pass `linear_weight.full_tensor()`."
        )
    soft = isinstance(others[0], torch.Tensor) and others[0].is_floating_point()
    axes = {
        "input": None,
        "target": getattr(input, "ndim", 1) - 1 if soft else None,
        "linear_bias": 0,
        "weight": 0,
        "token_weight": None,
    }
    given = [Given(*g) for g in zip(axes, (input, *others), axes.values(), strict=True)]
    split, (weight, input, *rest) = local(process_group, main, given)
    return split, [input, weight, *rest]


def _same_rows(input: Any, linear_weight: Any) -> bool:
    """Whether a DTensor says that every process over which the weights are split holds all the input."""
    return (
        is_dtensor(input)
        and input.device_mesh == linear_weight.device_mesh
        and all(p.is_replicate() for p in input.placements)
    )


def prepared(
    split: Split,
    input: Any,
    linear_weight: Any,
    target: Any,
    linear_bias: Any,
    weight: Any,
    token_weight: Any,
    denominator: Any,
    options: Options,
    budget: int,
) -> Call:
    """The arguments of one process, checked as far as it can see."""
    p = linear_operands(input, linear_weight, target, linear_bias, None, token_weight, most=MANY)
    class_weight(weight, input)
    if denominator is not None:
        denominator = _operands.checked_denominator(denominator, options.reduction)
    p = p._replace(classes=weight)
    by_rows = torch.is_grad_enabled() and any(a is not None and a.requires_grad for a in p[3:6])
    choice = chosen(split, p.input, *p[3:7], *p[1:3], denominator)
    split = split._replace(kernels=choice.backend == "triton")
    torch_alone = by_rows or not p.input.is_cpu or _state.seen() or bool(_state.obstacle(*p[:7]))
    return Call(p, options, denominator, choice, split, torch_alone and not split.kernels, budget)


class Steps(Protocol):
    """Which rows are multiplied, and how many at a time: the same forward and back."""

    def walk(self, p: LinearOperands, each: Each, wanted: Wanted, held: Maybe = None) -> Gradients:
        """Call `each` with chunks of logits and multiply back what it leaves; `held` are those of an only chunk."""
        ...


class _Chunks(NamedTuple):
    """The steps of torch operations."""

    mask: Maybe
    plan: Plan

    def walk(self, p: LinearOperands, each: Each, wanted: Wanted, held: Maybe = None) -> Gradients:
        gradients = zeros(p, wanted, scaled=True)
        walk(p, self.mask, self.plan, each, gradients, held)
        return gradients


def _steps(p: LinearOperands, options: Options, budget: int, wanted: Wanted, *, kernels: bool) -> Steps:
    if kernels:
        return _triton.kernels("parallel").steps(p, options, budget, scaled=wanted.input)
    mask = kept(p, options.ignore_index)
    return _Chunks(mask, planned(p, mask, "parallel", budget, scaled=wanted.input))


def _settled(call: Call) -> tuple[LinearOperands, Shard, Steps | None]:
    """The operands as they are computed, which columns are here, and the chunks; all that may be refused is."""
    p = call.operands
    o, weights = p.rows(p.input), 0 if p.classes is None else len(p.classes)
    asked = f"{asked_for(o, call.options, call.denominator)} {p.weight.shape[1:]} {p.input.dtype} {_wanted(p).input}"
    steps = None
    if not call.whole:  # first: what reads the number of rows that count is not to wait for other processes
        with told(call.split.group if call.split.outcomes is None else None, p.weight):
            steps = _steps(p, call.options, call.budget, _wanted(p), kernels=call.split.kernels)
    shard = sharded(call.split, "linear_weight", p.weight, 0, weights, asked, o.target.shape[0])
    _parallel.check(o, call.options, call.denominator, shard)
    return p._replace(classes=_parallel.local_weight(p.classes, shard)), shard, steps


def _wanted(p: LinearOperands) -> Wanted:
    """Which gradients a backward pass will make: under `no_grad` a Function is not told that there is none."""
    grad = torch.is_grad_enabled()
    return Wanted(*(grad and a is not None and a.requires_grad for a in p[:3]))


def _whole_logits(p: LinearOperands, options: Options, shard: Shard) -> torch.Tensor:
    wide = p.input.to(_reference.loss_dtype(p.input.dtype))  # so that its gradient is rounded after it is summed
    return _linear_reference.logits(p._replace(input=Replicated.apply(wide, shard)), options.ignore_index)


def loss(call: Call) -> torch.Tensor:
    """The loss of a call, () or (N P,)."""
    options, denominator = call.options, call.denominator
    p, shard, steps = _settled(call)
    if steps is None:
        return _parallel.of_logits(p.rows(_whole_logits(p, options, shard)), options, denominator, shard)
    o = p.rows(p.input)
    rows = _parallel.counted(o, options, shard)
    beside = _parallel.beside(o, rows, options, shard, mean=options.reduction == "mean" and denominator is None)
    read = _read(p, rows, options, shard)
    each, sums = _Loss.apply(*p[:3], beside, read, options, shard, steps, _wanted(p))
    _parallel.distributions(sums, o, shard)
    return _parallel.reduced(each, sums, o, rows, options, denominator).to(_reference.loss_dtype(p.input.dtype))


def statistics(call: Call) -> Four:
    """The statistics of a call, (N P,) each."""
    p, shard, steps = _settled(call)
    if steps is None:
        return _parallel.statistics_of_logits(p.rows(_whole_logits(p, call.options, shard)), call.options, shard)
    rows = _parallel.counted(p.rows(p.input), call.options, shard)
    read = _read(p, rows, call.options, shard)
    found = _Statistics.apply(*p[:3], read, call.options, shard, steps, _wanted(p))
    return _parallel.finished(found, rows, _reference.loss_dtype(p.input.dtype))


def _aim(p: LinearOperands, at: At, position: int) -> Aim:
    return Aim(p.target[at, position], None if p.probs is None else p.probs[at, position], p.classes, p.spread)


def _read(p: LinearOperands, rows: _parallel.Counted, options: Options, shard: Shard) -> LinearOperands:
    """For the kernels, labels that are no class are to be ignored too: their rows are NaN and have no gradient."""
    if not shard.kernels or rows.rows is None:
        return p
    target = p.target.to(torch.int64)
    return p._replace(target=target.where(rows.rows.view(target.shape), options.ignore_index))


def _partials(
    p: LinearOperands, options: Options, shard: Shard, steps: Steps, wanted: Wanted, *, entropy: bool
) -> tuple[Partial, Maybe]:
    """The partial states of all rows (N P,); the logits too, if one chunk holds them all and a gradient is wanted."""
    new, shape = p.input.new_ones, p.target.shape[:2]
    argmax = new(shape, dtype=torch.int64) if entropy else None
    found = Partial(*(new(shape, dtype=torch.float64) for _ in range(6)), argmax=argmax)
    made: list[torch.Tensor] = []

    def each(at: At, position: int, z: torch.Tensor) -> None:
        part = _parallel_rows.partial(z, _aim(p, at, position), None, options, shard, entropy=entropy)
        for to, column in zip(found, part, strict=True):
            if to is not None and column is not None:
                to[at, position] = column.to(to.dtype)
        made.append(z)

    steps.walk(p, each, NOTHING)
    held = made[0] if len(made) == 1 and p.weight.shape[1] == 1 and any(wanted) and not _state.hooked() else None
    columns, top = (column.flatten() for column in found[:6]), None if argmax is None else argmax.flatten()
    return Partial(*columns, argmax=top), held


def _gradients(
    p: LinearOperands, shard: Shard, steps: Steps, wanted: Wanted, held: Maybe, write: Each, *, idle: bool
) -> Three:
    """The gradients of input, weights and bias, from what `write` leaves in the place of logits."""
    gradients = steps.walk(p, write, wanted, held) if any(wanted) and not idle else zeros(p, wanted, scaled=True)
    if gradients.input is not None:
        summed(gradients.input, shard)
    return finished(gradients, p)


def _of_rows(columns: list[torch.Tensor], p: LinearOperands) -> State:
    m, s, a, t, q = (column.view(p.target.shape[:2]) for column in columns)
    return State(m, s, a, t, q)


class _Loss(torch.autograd.Function):
    """The loss of each row (N P,) of one p, whose first three tensors are passed too, and the sums of `beside`."""

    @staticmethod
    def forward(
        ctx: Any,
        input: torch.Tensor,
        weight: torch.Tensor,
        bias: Maybe,
        beside: torch.Tensor,
        p: LinearOperands,
        options: Options,
        shard: Shard,
        steps: Steps,
        wanted: Wanted,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        partial, ctx.held = _partials(p, options, shard, steps, wanted, entropy=False)
        state, sums = merged(partial, beside, shard)
        ctx.save_for_backward(*saved(p), *state[:5])
        ctx.settings = p[7:], options, shard, steps, wanted
        return value(state, options), sums

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[Maybe, ...]:
        once()
        held, ctx.held = ctx.held, None
        rest, options, shard, steps, wanted = ctx.settings
        tensors = ctx.saved_tensors
        p = LinearOperands(*tensors[:7], *rest)
        state, g = _of_rows(tensors[7:], p), upstream[0].reshape(p.target.shape[:2])
        counted = alive(None, g) if shard.kernels else None

        def write(at: At, position: int, z: torch.Tensor) -> None:
            place, aim = (at, position), _aim(p, at, position)
            some = None if counted is None else counted[place]
            _parallel_rows.gradient(z, aim, some, options, shard, state.at(place), g[place], out=z)

        found = _gradients(p, shard, steps, wanted, held, write, idle=not shard.kernels and not g.any())
        return *found, None, None, None, None, None, None


class _Statistics(torch.autograd.Function):
    """The four statistics of each row (N P,) of one p, whose first three tensors are passed too."""

    @staticmethod
    def forward(
        ctx: Any,
        input: torch.Tensor,
        weight: torch.Tensor,
        bias: Maybe,
        p: LinearOperands,
        options: Options,
        shard: Shard,
        steps: Steps,
        wanted: Wanted,
    ) -> Four:
        partial, ctx.held = _partials(p, options, shard, steps, wanted, entropy=True)
        state, _ = merged(partial, partial.m.new_empty((len(partial.m), 0)), shard)
        found = numbers(state)
        ctx.save_for_backward(*saved(p), *state[:5])
        ctx.settings = p[7:], options, shard, steps, wanted
        ctx.mark_non_differentiable(found[3])
        ctx.set_materialize_grads(False)
        return found

    @staticmethod
    def backward(ctx: Any, *upstream: Maybe) -> tuple[Maybe, ...]:
        once()
        held, ctx.held = ctx.held, None
        rest, options, shard, steps, wanted = ctx.settings
        tensors = ctx.saved_tensors
        p = LinearOperands(*tensors[:7], *rest)
        state = _of_rows(tensors[7:], p)
        g = [None if u is None else u.reshape(p.target.shape[:2]) for u in upstream[:3]]

        def write(at: At, position: int, z: torch.Tensor) -> None:
            place, aim = (at, position), _aim(p, at, position)
            up = [None if u is None else u[place] for u in g]
            _parallel_rows.statistics_gradient(
                z, aim, None, options, shard, state.at(place), (up[0], up[1], up[2]), out=z
            )

        idle = not shard.kernels and all(u is None for u in g)
        return *_gradients(p, shard, steps, wanted, held, write, idle=idle), None, None, None, None, None
