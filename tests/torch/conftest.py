import sys
from pathlib import Path

# Tests are imported by file ("importlib"): the references beside them are found like this.
sys.path.insert(0, str(Path(__file__).parent))
