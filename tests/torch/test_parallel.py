"""A vocabulary over several processes says what one process says: forward, backward, and in its errors.

The cases are those of `parallel_worker.py`. One set of processes for each size of the group runs all of them.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import parallel_worker
import pytest
import torch
import torch.distributed as dist
from samples import cannot_interpret, same_bits, sample, value_and_gradient

import xent
import xent.torch as xt
from xent import BackendUnavailable, ShapeError

WORKER = Path(parallel_worker.__file__)
LONGEST = 240  # seconds that the processes may take in all

pytestmark = pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="torch without gloo")


def together(world, folder, *, kernels=False):
    """What each of the processes says of every case: {case: traceback or nothing}."""
    source = str(Path(xent.__file__).parents[1])
    settings = ("XENT_BACKEND", "TRITON_INTERPRET")
    environment = {name: value for name, value in os.environ.items() if name not in settings}
    environment |= {"TRITON_INTERPRET": "1"} if kernels else {}
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    processes = []
    try:
        for rank in range(world):
            arguments = [sys.executable, WORKER, str(rank), str(world), folder]
            with (folder / f"{rank}.log").open("w") as log:
                processes.append(subprocess.Popen(arguments, env=environment, stdout=log, stderr=log))
        end = time.monotonic() + LONGEST
        for process in processes:
            process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        pass  # what is missing then, the tests say
    finally:
        for process in processes:
            process.kill()
            process.wait()
    told = []
    for rank in range(world):
        said = folder / f"{rank}.json"
        end = {"no end": (folder / f"{rank}.log").read_text()}
        told.append(json.loads(said.read_text()) if said.exists() else end)
    return told


def agree(found, cases):
    """Every process has run all the cases, and none of them failed."""
    wrong = [
        f"{name}, process {rank}: {what}" for rank, told in enumerate(found) for name, what in told.items() if what
    ]
    assert not wrong, "\n".join(wrong)
    assert all(set(told) == set(cases) for told in found)


@pytest.mark.parametrize("world", [2, 4])
def test_together_as_alone(world, tmp_path):
    """One test for all cases: several would start the processes again in every worker of pytest-xdist."""
    found = together(world, tmp_path)
    agree(found, [name for name, (_, worlds) in parallel_worker.CASES.items() if world in worlds])


def test_kernels_together_as_alone(tmp_path):
    """The Triton kernels, interpreted on the CPU, also where there is a GPU."""
    if lack := cannot_interpret():
        pytest.skip(lack)
    agree(together(2, tmp_path, kernels=True), parallel_worker.KERNELS)


@pytest.fixture
def one(tmp_path):
    """The group of this process alone."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    yield dist.group.WORLD
    dist.destroy_process_group()


def test_a_group_of_one_is_the_ordinary_loss(one, backend):
    x, y = sample((7, 5), torch.float32)
    same_bits(value_and_gradient(xt.cross_entropy, x, y, process_group=one), value_and_gradient(xt.cross_entropy, x, y))
    same_bits(xt.token_statistics(x, y, process_group=one), xt.token_statistics(x, y))
    w = sample((9, 5), torch.float32, seed=3)[0]
    chosen = {"label_smoothing": 0.1, "z_loss": 0.1}
    ours = value_and_gradient(xt.linear_cross_entropy, x, w, y, process_group=one, **chosen)
    same_bits(ours, value_and_gradient(xt.linear_cross_entropy, x, w, y, **chosen))
    same_bits(xt.linear_token_statistics(x, w, y, process_group=one), xt.linear_token_statistics(x, w, y))
    assert xt.choice(xt.cross_entropy, x, y, process_group=one) == xt.choice(xt.cross_entropy, x, y)
    assert xt.choice(xt.cross_entropy, x, y, process_group=one).backend == backend


def test_a_group_of_one_has_higher_derivatives(one):
    x, y = sample()
    x.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda a: xt.cross_entropy(a, y, process_group=one), x)


def test_what_is_no_group():
    x, y = sample()
    message = (
        "`process_group` is a int; it is a torch.distributed.ProcessGroup, such as `torch.distributed.group.WORLD`"
    )
    for function, given in (
        (xt.cross_entropy, (x, y)),
        (xt.token_statistics, (x, y)),
        (xt.linear_cross_entropy, (x, x, y)),
        (xt.linear_token_statistics, (x, x, y)),
    ):
        with pytest.raises(TypeError, match=message):
            function(*given, process_group=0)
        with pytest.raises(ValueError, match="`process_group` does not hold this process; pass a group to its members"):
            function(*given, process_group=dist.GroupMember.NON_GROUP_MEMBER)


@pytest.fixture
def pretended():
    """A group of two, the other of which is pretended: it never says a number."""
    from torch.testing._internal.distributed.fake_pg import FakeStore

    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    yield dist.group.WORLD
    dist.destroy_process_group()


def test_the_choice(pretended, monkeypatch):
    x, y = sample((7, 5))
    found = xt.choice(xt.cross_entropy, x.requires_grad_(), y, process_group=pretended)
    assert found == ("reference", "in backward", "the vocabulary is split over 2 processes")
    assert xt.choice(xt.token_statistics, x.detach(), y, process_group=pretended).gradient == "none"
    assert xt.choice(xt.linear_cross_entropy, x, x.detach(), y, process_group=pretended).gradient == "in backward"
    assert xt.choice(xt.linear_token_statistics, x, x, y, process_group=pretended).gradient == "in backward"
    monkeypatch.setenv("XENT_BACKEND", "native")
    with pytest.raises(BackendUnavailable, match="XENT_BACKEND=native, but the vocabulary is split over 2 processes"):
        xt.choice(xt.cross_entropy, x, y, process_group=pretended)


def test_what_one_process_can_refuse(pretended):
    x, y = sample((7, 5))
    soft = x.softmax(1)
    for function, given, error, message in (
        (xt.cross_entropy, (x, y, torch.ones(5, 2)), ShapeError, r"`weight` has shape \(5, 2\); it holds one number a"),
        (xt.cross_entropy, (x, y, [1.0]), TypeError, "`weight` is a list; it is a torch.Tensor."),
        (xt.cross_entropy, (x, soft[:, 1:]), ShapeError, r"`target` has shape \(7, 4\); for `input` of shape \(7, 5\)"),
        (xt.token_statistics, (x, soft), ShapeError, "the statistics of a row are of one class"),
        (xt.linear_cross_entropy, (x, x[:, 1:], y), ShapeError, "of the same D."),
        (xt.linear_token_statistics, (x, x, soft[:, [0] * 7]), ShapeError, "the statistics of a row are of one class"),
    ):
        with pytest.raises(error, match=message):
            function(*given, process_group=pretended)


def test_what_the_others_did_not_say_is_refused(pretended):
    x, y = sample((7, 5))
    with pytest.raises(
        ShapeError, match="`input`: process 1 of `process_group` refused its arguments or holds no outcome"
    ):
        xt.cross_entropy(x, y, process_group=pretended)
    with pytest.raises(
        ShapeError, match="`linear_weight`: process 1 of `process_group` refused its arguments or holds"
    ):
        xt.linear_token_statistics(x, x, y, process_group=pretended)


def test_nothing_of_it_is_imported_before_it_is_used():
    code = "import sys, xent.torch; print([m for m in sys.modules if m.startswith('torch.distributed.tensor')])"
    environment = os.environ | {"PYTHONPATH": str(Path(xent.__file__).parents[1])}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
