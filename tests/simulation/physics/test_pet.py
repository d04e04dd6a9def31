"""PET: uptake of tissues and regions, amyloid, resolution, and noise that follows the counts."""

from dataclasses import replace

import numpy as np
import pytest

from anysyn.acquisition import Acquisition
from anysyn.data.subjects.find import find_subjects
from anysyn.simulation import simulate
from anysyn.simulation.anatomy.anatomy import Anatomy, Head
from anysyn.simulation.anatomy.regions import box_places
from anysyn.simulation.anatomy.traits import Traits, draw_traits
from anysyn.simulation.physics.pet import noise_of_counts, pet, uptake

SCAN = {"dose_mbq": 250.0, "uptake_time_min": 45.0, "frame_duration_s": 900.0, "reconstruction": "OSEM"}
FDG = Acquisition(modality="FDG-PET", tracer="FDG", **SCAN)
AV45 = replace(FDG, modality="AV45-PET", tracer="AV45", uptake_time_min=50.0)


def brain(traits=None):
    """Return a ball of grey matter round one of white matter."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, 40),) * 3, indexing="ij"))
    radius = np.sqrt((places**2).sum(0))
    parts = {"grey": ((radius < 0.95) & (radius >= 0.6)).astype(np.float32), "white": (radius < 0.6).astype(np.float32)}
    flat = np.zeros((40, 40, 40), dtype=np.float32)
    return Head(Anatomy(parts, flat, np.eye(4), {}), flat, {}, 4.0, whole=False, traits=traits or Traits())


def where(tissue):
    return brain().anatomy.fractions[tissue] > 0


def test_glucose_goes_to_grey_matter_and_more_of_it_later():
    images = [uptake(brain(), replace(FDG, uptake_time_min=m)) for m in (30.0, 60.0)]
    (early, late), white = ([image[where(name)].mean() for image in images] for name in ("grey", "white"))
    assert early > 2.3 * white[0]
    assert late > 2.3 * white[1]
    assert late == pytest.approx(2**0.3 * early, rel=1e-3)


def test_amyloid_fills_the_cortex_and_spares_the_cerebellum():
    negative, positive = (uptake(brain(Traits(amyloid=load)), AV45) for load in (0.0, 0.8))
    grey, white = where("grey"), where("white")
    x, y, z = box_places(grey)
    frontal, cerebellum = grey & (y > 0.3) & (z > 0) & (abs(x) < 2), grey & (y < -0.3) & (z < -0.6) & (abs(x) < 0.6)
    assert positive[frontal].mean() - negative[frontal].mean() > 0.6
    assert positive[cerebellum].mean() - negative[cerebellum].mean() < 0.25
    assert negative[white].mean() > 1.4 * negative[grey].mean()  # unspecific binding above a negative cortex
    assert positive[grey].mean() > 0.9 * positive[white].mean()


def test_disease_takes_glucose_from_the_temporoparietal_cortex():
    healthy, ill = (uptake(brain(Traits(amyloid=load)), FDG) for load in (0.0, 0.85))
    x, y, z = box_places(grey := where("grey"))
    there = grey & (abs(x) > 0.6) & (y < -0.2) & (y > -0.7) & (z > 0) & (z < 0.4)
    assert ill[there].mean() < 0.85 * healthy[there].mean()


def test_the_scanner_blurs_to_its_resolution():
    flat, point, cube = np.zeros((3, 41, 41, 41), dtype=np.float32)
    point[20, 20, 20] = 1
    cube[10:31, 10:31, 10:31] = 1
    parts = ({"white": point, "fluid": cube - point}, {"white": flat, "fluid": cube})
    bright, dark = (pet(Head(Anatomy(p, flat, np.eye(4), {}), flat, {}, 1.0, True), AV45, None) for p in parts)
    line = (bright - dark)[20, 20]
    above = np.interp(0.5, (line / line.max())[20:26][::-1], np.arange(5, -1, -1.0))
    assert 2 * above == pytest.approx(6.0, abs=0.2)  # full width at half maximum of OSEM, in mm


@pytest.mark.parametrize(
    ("change", "factor"),
    [({"dose_mbq": 62.5}, 2.0), ({"frame_duration_s": 225.0}, 2.0), ({"uptake_time_min": 45 + 109.8}, 2**0.5)],
)
def test_noise_follows_the_counts(change, factor):
    assert noise_of_counts(replace(FDG, **change)) == pytest.approx(factor * noise_of_counts(FDG))
    head, inner = brain(), (slice(14, 26),) * 3
    few = {key: value for key, value in change.items() if key != "uptake_time_min"}
    spread = [
        np.std([(pet(head, a, np.random.default_rng(s)) - pet(head, a, None))[inner] for s in range(6)])
        for a in (FDG, replace(FDG, **few))
    ]
    assert spread[1] / spread[0] == pytest.approx(factor if few else 1.0, rel=0.05)


def test_filtered_backprojection_spreads_noise_evenly():
    def ratio(how):
        head, asked = brain(), replace(FDG, reconstruction=how)
        errors = np.stack([pet(head, asked, np.random.default_rng(s)) - pet(head, asked, None) for s in range(8)])
        return errors[:, where("grey")].std() / errors[:, where("white")].std()

    assert ratio("OSEM") > 1.2
    assert ratio("FBP") == pytest.approx(1.0, abs=0.1)


def test_older_people_have_amyloid_more_often():
    def share(age):
        return np.mean([draw_traits(age, np.random.default_rng(seed)).amyloid > 0 for seed in range(500)])

    assert share(30.0) == 0
    assert share(60.0) == pytest.approx(0.37, abs=0.06)
    assert share(80.0) > share(60.0)


def test_a_cohort_says_who_is_positive_and_reads_its_protocols_back(tmp_path):
    cohort = simulate(
        tmp_path / "c", subjects=2, centres=["F", "E"], spacing=6.0, contrasts=["FDG-PET", "AV45-PET"], vary=True
    )
    rows = [row.split("\t") for row in (cohort / "participants.tsv").read_text().splitlines()]
    assert rows[0][-1] == "amyloid"
    assert {row[-1] for row in rows[1:]} <= {"positive", "negative"}
    found = find_subjects(cohort).subjects
    assert [one.dataset for one in found] == ["F", "E"]
    records = [record for one in found for record in one.acquisitions.values()]
    for record in records:
        assert record.tracer == record.modality.removesuffix("-PET")
        assert None not in (record.uptake_time_min, record.frame_duration_s, record.reconstruction)
        assert Acquisition.from_prompt(record.to_prompt()) == record
    assert len({record.dose_mbq for record in records}) == 4  # each varies


def test_sites_of_pet_and_ct_are_made_where_asked_for(tmp_path):
    cohort = simulate(tmp_path / "c", subjects=4, centres=["E", "F"], spacing=8.0)
    held = {one.key: set(one.images) for one in find_subjects(cohort).subjects}
    assert held["sub-001"] == held["sub-003"] == {"T1w", "T2w", "FLAIR", "CT", "FDG-PET"}
    assert all("T1w" in held[key] and len(held[key]) >= 3 for key in ("sub-002", "sub-004"))
