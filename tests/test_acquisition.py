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
