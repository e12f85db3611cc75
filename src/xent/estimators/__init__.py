"""Entropy, divergence and mutual information estimated from counts and from samples."""

from xent.estimators._estimate import Estimate as Estimate
from xent.estimators._public import entropy as entropy
from xent.estimators._public import kl_divergence as kl_divergence
from xent.estimators._public import mutual_information as mutual_information

__all__ = ["Estimate", "entropy", "kl_divergence", "mutual_information"]
