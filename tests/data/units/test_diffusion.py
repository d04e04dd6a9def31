"""Diffusion is kept in 10^-6 mm^2/s, whatever unit the file is in; the unit is stated or told by the intensities."""

import numpy as np
import pytest
import torch

from anysyn.data.errors import VolumeError
from anysyn.data.units.diffusion import diffusion_factor, factor_of
from anysyn.data.units.reading import in_table_unit
from anysyn.data.volumes.volume import read_volume


def tissue():
    """Return a map (10, 10, 10) in 10^-6 mm^2/s: tissue about 800 with fluid of 3000, and 0 around."""
    image = torch.zeros(10, 10, 10)
    image[2:8, 2:8, 2:8] = 800 + 100 * torch.rand(6, 6, 6, generator=torch.Generator().manual_seed(0))
    image[4:6, 4:6, 4:6] = 3000
    return image


@pytest.mark.parametrize(
    ("unit", "in_si"),
    [("mm2/s", 1e-6), ("10^-3 mm^2/s", 1e-9), ("1e-6 mm2/s", 1e-12), ("um2/ms", 1e-9), ("m^2/s", 1.0), ("cm²/s", 1e-4)],
)
def test_a_unit_is_what_it_is_in_si(unit, in_si):
    assert factor_of(unit) == pytest.approx(in_si / 1e-12)


@pytest.mark.parametrize(
    ("factor", "unit"), [(1.0, "10^-6 mm^2/s"), (1e-3, "10^-3 mm^2/s"), (1e-6, "mm^2/s")], ids=["e-6", "e-3", "1"]
)
@pytest.mark.parametrize("stated", [True, False])
def test_three_units_give_one_image(factor, unit, stated):
    reading = in_table_unit(factor * tissue(), "ADC", unit if stated else None)
    torch.testing.assert_close(reading.image, tissue())
    assert (reading.assumed is None) == stated
    if not stated:
        assert reading.assumed.startswith(f"taken for {unit}: its sidecar states no Units")


@pytest.mark.parametrize(
    ("change", "stated", "message"),
    [
        (lambda adc: adc, "mm2/s", "states Units 'mm2/s', by which its bright voxels would be 3e+09"),
        (lambda adc: adc, "HU", "no unit of diffusion; write one of"),
        (lambda adc: adc / adc.max(), None, "its largest is 1, which no unit of diffusion explains"),
        (lambda adc: adc / 25, None, "which no unit of diffusion explains"),
        (lambda adc: (adc - 1100) / 700, None, "most of its foreground is below 0"),
    ],
)
def test_what_cannot_be_told_is_refused(change, stated, message):
    with pytest.raises(VolumeError) as caught:
        in_table_unit(change(tissue()), "ADC", stated)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("stroke_dwi_adc/sub-strokecase0001/ADC.nii.gz", 1e3),
        ("stroke_dwi_adc/sub-strokecase0009/ADC.nii.gz", 1e3),
        ("prostate_dicom/ProstateX-0000/nifti/ADC.nii.gz", 1.0),
    ],
)
def test_real_maps_are_in_their_unit(shared, path, unit):
    image = read_volume(shared / path).voxels
    reading = in_table_unit(image, "ADC")
    torch.testing.assert_close(reading.image, image * unit)
    bright = np.percentile(image[image > 0], 98) * unit
    assert 1350 < bright < 4000
    assert diffusion_factor(image, image > 0, None)[0] == unit
