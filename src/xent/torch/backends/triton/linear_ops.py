"""The insides of the linear operators by the Triton kernels: as `linear_autograd`, with nothing kept between them.

Operators hand out the gradients of weights and bias in their dtype, whose shape and dtype are known before anything
runs; an upstream gradient other than a power of two rounds them a second time. Rows are gathered backward once more.
"""

from __future__ import annotations

import torch

from xent.torch._linear_autograd import Three
from xent.torch._linear_loop import Gradients, Wanted
from xent.torch._linear_operands import LinearOperands
from xent.torch._options import Options
from xent.torch.backends.triton import flag, linear, rows
from xent.torch.backends.triton.linear_autograd import finished

Denominator = float | torch.Tensor | None


def loss(p: LinearOperands, options: Options, denominator: Denominator, budget: int, wanted: Wanted) -> linear.Loss:
    """The loss, and its gradients for an upstream gradient of 1; that of the input as wide as it is summed."""
    flag.raise_earlier()
    by, taken = linear.divisor(p, options, denominator), linear.counted(p, options.ignore_index)
    found = linear.loss(p, options, by, taken, budget, wanted)
    rounded = finished(found.gradients._replace(input=None), p)
    return found._replace(gradients=Gradients(found.gradients.input, *rounded[1:]))


def again(
    p: LinearOperands,
    options: Options,
    denominator: Denominator,
    budget: int,
    wanted: Wanted,
    state: torch.Tensor,
    upstream: torch.Tensor,
) -> Three:
    """The gradients of upstream x loss, in their dtypes."""
    by, taken = linear.divisor(p, options, denominator), linear.counted(p, options.ignore_index)
    return finished(linear.again(p, options, by, taken, budget, wanted, state, upstream), p)


def statistics(p: LinearOperands, options: Options, budget: int) -> rows.Statistics:
    """The four statistics and their state."""
    flag.raise_earlier()
    return linear.statistics(p, options, linear.counted(p, options.ignore_index), budget)


def statistics_again(
    p: LinearOperands,
    options: Options,
    budget: int,
    wanted: Wanted,
    state: torch.Tensor,
    upstream: tuple[torch.Tensor | None, ...],
) -> Three:
    """The gradients from the upstream gradients of three statistics, in their dtypes."""
    taken = linear.counted(p, options.ignore_index)
    return finished(linear.statistics_again(p, options, taken, budget, wanted, state, upstream), p)
