"""What each process of a group does in test_parallel.py: every case in turn; what went wrong goes to a file.

    python parallel_worker.py RANK WORLD FOLDER

A case compares what the processes say together with what one says alone, in every process. It is a function of a
`Group`; `test_parallel.py` has one test for each and each size of the group.
"""

import datetime
import itertools
import json
import os
import sys
import traceback
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from samples import CLOSE

import xent.torch as xt
from xent import BackendUnavailable, DistributionError, ShapeError, TopK

CASES = {}
KERNELS = {}  # those of the Triton kernels, interpreted: processes of their own run them
N, D = 7, 5
PATIENCE = datetime.timedelta(seconds=30)


def case(function, worlds=(2, 4)):
    """A case by the name of its function, and the sizes of the groups that it is for."""
    CASES[function.__name__] = function, worlds
    return function


def of_two(function):
    """A case of a group of two, which more processes would only repeat."""
    return case(function, (2,))


class Group:
    """A process's place in the group, and which columns of `v` it holds: uneven shards that add up to `v`."""

    def __init__(self, group, widths=None):
        self.group, self.rank, self.ranks = group, dist.get_rank(group), dist.get_world_size(group)
        self.widths = widths or {1: [10], 2: [4, 6], 4: [3, 1, 2, 4]}[self.ranks]
        self.start = sum(self.widths[: self.rank])
        self.here = slice(self.start, self.start + self.widths[self.rank])
        self.v = sum(self.widths)

    def columns(self, a, axis=1):
        """The columns of `a` that lie here, as a tensor of its own."""
        return a.detach().movedim(axis, 0)[self.here].movedim(0, axis).clone()


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def close(ours, theirs, dtype, what):
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a.dtype == b.dtype, f"{what}, number {i}: {a.dtype}, not {b.dtype}"
        torch.testing.assert_close(
            a.double(),
            b.double(),
            rtol=CLOSE[dtype],
            atol=CLOSE[dtype] / 10,
            equal_nan=True,
            msg=lambda m, i=i: f"{what}, number {i}: {m}",
        )


def targets(g, shape=(N,), dtype=torch.float64):
    """Targets of every kind, of all outcomes; a distribution is split along its last axis."""
    rows = 1
    for length in shape:
        rows *= length
    labels = torch.arange(rows) * 3 % g.v
    labels[1] = -100
    order = normal(rows, g.v, seed=5).argsort(1)[:, :3]
    part = normal(rows, 3, seed=6, dtype=dtype).softmax(1).to(dtype)
    return {
        "labels": labels.reshape(shape),
        "dense": normal(*shape, g.v, seed=7).softmax(-1).to(dtype),
        "top-k": TopK(order.reshape(*shape, 3), part.reshape(*shape, 3)),
        "drop": TopK(order.reshape(*shape, 3), (part / 2).reshape(*shape, 3), tail="drop"),
        "spread": TopK(order.reshape(*shape, 3), (part / 2).reshape(*shape, 3), tail="spread"),
    }


def options(g, dtype=torch.float64):
    """Options by name; a `weight` is of all classes."""
    weight, tokens = normal(g.v, seed=8).abs().to(dtype), normal(N, seed=9).abs().to(dtype)
    return {
        "plain": {},
        "smoothing": {"label_smoothing": 0.1},
        "z-loss": {"z_loss": 0.3},
        "softcap": {"softcap": 2.0},
        "temperature": {"temperature": 0.7},
        "weight": {"weight": weight},
        "tokens": {"token_weight": tokens},
        "denominator": {"denominator": 3.5},
        "all": {
            "label_smoothing": 0.2,
            "z_loss": 0.1,
            "softcap": 3.0,
            "temperature": 1.3,
            "weight": weight,
            "token_weight": tokens,
        },
    }


def gradients(loss, inputs, seed=3):
    """Of the sum of loss x random numbers; zeros where a loss is not of an input at all."""
    losses = [a for a in (loss if isinstance(loss, tuple) else (loss,)) if a.requires_grad]
    ups = [normal(*a.shape, seed=seed + i).to(a.dtype) for i, a in enumerate(losses)]
    return torch.autograd.grad(losses, inputs, ups)


def leaves(*tensors):
    return [a.detach().clone().requires_grad_() for a in tensors]


def mine(g, target):
    """A target as this process passes it: distributions are cut."""
    if isinstance(target, torch.Tensor) and target.is_floating_point():
        return g.columns(target, target.ndim - 1)
    return target


def compare_logits(g, target, dtype, what, **kwargs):
    x = normal(N, g.v, dtype=dtype) * 3
    whole, part = leaves(x, g.columns(x))
    theirs = xt.cross_entropy(whole, target, **kwargs)
    ours = xt.cross_entropy(part, mine(g, target), process_group=g.group, **kwargs)
    (by_whole,), (by_part,) = gradients(theirs, [whole]), gradients(ours, [part])
    close([ours, by_part], [theirs, g.columns(by_whole)], dtype, what)


def layer(g, dtype=torch.float64):
    return normal(N, D, dtype=dtype), normal(g.v, D, seed=1, dtype=dtype), normal(g.v, seed=2, dtype=dtype)


def compare_linear(g, target, dtype, what, **kwargs):
    x, w, b = layer(g, dtype)
    whole, part = leaves(x, w, b), leaves(x, g.columns(w, 0), g.columns(b, 0))
    theirs = xt.linear_cross_entropy(*whole[:2], target, linear_bias=whole[2], **kwargs)
    ours = xt.linear_cross_entropy(*part[:2], mine(g, target), linear_bias=part[2], process_group=g.group, **kwargs)
    expected, found = gradients(theirs, whole), gradients(ours, part)
    expected = expected[0], g.columns(expected[1], 0), g.columns(expected[2], 0)
    close([ours, *found], [theirs, *expected], dtype, what)


@case
def every_option_of_the_losses(g):
    for (kind, target), name, reduction in itertools.product(targets(g).items(), options(g), ("mean", "sum", "none")):
        chosen = options(g)[name]
        if (name == "denominator" and reduction != "mean") or (reduction == "sum" and name not in ("plain", "all")):
            continue
        if g.ranks > 2 and (name, reduction) not in (("plain", "none"), ("all", "mean")):
            continue
        what = f"{kind}, {name}, {reduction}"
        compare_logits(g, target, torch.float64, f"logits: {what}", reduction=reduction, **chosen)
        compare_linear(g, target, torch.float64, f"linear: {what}", reduction=reduction, **chosen)


@of_two
def half_and_single_precision(g):
    for dtype, kind, reduction in itertools.product(
        (torch.float32, torch.bfloat16, torch.float16), ("labels", "dense", "spread"), ("mean", "none")
    ):
        chosen = options(g, dtype)["all"] | {"reduction": reduction}
        compare_logits(g, targets(g, dtype=dtype)[kind], dtype, f"logits: {dtype}, {kind}", **chosen)
        compare_linear(g, targets(g, dtype=dtype)[kind], dtype, f"linear: {dtype}, {kind}", **chosen)


