"""The commands in the documents print what the documents show."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("transcripts", ROOT / "docs" / "transcripts.py")
transcripts = importlib.util.module_from_spec(spec)
sys.modules["transcripts"] = transcripts
spec.loader.exec_module(transcripts)

DOCUMENTS = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if "```console" in path.read_text("utf-8")
]


def test_there_are_transcripts():
    assert DOCUMENTS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_print_what_is_shown(path):
    assert not transcripts.differences(path)


def test_a_difference_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ xent measure kl 0.5,0.5 0.9,0.1 --unit bits\n0.7 bits\n```\n", encoding="utf-8")
    assert "0.736966 bits" in transcripts.differences(page)[0]
    transcripts.write(page)
    assert not transcripts.differences(page)
    page.write_text(page.read_text("utf-8").replace("0.736966 bits", "...\n0.736966 bits"), encoding="utf-8")
    assert not transcripts.differences(page)


def test_bundled_predictions_are_there_by_name(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ xent report cancer.parquet --loss-only\n```\n", encoding="utf-8")
    assert "cancer.parquet   569 rows x 2 classes" in transcripts.differences(page)[0]
