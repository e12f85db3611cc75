"""Word of a target or input that could not be, left by a kernel that nobody waits for and raised by the next call.

The cell lies in memory of the host that a GPU writes to directly, so that looking at it costs no synchronisation. A
kernel that is still at work has not written yet: then it is the call after the next one that raises.
"""

from __future__ import annotations

import torch

from xent._errors import DistributionError

_OUTSIDE = {3: "target", 4: "input"}  # of a binary loss

_cells: list[torch.Tensor] = []  # one for all devices, made at the first call


def cell(on: torch.Tensor) -> torch.Tensor | None:
    """Where kernels on the device of `on` leave word: two int64, what it is (0: nothing) and the label.

    None where there is no cell yet and a CUDA graph is being captured, which forbids asking for memory of the host.
    """
    if not _cells:
        if on.is_cuda and torch.cuda.is_current_stream_capturing():
            return None
        with torch.inference_mode(False):  # one that is made under it could not be emptied outside
            _cells.append(torch.zeros(2, dtype=torch.int64, device="cpu", pin_memory=on.is_cuda))
    return _cells[0]


def raise_earlier() -> None:
    """A DistributionError where an earlier call met what could not be; once."""
    if not _cells or not (what := int(_cells[0][0])):
        return
    label = int(_cells[0][1])
    _cells[0].zero_()
    if what in _OUTSIDE:
        raise DistributionError(
            f"`{_OUTSIDE[what]}` of an earlier call held a number outside [0, 1]. The loss of its element is NaN."
        )
    if what == 5:
        raise DistributionError(
            "`teacher` of an earlier call held a row of probabilities that is no distribution, or an outcome out of "
            "range. The loss of its row is NaN."
        )
    if what == 1:
        raise DistributionError(
            f"`target` of an earlier call held a label out of range: {label}. The loss of its row is NaN. If "
            f"{label} marks rows to skip, pass `ignore_index={label}`."
        )
    raise DistributionError(
        "`target` of an earlier call held a row that is no distribution: a negative number, a sum that is not 1, or an "
        "outcome out of range. Its loss is NaN."
    )