@case
def statistics(g):
    for dtype, chosen in itertools.product(
        (torch.float64, torch.float32, torch.bfloat16),
        ({}, {"softcap": 2.0, "temperature": 0.7}, {"ignore_index": 3}),
    ):
        labels = targets(g)["labels"].masked_fill(targets(g)["labels"] == -100, chosen.get("ignore_index", -100))
        x, w, b = layer(g, dtype)
        z = normal(N, g.v, dtype=dtype) * 3
        whole, part = leaves(z, x, w, b), leaves(g.columns(z), x, g.columns(w, 0), g.columns(b, 0))
        ours = xt.token_statistics(part[0], labels, process_group=g.group, **chosen)
        theirs = xt.token_statistics(whole[0], labels, **chosen)
        found, expected = gradients(ours, part[:1]), gradients(theirs, whole[:1])
        close([*ours, *found], [*theirs, g.columns(expected[0])], dtype, f"logits: {dtype}, {chosen}")
        assert type(ours) is xt.TokenStatistics
        ours = xt.linear_token_statistics(
            part[1], part[2], labels, linear_bias=part[3], process_group=g.group, **chosen
        )
        theirs = xt.linear_token_statistics(whole[1], whole[2], labels, linear_bias=whole[3], **chosen)
        found, expected = gradients(ours, part[1:]), gradients(theirs, whole[1:])
        expected = expected[0], g.columns(expected[1], 0), g.columns(expected[2], 0)
        close([*ours, *found], [*theirs, *expected], dtype, f"linear: {dtype}, {chosen}")


@of_two
def each_statistic_by_itself(g):
    labels, z = targets(g)["labels"], normal(N, g.v) * 3
    x, w, _ = layer(g)
    for name in ("log_prob", "logsumexp", "entropy"):
        whole, part = leaves(z, x, w), leaves(g.columns(z), x, g.columns(w, 0))
        ours = getattr(xt.token_statistics(part[0], labels, process_group=g.group), name)
        theirs = getattr(xt.token_statistics(whole[0], labels), name)
        (found,), (expected,) = gradients(ours, part[:1]), gradients(theirs, whole[:1])
        close([found], [g.columns(expected)], torch.float64, name)
        ours = getattr(xt.linear_token_statistics(*part[1:], labels, process_group=g.group), name)
        theirs = getattr(xt.linear_token_statistics(*whole[1:], labels), name)
        found, expected = gradients(ours, part[1:]), gradients(theirs, whole[1:])
        close(found, [expected[0], g.columns(expected[1], 0)], torch.float64, f"linear, {name}")


@case
def one_row_one_column_and_many_dimensions(g):
    one = Group(g.group, [1] * g.ranks)
    compare_logits(one, torch.arange(N) % one.v, torch.float64, "a column each", label_smoothing=0.1)
    compare_linear(one, torch.arange(N) % one.v, torch.float64, "a column each", label_smoothing=0.1)
    x = normal(g.v)
    whole, part = leaves(x, g.columns(x, 0))
    theirs, ours = (
        xt.cross_entropy(whole, torch.tensor(2)),
        xt.cross_entropy(part, torch.tensor(2), process_group=g.group),
    )
    close(
        [ours, *gradients(ours, [part])],
        [theirs, g.columns(gradients(theirs, [whole])[0], 0)],
        torch.float64,
        "one row",
    )
    x = normal(3, g.v, 4, 2)
    for target in (torch.arange(24).reshape(3, 4, 2) % g.v, normal(3, g.v, 4, 2, seed=4).softmax(1)):
        part_target = g.columns(target) if target.is_floating_point() else target
        for reduction in ("mean", "none"):
            whole, part = leaves(x, g.columns(x))
            ours = xt.cross_entropy(part, part_target, process_group=g.group, reduction=reduction)
            theirs = xt.cross_entropy(whole, target, reduction=reduction)
            found, expected = gradients(ours, [part])[0], g.columns(gradients(theirs, [whole])[0])
            close([ours, found], [theirs, expected], torch.float64, f"four dimensions, {reduction}")
    labels = torch.arange(24).reshape(3, 4, 2) % g.v
    close(
        xt.token_statistics(g.columns(x), labels, process_group=g.group),
        xt.token_statistics(x, labels),
        torch.float64,
        "statistics of four dimensions",
    )


@of_two
def linear_shapes(g):
    x, w, b = normal(2, 3, D), normal(g.v, D, seed=1), normal(g.v, seed=2)
    cases = {
        "(..., D)": (x, w, b, torch.arange(6).reshape(2, 3) % g.v, 2),
        "a cut": (normal(2, 4, D)[:, :-1], w, b, torch.arange(6).reshape(2, 3) % g.v, 2),
        "dense": (x, w, b, normal(2, 3, g.v, seed=4).softmax(2), 2),
        "(C, d1, D)": (x[0], normal(g.v, 2, D), normal(g.v, 2), torch.tensor([[0, 1], [-100, 2], [-100, -100]]), 1),
        "(C, d1, D) dense": (x[0], normal(g.v, 2, D), normal(g.v, 2), normal(3, g.v, 2, seed=4).softmax(1), 1),
        "no rows": (x[0, :0], w, b, torch.zeros(0, dtype=torch.int64), 1),
    }
    for (name, (a, weight, bias, target, axis)), reduction in itertools.product(cases.items(), ("mean", "none")):
        here = g.columns(target, axis) if target.is_floating_point() else target
        whole, part = leaves(a, weight, bias), leaves(a, g.columns(weight, 0), g.columns(bias, 0))
        theirs = xt.linear_cross_entropy(*whole[:2], target, linear_bias=whole[2], reduction=reduction)
        ours = xt.linear_cross_entropy(*part[:2], here, linear_bias=part[2], reduction=reduction, process_group=g.group)
        found, expected = gradients(ours, part), gradients(theirs, whole)
        expected = expected[0], g.columns(expected[1], 0), g.columns(expected[2], 0)
        close([ours, *found], [theirs, *expected], torch.float64, f"{name}, {reduction}")
    labels = cases["(C, d1, D)"][3]
    close(
        xt.linear_token_statistics(x[0], g.columns(normal(g.v, 2, D), 0), labels, process_group=g.group),
        xt.linear_token_statistics(x[0], normal(g.v, 2, D), labels),
        torch.float64,
        "statistics",
    )


