"""Which processes share a vocabulary, and which of its columns are whose: process groups, DTensors, one exchange.

Before anything is computed the processes tell each other a handful of numbers: how many columns each holds, and on the
CPU, where they can be looked at, how many rows and what it was asked for. What one of them refuses is so refused by
all, and none waits for it.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

import torch
import torch.distributed as dist

from xent._errors import ShapeError
from xent._forms import TopK
from xent.torch import _state

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_TOLD = 4  # numbers a process tells: columns, rows, class weights, what it was asked for


class Split(NamedTuple):
    """A vocabulary over several processes, before they have told each other how much of it each holds."""

    group: Any
    rank: int
    ranks: int
    outcomes: int | None = None  # of the whole, where a DTensor says so
    kernels: bool = False  # the Triton kernels work on the rows, as on a GPU: no number is looked at


class Shard(NamedTuple):
    """The columns of the vocabulary that this process holds."""

    group: Any
    rank: int
    ranks: int
    width: int
    start: int | torch.Tensor  # the first of them; a tensor where reading it would wait for a device
    outcomes: int | torch.Tensor  # in all processes
    kernels: bool = False  # as in `Split`

    def reads(self, a: torch.Tensor) -> bool:
        """Whether the values of `a` may be looked at."""
        return not self.kernels and _state.readable(a)


def split_over(process_group: Any) -> Split:
    """The group, which must be one, with this process in it."""
    if process_group is dist.GroupMember.NON_GROUP_MEMBER:
        raise ValueError("`process_group` does not hold this process; pass a group to its members alone.")
    if not isinstance(process_group, dist.ProcessGroup):
        raise TypeError(
            f"`process_group` is a {type(process_group).__name__}; it is a torch.distributed.ProcessGroup, such as "
            "`torch.distributed.group.WORLD` or `mesh.get_group()`, or None."
        )
    rank = dist.get_rank(process_group)
    if rank < 0:
        raise ValueError("`process_group` does not hold this process; pass a group to its members alone.")
    return Split(process_group, rank, dist.get_world_size(process_group))


def is_dtensor(a: Any) -> bool:
    """Whether `a` is a DTensor; there is none where nobody has imported them, which takes a second."""
    if type(a) in _PLAIN:
        return False
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(a, module.DTensor)


def _split_along(name: str, a: Any, axis: int | None) -> int | None:
    """The dimension of its mesh over which the DTensor `a` is split along `axis`; None where it is whole everywhere."""
    found = None
    for i, placement in enumerate(a.placements):
        if placement.is_replicate():
            continue
        plain = type(placement).__name__ == "Shard"  # not one of those that are strided
        if found is not None or axis is None or not plain or placement.dim != axis:
            wanted = "whole in every process" if axis is None else f"whole, or split along axis {axis} by one dimension"
            raise ValueError(
                f"`{name}` is a DTensor placed {tuple(a.placements)}; here it is {wanted} of the mesh. "
                f"Call `{name}.redistribute(...)` first."
            )
        found = i
    return found


class Given(NamedTuple):
    """An argument: its name, its value, and along which axis the vocabulary may split it."""

    name: str
    value: Any
    axis: int | None


def asked(process_group: Any, main: Given) -> bool:
    """Whether a call is over several processes: a group is given, or `main` is a DTensor split over the outcomes."""
    if process_group is not None:
        return True
    a = main.value
    if not is_dtensor(a):
        return False
    return any(p.is_shard(main.axis) for p in a.placements)


def unmixed(**arguments: Any) -> None:
    """Refuse DTensors beside tensors: outside of a split vocabulary torch computes with one kind alone."""
    tensors = {name: a for name, a in arguments.items() if isinstance(a, torch.Tensor)}
    spread = [name for name, a in tensors.items() if is_dtensor(a)]
    plain = [name for name in tensors if name not in spread]
    if spread and plain:
        raise ValueError(
            f"`{spread[0]}` is a DTensor, not split over the outcomes, and `{plain[0]}` is a plain tensor. Pass "
            f"`{spread[0]}.to_local()` or `{spread[0]}.full_tensor()`, or make a DTensor of `{plain[0]}`."
        )


def local(process_group: Any, main: Given, others: list[Given]) -> tuple[Split | None, list[Any]]:
    """The group, None where it is of one process, and what this process holds of `main` and the others."""
    split = None if process_group is None else split_over(process_group)
    if is_dtensor(main.value):
        split = _of_mesh(split, main)
    held = [_local(given) for given in (main, *others)]
    return (None if split is None or split.ranks == 1 else split), held


def _of_mesh(split: Split | None, main: Given) -> Split:
    """The processes over which a DTensor is split; `split` are those that were given, if any."""
    name, value, axis = main
    along = _split_along(name, value, axis)
    if along is None:
        raise ValueError(
            f"`{name}` is a DTensor that every process holds whole, and `process_group` says that the vocabulary is "
            f"split. Leave `process_group` out, or shard `{name}` along axis {axis}."
        )
    found = split_over(value.device_mesh.get_group(along))
    if split is not None and _members(split.group) != _members(found.group):
        raise ValueError(
            f"`process_group` is of the processes {_members(split.group)}, and `{name}` is a DTensor over "
            f"{_members(found.group)}; leave `process_group` out, or pass the group of that mesh."
        )
    outcomes = value.shape[axis]
    if -(-outcomes // found.ranks) * (found.ranks - 1) >= outcomes:
        raise ShapeError(
            f"`{name}` is a DTensor of {outcomes} outcomes over {found.ranks} processes, which leaves some without "
            "any. Every process holds at least one."
        )
    return found._replace(outcomes=outcomes)


def _members(group: Any) -> list[int]:
    return dist.get_process_group_ranks(group)


def _local(given: Given) -> Any:
    name, value, axis = given
    if isinstance(value, TopK):
        indices, probs = (_local(Given(f"{name}.{part}", getattr(value, part), None)) for part in ("indices", "probs"))
        return TopK(indices, probs, value.tail)
    if not is_dtensor(value):
        return value
    _split_along(name, value, axis)
    return value.to_local()


def sharded(split: Split, name: str, main: torch.Tensor, axis: int, weights: int, asked_for: str, rows: int) -> Shard:
    """Which columns are here. What does not fit is an error in every process, where the numbers can be looked at."""
    width = main.shape[axis]
    if split.outcomes is not None:
        return _of_dtensor(split, name, width)
    table = torch.zeros((split.ranks, _TOLD), dtype=torch.int64, device=main.device)
    read = not split.kernels and _state.readable(table)
    same = zlib.crc32(asked_for.encode()) if read else 0
    for slot, number in enumerate((width, rows, weights, same)):
        table[split.rank, slot].fill_(number)  # no copy from the host, which would wait
    dist.all_reduce(table, dist.ReduceOp.SUM, split.group)
    widths = table[:, 0]
    if not read:
        return Shard(*split[:3], width, widths[: split.rank].sum(), widths.sum(), split.kernels)
    _agree(name, table.tolist())
    return Shard(*split[:3], width, int(widths[: split.rank].sum()), int(widths.sum()))


def _agree(name: str, table: list[list[int]]) -> None:
    """Refuse, in every process alike, what does not fit together."""
    widths, rows, weights, asked_for = (list(column) for column in zip(*table, strict=True))
    if 0 in widths:
        raise ShapeError(
            f"`{name}`: process {widths.index(0)} of `process_group` refused its arguments or holds no outcome; "
            "the error there says why. Every process holds at least one."
        )
    if len(set(rows)) > 1:
        raise ShapeError(f"The processes of `process_group` hold {rows} rows; every one passes the same rows.")
    if len(set(asked_for)) > 1:
        raise ValueError(
            "The processes of `process_group` made different calls: options, labels, kind of target, or which "
            "arguments there are; only the columns of the vocabulary differ."
        )
    total = sum(widths)
    for rank, (width, given) in enumerate(zip(widths, weights, strict=True)):
        if given not in (0, width, total):
            raise ShapeError(
                f"`weight` has shape ({given},) in process {rank} of `process_group`; it holds one number a class: of "
                f"the columns there, shape ({width},), or of all, shape ({total},)."
            )


def _of_dtensor(split: Split, name: str, width: int) -> Shard:
    """The columns of a DTensor, which `torch.chunk` says; what was put together otherwise is refused."""
    assert split.outcomes is not None
    each = -(-split.outcomes // split.ranks)
    start = each * split.rank
    if width != min(each, split.outcomes - start):
        raise ShapeError(
            f"`{name}` is a DTensor of {split.outcomes} outcomes over {split.ranks} processes, of which this one holds "
            f"{width}, not {min(each, split.outcomes - start)}; pass `{name}.to_local()` and `process_group`."
        )
    return Shard(*split[:3], width, start, split.outcomes, split.kernels)


def told(process_group: Any, main: Any) -> AbstractContextManager[None]:
    """What fails within is told to the group: the others are about to wait for this process. (On the CPU.)"""
    return nullcontext() if process_group is None else _telling(process_group, main)


@contextmanager
def _telling(process_group: Any, main: Any) -> Generator[None]:
    try:
        yield
    except Exception:
        on_cpu = not isinstance(main, torch.Tensor) or main.is_cpu
        if isinstance(process_group, dist.ProcessGroup) and on_cpu and not is_dtensor(main):
            with suppress(RuntimeError):  # a group that knows no CPU: nobody reads what is told
                nothing = torch.zeros((dist.get_world_size(process_group), _TOLD), dtype=torch.int64)
                dist.all_reduce(nothing, dist.ReduceOp.SUM, process_group)
        raise
