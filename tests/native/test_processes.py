"""Same bits for every instruction set, thread count and split; threads, forks, and a missing core."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from xent import _native

HERE = Path(__file__).parent
STORED = (HERE / "bits.sha256").read_text().split()[0]
SETS = ("x86-64", "x86-64-v3", "x86-64-v4")


def run(code_or_file, **environment):
    command = [sys.executable, *([str(code_or_file)] if isinstance(code_or_file, Path) else ["-c", code_or_file])]
    environment = {**os.environ, "XENT_REQUIRE_NATIVE": "0", **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("isa", SETS)
def test_stored_bits(isa, threads):
    if _native.isa() not in SETS:
        isa = _native.isa()
    elif isa not in _native._core.runnable():
        pytest.skip(f"this processor does not run {isa}")
    done = run(HERE / "bits.py", XENT_ISA=isa, XENT_NUM_THREADS=threads)
    assert done.stdout.split() == [STORED, isa], done.stderr


def test_splits_of_the_rows():
    p = np.random.default_rng(1).dirichlet(np.ones(40), 20000)
    whole = _native.reduce("entropy", (("probs", p),), -1)[0]
    for size in (1, 7, 4096):
        n = 300 if size == 1 else len(p)
        parts = [_native.reduce("entropy", (("probs", p[i : i + size]),), -1)[0] for i in range(0, n, size)]
        assert np.array_equal(np.concatenate(parts), whole[:n])


def test_unknown_settings_say_so():
    done = run("from xent import _native", XENT_ISA="pdp11")
    assert done.returncode != 0
    assert (
        f"ValueError: XENT_ISA=pdp11 is not one of {SETS[0] if _native.isa() in SETS else _native.isa()}" in done.stderr
    )
    done = run("from xent import _native", XENT_NUM_THREADS="many")
    assert done.returncode != 0
    assert "ValueError: XENT_NUM_THREADS=many is not a positive whole number" in done.stderr
    for isa in set(SETS) - set(_native._core.runnable()) if _native.isa() in SETS else ():
        assert (
            f"XENT_ISA={isa}: this processor runs only {SETS[0]}"
            in run("from xent import _native", XENT_ISA=isa).stderr
        )
    assert run("from xent import _native; print(_native.threads())", XENT_NUM_THREADS="5").stdout.strip() == "5"


def entropies(_=None):
    p = np.random.default_rng(2).dirichlet(np.ones(64), 20000)
    return _native.reduce("entropy", (("probs", p),), -1, tol=1e-6)[0]


FORKING = """
import multiprocessing
import numpy as np
from xent import _native

p = np.random.default_rng(4).dirichlet(np.ones(300), 2000)

def entropies(_=0):
    return _native.reduce("entropy", (("probs", p),), -1, tol=1e-6)[0]

want = entropies()  # in threads, then in children of a fork
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert all(np.array_equal(got, want) for got in pool.map_async(entropies, range(4)).get(timeout=60))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork_after_threads():
    # in a process of its own: other libraries of this one may have threads that do not survive a fork
    done = run(FORKING, XENT_NUM_THREADS="2")
    assert done.returncode == 0, done.stderr


def test_many_python_threads_at_once():
    want, wrong = entropies(), []

    def work():
        wrong.extend(not np.array_equal(entropies(), want) for _ in range(3))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len(wrong) == 12
    assert not any(wrong)
