"""Which images are shown side by side, and which maps lie over them."""

import pytest
from subject_files import image

from anysyn.errors import UserError
from anysyn.viewer.scenes import scenes_of


def shown(scene):
    return {layer.name: [each.name for each in layer.maps] for layer in scene.layers}


def test_maps_lie_over_their_images_and_acquired_images_come_first(tmp_path):
    image(tmp_path / "out.nii.gz", {"Synthetic": True})
    for name in ("out_desc-error", "t1", "lost_desc-error"):
        image(tmp_path / f"{name}.nii.gz")
    (scene,) = scenes_of([tmp_path])
    assert shown(scene) == {"lost_desc-error": [], "t1": [], "out": ["error"]}
    assert [layer.synthetic for layer in scene.layers] == [False, False, True]


def test_bids_names_of_maps_and_each_person_by_itself(tmp_path):
    for name in ("sub-01_desc-synthetic_FLAIR", "sub-01_desc-error_FLAIR", "sub-01_desc-intervallower_FLAIR"):
        image(tmp_path / "sub-01" / "anat" / f"{name}.nii.gz")
    image(tmp_path / "sub-02" / "anat" / "sub-02_T1w.nii.gz")
    first, second = scenes_of([tmp_path])
    assert (first.name, second.name) == ("sub-01", "sub-02")
    assert shown(first) == {"sub-01_desc-synthetic_FLAIR": ["error", "intervallower"]}


def test_a_person_is_one_scene_with_its_prepared_scans_before_its_syntheses_and_masks_last(tmp_path):
    """As `anysyn synthesize --study` leaves its folder."""
    image(tmp_path / "sub-01" / "anat" / "sub-01_desc-synthetic_FLAIR.nii.gz", {"Synthetic": True})
    masks = tmp_path / "prepared" / "derivatives" / "masks" / "sub-01" / "anat"
    image(masks / "sub-01_space-T1w_label-brain_desc-prepared_mask.nii.gz")
    image(tmp_path / "prepared" / "sub-01" / "anat" / "sub-01_space-T1w_desc-prepared_T1w.nii.gz")
    image(tmp_path / "sub-01_ses-2_T1w.nii.gz")
    image(tmp_path / "other" / "t1.nii.gz")
    scenes = scenes_of([tmp_path])
    assert [scene.name for scene in scenes] == ["sub-01_ses-2", "other", "sub-01"]
    assert [layer.name.rpartition("_")[2] for layer in scenes[2].layers] == ["T1w", "FLAIR", "mask"]


def test_named_files_are_one_scene(tmp_path):
    files = [image(tmp_path / name / f"{name}.nii.gz") for name in ("a", "b")]
    (scene,) = scenes_of(files)
    assert (scene.name, list(shown(scene))) == ("", ["a", "b"])


@pytest.mark.parametrize("name", ["", "nowhere.nii.gz", "notes.txt"])
def test_what_holds_no_image_is_refused(tmp_path, name):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UserError, match="no image"):
        scenes_of([tmp_path / name])
