"""First and second derivatives by PyTorch and JAX: right inside, and without NaN at zeros and masked logits."""

import math
import subprocess
import sys

import array_api_compat.torch as xt
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.autograd import forward_ad

from xent.measures import _elementwise, _joint, _rows

# forward mode in PyTorch compiles its own decompositions in a way that it warns of itself
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

INF = math.inf
PLAIN = (("probs", "probs"), ("logprobs", "logprobs"), ("logits", "logits"), ("counts", "probs"), ("probs", "logits"))
NAMES = ("cross_entropy", "kl_divergence", "js_divergence", "js_distance", "perplexity")


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def example(kind, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2, 3))
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    return leaf({"probs": p, "logprobs": np.log(p), "logits": z, "counts": 50 * p}[kind])


def check(function, *arguments, second=True):
    assert torch.autograd.gradcheck(function, arguments, check_forward_ad=True, check_batched_grad=second)
    if second:
        assert torch.autograd.gradgradcheck(function, arguments)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("kp", "kq"), PLAIN)
def test_pairs(name, kp, kq):
    second = name in ("cross_entropy", "js_distance") or (kp, kq) in (("probs", "probs"), ("probs", "logits"))
    check(lambda p, q: getattr(_rows, name)(xt, kp, p, kq, q), example(kp), example(kq, 1), second=second)


@pytest.mark.parametrize("kind", ["probs", "logprobs", "logits", "counts"])
def test_single_rows(kind):
    labels = torch.tensor([2, 0])
    check(lambda p: _rows.entropy(xt, kind, p), example(kind))
    check(lambda p: _rows.surprisal(xt, kind, p), example(kind))
    check(lambda p: _rows.normalize(xt, kind, p), example(kind))
    check(lambda p: _rows.perplexity(xt, kind, p, None, None), example(kind))
    check(lambda p: _joint.mutual_information(xt, kind, p), example("counts" if kind == "probs" else kind))
    check(lambda p: _joint.conditional_entropy(xt, kind, p, given=1), example(kind))
    for name in NAMES:
        second = name in ("cross_entropy", "js_distance")
        check(lambda q, name=name: getattr(_rows, name)(xt, "labels", labels, kind, q), example(kind), second=second)


@pytest.mark.parametrize("ky", ["probs", "logprobs", "logits"])
@pytest.mark.parametrize("kq", ["probs", "logprobs", "logits"])
def test_binary(ky, kq):
    values = {"probs": [0.1, 0.5, 0.9], "logprobs": [-3.0, -0.7, -0.1], "logits": [-2.0, 0.0, 3.0]}
    check(lambda y: _elementwise.binary_entropy(xt, ky, y), leaf(values[ky]))
    for name in ("binary_cross_entropy", "binary_kl_divergence"):
        check(lambda y, q, name=name: getattr(_elementwise, name)(xt, ky, y, kq, q), leaf(values[ky]), leaf(values[kq]))


def gradients(function, *arguments):
    return [g.tolist() for g in torch.autograd.grad(function(*arguments).sum(), arguments)]


def test_a_certain_and_right_prediction_still_learns():
    (g,) = gradients(lambda z: _rows.cross_entropy(xt, "labels", torch.tensor(0), "logits", z), leaf([40.0, 0.0]))
    assert g == pytest.approx([-4.248354255291589e-18, 4.248354255291589e-18], rel=1e-14)
    with jax.enable_x64(True):
        loss = lambda z: _rows.cross_entropy(jnp, "labels", jnp.asarray(0), "logits", z)  # noqa: E731  # under test
        g = jax.jit(jax.grad(loss))(jnp.asarray([40.0, 0.0]))
        assert np.asarray(g).tolist() == pytest.approx([-4.248354255291589e-18, 4.248354255291589e-18], rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("kp", "p", "kq", "q"),
    [
        ("probs", [0.0, 0.5, 0.5], "probs", [0.0, 0.4, 0.6]),
        ("probs", [0.0, 0.5, 0.5], "probs", [0.2, 0.2, 0.6]),
        ("counts", [0.0, 5.0, 5.0], "counts", [0.0, 2.0, 2.0]),
        ("probs", [0.5, 0.5, 0.0], "logits", [0.0, 2.0, -INF]),
        ("logits", [0.0, 1.0, -INF], "logits", [0.0, 2.0, -INF]),
        ("logits", [0.0, 1.0, -INF], "logits", [0.0, 2.0, 1.0]),
        ("logprobs", [-0.7, -0.7, -INF], "logprobs", [-1.0, -0.5, -INF]),
        ("probs", [0.2, 0.2, 0.6], "probs", [0.2, 0.2, 0.6]),
        ("logits", [0.0, 1.0, 2.0], "logits", [5.0, 6.0, 7.0]),
    ],
)
def test_derivatives_are_finite_where_the_measure_is(name, kp, p, kq, q):
    p, q = leaf(p), leaf(q)
    value = getattr(_rows, name)(xt, kp, p, kq, q)
    first = torch.autograd.grad(value, (p, q), create_graph=True)
    assert all(torch.isfinite(g).all() for g in first)
    second = torch.autograd.grad(sum((g * g.detach()).sum() for g in first), (p, q), allow_unused=True)
    assert all(g is None or torch.isfinite(g).all() for g in second)
    for kind, given, g in ((kp, p, first[0]), (kq, q, first[1])):
        if kind in ("logits", "logprobs"):
            assert (g[given == -INF] == 0).all()


