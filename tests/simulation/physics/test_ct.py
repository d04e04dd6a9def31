"""CT: numbers of tissues, what voltage, exposure and kernel do, and that no MRI notices."""

import json
from dataclasses import replace

import numpy as np
import pytest

from anysyn.acquisition import Acquisition
from anysyn.data.subjects.find import find_subjects
from anysyn.simulation import simulate, simulate_like
from anysyn.simulation.anatomy.anatomy import Anatomy, Head
from anysyn.simulation.anatomy.traits import Traits
from anysyn.simulation.constants import read_table
from anysyn.simulation.physics.ct import ct, noise_hu
from anysyn.simulation.physics.instruments import blur

USUAL = Acquisition(modality="CT", kvp=120.0, tube_current_ma=300.0, exposure_mas=300.0, kernel="H31s")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ct") / "cohort"
    return simulate(folder, subjects=1, centres=1, spacing=4.0, contrasts=["T1w", "CT", "FDG-PET", "AV45-PET"])


def slab(name, *, whole=True, traits=None):
    """Return a block of one tissue in air."""
    part = np.zeros((24, 24, 24), dtype=np.float32)
    part[4:20, 4:20, 4:20] = 1
    flat = np.zeros_like(part)
    return Head(Anatomy({name: part}, flat, np.eye(4), {}), flat, {}, 2.0, whole, traits or Traits())


def middle(image):
    return float(image[12, 12, 12])


def test_tissues_have_their_numbers_and_air_is_air():
    for name in ("bone", "fat", "soft", "grey", "white"):
        image = ct(slab(name), USUAL, 0.0, None)
        assert middle(image) == pytest.approx(read_table("tissues.yaml")[name]["hu"]["value"], abs=0.5)
        assert image[0, 0, 0] == -1000
    assert 0 < ct(slab("white", whole=False), USUAL, 5.0, None).min() < 10  # fluid, no air, round a brain cut out


def test_calcium_gets_brighter_at_low_voltage_and_water_does_not():
    low = replace(USUAL, kvp=80.0)
    assert middle(ct(slab("bone"), low, 0.0, None)) == pytest.approx(900 * (120 / 80) ** 0.7, rel=1e-3)
    assert middle(ct(slab("white"), low, 0.0, None)) == pytest.approx(30, abs=0.1)
    contrast = [middle(ct(slab("grey"), a, 0.0, None)) - middle(ct(slab("white"), a, 0.0, None)) for a in (USUAL, low)]
    assert contrast[1] > contrast[0] > 6


def test_blood_follows_the_haematocrit():
    thin, thick = (middle(ct(slab("vein", traits=Traits(haematocrit=h)), USUAL, 0.0, None)) for h in (0.3, 0.5))
    assert thick - thin == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({"exposure_mas": 75.0}, 2.0),
        ({"kvp": 80.0}, 1.5**1.25),
        ({"kernel": "H60s"}, 2.8 * 0.7 / 1.4),  # at 2 mm a voxel averages over more than either kernel resolves
    ],
)
def test_noise_is_what_the_formula_says(change, factor):
    head = slab("white", whole=False)
    block = (slice(8, 16),) * 3
    spread = []
    for asked in (USUAL, replace(USUAL, **change)):
        truth = ct(head, asked, 2.0, None)
        errors = [ct(head, asked, 2.0, np.random.default_rng(seed)) - truth for seed in range(30)]
        inner = np.stack([one[block] - one[block].mean() for one in errors])  # without calibration and hardening
        spread.append(inner.std())
        formula = noise_hu(asked.kvp, asked.exposure_mas, 2.0, 2.0, blur("kernel", asked.kernel))
        assert spread[-1] == pytest.approx(formula, rel=0.08)
    assert spread[1] / spread[0] == pytest.approx(factor, rel=0.08)


def test_no_image_of_mri_notices_ct_and_pet(cohort, tmp_path):
    alone = simulate(tmp_path / "alone", subjects=1, centres=1, spacing=4.0, contrasts=["T1w"])
    for path in sorted(p.relative_to(alone) for p in alone.rglob("*") if p.is_file()):
        if path.name not in {"participants.tsv", "participants.json"}:  # which say who has amyloid
            assert (alone / path).read_bytes() == (cohort / path).read_bytes(), path


def test_ct_can_be_learned_from_t1w_but_not_read_off(cohort):
    """T1w goes up from fluid over grey to white matter, CT up and down again: a voxel of one hints at the other."""
    t1, hu = (simulate_like(cohort, "sub-001", Acquisition(modality=name)).voxels.numpy() for name in ("T1w", "CT"))
    t1, hu = t1[hu > -500], hu[hu > -500]
    bins = np.digitize(t1, np.quantile(t1, np.linspace(0, 1, 21)[1:-1]))
    means = np.array([hu[bins == i].mean() for i in range(20)])
    assert means[0] < means[-1] < means.max()
    assert 0.2 < means[bins].var() / hu.var() < 0.8, "the correlation ratio: what the best curve would explain"


def test_what_is_in_the_sidecar_is_read_back(cohort):
    record = find_subjects(cohort).subjects[0].acquisitions["CT"]
    sidecar = json.loads((cohort / "sub-001" / "ct" / "sub-001_ct.json").read_text())
    assert sidecar["Units"] == "HU"
    assert (sidecar["KVP"], sidecar["ConvolutionKernel"]) == (record.kvp, record.kernel) == (120.0, "H31s")
    assert (sidecar["XRayTubeCurrent"], sidecar["Exposure"]) == (record.tube_current_ma, record.exposure_mas)
    assert record.field_strength_t is None
    assert Acquisition.from_prompt(record.to_prompt()) == record


def test_every_value_has_a_source():
    table = read_table("instruments.yaml")
    for entry in [*table["kernels"].values(), *table["reconstructions"].values(), *table["ct"].values()]:
        assert entry["source"]
