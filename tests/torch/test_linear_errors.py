"""Every message of the linear losses: what, where, found, do."""

import pytest
import torch
from samples import unread
from torch.utils.flop_counter import FlopCounterMode

import xent
import xent.torch
from xent import BackendUnavailable, DistributionError, ShapeError

X, W, Y = torch.zeros(4, 3), torch.zeros(5, 3), torch.zeros(4, dtype=torch.int64)
SOFT = torch.full((4, 5), 0.2)


def call(x=X, w=W, y=Y, **options):
    return xent.torch.linear_cross_entropy(x, w, y, **options)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": [1.0]}, TypeError, "`input` is a list; it is a torch.Tensor."),
        ({"w": W.long()}, TypeError, "`linear_weight` has dtype torch.int64; it is float64, float32, bfloat16"),
        ({"w": W.double()}, TypeError, "`linear_weight` has dtype torch.float64 and `input` torch.float32; convert"),
        ({"w": W.to("meta")}, ValueError, "`linear_weight` is on meta and `input` on cpu; move one of them."),
        ({"w": W[:, :2]}, ShapeError, r"`input` has shape \(4, 3\) and `linear_weight` \(5, 2\); they are \(..., D\)"),
        ({"w": W[0]}, ShapeError, r"`linear_weight` \(3,\); they are \(..., D\) and \(C, D\), of the same D."),
        ({"x": X[None], "w": W[:, None]}, ShapeError, r"with weights \(C, d1, ..., D\) the input is \(N, D\)."),
        ({"w": W[:0]}, ShapeError, r"`linear_weight` has shape \(0, 3\); no length is 0."),
        ({"linear_bias": W[:, 0].double()}, TypeError, "`linear_bias` has dtype torch.float64 and `linear_weight`"),
        ({"linear_bias": W[0]}, ShapeError, r"`linear_bias` has shape \(3,\); for this `linear_weight` it is \(5,\)."),
        ({"y": [0, 1]}, TypeError, "`target` is a list; it is a tensor of class indices or of probabilities, or"),
        (
            {"y": Y[:3]},
            ShapeError,
            r"class indices \(integers\) have shape \(4,\) and probabilities \(floating\) \(4, 5\)",
        ),
        ({"y": SOFT[:, :4]}, ShapeError, r"`target` has shape \(4, 4\); for this `input` and `linear_weight`"),
        ({"y": Y.float()}, TypeError, r"`target` has dtype torch.float32 and shape \(4,\); class indices are int64"),
        ({"y": Y.bool()}, TypeError, "`target` has dtype torch.bool"),
        ({"weight": X[0]}, ShapeError, r"`weight` has shape \(3,\); it holds one number a class, shape \(5,\)."),
        (
            {"token_weight": X},
            ShapeError,
            r"`token_weight` has shape \(4, 3\); it holds one number a row, shape \(4,\).",
        ),
        ({"memory_budget": 1.5}, TypeError, "`memory_budget` is 1.5; it is a whole number of bytes, or None."),
        ({"memory_budget": True}, TypeError, "`memory_budget` is True; it is a whole number of bytes, or None."),
        ({"memory_budget": 0}, ValueError, "`memory_budget` is 0; it is a number of bytes above 0."),
        (
            {"memory_budget": 9},
            ValueError,
            r"`memory_budget` is 9 bytes; this call needs at least [\d,]+, of which a row of logits takes [\d,]+",
        ),
        ({"denominator": 2, "reduction": "sum"}, ValueError, '`denominator` is for `reduction="mean"`'),
        ({"denominator": torch.zeros(())}, ValueError, "`denominator` is 0; it is a finite number above 0."),
        ({"process_group": object()}, TypeError, "`process_group` is a object; it is a torch.distributed.ProcessGroup"),
        ({"y": Y + 5}, DistributionError, r"`target` has 4 labels outside \[0, 5\); the first is 5 at row 0."),
        ({"y": SOFT * 2}, DistributionError, "`target` row 0 sums to 2, not 1."),
        (
            {"y": xent.TopK(Y[:, None], torch.full((4, 1), 0.5))},
            DistributionError,
            "`target.probs` row 0 sums to 0.5. Say where the rest is",
        ),
    ],
)
def test_messages(backend, arguments, error, message):
    if error is DistributionError or isinstance(arguments.get("denominator"), torch.Tensor):
        unread()
    if arguments.get("memory_budget") == 9 and torch.get_default_device().type == "cuda":
        pytest.skip("these tensors are on the CPU: test_linear_memory names the least budget of a GPU")
    with torch.device("cpu"), pytest.raises(error, match=message):
        call(**arguments)


