"""torch's ways to say the parameters of the families whose formulas are known. Gradients are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.distributions._affine import affine
from xent.distributions._odds import chance, complement
from xent.distributions._view import Family
from xent.measures._namespace import namespace

Array = Any


def family_of(torch: Any, d: Any) -> Family | None:
    """The family of a torch distribution, or None. A subclass of the user's own is none: it may answer otherwise."""
    kind = type(d).__name__
    if getattr(torch.distributions, kind, None) is not type(d):
        return None
    if kind == "Independent":
        return _independent(torch, d)
    if kind == "TransformedDistribution":
        return _transformed(torch, d)
    if kind in _SAME:
        name, own = _SAME[kind]
        found = {ours: _wide(getattr(d, theirs)) for ours, theirs in own.items()}
        loc = {} if "loc" in found or name in _WITHOUT_LOC else {"loc": _zero(next(iter(found.values())))}
        return Family(name, found | loc)
    build = _BUILT.get(kind)
    return None if build is None else build(d)


_WITHOUT_LOC = ("uniform", "multivariate_normal", "dirichlet", "wishart", "von_mises")
_SAME: dict[str, tuple[str, dict[str, str]]] = {
    "Normal": ("normal", {"loc": "loc", "scale": "scale"}),
    "LogNormal": ("lognormal", {"mu": "loc", "sigma": "scale"}),
    "Laplace": ("laplace", {"loc": "loc", "scale": "scale"}),
    "StudentT": ("student_t", {"df": "df", "loc": "loc", "scale": "scale"}),
    "Gumbel": ("gumbel", {"loc": "loc", "scale": "scale"}),
    "Weibull": ("weibull", {"concentration": "concentration", "scale": "scale"}),
    "Pareto": ("pareto", {"alpha": "alpha", "scale": "scale"}),
    "VonMises": ("von_mises", {"loc": "loc", "concentration": "concentration"}),
    "Dirichlet": ("dirichlet", {"concentration": "concentration"}),
    "Wishart": ("wishart", {"df": "df", "scale_tril": "scale_tril"}),
    "Poisson": ("poisson", {"rate": "rate"}),
}


def _wide(a: Array) -> Array:
    """A parameter in float64, where the device has it."""
    return a if a.device.type == "mps" else a.double()


def _zero(like: Array) -> Array:
    return like.new_zeros(like.shape)


def _chance(d: Any) -> dict[str, Array]:
    """The chance of success as it was given: the other of the two is made when it is first asked for."""
    given = next(key for key in vars(d) if key in ("probs", "logits"))
    if given == "logits":
        return {"log_odds": _wide(d.logits)}
    success = _wide(d.probs)
    return chance(namespace(success), success)


def _bernoulli(d: Any) -> Family:
    found = _chance(d)
    return Family("bernoulli", found | {"loc": _zero(found["log_odds"])})


def _geometric(d: Any) -> Family:
    found = _chance(d)
    return Family("geometric", found | {"loc": _zero(found["log_odds"])})


def _binomial(d: Any) -> Family:
    found = _chance(d)
    return Family("binomial", found | {"n": _wide(d.total_count), "loc": _zero(found["log_odds"])})


def _negative_binomial(d: Any) -> Family:
    """torch counts the successes before `total_count` failures: SciPy's success is torch's failure."""
    found = complement(_chance(d))
    return Family("negative_binomial", found | {"n": _wide(d.total_count), "loc": _zero(found["log_odds"])})


def _categorical(d: Any) -> Family:
    own = d if type(d).__name__ == "Categorical" else d._categorical
    given = next(key for key in vars(own) if key in ("probs", "logits"))
    if given == "logits":
        log_probs, told = _wide(own.logits), {}
    else:
        probs = _wide(own.probs)
        present = probs > 0
        log_probs = namespace(probs).where(present, probs.where(present, probs.new_ones(())).log(), -float("inf"))
        told = {"probs": probs}
    return Family("categorical", {"log_probs": log_probs, "loc": _zero(log_probs[..., 0])} | told)


def _uniform(d: Any) -> Family:
    low, high = _wide(d.low), _wide(d.high)
    return Family("uniform", {"low": low, "high": high, "width": high - low})


def _exponential(d: Any) -> Family:
    rate = _wide(d.rate)
    return Family("exponential", {"scale": 1.0 / rate, "loc": _zero(rate)})


