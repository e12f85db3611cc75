"""Who may import whom. The arrows of the house run one way; this walks every import and fails on the first breach."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xent

ROOT = Path(xent.__file__).parent

# Each room and the rooms it may look into. What is not listed is forbidden.
BASE = {"_errors", "_units", "_check", "_forms"}
MAY_IMPORT = {
    "_errors": set(),
    "_units": set(),
    "_forms": set(),
    "_check": {"_errors", "_units"},
    "_native": {"_core"},
    "_about": {"_native"},
    "measures": BASE | {"_native"},
    "estimators": BASE | {"measures"},
    "distributions": BASE | {"measures", "estimators"},
    "io": BASE,
    "examples": set(),
    "evaluation": BASE | {"measures", "estimators", "distributions", "io"},
    "plots": BASE | {"measures", "evaluation", "io"},
    "report": BASE | {"measures", "evaluation", "plots", "io"},
    "cli": BASE | {"measures", "evaluation", "plots", "report", "io", "examples", "_about"},
    "testing": BASE,
    "torch": BASE | {"measures", "_native"},
    "__main__": {"cli"},
}

# Libraries that only these rooms may import; every other one outside the standard library is listed too.
ONLY_IN = {
    "torch": {"torch"},
    "triton": {"torch"},
    "jax": set(),
    "matplotlib": {"plots"},
    "pyarrow": {"io", "examples"},
    "duckdb": {"io"},
    "click": {"cli"},
    "rich": {"cli", "report"},
    "jinja2": {"report"},
    "mpmath": {"testing"},
    "hypothesis": {"testing"},
    "sklearn": {"examples"},
    "scipy": set(),
    "array_api_compat": {"measures"},
    "array_api_extra": {"measures"},
}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                parts = ("xent", *path.relative_to(ROOT).parts)[: -node.level]
                yield ".".join([*parts, node.module] if node.module else parts), node.lineno
            else:
                yield node.module or "", node.lineno
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


FILES = sorted(p for p in ROOT.rglob("*.py") if p.name != "__init__.py" or p.parent != ROOT)


def test_there_are_files_to_walk():
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_room_imports_only_what_it_may(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is no room of the house: add it to the table with its arrows"
    for name, line in imports(path):
        top, *rest = name.split(".")
        if top == "xent":
            # `from xent import names` (the package's face) is for the rooms at the top only.
            target = rest[0] if rest else None
            allowed = MAY_IMPORT[room] | {room}
            if target is None:
                continue
            assert target in allowed or (not (ROOT / target).exists() and not (ROOT / f"{target}.py").exists()), (
                f"{path.relative_to(ROOT)}:{line} imports {name}: {room} may not look into {target}"
            )
        else:
            assert room in ONLY_IN.get(top, {room}), f"{path.relative_to(ROOT)}:{line}: {top} is not for {room}"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_import_is_light():
    heavy = "scipy torch jax matplotlib pyarrow duckdb click rich jinja2 mpmath hypothesis pandas sklearn"
    out = run(f"import sys, xent; print([m for m in {heavy.split()!r} if m in sys.modules])")
    assert out.strip() == "[]"


def test_using_a_measure_imports_no_extra():
    out = run(
        "import sys, numpy as np, xent; xent.entropy(np.array([.5, .5])); xent.kl_divergence([.5, .5], [.9, .1]);"
        "print([m for m in ('scipy', 'torch', 'jax', 'matplotlib', 'pyarrow', 'duckdb') if m in sys.modules])"
    )
    assert out.strip() == "[]"
