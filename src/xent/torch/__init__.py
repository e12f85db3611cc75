"""Losses for training with PyTorch: exact, complete, and fast."""

from xent.torch._binary import binary_cross_entropy as binary_cross_entropy
from xent.torch._binary import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from xent.torch._cross_entropy import cross_entropy as cross_entropy
from xent.torch._select import Choice as Choice
from xent.torch._select import choice as choice
