"""Entropy, divergence and mutual information estimated from counts and from samples."""
