"""`xent plot`: the file is there and right, or it is not there and the reason is."""

import subprocess
import sys

import pytest

pytest.importorskip("matplotlib")
click_testing = pytest.importorskip("click.testing")

from xent.cli.plot import FIGURES, plot  # noqa: E402 - after the skips


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*args):
        return click_testing.CliRunner().invoke(plot, list(args), prog_name="xent plot")

    return invoke


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_written_under_its_own_name(name, call, tmp_path):
    result = call(name)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert f"wrote {name}.svg" in result.stderr
    assert "<dc:description>" in (tmp_path / f"{name}.svg").read_text("utf-8")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_suffix_says_the_format_and_the_same_call_gives_the_same_bytes(suffix, call, tmp_path):
    for name in ("a", "b"):
        done = call(
            "code-lengths", "-o", f"{name}.{suffix}", "--p", "1/2,1/4,1/4", "--q", "0.25 0.25 0.5", "--unit", "nats"
        )
        assert done.exit_code == 0, done.output
    first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
    assert first == second
    assert first[:4] == {"png": b"\x89PNG", "svg": b"<?xm", "pdf": b"%PDF"}[suffix]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["simplex-cross-entropy", "--p", "0.1,0.2,0.7", "--unit", "bits"], "H(p) = 0.802 nats = 1.157 bits"),
        (["simplex_cross_entropy", "--coordinates", "triangle"], "q₃ = 1"),
        (["entropy-tangent", "--p", "3/10", "--q", "3/4"], "KL = 0.446 nats"),
        (["entropy-tangent", "--vary", "model", "--unit", "bits"], "KL = 0.643 bits"),
        (["binary-cross-entropy-curves", "--against", "logit"], "softplus"),
        (["binary-cross-entropy-surface", "--view", "gap"], "KL(y‖ŷ)"),
        (["code-lengths", "--p", "0.5,0.5", "--q", "1,0"], ">inf<"),
        (["kl-integrand", "--p", "-1/2,1", "--q", "0.5,1"], "KL(p‖q) = 0.5 nats"),
        (["forward_reverse_fit", "--p", "1/2,-3,0.5,1/2,3,0.5", "--unit", "bits"], "KL(q‖p) = 1 bit, the least"),
        (["estimator-bias", "--p", "1/2,1/4,1/4", "--unit", "bits"], "H(p) = 1.5 bits"),
    ],
)
def test_options_reach_the_figure(args, words, call, tmp_path):
    result = call(*args, "-o", "f.svg")
    assert result.exit_code == 0, result.output
    assert words in (tmp_path / "f.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "Missing argument 'NAME'"),
        (["simplex-cross-entrop"], "did you mean 'simplex-cross-entropy'"),
        (["simplex"], "simplex-cross-entropy"),
        (["code-lengths", "-o", "f.sgv"], "Did you mean f.svg?"),
        (["code-lengths", "-o", "f.jpeg"], ".png, .svg or .pdf"),
        (["code-lengths", "-o", "f"], "no suffix"),
        (["code-lengths", "-o", "missing/f.svg"], "cannot write"),
        (["code-lengths", "--unit", "bit"], "did you mean 'bits'"),
        (["code-lengths", "--against", "logit"], "has no --against; it takes --p, --q, --unit"),
        (["code-lengths", "--p", "a,b"], "'a' is not a number"),
        (["code-lengths", "--p", "1/0,1"], "divides by zero"),
        (["code-lengths", "--p", "1/2,1/4"], "--p sums to 0.75, not 1. Fractions such as 1/3"),
        (["code-lengths", "--p", "-0.5,1.5"], "-0.5 at outcome 0"),
        (["code-lengths", "--p", "1/2,1/2"], "--p has 2 outcomes and --q has 4"),
        (["code-lengths", "--p", "nan,1"], "nan at outcome 0"),
        (["code-lengths", "--p", "1e-999999999,1"], "--p has 2 outcomes"),
        (["code-lengths", "--p", ",".join(["0.0001"] * 10_000)], "10,000 values"),
        (["simplex-cross-entropy", "--p", "1/4,1/4,1/4,1/4"], "--p has 4 values; this figure takes 3"),
        (["simplex-cross-entropy", "--p", "logits:1,2,3"], "not logits"),
        (["entropy-tangent", "--p", "0.3,0.7"], "takes one probability"),
        (["entropy-tangent", "--q", "7"], "--q is 7"),
        (["entropy-tangent", "--vary", "truht"], "did you mean 'truth'"),
        (["entropy-tangent", "--colour"], "No such option"),
        (["kl-integrand", "--p", "0,1,2"], "--p has 3 values; it is one (mean, sd)"),
        (["kl-integrand", "--q", "0,0"], "--q has the standard deviation 0"),
        (["kl-integrand", "--p", "probs:0,1"], "means and deviations, not probs"),
        (["forward-reverse-fit", "--q", "0,1"], "has no --q; it takes --p, --unit"),
        (["forward-reverse-fit", "--p", "0.5,0,1,0.6,2,1"], "weights 0.5, 0.6"),
        (["estimator-bias", "--p", "1"], "--p has 1 value; an entropy"),
        (["estimator-bias", "--q", "1/2,1/2"], "has no --q; it takes --p, --unit"),
    ],
)
def test_a_call_that_cannot_be_done_ends_with_2_a_reason_and_no_file(args, says, call, tmp_path):
    result = call(*args)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "`" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_write_over_a_folder_is_refused(call, tmp_path):
    (tmp_path / "f.svg").mkdir()
    assert call("code-lengths", "-o", "f.svg").exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["f.svg"]


def test_help_begins_with_examples_lists_the_figures_and_loads_no_matplotlib():
    code = """
import sys
from xent.cli.plot import plot
plot(["--help"], standalone_mode=False)
print([m for m in ("matplotlib", "PIL") if m in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith("Examples:")
    assert all(name in out for name in FIGURES)
    assert out.splitlines()[-1] == "[]"
