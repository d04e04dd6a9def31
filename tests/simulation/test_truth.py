"""What a cohort keeps of its truth."""

import nibabel as nib
import numpy as np
import pytest

from anysyn.errors import UserError
from anysyn.simulation import simulate
from anysyn.simulation.truth import known_subjects, tissue_masks


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("truth") / "cohort", subjects=1, centres=1, spacing=6.0, contrasts=["T1w"])


def test_masks_are_those_of_the_tissue_map(cohort):
    assert known_subjects(cohort) == ["sub-001"]
    fluid, white = tissue_masks(cohort, "sub-001", "fluid", "white")
    path = cohort / "derivatives" / "masks" / "sub-001" / "anat" / "sub-001_dseg.nii.gz"
    labels = np.asarray(nib.load(path).dataobj)
    rows = dict(row.split("\t")[::-1] for row in (cohort / "derivatives/masks/dseg.tsv").read_text().splitlines()[1:])
    for mask, name in ((fluid, "fluid"), (white, "white")):
        assert np.array_equal(mask.voxels.numpy() == 1, labels == int(rows[name]))
        assert mask.voxels.sum() > 50
        assert np.array_equal(mask.affine, nib.load(path).affine)


def test_what_is_not_there_is_one_line(cohort, tmp_path):
    with pytest.raises(UserError, match=r"no tissue 'whit'; did you mean 'white'"):
        tissue_masks(cohort, "sub-001", "whit")
    with pytest.raises(UserError, match=r"sub-009_dseg\.nii\.gz is missing"):
        tissue_masks(cohort, "sub-009", "white")
    with pytest.raises(UserError, match="is no simulated cohort"):
        known_subjects(tmp_path)
