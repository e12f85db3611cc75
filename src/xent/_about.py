"""What is installed and what would run: the first thing to look at, and to paste into a report of a bug."""

from __future__ import annotations

import importlib.util
import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from xent import _native

# distribution name -> the module that tells whether it is there
_LIBRARIES = {
    name: name.replace("-", "_")
    for name in (
        "numpy",
        "array-api-compat",
        "torch",
        "triton",
        "jax",
        "matplotlib",
        "pyarrow",
        "click",
        "rich",
        "jinja2",
    )
}


@dataclass(frozen=True)
class About:
    """Versions, the compiled core or why it is missing, threads, and the array libraries that are installed."""

    version: str
    python: str
    platform: str
    native: bool
    native_reason: str
    isa: str
    threads: int
    libraries: dict[str, str | None]
    backends: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The same facts as plain dictionaries."""
        return asdict(self)

    def __str__(self) -> str:
        """One fact a line."""
        core = (
            f"compiled, {self.isa}, {self.threads} thread{'s' * (self.threads != 1)}"
            if self.native
            else f"missing: {self.native_reason}"
        )
        lines = [f"xent {self.version}   Python {self.python}   {self.platform}", f"{'core':<17} {core}"]
        if not self.native:
            lines.append(" " * 18 + "results are right without it, computed by slower array formulas")
        lines += [f"{name:<17} {how}" for name, how in self.backends.items()]
        lines += [f"{name:<17} {version or 'not installed'}" for name, version in self.libraries.items()]
        return "\n".join(lines)

    __repr__ = __str__


def about() -> About:
    """What is installed and what would run.

    Returns
    -------
    About
        Versions; `native`, `isa` and `threads` of the compiled core, or `native_reason` why it is missing;
        `backends`, what computes for each array library. It prints as a short text; `.to_dict()` gives the facts.
        `XENT_ISA` (x86-64, x86-64-v3, x86-64-v4) and `XENT_NUM_THREADS` choose what the core uses.

    Examples
    --------
    >>> import xent
    >>> xent.about().version == xent.__version__
    True
    """
    from xent import __version__

    native = _native.available()
    return About(
        version=__version__,
        python=platform.python_version(),
        platform=f"{sys.platform} {platform.machine()}",
        native=native,
        native_reason=_native.reason(),
        isa=_native.isa() if native else "",
        threads=_native.threads() if native else 1,
        libraries={name: _version(name, module) for name, module in _LIBRARIES.items()},
        backends={
            "NumPy": "compiled core" if native else "array formulas",
            "torch losses": _losses(native),
            "others": "array formulas, on the array's own device, differentiable where the library is",
        },
    )


def _losses(native: bool) -> str:
    """What computes the losses of `xent.torch`, by device; nothing is imported, so that no GPU is asked for."""
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed"
    cpu = "compiled core" if native else "torch operations"
    if importlib.util.find_spec("triton") is None:
        return f'{cpu} on the CPU, torch operations on a GPU: pip install "xent[triton]" for its kernels'
    return f"{cpu} on the CPU, Triton kernels on a GPU; xent.torch.choice(loss, ...) says which for a call"


def _version(name: str, module: str) -> str | None:
    """The installed version, found without importing the library."""
    if importlib.util.find_spec(module) is None:
        return None
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "installed"