def _gamma(d: Any) -> Family:
    rate = _wide(d.rate)
    return Family("gamma", {"concentration": _wide(d.concentration), "scale": 1.0 / rate, "loc": _zero(rate)})


def _inverse_gamma(d: Any) -> Family:
    scale = _wide(d.rate)
    return Family("inverse_gamma", {"concentration": _wide(d.concentration), "scale": scale, "loc": _zero(scale)})


def _beta(d: Any) -> Family:
    a, b = _wide(d.concentration1), _wide(d.concentration0)
    return Family("beta", {"a": a, "b": b, "low": _zero(a), "width": a.new_ones(a.shape)})


def _cauchy(d: Any) -> Family:
    loc, scale = _wide(d.loc), _wide(d.scale)
    return Family("student_t", {"df": scale.new_ones(scale.shape), "loc": loc, "scale": scale})


def _multivariate_normal(d: Any) -> Family:
    told = {"covariance": _wide(d.covariance_matrix)} if _first_matrix(d) == "covariance_matrix" else {}
    return Family("multivariate_normal", {"loc": _wide(d.loc), "scale_tril": _wide(d.scale_tril)} | told)


def _first_matrix(d: Any) -> str | None:
    """Which of its matrices a multivariate Normal was given: the others are made when they are first asked for."""
    return next((key for key in vars(d) if key in ("covariance_matrix", "scale_tril", "precision_matrix")), None)


_BUILT: dict[str, Callable[[Any], Family]] = {
    "Bernoulli": _bernoulli,
    "Binomial": _binomial,
    "Geometric": _geometric,
    "NegativeBinomial": _negative_binomial,
    "Categorical": _categorical,
    "OneHotCategorical": _categorical,
    "OneHotCategoricalStraightThrough": _categorical,
    "Uniform": _uniform,
    "Exponential": _exponential,
    "Gamma": _gamma,
    "Chi2": _gamma,
    "InverseGamma": _inverse_gamma,
    "Beta": _beta,
    "Cauchy": _cauchy,
    "MultivariateNormal": _multivariate_normal,
    "LowRankMultivariateNormal": _multivariate_normal,
}


def _independent(torch: Any, d: Any) -> Family | None:
    """A batch whose last axes are coordinates of one outcome."""
    base = family_of(torch, d.base_dist)
    axes = int(d.reinterpreted_batch_ndims)
    if base is None or axes == 0:
        return base
    return Family("product", {"parts": (base,), "axes": axes})


def _transformed(torch: Any, d: Any) -> Family | None:
    """A known family under affine transforms and, of a Normal, the exponential."""
    family = family_of(torch, d.base_dist)
    for transform in d.transforms:
        kind = type(transform).__name__
        if family is None:
            return None
        if kind == "AffineTransform" and not transform.event_dim:
            family = _affine(torch, family, transform)
        elif kind == "ExpTransform" and family.name == "normal":
            loc, scale = family.parameters["loc"], family.parameters["scale"]
            family = Family("lognormal", {"mu": loc, "sigma": scale, "loc": _zero(loc)})
        else:
            return None
    return family


def _affine(torch: Any, family: Family, transform: Any) -> Family | None:
    like = next((a for a in family.parameters.values() if torch.is_tensor(a)), None)
    if like is None:
        return None
    scale, shift = (torch.as_tensor(a, device=like.device).to(like.dtype) for a in (transform.scale, transform.loc))
    if family.name == "multivariate_normal":
        return _affine_of_points(torch, family, scale, shift)
    return affine(namespace(like), family, scale, shift)


def _affine_of_points(torch: Any, family: Family, scale: Array, shift: Array) -> Family | None:
    """A multivariate Normal whose coordinates are scaled and shifted, each for itself."""
    loc, tril = family.parameters["loc"], family.parameters["scale_tril"]
    if bool((scale == 0).any()):
        return None
    d = loc.shape[-1]
    scale = scale.expand(torch.broadcast_shapes(scale.shape, (d,)))
    # the signs of the columns are free: a Cholesky factor has a positive diagonal
    scaled = scale[..., :, None] * tril * scale.sign()[..., None, :]
    return Family("multivariate_normal", {"loc": loc * scale + shift, "scale_tril": scaled})
