"""The whole downstream segmentation, of networks that answer with the truth, with nothing, or not at all."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from learned_runs import cut_off, record_of, write_learned_run
from lesion_cohort import SPLIT, write_lesion_cohort
from sklearn.metrics import f1_score
from test_cli import call, one_line

from anysyn.data.volumes.formats import read_voxels
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import evaluate
from anysyn.files import write_manifest
from anysyn.probes.ask import probe
from anysyn.probes.findings import MADE_BY
from anysyn.probes.lesion_segmentation.dice import ABSENT, NONE, REAL, RETRAINED, SYNTHESIZED
from anysyn.probes.lesion_segmentation.evaluate import LesionSegmentation
from anysyn.probes.lesion_segmentation.example import read_outlines
from anysyn.probes.lesion_segmentation.unet import Segmenter, network
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.training.run_folder.folder import RunFolder

INPUTS = ["T1w", "T2w", "FLAIR"]
STEPS = 60


def write_run(folder, cohort):
    run = write_learned_run(folder, cohort, clip=False)
    run.write("split.json", SPLIT)
    return load_run(folder, accelerator="cpu")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Train once: the segmenters of the other tests are those of this cohort."""
    folder = tmp_path_factory.mktemp("segment")
    run = write_run(folder / "run", write_lesion_cohort(folder / "cohort"))
    probe("lesion_segmentation", run, steps=STEPS, retrain=True, segmenter=folder / "segmenters", out=folder / "first")
    return folder


