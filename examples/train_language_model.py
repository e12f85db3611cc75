"""Train a small byte-level transformer on licence texts, without ever holding its logits.

    python examples/train_language_model.py [--steps 400] [--loss xent|torch] [--picture loss.png]

Needs xent[report,torch]. Some minutes on two cores; Ctrl-C stops early and still reports.

The head and the loss are one call, `linear_cross_entropy(hidden, head.weight, target)`. With 256 bytes for a vocabulary
that saves little memory; with the 50,000 or 128,000 tokens of a larger model it is what makes the last layer fit, and
the line stays the same. At the end the model is measured on text it has not seen, in bits per byte and perplexity,
beside two models that need no training: all bytes alike, and how often each byte occurs. The first steps are run a
second time with PyTorch's own loss: the two losses agree to rounding.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import matplotlib
import torch
import torch.nn.functional as F
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

import xent
from xent.torch import linear_cross_entropy

matplotlib.use("Agg")
from matplotlib import pyplot as plt

TEXTS = Path(__file__).parent / "texts"
BYTES = 256
CONTEXT = 128
WIDTH = 128
BATCH = 16


def read_texts() -> tuple[Tensor, Tensor]:
    """The bytes to learn from, and those held out: the last tenth of every text."""
    learn: list[Tensor] = []
    held_out: list[Tensor] = []
    for path in sorted(TEXTS.glob("*.txt")):
        text = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8).long()
        cut = len(text) * 9 // 10
        learn.append(text[:cut])
        held_out.append(text[cut:])
    return torch.cat(learn), torch.cat(held_out)


class Block(nn.Module):
    """Attention to the bytes before, then a small network; each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, width) to the same."""
        b, t, d = x.shape
        q, k, v = (a.view(b, t, self.heads, -1).transpose(1, 2) for a in self.qkv(self.norm_1(x)).chunk(3, dim=-1))
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, d)
        x = x + self.out(seen)
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class LanguageModel(nn.Module):
    """Hidden states for every byte. `head` turns them into logits, where somebody wants logits."""

    def __init__(self, width: int = WIDTH, layers: int = 3, heads: int = 4) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(BYTES, width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, BYTES, bias=False)
        self.head.weight = self.token.weight  # tied, as most language models do
        for table in (self.token, self.place):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, text: Tensor) -> Tensor:
        """(batch, time) bytes to (batch, time, width)."""
        return self.norm(self.blocks(self.token(text) + self.place.weight[: text.shape[1]]))


def loss_of(model: LanguageModel, text: Tensor, target: Tensor, kind: str) -> Tensor:
    """Mean cross-entropy of the next byte, in nats."""
    hidden = model(text)
    if kind == "xent":
        return linear_cross_entropy(hidden, model.head.weight, target)
    return F.cross_entropy(model.head(hidden).flatten(0, 1), target.flatten())


def batches(text: Tensor, seed: int):
    """Endless random pieces of the text, and the same pieces one byte later."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(len(text) - CONTEXT - 1, (BATCH, 1), generator=generator)
        places = starts + torch.arange(CONTEXT)
        yield text[places], text[places + 1]


def train(text: Tensor, kind: str, options: argparse.Namespace, progress: Progress | None = None, stop: int = 0):
    """The model and its loss at every step, up to `stop` if there is one. Ctrl-C ends the training, not the program."""
    steps, seed = options.steps, options.seed
    torch.manual_seed(seed)
    model = LanguageModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 20, 0.55 + 0.45 * math.cos(math.pi * step / steps))
    )
    losses: list[float] = []
    task = progress.add_task("training", total=steps, loss="") if progress else None
    try:
        for (piece, target), _ in zip(batches(text, seed), range(stop or steps), strict=False):
            loss = loss_of(model, piece, target, kind)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if progress and task is not None:
                progress.update(task, advance=1, loss=f"{losses[-1] / math.log(2):.3f} bits/byte")
    except KeyboardInterrupt:
        print("stopped early")
    return model, losses


@torch.no_grad()
def surprisals(model: LanguageModel, text: Tensor) -> Tensor:
    """Surprisal in bits of every byte of `text` but the first."""
    pieces = [text[i : i + CONTEXT + 1] for i in range(0, len(text) - 1, CONTEXT)]
    return torch.cat(
        [
            xent.cross_entropy(xent.Labels(p[1:]), xent.Logits(model.head(model(p[None, :-1]))[0]), unit="bits")
            for p in pieces
        ]
    )


def draw(losses: list[float], held_out: float, uniform: float, frequencies: float, path: Path) -> None:
    """The loss of every step in bits per byte, between the two models that need no training and the held-out value."""
    figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    steps = range(1, len(losses) + 1)
    ax.plot(steps, [loss / math.log(2) for loss in losses], color="#2563a8", linewidth=1, label="training batches")
    for value, text in ((uniform, "all bytes alike"), (frequencies, "byte frequencies"), (held_out, "held-out text")):
        ax.axhline(value, color="#8a8a8a", linewidth=0.8, linestyle=(0, (4, 3)))
        ax.annotate(
            f"{text} {value:.2f}",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
        )
    ax.set(xlabel="step", ylabel="cross-entropy (bits per byte)", xlim=(0, len(losses)), ylim=(0, uniform + 0.6))
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Train, measure, draw, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400, help="steps of training (default 400)")
    parser.add_argument("--loss", choices=("xent", "torch"), default="xent", help="which loss trains the model")
    parser.add_argument("--compare", type=int, default=10, help="steps to repeat with the other loss (default 10)")
    parser.add_argument("--picture", type=Path, default=Path("loss.png"), help="where the loss curve goes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps is at least 1")
    text, held_out = read_texts()
    print(f"{len(text):,} bytes to learn from, {len(held_out):,} held out")
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TextColumn("{task.fields[loss]}"), TimeRemainingColumn()) as progress:
        model, losses = train(text, options.loss, options, progress)
    if not losses:
        return
    bits = surprisals(model, held_out).double().mean()
    counts = xent.Counts(torch.bincount(text, minlength=BYTES) + 1)  # one more of each: no byte is impossible
    frequencies = xent.cross_entropy(xent.Counts(torch.bincount(held_out, minlength=BYTES)), counts, unit="bits")
    uniform = xent.entropy(torch.full((BYTES,), 1 / BYTES, dtype=torch.float64), unit="bits")
    print("\nheld-out text           bits per byte   perplexity of a byte")
    for name, value in (("all bytes alike", uniform), ("byte frequencies", frequencies), ("this model", bits)):
        print(f"  {name:20s} {float(value):12.3f} {2 ** float(value):18.2f}")
    draw(losses, float(bits), float(uniform), float(frequencies), options.picture)
    print(f"loss curve: {options.picture}")
    if options.compare > 0:
        other = "torch" if options.loss == "xent" else "xent"
        _, again = train(text, other, options, stop=min(options.compare, options.steps))
        apart = max(abs(a - b) / a for a, b in zip(losses, again, strict=False))
        print(f"the first {len(again)} losses with {other}'s loss instead: at most {apart:.1e} apart (relative)")


if __name__ == "__main__":
    main()
