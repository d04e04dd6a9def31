"""A PET is in SUV or SUVR, as its sidecar states or its intensities allow; activity is refused."""

import pytest
import torch

from anysyn.data.errors import VolumeError
from anysyn.data.units.reading import in_table_unit
from anysyn.data.volumes.volume import read_volume


def uptake(most=8.0):
    image = torch.zeros(10, 10, 10)
    image[2:8, 2:8, 2:8] = most * (0.5 + 0.5 * torch.rand(6, 6, 6, generator=torch.Generator().manual_seed(0)))
    return image


@pytest.mark.parametrize(
    ("name", "most", "stated"), [("FDG-PET", 8.0, "SUV"), ("FDG-PET", 8.0, "g/mL"), ("AV45-PET", 2.0, "SUVR")]
)
def test_a_stated_unit_is_taken(name, most, stated):
    reading = in_table_unit(uptake(most), name, stated)
    assert reading.assumed is None
    assert torch.equal(reading.image, uptake(most))


@pytest.mark.parametrize(("name", "unit", "most"), [("FDG-PET", "SUV", 12.0), ("TAU-PET", "SUVR", 3.0)])
def test_without_a_sidecar_it_is_said_what_was_assumed(name, unit, most):
    assert in_table_unit(uptake(most), name).assumed.startswith(f"taken for {unit}: its sidecar states no Units")


@pytest.mark.parametrize(
    ("name", "most", "stated", "message"),
    [
        ("FDG-PET", 9.0, "Bq/mL", "is in Bq/mL and not in SUV; divide Bq/mL by the injected dose"),
        ("FDG-PET", 9.0, "kBq/ml", "is in kBq/ml and not in SUV"),
        ("AV45-PET", 2.0, "SUV", "is in SUV and not in SUVR; divide the image by its mean in the cerebellum"),
        ("FDG-PET", 2e4, None, "are no SUV; divide Bq/mL by"),
        ("FDG-PET", 2e4, "SUV", "are no SUV"),
        ("AV45-PET", 90.0, None, "are no SUVR"),
        ("FDG-PET", 0.02, None, "are no SUV"),
        ("FDG-PET", None, None, "its largest value is 1, as after scaling"),
    ],
)
def test_other_units_are_refused_with_the_remedy(name, most, stated, message):
    image = uptake() / uptake().max() if most is None else uptake(most)
    with pytest.raises(VolumeError) as caught:
        in_table_unit(image, name, stated)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_every_real_pet_is_suv_and_no_activity(shared):
    paths = sorted((shared / "limb_ct_pet").glob("*/FDG-PET.nii.gz"))
    assert len(paths) == 17
    for path in paths:
        suv = read_volume(path).voxels
        assert in_table_unit(suv, "FDG-PET").assumed.startswith("taken for SUV")
        with pytest.raises(VolumeError):
            in_table_unit(suv * 4000, "FDG-PET")  # 300 MBq in a person of 75 kg
