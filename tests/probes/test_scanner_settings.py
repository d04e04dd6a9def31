"""Sweeps as they are typed, and which subjects each can be asked of."""

from pathlib import Path

import pytest

from anysyn.acquisition import Acquisition
from anysyn.data.records import Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.metadata_sweep.held_out import choose_subjects
from anysyn.probes.scanner_settings import parse_sweep, parse_sweeps

NAMES = ("T1w", "T2w", "PDw")


def test_a_sweep_is_read():
    one = parse_sweep(" PDw+t1 : T2w : TE = 120, 60,60 ", NAMES)
    assert (str(one), one.values, one.field) == ("T1w+PDw:T2w:te", (60.0, 120.0), "echo_time_ms")
    record = Acquisition(modality="T2w", repetition_time_ms=5000.0, echo_time_ms=95.0)
    assert one.set_in(record, 60.0) == Acquisition(modality="T2w", repetition_time_ms=5000.0, echo_time_ms=60.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("T1w:T2w", "cannot be read"),
        ("T1w:te=60", "cannot be read"),
        ("all:te=60", "cannot be read"),
        ("T1w:T2w,T1w:PDw:te=60", "cannot be read"),
        ("T1w:T2w:te", "cannot be read"),
        ("T1w:T2w:b=60", "no setting 'b'"),
        ("T1w:T2w:te=", "no numbers"),
        ("T1w:T2w:te=60,x", "no numbers"),
        ("T1w:T2w:te=60,-1", "no numbers"),
        ("T1w:T2w:te=nan", "no numbers"),
        ("T1w:FLAIR:te=60", "knows no 'FLAIR'"),
        ("T1w:T1w:te=60", "twice"),
    ],
)
def test_what_cannot_be_read_is_one_line(text, message):
    with pytest.raises(EvaluationError, match=message):
        parse_sweep(text, NAMES)


def test_two_sweeps_of_one_setting_are_an_error():
    with pytest.raises(EvaluationError, match="give all of its values to one"):
        parse_sweeps(["T1w:T2w:te=60", "T1w:T2w:te=80"], NAMES)
    with pytest.raises(EvaluationError, match="there is no sweep"):
        parse_sweeps([], NAMES)


def person(key, **times):
    images = dict.fromkeys(("T1w", "T2w"), Path("x.nii"))
    return Subject(key=key, dataset="A", images=images, masks={}, acquisitions={"T1w": Acquisition(**times)})


def test_another_sequence_does_not_count_and_its_subjects_are_left_out():
    sweep = parse_sweep("T2w:T1w:tr=600,700", NAMES)
    trained = [Acquisition(repetition_time_ms=tr, echo_time_ms=10.0) for tr in (500.0, 800.0)]
    trained += [Acquisition(repetition_time_ms=tr, echo_time_ms=3.0, flip_angle_deg=25.0) for tr in (20.0, 2000.0)]
    spin = person("a", repetition_time_ms=550.0, echo_time_ms=12.0)
    prepared = person("b", repetition_time_ms=2300.0, echo_time_ms=3.0, inversion_time_ms=900.0, flip_angle_deg=9.0)
    chosen, notes = choose_subjects(sweep, [spin, prepared], {"model": trained})
    assert [one.key for one in chosen] == ["a"]
    assert notes == ["1 subject is left out: sweep T2w:T1w:tr: the training saw no tr of a T1w with tr, te, ti, fa."]
    with pytest.raises(EvaluationError, match="no tr of a T1w with tr, te, ti, fa"):
        choose_subjects(sweep, [prepared], {"model": trained})


def test_what_one_run_has_seen_cannot_be_asked_of_any():
    sweep = parse_sweep("T2w:T1w:tr=600", NAMES)
    spin = person("a", repetition_time_ms=550.0, echo_time_ms=12.0)
    wide, seen = (
        [Acquisition(repetition_time_ms=tr, echo_time_ms=9.0) for tr in times]
        for times in ((5.0, 9e3), (600.0, 5.0, 9e3))
    )
    assert choose_subjects(sweep, [spin], {"model": wide})[0] == [spin]
    with pytest.raises(EvaluationError, match="600 is a setting of the training"):
        choose_subjects(sweep, [spin], {"model": wide, "label": seen})


def test_values_that_a_prompt_cannot_tell_apart_are_the_same():
    spin = person("a", repetition_time_ms=550.0, echo_time_ms=12.0)
    trained = [Acquisition(repetition_time_ms=tr, echo_time_ms=9.0) for tr in (400.0, 600.0, 900.0)]
    with pytest.raises(EvaluationError, match=r"600\.04 is a setting"):
        choose_subjects(parse_sweep("T2w:T1w:tr=600.04", NAMES), [spin], {"model": trained})
    assert choose_subjects(parse_sweep("T2w:T1w:tr=600.06", NAMES), [spin], {"model": trained})[0]
