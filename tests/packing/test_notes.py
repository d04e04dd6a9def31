from pathlib import Path

import pytest
from packed import NOTES, write_notes

from anysyn.errors import UserError
from anysyn.packing.notes import read_notes


def test_good_notes(tmp_path):
    notes = read_notes(write_notes(tmp_path, scores=[{"on": "ten", "task": "T1w → T2w", "metrics": {"psnr": 30}}]))
    assert notes.limitations == NOTES["limitations"]
    assert notes.scores[0].metrics == {"psnr": 30.0}


def test_all_mistakes_are_listed_at_once(tmp_path):
    bad = {**NOTES["data"][0], "kind": "phantom", "licence": "MIT"}
    path = write_notes(tmp_path, version=1.0, limitations=[], data=[bad], autors=["x"])
    with pytest.raises(UserError) as caught:
        read_notes(path)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "version",
        "limitations",
        "data.0.kind",
        "data.0.licence",
        "autors",
    ]
    assert "write three numbers with dots between, such as 1.0.0" in lines[0]
    assert "did you mean 'license'" in lines[3]
    assert all(line.startswith(f"{path}:") for line in lines)


@pytest.mark.parametrize("content", ["", "just words", "a: [", "!!python/name:os.system x", "- 1"])
def test_what_is_no_mapping_is_refused(tmp_path, content):
    (tmp_path / "notes.yaml").write_text(content)
    with pytest.raises(UserError, match=r"notes\.yaml"):
        read_notes(tmp_path / "notes.yaml")


def test_the_notes_that_the_guide_shows_are_good(tmp_path):
    guide = Path(__file__).parents[2] / "docs" / "guide" / "models.md"
    shown = guide.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "notes.yaml").write_text(shown)
    assert read_notes(tmp_path / "notes.yaml").data[0].subjects == 40
