"""Numbers of an acquisition reach the token, each by a direction of its own; a missing one has its own vector."""

import math
from dataclasses import fields

import torch
from toys import batch_of

from anysyn.acquisition import Acquisition
from anysyn.descriptors import NumericMetadata
from anysyn.descriptors.metadata import SCALES, scaled
from anysyn.types import Query


def token_of(descriptor, record, modality=1):
    which = torch.tensor([[modality]])
    return descriptor(batch_of((2, 2), samples=1), Query(which, which, ((record,),), ((record,),))).target[0, 0]


def descriptor_of(width=6):
    torch.manual_seed(0)
    return NumericMetadata(modalities=4, width=width)


def test_a_token_is_the_sum_of_modality_numbers_and_what_is_missing():
    descriptor = descriptor_of()
    names, record = list(SCALES), Acquisition(echo_time_ms=90.0, flip_angle_deg=45.0)
    known = {names.index("echo_time_ms"): scaled(record)[1], names.index("flip_angle_deg"): 0.0}
    expected = descriptor.table.weight[1].clone()
    for number in range(len(names)):
        expected += known[number] * descriptor.directions[number] if number in known else descriptor.missing[number]
    torch.testing.assert_close(token_of(descriptor, record), expected)


def test_nothing_known_is_the_modality_and_every_missing_vector():
    descriptor = descriptor_of()
    expected = descriptor.table.weight[1] + descriptor.missing.sum(0)
    torch.testing.assert_close(token_of(descriptor, None), expected)
    torch.testing.assert_close(token_of(descriptor, Acquisition(modality="T1w", sex="F")), expected)
    which = torch.tensor([[1]])
    without = descriptor(batch_of((2, 2), samples=1), Query(which, which)).target[0, 0]
    torch.testing.assert_close(without, expected)


def test_a_missing_value_learns_its_vector_and_a_known_one_its_direction():
    descriptor = descriptor_of()
    token_of(descriptor, Acquisition(echo_time_ms=90.0)).sum().backward()
    te = list(SCALES).index("echo_time_ms")
    assert not descriptor.missing.grad[te].any()
    assert descriptor.missing.grad[te + 1].any()
    assert descriptor.directions.grad[te].any()
    assert not descriptor.directions.grad[te + 1].any()


def test_every_number_of_an_acquisition_but_the_voxel_size_is_read():
    numbers = {field.name for field in fields(Acquisition) if "float | None" in str(field.type)}
    assert numbers == set(SCALES)
    low, high = ([scale(value) for scale in SCALES.values()] for value in (1.0, 2.0))
    assert all(a < b for a, b in zip(low, high, strict=True))


def test_usual_numbers_are_of_order_one_and_odd_ones_are_finite():
    usual = Acquisition(repetition_time_ms=2300, echo_time_ms=2.98, inversion_time_ms=900, field_strength_t=3, kvp=120)
    assert all(abs(value) <= 1 for value in scaled(usual) if not math.isnan(value))
    odd = scaled(Acquisition(repetition_time_ms=-5.0, echo_time_ms=math.inf, uptake_time_min=-2.0))
    assert math.isfinite(odd[0])
    assert math.isnan(odd[1])  # no number: not known


def test_close_echo_times_stay_apart_under_autocast():
    descriptor = descriptor_of()
    with torch.autocast("cpu", torch.bfloat16):
        first, second = (token_of(descriptor, Acquisition(echo_time_ms=te)) for te in (95.0, 95.1))
    assert first.dtype == torch.float32
    assert not torch.equal(first, second)