@case
def chunks_that_no_two_processes_share(g):
    from xent.torch import _linear_loop
    from xent.torch._chunks import Plan
    from xent.torch._products import Products

    made = []
    logits, plan = Products.logits, _linear_loop.plan

    def counted(self, *args):
        made.append(len(args[0]))
        return logits(self, *args)

    kinds = targets(g)
    try:
        Products.logits = counted
        for rows in (1 + g.rank, N):
            _linear_loop.plan = lambda shape, budget, rows=rows: Plan(rows, 2)
            for kind, reduction in itertools.product(("labels", "dense", "spread"), ("mean", "none")):
                compare_linear(g, kinds[kind], torch.float64, f"{rows} rows, {kind}", reduction=reduction)
        made.clear()
        x, w, _ = layer(g)
        part = leaves(x, g.columns(w, 0))
        loss = xt.linear_cross_entropy(*part, kinds["labels"], process_group=g.group)
        first = torch.autograd.grad(loss, part, retain_graph=True)
        assert made == [N - 1], f"the logits of the rows that count are made once, not {made}"
        second = torch.autograd.grad(loss, part)
        assert made == [N - 1] * 2
        close(first, second, torch.float64, "twice")
    finally:
        Products.logits, _linear_loop.plan = logits, plan


@of_two
def within_a_budget(g):
    from test_linear_memory import allowed, most_held

    from xent.torch import _linear_loop

    big = Group(g.group, [200 * width for width in g.widths])
    y = torch.arange(400) * 7 % big.v
    kinds = {"labels": y.masked_fill(y % 3 == 0, -100), "top": TopK(y[:, None], torch.full((400, 1), 0.4), "spread")}
    plan, plans = _linear_loop.plan, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_linear_loop, "plan", lambda *given: plans.append(plan(*given)) or plans[-1])
        for (kind, target), dtype, budget in itertools.product(
            kinds.items(), (torch.float64, torch.float32, torch.bfloat16), (5_000_000, 50_000_000)
        ):
            x, w = normal(400, 16, dtype=dtype), normal(big.v, 16, seed=1, dtype=dtype)
            b, c = torch.zeros(big.v, dtype=dtype), torch.ones(big.v)
            whole, part = leaves(x, w, b), leaves(x, big.columns(w, 0), big.columns(b, 0))
            chosen = {"softcap": 5.0, "z_loss": 0.1, "label_smoothing": 0.1, "weight": c, "reduction": "sum"}

            def step(part=part, target=target, budget=budget, chosen=chosen):
                xt.linear_cross_entropy(
                    *part[:2], target, linear_bias=part[2], memory_budget=budget, process_group=g.group, **chosen
                ).backward()

            plans.clear()
            held = most_held(step) - allowed(part)
            assert held <= budget, f"{kind}, {dtype}, {budget}: {held}"
            counted = 400 if kind == "top" else int((target != -100).sum())
            several = budget < 10**7 and g.widths[g.rank] == max(g.widths)  # the others may do with one chunk
            assert plans[0].rows < counted if several else budget < 10**7 or plans[0].rows == counted, f"{plans}"
            if dtype != torch.float64:  # sums over 2000 columns in another order differ in the last digits of float32
                continue
            xt.linear_cross_entropy(*whole[:2], target, linear_bias=whole[2], **chosen).backward()
            expected = whole[0].grad, big.columns(whole[1].grad, 0), big.columns(whole[2].grad, 0)
            close([a.grad for a in part], expected, dtype, f"{kind}, {dtype}, {budget}")


@of_two
def gradients_by_what_weighs(g):
    z = normal(N, g.v) * 3
    x, w, _ = layer(g)
    weight = normal(g.v, seed=8).abs()
    for local, smoothing, tokens in itertools.product((True, False), (0.0, 0.2), (True, False)):
        for reduction in ("mean", "sum", "none"):
            whole = leaves(z, weight, normal(N, seed=9).abs(), x, w)
            part = leaves(g.columns(z), weight[g.here] if local else weight, whole[2], x, g.columns(w, 0))
            found, values = [], []
            for (logits, c, t, h, head), group in ((whole, None), (part, g.group)):
                chosen = {"reduction": reduction, "label_smoothing": smoothing, "process_group": group}
                chosen |= {"token_weight": t} if tokens else {}
                labels = targets(g)["labels"]
                loss = xt.cross_entropy(logits, labels, c, **chosen)
                linear = xt.linear_cross_entropy(h, head, labels, weight=c, **chosen)
                values += [loss, linear]
                by = [logits, c, *([t] if tokens else [])]
                found.append([*gradients(loss, by), *gradients(linear, [h, head, c])])
            expected, ours = found
            expected[0] = g.columns(expected[0])
            expected[-2] = g.columns(expected[-2], 0)
            if local:
                expected[1], expected[-1] = expected[1][g.here], expected[-1][g.here]
            what = f"local {local}, smoothing {smoothing}, tokens {tokens}, {reduction}"
            close([*values[2:], *ours], [*values[:2], *expected], torch.float64, what)


@case
def gradients_by_targets_and_denominator(g):
    z = normal(N, g.v) * 3
    kinds = targets(g)
    for reduction, smoothing in itertools.product(("mean", "none"), (0.0, 0.1)):
        whole, part, t, u = leaves(z, g.columns(z), kinds["dense"], g.columns(kinds["dense"]))
        theirs = xt.cross_entropy(whole, t, reduction=reduction, label_smoothing=smoothing)
        ours = xt.cross_entropy(part, u, reduction=reduction, label_smoothing=smoothing, process_group=g.group)
        found, expected = gradients(ours, [part, u]), [g.columns(a) for a in gradients(theirs, [whole, t])]
        close([ours, *found], [theirs, *expected], torch.float64, f"dense, {reduction}")
        for kind in ("drop", "spread"):
            top = kinds[kind]
            whole, part, t, u = leaves(z, g.columns(z), top.probs, top.probs)
            theirs = xt.cross_entropy(whole, replace(top, probs=t), reduction=reduction, label_smoothing=smoothing)
            ours = xt.cross_entropy(
                part, replace(top, probs=u), reduction=reduction, label_smoothing=smoothing, process_group=g.group
            )
            found, expected = gradients(ours, [part, u]), gradients(theirs, [whole, t])
            close([ours, *found], [theirs, g.columns(expected[0]), expected[1]], torch.float64, f"{kind}, {reduction}")
    whole, part, t, u = leaves(z, g.columns(z), torch.tensor(3.0).double(), torch.tensor(3.0).double())
    theirs = xt.cross_entropy(whole, kinds["labels"], denominator=t)
    ours = xt.cross_entropy(part, kinds["labels"], denominator=u, process_group=g.group)
    found, expected = gradients(ours, [part, u]), gradients(theirs, [whole, t])
    close([ours, *found], [theirs, g.columns(expected[0]), expected[1]], torch.float64, "denominator")


