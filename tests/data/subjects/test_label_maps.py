"""Label maps of a BIDS dataset, and what their numbers mean."""

import numpy as np
import pytest

from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.label_maps import DSEG, label_numbers, table_of
from anysyn.data.volumes.study import read_study
from anysyn.errors import UserError
from anysyn.evaluation.lesion_masks import truth_of
from anysyn.evaluation.region_maps import region_task
from anysyn.simulation import simulate
from anysyn.simulation.truth import tissue_masks


def test_the_tissues_of_a_simulated_cohort_are_regions(tmp_path):
    cohort = simulate(tmp_path / "cohort", subjects=1, centres=["A"], spacing=6, contrasts=["T1w"])
    subject = find_subjects(cohort).subjects[0]
    task = region_task(["grey", "white", "fluid"])
    assert task.known_of(subject)
    assert not region_task(["hippocampus"]).known_of(subject)
    truth = truth_of(subject, read_study(subject), task).numpy()
    wanted = [mask.voxels.numpy() > 0.5 for mask in tissue_masks(cohort, subject.key, "grey", "white", "fluid")]
    assert np.array_equal(truth, np.stack(wanted))
    assert truth.any((1, 2, 3)).all()
    (cohort / "derivatives" / "masks" / "dseg.tsv").unlink()
    assert DSEG not in find_subjects(cohort).subjects[0].masks  # numbers alone say nothing


def test_the_table_beside_the_map_comes_first_and_short_names_are_known(tmp_path):
    path = tmp_path / "sub-01" / "anat" / "sub-01_dseg.nii.gz"
    path.parent.mkdir(parents=True)
    with pytest.raises(UserError, match=r"no table says what its numbers mean; put a dseg.tsv"):
        label_numbers(path)
    (tmp_path / "dseg.tsv").write_text("index\tname\n1\tGM\n2\tWM\n3\tCSF\n")
    assert {"grey": 1, "white": 2, "fluid": 3, "GM": 1}.items() <= label_numbers(path).items()
    own = path.with_name("sub-01_dseg.tsv")
    own.write_text("index\tname\n17\thippocampus\n")
    assert table_of(path) == own
    assert label_numbers(path) == {"hippocampus": 17}
    own.write_text("index\tlabel\nx\thippocampus\n")
    with pytest.raises(UserError, match="needs the columns index and name"):
        label_numbers(path)
