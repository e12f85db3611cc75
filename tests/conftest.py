"""What every test shares: hypothesis profiles, the array libraries, kernels without a GPU."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# Triton reads this when it is imported: without a GPU its kernels are interpreted, in this process and in its children.
GPU = any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg"))
if not GPU:
    os.environ.setdefault("TRITON_INTERPRET", "1")


def pytest_collection_modifyitems(items):
    """What takes longest goes first: at the end, one process would be busy with it while the others have no more."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _make(name):
    if name == "numpy":
        return lambda a, dtype="float64": np.asarray(a, dtype=dtype)
    if name == "torch":
        import torch

        return lambda a, dtype="float64": torch.as_tensor(np.asarray(a, order="C"), dtype=getattr(torch, dtype))
    if name == "jax":
        import jax.numpy as jnp

        # JAX keeps float32 unless asked: what most of its users run.
        return lambda a, dtype="float32": jnp.asarray(np.asarray(a), dtype="float32" if dtype == "float64" else dtype)
    import array_api_strict

    return lambda a, dtype="float64": array_api_strict.asarray(np.asarray(a), dtype=getattr(array_api_strict, dtype))


@pytest.fixture(params=["numpy", "torch", "jax", "array_api_strict"])
def make(request):
    """A function that makes an array of one library from nested lists."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    function = _make(request.param)
    function.library = request.param
    return function


@pytest.fixture
def to_numpy():
    """Any library's array as NumPy's."""

    def convert(a):
        if hasattr(a, "detach"):
            a = a.detach()
        return np.asarray(np.from_dlpack(a) if type(a).__module__.startswith("array_api_strict") else a)

    return convert