@case
def rows_that_are_nothing_or_too_much(g):
    z = normal(N, g.v) * 3
    z[0, : g.v // 2] = -torch.inf
    z[1] = torch.nan  # ignored
    z[2, 1:3] = -torch.inf
    z[3, -1] = torch.nan
    z[4, 0] = torch.inf
    z[5] = -torch.inf
    labels = torch.tensor([g.v - 1, -100, 0, 1, 0, 2, 3])
    for chosen in ({}, {"z_loss": 0.1}, {"label_smoothing": 0.1}, {"softcap": 2.0}):
        whole, part = leaves(z, g.columns(z))
        theirs = xt.cross_entropy(whole, labels, reduction="none", **chosen)
        ours = xt.cross_entropy(part, labels, reduction="none", process_group=g.group, **chosen)
        found, expected = gradients(ours, [part])[0], g.columns(gradients(theirs, [whole])[0])
        close([ours, found], [theirs, expected], torch.float64, f"{chosen}")
    whole, part = leaves(z, g.columns(z))
    ours = xt.token_statistics(part, labels, process_group=g.group)
    theirs = xt.token_statistics(whole, labels)
    finite = [0, 1, 2, 6]
    close([a[finite] for a in ours], [a[finite] for a in theirs], torch.float64, "statistics")
    assert all(a[[3, 4, 5]].isnan().all() for a in ours[:3])
    assert ours.argmax[3:6].tolist() == [g.v - 1, 0, 0]  # where the NaN is, whatever a collective makes of it
    found, expected = gradients(ours, [part])[0], g.columns(gradients(theirs, [whole])[0])
    close([found], [expected], torch.float64, "gradients of statistics")


@case
def no_row_counts(g):
    nothing = torch.full((N,), -100)
    x, w, _ = layer(g)
    for reduction in ("mean", "sum", "none"):
        part = leaves(torch.full((N, g.widths[g.rank]), torch.nan), torch.full_like(x, torch.nan), g.columns(w, 0))
        loss = xt.cross_entropy(part[0], nothing, process_group=g.group, reduction=reduction)
        linear = xt.linear_cross_entropy(*part[1:], nothing, process_group=g.group, reduction=reduction)
        assert not loss.any()
        assert not linear.any()
        assert not any(a.any() for a in (*gradients(loss, part[:1]), *gradients(linear, part[1:])))
    part = leaves(torch.full((N, g.widths[g.rank]), torch.nan))
    weighed = xt.cross_entropy(part[0], nothing * 0, token_weight=torch.zeros(N), process_group=g.group)
    assert weighed == 0
    assert not gradients(weighed, part)[0].any()


@case
def ties_go_to_the_lowest_outcome(g):
    z = torch.zeros(4, g.v)
    z[1, 1:] = 1.0
    z[2, -1] = 1.0
    found = xt.token_statistics(g.columns(z), torch.zeros(4, dtype=torch.int64), process_group=g.group)
    assert found.argmax.tolist() == [0, 1, g.v - 1, 0]
    linear = xt.linear_token_statistics(torch.eye(4), g.columns(z.t(), 0), torch.zeros(4).long(), process_group=g.group)
    assert linear.argmax.tolist() == [0, 1, g.v - 1, 0]


@case
def nothing_is_lost_where_the_target_is_almost_certain(g):
    for place, offset in itertools.product((0, g.v - 1), (0.0, 1e4, -1e4)):
        z = normal(N, g.v)
        z[:, place] += 45.0
        z = z + offset
        labels = torch.full((N,), place)
        whole, part = leaves(z, g.columns(z))
        theirs = xt.cross_entropy(whole, labels, reduction="none")
        ours = xt.cross_entropy(part, labels, reduction="none", process_group=g.group)
        torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=0)
        found, expected = gradients(ours, [part])[0], g.columns(gradients(theirs, [whole])[0])
        torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)
        ours = xt.token_statistics(part, labels, process_group=g.group).log_prob
        torch.testing.assert_close(-ours, theirs, rtol=1e-13, atol=0)
        torch.testing.assert_close(gradients(ours, [part])[0], -expected, rtol=1e-13, atol=0)


@case
def every_process_has_the_same_bits(g):
    x, w, _ = layer(g)
    chosen = options(g)["all"]
    loss = xt.linear_cross_entropy(*leaves(x, g.columns(w, 0)), targets(g)["labels"], process_group=g.group, **chosen)
    h = x.clone().requires_grad_()
    again = xt.linear_cross_entropy(h, g.columns(w, 0), targets(g)["labels"], process_group=g.group, **chosen)
    again.backward()
    mine = torch.cat([loss.detach().reshape(1), again.detach().reshape(1), h.grad.flatten()])
    first = mine.clone()
    dist.broadcast(first, dist.get_global_rank(g.group, 0), g.group)
    assert torch.equal(mine, first)
    assert torch.equal(loss, again)


@case
def part_of_the_processes(g):
    members = [[0, 1], [2, 3]] if g.ranks == 4 else [[0], [1]]
    groups = [dist.new_group(ranks) for ranks in members]
    own = groups[[g.rank in ranks for ranks in members].index(True)]
    other = groups[[g.rank in ranks for ranks in members].index(False)]
    sub = Group(own)
    compare_logits(sub, targets(sub)["labels"], torch.float64, "a part", **options(sub)["all"])
    compare_linear(sub, targets(sub)["spread"], torch.float64, "a part", **options(sub)["all"])
    with pytest.raises(ValueError, match="`process_group` does not hold this process"):
        xt.cross_entropy(normal(3, 4), torch.zeros(3).long(), process_group=other)


@of_two
def autocast_and_checkpoints(g):
    from torch.utils.checkpoint import checkpoint

    x, w, _ = layer(g, torch.float32)
    labels = targets(g)["labels"]
    whole, part = leaves(x, w), leaves(x, g.columns(w, 0))
    with torch.autocast("cpu", torch.bfloat16):
        theirs = xt.linear_cross_entropy(*whole, labels)
        ours = xt.linear_cross_entropy(*part, labels, process_group=g.group)
    found, expected = gradients(ours, part), gradients(theirs, whole)
    close([ours, *found], [theirs, expected[0], g.columns(expected[1], 0)], torch.bfloat16, "autocast")
    plain = xt.linear_cross_entropy(*part, labels, process_group=g.group)
    held = checkpoint(
        lambda a, b: xt.linear_cross_entropy(a, b, labels, process_group=g.group), *part, use_reentrant=False
    )
    close([held, *gradients(held, part)], [plain, *gradients(plain, part)], torch.float32, "checkpoint")
    with torch.no_grad():
        again = xt.linear_cross_entropy(*part, labels, process_group=g.group)
    assert torch.equal(again, plain)


def refused(error, match, function, *args, **kwargs):
    with pytest.raises(error, match=match):
        function(*args, **kwargs)