def test_the_row_of_a_bad_distribution_is_that_of_the_call(backend):
    unread()
    soft = SOFT.reshape(2, 2, 5).clone()
    soft[1, 0, 3] = -0.2
    with pytest.raises(DistributionError, match=r"`target` row \(1, 0\) has -0.2 at outcome 3; a probability lies in"):
        call(x=X.reshape(2, 2, 3), y=soft, memory_budget=3000)


def test_statistics_are_of_one_class():
    with pytest.raises(ShapeError, match="the statistics of a row are of one class, an integer."):
        xent.torch.linear_token_statistics(X, W, SOFT)
    with pytest.raises(TypeError, match=r"it is a torch.distributed.ProcessGroup, such as `torch.distributed.group"):
        xent.torch.linear_token_statistics(X, W, Y, process_group=object())


def test_what_native_cannot_do_is_refused(monkeypatch):
    monkeypatch.setenv("XENT_BACKEND", "native")
    with pytest.raises(BackendUnavailable, match="`weight` requires a gradient"):
        call(weight=torch.ones(5, requires_grad=True))
    monkeypatch.setenv("XENT_BACKEND", "triton")
    with pytest.raises(BackendUnavailable, match="XENT_BACKEND=triton"):
        xent.torch.linear_cross_entropy(X.double(), W.double(), Y)


def test_choice():
    x = X.clone().requires_grad_()
    assert xent.torch.choice(xent.torch.linear_cross_entropy, X, W, Y).gradient == "none"
    assert xent.torch.choice(xent.torch.linear_cross_entropy, x, W, Y).gradient == "in forward"
    assert xent.torch.choice(xent.torch.linear_cross_entropy, x, W, Y, reduction="none").gradient == "in backward"
    assert xent.torch.choice(xent.torch.linear_token_statistics, x, W, Y).gradient == "in backward"
    weighed = xent.torch.choice(xent.torch.linear_cross_entropy, x, W, Y, weight=torch.ones(5, requires_grad=True))
    assert (weighed.backend, weighed.gradient) == ("reference", "autograd")


def test_choice_of_the_reference_still_goes_by_the_chunk(monkeypatch):
    monkeypatch.setenv("XENT_BACKEND", "reference")
    found = xent.torch.choice(xent.torch.linear_cross_entropy, X.clone().requires_grad_(), W, Y)
    assert found == ("reference", "in forward", "XENT_BACKEND=reference")


def test_choice_of_the_reference_where_operations_are_seen(monkeypatch):
    monkeypatch.setenv("XENT_BACKEND", "reference")
    x = X.clone().requires_grad_()
    for function in (xent.torch.linear_cross_entropy, xent.torch.linear_token_statistics):
        with FlopCounterMode(display=False):
            assert xent.torch.choice(function, x, W, Y) == ("reference", "autograd", "XENT_BACKEND=reference")
            assert xent.torch.choice(function, X, W, Y).gradient == "none"


def test_choice_names_a_module_in_one_line():
    with pytest.raises(TypeError, match=r"^`function` is a LinearCrossEntropyLoss; `choice` knows [^\n]*$"):
        xent.torch.choice(xent.torch.LinearCrossEntropyLoss(3, 5), X, Y)


def test_no_ignored_label_given_is_that_of_torch():
    target = torch.tensor([0, -100, 2, 4])
    expected = torch.nn.functional.linear_cross_entropy(X, W, target, ignore_index=None)
    assert torch.equal(call(y=target, ignore_index=None), call(y=target))
    torch.testing.assert_close(call(y=target, ignore_index=None), expected)
    module = xent.torch.LinearCrossEntropyLoss(3, 5, ignore_index=None)
    assert torch.isfinite(module(X, target))
