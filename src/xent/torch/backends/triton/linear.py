"""Loss and statistics of the last layer on a GPU, forward and back, a chunk of rows at a time. No autograd here.

    z = x Wᵀ + b        dz from z, in the memory of z        dx = dz W        dW += dzᵀ x        db += sum of dz

Operations of N rows of D features and V outcomes: 2 N V D a product, three of them where the gradients are made beside
the loss, and four where the logits are made again. Bytes: N V logits of `s` bytes are written and read by the products
(2 N V s), read and written in place by the kernel (2 N V s) and read by the two products back (2 N V s); a bias reads
them once more. One chunk writes dW as it is, V D s bytes. Several chunks write, read and add to a float32 sum, 8 V D
bytes for each chunk after the first, and round it once: 4 + s for each number of dW. That is what small chunks cost.

Nothing waits for the GPU but the gathering of the rows that count, whose number is the shape of a product: it is read
once, forward (`counted`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from xent.torch._chunks import equal
from xent.torch._linear_loop import At, Gradients, Wanted
from xent.torch._linear_operands import LinearOperands
from xent.torch._operands import Operands
from xent.torch._options import Options
from xent.torch.backends.triton import loss as logits_loss
from xent.torch.backends.triton import products, rows

DEFAULT = 5 << 28  # bytes: 4096 rows of 128,256 outcomes in bfloat16 are one chunk
_EACH = 96  # bytes for every row of logits: mask and order, what divides, losses and states

Each = Callable[[At, int, torch.Tensor], None]


class Counted(NamedTuple):
    """Which rows of logits are multiplied."""

    counts: list[int]  # of each position
    order: torch.Tensor | None  # (N, P): rows, those that count first; None where all are multiplied
    mask: torch.Tensor | None  # (N, P): which count, where the input of the others is replaced by 0

    def chunks(self, position: int, size: int) -> Iterator[At]:
        """The rows of a position, so many at a time."""
        count = self.counts[position]
        for start in range(0, count, size):
            at = slice(start, min(start + size, count))
            yield at if self.order is None else self.order[at, position]


def may_wait(a: torch.Tensor) -> bool:
    """Whether the host may wait for a number of `a`: not while a CUDA graph is captured, nor if torch would object."""
    return not a.is_cuda or not (torch.cuda.is_current_stream_capturing() or torch.cuda.get_sync_debug_mode())


def counted(p: LinearOperands, ignore_index: int) -> Counted:
    """The rows that count. How many there are is read from the device: the one time that anything waits for it.

    Where nothing may wait all rows are multiplied, and the input of those that do not count is taken for 0.
    """
    n, positions = p.target.shape[:2]
    everything = Counted([n] * positions, None, None)
    if p.soft or n == 0:
        return everything
    mask = p.target.to(torch.int64) != ignore_index
    if not may_wait(mask):
        return everything._replace(mask=mask)
    counts = mask.sum(0).tolist()
    if min(counts) == n:
        return everything
    return Counted(counts, mask.to(torch.uint8).sort(dim=0, descending=True, stable=True).indices, None)


def divisor(p: LinearOperands, options: Options, denominator: float | torch.Tensor | None) -> torch.Tensor | None:
    """What a mean is divided by, on the device; None for other reductions."""
    n, positions, outcomes = *p.target.shape[:2], p.weight.shape[0]
    tokens = None if p.tokens is None else p.tokens.flatten()
    like = p.weight.new_empty(()).expand(n * positions, outcomes)
    target = p.target if p.soft else p.target.flatten()  # of distributions none is looked at
    return logits_loss.divisor(
        Operands(like, target, p.probs, p.classes, tokens, p.spread, p.tail, ()), options, denominator
    )


def planned(p: LinearOperands, taken: Counted, budget: int, *, scaled: bool = False) -> int:
    """Rows a chunk, from what is held at a time; the gradient of the input is a wide one where it is `scaled` later."""
    n, positions = p.target.shape[:2]
    features, outcomes, size = p.input.shape[-1], p.weight.shape[0], p.input.element_size()
    wide = 4 * n * features if size == 2 and (scaled or positions > 1) else 0
    passed = products.passed(p.input.device, p.input.dtype, features, outcomes)
    whole = n * positions * _EACH + wide + 16 * outcomes + passed[0]
    x = size * features * (2 if p.input.dim() > 2 else 1)  # picked from a view they lie as it does: copied once more
    dx = features * (4 if wide else size) * ((positions > 1) + (taken.order is not None))
    target = p.target[0, 0].numel() * p.target.element_size() if p.soft and n else 0
    probs = 0 if p.probs is None or not n else p.probs[0, 0].numel() * p.probs.element_size()
    row = size * outcomes + x + dx + target + probs + 128 + passed[1]
    return equal(max(taken.counts), whole, row, budget or whole + max(DEFAULT, row))


def _pick(a: torch.Tensor | None, at: At, position: int) -> torch.Tensor | None:
    return None if a is None else a[at, position]


def _rows(p: LinearOperands, at: At, position: int, z: torch.Tensor) -> Operands:
    target, probs, tokens = p.target[at, position], _pick(p.probs, at, position), _pick(p.tokens, at, position)
    return Operands(z, target, probs, p.classes, tokens, p.spread, p.tail, ())


class Walk:
    """The memory of one call, and what is done with one chunk.

    `held` are the logits of an only chunk and position, as a walk before made them; they are overwritten.
    """

    def __init__(
        self,
        p: LinearOperands,
        taken: Counted,
        size: int,
        wanted: Wanted,
        *,
        scaled: bool,
        held: torch.Tensor | None = None,
    ) -> None:
        """Memory for `size` rows of logits; gradients that are `scaled` later stay wide until then."""
        self.p, self.taken, self.size, self.held = p, taken, size, held
        new = p.input.new_empty
        self.memory = new(min(size, max(taken.counts)) * p.weight.shape[0]) if held is None else held.view(-1)
        self.gradients = self._zeros(wanted, scaled)

    def _zeros(self, wanted: Wanted, scaled: bool) -> Gradients:
        """Gradients to write to. Sums of several are float32, and so is what is scaled later: rounded once.

        One chunk makes the gradient of the weights in their own dtype by one product.
        """
        p, counts = self.p, self.taken.counts
        dtype, sums = p.input.dtype, torch.float32
        n, positions = p.target.shape[:2]
        scattered = self.taken.order is not None or positions > 1
        weight = bias = input = None
        if wanted.input:
            make = torch.zeros if scattered else torch.empty
            wide = sums if scaled or positions > 1 else dtype
            input = make((n, p.input.shape[-1]), dtype=wide, device=p.input.device)
        if wanted.weight:
            make = torch.zeros if min(counts) == 0 else torch.empty
            weight = make(p.weight.shape, dtype=dtype if max(counts) <= self.size else sums, device=p.input.device)
        if wanted.bias and p.bias is not None:
            bias = torch.zeros(p.bias.shape, dtype=sums, device=p.input.device)
        return Gradients(input, weight, bias)

    def position(self, position: int, each: Each) -> None:
        """All rows of a position that count: one layer by itself."""
        weight, outcomes = self.p.weight[:, position], self.p.weight.shape[0]
        bias = None if self.p.bias is None else self.p.bias[:, position]
        sums = self.gradients
        for i, at in enumerate(self.taken.chunks(position, self.size)):
            x = self.p.taken(at)
            if self.taken.mask is not None:
                x = x.masked_fill(~self.taken.mask[at, position].unsqueeze(1), 0.0)
            z = self.memory[: len(x) * outcomes].view(len(x), outcomes)
            if self.held is None:
                products.logits(x, weight, bias, z)
            each(at, position, z)
            if sums.input is not None:
                self._input(sums.input, at, z, weight)
            if sums.weight is not None:
                products.weight_gradient(z, x, sums.weight[:, position], first=i == 0)
            if sums.bias is not None:
                sums.bias[:, position].add_(z.sum(0, dtype=sums.bias.dtype))

    def _input(self, total: torch.Tensor, at: At, dz: torch.Tensor, weight: torch.Tensor) -> None:
        if isinstance(at, slice) and self.p.weight.shape[1] == 1:
            products.input_gradient(dz, weight, total[at])
            return
        part = total.new_empty((len(dz), total.shape[1]))
        products.input_gradient(dz, weight, part)
        if isinstance(at, slice):
            total[at].add_(part)
            return
        if self.p.weight.shape[1] > 1:
            part.add_(total[at])
        total.index_copy_(0, at, part)  # no sum by atomics


def walk(
    p: LinearOperands, taken: Counted, budget: int, each: Each, wanted: Wanted, *, scaled: bool = False
) -> Gradients:
    """Call `each` with rows, position and their logits; what it leaves there is multiplied back into gradients."""
    steps = Walk(p, taken, planned(p, taken, budget, scaled=scaled and wanted.input), wanted, scaled=scaled)
    for position in range(p.weight.shape[1]):
        steps.position(position, each)
    return steps.gradients


class Loss(NamedTuple):
    """What a pass gives."""

    loss: torch.Tensor  # () for mean and sum, (N, P) for none
    state: torch.Tensor | None  # (4, N, P) float64, what `again` needs; None where gradients were made
    gradients: Gradients


def loss(
    p: LinearOperands, options: Options, by: torch.Tensor | None, taken: Counted, budget: int, wanted: Wanted
) -> Loss:
    """The loss, and where they are wanted its gradients, to be scaled."""
    inside, shape = any(wanted), p.target.shape[:2]
    dtype = torch.float32 if options.reduction == "none" else torch.float64
    losses = p.input.new_zeros(shape, dtype=dtype)
    state = None if inside else p.input.new_zeros((rows.STATE, *shape), dtype=torch.float64)

    def each(at: At, position: int, z: torch.Tensor) -> None:
        found = rows.loss(
            _rows(p, at, position, z), options, by, gradient=inside, state=not inside, out=z if inside else None
        )
        losses[at, position] = found.loss
        if state is not None:
            assert found.state is not None  # it was asked for
            state[:, at, position] = found.state

    gradients = walk(p, taken, budget, each, wanted, scaled=True)
    return Loss(logits_loss.reduced(losses, by, options), state, gradients)


def again(
    p: LinearOperands,
    options: Options,
    by: torch.Tensor | None,
    taken: Counted,
    budget: int,
    wanted: Wanted,
    state: torch.Tensor,
    upstream: torch.Tensor,
) -> Gradients:
    """The gradients of upstream x loss, from logits that are made again; `upstream` () or (N, P)."""

    def each(at: At, position: int, z: torch.Tensor) -> None:
        g = upstream[at, position] if upstream.ndim else upstream
        rows.gradient(_rows(p, at, position, z), options, state[:, at, position].contiguous(), g, by, out=z)

    return walk(p, taken, budget, each, wanted)


def statistics(p: LinearOperands, options: Options, taken: Counted, budget: int) -> rows.Statistics:
    """All four statistics of every row, (N, P), and their state (4, N, P)."""
    shape, new = p.target.shape[:2], p.input.new_zeros
    log_prob, logsumexp, entropy = (new(shape, dtype=torch.float32) for _ in range(3))
    argmax, state = p.input.new_full(shape, -1, dtype=torch.int64), new((rows.STATE, *shape), dtype=torch.float64)
    result = rows.Statistics(log_prob, logsumexp, entropy, argmax, state)

    def each(at: At, position: int, z: torch.Tensor) -> None:
        found = rows.statistics(_rows(p, at, position, z), options)
        for to, four in zip(result[:4], found[:4], strict=True):
            to[at, position] = four
        result.state[:, at, position] = found.state

    walk(p, taken, budget, each, Wanted(False, False, False))
    return result


def statistics_again(
    p: LinearOperands,
    options: Options,
    taken: Counted,
    budget: int,
    wanted: Wanted,
    state: torch.Tensor,
    upstream: tuple[torch.Tensor | None, ...],
) -> Gradients:
    """The gradients, from the upstream gradients (N, P) of three statistics and logits that are made again."""

    def each(at: At, position: int, z: torch.Tensor) -> None:
        log_prob, logsumexp, entropy = (_pick(a, at, position) for a in upstream)
        held = state[:, at, position].contiguous()
        negated = held.new_zeros(()) if log_prob is None else -log_prob
        rows.gradient(
            _rows(p, at, position, z), options, held, negated, by_logsumexp=logsumexp, by_entropy=entropy, out=z
        )

    return walk(p, taken, budget, each, wanted)
