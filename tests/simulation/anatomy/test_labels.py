"""Label maps: the heads that are made from them, and what is said of maps that cannot be used."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from simulated import image, voxels

from anysyn.acquisition import Acquisition
from anysyn.data.errors import VolumeError
from anysyn.simulation import simulate, simulate_like
from anysyn.simulation.anatomy.labels import labelled
from anysyn.simulation.anatomy.lesions import LESIONS


@pytest.fixture
def head(tmp_path):
    """Write a small head: skin, fat, bone, fluid, grey and white matter as balls in each other."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, 40),) * 3, indexing="ij"))
    radius = np.sqrt((places**2).sum(0))
    labels = np.select([radius < r for r in (0.45, 0.6, 0.66, 0.75, 0.85, 0.9)], [2, 3, 24, 515, 507, 511], 0)
    (tmp_path / "labels").mkdir()
    nib.save(nib.Nifti1Image(labels.astype(np.int16), np.diag([3.0, 3, 3, 1])), tmp_path / "labels" / "head.nii.gz")
    return tmp_path / "labels" / "head.nii.gz"


def relabel(head, first, last, number):
    labels = np.asarray(nib.load(head).dataobj).copy()
    labels[(slice(first, last),) * 3] = number
    nib.save(nib.Nifti1Image(labels, nib.load(head).affine), head)


def brain_of(cohort):
    return voxels(cohort / "derivatives" / "masks" / "sub-001" / "anat" / "sub-001_label-brain_mask.nii.gz") > 0


def test_label_maps_give_whole_heads(head, tmp_path):
    cohort = simulate(tmp_path / "c", subjects=1, centres=1, spacing=4.0, labels=head.parent)
    t1 = image(cohort, "sub-001", "T1w")
    assert (t1[~brain_of(cohort)] > 0.2 * t1.max()).any()  # there is a head round the brain
    assert t1[0, 0, 0] > 0  # and noise in the air


def test_a_cohort_of_label_maps_can_be_moved_and_still_answers(head, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = simulate("c", subjects=1, centres=1, spacing=4.0, labels="labels", contrasts=["T2w"])
    own = image(cohort, "sub-001", "T2w")
    head.unlink()
    moved = Path(cohort).rename(tmp_path / "moved").resolve()
    monkeypatch.chdir("/")
    assert np.array_equal(simulate_like(moved, "sub-001", Acquisition(modality="T2w")).voxels.numpy(), own)


def test_label_maps_lie_in_space_whatever_the_order_of_their_axes(head):
    straight = labelled(head, 4.0)
    nib.save(nib.as_closest_canonical(nib.load(head)).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]])), head)
    again = labelled(head, 4.0)
    assert np.allclose(again.affine, straight.affine)
    assert all(np.allclose(again.fractions[name], part, atol=1e-5) for name, part in straight.fractions.items())


def test_fat_lies_below_the_skin_and_the_tissues_fill_the_head(head):
    parts = labelled(head, 3.0).fractions
    assert parts["fat"].sum() > 2000  # 3 mm voxels of a shell of 5 voxels of 3 mm
    assert parts["soft"][0, 0, 0] == 0
    assert sum(parts.values()).max() == pytest.approx(1, abs=1e-4)


def test_labels_of_no_known_tissue_are_said_before_anything_is_written(head, tmp_path):
    relabel(head, 20, 21, 777)
    with pytest.raises(VolumeError, match=r"head\.nii\.gz: labels 777"):
        simulate(tmp_path / "c", subjects=1, centres=1, labels=head.parent)
    assert not (tmp_path / "c").exists()


def test_lesions_of_a_label_map_stay_beside_those_that_are_added(head):
    relabel(head, 16, 24, 77)
    bare = labelled(head, 3.0)
    for lesion in LESIONS.values():
        full = lesion(bare, 3.0, np.random.default_rng(0))
        assert np.allclose(sum(full.fractions.values()), sum(bare.fractions.values()), atol=1e-4)
        assert (full.masks["hyperintensity"] >= bare.masks["hyperintensity"] - 1e-6).all()


def test_real_heads_have_a_skull_in_ct_and_no_air_in_the_brain(shared, tmp_path):
    modalities = ["CT", "T1w", "T2w"]
    cohort = simulate(
        tmp_path / "c", subjects=1, centres=1, spacing=3.0, labels=shared / "label_maps", contrasts=modalities
    )
    ct, t1, t2 = (image(cohort, "sub-001", name) for name in modalities)
    inside = brain_of(cohort)
    assert inside.mean() > 0.05
    assert np.corrcoef(t1[inside], t2[inside])[0, 1] < 0  # what is bright in one is dark in the other
    deep = ndimage.binary_erosion(inside, iterations=2)
    assert ct[deep].min() > -40
    assert 20 < np.median(ct[deep]) < 45
    upper = np.arange(ct.shape[2]) > np.argwhere(inside)[:, 2].mean()
    shell = ndimage.binary_dilation(inside, iterations=5) & ~inside & upper
    assert (ct[shell] > 300).mean() > 0.15
    assert ct.max() > 600
    truth = simulate_like(cohort, "sub-001", Acquisition(modality="CT"), truth=True).voxels.numpy()
    assert np.percentile(truth, 5) == -1000
