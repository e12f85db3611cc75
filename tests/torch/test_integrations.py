"""Tiny models of `transformers`, made from configurations: patched and unpatched give the same numbers."""

import copy
import subprocess
import sys
import types

import pytest
import torch

from xent import ShapeError
from xent.torch import cross_entropy
from xent.torch._deferred import Deferred
from xent.torch.integrations import causal_lm_loss, patch_causal_lm

V = 37
IDS = torch.randint(3, V, (4, 7), generator=torch.Generator().manual_seed(0))
LABELS = IDS.clone()
LABELS[0, 5:], LABELS[1, 4:], LABELS[2, :6] = -100, -100, -100
KEPT = int((LABELS[:, 1:] != -100).sum())
MASK = torch.ones_like(IDS)
MASK[0, 5:] = MASK[1, 4:] = 0

LLAMA = {
    "vocab_size": V,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT2 = {
    "vocab_size": V,
    "n_embd": 16,
    "n_layer": 1,
    "n_head": 2,
    "n_positions": 32,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT2 |= {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2, "output_router_logits": True}
KINDS = {
    "llama": LLAMA,
    "gemma2": LLAMA | {"final_logit_softcapping": 2.0},  # tied, capped
    "gpt2": GPT2,  # tied
    "mixtral": LLAMA | EXPERTS,  # a loss of the routers
    "cohere": LLAMA | {"logit_scale": 0.3},
    "granite": LLAMA | {"logits_scaling": 3.0},
    "granitemoe": LLAMA | EXPERTS | {"logits_scaling": 3.0},
    "phi": LLAMA,  # the head has a bias
}


@pytest.fixture(scope="module")
def hf():
    """`transformers`, which is to look for no network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.fixture
def make(hf):
    """Makes a tiny model with random weights, biases among them."""

    def model(kind, **more):
        torch.manual_seed(0)
        made = hf.AutoModelForCausalLM.from_config(hf.AutoConfig.for_model(kind, **KINDS[kind] | more)).train()
        with torch.no_grad():
            for p in made.parameters():
                p.add_(torch.randn_like(p), alpha=0.1)
        return made

    return model


def loss_of(outputs):
    return outputs[0] if isinstance(outputs, tuple) else outputs.loss


def run(model, **call):
    """Outputs and every gradient of one call with labels."""
    model.zero_grad()
    outputs = model(**{"input_ids": IDS, "labels": LABELS, "attention_mask": MASK} | call)
    loss_of(outputs).backward()
    return outputs, {name: p.grad for name, p in model.named_parameters()}


def same(found, expected):
    """Losses within 2 ulp, gradients within 8 ulp of the largest of the model: both sides round in float32."""
    torch.testing.assert_close(loss_of(found[0]), loss_of(expected[0]), rtol=2**-22, atol=0.0)
    assert found[1].keys() == expected[1].keys()
    largest = max(g.abs().max().item() for g in expected[1].values() if g is not None)
    for name, g in expected[1].items():
        if g is None:
            assert found[1][name] is None
        else:
            torch.testing.assert_close(found[1][name], g, rtol=0.0, atol=2**-20 * largest, msg=name)


CALLS = {
    "mean": {},
    "count": {"num_items_in_batch": 23},
    "count as tensor": {"num_items_in_batch": torch.tensor(23)},
    "tuple": {"return_dict": False},
    "shifted": {"shift_labels": LABELS.roll(1, 0)},
    "last": {"labels": LABELS[:, -4:], "logits_to_keep": 4},
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradients_are_those_of_the_model(make, kind, call):
    expected = run(make(kind), **CALLS[call])
    found = run(patch_causal_lm(make(kind)), **CALLS[call])
    same(found, expected)
    if call == "tuple":
        assert [a is None for a in found[0]] == [
            isinstance(a, torch.Tensor) and a.shape == (4, 7, V) for a in expected[0]
        ]
    else:
        assert found[0].logits is None
        assert [*found[0]] == [name for name in expected[0] if name != "logits"]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_no_logits_are_made_with_labels_and_the_same_as_ever_without(make, kind):
    plain, model = make(kind).eval(), patch_causal_lm(make(kind)).eval()
    made = []
    model.get_output_embeddings().register_forward_hook(lambda layer, args, output: made.append(type(output)))
    with torch.no_grad():
        model(IDS, labels=LABELS)
        assert torch.equal(model(IDS, attention_mask=MASK).logits, plain(IDS, attention_mask=MASK).logits)
    assert made == [Deferred, torch.Tensor]
    wanted = {"max_new_tokens": 5, "do_sample": False, "attention_mask": MASK[3:]}
    assert torch.equal(model.generate(IDS[3:], **wanted), plain.generate(IDS[3:], **wanted))


def test_what_is_saved_is_unchanged(make, tmp_path):
    plain, model = make("llama"), patch_causal_lm(make("llama"))
    before, after = plain.state_dict(), model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert model.config.to_dict() == plain.config.to_dict()
    assert isinstance(model, type(plain))
    assert type(model).__name__ == type(plain).__name__
    model.save_pretrained(tmp_path)
    assert type(plain).from_pretrained(tmp_path)(IDS, labels=LABELS).logits is not None


def test_labels_by_position_and_embeddings_in_place_of_ids(make):
    plain, model = make("gpt2"), patch_causal_lm(make("gpt2"))
    embeds = plain.get_input_embeddings()(IDS).detach()
    call = {"input_ids": None, "inputs_embeds": embeds}
    same(run(model, **call), run(plain, **call))
    toy = patch_causal_lm(Toy())
    assert "logits" not in toy(IDS, LABELS)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_autocast(make, dtype):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        expected, found = run(make("llama")), run(patch_causal_lm(make("llama")))
    assert found[0].loss.dtype == torch.float32
    if dtype == torch.float32:
        same(found, expected)
    torch.testing.assert_close(found[0].loss, expected[0].loss, rtol=2**-8, atol=0.0)


def test_checkpointed_layers(make):
    plain, model = make("llama"), patch_causal_lm(make("llama"))
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    same(run(model, use_cache=False), run(plain, use_cache=False))


def test_compiled_whole(make):
    expected, model = run(make("gemma2")), patch_causal_lm(make("gemma2"))
    torch._dynamo.reset()
    found = torch.compile(model, backend="aot_eager", fullgraph=True)(IDS, labels=LABELS, attention_mask=MASK)
    found.loss.backward()
    same((found, {name: p.grad for name, p in model.named_parameters()}), expected)


def test_a_deep_copy_is_a_model_of_its_own(make):
    model = patch_causal_lm(make("llama"))
    twin = copy.deepcopy(model)
    same(run(twin), run(make("llama")))
    assert all(p.grad is None for p in model.parameters())
    assert run(twin)[0].logits is None


def test_a_replica_works_with_its_own_weights(make):
    def replicate(module):  # as DataParallel does on each device
        replica = module._replicate_for_data_parallel()
        for name, child in module._modules.items():
            replica._modules[name] = replicate(child)
        for name, p in module._parameters.items():
            setattr(replica, name, None if p is None else 2 * p)
        return replica

    model, doubled = patch_causal_lm(make("phi")), make("phi")
    with torch.no_grad():
        for p in doubled.parameters():
            p.mul_(2)
    outputs = replicate(model)(IDS, labels=LABELS)
    torch.testing.assert_close(outputs.loss, doubled(IDS, labels=LABELS).loss, rtol=2**-22, atol=0.0)
    assert outputs.logits is None
    assert not model.lm_head._xent_deferring


def test_a_wrapper_that_calls_forward_itself(make):
    class Adapter(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def get_base_model(self):
            return self.model

        def forward(self, *args, **kwargs):
            return self.model.forward(*args, **kwargs)

    wrapped = Adapter(make("llama"))
    assert patch_causal_lm(wrapped) is wrapped
    outputs, _ = run(wrapped)
    assert outputs.logits is None
    torch.testing.assert_close(outputs.loss, make("llama")(IDS, labels=LABELS, attention_mask=MASK).loss)


def test_a_new_head_asks_for_a_new_patch(make):
    model = patch_causal_lm(make("llama"))
    model.set_output_embeddings(torch.nn.Linear(16, V, bias=False))
    with pytest.raises(TypeError, match="do not come straight from its last layer. If the layer was replaced"):
        model(IDS, labels=LABELS)
    assert patch_causal_lm(model)(IDS, labels=LABELS).logits is None


def rows(kept):
    """A data set whose rows have unlike numbers of labels."""
    return [{"input_ids": IDS[i], "attention_mask": MASK[i], "labels": LABELS[i]} for i in range(kept)]


@pytest.fixture
def train(hf, make, tmp_path):
    """Weights after one step of a real Trainer, and its loss on the same rows before."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")

    def one_step(model, batch, steps, **more):
        args = hf.TrainingArguments(
            output_dir=str(tmp_path),
            per_device_train_batch_size=batch,
            per_device_eval_batch_size=4,
            gradient_accumulation_steps=steps,
            max_steps=1,
            learning_rate=0.5,
            lr_scheduler_type="constant",
            optim="sgd",
            max_grad_norm=0.0,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        trainer = hf.Trainer(model, args, train_dataset=rows(4), eval_dataset=rows(4), **more)
        before = trainer.evaluate()["eval_loss"]
        trainer.train()
        return before, {name: p.detach().clone() for name, p in model.named_parameters()}

    return one_step


def test_a_trainer_steps_alike_however_the_batch_is_cut(train, make):
    loss, expected = train(make("llama"), 4, 1)

    def close(found):
        return all(torch.allclose(found[k], p, rtol=0.0, atol=1e-6) for k, p in expected.items())

    for batch, steps in ((4, 1), (1, 4), (2, 2)):
        for before, after in (
            train(patch_causal_lm(make("llama")), batch, steps),
            train(make("llama"), batch, steps, compute_loss_func=causal_lm_loss()),
            train(patch_causal_lm(make("llama")), batch, steps, compute_loss_func=causal_lm_loss()),
        ):
            assert close(after)
            assert before == pytest.approx(loss, rel=1e-6)

    def each_alike(outputs, labels, num_items_in_batch):
        return causal_lm_loss()(outputs, labels) / 4

    assert not close(train(make("llama"), 1, 4, compute_loss_func=each_alike)[1])


LOGITS = torch.randn(4, 7, V, generator=torch.Generator().manual_seed(1))


def by_hand(logits=LOGITS, **options):
    return cross_entropy(logits[:, :-1].reshape(-1, V), LABELS[:, 1:].reshape(-1), **options)


@pytest.mark.parametrize("count", [None, 23, 23.0, torch.tensor(23), torch.tensor([[23.0]])])
def test_the_loss_of_logits(count):
    a, b = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    found, expected = causal_lm_loss()(types.SimpleNamespace(logits=a), LABELS, count), by_hand(b, denominator=count)
    found.backward()
    expected.backward()
    assert torch.equal(found, expected)
    assert torch.equal(a.grad, b.grad)
    for outputs in ({"logits": LOGITS, "loss": None}, LOGITS):
        assert torch.equal(causal_lm_loss()(outputs, LABELS, num_items_in_batch=count), expected)
    shifted = torch.nn.functional.pad(LABELS[:, 1:], (0, 1), value=-100)
    assert torch.equal(causal_lm_loss()(LOGITS, None, count, shift_labels=shifted), expected)


OPTIONS = {"weight": torch.linspace(0.5, 2.0, V), "label_smoothing": 0.1, "z_loss": 1e-2}


def test_options():
    more = {"softcap": 2.0, "temperature": 0.5, "ignore_index": 5}
    assert torch.equal(causal_lm_loss(**OPTIONS)(LOGITS, LABELS), by_hand(**OPTIONS))
    labels = LABELS.masked_fill(LABELS == -100, 5)
    expected = cross_entropy(LOGITS[:, :-1].reshape(-1, V), labels[:, 1:].reshape(-1), **OPTIONS, **more)
    assert torch.equal(causal_lm_loss(**OPTIONS, **more)(LOGITS, labels), expected)
    toy = Toy()
    expected = by_hand(toy.lm_head(toy.embed(IDS)), **OPTIONS)
    patched = patch_causal_lm(patch_causal_lm(toy), **OPTIONS, memory_budget=1 << 20)
    torch.testing.assert_close(patched(IDS, LABELS)["loss"], expected, rtol=2**-22, atol=0.0)


@pytest.mark.parametrize("count", [0, torch.tensor(0)])
def test_no_label_at_all(count):
    nothing = torch.full_like(LABELS, -100)
    logits, model = LOGITS.clone().requires_grad_(), patch_causal_lm(Toy())
    for loss in (causal_lm_loss()(logits, nothing, count), model(IDS, nothing, num_items_in_batch=count)["loss"]):
        loss.backward()
        assert loss.item() == 0.0
    assert not logits.grad.any()
    assert not model.lm_head.weight.grad.any()


def test_refused_before_training():
    with pytest.raises(ValueError, match=r"`label_smoothing` is 2.0; it lies between 0 and 1."):
        causal_lm_loss(label_smoothing=2.0)
    with pytest.raises(ValueError, match=r"`z_loss` is -1.0; it is a finite number, 0 or more."):
        patch_causal_lm(Toy(), z_loss=-1.0)
    with pytest.raises(ValueError, match=r"`memory_budget` is 0; it is a number of bytes above 0."):
        patch_causal_lm(Toy(), memory_budget=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'reduction'"):
        causal_lm_loss(reduction="sum")


def test_refused_outputs_and_labels():
    with pytest.raises(
        ValueError, match="`outputs`, a dict, has no logits. A model of `patch_causal_lm` that is given"
    ):
        causal_lm_loss()({"loss": torch.tensor(1.0)}, LABELS)
    with pytest.raises(
        ValueError, match="`labels` is None: the batch has no `labels`. Let the data collator add them."
    ):
        causal_lm_loss()(LOGITS, None)
    with pytest.raises(
        ShapeError, match=r"`labels` has shape \(7, 4\) and the logits \(4, 7, 37\); each row of logits"
    ):
        causal_lm_loss()(LOGITS, LABELS.T)


def ForCausalLMLoss():  # noqa: N802  # the name that a model's loss is known by
    raise AssertionError("replaced by the patch")


class Toy(torch.nn.Module):
    """The least that can be patched."""

    loss_function = staticmethod(ForCausalLMLoss)

    def __init__(self, between=lambda logits: logits, vocab_size=V):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.lm_head = torch.nn.Embedding(V, 4), torch.nn.Linear(4, V)
        self.between, self.vocab_size = between, vocab_size

    def get_output_embeddings(self):
        return self.lm_head

    def forward(self, input_ids, labels=None, **kwargs):
        logits = self.between(self.lm_head(self.embed(input_ids)))
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.vocab_size, **kwargs)
        return {"loss": loss, "logits": logits}


def changed(**body):
    return type("Toy", (Toy,), body)()


def replaced(model):
    model.forward = model.forward
    return model


class Low(torch.nn.Linear):
    def forward(self, input):
        return super().forward(input) * 2


REFUSED = {
    r"`get_output_embeddings\(\)` gives no last layer": lambda: changed(get_output_embeddings=lambda self: None),
    "a Low, is no plain torch.nn.Linear": lambda: changed(get_output_embeddings=lambda self: Low(4, V)),
    "its `forward` was replaced on the instance": lambda: replaced(Toy()),
    "its `forward` has no parameter `labels`": lambda: changed(forward=lambda self, *args: None),
    "its `forward` does not call `self.loss_function`": lambda: changed(forward=lambda self, labels: labels.sum()),
    "its loss is ForMaskedLMLoss, not ForCausalLMLoss": lambda: changed(
        loss_function=types.SimpleNamespace(__name__="ForMaskedLMLoss")
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_models_that_are_refused(why):
    model = REFUSED[why]()
    before = type(model)
    with pytest.raises(
        TypeError, match=f"`model`, a Toy, cannot be patched: .*{why}.* Train it with `causal_lm_loss`."
    ):
        patch_causal_lm(model)
    assert type(model) is before


FOLLOWED = {
    "nothing": lambda z: z,
    "numbers": lambda z: 3 * (z * 0.7) / 2,
    "capped": lambda z: torch.tanh(z / 0.3) * 0.3,
    "scaled, then capped, then scaled": lambda z: (z * 5.0 / 2.0).tanh() * 2.0 / 0.5,
    "converted": lambda z: z.float().to(torch.float32).to(z.device).contiguous(),
}


@pytest.mark.parametrize("how", FOLLOWED)
def test_what_is_done_to_the_logits_is_followed(how):
    plain, model = Toy(), patch_causal_lm(Toy(FOLLOWED[how]))
    expected = by_hand(FOLLOWED[how](plain.lm_head(plain.embed(IDS))))
    expected.backward()
    found = model(IDS, LABELS)["loss"]
    found.backward()
    torch.testing.assert_close(found, expected, rtol=2**-21, atol=0.0)
    for a, b in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=0.0, atol=2**-20 * b.grad.abs().max().item())


UNKNOWN = {
    "`add`": lambda z: torch.add(z, 1),
    r"`\*` or `/` by -1.0": lambda z: z * -1.0,
    r"`\*` or `/` by a Tensor": lambda z: z / torch.tensor(2.0),
    "two `tanh`": lambda z: z.tanh().tanh(),
    r"`.to\(torch.float16\)`": lambda z: z.to(torch.float16),
    "`.softmax` of the logits": lambda z: z.softmax(-1),
    "a part of the logits": lambda z: z[..., :5],
    "a change of some logits": lambda z: z.__setitem__(0, 0.0),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_cannot_be_followed_is_refused_before_there_is_a_loss(what):
    model = patch_causal_lm(Toy(UNKNOWN[what]))
    with pytest.raises(
        (TypeError, AttributeError), match=f"This model uses {what} between its last layer and its loss."
    ):
        model(IDS, LABELS)
    assert not model.lm_head._xent_deferring  # the next call without labels has its logits


def test_a_layer_of_another_kind_is_refused():
    model = patch_causal_lm(Toy())
    model.lm_head.forward = lambda x: x.half() @ model.lm_head.weight.T.half()
    with pytest.raises(AttributeError, match="This model uses `.half` between its last layer and its loss."):
        model(IDS, LABELS)
    model.lm_head.forward = lambda x: torch.nn.functional.bilinear(x, x, torch.ones(V, 4, 4))
    with pytest.raises(TypeError, match="This model uses `bilinear` between its last layer and its loss."):
        model(IDS, LABELS)


def test_a_vocabulary_of_another_size_is_refused():
    with pytest.raises(ShapeError, match="The last layer has 37 rows and the model's `vocab_size` is 74; set"):
        patch_causal_lm(Toy(vocab_size=2 * V))(IDS, LABELS)


def test_transformers_is_not_needed():
    code = "import sys, xent.torch.integrations; print([m for m in ('transformers', 'accelerate') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
