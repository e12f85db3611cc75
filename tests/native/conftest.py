import sys
from pathlib import Path

import pytest

# Tests are imported by file ("importlib"): the oracle beside them is found like this.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def core():
    """The compiled core, or a skip that says why it is missing."""
    from xent import _native

    if not _native.available():
        pytest.skip(_native.reason())
    return _native
