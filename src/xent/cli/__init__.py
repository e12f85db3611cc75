"""The command line. Importing this room imports nothing else, so that a missing extra can be named."""

from __future__ import annotations

import importlib.util
import os
import sys


def main() -> None:
    """Run `xent` on the arguments of this process and leave with its exit code."""
    missing = [name for name in ("click", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(f"error: the command line needs {' and '.join(missing)}: pip install 'xent[report]'\n")
        raise SystemExit(2)
    try:
        from xent.cli._app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    if code == 130:
        # At once: an exit in order would wait for threads that read, and Python may turn it into a death by signal.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)
