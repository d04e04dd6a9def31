"""One absurd voxel is named, whatever the modality; real images hold none."""

import nibabel as nib
import numpy as np
import pytest
import torch

from anysyn.data.errors import VolumeError
from anysyn.data.subjects.find import find_subjects
from anysyn.data.units.reading import in_table_unit
from anysyn.data.units.stated import plain
from anysyn.data.volumes.study import read_study
from anysyn.data.volumes.volume import read_volume

TISSUE = {
    "T1w": (0.0, 500.0),
    "CT": (-1000.0, 40.0),
    "ADC": (0.0, 900.0),
    "FDG-PET": (0.0, 6.0),
    "AV45-PET": (0.0, 1.5),
}


@pytest.mark.parametrize("value", [1e30, -1e30, 1e13])
@pytest.mark.parametrize("name", TISSUE)
def test_a_voxel_beyond_what_the_modality_can_be_is_named(name, value):
    air, tissue = TISSUE[name]
    image = torch.full((9, 8, 7), air)
    image[2:7, 2:6, 2:5] = tissue * (1 + 0.1 * torch.rand(5, 4, 3, generator=torch.Generator().manual_seed(0)))
    in_table_unit(image, name)
    image[3, 4, 2] = value
    with pytest.raises(VolumeError, match=r"voxel \(3, 4, 2\) is -?1e\+\d\d, where bright ones are about") as caught:
        in_table_unit(image, name)
    assert "\n" not in str(caught.value)


def test_a_spike_of_a_scanner_is_no_reason():
    image = torch.zeros(20, 20, 20)
    image[5:15, 5:15, 5:15] = 300.0
    image[9, 9, 9] = 32767.0
    assert in_table_unit(image, "T1w").image is image


def test_the_brightest_voxel_of_a_real_mri_is_near_its_bright_ones(shared):
    for path in sorted(shared.glob("*/*/*.nii.gz")):
        if path.name.split(".")[0] in ("T1w", "T1c", "T2w", "FLAIR", "DWI"):
            image = read_volume(path).voxels
            assert in_table_unit(image, path.name.split(".")[0]).image is image
            assert float(image.max()) < 4.5 * np.percentile(image[image > 0], 99.9), "the figure of check_extremes"


@pytest.mark.parametrize(
    ("written", "read"),
    [("10⁻³ mm²/s", "1e-3mm2/s"), ("x10^-6 mm^2/sec", "1e-6mm2/s"), ("Bq / mL", "bq/ml"), ("1E-03 mm2/s", "1e-3mm2/s")],
)
def test_spellings_of_a_unit(written, read):
    assert plain(written) == read


def test_the_unit_of_a_sidecar_reaches_the_image(tmp_path):
    folder = tmp_path / "sub-01"
    folder.mkdir()
    image = np.zeros((10, 10, 10), np.float32)
    image[2:8, 2:8, 2:8] = np.random.default_rng(0).uniform(4, 8, (6, 6, 6))
    nib.save(nib.Nifti1Image(image, np.eye(4)), folder / "FDG-PET.nii.gz")
    subject = find_subjects(tmp_path).subjects[0]
    assert "taken for SUV" in read_study(subject).assumed["FDG-PET"]
    (folder / "FDG-PET.json").write_text('{"Units": "SUV"}')
    assert read_study(subject).assumed == {}
    (folder / "FDG-PET.json").write_text('{"Units": "Bq/mL"}')
    with pytest.raises(VolumeError, match=r"sub-01: FDG-PET \(.*FDG-PET\.nii\.gz\): is in Bq/mL and not in SUV"):
        read_study(subject)