@pytest.fixture
def run(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    return load_run(tmp_path / "run", accelerator="cpu")


def segment(run, place, **options):
    return probe("lesion_segmentation", run, **{"steps": STEPS, "segmenter": place / "segmenters", **options})


def answering(monkeypatch, answer):
    heard = []

    def predict(self, study, sources, targets, batch=8, **_):
        heard.append((study.key, tuple(sources), tuple(targets)))
        return {name: answer(study.images[name]) for name in targets}

    monkeypatch.setattr(LoadedRun, "predict", predict)
    return heard


def dices(result, method, column="dice"):
    rows = result.tables["cases"][result.tables["cases"]["method"] == method]
    return rows.set_index(["subject", "region", "missing"])[column]


def test_a_synthesis_that_is_the_truth_is_as_good_as_real_and_zeros_are_absent(run, place, monkeypatch):
    heard = answering(monkeypatch, lambda image: image)
    result = segment(run, place)
    real = dices(result, REAL).droplevel("missing")
    for name in INPUTS:
        same = dices(result, SYNTHESIZED).xs(name, level="missing")
        pd.testing.assert_series_equal(same, real, check_names=False)
    assert (dices(result, SYNTHESIZED, "agreement") == 1).all()
    assert real.between(0.2, 0.999).all()  # it learned, and is no copy of the truth
    assert (real.xs("whole tumour", level="region") > 0.8).all()
    expected = [(key, tuple(n for n in INPUTS if n != name), (name,)) for key in SPLIT["test"] for name in INPUTS]
    assert heard == expected
    answering(monkeypatch, torch.zeros_like)
    nothing = segment(run, place, overwrite=True)
    for column in ("dice", "agreement", "found_ml"):
        found, absent = (dices(nothing, method, column) for method in (SYNTHESIZED, ABSENT))
        pd.testing.assert_series_equal(found, absent)
    agreement = dices(nothing, ABSENT, "agreement")
    assert 0 < agreement.mean() < 0.5  # what is absent is missed


def test_dice_and_volumes_are_those_of_an_independent_computation(run, place, monkeypatch):
    answering(monkeypatch, lambda image: 0.8 * image)
    rows = segment(run, place).tables["cases"].set_index(["subject", "region", "missing", "method"])
    model = network(3, 3, seed=9)
    model.load_state_dict(safetensors.torch.load_file(place / "segmenters/glioma/T1w+T2w+FLAIR.safetensors"))
    for subject in run.subjects()[0]:
        core, rim, oedema = (read_voxels(subject.masks[name])[0] > 0 for name in ("core", "rim", "oedema"))
        truth = {"whole tumour": core | rim | oedema, "tumour core": core | rim, "enhancing tumour": rim}
        study = run.prepare(subject)
        shift = np.round(np.linalg.solve(np.diag([2.0, 2, 3]), study.affine[:3, 3])).astype(int)  # of the crop
        box = tuple(slice(a, a + n) for a, n in zip(shift, study.grid.shape, strict=True))
        for missing, method, factor in ((NONE, REAL, 1), ("T2w", ABSENT, 0), ("FLAIR", SYNTHESIZED, 0.8)):
            found = outline(model, study, {missing: factor})
            for region, own in zip(truth, found, strict=True):
                row = rows.loc[(subject.key, region, missing, method)]
                assert row["dice"] == pytest.approx(f1_score(truth[region][box].ravel(), own.ravel()), abs=1e-6)
                assert row["truth_ml"] == pytest.approx(truth[region].sum() * 2 * 2 * 3 / 1000)
                assert row["found_ml"] == pytest.approx(own.sum() * 0.012)


def outline(model, study, factors):
    whole = torch.stack([study.images[name] * factors.get(name, 1) for name in INPUTS])
    _, x, y, z = whole.shape
    padded = torch.zeros(z, 3, -(-x // 8) * 8, -(-y // 8) * 8)
    padded[:, :, :x, :y] = whole.permute(3, 0, 1, 2)
    with torch.no_grad():
        return (model.eval()(padded)[..., :x, :y] > 0).permute(1, 2, 3, 0).numpy()


def test_a_segmenter_without_the_modality_is_trained_and_kept(place):
    kept = sorted(path.stem for path in (place / "segmenters" / "glioma").glob("*.safetensors"))
    assert kept == ["T1w+FLAIR", "T1w+T2w", "T1w+T2w+FLAIR", "T2w+FLAIR"]
    table = pd.read_csv(
        place / "first" / "lesion_segmentation" / "summary.csv",
        keep_default_na=False,
        na_values={"dice": [""], "dice_sd": [""]},
    )
    assert list(dict.fromkeys(table["method"])) == [REAL, ABSENT, RETRAINED, SYNTHESIZED]
    means = table[table["region"] == "whole tumour"].groupby("method")["dice"].mean()
    assert means[RETRAINED] > means[ABSENT]


def test_a_kept_segmenter_is_used_again_and_another_one_refused(run, place, monkeypatch):
    answering(monkeypatch, lambda image: image)
    before = {path: path.stat().st_mtime_ns for path in (place / "segmenters").rglob("*.*")}
    segment(run, place, retrain=True)
    assert {path: path.stat().st_mtime_ns for path in (place / "segmenters").rglob("*.*")} == before
    with pytest.raises(EvaluationError, match=r"trained with another steps; .*--segmenter"):
        segment(run, place, steps=STEPS + 1, overwrite=True)


def test_what_is_written(run, place, monkeypatch):
    answering(monkeypatch, lambda image: image)
    result = segment(run, place)
    folder = run.folder.path / "evaluation" / "lesion_segmentation"
    names = ["cases.csv", "groups.csv", "manifest.json", "outlines_glioma.npz", "record.json", "summary.csv"]
    names += ["summary.md", "volumes.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    record = record_of(folder)
    assert record["tasks"] == {
        "glioma": {"inputs": INPUTS, "regions": list(dict.fromkeys(result.tables["cases"]["region"]))}
    }
    json.dumps(record, allow_nan=False)
    assert len(result.tables["cases"]) == 2 * 3 * (
        1 + 2 * 3
    )  # subjects, regions, all real and two methods for each modality
    example = read_outlines(folder / "outlines_glioma.npz")
    assert (example.subject, example.about[0]) == ("sub-03", [NONE, REAL, ""])
    assert example.truth[0].any()
    assert np.array_equal(example.outlined[0], example.outlined[2])  # a synthesis that is the truth
    assert np.array_equal(example.images[2], example.real[0])
    assert not example.images[1].any()
    assert any(line.startswith("whole tumour      T2w ") for line in result.lines())
    evaluate(run, pairs="T1w:T2w")  # stands beside
    assert (folder / "cases.csv").is_file()


def test_a_run_answers_as_it_is_and_its_segmenter_lies_beside_the_findings(run, place):
    folder = run.folder.path / "evaluation" / "lesion_segmentation"
    shutil.copytree(place / "segmenters", folder / "segmenter")
    write_manifest(folder, MADE_BY, LesionSegmentation.files)  # as the probe left them
    result = probe("lesion_segmentation", run, steps=STEPS)
    assert not result.failures
    assert set(result.tables["cases"]["sources"]) == {"", "T2w+FLAIR", "T1w+FLAIR", "T1w+T2w"}
    evaluate(run, pairs="T1w:T2w")  # weights in a folder below are no reason to refuse


def test_a_damaged_subject_and_one_that_lacks_a_modality_cost_themselves_alone(place, tmp_path, monkeypatch):
    answering(monkeypatch, lambda image: image)
    cohort = shutil.copytree(place / "cohort", tmp_path / "cohort")
    run = RunFolder(shutil.copytree(place / "run", tmp_path / "run"))
    cut_off(cohort / "sub-03" / "core_mask.nii.gz")
    loaded = load_run(run.path, accelerator="cpu")
    result = segment(loaded, place, data=cohort)
    assert [failure.key for failure in result.failures] == ["sub-03"]
    assert set(result.tables["cases"]["subject"]) == {"sub-04"}
    (cohort / "sub-03" / "core_mask.nii.gz").unlink()
    (cohort / "sub-04" / "T2w.nii.gz").unlink()
    with pytest.raises(EvaluationError, match=r"nothing can be outlined.*core, oedema, rim.*seg"):
        segment(loaded, place, data=cohort, overwrite=True)


def test_an_empty_truth_is_in_no_mean_and_is_told(place, tmp_path, monkeypatch):
    answering(monkeypatch, lambda image: image)
    cohort = shutil.copytree(place / "cohort", tmp_path / "cohort")
    path = cohort / "sub-03" / "rim_mask.nii.gz"
    mask = nib.load(path)
    empty = nib.Nifti1Image(np.zeros(mask.shape, np.float32), mask.affine)
    nib.save(empty, path)
    result = segment(load_run(shutil.copytree(place / "run", tmp_path / "run"), accelerator="cpu"), place, data=cohort)
    rows = result.tables["summary"].set_index(["region", "method"]).loc[("enhancing tumour", REAL)]
    assert rows[["cases", "empty"]].tolist() == [1, 1]
    assert result.tables["cases"].query("region == 'enhancing tumour' and subject == 'sub-03'")["dice"].isna().all()
    assert "Regions that are empty in truth: 1; their Dice is not defined and in no mean." in result.notes


def test_a_segmenter_that_finds_nothing_is_a_failure_for_each_region(run, place, monkeypatch):
    answering(monkeypatch, lambda image: image)
    assert not segment(run, place).failures
    outline = Segmenter.masks
    monkeypatch.setattr(Segmenter, "masks", lambda self, images: outline(self, images) & rim_alone(self))
    result = segment(run, place, overwrite=True)
    assert [failure.key for failure in result.failures] == ["glioma", "glioma"]
    reasons = [failure.reason for failure in result.failures]
    assert reasons[0].startswith("whole tumour: the segmenter finds it in the real images of none of the 2 subjects")
    assert reasons[1].startswith("tumour core: ")
    assert (result.tables["summary"].query("region == 'enhancing tumour' and method == @REAL")["dice"] > 0).all()


def rim_alone(segmenter):
    return torch.tensor([region == "enhancing tumour" for region in segmenter.regions]).reshape(-1, 1, 1, 1)


def test_subjects_that_the_segmenter_learned_from_are_not_outlined(run, place):
    with pytest.raises(EvaluationError, match="trains on sub-00, which is to be outlined; choose another --split"):
        segment(run, place, split="train")


def test_the_command_then_the_report(run, place):
    options = ("--segmenter", place / "segmenters", "--steps", STEPS, "--jobs", 2, "--accelerator", "cpu")
    result = call("probe", "lesion_segmentation", run.folder.path, *options)
    assert result.exit_code == 0, result.output
    assert any(line.startswith("enhancing tumour  FLAIR ") for line in result.stdout.splitlines())
    assert call("report", run.folder.path).exit_code == 0
    assert 'id="lesion_segmentation"' in (run.folder.path / "report.html").read_text()
    options = ("--segmenter", place / "segmenters", "--split", "all", "--overwrite")
    one_line(call("probe", "lesion_segmentation", run.folder.path, *options), "sub-00", "choose another --split")
