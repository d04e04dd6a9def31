"""Regions of label maps, segmenters of one modality each, volumes and groups: of networks that answer the truth."""

import nibabel as nib
import numpy as np
import pytest
from learned_runs import write_learned_run
from lesion_cohort import SPLIT, write, write_lesion_cohort

from anysyn.data.records import Failure
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.tables.agreement import icc, pearson
from anysyn.probes.ask import probe
from anysyn.probes.lesion_segmentation.dice import ALONE, ALONE_REAL, SYNTHESIZED
from anysyn.probes.lesion_segmentation.volumes import groups_of
from anysyn.synthesis.loaded_run import LoadedRun, load_run

NAMES = ["T1w", "T2w", "FLAIR"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of subjects whose label maps have a left and a right half of the head."""
    folder = tmp_path_factory.mktemp("regions")
    cohort = write_lesion_cohort(folder / "cohort")
    for own in sorted(cohort.iterdir()):
        head = np.asarray(nib.load(own / "T1w.nii.gz").dataobj) > 0
        half = np.arange(head.shape[0])[:, None, None] < head.shape[0] // 2
        write(np.where(head, np.where(half, 1, 2), 0), own / "dseg_mask.nii.gz")
    (cohort / "dseg.tsv").write_text("index\tname\n1\tGM\n2\twhite\n")
    people = "".join(f"sub-{n:02d}\t{50 + n}\t{'FM'[n % 2]}\n" for n in range(5))
    (cohort / "participants.tsv").write_text("participant_id\tage\tsex\n" + people)
    kept = write_learned_run(folder / "run", cohort, clip=False)
    kept.write("split.json", SPLIT)
    return load_run(folder / "run", accelerator="cpu")


@pytest.fixture(scope="module")
def result(run, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoadedRun, "predict", lambda self, study, _, targets, *a: {n: study.images[n] for n in targets})
        options = {"steps": 25, "alone": True, "region": ["grey", "white"], "group": ["sex", "diagnosis"]}
        return probe("lesion_segmentation", run, out=tmp_path_factory.mktemp("out"), **options)


def test_a_synthesis_that_is_the_truth_is_outlined_as_the_real_image_is(result):
    cases = result.tables["cases"].set_index(["task", "region", "subject", "missing", "method"])["dice"]
    for task in ("glioma", "regions"):
        for name in NAMES:
            real, same = (
                cases.xs((task, name, how), level=("task", "missing", "method")) for how in (ALONE_REAL, ALONE)
            )
            assert same.tolist() == pytest.approx(real.tolist(), nan_ok=True)
    table = result.tables["cases"]
    agreement = table.loc[table["method"].isin([ALONE, SYNTHESIZED]), "agreement"]
    assert (agreement.dropna() == 1).all()
    kept = sorted(path.stem for path in result.folder.glob("segmenter/regions/*.safetensors"))
    assert kept == ["FLAIR", "T1w", "T1w+T2w+FLAIR", "T2w"]


def test_volumes_are_those_of_the_label_maps_and_agree_as_computed_from_the_cases(run, result):
    cases = result.tables["cases"].query("task == 'regions' and method == @ALONE", local_dict={"ALONE": ALONE})
    for subject in run.subjects()[0]:
        labels = np.asarray(nib.load(subject.masks["dseg"]).dataobj)
        for region, label in (("grey", 1), ("white", 2)):
            own = cases[(cases["subject"] == subject.key) & (cases["region"] == region)]
            assert own["truth_ml"].tolist() == pytest.approx([(labels == label).sum() * 0.012] * len(own))
    table = result.tables["volumes"].set_index(["task", "region", "missing", "method"])
    own = cases[(cases["region"] == "grey") & (cases["missing"] == "T2w")]
    row = table.loc[("regions", "grey", "T2w", ALONE)]
    assert row["cases"] == len(own)
    wanted = [rule(own["truth_ml"], own["found_ml"]).value for rule in (pearson, icc)]
    assert row[["pearson", "icc"]].tolist() == pytest.approx(wanted, nan_ok=True)


def test_groups_are_those_of_the_participants(result):
    groups = result.tables["groups"]
    assert set(groups["column"]) == {"sex"}
    assert set(groups["group"]) == {"F", "M"}
    cases = result.tables["cases"]
    own = groups.query("group == 'F' and region == 'white' and missing == 'none'")
    wanted = cases.query("subject == 'sub-04' and region == 'white' and missing == 'none'")
    assert own["found_ml"].tolist() == pytest.approx(wanted["found_ml"].tolist())
    said = {(one.key, one.reason) for one in result.failures if "diagnosis" in one.reason}
    assert ("sub-03", "participants.tsv says no diagnosis, so it is in no group of it") in said
    assert any("Mean volumes" in grid.caption for grid in result.grids)


def test_few_numbers_are_groups_and_many_are_split_at_their_median():
    people = {f"sub-{n}": {"age": str(60 + n), "stage": str(n % 3)} for n in range(9)}
    failed: list[Failure] = []
    groups = groups_of(["age", "stage"], people, {**{key: key for key in people}, "sub-x": "sub-x"}, failed)
    assert groups["age"]["sub-3"] == "< 64"
    assert groups["age"]["sub-4"] == ">= 64"
    assert set(groups["stage"].values()) == {"0", "1", "2"}
    assert [one.key for one in failed] == ["sub-x", "sub-x"]


def test_regions_that_nobody_has_are_refused(run, tmp_path):
    with pytest.raises(EvaluationError, match=r"--region hippocampus: .* whose dseg.tsv has these names"):
        probe("lesion_segmentation", run, out=tmp_path, region=["hippocampus"])
