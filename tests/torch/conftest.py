import contextlib
import os
import sys
from pathlib import Path

import pytest
import torch

# Tests are imported by file ("importlib"): the references beside them are found like this.
sys.path.insert(0, str(Path(__file__).parent))

from samples import TRITON, cannot_interpret  # found by the line above

ON_GPU = torch.cuda.is_available()


@pytest.fixture(params=["reference", "native", TRITON])
def backend(request, monkeypatch):
    """Each backend by force: what it cannot do is an error, so that a test of it tests it.

    Triton's works on the GPU, where tensors are then made unless they are told otherwise, or else is interpreted. What
    is skipped for it is skipped here: float64.
    """
    from xent import _native
    from xent.torch import _triton

    if request.param == "native" and not _native.available():
        pytest.skip(_native.reason())
    with contextlib.ExitStack() as stack:
        if request.param == "triton":
            where = stack.enter_context(torch.device("cuda")) if ON_GPU else torch.device("cpu")
            if lack := _triton.lacking(torch.empty(0, device=where)) or ("" if ON_GPU else cannot_interpret()):
                pytest.skip(lack)
            callspec = getattr(request.node, "callspec", None)
            if callspec is not None and callspec.params.get("dtype") is torch.float64:
                pytest.skip("float64 goes to the reference")
        monkeypatch.setenv("XENT_BACKEND", request.param)
        yield request.param


@pytest.fixture(autouse=True)
def word_of_bad_targets():
    """No test leaves word of a bad target that it did not ask for to the next one."""
    yield
    flag = sys.modules.get("xent.torch.backends.triton.flag")
    if flag is None or not flag._cells:
        return
    if ON_GPU:
        torch.cuda.synchronize()
    left = flag._cells[0].tolist()
    flag._cells[0].zero_()
    assert not left[0], f"a kernel met a target that cannot be, and no call has said so: {left}"


@pytest.fixture
def in_chunks(monkeypatch):
    """Call it with a number of rows, and that many are walked at a time; it returns the list of the chunks walked.

    Triton walks one position after the other, the others all positions of a chunk.
    """
    from xent.torch import _linear_loop, _triton
    from xent.torch._chunks import Plan

    chunk = _linear_loop._Walk.chunk

    def walk(rows, block=2048):
        walked = []

        def counted(self, at, each):
            walked.append(at)
            return chunk(self, at, each)

        monkeypatch.setattr(_linear_loop, "plan", lambda shape, budget: Plan(rows, block))
        monkeypatch.setattr(_linear_loop._Walk, "chunk", counted)
        if os.environ.get("XENT_BACKEND") == "triton":
            linear = _triton.kernels("linear")
            chunks = linear.Counted.chunks

            def taken(self, position, size):
                for at in chunks(self, position, size):
                    walked.append(at)
                    yield at

            monkeypatch.setattr(linear, "planned", lambda *_, **__: rows)
            monkeypatch.setattr(linear.Counted, "chunks", taken)
        return walked

    return walk
