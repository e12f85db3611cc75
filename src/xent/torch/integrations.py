"""The losses in the training loops of others: the Hugging Face `Trainer` and its causal language models.

    Trainer(model, args, compute_loss_func=causal_lm_loss(z_loss=1e-4), ...)    # from the model's logits
    Trainer(patch_causal_lm(model), args, ...)                                  # the model's own loss, without logits

Neither needs `transformers` to be imported: what they are given is taken for what it does.
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
            f"`outputs`, a {type(outputs).__name__}, has no logits. A model of `patch_causal_lm` that is given labels "
            "makes its loss itself: take `outputs.loss`."
        )
    return logits


def _target(logits: torch.Tensor, labels: Any, shift_labels: Any, ignore_index: int) -> torch.Tensor:
    """The label of each row of logits."""
    if shift_labels is None:
        if labels is None:
            raise ValueError("`labels` is None: the batch has no `labels`. Let the data collator add them.")
        target = _patch.next_labels(labels, ignore_index)
    else:
        target = shift_labels
    if target.shape != logits.shape[:-1]:
        raise ShapeError(
            f"`labels` has shape {tuple(target.shape)} and the logits {tuple(logits.shape)}; each row of logits has "
            "one label."
        )
    return target.to(logits.device)


def causal_lm_loss(
    *,
    weight: torch.Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
) -> Callable[..., torch.Tensor]:
    r"""The loss of a causal language model, for `Trainer(compute_loss_func=...)`: `cross_entropy` of the next token.

        loss = \sum_{t kept} cross_entropy(logits_t, label_{t+1}) / num_items_in_batch

    Parameters
    ----------
    weight, ignore_index, label_smoothing, z_loss, softcap, temperature
        As in `cross_entropy`. The `Trainer` counts the labels that are not -100: with another `ignore_index` its count
        is not that of the labels kept. A model's own softcap is in its logits already.

    Returns
    -------
    Callable
        (outputs, labels, num_items_in_batch=None, *, shift_labels=None) -> Tensor, the loss in nats, (). `outputs`
        has logits (..., T, V) as `.logits` or `["logits"]`, or is those logits. `labels` (..., T) are shifted by one
        here; `shift_labels` are shifted already and are taken instead. `num_items_in_batch`, a number or a tensor of
        one, divides the sum, as `denominator` does; without it the loss is the mean.

    Raises
    ------
    ShapeError, TypeError, ValueError
        Options as in `cross_entropy`, at once. Of the function returned: `outputs` has no logits, there are no labels,
        or not one for each row of logits; and what `cross_entropy` raises.

    Edge cases
    ----------
    num_items_in_batch is 0         nothing counts: the loss is 0, with zero gradients
    labels on another device        moved to that of the logits, as `num_items_in_batch` and `weight` are
    models whose labels are not to be shifted (encoder and decoder)    not for them
    a model of `patch_causal_lm`    the `Trainer` keeps the labels from it, so it makes logits: pass one of the two

    Accuracy
    --------
    That of `cross_entropy`. The losses of micro-batches that share `num_items_in_batch` add up to that of one batch.

    Gradient
    --------
    By the logits, as that of `cross_entropy`; the last row of a sequence has none. No copy of the logits is made.

    References
    ----------
    The Trainer's documentation of `compute_loss_func`.

    Examples
    --------
    >>> import torch
    >>> from types import SimpleNamespace
    >>> from xent.torch.integrations import causal_lm_loss
    >>> loss = causal_lm_loss(label_smoothing=0.1)
    >>> outputs = SimpleNamespace(logits=torch.zeros(1, 4, 8))
    >>> labels = torch.tensor([[5, 1, 7, -100]])  # two of them are predicted
    >>> round(loss(outputs, labels).item(), 6), round(loss(outputs, labels, num_items_in_batch=4).item(), 6)
    (2.079442, 1.039721)
    """
    settled(ignore_index, "mean", label_smoothing, z_loss, softcap, temperature)
    options: dict[str, Any] = {
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
        target = _target(logits, labels, shift_labels, ignore_index)
        return cross_entropy(
            logits.flatten(0, -2),
            target.flatten(),
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
    r"""Make a causal language model of `transformers` compute its loss by `linear_cross_entropy`, without logits.

        outputs.loss = linear_cross_entropy(hidden, head.weight, labels, denominator=num_items_in_batch)

    in place of the same loss from logits; softcap, temperature and bias are what the model does with them itself. The
    model is changed in place. Its class becomes a subclass of the same name; parameters, state dict and configuration
    stay as they are.

    Parameters
    ----------
    model : torch.nn.Module
        A model with a head, or a PEFT model around it. Patch it before `accelerate` or a compiler wraps it.
    weight, label_smoothing, z_loss, memory_budget
        As in `linear_cross_entropy`.

    Returns
    -------
    torch.nn.Module
        `model`. Called with `labels`, its `outputs.logits` is None (left out of the outputs; None at its place in a
        tuple). Called without, as in generation, it does what it did before.

    Raises
    ------
    TypeError
        The model's loss cannot be made without logits; the message says why. What happens between the last layer and
        the loss is seen when it happens: the first call with labels raises if it cannot be followed.
    ValueError
        An option is outside its range.

    Edge cases
    ----------
    patched already                 the new options hold
    the head was replaced since (`resize_token_embeddings`)    the next call with labels raises: patch again
    a loss for the balance of experts    added by the model, as ever
    a head that FSDP shards by itself    with `reshard_after_forward=False`; else its weights are gone, and it raises
    `compute_metrics` of a `Trainer`    gets no logits; evaluate with the model unpatched
    `compute_loss_func` or `label_smoothing_factor` of a `Trainer`    keep the labels from the model: it makes logits,
        and the options here have no effect
    num_items_in_batch is 0         the loss is 0, with zero gradients
    threads that share the model    while one calls it with labels no other may call it; replicas of DataParallel may
    full backward hooks on the head    are not called: there are no logits for them
    `copy.deepcopy`                 a patched model; `pickle` refuses: save the state dict, or `save_pretrained`

    Accuracy
    --------
    That of `linear_cross_entropy`: float32 losses and gradients are the model's own to rounding.

    Gradient
    --------
    As that of `linear_cross_entropy`, by every parameter that had one, tied weights and biases among them.

    References
    ----------
    Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, 2025.

    Examples
    --------
    >>> model = AutoModelForCausalLM.from_pretrained(name)  # doctest: +SKIP
    >>> trainer = Trainer(patch_causal_lm(model), args, train_dataset=data)  # doctest: +SKIP
    >>> import torch
    >>> from xent.torch.integrations import patch_causal_lm
    >>> patch_causal_lm(torch.nn.ReLU())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    TypeError: `model`, a ReLU, cannot be patched: `get_output_embeddings()` gives no last layer. ...
    """
    settled(-100, "mean", label_smoothing, z_loss, None, 1.0)
    if memory_budget is not None:
        checked_budget(memory_budget)
    options = {"weight": weight, "label_smoothing": label_smoothing, "z_loss": z_loss, "memory_budget": memory_budget}
    _patch.patch(getattr(model, "get_base_model", lambda: model)(), options)
    return model
