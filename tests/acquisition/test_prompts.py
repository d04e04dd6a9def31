"""Prompts: the published lines, the round trip, and what is refused, with its place."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_runs import TWO_SPACES

from anysyn.acquisition import Acquisition, prompts
from anysyn.errors import UserError

# TUMSyn, Fig. 5a.
PUBLISHED = (
    "Age: 9.1; Gender: M; Scanner: 3.0 Siemens; Modality: PD; Voxel size: (0.9, 0.9, 1.2); "
    "Imaging parameter TR(ms), TE(ms), TI(ms), and FA(degree): (8178.3, 8.0, None, 90.0)"
)


def rounded(value):
    return round(value, 2 if abs(value) < 10 else 1)


numbers = st.one_of(st.none(), st.floats(0, 99999).map(rounded))
letters = st.text("ABCdefgh0123-+./", min_size=1, max_size=8)
words = st.one_of(st.none(), st.lists(letters, min_size=1, max_size=3).map(" ".join))
voxels = st.one_of(st.none(), st.tuples(*[st.floats(0.01, 20).map(rounded)] * 3))


def acquisitions(family, *modalities):
    """Make acquisitions in which each field of the family's prompt is known or not."""
    known = {field: words if field in prompts.WORDS else numbers for field in prompts.fields(family)}
    known |= {"sex": st.sampled_from([None, *prompts.SEXES]), "voxel_size_mm": voxels}
    return st.builds(Acquisition, **(known | {"modality": st.sampled_from(modalities)}))


mri = acquisitions("MRI", "T1w", "T2w", "FLAIR", "PDw", "T2star")
ct, pet = acquisitions("CT", "CT"), acquisitions("PET", "FDG-PET", "AV45-PET")


@given(st.one_of(mri, ct, pet))
def test_what_is_written_is_read_again(record):
    assert Acquisition.from_prompt(record.to_prompt()) == record


@given(st.floats(-99999, 99999))
def test_a_number_loses_nothing_beyond_the_stated_precision(value):
    read = float(prompts.short(value))
    assert abs(read - value) <= (0.005 if abs(value) < 9.99 else 0.05) + 1e-9
    assert prompts.short(read) == prompts.short(float(prompts.short(read)))
    assert "." in prompts.short(value)


def test_the_published_lines():
    record = Acquisition.from_prompt(PUBLISHED)
    assert (record.age_years, record.field_strength_t, record.manufacturer) == (9.1, 3.0, "Siemens")
    assert (record.repetition_time_ms, record.inversion_time_ms) == (8178.3, None)
    assert record.voxel_size_mm == (0.9, 0.9, 1.2)
    assert record.to_prompt() == PUBLISHED
    assert Acquisition.from_prompt(TWO_SPACES).to_prompt() == TWO_SPACES.replace(":  (", ": (")


def test_a_modality_alone_has_every_slot():
    assert Acquisition(modality="T1w").to_prompt() == (
        "Age: None; Gender: None; Scanner: None None; Modality: T1w; Voxel size: (None, None, None); "
        "Imaging parameter TR(ms), TE(ms), TI(ms), and FA(degree): (None, None, None, None)"
    )


def test_what_separates_slots_cannot_hide_in_a_word():
    record = Acquisition(modality="T1w", manufacturer="GE (Medical); Modality: T2w, ")
    again = Acquisition.from_prompt(record.to_prompt())
    assert (again.modality, again.manufacturer) == ("T1w", "GE Medical Modality T2w")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Modality: PD", "Contrast: PD"), "has no 'Modality: ...;'"),
        (("8178.3", "long"), "character 146, repetition_time_ms: 'long' is neither a number"),
        (("90.0", "T2var"), "flip_angle_deg: 'T2var' is neither a number such as 8.0 nor None"),
        (("Gender: M", "Gender: male"), "sex: 'male' is neither F, M, O nor None"),
        (("(0.9, 0.9, 1.2)", "(0.9, None, 1.2)"), "voxel_size_mm: .* is known in part"),
        (("(0.9, 0.9, 1.2)", "0.9"), r"modality: expected '; Voxel size: \(' after"),
        (("TE(ms), ", ""), "expected .*TE"),
        (("90.0)", "90.0) or so"), "' or so' stands after the end"),
        (("; Gender", ", Gender"), "expected '; Gender: '"),
        (("1.2)", "1,2)"), "voxel_size_mm.2: '1,2' is neither a number"),
    ],
)
def test_what_is_no_prompt_is_refused_with_its_place(change, message):
    with pytest.raises(UserError, match=message):
        Acquisition.from_prompt(PUBLISHED.replace(*change))


@given(mri)
def test_numbers_that_are_filled_up_are_the_same_numbers(acquisition):
    text = replace(acquisition, manufacturer="GE 3T").to_prompt()
    assert prompts.read(prompts.padded(text, 6)) == prompts.read(text)
