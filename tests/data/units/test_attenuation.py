"""A CT that is not in HU is refused with a remedy that works; real ones, windowed and padded, are accepted."""

import re
import shlex
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import torch

from anysyn.data.errors import VolumeError
from anysyn.data.units.attenuation import SHIFT, SOFT, check_hounsfield
from anysyn.data.volumes.foreground import foreground
from anysyn.data.volumes.volume import read_volume


def body():
    """Return a CT (24, 24, 12): air, fat, muscle and a bone, with noise."""
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (24, 24, 12)), indexing="ij"))
    radius = np.hypot(places[0], places[1])
    hu = np.select([radius < 0.12, radius < 0.6, radius < 0.8], [900.0, 50.0, -100.0], -1000.0)
    return torch.from_numpy((hu + rng.normal(0, 10, hu.shape)).clip(-1024).astype(np.float32))


HU = {
    "as it is": lambda hu: hu,
    "padded": lambda hu: torch.where(hu < -900, torch.tensor(-3024.0), hu),
    "soft-tissue window": lambda hu: hu.clip(-160, 240),
    "brain window": lambda hu: hu.clip(0, 80),
    "cut out": lambda hu: torch.where((hu > -30) & (hu < 120), hu, torch.tensor(0.0)),
    "metal": lambda hu: torch.where(hu > 880, torch.tensor(30000.0), hu),
}
OTHER = {
    "shifted": (lambda hu: hu + 1024, "as if 1024 had been added"),
    "shifted by 1000": (lambda hu: hu + 1000, "as if 1024 had been added"),
    "0 to 1": (lambda hu: ((hu + 1024) / 4095).clip(0, 1), "is not in HU but from"),
    "-1 to 1": (lambda hu: (hu.clip(-1000, 1000)) / 1000, "is not in HU but from"),
    "per cm": (lambda hu: 0.195 * (1 + hu / 1000), "as attenuation per cm"),
    "per mm": (lambda hu: 0.0195 * (1 + hu / 1000), "is not in HU but from"),
    "grey levels": (lambda hu: ((hu.clip(-160, 240) + 160) / 400 * 255).round(), "grey levels from 0 to 255"),
    "without a sign": (lambda hu: torch.where(hu < 0, hu + 65536, hu), "stored without a sign"),
}


def check(image, family="CT"):
    check_hounsfield(image, foreground(image, family))


@pytest.mark.parametrize("change", HU.values(), ids=HU.keys())
def test_hounsfield_units_are_accepted(change):
    check(change(body()))


@pytest.mark.parametrize(("change", "message"), OTHER.values(), ids=OTHER.keys())
def test_anything_else_is_refused_in_one_line(change, message):
    with pytest.raises(VolumeError, match=re.escape(message)) as caught:
        check(change(body()))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["shifted", "per cm", "without a sign"])
def test_the_remedy_makes_hounsfield_units(kind, tmp_path):
    changed = OTHER[kind][0](body())
    nib.save(nib.Nifti1Image(changed.numpy(), np.diag([2.0, 2, 3, 1])), tmp_path / "ct.nii.gz")
    with pytest.raises(VolumeError) as caught:
        check(changed)
    command = shlex.split(re.search(r'python -c ".*"', str(caught.value))[0])
    subprocess.run([sys.executable, *command[1:]], cwd=tmp_path, check=True)
    made = read_volume(tmp_path / "hu.nii.gz")
    check(made.voxels)
    torch.testing.assert_close(made.voxels, body(), atol=0.01, rtol=0)
    assert np.array_equal(made.affine, np.diag([2.0, 2, 3, 1]))


@pytest.mark.slow
def test_every_real_ct_is_accepted_and_every_conversion_of_it_refused(shared):
    paths = sorted((shared / "limb_ct_pet").glob("*/CT.nii.gz"))
    assert len(paths) == 17
    for path in paths:
        hu = read_volume(path).voxels
        inside = hu[foreground(hu, "CT")]
        shares = [float(((inside > low) & (inside < high)).float().mean()) for low, high in (SOFT, (824.0, 1324.0))]
        assert shares[0] > 0.89, "the figures of check_hounsfield"
        assert shares[1] < 0.03, "the figures of check_hounsfield"
        for change in (HU["as it is"], HU["padded"], HU["soft-tissue window"], HU["cut out"]):
            check(change(hu))
        for kind in ("shifted", "0 to 1", "per cm", "without a sign"):
            with pytest.raises(VolumeError):
                check(OTHER[kind][0](hu))
    assert SHIFT == 1024
