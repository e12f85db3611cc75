"""The public measures on PyTorch, JAX and array_api_strict: device, dtype, gradients, tracing."""

import math

import numpy as np
import pytest

import xent
from xent import Counts, Labels, Logits, LogProbs

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp = jax.numpy

P, Q = [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]

# Every measure as a function of one array of scores, from which distributions are made inside: a smooth function of z.
SMOOTH = {
    "entropy": lambda x, z: xent.entropy(Logits(z)),
    "entropy of probs": lambda x, z: xent.entropy(x.softmax(z)),
    "cross_entropy": lambda x, z: xent.cross_entropy(Labels(x.labels), Logits(z)),
    "cross_entropy of probs": lambda x, z: xent.cross_entropy(x.softmax(z), x.softmax(z * z)),
    "cross_entropy soft": lambda x, z: xent.cross_entropy(x.softmax(z * z), Logits(z)),
    "kl": lambda x, z: xent.kl_divergence(x.softmax(z), x.softmax(z * z)),
    "kl of logits": lambda x, z: xent.kl_divergence(Logits(z), Logits(z * z)),
    "kl mixed": lambda x, z: xent.kl_divergence(x.softmax(z), Logits(z * z)),
    "js": lambda x, z: xent.js_divergence(x.softmax(z), x.softmax(z * z)),
    "js of logits": lambda x, z: xent.js_divergence(Logits(z), Logits(z * z)),
    "js_distance": lambda x, z: xent.js_distance(x.softmax(z), x.softmax(z * z)),
    "perplexity": lambda x, z: xent.perplexity(Labels(x.labels), Logits(z)),
    "surprisal": lambda x, z: xent.surprisal(Logits(z)),
    "binary_entropy": lambda x, z: xent.binary_entropy(Logits(z)),
    "binary_cross_entropy": lambda x, z: xent.binary_cross_entropy(x.sigmoid(z * z), Logits(z)),
    "binary_cross_entropy of probs": lambda x, z: xent.binary_cross_entropy(x.sigmoid(z * z), x.sigmoid(z)),
    "binary_kl": lambda x, z: xent.binary_kl_divergence(x.sigmoid(z * z), x.sigmoid(z)),
    "mutual_information": lambda x, z: xent.mutual_information(Counts(x.exp(z))),
    "conditional_entropy": lambda x, z: xent.conditional_entropy(Counts(x.exp(z)), given=0),
    "joint_entropy": lambda x, z: xent.joint_entropy(Counts(x.exp(z))),
    "normalize": lambda x, z: xent.normalize(x.exp(z)) ** 2,
}
Z = np.array([[0.3, -1.2, 0.8, 0.1], [2.0, 0.4, -0.3, 1.1]])
Y = np.array([2, 0])


class Torch:
    labels = torch.tensor(Y)
    softmax = staticmethod(lambda z: torch.softmax(z, -1))
    sigmoid = staticmethod(torch.sigmoid)
    exp = staticmethod(torch.exp)


class Jax:
    labels = jnp.asarray(Y)
    softmax = staticmethod(lambda z: jax.nn.softmax(z, -1))
    sigmoid = staticmethod(jax.nn.sigmoid)
    exp = staticmethod(jnp.exp)


class Plain:
    labels = Y
    softmax = staticmethod(lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True))
    sigmoid = staticmethod(lambda z: 1 / (1 + np.exp(-z)))
    exp = staticmethod(np.exp)


@pytest.mark.parametrize("name", SMOOTH)
def test_torch_agrees_with_numpy_and_has_first_and_second_derivatives(name):
    measure = SMOOTH[name]
    z = torch.tensor(Z, requires_grad=True)
    np.testing.assert_allclose(measure(Torch, z).detach().numpy(), measure(Plain, Z), rtol=1e-13)
    assert torch.autograd.gradcheck(lambda t: measure(Torch, t), (z,))
    assert torch.autograd.gradgradcheck(lambda t: measure(Torch, t), (z,))