def test_js_distance_has_slope_zero_where_the_rows_are_equal():
    p = leaf([0.2, 0.3, 0.5])
    assert (
        gradients(lambda p, q: _rows.js_distance(xt, "probs", p, "probs", q), p, leaf([0.2, 0.3, 0.5]))
        == [[0.0] * 3] * 2
    )


def test_entropy_at_zero_is_steep_and_harmless():
    """The one-sided derivative is +inf; the finite slope at the smallest number leaves no NaN behind a softmax."""
    (g,) = gradients(lambda p: _rows.entropy(xt, "probs", p), leaf([0.0, 0.5, 0.5]))
    assert g == pytest.approx([-math.log(sys.float_info.min), math.log(2) - 1, math.log(2) - 1])
    (g,) = gradients(lambda z: _rows.entropy(xt, "probs", torch.softmax(z, -1)), leaf([0.0, 1.0, -INF]))
    assert g[2] == 0.0
    assert g[0] == pytest.approx(-g[1])


def test_cross_entropy_by_the_truth_is_the_surprisal_also_at_zero():
    p, q = leaf([0.0, 0.5, 0.5]), leaf([0.2, 0.2, 0.6])
    by_p, by_q = gradients(lambda p, q: _rows.cross_entropy(xt, "probs", p, "probs", q), p, q)
    assert by_p == pytest.approx([-math.log(0.2), -math.log(0.2), -math.log(0.6)])
    assert by_q == pytest.approx([0.0, -2.5, -0.5 / 0.6])


def test_an_infinite_loss_pushes_the_right_way():
    by_q = gradients(lambda p, q: _rows.cross_entropy(xt, "probs", p, "probs", q), leaf([0.5, 0.5]), leaf([0.0, 1.0]))[
        1
    ]
    assert by_q == [-INF, -0.5]
    (g,) = gradients(lambda z: _rows.cross_entropy(xt, "labels", torch.tensor(0), "logits", z), leaf([-INF, 0.0]))
    assert g == [-1.0, 1.0]


def test_binary_at_the_ends():
    bce = _elementwise.binary_cross_entropy
    for y, q, slope in ((1.0, 1.0, -1.0), (0.0, 0.0, 1.0), (1.0, 0.0, -INF), (0.0, 1.0, INF)):
        (g,) = gradients(lambda q, y=y: bce(xt, "probs", torch.tensor(y).double(), "probs", q), leaf(q))
        assert g == slope
    for y, x, slope in ((1.0, INF, 0.0), (0.0, -INF, 0.0), (1.0, -INF, -1.0), (0.0, INF, 1.0), (1.0, -200.0, -1.0)):
        (g,) = gradients(lambda x, y=y: bce(xt, "probs", torch.tensor(y).double(), "logits", x), leaf(x))
        assert g == slope
    (g,) = gradients(
        lambda x: bce(xt, "probs", torch.ones((), dtype=torch.float64), "probs", torch.sigmoid(x)), leaf(-200.0)
    )
    assert g == pytest.approx(-1.0)
    for x in (INF, -INF, 0.0):
        assert gradients(lambda x: _elementwise.binary_entropy(xt, "logits", x), leaf(x)) == [0.0]


