from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from anysyn.acquisition import Acquisition

numbers = st.one_of(st.none(), st.floats(0.001, 20000).map(lambda x: round(x, 3)))
WORDS = {"manufacturer": "GE", "kernel": "H31s", "reconstruction": "OSEM", "tracer": "FDG"}
NOT_IN_BIDS = {"modality", "voxel_size_mm", "age_years", "sex"}
known = {field.name: numbers for field in fields(Acquisition) if field.name not in NOT_IN_BIDS}
known |= {name: st.sampled_from([None, word]) for name, word in WORDS.items()}


@given(st.builds(Acquisition, **known))
def test_bids_round_trip(record):
    assert Acquisition.from_bids(record.to_bids()) == record


def test_bids_times_are_seconds():
    assert Acquisition(repetition_time_ms=2300.0).to_bids() == {"RepetitionTime": 2.3}


def test_what_is_no_number_stays_unknown():
    record = Acquisition.from_bids({"EchoTime": "short", "FlipAngle": True, "Manufacturer": 3, "Other": 1})
    assert record == Acquisition()


def test_doses_have_units_and_several_frames_no_one_duration():
    sidecar = {"InjectedRadioactivity": 3.7e8, "InjectedRadioactivityUnits": "Bq", "FrameDuration": [60, 120]}
    record = Acquisition.from_bids({**sidecar, "InjectionStart": -2700, "ScanStart": 0})
    assert (record.dose_mbq, record.uptake_time_min, record.frame_duration_s) == (370.0, 45.0, None)
    assert Acquisition.from_bids({"InjectedRadioactivity": 370}).dose_mbq is None
    assert Acquisition.from_bids({"Manufacturer": "n/a"}).manufacturer is None
