"""Who may import whom. The arrows of the house run one way; this walks every import and fails on the first breach."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xent

ROOT = Path(xent.__file__).parent

# Each room and the rooms it may look into. What is not listed is forbidden.
BASE = {"_errors", "_units", "_check", "_forms", "_objects", "_rendering"}
MAY_IMPORT = {
    "_errors": set(),
    "_units": set(),
    "_forms": set(),
    "_objects": set(),
    "_rendering": set(),
    "_check": {"_errors", "_units", "_objects"},
    "_native": {"_core"},
    "_native_evaluation": {"_native"},
    "_about": {"_native"},
    "measures": BASE | {"_native"},
    "estimators": BASE | {"measures"},
    "distributions": BASE | {"measures", "estimators"},
    "io": BASE,
    "examples": set(),
    "evaluation": BASE | {"measures", "estimators", "distributions", "io", "_native", "_native_evaluation"},
    "plots": BASE | {"measures", "estimators", "distributions", "evaluation", "io"},
    "explorer": BASE | {"io"},
    # A report links into the explorer, whose `_state` alone knows what such a link may say.
    "report": BASE | {"measures", "evaluation", "plots", "io", "explorer"},
    "cli": BASE | {"measures", "evaluation", "plots", "report", "explorer", "io", "examples", "_about"},
    "testing": BASE,
    "torch": BASE | {"measures", "_native"},
    "__main__": {"cli"},
}

# Libraries that only these rooms may import. NumPy and the standard library are free; what is not listed is forbidden.
ONLY_IN = {
    "torch": {"torch"},
    "triton": {"torch"},
    "jax": set(),
    "matplotlib": {"plots"},
    "mpl_toolkits": {"plots"},
    "pyarrow": {"io", "examples"},
    "duckdb": {"io"},
    "dask": {"evaluation", "report"},
    "distributed": {"report"},
    "click": {"cli"},
    "rich": {"cli", "report"},
    "jinja2": {"report"},
    "mpmath": {"testing"},
    "hypothesis": {"testing"},
    "sklearn": {"examples"},
    "scipy": {"distributions", "estimators"},
    "array_api_compat": {"measures"},
    "anywidget": {"explorer"},
    "traitlets": {"explorer"},
}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path):
    """(dotted name, line, whether it is `import xent` itself) of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, alias.name == "xent") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = ("xent", *path.relative_to(ROOT).parts)[: -node.level] if node.level else ()
            module = ".".join([*parts, node.module] if node.module else parts)
            yield module, node.lineno, False
            if module == "xent":
                yield from ((f"xent.{alias.name}", node.lineno, False) for alias in node.names)


# A library for a part of a room: what else there needs Triton asks that part, once it knows that it may.
ONLY_UNDER = {"triton": ROOT / "torch" / "backends" / "triton"}

FILES = sorted(p for p in ROOT.rglob("*.py") if p.name != "__init__.py" or p.parent != ROOT)


def test_there_are_files_to_walk():
    assert len(FILES) > 20


# The package's face (`import xent`, `from xent import entropy`) is for those who stand in front of the house.
FACE = {"cli", "_about", "__main__"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_room_imports_only_what_it_may(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is no room of the house: add it to the table with its arrows"
    for name, line, direct in imports(path):
        top, *rest = name.split(".")
        where = f"{path.relative_to(ROOT)}:{line} imports {name}"
        if top == "xent":
            target = rest[0] if rest else ""
            is_room = (ROOT / target).is_dir() or (ROOT / f"{target}.py").exists() or target == "_core"
            if target and is_room:
                assert target in MAY_IMPORT[room] | {room}, f"{where}: {room} may not look into {target}"
            elif target or direct:
                assert room in FACE, f"{where}: the face is not for {room}"
        elif top != "numpy" and top not in sys.stdlib_module_names:
            assert top in ONLY_IN, f"{where}: {top} is in no room's list"
            assert room in ONLY_IN[top], f"{where}: {top} is not for {room}"
            assert path.is_relative_to(ONLY_UNDER.get(top, ROOT)), f"{where}: {top} is not for this part of {room}"


OPENERS = {"open", "fdopen", "read_text", "read_bytes", "write_text", "write_bytes", "memmap", "fromfile", "tofile"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_io_opens_files(path):
    if room_of(path) == "io" or path.name == "make.py":  # the script that made the examples writes them
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            if "os.devnull" in ast.unparse(node):
                continue  # where a broken pipe's last words go
            assert name not in OPENERS, f"{path.relative_to(ROOT)}:{node.lineno} calls {name}"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_import_is_light():
    heavy = "scipy torch jax matplotlib pyarrow duckdb click rich jinja2 mpmath hypothesis pandas sklearn anywidget"
    out = run(f"import sys, xent; print([m for m in {heavy.split()!r} if m in sys.modules])")
    assert out.strip() == "[]"


def test_using_a_measure_imports_no_extra():
    out = run(
        "import sys, numpy as np, xent; xent.entropy(np.array([.5, .5])); xent.kl_divergence([.5, .5], [.9, .1]);"
        "print([m for m in ('scipy', 'torch', 'jax', 'matplotlib', 'pyarrow', 'duckdb') if m in sys.modules])"
    )
    assert out.strip() == "[]"