@pytest.mark.parametrize(("name", "kind"), [("cross_entropy", "probs"), ("kl_divergence", "logits")])
def test_second_derivatives_of_jax_are_those_of_torch(name, kind):
    z, y = [0.3, -1.0, 2.0], [0.1, 0.2, 0.7]
    function = getattr(_rows, name)
    truth, model = torch.tensor(y, dtype=torch.float64), leaf(z)
    (slope,) = torch.autograd.grad(function(xt, kind, truth, "logits", model), model, create_graph=True)
    expected = torch.stack([torch.autograd.grad(s, model, retain_graph=True)[0] for s in slope])
    with jax.enable_x64(True):
        got = jax.jit(jax.hessian(lambda q: function(jnp, kind, jnp.asarray(y), "logits", q)))(jnp.asarray(z))
        assert np.asarray(got) == pytest.approx(expected.numpy(), rel=1e-10, abs=1e-14)


def test_vmap_and_jit_of_jax():
    z = jnp.asarray([[0.3, -1.0, 2.0], [0.0, 0.0, -INF]])
    y = jnp.asarray([2, 0])
    loss = lambda y, z: _rows.cross_entropy(jnp, "labels", y, "logits", z)  # noqa: E731  # the thing under test
    assert np.asarray(jax.jit(jax.vmap(loss))(y, z)) == pytest.approx(np.asarray(jax.jit(loss)(y, z)))
    slopes = jax.jit(jax.vmap(jax.grad(loss, argnums=1)))(y, z)
    assert np.isfinite(np.asarray(slopes)).all()


def test_transforms_of_torch():
    z, y = torch.tensor([[0.3, -1.0, 2.0], [0.0, 0.0, -INF]]), torch.tensor([2, 0])

    def loss(y, z):
        return _rows.cross_entropy(xt, "labels", y, "logits", z)

    assert torch.equal(torch.func.vmap(loss)(y, z), loss(y, z))
    assert torch.isfinite(torch.func.vmap(torch.func.grad(loss, argnums=1))(y, z)).all()


def test_dual_numbers():
    """Forward mode asks for no gradient; a formula that looks for that alone drops the tangent."""
    with forward_ad.dual_level():
        z = forward_ad.make_dual(torch.tensor([0.3, 0.1, 0.6]).double(), torch.tensor([1.0, -1.0, 0.0]).double())
        loss = _rows.cross_entropy(xt, "labels", torch.tensor(1), "logits", z)
        assert forward_ad.unpack_dual(loss).tangent.item() == pytest.approx(1.057208184133707)
        h = _rows.entropy(xt, "logits", z)
        assert forward_ad.unpack_dual(h).tangent is not None
    p = torch.tensor([0.3, 0.1, 0.6]).double()
    slope = torch.func.jvp(lambda p: _rows.entropy(xt, "probs", p), (p,), (torch.tensor([1.0, -1.0, 0.0]).double(),))[1]
    assert slope.item() == pytest.approx(math.log(0.1 / 0.3))
    assert _rows.entropy(xt, "probs", p).item() == pytest.approx(0.8979457248567798)


MASKED = [
    ("entropy", "logits", None),
    ("perplexity", "logits", None),
    *((name, kp, "logits") for name in NAMES for kp in ("labels", "probs", "logits", "counts")),
]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize(("name", "kp", "kq"), MASKED)
def test_masked_logits(name, kp, kq, dtype):
    """A mask of -inf, or of the smallest number of the type as is usual, leaves finite derivatives."""
    kind = getattr(torch, dtype)
    for mask in (-INF, torch.finfo(kind).min):
        given = {"labels": [1], "probs": [[0.5, 0.5, 0.0]], "logits": [[1.0, 2.0, mask]], "counts": [[3.0, 1.0, 0.0]]}
        arrays = [torch.tensor(given[k], dtype=None if k == "labels" else kind) for k in (kp, kq) if k is not None]
        leaves = [a.requires_grad_() for a in arrays if a.is_floating_point()]
        wide = [a.float() if a.dtype.itemsize == 2 else a for a in arrays]
        parts = [part for k, a in zip((kp, kq), wide, strict=False) for part in (k, a)]
        function = getattr(_rows, name)
        value = function(xt, *parts, *((None, None) if kq is None and name == "perplexity" else ())).to(kind)
        assert torch.isfinite(value).all()
        slopes = torch.autograd.grad(value.sum(), leaves)
        for k, g in zip([k for k in (kp, kq) if k in ("probs", "logits", "counts")], slopes, strict=True):
            assert torch.isfinite(g).all(), (mask, k, g)
            assert k != "logits" or g[0, 2] == 0