@pytest.mark.parametrize("name", SMOOTH)
def test_jax_under_jit_and_grad(name):
    measure = SMOOTH[name]
    with jax.enable_x64(True):
        z = jnp.asarray(Z)
        value, gradient = jax.jit(lambda t: (measure(Jax, t), jax.grad(lambda t: measure(Jax, t).sum())(t)))(z)
        np.testing.assert_allclose(np.asarray(value), measure(Plain, Z), rtol=1e-13)
        t = torch.tensor(Z, requires_grad=True)
        measure(Torch, t).sum().backward()
        np.testing.assert_allclose(np.asarray(gradient), t.grad.numpy(), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", ["entropy", "cross_entropy", "kl", "js of logits", "binary_cross_entropy", "kl mixed"])
def test_transforms_of_torch(name):
    measure = SMOOTH[name]
    rows = torch.tensor(np.stack([Z, Z + 0.5, -Z]))
    expected = torch.stack([measure(Torch, z) for z in rows])
    torch.testing.assert_close(torch.func.vmap(lambda z: measure(Torch, z))(rows), expected, rtol=1e-13, atol=0)
    gradient = torch.func.grad(lambda z: measure(Torch, z).sum())(rows[0])
    z = rows[0].clone().requires_grad_()
    measure(Torch, z).sum().backward()
    torch.testing.assert_close(gradient, z.grad, rtol=1e-12, atol=1e-15)
    compiled = torch.compile(lambda z: measure(Torch, z), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(rows[0]), expected[0], rtol=1e-13, atol=0)


def test_bad_rows_under_tracing_are_nan_and_only_those():
    p = jnp.asarray([[0.5, 0.5], [0.9, 0.9], [1.5, -0.5], [jnp.nan, 1.0]])
    q = jnp.asarray([[0.5, 0.5]] * 4)
    for measure in (xent.entropy, lambda a: xent.kl_divergence(a, q), lambda a: xent.cross_entropy(a, q)):
        found = np.asarray(jax.jit(measure)(p))
        assert np.isfinite(found[0])
        assert np.isnan(found[1:]).all()
        unchecked = np.asarray(jax.jit(lambda a: xent.cross_entropy(a, q, check=False))(p))
        assert np.isfinite(unchecked[1])
    labels = jnp.asarray([0, 1, 2, -1])
    found = np.asarray(jax.jit(lambda y: xent.cross_entropy(Labels(y), q))(labels))
    assert np.isnan(found).tolist() == [False, False, True, True]
    binary = np.asarray(jax.jit(xent.binary_entropy)(jnp.asarray([0.5, 1.5, -0.1, jnp.nan])))
    assert np.isnan(binary).tolist() == [False, True, True, True]


def test_what_has_no_value_has_no_gradient():
    z = jnp.zeros((2, 3))
    gradient = jax.jit(jax.grad(lambda z: xent.cross_entropy(Labels(jnp.asarray([0, 7])), Logits(z)).sum()))(z)
    assert np.isfinite(np.asarray(gradient[0])).all()
    assert np.isnan(np.asarray(gradient[1])).all()
    p = jnp.asarray([[0.5, 0.5], [0.9, 0.9]])
    gradient = jax.jit(jax.grad(lambda p: xent.entropy(p).sum()))(p)
    assert np.isnan(np.asarray(gradient)).tolist() == [[False, False], [True, True]]


def test_bad_rows_under_vmap_and_compile_are_nan():
    p = torch.tensor([[0.5, 0.5], [0.9, 0.9]], dtype=torch.float64)
    assert torch.isnan(torch.func.vmap(xent.entropy)(p)).tolist() == [False, True]
    compiled = torch.compile(xent.entropy, backend="eager", fullgraph=True)
    assert torch.isnan(compiled(p)).tolist() == [False, True]


def test_gradients_at_zeros_and_masks():
    q = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    xent.cross_entropy(torch.tensor([0.25, 0.75, 0.0], dtype=torch.float64), q).backward()
    torch.testing.assert_close(q.grad, torch.tensor([-0.5, -1.5, 0.0], dtype=torch.float64))

    z = torch.tensor([1.0, 0.0, -math.inf], dtype=torch.float64, requires_grad=True)
    for loss in (
        xent.cross_entropy(Labels(0), Logits(z)),
        xent.entropy(Logits(z)),
        xent.cross_entropy(torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64), Logits(z)),
        xent.kl_divergence(Logits(z), Logits(z * torch.tensor([2.0, 1.0, 1.0], dtype=torch.float64))),
    ):
        (gradient,) = torch.autograd.grad(loss, z)
        assert torch.isfinite(gradient).all(), gradient
        assert gradient[2] == 0

    p = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    for loss in (
        xent.kl_divergence(p, p.detach()),
        xent.kl_divergence(p.detach(), p),
        xent.js_divergence(p, p.detach()),
    ):
        (gradient,) = torch.autograd.grad(loss, p)
        assert torch.isfinite(gradient).all()
    (gradient,) = torch.autograd.grad(xent.js_distance(p, p.detach()), p)
    assert (gradient == 0).all()


