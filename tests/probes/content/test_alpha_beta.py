"""Alpha and beta of acquisitions: read from the network, and projected."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toys import PROMPTED, conditioner_of, decoder_of, encoder_of

from anysyn.acquisition import Acquisition
from anysyn.data.records import Subject
from anysyn.descriptors import NumericMetadata
from anysyn.probes.content.alpha_beta import (
    COHORT,
    list_scans,
    project,
    project_alpha_beta,
    read_alpha_beta,
    share_between,
)
from anysyn.synthesizer import Synthesizer
from anysyn.types import Condition

SIZE = (2.0, 2.0, 2.0)


def network(name, at=("encoder/out", "decoder/in")):
    encoder = encoder_of("unet", 2)
    decoder = decoder_of("cnn", encoder)
    sites = [site for site in (*encoder.sites, *decoder.sites) if site.name in at]
    conditioner = conditioner_of(name, sites, 2)
    conditioner.reads = NumericMetadata(modalities=4, width=conditioner.reads.width)
    return Synthesizer(encoder=encoder, decoder=decoder, conditioners=[conditioner]).eval()


def cohort(times=((60.0, 4000.0), (90.0, 5000.0), (110.0, 4500.0))):
    return [
        Subject(
            f"sub-{n}", "A", {"T1w": Path("t1"), "T2w": Path("t2")},
            {"T1w": Acquisition(modality="T1w", repetition_time_ms=2000.0, flip_angle_deg=9.0),
             "T2w": Acquisition(modality="T2w", echo_time_ms=te, repetition_time_ms=tr)}, {},
        )
        for n, (te, tr) in enumerate(times)
    ]  # fmt: skip


def test_the_cohort_is_listed_and_its_settings_are_varied():
    subjects = cohort()
    subjects[0] = replace(subjects[0], images={"T2w": Path("t2")})
    scans = list_scans(subjects, PROMPTED, SIZE)
    own = [one for one in scans if one.of == COHORT]
    assert [(one.subject, one.modality) for one in own] == [
        ("sub-1", "T1w"), ("sub-2", "T1w"), ("sub-0", "T2w"), ("sub-1", "T2w"), ("sub-2", "T2w")
    ]  # fmt: skip
    assert {one.record.voxel_size_mm for one in scans} == {SIZE}
    varied = {key: [one for one in scans if one.of == key] for key in ("te", "tr")}
    assert {one.modality for one in scans if one.of != COHORT} == {"T2w"}, "nothing varies in T1w"
    times = [one.record.echo_time_ms for one in varied["te"]]
    np.testing.assert_allclose(times, np.geomspace(60, 110, len(times)))
    assert {(one.subject, one.record.repetition_time_ms) for one in varied["te"]} == {("sub-1", 5000.0)}
    assert {(one.subject, one.record.echo_time_ms) for one in varied["tr"]} == {("sub-2", 110.0)}


def test_a_varied_setting_stays_within_one_sequence():
    other = replace(cohort()[0], key="sub-9", acquisitions={"T2w": Acquisition(echo_time_ms=5.0, flip_angle_deg=30.0)})
    scans = list_scans([*cohort(), other], PROMPTED, SIZE)
    assert min(one.record.echo_time_ms for one in scans if one.of == "te") == pytest.approx(60)


@pytest.mark.parametrize("name", ["alpha_beta", "film"])
def test_alpha_and_beta_are_what_acts_on_the_features_of_a_target(name):
    model, scans = network(name), list_scans(cohort(), PROMPTED, SIZE)
    found = read_alpha_beta(model, scans, PROMPTED, size=7)
    (conditioner,) = model.conditioners
    for n in (0, 4, len(scans) - 1):
        tokens = conditioner.reads._tokens(torch.tensor([[PROMPTED.index(scans[n].modality)]]), ((scans[n].record,),))
        features = torch.rand(1, found.scale.shape[1], 3, 3)
        acted = conditioner(features, Condition(tokens, tokens), "decoder/in").detach()
        wanted = features * found.scale[n].float()[None, :, None, None] + found.shift[n].float()[None, :, None, None]
        torch.testing.assert_close(acted, wanted)


def test_a_network_without_scale_and_shift_has_none():
    scans = list_scans(cohort(), PROMPTED, SIZE)
    assert read_alpha_beta(network("add", at=("decoder/in",)), scans, PROMPTED, size=8) is None
    assert read_alpha_beta(network("film", at=("encoder/out",)), scans, PROMPTED, size=8) is None


def test_components_are_those_of_the_cohort_alone():
    model, scans = network("alpha_beta"), list_scans(cohort(), PROMPTED, SIZE)
    found = read_alpha_beta(model, scans, PROMPTED, size=64)
    table, shares = project_alpha_beta(scans, found)
    inside = (table["of"] == COHORT).to_numpy()
    values = found.scale.numpy()
    centre = values[inside].mean(0)
    _, singular, axes = np.linalg.svd(values[inside] - centre)
    for n in (0, 1):
        np.testing.assert_allclose(abs(table[f"alpha_{n + 1}"]), abs((values - centre) @ axes[n]), atol=1e-9)
    assert shares["alpha"][:2] == pytest.approx((singular**2 / (singular**2).sum())[:2])
    assert table.loc[inside, "te"].isna().sum() == 3
    line = table[table["of"] == "te"]
    assert line["te"].is_monotonic_increasing
    assert line["alpha_1"].nunique() == len(line)


def test_where_nothing_varies_everything_is_zero():
    same = np.ones((4, 3))
    points, shares = project(same, np.array([True] * 3 + [False]))
    assert not points.any()
    assert shares == [0, 0]
    assert share_between(same, ["a", "a", "b", "b"]) == 0
