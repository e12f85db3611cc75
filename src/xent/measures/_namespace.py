"""The only module that asks "which array library is this?". PyTorch and JAX are told by duck type, never imported."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import array_api_compat
import numpy as np

_NUMPY_NAMES: dict[Any, str] = {}  # NumPy makes a dtype's name anew at each question: a third of a small call
_WIDTHS = {"float16": 16, "bfloat16": 16, "float32": 32, "float64": 64}


def library(a: Any) -> str:
    """The name of the library that `a` is an array of ("numpy", "torch", "jax", ...); "" for anything else."""
    if isinstance(a, (np.ndarray, np.generic)):  # torch.compile cannot trace a union of types
        return "numpy"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(a, torch.Tensor):
        return "torch"
    root = type(a).__module__.partition(".")[0]
    if root in ("jax", "jaxlib"):
        return "jax" if array_api_compat.is_jax_array(a) else ""
    return root if hasattr(a, "__array_namespace__") else ""


def is_array(a: Any) -> bool:
    """Whether `a` is an array of a library that the measures can compute with."""
    return library(a) != ""


def namespace(*arrays: Any) -> Any:
    """The array-API namespace of arrays of one library."""
    if library(arrays[0]) == "torch":
        import array_api_compat.torch as xp  # what array_namespace answers, in a way that torch.compile can trace

        return xp
    return array_api_compat.array_namespace(*arrays)


def device(a: Any) -> Any:
    """The device of `a` as its library names it; None where a tracer has none."""
    name = library(a)
    if name == "torch":
        return a.device
    return None if name == "jax" and is_traced(a) else array_api_compat.device(a)


def helper_device(a: Any) -> Any:
    """The device for small arrays that will meet `a`: None for JAX, which moves them there by itself."""
    return None if library(a) == "jax" else device(a)


def to_host(a: Any) -> Any:
    """`a` on the device that NumPy can read."""
    if library(a) == "torch":
        return a.cpu()
    info = getattr(namespace(a), "__array_namespace_info__", None)
    home = info().default_device() if info is not None and library(a) != "jax" else None
    return a if home is None or device(a) == home else a.to_device(home)


def is_refused(a: Any) -> str:
    """Why `a` is an array that no measure takes: "masked", "sparse" or "object"; "" when it may be one they take."""
    if isinstance(a, np.ma.MaskedArray):
        return "masked"
    root = type(a).__module__.partition(".")[0]
    if (root in ("scipy", "sparse") and hasattr(a, "nnz")) or "sparse" in str(getattr(a, "layout", "")):
        return "sparse"
    if type(a).__module__.startswith("jax.experimental.sparse"):
        return "sparse"
    return "object" if getattr(getattr(a, "dtype", None), "kind", "") == "O" else ""


# -- what can be looked at -------------------------------------------------------------------------------------------


def is_traced(a: Any) -> bool:
    """Whether the values of `a` cannot be looked at: a JAX tracer, or torch under compile, fake mode, or torch.func."""
    name = library(a)
    if name == "jax":
        return isinstance(a, sys.modules["jax"].core.Tracer)
    if name != "torch":
        return False
    torch = sys.modules["torch"]
    if torch.compiler.is_compiling() or a.is_meta or type(a).__name__ in ("FakeTensor", "FunctionalTensor"):
        return True
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(a))


def detach(a: Any) -> Any:
    """`a` without its history of derivatives."""
    name = library(a)
    if name == "torch":
        return a.detach()
    if name == "jax":
        return sys.modules["jax"].lax.stop_gradient(a)
    return a


def differentiates(a: Any) -> bool:
    """Whether a derivative may be asked of a function of `a`."""
    name = library(a)
    if name == "torch":
        return a.requires_grad or is_traced(a) or _has_tangent(a)
    return name == "jax" and is_traced(a)


def _has_tangent(a: Any) -> bool:
    """Whether the torch tensor `a` is a dual number of forward-mode differentiation, which requires no gradient."""
    forward = sys.modules["torch"].autograd.forward_ad
    return forward._current_level >= 0 and forward.unpack_dual(a).tangent is not None


def graft(xp: Any, value: Any, carrier: Any) -> Any:
    """`value` bit for bit, with the derivatives (of every order) of `carrier`, another formula for the same number.

    The plain formula differentiates well and the exact one evaluates well: this takes the best of both.
    """
    if not differentiates(carrier):
        return value
    change = carrier - detach(carrier)  # 0 unless the carrier is infinite
    return xp.where(xp.isfinite(carrier), detach(value) + change, carrier)


# -- dtypes ----------------------------------------------------------------------------------------------------------


def dtype_name(dtype: Any) -> str:
    """`"float32"`, `"bfloat16"`, `"int64"` ... for a dtype of any library."""
    if isinstance(dtype, np.dtype):
        found = _NUMPY_NAMES.get(dtype)
        if found is None:
            found = _NUMPY_NAMES[dtype] = dtype.name
        return found
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    return str(name).rsplit(".", 1)[-1]


def dtype_named(a: Any, name: str) -> Any:
    """The dtype called `name` in the library of `a`; where JAX has no float64 that is float32."""
    if library(a) == "jax":
        return sys.modules["jax"].dtypes.canonicalize_dtype(name)
    return getattr(namespace(a), name)


def is_floating(a: Any) -> bool:
    """Whether `a` holds real floats, half precision and bfloat16 included."""
    return dtype_name(a.dtype) in _WIDTHS


def is_half(a: Any) -> bool:
    """Whether `a` is float16 or bfloat16."""
    return _WIDTHS.get(dtype_name(a.dtype)) == 16


def is_integer(a: Any) -> bool:
    """Whether `a` holds integers (booleans are not)."""
    return dtype_name(a.dtype).startswith(("int", "uint"))


def is_bool(a: Any) -> bool:
    """Whether `a` holds booleans."""
    return dtype_name(a.dtype) in ("bool", "bool_")


def smallest_normal(a: Any) -> float:
    """The smallest normal number of the dtype of `a`."""
    name = dtype_name(a.dtype)
    return 2.0**-126 if name == "bfloat16" else float(np.finfo(name).tiny)


def largest(a: Any) -> float:
    """The largest finite number of the dtype of `a`, which is float32 or float64."""
    return float(np.finfo(dtype_name(a.dtype)).max)


def widen(xp: Any, a: Any) -> Any:
    """Half precision as float32, anything else as it is."""
    return xp.astype(a, xp.float32) if is_half(a) else a


def result_dtype(xp: Any, *arrays: Any) -> Any:
    """The widest floating dtype among `arrays`, half precision counted as float32; the default float without any."""
    widths = [_WIDTHS[dtype_name(a.dtype)] for a in arrays if is_floating(a)]
    if not widths:
        return xp.asarray(0.0).dtype
    return xp.float64 if max(widths) == 64 else xp.float32


def working_dtype(xp: Any, *arrays: Any) -> Any:
    """The dtype that formulas compute in: float64 on a CPU that has it, else that of the arrays."""
    dtype = result_dtype(xp, *arrays)
    return xp.float64 if all(_has_fast_float64(a) for a in arrays) else dtype


def _has_fast_float64(a: Any) -> bool:
    name = library(a)
    if name == "torch":
        return a.device.type == "cpu"
    if name == "jax":
        jax = sys.modules["jax"]
        return bool(jax.config.jax_enable_x64) and jax.default_backend() == "cpu"
    if name == "numpy":
        return True
    xp = namespace(a)
    if not hasattr(xp, "__array_namespace_info__"):
        return hasattr(xp, "float64")
    return "float64" in xp.__array_namespace_info__().dtypes(device=device(a), kind="real floating")


# -- warnings --------------------------------------------------------------------------------------------------------


def quiet(xp: Any) -> contextlib.AbstractContextManager[Any]:
    """A context in which zeros and infinities raise no NumPy warning; nothing for PyTorch and JAX."""
    if "torch" in xp.__name__ or "jax" in xp.__name__:  # and torch.compile cannot trace np.errstate
        return contextlib.nullcontext()
    return np.errstate(all="ignore")
