from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from anysyn.data.modalities import index, modalities, modality, recognise

PAPER = Path(__file__).parents[2] / "../shared/papers/omnisyn.txt"

# what the public datasets call them, written down by hand from their own descriptions
NAMES = {
    "T1w": ["T1w", "t1", "t1n", "T1", "mprage", "MP-RAGE"],
    "T1c": ["t1c", "t1ce", "T1Gd", "t1_gd", "t1_post", "T1 post", "ce-gadolinium_T1w", "T1wCE", "T1+C", "t1km"],
    "T2w": ["t2w", "t2", "T2"],
    "T2star": ["T2star", "T2starw", "T2*", "t2*w"],
    "FLAIR": ["flair", "t2f", "T2_FLAIR", "t2-flair", "FLAIR"],
    "PDw": ["pd", "PDw"],
    "SWI": ["swi"],
    "DWI": ["dwi", "dwi_b1000", "trace"],
    "ADC": ["adc", "ADC map"],
    "MRA": ["mra", "tof", "angio"],
    "CT": ["ct", "NCCT"],
    "FDG-PET": ["fdg", "FDG-PET", "FDG_PET", "18F-FDG"],
    "AV45-PET": ["av45", "AV45-PET", "florbetapir"],
    "TAU-PET": ["tau", "TAU-PET", "AV1451"],
}


@pytest.mark.parametrize(("name", "alias"), [(name, alias) for name, aliases in NAMES.items() for alias in aliases])
def test_aliases(name: str, alias: str) -> None:
    assert modality(alias).name == name
    assert modality(alias.upper()).name == name
    assert modality(f" {alias.lower()} ").name == name


def test_every_modality_is_tested_here() -> None:
    assert set(NAMES) == {one.name for one in modalities()}


@pytest.mark.parametrize(
    ("typo", "meant"), [("T1ww", "T1w"), ("FLAR", "FLAIR"), ("mprag", "T1w"), ("t1cee", "T1c"), ("FDGPT", "FDG-PET")]
)
def test_an_unknown_name_gets_the_nearest_and_the_choices(typo: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"{typo}.*did you mean '{meant}'\\? choices: .*ADC.*T2w") as caught:
        modality(typo)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "localizer", "x", "T", "1", "PET"])
def test_what_is_not_known_is_not_guessed(name: str) -> None:
    assert recognise(name) is None


def test_an_alias_belongs_to_one_modality() -> None:
    t1, t2 = modality("T1w"), modality("T2w")
    with pytest.raises(ValueError, match="'t-1' names both T1w and T2w"):
        index([t1, replace(t2, aliases=("t-1",))])
    assert len({id(one) for one in index(modalities()).values()}) == len(modalities())


def test_the_table_is_complete() -> None:
    for one in modalities():
        assert one.family in {"MRI", "CT", "PET"}
        assert one.description.endswith(".")
        assert (one.window is None) == (one.unit == "arbitrary"), one.name
        assert one.window is None or one.window[0] < one.window[1]


def test_a_place_in_bids_belongs_to_one_modality() -> None:
    places = [
        (one.bids.datatype, one.bids.suffix, key, label)
        for one in modalities()
        for key, labels in (one.bids.entities or {"": ("",)}).items()
        for label in labels
    ]
    assert len(places) == len(set(places))
    assert (modality("T1c").bids.suffix, modality("T1c").bids.entities["ce"][0]) == ("T1w", "gadolinium")


def test_windows_of_units_that_mean_something() -> None:
    assert [modality(name).window for name in ("CT", "ADC", "T1w")] == [(-1024, 3071), (0, 3000), None]


@pytest.mark.skipif(not PAPER.is_file(), reason="needs ../shared/papers")
def test_six_prompts_are_those_of_table_9() -> None:
    table = PAPER.read_text(encoding="utf-8").partition("**Table 9.**")[2].partition("## Implementation")[0]
    quoted = dict(re.findall(r"^(\w+)\t“(.*)”$", table, re.MULTILINE))
    assert len(quoted) == 6
    for name, text in quoted.items():
        assert modality(name).prompt == text


def test_prompts_name_their_modality_and_differ() -> None:
    prompts = [one.prompt for one in modalities()]
    assert len(set(prompts)) == len(prompts)
    for one in modalities():
        assert one.prompt.endswith(".")
        named = re.findall(r"\((.+?)\)", one.prompt)
        assert one.name in {found.name for word in named if (found := recognise(word))}, one.prompt
