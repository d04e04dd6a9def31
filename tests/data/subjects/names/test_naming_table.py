from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from subject_files import image

from anysyn.data.modalities import modalities, recognise
from anysyn.data.subjects.names.name_words import read_name, words_of
from anysyn.data.subjects.names.naming import Naming
from anysyn.data.subjects.names.naming_table import joined, naming_table, table_of
from anysyn.registry import register


def test_every_alias_of_a_modality_is_a_word_of_the_table() -> None:
    table = naming_table()
    for known in modalities():
        for alias in (known.name, *known.aliases):
            assert table.words[joined(alias)].what == known.name, alias
            assert recognise(alias) is known


def test_rows_that_are_joined_later_decide() -> None:
    table = table_of(
        [
            ("own", {"contrasts": {"T1w": {"words": ["blue"]}}, "none": {"a toy": ["toy"]}, "neutral": ["left"]}),
            ("clinic", {"contrasts": {"T2w": {"words": ["blue"], "image_types": ["odd"]}}, "agent": ["vasovist"]}),
        ]
    )
    assert read_name(["left", "blue"], table).contrasts == ["T2w"]
    assert read_name(["blue", "toy"], table).none == {"toy": "a toy"}
    assert read_name(["blue", "vasovist"], table).agent == ["vasovist"]
    assert table.image_types["ODD"].what == "T2w"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "clinic: Input should be a valid dictionary, found \\[\\]"),
        ({"contrast": {}}, "clinic: no key 'contrast'; did you mean 'contrasts'\\? choices: after, agent"),
        ({"contrasts": {"T1w": {"word": ["x"]}}}, "clinic: contrasts: T1w: no key 'word'; did you mean 'words'"),
        ({"contrasts": {"T9": {"words": ["x"]}}}, "clinic: contrasts: T9: no modality named 'T9'.*choices"),
        ({"contrasts": {"t1": {"words": ["x"]}}}, "clinic: contrasts: t1: 't1' is an alias; write 'T1w'"),
        ({"contrasts": {"T2w": {"beside": ["flair"]}}}, "'flair' is an alias; write 'FLAIR'"),
        ({"without": ["ohne", False]}, "clinic: without: 1: Input should be a valid string, found False"),
        ({"agent": "gd"}, "clinic: agent: .*found 'gd'"),
        ({"none": {"a map": "map"}}, "clinic: none: a map: .*found 'map'"),
        ({"agent": ["--"]}, "clinic: '--' is no word"),
        ({"agent": ["pre"], "without": ["PRE"]}, "clinic: 'PRE' has two meanings, agent and without"),
        (
            {"contrasts": {"T1w": {"words": ["x1"]}, "T2w": {"words": ["X-1"]}}},
            "clinic: 'X-1' has two meanings, words of T1w and words of T2w",
        ),
    ],
)
def test_a_wrong_row_is_one_line_with_its_place(rows: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        table_of([("clinic", rows)])
    assert "\n" not in str(caught.value)


def test_a_registered_part_adds_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anysyn.registry._FACTORIES", {})

    @register("naming", "test_blue")
    def rows() -> dict[str, Any]:
        """Return what the clinic calls its images."""
        return {"contrasts": {"FLAIR": {"words": ["BLUE-7"]}}}

    assert Naming().contrast(words_of("p1_Blue-7")).name == "FLAIR"
    monkeypatch.setattr("anysyn.registry._FACTORIES", {})
    assert Naming().contrast(words_of("p1_Blue-7")).name is None


PLUGIN = '''
from anysyn.registry import register


@register("naming", "clinic")
def clinic():
    """What our clinic calls its images."""
    return {"contrasts": {"T1w": {"words": ["ANATOMIE"]}}, "agent": ["vasovist"]}
'''
FIND = """
import json, sys
from anysyn.data.subjects.find import find_subjects
print(json.dumps([sorted(one.images) for one in find_subjects(sys.argv[1]).subjects]))
"""


def test_an_installed_plugin_is_heeded_wherever_subjects_are_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "clinic-1.0.dist-info").mkdir(parents=True)
    (site / "clinic.py").write_text(PLUGIN)
    (site / "clinic-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: clinic\nVersion: 1.0\n")
    (site / "clinic-1.0.dist-info/entry_points.txt").write_text("[anysyn.plugins]\nclinic = clinic\n")
    image(tmp_path / "data/p1/p1_Anatomie.nii.gz")
    image(tmp_path / "data/p1/p1_Anatomie_Vasovist.nii.gz")
    image(tmp_path / "data/p1/p1_FLAIR.nii.gz")
    found = {}
    for plugged in (True, False):
        begin = f"import sys; sys.path.append({str(site)!r})\n" if plugged else ""
        command = [sys.executable, "-c", begin + FIND, str(tmp_path / "data")]
        found[plugged] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found == {True: [["FLAIR", "T1c", "T1w"]], False: [["FLAIR"]]}
