"""Losses for training with PyTorch: exact, complete, and fast.

    loss = xent.torch.cross_entropy(logits, target)

means what `torch.nn.functional.cross_entropy` means, and takes more: class indices of any integer kind, probabilities,
`xent.TopK`; z-loss, softcap, temperature, weights of rows, a denominator across micro-batches. `token_statistics` gives
log-probability, logsumexp, entropy and argmax in one pass. `linear_cross_entropy` and `linear_token_statistics` take
the input and the weights of the last layer in place of its logits, which are never held whole. `choice` says what would
compute a call, and why. `xent.torch.integrations`, imported by itself, brings them into the Hugging Face `Trainer`.
"""

try:
    import torch as _torch
except ImportError as _error:
    raise ImportError('`xent.torch` needs PyTorch: pip install "xent[torch]"') from _error

from xent.torch._binary import binary_cross_entropy as binary_cross_entropy
from xent.torch._binary import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from xent.torch._binary_modules import BCELoss as BCELoss
from xent.torch._binary_modules import BCEWithLogitsLoss as BCEWithLogitsLoss
from xent.torch._cross_entropy import cross_entropy as cross_entropy
from xent.torch._distillation import distillation_loss as distillation_loss
from xent.torch._linear import linear_cross_entropy as linear_cross_entropy
from xent.torch._linear_distillation import linear_distillation_loss as linear_distillation_loss
from xent.torch._linear_module import LinearCrossEntropyLoss as LinearCrossEntropyLoss
from xent.torch._linear_statistics import linear_token_statistics as linear_token_statistics
from xent.torch._modules import CrossEntropyLoss as CrossEntropyLoss
from xent.torch._select import Choice as Choice
from xent.torch._select import choice as choice
from xent.torch._statistics import TokenStatistics as TokenStatistics
from xent.torch._statistics import token_statistics as token_statistics

del _torch
