"""Train a classifier on handwritten digits with three kinds of labels, and see what the loss can never go below.

    python examples/train_digits.py [--epochs 40]

Needs xent[torch] and scikit-learn, whose digits it learns (1,797 images of 8 x 8). Takes some seconds.

A training loss is a cross-entropy H(t, q) = H(t) + KL(t || q). The first part, the entropy of the labels, is none of
the model's doing: it is the floor. One-hot labels have floor 0. Smoothed and mixed labels do not, so that 0.5 nats can
be a perfect score; what is left to learn is the gap. Printed beside each loss:

    hard      one-hot labels
    smoothed  the label keeps 1 - e, and e is spread evenly over all ten classes: `label_smoothing=e`
    mixed     two images are averaged, and so are their labels (mixup): soft labels, one distribution an image
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits

import xent
from xent.torch import cross_entropy

SMOOTHING = 0.1
CLASSES = 10


@dataclass(frozen=True)
class Digits:
    """Images (N, 64) in [0, 1] and labels (N,), to learn from and held out."""

    images: torch.Tensor
    labels: torch.Tensor
    held_out_images: torch.Tensor
    held_out_labels: torch.Tensor


def digits(seed: int) -> Digits:
    """Four fifths to learn from, one fifth held out."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(seed))
    images = torch.tensor(data.data, dtype=torch.float32)[order] / 16
    labels = torch.tensor(data.target)[order]
    cut = len(labels) // 5
    return Digits(images[cut:], labels[cut:], images[:cut], labels[:cut])


def batch(kind: str, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator):
    """What the model sees, and the target that `cross_entropy` takes: class indices or one distribution a row."""
    if kind != "mixed":
        return images, labels
    share = torch.rand(len(labels), 1, generator=generator) * 0.5
    other = torch.randperm(len(labels), generator=generator)
    one_hot = torch.nn.functional.one_hot(labels, CLASSES).float()
    return torch.lerp(images, images[other], share), torch.lerp(one_hot, one_hot[other], share)


def floor(kind: str, target: torch.Tensor) -> torch.Tensor:
    """The entropy of every row's label, in nats: the least its loss can be."""
    if kind == "hard":
        return torch.zeros(len(target))
    if kind == "smoothed":
        target = torch.nn.functional.one_hot(target, CLASSES) * (1 - SMOOTHING) + SMOOTHING / CLASSES
    return xent.entropy(target)


def train(kind: str, data: Digits, epochs: int, seed: int):
    """Yields (epoch, loss, floor, held-out cross-entropy in bits, held-out accuracy)."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, CLASSES))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-3)
    smoothing = SMOOTHING if kind == "smoothed" else 0.0
    for epoch in range(1, epochs + 1):
        losses: list[torch.Tensor] = []
        floors: list[torch.Tensor] = []
        for rows in torch.randperm(len(data.labels), generator=generator).split(64):
            images, target = batch(kind, data.images[rows], data.labels[rows], generator)
            loss = cross_entropy(model(images), target, label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach() * len(rows))
            floors.append(floor(kind, target).sum())
        with torch.no_grad():
            logits = model(data.held_out_images)
            held_out = xent.cross_entropy(xent.Labels(data.held_out_labels), xent.Logits(logits), unit="bits").mean()
            accuracy = (logits.argmax(1) == data.held_out_labels).double().mean()
        n = len(data.labels)
        yield epoch, float(sum(losses) / n), float(sum(floors) / n), float(held_out), float(accuracy)


def main() -> None:
    """Three trainings, one table each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40, help="passes over the data (default 40)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs is at least 1")
    data = digits(options.seed)
    smoothed = torch.full((CLASSES,), SMOOTHING / CLASSES, dtype=torch.float64)
    smoothed[0] += 1 - SMOOTHING
    print(f"{len(data.labels)} images to learn from, {len(data.held_out_labels)} held out.")
    print(f"A label smoothed by {SMOOTHING} has entropy {float(xent.entropy(smoothed)):.4f} nats: no loss goes below.")
    for kind in ("hard", "smoothed", "mixed"):
        print(f"\n{kind} labels")
        print("  epoch      loss     floor       gap (nats)   held out: bits  accuracy")
        for epoch, loss, least, bits, accuracy in train(kind, data, options.epochs, options.seed):
            if epoch in {1, 2, 5, 10, 20, 40} or epoch == options.epochs:
                print(f"  {epoch:5d}  {loss:8.4f}  {least:8.4f}  {loss - least:8.4f} {bits:21.4f} {accuracy:9.1%}")


if __name__ == "__main__":
    main()