def test_masked_logits_by_jax():
    mask = float(jnp.finfo(jnp.float32).min)
    g = jax.jit(jax.grad(lambda z: _rows.perplexity(jnp, "logits", z, None, None)))(jnp.asarray([1.0, 2.0, mask]))
    assert np.asarray(g) == pytest.approx([0.35193095, -0.35193095, 0.0], rel=1e-5)


def test_surprisals_of_impossible_outcomes_leave_the_others_their_slope():
    (g,) = gradients(lambda n: _rows.surprisal(xt, "counts", n)[0], leaf([3.0, 0.0, 1.0]))
    assert g == pytest.approx([-1 / 12, 0.25, 0.25])
    (g,) = gradients(lambda p: _rows.surprisal(xt, "probs", p)[:2], leaf([0.5, 0.5, 0.0]))
    assert g == [-2.0, -2.0, 0.0]
    (g,) = gradients(lambda p: _rows.surprisal(xt, "probs", p), leaf([0.5, 0.5, 0.0]))
    assert g == [-2.0, -2.0, -1 / sys.float_info.min]  # steep, and finite


def test_subnormal_probabilities_poison_no_derivative():
    p, q = leaf([1.0, 5e-324]), leaf([1.0, 1e-310])
    by_p, by_q = gradients(lambda p, q: _rows.kl_divergence(xt, "probs", p, "probs", q), p, q)
    assert by_p == pytest.approx([0.0, math.log(5e-324) - math.log(1e-310)])
    assert by_q == pytest.approx([0.0, 1.0])
    by_p, by_q = gradients(lambda p, q: _rows.js_divergence(xt, "probs", p, "probs", q), leaf([1.0, 1e-320]), q)
    assert by_p == pytest.approx([0.0, 0.5 * math.log(2e-10)], rel=1e-3)
    assert by_q == pytest.approx([0.0, math.log(2) / 2], rel=1e-3)
    slope = torch.autograd.grad(_rows.entropy(xt, "probs", p), p, create_graph=True)[0]
    assert slope.tolist() == pytest.approx([-1.0, -math.log(5e-324)])
    assert torch.isfinite(torch.autograd.grad(slope.sum(), p)[0]).all()


def test_no_value_no_slope():
    """A NaN for what cannot be told to be wrong under tracing has NaN derivatives, and no innocent zeros."""
    for kind in ("probs", "logits", "logprobs", "counts"):
        for name in ("cross_entropy", "kl_divergence", "perplexity"):
            function = getattr(_rows, name)
            (g,) = gradients(lambda q: function(xt, "labels", torch.tensor(7), kind, q), example(kind))  # noqa: B023  # called at once
            assert np.isnan(g).any(), (kind, name)
    g = jax.jit(jax.grad(lambda z: _rows.cross_entropy(jnp, "labels", jnp.asarray(7), "logits", z)))(jnp.zeros(3))
    assert np.isnan(np.asarray(g)).all()
    (g,) = gradients(lambda z: _rows.entropy(xt, "logits", z), leaf([-INF, -INF]))
    assert np.isnan(g).any()


COMPILED = """
import torch, array_api_compat.torch as xt
from xent.measures import _rows
z = torch.randn(4, 7, requires_grad=True)
f = lambda z: _rows.kl_divergence(xt, "logits", z, "probs", torch.softmax(z + 0.1, -1))
compiled = torch.compile(f, fullgraph=True, backend="eager")
assert torch.equal(compiled(z), f(z))
assert torch.allclose(*(torch.autograd.grad(g(z).sum(), z)[0] for g in (compiled, f)))
"""


def test_torch_compile_without_graph_breaks():
    """In a process of its own: the compiler keeps state."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", COMPILED], check=True, timeout=250)
