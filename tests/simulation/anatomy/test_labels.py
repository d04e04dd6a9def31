"""Label maps: the heads that are made from them, and what is said of maps that cannot be used."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from simulated import image, masked, voxels

from anysyn.acquisition import Acquisition
from anysyn.data.errors import VolumeError
from anysyn.simulation import simulate, simulate_like
from anysyn.simulation.anatomy.labels import labelled
from anysyn.simulation.anatomy.lesions import LESIONS

LABELS = Path(__file__).parents[3] / "shared" / "data" / "label_maps"


def fake_labels(folder):
    """Write a small head: skin, fat, bone, fluid, grey and white matter as balls in each other."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, 40),) * 3, indexing="ij"))
    radius = np.sqrt((places**2).sum(0))
    labels = np.select([radius < r for r in (0.45, 0.6, 0.66, 0.75, 0.85, 0.9)], [2, 3, 24, 515, 507, 511], 0)
    folder.mkdir()
    nib.save(nib.Nifti1Image(labels.astype(np.int16), np.diag([3.0, 3, 3, 1])), folder / "head.nii.gz")
    return folder


def test_label_maps_give_whole_heads(tmp_path):
    cohort = simulate(tmp_path / "c", subjects=1, centres=1, spacing=4.0, labels=fake_labels(tmp_path / "labels"))
    t1 = voxels(cohort / "sub-001" / "anat" / "sub-001_T1w.nii.gz")
    brain = voxels(cohort / "derivatives" / "masks" / "sub-001" / "anat" / "sub-001_label-brain_mask.nii.gz") > 0
    assert (t1[~brain] > 0.2 * t1.max()).any()  # there is a head round the brain
    assert t1[0, 0, 0] > 0  # and noise in the air


def test_a_cohort_of_label_maps_can_be_moved_and_still_answers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fake_labels(tmp_path / "labels")
    cohort = simulate("c", subjects=1, centres=1, spacing=4.0, labels="labels", contrasts=["T2w"])
    own = image(cohort, "sub-001", "T2w")
    (tmp_path / "labels" / "head.nii.gz").unlink()
    moved = Path(cohort).rename(tmp_path / "moved").resolve()
    monkeypatch.chdir("/")
    assert np.array_equal(simulate_like(moved, "sub-001", Acquisition(modality="T2w")).voxels.numpy(), own)


def test_label_maps_lie_in_space_whatever_the_order_of_their_axes(tmp_path):
    path = fake_labels(tmp_path / "labels") / "head.nii.gz"
    straight = labelled(path, 4.0)
    turned = nib.as_closest_canonical(nib.load(path)).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    nib.save(turned, path)
    again = labelled(path, 4.0)
    assert np.allclose(again.affine, straight.affine)
    assert all(np.allclose(again.fractions[name], part, atol=1e-5) for name, part in straight.fractions.items())


def test_fat_lies_below_the_skin_and_the_tissues_fill_the_head(tmp_path):
    parts = labelled(fake_labels(tmp_path / "labels") / "head.nii.gz", 3.0).fractions
    assert parts["fat"].sum() > 2000  # 3 mm voxels of a shell of 5 voxels of 3 mm
    assert parts["soft"][0, 0, 0] == 0
    assert sum(parts.values()).max() == pytest.approx(1, abs=1e-4)


def test_labels_of_no_known_tissue_are_said_before_anything_is_written(tmp_path):
    path = fake_labels(tmp_path / "labels") / "head.nii.gz"
    labels = np.asarray(nib.load(path).dataobj).copy()
    labels[20, 20, 20] = 777
    nib.save(nib.Nifti1Image(labels, nib.load(path).affine), path)
    with pytest.raises(VolumeError, match=r"head\.nii\.gz: labels 777"):
        simulate(tmp_path / "c", subjects=1, centres=1, labels=tmp_path / "labels")
    assert not (tmp_path / "c").exists()


def test_lesions_of_a_label_map_stay_beside_those_that_are_added(tmp_path):
    path = fake_labels(tmp_path / "labels") / "head.nii.gz"
    labels = np.asarray(nib.load(path).dataobj).copy()
    labels[16:24, 16:24, 16:24] = 77
    nib.save(nib.Nifti1Image(labels, nib.load(path).affine), path)
    bare = labelled(path, 3.0)
    for lesion in LESIONS.values():
        full = lesion(bare, 3.0, np.random.default_rng(0))
        assert np.allclose(sum(full.fractions.values()), sum(bare.fractions.values()), atol=1e-4)
        assert (full.masks["hyperintensity"] >= bare.masks["hyperintensity"] - 1e-6).all()


@pytest.mark.skipif(not LABELS.is_dir(), reason="the shared label maps are not beside this checkout")
def test_real_heads_have_a_skull_in_ct_and_no_air_in_the_brain(tmp_path):
    cohort = simulate(tmp_path / "c", subjects=1, centres=1, spacing=3.0, labels=LABELS, contrasts=["CT"])
    ct = image(cohort, "sub-001", "CT")
    inside = voxels(cohort / "derivatives" / "masks" / "sub-001" / "anat" / "sub-001_label-brain_mask.nii.gz") > 0
    deep = ndimage.binary_erosion(inside, iterations=2)
    assert ct[deep].min() > -40
    assert 20 < np.median(ct[deep]) < 45
    upper = np.arange(ct.shape[2]) > np.argwhere(inside)[:, 2].mean()
    shell = ndimage.binary_dilation(inside, iterations=5) & ~inside & upper
    assert (ct[shell] > 300).mean() > 0.15


@pytest.mark.skipif(not LABELS.is_dir(), reason="the shared label maps are not beside this checkout")
def test_real_label_maps_give_heads(tmp_path):
    cohort = simulate(tmp_path / "c", subjects=1, centres=1, spacing=4.0, labels=LABELS, contrasts=["T1w", "T2w"])
    key = "sub-001"
    t1, t2 = (image(cohort, key, name) for name in ("T1w", "T2w"))
    brain = [masked(cohort, key, "brain", one) for one in (t1, t2)]
    assert brain[0].size > 0.05 * t1.size
    assert np.corrcoef(*brain)[0, 1] < 0  # what is bright in one is dark in the other
