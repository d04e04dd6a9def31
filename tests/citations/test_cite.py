"""What to cite, as BibTeX that can be read again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packed import pack_tiny

from anysyn.citations import cite
from anysyn.citations.cite import OWN, _known
from anysyn.errors import RecipeError
from anysyn.packaged.names import packaged_names

ROOT = Path(__file__).parents[2]
ENTRY = re.compile(r"^@(\w+)\{([\w-]+),\n((?:  \w+ = \{.*\},\n)*)\}$", re.MULTILINE)


def entries(of: object) -> dict[str, str]:
    """Read the entries; each line belongs to one, or is a comment."""
    text = "\n".join(cite(of).lines())  # type: ignore[arg-type]
    rest = [line for line in ENTRY.sub("", text).splitlines() if line and not line.startswith("%")]
    assert not rest
    return {key: fields for _, key, fields in ENTRY.findall(text)}


def test_a_recipe_names_its_papers_and_anysyn() -> None:
    found = entries("omnisyn")
    assert list(found) == ["pu2026omnisyn", "anysyn"]
    assert "2602.08822" in found["pu2026omnisyn"]


def test_two_papers_are_two_entries_and_an_unknown_one_is_to_be_completed() -> None:
    assert list(entries("baselines/ddpm")) == ["ho2020ddpm", "song2021ddim", "anysyn"]
    found = cite("baselines/timm")
    assert any("complete the entry" in note for note in found.notes)
    assert "Wightman" in found.entries[0]


def test_a_packed_run_names_its_data(tiny: Path, tmp_path: Path) -> None:
    found = entries(pack_tiny(tiny, tmp_path))
    assert "CC0-1.0" in found["data-ellipsoids"]
    assert not any("no card" in note for note in cite(tmp_path / "packages" / "tiny-brain").notes)
    assert any("no card" in note for note in cite(tiny / "run").notes)


@pytest.mark.parametrize("name", packaged_names())
def test_a_packaged_run_names_its_data_though_a_recipe_has_its_name(name: str) -> None:
    found = cite(name)
    assert any(text.startswith("@misc{data-") for text in found.entries)
    assert not any("no card" in note for note in found.notes)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_can_be_cited(path: Path) -> None:
    assert "anysyn" in entries(path)


def test_the_entries_agree_with_citation_cff() -> None:
    own = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert own["title"] == OWN["title"]
    assert own["authors"][0]["name"] in OWN["author"]
    titles = {paper["title"]: paper for paper in _known().values()}
    for reference in own["references"]:
        paper = titles[reference["title"]]
        names = [f"{author['family-names']}, {author['given-names']}" for author in reference["authors"]]
        assert paper["author"] == " and ".join(names)
        assert paper["year"] == reference["year"]


def test_what_is_neither_is_one_line() -> None:
    with pytest.raises(RecipeError, match="no recipe 'nowhere'"):
        cite("nowhere")


def test_the_command() -> None:
    code = "from anysyn.cli import app; app()"
    done = subprocess.run([sys.executable, "-c", code, "cite", "tumsyn"], capture_output=True, text=True, check=True)
    assert "@misc{wang2024tumsyn," in done.stdout