def test_the_gradient_of_a_sure_label_is_not_lost():
    # torch.nn.functional.cross_entropy: 0
    z = torch.tensor([40.0, 0.0], dtype=torch.float64, requires_grad=True)
    xent.cross_entropy(Labels(0), Logits(z)).backward()
    np.testing.assert_allclose(z.grad.numpy(), [-4.248354255291589e-18, 4.248354255291589e-18], rtol=1e-14)
    with jax.enable_x64(True):
        gradient = jax.grad(lambda z: xent.cross_entropy(Labels(0), Logits(z)))(jnp.asarray([40.0, 0.0]))
        np.testing.assert_allclose(np.asarray(gradient), [-4.248354255291589e-18, 4.248354255291589e-18], rtol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_torch_dtypes(dtype):
    p, q = torch.tensor(P, dtype=dtype), torch.tensor(Q, dtype=dtype)
    for out in (
        xent.entropy(p), xent.kl_divergence(p, q), xent.cross_entropy(Labels(torch.tensor(1)), Logits(q)),
        xent.binary_cross_entropy(p, q), xent.normalize(p), xent.surprisal(p), xent.js_distance(p, q),
        xent.cross_entropy(Labels(torch.tensor(1, dtype=torch.int32)), LogProbs(q.log())), xent.perplexity(p),
    ):  # fmt: skip
        assert isinstance(out, torch.Tensor)
        assert out.dtype == dtype
    assert xent.entropy(Counts(torch.tensor([1, 2]))).dtype == torch.float64


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_jax_dtypes(dtype):
    p, q = jnp.asarray(P, dtype), jnp.asarray(Q, dtype)
    for out in (xent.entropy(p), xent.kl_divergence(p, q), xent.binary_cross_entropy(p, q), xent.surprisal(p)):
        assert isinstance(out, jax.Array)
        assert out.dtype == dtype
    assert xent.entropy(Counts(jnp.asarray([1, 2]))).dtype == jnp.float32


def test_meta_tensors_and_other_devices_stay_where_they_are():
    p = torch.empty(3, 4, device="meta")
    assert xent.entropy(Logits(p)).device.type == "meta"
    assert xent.entropy(Logits(p)).shape == (3,)


def test_axis_and_broadcast_on_every_library(make, to_numpy):
    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.ones(4), (2, 3)), rng.dirichlet(np.ones(4), 3)
    expected = xent.kl_divergence(p, q)
    np.testing.assert_allclose(to_numpy(xent.kl_divergence(make(p), make(q))), expected, rtol=1e-5)
    moved = xent.kl_divergence(make(np.moveaxis(p, -1, 0)), make(np.moveaxis(p, -1, 0)[:, ::-1]), axis=0)
    np.testing.assert_allclose(to_numpy(moved), xent.kl_divergence(p, p[::-1]), rtol=1e-5, atol=1e-7)
    table = xent.mutual_information(Counts(make(p)))
    np.testing.assert_allclose(to_numpy(table), xent.mutual_information(Counts(p)), rtol=1e-5)
