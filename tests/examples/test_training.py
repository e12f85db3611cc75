"""The two trainings in examples/ run, and what they print is true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_digits_loss_stays_above_the_entropy_of_its_labels():
    out = run("train_digits.py", "--epochs", "2")
    rows = [line.split() for line in out.splitlines() if re.match(r" +\d+ ", line)]
    assert len(rows) == 6  # three kinds of labels, two epochs
    for _, loss, floor, gap, bits, _accuracy in rows:
        assert float(loss) >= float(floor)
        assert float(gap) == pytest.approx(float(loss) - float(floor), abs=2e-4)
        assert float(bits) > 0
    assert {row[2] for row in rows[:2]} == {"0.0000"}
    assert {row[2] for row in rows[2:4]} == {"0.5003"}  # -0.91 log 0.91 - 9 x 0.01 log 0.01
    assert "0.5003 nats: no loss goes below" in out


def test_language_model_learns_and_both_losses_agree(tmp_path):
    picture = tmp_path / "loss.png"
    out = run("train_language_model.py", "--steps", "15", "--compare", "3", "--picture", str(picture))
    values = {
        name: float(re.search(rf"{name} +([0-9.]+)", out)[1])
        for name in ("all bytes alike", "byte frequencies", "this model")
    }
    assert values["all bytes alike"] == 8.0
    assert values["byte frequencies"] < 5.2
    assert values["this model"] < 6.5
    apart = float(re.search(r"at most ([0-9.e+-]+) apart", out)[1])
    assert apart < 1e-5
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("script", ["train_digits.py", "train_language_model.py"])
def test_a_wrong_number_of_rounds_is_an_error(script):
    option = "--epochs" if "digits" in script else "--steps"
    done = subprocess.run([sys.executable, str(EXAMPLES / script), option, "0"], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{option} is at least 1" in done.stderr
