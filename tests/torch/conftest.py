import sys
from pathlib import Path

import pytest

# Tests are imported by file ("importlib"): the references beside them are found like this.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(params=["reference", "native"])
def backend(request, monkeypatch):
    """Each backend by force: what it cannot do is an error, so that a test of it tests it."""
    from xent import _native

    if request.param == "native" and not _native.available():
        pytest.skip(_native.reason())
    monkeypatch.setenv("XENT_BACKEND", request.param)
    return request.param


@pytest.fixture
def in_chunks(monkeypatch):
    """Call it with a number of rows, and that many are walked at a time; it returns the list of the chunks walked."""
    from xent.torch import _linear_loop
    from xent.torch._chunks import Plan

    chunk = _linear_loop._Walk.chunk

    def walk(rows, block=2048):
        walked = []

        def counted(self, at, each):
            walked.append(at)
            return chunk(self, at, each)

        monkeypatch.setattr(_linear_loop, "plan", lambda shape, budget: Plan(rows, block))
        monkeypatch.setattr(_linear_loop._Walk, "chunk", counted)
        return walked

    return walk