@case
def what_one_refuses_all_refuse(g):
    x, w, _ = layer(g)
    z, head, y = g.columns(normal(N, g.v)), g.columns(w, 0), torch.zeros(N, dtype=torch.int64)
    last = g.rank == g.ranks - 1
    place = g.ranks - 1
    other = rf"process {place} of `process_group` refused its arguments or holds no outcome"
    group = {"process_group": g.group}
    refused(
        ShapeError, "no class along axis 1" if last else f"`input`: {other}", xt.cross_entropy,
        z[:, :0] if last else z, y, **group,
    )  # fmt: skip
    refused(
        ShapeError, "no length is 0" if last else f"`linear_weight`: {other}", xt.linear_cross_entropy,
        x, head[:0] if last else head, y, **group,
    )  # fmt: skip
    refused(
        ShapeError, "of the same D" if last else other, xt.linear_token_statistics,
        x, head[:, 1:] if last else head, y, **group,
    )  # fmt: skip
    refused(
        ValueError, "this call needs at least" if last else other, xt.linear_cross_entropy,
        x, head, y, memory_budget=9 if last else 1 << 30, **group,
    )  # fmt: skip
    weight = torch.full((g.v,), torch.nan if last else 1.0).double()
    refused(ValueError, "a class weight is a finite number" if last else other, xt.cross_entropy, z, y, weight, **group)
    rows = ", ".join(["7"] * place + ["6"])
    refused(
        ShapeError, rf"hold \[{rows}\] rows", xt.token_statistics,
        z[1:] if last else z, y[1:] if last else y, **group,
    )  # fmt: skip
    refused(ValueError, "made different calls", xt.cross_entropy, z, y, z_loss=0.1 if last else 0.2, **group)
    of = x.detach().requires_grad_(last)  # a gradient that is summed over all of them
    refused(ValueError, "made different calls", xt.linear_cross_entropy, of, head, y, **group)
    bad = y.clone()
    bad[0] = g.v * last  # a label that one process alone would refuse
    refused(ValueError, "made different calls: options, labels", xt.cross_entropy, z, bad, **group)
    refused(ValueError, "made different calls: options, labels", xt.linear_cross_entropy, x, head, bad, **group)
    wide = g.widths[-1]
    message = rf"`weight` has shape \({g.v + 1},\) in process {place} of `process_group`; it holds one number a class: "
    message += rf"of the columns there, shape \({wide},\), or of all, shape \({g.v},\)."
    weight = torch.ones(g.v + last).double()
    refused(ShapeError, message, xt.cross_entropy, z, y, weight, **group)
    refused(ShapeError, message, xt.linear_cross_entropy, x, head, y, weight=weight, **group)


@case
def bad_targets_are_the_same_error_everywhere(g):
    x, w, _ = layer(g)
    z, head, y = g.columns(normal(N, g.v)), g.columns(w, 0), torch.zeros(N, dtype=torch.int64)
    y[3] = g.v
    message = rf"`target` has 1 label outside \[0, {g.v}\); {g.v} at row 3. If {g.v} marks rows to skip"
    for function, given in (
        (xt.cross_entropy, (z,)),
        (xt.token_statistics, (z,)),
        (xt.linear_cross_entropy, (x, head)),
        (xt.linear_token_statistics, (x, head)),
    ):
        refused(DistributionError, message, function, *given, y, process_group=g.group)
    function = xt.cross_entropy
    top = targets(g)["drop"]
    refused(
        DistributionError, "sums to 0.5. Say where the rest is", function,
        z, TopK(top.indices, top.probs), process_group=g.group,
    )  # fmt: skip
    refused(
        DistributionError, "`target.indices` has 21 labels outside", function,
        z, TopK(top.indices + g.v, top.probs, "drop"), process_group=g.group,
    )  # fmt: skip
    dense = targets(g)["dense"].clone()
    dense[2] *= 2
    for function, given in ((xt.cross_entropy, (z,)), (xt.linear_cross_entropy, (x, head))):
        refused(
            DistributionError, "`target` row 2 sums to 2 over all processes, not 1.", function,
            *given, g.columns(dense), process_group=g.group,
        )  # fmt: skip
    dense[1, :2] += torch.tensor([-1.0, 1.0])
    refused(
        DistributionError, "`target` row 1 has a number below 0, or NaN, in a process", xt.cross_entropy,
        z, g.columns(dense), process_group=g.group,
    )  # fmt: skip
    for wrong in (0.0, torch.tensor(-1.0)):
        refused(
            ValueError, "`denominator` is -?[01]; it is a finite number above 0", xt.cross_entropy,
            z, y.clamp(max=1), denominator=wrong, process_group=g.group,
        )  # fmt: skip


@of_two
def what_is_not_there_is_said(g):
    x, w, _ = layer(g)
    z, head, y = leaves(g.columns(normal(N, g.v)))[0], g.columns(w, 0), torch.zeros(N, dtype=torch.int64)
    h, by = x.clone().requires_grad_(), torch.ones(g.v).double().requires_grad_()
    for loss, a in (
        (xt.cross_entropy(z, y, process_group=g.group), z),
        (xt.token_statistics(z, y, process_group=g.group).entropy.sum(), z),
        (xt.linear_cross_entropy(h, head, y, process_group=g.group), h),
        (xt.linear_token_statistics(h, head, y, process_group=g.group).log_prob.sum(), h),
        (xt.linear_cross_entropy(h, head, y, weight=by, process_group=g.group), h),
    ):
        refused(
            BackendUnavailable, "Second derivatives through `process_group` are not available", torch.autograd.grad,
            loss, a, create_graph=True,
        )  # fmt: skip
    message = (
        rf"The vocabulary is split over {g.ranks} processes, but a transform of torch.func \(vmap, grad, jvp ...\) is"
    )
    many = torch.vmap(lambda a: xt.cross_entropy(a, y, process_group=g.group))
    refused(BackendUnavailable, message, many, torch.stack([z.detach(), z.detach()]))
    by_input = torch.func.grad(lambda a: xt.linear_cross_entropy(a, head, y, process_group=g.group))
    refused(BackendUnavailable, message, by_input, x)


@case
def where_no_value_can_be_read(g):
    """As on an accelerator: the processes know each other's widths as tensors alone, and all the logits are held."""
    from xent.torch import _state

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_state, "readable", lambda a: False)
        patch.setattr(_state, "obstacle", lambda *tensors: "they are elsewhere" if tensors else "")
        for kind, target in targets(g).items():
            for name in ("plain", "all"):
                compare_logits(g, target, torch.float64, f"{kind}, {name}", **options(g)[name])
                compare_linear(g, target, torch.float64, f"linear: {kind}, {name}", **options(g)[name])
        x, w, _ = layer(g)
        y = targets(g)["labels"]
        y[3] = g.v
        z = leaves(g.columns(normal(N, g.v)))
        each = xt.cross_entropy(z[0], y, process_group=g.group, reduction="none")
        assert each.isnan().tolist() == [i == 3 for i in range(N)]
        assert not gradients(each, z)[0][[1, 3]].any()
        for found in (
            xt.token_statistics(z[0], y, process_group=g.group),
            xt.linear_token_statistics(x, g.columns(w, 0), y, process_group=g.group),
        ):
            assert found.log_prob.isnan().tolist() == [i == 3 for i in range(N)]
        for wrong in (g.v - 1, g.v + 1):
            weighed = xt.cross_entropy(z[0], targets(g)["labels"], torch.ones(wrong), process_group=g.group)
            assert weighed.isnan()


