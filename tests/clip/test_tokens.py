"""Tokens: what the published prompts count, and which field an error blames."""

from dataclasses import replace

import pytest
from checkpoints import MOST, tokenizer
from text_runs import TWO_SPACES

from anysyn.acquisition import Acquisition
from anysyn.acquisition.prompts import TEMPLATES, USUAL, slots
from anysyn.clip.tokens import CheckpointTokens, ClipTokens
from anysyn.errors import UserError

T2W = TWO_SPACES.replace("T1w", "T2w").replace("(2500.0, 2.2, 1000.0, 8.0)", "(3200.0, 563.0, None, T2var)")


@pytest.mark.parametrize(
    ("text", "count"),
    [  # the first three as the published code counts them; usual prompts of CT and PET fit in 90 too
        (TWO_SPACES, 85),
        (Acquisition(modality="T1w").to_prompt(), 62),
        (T2W, 82),
        (USUAL["CT"], 81),
        (USUAL["PET"], 89),
    ],
)
def test_published_and_usual_prompts_have_so_many_tokens(text, count):
    [row] = ClipTokens(most=90)([text])["input_ids"]
    assert row.index(49407) + 1 == count


def test_filled_up_numbers_keep_every_digit_at_its_place():
    """Else a longer TR moves the echo time on, and the tower has to learn its digits once more."""
    known, tokens = Acquisition.from_prompt(TWO_SPACES), ClipTokens(most=120, digits=4)
    texts = [
        replace(known, repetition_time_ms=tr, age_years=age).to_prompt()
        for tr, age in ((2500.0, 12.0), (985.5, 7.0), (24.0, 101.0))
    ]
    rows = tokens(texts)["input_ids"]
    assert len({row.index(49407) for row in rows}) == 1
    moved = [n for n, beside in enumerate(zip(*rows, strict=True)) if len(set(beside)) > 1]
    assert len(moved) <= 4 + 6  # the digits of the age and of the repetition time, and nothing else


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        (
            {"manufacturer": "Siemens Healthineers Magnetom Prisma Fit XA30"},
            r"manufacturer has \d+ tokens \('Siemens H",
        ),
        ({"repetition_time_ms": 123456789.1, "manufacturer": "GE Healthcare"}, r"repetition_time_ms has 11 tokens"),
        ({"voxel_size_mm": (0.8, 12345678.0, 0.8)}, r"voxel_size_mm has 10 tokens \('12345678.0'\)"),
    ],
)
def test_the_error_names_the_field_that_is_too_long(fields, blamed):
    long = replace(Acquisition.from_prompt(TWO_SPACES), **fields).to_prompt()
    with pytest.raises(UserError, match=f"tower takes 90; {blamed}.*; shorten it, or give the text tower more"):
        ClipTokens(most=90)([TWO_SPACES, long])


def test_a_checkpoint_s_tokenizer_blames_the_same_field():
    record = Acquisition(modality="CT", kernel="K" * 300)
    with pytest.raises(UserError, match="kernel has 300 tokens"):
        CheckpointTokens(tokenizer=tokenizer(), most=MOST)([record.to_prompt()])


def test_what_is_no_prompt_is_to_be_shortened():
    with pytest.raises(UserError, match="takes 5; shorten the text"):
        ClipTokens(most=5)(["a text of too many words"])


@pytest.mark.parametrize("family", sorted(TEMPLATES))
def test_usual_prompts_are_prompts_of_their_family(family):
    name = {"MRI": "T1w", "CT": "CT", "PET": "FDG-PET"}[family]
    assert set(slots(USUAL[family])) == set(slots(Acquisition(modality=name).to_prompt()))


# The longest prompts that scanners of today lead to: every slot is known, every number has all of its digits.
COMMON = {"voxel_size_mm": (0.49, 0.49, 0.63), "age_years": 100.5, "sex": "M"}
LONGEST = {
    "CT": Acquisition(
        modality="CT",
        kvp=120.0,
        tube_current_ma=1300.5,
        exposure_mas=1300.5,
        kernel="FC68 AIDR3D Enhanced",
        manufacturer="Toshiba Aquilion ONE",
        **COMMON,
    ),
    "PET": Acquisition(
        modality="AV45-PET",
        tracer="18F-florbetapir",
        dose_mbq=1370.5,
        uptake_time_min=110.5,
        frame_duration_s=3600.5,
        reconstruction="OSEM3D+PSF+TOF 4i21s",
        manufacturer="Siemens Biograph mCT",
        **COMMON,
    ),
}


@pytest.mark.parametrize("family", sorted(LONGEST))
def test_the_longest_prompts_of_ct_and_pet_fit_224_tokens_and_not_90(family):
    text = LONGEST[family].to_prompt()
    assert Acquisition.from_prompt(text) == LONGEST[family]
    [row] = ClipTokens(most=224)([text])["input_ids"]
    assert 90 < row.index(49407) + 1 <= 125
    with pytest.raises(UserError, match=r"the text tower takes 90; .*(shorten it|more tokens)"):
        ClipTokens(most=90)([text])
