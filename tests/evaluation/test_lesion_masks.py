"""Regions from masks and label maps, and the modalities that a segmenter is shown."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from lesion_cohort import AFFINE, write_lesion_cohort

from anysyn.data.errors import VolumeError
from anysyn.data.records import Subject
from anysyn.data.subjects.find import find_subjects
from anysyn.data.volumes.study import read_study
from anysyn.evaluation.lesion_masks import TASKS, inputs_of, lesion_of, truth_of

GLIOMA, INFARCT = TASKS


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    return find_subjects(write_lesion_cohort(tmp_path_factory.mktemp("regions") / "cohort", 1)).subjects[0]


def masks(subject):
    return {name: np.asarray(nib.load(path).dataobj) > 0 for name, path in subject.masks.items()}


def test_regions_are_nested_unions_of_masks(subject):
    truth = truth_of(subject, read_study(subject), GLIOMA).numpy()
    own = masks(subject)
    assert list(GLIOMA.regions) == ["whole tumour", "tumour core", "enhancing tumour"]
    assert np.array_equal(truth[0], own["core"] | own["rim"] | own["oedema"])
    assert np.array_equal(truth[1], own["core"] | own["rim"])
    assert np.array_equal(truth[2], own["rim"])
    assert truth[2].any()


def test_regions_follow_the_images_onto_a_turned_and_cropped_grid(subject):
    study = read_study(subject)
    turned = study.moved(
        study.affine @ np.array([[-1, 0, 0, 17], [0, 1, 0, 2], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
        lambda image, _: image.flip(0)[2:, 2:],
    )
    truth = truth_of(subject, turned, GLIOMA).numpy()
    assert np.array_equal(truth[2], masks(subject)["rim"][::-1][2:, 2:])


@pytest.mark.parametrize("enhancing", [3, 4])
def test_the_label_map_of_brats_says_the_same(subject, tmp_path, enhancing):
    own, study = masks(subject), read_study(subject)
    labels = 1 * own["core"] + 2 * own["oedema"] + enhancing * own["rim"]
    nib.save(nib.Nifti1Image(labels.astype(np.uint8), AFFINE), tmp_path / "seg.nii.gz")
    brats = Subject(subject.key, "", subject.images, {}, {"seg": tmp_path / "seg.nii.gz"})
    assert GLIOMA.known_of(brats)
    assert not INFARCT.known_of(brats)
    assert (truth_of(brats, study, GLIOMA) == truth_of(subject, study, GLIOMA)).all()


@pytest.mark.parametrize(("name", "has_rim"), [("seg", True), ("BraTS-GLI-02405-100-seg", False)])
def test_the_cavity_of_a_resection_is_no_tumour(subject, tmp_path, name, has_rim):
    own, study = masks(subject), read_study(subject)
    cavity = np.zeros_like(own["rim"])
    cavity[:2, :2, :2] = True
    rim = own["rim"] if has_rim else np.zeros_like(own["rim"])
    labels = np.where(cavity, 4, 1 * own["core"] + 2 * own["oedema"] + 3 * rim)
    nib.save(nib.Nifti1Image(labels.astype(np.uint8), AFFINE), tmp_path / f"{name}.nii.gz")
    brats = Subject(subject.key, "", subject.images, {}, {"seg": tmp_path / f"{name}.nii.gz"})
    whole, core, enhancing = truth_of(brats, study, GLIOMA).numpy()
    assert np.array_equal(enhancing, rim)
    assert np.array_equal(core, own["core"] | rim)
    assert not whole[:2, :2, :2].any()
    assert not lesion_of(brats, study)[:2, :2, :2].any()


def test_the_labels_of_children_are_refused(subject, tmp_path):
    path = tmp_path / "BraTS-PED-00012-000-seg.nii.gz"
    nib.save(nib.Nifti1Image(np.full((20, 24, 12), 4, np.uint8), AFFINE), path)
    child = Subject(subject.key, "", subject.images, {}, {"seg": path})
    with pytest.raises(VolumeError, match=r"BraTS-PED 2024, where 1 is the rim.*relabel it"):
        truth_of(child, read_study(subject), GLIOMA)


def test_another_label_map_is_refused(subject, tmp_path):
    nib.save(nib.Nifti1Image(np.full((20, 24, 12), 7, np.uint8), AFFINE), tmp_path / "seg.nii.gz")
    other = Subject(subject.key, "", subject.images, {}, {"seg": tmp_path / "seg.nii.gz"})
    with pytest.raises(VolumeError, match=r"seg\.nii\.gz: label 7 is none of BraTS.*relabel it"):
        truth_of(other, read_study(subject), GLIOMA)


def test_an_infarct_has_one_region(subject):
    other = Subject(subject.key, "", subject.images, {}, {"infarct": subject.masks["core"]})
    assert (GLIOMA.known_of(other), INFARCT.known_of(other)) == (False, True)
    truth = truth_of(other, read_study(subject), INFARCT)
    assert np.array_equal(truth.numpy(), masks(subject)["core"][None])


def test_who_lacks_a_mask_is_not_known(subject):
    some = Subject("a", "", subject.images, {}, {name: subject.masks[name] for name in ("core", "rim")})
    assert GLIOMA.known_of(subject)
    assert not GLIOMA.known_of(some)


def test_nine_in_ten_have_what_a_segmenter_is_shown():
    def one(*names):
        return Subject("", "", dict.fromkeys(names, Path("x.nii")), {}, {})

    most = [one("T1w", "T2w", "FLAIR")] * 9
    assert inputs_of([*most, one("T1w", "FLAIR")], ["FLAIR", "T1w", "T2w"]) == ("FLAIR", "T1w", "T2w")
    assert inputs_of([*most[:8], one("FLAIR"), one("T1w")], ["T1w", "T2w", "FLAIR"]) == ("T1w", "FLAIR")
    assert inputs_of([], ["T1w"]) == ()