@case
def the_choice_needs_nobody_else(g):
    if g.rank:  # one process asks, and does not wait for the others
        return
    z, y = normal(N, g.v).requires_grad_(), torch.zeros(N, dtype=torch.int64)
    found = xt.choice(xt.cross_entropy, z, y, process_group=g.group)
    assert found == ("reference", "in backward", f"the vocabulary is split over {g.ranks} processes")
    assert xt.choice(xt.token_statistics, z.detach(), y, process_group=g.group).gradient == "none"
    x, w, _ = layer(g)
    for function in (xt.linear_cross_entropy, xt.linear_token_statistics):
        assert xt.choice(function, x, w, y, process_group=g.group).gradient == "none"
        assert xt.choice(function, x.clone().requires_grad_(), w, y, process_group=g.group)[:2] == (
            "reference",
            "in backward",
        )


@of_two
def a_backend_by_name(g):
    z, y = g.columns(normal(N, g.v)), torch.zeros(N, dtype=torch.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XENT_BACKEND", "native")
        message = f"XENT_BACKEND=native, but the vocabulary is split over {g.ranks} processes"
        refused(BackendUnavailable, message, xt.cross_entropy, z, y, process_group=g.group)
        patch.setenv("XENT_BACKEND", "reference")
        close(
            [xt.cross_entropy(z, y, process_group=g.group)],
            [xt.cross_entropy(normal(N, g.v), y)],
            torch.float64,
            "by name",
        )


def mesh(g):
    from torch.distributed.device_mesh import init_device_mesh

    return init_device_mesh("cpu", (g.ranks,), mesh_dim_names=("vocabulary",))


def on(mesh, a, axis):
    """A DTensor of `a`, split along an axis or whole everywhere, that wants a gradient."""
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    placement = Replicate() if axis is None else Shard(axis)
    return distribute_tensor(a.detach().clone(), mesh, [placement]).requires_grad_(a.is_floating_point())


@case
def dtensor_logits(g):
    m, z, kinds = mesh(g), normal(N, 10) * 3, targets(g)
    for kind, name in itertools.product(("labels", "dense", "spread"), ("plain", "all")):
        chosen = options(g)[name]
        (whole,), part = leaves(z), on(m, z, 1)
        target = kinds[kind]
        split = on(m, target, 1).detach() if kind == "dense" else target
        theirs = xt.cross_entropy(whole, target, **chosen)
        ours = xt.cross_entropy(part, split, **chosen)
        theirs.backward()
        ours.backward()
        assert type(ours) is torch.Tensor
        assert part.grad.placements == part.placements
        close([ours, part.grad.full_tensor()], [theirs, whole.grad], torch.float64, f"{kind}, {name}")
    (whole,), part = leaves(z), on(m, z, 1)
    shared = {k: on(m, v, None).detach() for k, v in options(g)["all"].items() if isinstance(v, torch.Tensor)}
    close(
        [xt.cross_entropy(part, on(m, kinds["labels"], None), process_group=m.get_group(), **shared)],
        [xt.cross_entropy(whole, kinds["labels"], **{k: options(g)["all"][k] for k in shared})],
        torch.float64,
        "whole everywhere",
    )
    weight = options(g)["weight"]["weight"]
    close(
        [xt.cross_entropy(part, kinds["labels"], on(m, weight, 0).detach())],
        [xt.cross_entropy(whole, kinds["labels"], weight)],
        torch.float64,
        "class weights split too",
    )
    message = r"`weight` has shape \(12,\); it holds one number a class: of the columns here, shape \(\d,\), or of all"
    refused(ShapeError, message, xt.cross_entropy, part, kinds["labels"], torch.ones(12))
    found = xt.token_statistics(part, kinds["labels"])
    close(found, xt.token_statistics(whole, kinds["labels"]), torch.float64, "statistics")


@partial(case, worlds=(4,))
def dtensors_of_two_dimensions(g):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    m = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "vocabulary"))
    z, labels = normal(N, 10), targets(g)["labels"]
    (whole,) = leaves(z)
    part = distribute_tensor(z, m, [Replicate(), Shard(1)]).requires_grad_()
    theirs, ours = (
        xt.cross_entropy(whole, labels),
        xt.cross_entropy(part, labels, process_group=m["vocabulary"].get_group()),
    )
    theirs.backward()
    ours.backward()
    close([ours, part.grad.full_tensor()], [theirs, whole.grad], torch.float64, "one of two dimensions")
    rows = distribute_tensor(z[:6], m, [Shard(0), Shard(1)])
    refused(
        ValueError, "`input` is a DTensor placed .* whole, or split along axis 1", xt.cross_entropy, rows, labels[:6]
    )


@case
def dtensor_weights(g):
    m, labels = mesh(g), targets(g)["labels"]
    x, w, b = layer(g)
    whole = leaves(x, w, b)
    theirs = xt.linear_cross_entropy(*whole[:2], labels, linear_bias=whole[2], label_smoothing=0.1)
    theirs.backward()
    for shared in (True, False):
        part = [on(m, x, None) if shared else leaves(x)[0], on(m, w, 0), on(m, b, 0)]
        group = None if shared else m.get_group()
        ours = xt.linear_cross_entropy(*part[:2], labels, linear_bias=part[2], label_smoothing=0.1, process_group=group)
        ours.backward()
        assert all(a.grad.placements == a.placements for a in part[1:])
        found = [part[0].grad.full_tensor() if shared else part[0].grad, *(a.grad.full_tensor() for a in part[1:])]
        close([ours, *found], [theirs, *(a.grad for a in whole)], torch.float64, f"shared {shared}")
        statistics = xt.linear_token_statistics(*part[:2], labels, process_group=group)
        close(statistics, xt.linear_token_statistics(*whole[:2], labels), torch.float64, "statistics")


