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
