"""Protocols from broad ranges: what is drawn can be scanned, and differs."""

import math

import numpy as np
import pytest

from anysyn.acquisition.prompts import short
from anysyn.simulation.centres import centre
from anysyn.simulation.constants import read_table
from anysyn.simulation.physics.limits import check_acquisition
from anysyn.simulation.physics.signal import inversion_recovery, mprage
from anysyn.simulation.protocol_ranges import ranges, varied

MADE = [(name, where) for where in read_table("centres.yaml") for name in centre(where).protocols]
KEYS = {"tr": "repetition_time_ms", "te": "echo_time_ms", "ti": "inversion_time_ms", "fa": "flip_angle_deg"}


@pytest.mark.parametrize(("name", "where"), MADE)
def test_every_protocol_of_every_site_can_be_varied_and_stays_valid(name, where):
    here = centre(where)
    drawn = [here.protocol(name, np.random.default_rng(seed), vary=True) for seed in range(200)]
    for one in drawn:
        check_acquisition(one.acquisition)
        if {"ti", "fa"} <= here.protocols[name].keys():
            mprage(1.0, 900.0, 50.0, **{key: getattr(one.acquisition, field) for key, field in KEYS.items()})
    own = here.protocol(name, np.random.default_rng(0))
    assert {one.thickness_mm for one in drawn} == {own.thickness_mm}
    assert {one.acquisition.b_value for one in drawn} == {own.acquisition.b_value}
    for key, field in KEYS.items():
        values = [getattr(one.acquisition, field) for one in drawn]
        if key in here.protocols[name]:
            assert len(set(values)) > 20
            assert max(values) / min(values) > 1.1
        else:
            assert set(values) == {None}  # the sequence is still the centre's


@pytest.mark.parametrize(("name", "where"), MADE)
def test_numbers_are_log_uniform_inside_their_range_and_as_a_prompt_writes_them(name, where):
    numbers, field = centre(where).protocols[name], centre(where).field_t
    drawn = [varied(name, numbers, field, np.random.default_rng(seed)) for seed in range(400)]
    for key, (low, high) in ranges(name, numbers).items():
        if key in KEYS:
            values = [one[key] for one in drawn]
            assert low - 0.05 <= min(values) < max(values) <= high + 0.05
            share = np.mean(np.array(values) < math.sqrt(low * high))  # the geometric mean halves log-uniform draws
            assert abs(share - 0.5) < 0.12
            assert [float(short(value)) for value in values] == values


def test_fluid_stays_dark_on_every_flair():
    for seed in range(50):
        one = varied("FLAIR", {"tr": 9000, "te": 95, "ti": 2450}, 3.0, np.random.default_rng(seed))
        fluid = inversion_recovery(1.0, 4300.0, 2000.0, **one)
        white = inversion_recovery(0.7, 887.0, 69.0, **one)
        assert fluid < 0.6 * white


def test_every_range_has_a_source():
    for entries in read_table("protocol_ranges.yaml").values():
        for entry in entries:
            assert entry["source"]
            assert all(span[0] < span[1] for key, span in entry.items() if key != "source")
