"""Whether "post" means a contrast agent or surgery is decided by what else is called so, or not at all."""

import pytest
from subject_files import image, reasons

from anysyn.data.subjects.find import find_subjects

AGENT = {"P01_pre_T1": "T1w", "P01_post_T1": "T1c", "P01_FLAIR": "FLAIR"}
SURGERY = ["P01_pre_T1", "P01_pre_FLAIR", "P01_post_T1", "P01_post_FLAIR"]


def write(root, names):
    for name in names:
        image(root / f"{name}.nii.gz")


def found_names(found):
    return {path.name.removesuffix(".nii.gz"): name for one in found.subjects for name, path in one.images.items()}


def test_post_of_t1_alone_is_after_an_agent(tmp_path):
    write(tmp_path, AGENT)
    assert found_names(find_subjects(tmp_path)) == AGENT


@pytest.mark.parametrize("folder", ["", "P01"])
def test_post_of_other_contrasts_too_is_refused_with_the_remedy(tmp_path, folder):
    write(tmp_path / folder, SURGERY)
    found = find_subjects(tmp_path)
    assert found_names(found) == {"P01_pre_T1": "T1w", "P01_pre_FLAIR": "FLAIR"}
    assert "P01_post_T1.nii.gz: is T1w or T1c: 'post' stands beside other contrasts here, too" in reasons(
        found.failures
    )
    assert "data.names" in reasons(found.failures)


def test_the_user_says_what_it_is(tmp_path):
    write(tmp_path, SURGERY)
    found = find_subjects(tmp_path, names={"*_post_T1": "T1c", "*_post_FLAIR": "FLAIR", "*_pre_FLAIR": "none"})
    assert found_names(found) == {"P01_pre_T1": "T1w", "P01_post_T1": "T1c", "P01_post_FLAIR": "FLAIR"}
