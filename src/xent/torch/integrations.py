"""The losses in the training loops of others: the Hugging Face `Trainer` and its causal language models.

    Trainer(model, compute_loss_func=causal_lm_loss(z_loss=1e-4), ...)    # from the logits of any model
    Trainer(patch_causal_lm(model), ...)                                   # without logits, where the model allows it

Neither imports `transformers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch

from xent._errors import ShapeError
from xent.torch import _patch
from xent.torch._chunks import checked_budget
from xent.torch._cross_entropy import cross_entropy
from xent.torch._options import settled

Model = TypeVar("Model")


def _logits(outputs: Any) -> torch.Tensor:
    """The logits of what a model returned."""
    if isinstance(outputs, torch.Tensor):
        return outputs
    logits = outputs.get("logits") if isinstance(outputs, Mapping) else getattr(outputs, "logits", None)
    if logits is None:
        raise ValueError(
            "`outputs` has no logits. A model of `patch_causal_lm` that was given labels has made its loss already: "
            "`outputs.loss`."
        )
    return logits


def causal_lm_loss(
    *,
    weight: torch.Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
) -> Callable[..., torch.Tensor]:
    """TODO."""
    settled(ignore_index, "mean", label_smoothing, z_loss, softcap, temperature)
    options = {
        "weight": weight,
        "ignore_index": ignore_index,
        "label_smoothing": label_smoothing,
        "z_loss": z_loss,
        "softcap": softcap,
        "temperature": temperature,
    }

    def loss(
        outputs: Any,
        labels: torch.Tensor | None,
        num_items_in_batch: float | torch.Tensor | None = None,
        *,
        shift_labels: torch.Tensor | None = None,
    ) -> torch.Tensor:
        logits = _logits(outputs)
        if labels is None and shift_labels is None:
            raise ValueError("`labels` is None: the batch has no column `labels`. Let the data collator make one.")
        target = _patch.next_labels(labels, ignore_index) if shift_labels is None else shift_labels  # type: ignore
        if target.shape != logits.shape[:-1]:
            raise ShapeError(
                f"`labels` has shape {tuple(target.shape)} and the logits {tuple(logits.shape)}; there is one label a "
                "row of logits."
            )
        return cross_entropy(
            logits.flatten(0, -2),
            target.to(logits.device).flatten(),
            denominator=_patch.count(num_items_in_batch, logits.device),
            **_patch.on(logits.device, options),
        )

    return loss


def patch_causal_lm(
    model: Model,
    *,
    weight: torch.Tensor | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    memory_budget: int | None = None,
) -> Model:
    """TODO."""
    settled(-100, "mean", label_smoothing, z_loss, None, 1.0)
    if memory_budget is not None:
        checked_budget(memory_budget)
    inner: Any = getattr(model, "get_base_model", lambda: model)()
    _patch.patch(
        inner,
        {
            "weight": weight,
            "label_smoothing": label_smoothing,
            "z_loss": z_loss,
            "memory_budget": memory_budget,
        },
    )
    return model