@case
def dtensors_that_do_not_say_enough(g):
    m, labels = mesh(g), targets(g)["labels"]
    x, w, _ = layer(g)
    for function in (xt.linear_cross_entropy, xt.linear_token_statistics):
        with pytest.raises(ValueError, match=r"whether the processes hold the same rows") as found:
            function(x, on(m, w, 0), labels)
        assert "process_group=mesh.get_group()" in str(found.value)
        assert "linear_weight.full_tensor()" in str(found.value)
        assert "fully_shard" in str(found.value)
    z = normal(N, g.v)
    refused(
        ValueError,
        "`input` is a DTensor placed .* along axis 1",
        xt.cross_entropy,
        on(m, z, 0),
        labels,
        process_group=m.get_group(),
    )
    refused(
        ValueError,
        "`input` is a DTensor that every process holds whole, and",
        xt.cross_entropy,
        on(m, z, None),
        labels,
        process_group=m.get_group(),
    )
    mixed = "is a DTensor, not split over the outcomes, and `target` is a plain tensor"
    for placed in (on(m, z, None), on(m, z, 0)):
        refused(ValueError, mixed, xt.cross_entropy, placed, labels)
        refused(ValueError, mixed, xt.token_statistics, placed, labels)
    refused(ValueError, "and `input` is a plain tensor", xt.linear_cross_entropy, x, on(m, w, None), labels)
    refused(
        ValueError,
        "`target` is a DTensor placed .* whole in every process",
        xt.cross_entropy,
        on(m, z, 1),
        on(m, labels, 0),
    )
    few = normal(N, g.ranks + 1 if g.ranks > 2 else 1)
    refused(ShapeError, "which leaves some without any", xt.cross_entropy, on(m, few, 1), labels * 0)
    from torch.distributed.tensor import DTensor, Shard

    odd = DTensor.from_local(g.columns(z), m, [Shard(1)], shape=z.shape, stride=z.stride())
    each = -(-g.v // g.ranks)
    if g.widths[g.rank] != min(each, g.v - each * g.rank):
        refused(ShapeError, r"not \d; pass `input.to_local\(\)` and `process_group`", xt.cross_entropy, odd, labels)
    alone = [dist.new_group([rank]) for rank in range(g.ranks)][g.rank]
    refused(
        ValueError,
        "`process_group` is of the processes .* leave `process_group` out",
        xt.cross_entropy,
        on(m, z, 1),
        labels,
        process_group=alone,
    )


@of_two  # it takes as long as all the others
def compiled_as_one_graph(g):
    x, w, _ = layer(g)
    labels, chosen = targets(g)["labels"], options(g)["all"]
    part = leaves(x, g.columns(w, 0))

    def loss(h, head):
        return xt.linear_cross_entropy(h, head, labels, process_group=g.group, **chosen)

    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch says of itself
        ours = torch.compile(loss, fullgraph=True, backend="aot_eager")(*part)
        found = gradients(ours, part)
    theirs = loss(*part)
    close([ours, *found], [theirs, *gradients(theirs, part)], torch.float64, "compiled")


@case
def fully_sharded_heads(g):
    from torch.distributed.fsdp import fully_shard

    class Model(torch.nn.Module):
        def __init__(self, own_head):
            super().__init__()
            self.body = torch.nn.Linear(D, D, dtype=torch.float64)
            self.own_head = own_head
            if own_head:
                self.head = xt.LinearCrossEntropyLoss(D, g.v, bias=True, dtype=torch.float64, label_smoothing=0.1)
            else:
                self.head = torch.nn.Linear(D, g.v, dtype=torch.float64)

        def forward(self, x, y):
            h = self.body(x)
            if self.own_head:
                return self.head(h, y)
            return xt.linear_cross_entropy(h, self.head.weight, y, linear_bias=self.head.bias, label_smoothing=0.1)

    x, y = normal(g.ranks, N, D), torch.arange(g.ranks * N).reshape(g.ranks, N) % g.v
    for own_head in (True, False):
        torch.manual_seed(0)
        whole = Model(own_head)
        torch.manual_seed(0)
        part = Model(own_head)
        if own_head:
            fully_shard(part.head, mesh=mesh(g))
        fully_shard(part, mesh=mesh(g))
        sum(whole(a, b) for a, b in zip(x, y, strict=True)).div(g.ranks).backward()
        part(x[g.rank], y[g.rank]).backward()
        for (name, a), (_, b) in zip(part.named_parameters(), whole.named_parameters(), strict=True):
            close([a.grad.full_tensor()], [b.grad], torch.float64, f"{name}, own head {own_head}")


def kernels(function):
    """A case of the Triton kernels."""
    KERNELS[function.__name__] = function, (2,)
    return function


def by_kernels(g, function, *args, **kwargs):
    """What the processes say together by the kernels, which read float32 and halves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XENT_BACKEND", "triton")
        return function(*args, process_group=g.group, **kwargs)


def whole(target):
    """A target as the float64 reference takes it."""
    if isinstance(target, TopK):
        return replace(target, probs=target.probs.double())
    return target.double() if target.is_floating_point() else target


def compare_kernels(g, target, dtype, what, **kwargs):
    """Losses of logits beside those of one process in float64; what an ignored row holds is not read."""
    x = (normal(N, g.v) * 3).to(dtype)
    if isinstance(target, torch.Tensor) and not target.is_floating_point():
        x[target == -100] = torch.nan
    alone, part = leaves(x.double(), g.columns(x))
    theirs = xt.cross_entropy(alone, whole(target), **kwargs)
    ours = by_kernels(g, xt.cross_entropy, part, mine(g, target), **kwargs)
    (expected,), (found,) = gradients(theirs, [alone]), gradients(ours, [part])
    close([ours, found], [theirs.float(), g.columns(expected).to(dtype)], dtype, what)


@kernels
def kernels_of_the_losses(g):
    kinds, chosen = targets(g, dtype=torch.float32), options(g, torch.float32)
    for kind, name, reduction in (
        ("labels", "plain", "mean"),
        ("labels", "all", "none"),
        ("labels", "weight", "mean"),
        ("dense", "all", "mean"),
        ("top-k", "plain", "sum"),
        ("drop", "smoothing", "none"),
        ("spread", "plain", "none"),
        ("spread", "all", "mean"),
    ):
        compare_kernels(g, kinds[kind], torch.float32, f"{kind}, {name}", reduction=reduction, **chosen[name])
    for dtype in (torch.bfloat16, torch.float16):
        compare_kernels(g, kinds["labels"], dtype, f"{dtype}", label_smoothing=0.1)


@kernels
def kernels_of_rows_without_a_loss(g):
    """A label that is no class is NaN for its row and has no gradient; where no row counts not even NaN has one."""
    y = targets(g)["labels"]
    y[3] = g.v
    z = leaves(g.columns(normal(N, g.v, dtype=torch.float32)))
    each = by_kernels(g, xt.cross_entropy, z[0], y, reduction="none")
    assert each.isnan().tolist() == [i == 3 for i in range(N)]
    found = gradients(each, z)[0]
    assert not found[[1, 3]].any()
    assert found[[0, 2, 4, 5, 6]].all()
    x, w, _ = layer(g, torch.float32)
    h = leaves(x, g.columns(w, 0))
    linear = by_kernels(g, xt.linear_cross_entropy, *h, y, reduction="none")
    assert linear.isnan().tolist() == [i == 3 for i in range(N)]
    by_input, by_weight = gradients(linear, h)
    assert not by_input[[1, 3]].any()
    assert by_weight.isfinite().all()
    for target in (torch.zeros(N, dtype=torch.int64), targets(g, dtype=torch.float32)["dense"]):
        x = normal(N, g.v, dtype=torch.float32)
        x[:, [0, -1]] = torch.nan
        z = leaves(g.columns(x))
        nothing = by_kernels(g, xt.cross_entropy, z[0], mine(g, target), token_weight=torch.zeros(N))
        assert nothing == 0
        assert not gradients(nothing, z)[0].any()
    s = by_kernels(g, xt.token_statistics, h[0] @ h[1].t(), y)
    assert s.log_prob.isnan().tolist() == [i == 3 for i in range(N)]
    assert s.argmax[1] == -1


@kernels
def kernels_of_the_statistics(g):
    labels, z = targets(g)["labels"], (normal(N, g.v) * 3).float()
    z[0] = 1.0  # ties go to the lowest outcome
    z[2, 2:] = 7.0
    z[3, 5:] = 7.0
    z[4, :5] = -torch.inf  # nothing in the first process
    labels[4] = g.v - 1
    z[1] = torch.nan  # ignored
    for chosen in ({}, {"softcap": 2.0, "temperature": 0.7}):
        alone, part = leaves(z.double(), g.columns(z))
        theirs, ours = (
            xt.token_statistics(alone, labels, **chosen),
            by_kernels(g, xt.token_statistics, part, labels, **chosen),
        )
        assert torch.equal(ours.argmax, theirs.argmax)
        (expected,), (found,) = gradients(theirs, [alone]), gradients(ours, [part])
        theirs = [a.float() for a in (*theirs[:3], g.columns(expected))]
        close([*ours[:3], found], theirs, torch.float32, f"{chosen}")
    (alone,), (part,) = leaves(z.double()), leaves(g.columns(z))
    (expected,) = gradients(xt.token_statistics(alone, labels).entropy, [alone])
    (found,) = gradients(by_kernels(g, xt.token_statistics, part, labels).entropy, [part])
    close([found], [g.columns(expected).float()], torch.float32, "entropy by itself")


def compare_linear_kernels(g, target, what, **kwargs):
    x, w, b = layer(g, torch.float32)
    if isinstance(target, torch.Tensor) and not target.is_floating_point():
        x[target == -100] = torch.nan
    alone, part = leaves(*(a.double() for a in (x, w, b))), leaves(x, g.columns(w, 0), g.columns(b, 0))
    theirs = xt.linear_cross_entropy(*alone[:2], whole(target), linear_bias=alone[2], **kwargs)
    ours = by_kernels(g, xt.linear_cross_entropy, *part[:2], mine(g, target), linear_bias=part[2], **kwargs)
    expected, found = gradients(theirs, alone), gradients(ours, part)
    expected = expected[0], g.columns(expected[1], 0), g.columns(expected[2], 0)
    close([ours, *found], [a.float() for a in (theirs, *expected)], torch.float32, what)


@kernels
def kernels_of_the_last_layer(g):
    """In one chunk, whose logits are made once, and in several, whose logits are made again."""
    from xent.torch.backends.triton import linear, products

    kinds, chosen = targets(g, dtype=torch.float32), options(g, torch.float32)
    logits, made = products.logits, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "logits", lambda x, *rest: made.append(len(x)) or logits(x, *rest))
        for rows, walked in ((N, [N - 1]), (3 + g.rank, [3 + g.rank, N - 4 - g.rank] * 2)):
            patch.setattr(linear, "planned", lambda *given, rows=rows, **named: rows)
            made.clear()
            compare_linear_kernels(g, kinds["labels"], f"{rows} rows, labels", **chosen["all"])
            assert made == walked
            compare_linear_kernels(g, kinds["dense"], f"{rows} rows, dense", reduction="none")
            compare_linear_kernels(g, kinds["spread"], f"{rows} rows, spread", reduction="sum")
            x, w, _ = layer(g, torch.float32)
            alone, part = leaves(x.double(), w.double()), leaves(x, g.columns(w, 0))
            theirs = xt.linear_token_statistics(*alone, kinds["labels"])
            ours = by_kernels(g, xt.linear_token_statistics, *part, kinds["labels"])
            assert torch.equal(ours.argmax, theirs.argmax)
            expected, found = gradients(theirs, alone), gradients(ours, part)
            expected = [*theirs[:3], expected[0], g.columns(expected[1], 0)]
            close([*ours[:3], *found], [a.float() for a in expected], torch.float32, f"{rows} rows, statistics")


@kernels
def kernels_of_halves_and_positions(g):
    x, w = normal(4, D, dtype=torch.bfloat16), normal(g.v, 2, D, seed=1, dtype=torch.bfloat16)
    labels = torch.tensor([[0, 1], [-100, 2], [-100, -100], [g.v - 1, 3]])
    alone, part = leaves(x.double(), w.double()), leaves(x, g.columns(w, 0))
    theirs, ours = xt.linear_cross_entropy(*alone, labels), by_kernels(g, xt.linear_cross_entropy, *part, labels)
    expected, found = gradients(theirs, alone), gradients(ours, part)
    expected = [theirs.float(), expected[0].bfloat16(), g.columns(expected[1], 0).bfloat16()]
    close([ours, *found], expected, torch.bfloat16, "positions")
    nothing = by_kernels(g, xt.linear_cross_entropy, part[0][:0], part[1], labels[:0], reduction="sum")
    assert nothing == 0
    assert not any(a.any() for a in gradients(nothing, part))


@kernels
def the_choice_of_kernels(g):
    over = f"the vocabulary is split over {g.ranks} processes"
    z, y, weight = normal(N, g.v, dtype=torch.float32), torch.zeros(N, dtype=torch.int64), torch.ones(g.v)
    found = by_kernels(g, partial(xt.choice, xt.cross_entropy), z.clone().requires_grad_(), y)
    assert found == ("triton", "in backward", over)
    x, w, _ = layer(g, torch.float32)
    assert by_kernels(g, partial(xt.choice, xt.linear_token_statistics), x, w, y) == ("triton", "none", over)
    for given, why in (
        ((z, y, weight.requires_grad_()), "`weight` requires a gradient"),
        ((z, z.softmax(1).requires_grad_()), "`target` requires a gradient"),
        ((z.double(), y), "float64 is computed by torch operations"),
    ):
        refused(BackendUnavailable, f"XENT_BACKEND=triton, but {why}", by_kernels, g, xt.cross_entropy, *given)


def main(rank, world, folder, *, kernels):
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=world,
        timeout=PATIENCE,
    )
    found = {}
    for name, (function, worlds) in (KERNELS if kernels else CASES).items():
        if world not in worlds:
            continue
        group = dist.new_group(timeout=PATIENCE)  # each its own: what one leaves unfinished does not reach the next
        try:
            function(Group(group))
            found[name] = ""
        except (Exception, pytest.fail.Exception):  # what any of them is goes to the test
            found[name] = traceback.format_exc()
    Path(folder, f"{rank}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], kernels="TRITON_INTERPRET" in os.environ)
