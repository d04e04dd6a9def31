from hypothesis import given
from hypothesis import strategies as st

from anysyn.acquisition import Acquisition

numbers = st.one_of(st.none(), st.floats(0.001, 20000).map(lambda x: round(x, 3)))


@given(numbers, numbers, numbers, numbers, st.sampled_from([None, "Siemens", "GE"]))
def test_bids_round_trip(tr, te, ti, angle, vendor):
    record = Acquisition(
        repetition_time_ms=tr, echo_time_ms=te, inversion_time_ms=ti, flip_angle_deg=angle, manufacturer=vendor
    )
    assert Acquisition.from_bids(record.to_bids()) == record


def test_bids_times_are_seconds():
    assert Acquisition(repetition_time_ms=2300.0).to_bids() == {"RepetitionTime": 2.3}


def test_what_is_no_number_stays_unknown():
    record = Acquisition.from_bids({"EchoTime": "short", "FlipAngle": True, "Manufacturer": 3, "Other": 1})
    assert record == Acquisition()


@given(numbers, numbers, numbers, st.sampled_from([None, "OSEM"]))
def test_bids_round_trip_of_pet(dose, uptake, frame, method):
    record = Acquisition(dose_mbq=dose, uptake_time_min=uptake, frame_duration_s=frame, reconstruction=method)
    assert Acquisition.from_bids(record.to_bids()) == record


@given(numbers, numbers, numbers, st.sampled_from([None, "H31s"]))
def test_bids_round_trip_of_ct(voltage, current, exposure, kernel):
    record = Acquisition(kvp=voltage, tube_current_ma=current, exposure_mas=exposure, kernel=kernel)
    assert Acquisition.from_bids(record.to_bids()) == record


def test_doses_have_units_and_several_frames_no_one_duration():
    sidecar = {"InjectedRadioactivity": 3.7e8, "InjectedRadioactivityUnits": "Bq", "FrameDuration": [60, 120]}
    record = Acquisition.from_bids({**sidecar, "InjectionStart": -2700, "ScanStart": 0})
    assert (record.dose_mbq, record.uptake_time_min, record.frame_duration_s) == (370.0, 45.0, None)
    assert Acquisition.from_bids({"InjectedRadioactivity": 370}).dose_mbq is None
    assert Acquisition.from_bids({"Manufacturer": "n/a"}).manufacturer is None
