"""Losses for training with PyTorch: exact, complete, and fast."""
