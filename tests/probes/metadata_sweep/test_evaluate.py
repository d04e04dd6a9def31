"""The whole sweep, on a simulated cohort whose protocols vary, with networks that follow or ignore the settings."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from learned_runs import cut_off, noisy, record_of, write_learned_run
from test_cli import call, one_line
from text_runs import CLIP

from anysyn import build
from anysyn.acquisition import Acquisition
from anysyn.data.geometry.grid import Grid, resample
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.layouts.bids import bids_name
from anysyn.data.volumes.foreground import foreground
from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.ask import probe
from anysyn.reporting import report
from anysyn.simulation import simulate, simulate_like
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.training.run_folder.checkpoints import write_tensors
from anysyn.training.run_folder.folder import RunFolder

SPLIT = {"train": ["sub-001", "sub-002", "sub-003"], "validation": ["sub-004"], "test": ["sub-005", "sub-006"]}
COPIED = "own protocol copied"


def sweep_settings(run, **options):
    return probe("metadata_sweep", run, **options)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "cohort"
    return simulate(folder, subjects=6, centres=2, spacing=6.0, contrasts=["T1w", "T2w", "FLAIR"], vary=True)


def write_run(folder, cohort, **data):
    run = write_learned_run(folder, cohort, clip=False, **data)
    run.write("split.json", SPLIT)
    return run.path


@pytest.fixture
def run(tmp_path, cohort):
    return load_run(write_run(tmp_path / "run", cohort), accelerator="cpu")


def own(cohort, key, name="T2w"):
    return next(one for one in find_subjects(cohort).subjects if one.key == key).acquisitions[name]


def echo_times(cohort):
    """Return three that the training did not see, though it saw smaller and larger ones."""
    low, *_, high = sorted(own(cohort, key).echo_time_ms for key in SPLIT["train"])
    return [round(low + share * (high - low), 2) + 0.03 for share in (0.25, 0.5, 0.75)]


def te_sweep(cohort, times=None, pair="T1w:T2w"):
    return f"{pair}:te={','.join(map(str, times or echo_times(cohort)))}"


def answer_with_truth(monkeypatch, cohort, follows):
    """Let runs answer with the truth of the request, or, if they do not follow it, of the subject's own protocol."""
    requests = []

    def predict(self, study, sources, targets, batch=8, *, onto=None, acquisitions=None):
        (target,) = targets
        requests.append((self.folder.path.name, study.key, tuple(sources), acquisitions[target]))
        used = acquisitions[target] if follows(self.folder.path.name) else Acquisition(modality=target)
        times = {"repetition_time_ms": used.repetition_time_ms, "echo_time_ms": used.echo_time_ms}
        volume = simulate_like(cohort, study.key, Acquisition(modality=target, **times), truth=True)
        moved = resample(volume.voxels, Grid(volume.shape, volume.affine), study.grid)
        return {target: moved / 777}  # of any scale

    monkeypatch.setattr(LoadedRun, "predict", predict)
    return requests


def test_a_run_that_follows_has_slope_one_and_one_that_ignores_zero(run, cohort, tmp_path, monkeypatch):
    answer_with_truth(monkeypatch, cohort, lambda name: name == "run")
    write_run(tmp_path / "onehot", cohort)
    result = sweep_settings(run, sweep=[te_sweep(cohort)], compare=[f"label={tmp_path / 'onehot'}"])
    table = result.tables["summary"].set_index("method")
    assert list(table.index) == ["model", "label", COPIED]
    for column in ("correlation", "correlation_within", "slope_within"):
        assert table.loc["model", column] == pytest.approx(1, abs=1e-4)
    assert table.loc["model", "contrast_error"] < 1e-5
    for method in ("label", COPIED):
        assert table.loc[method, ["correlation_within", "slope_within"]].tolist() == [0, 0]
        assert table.loc[method, "contrast_error"] > 0.01
    assert table[["subjects", "values"]].drop_duplicates().values.tolist() == [[2, 3]]
    assert not result.failures


def test_contrasts_and_psnr_are_those_of_an_independent_computation(run, cohort, monkeypatch):
    def predict(self, study, sources, targets, batch=8, *, onto=None, acquisitions=None):
        return dict.fromkeys(targets, 0.8 * study.images["T1w"])

    monkeypatch.setattr(LoadedRun, "predict", predict)
    rows = sweep_settings(run, sweep=[te_sweep(cohort)]).tables["sweep"].set_index(["subject", "value", "method"])
    for key in SPLIT["test"]:
        dseg = np.asarray(nib.load(cohort / f"derivatives/masks/{key}/anat/{key}_dseg.nii.gz").dataobj)
        t1 = np.asarray(nib.load(cohort / key / bids_name(key, "T1w")).dataobj)
        mask = np.zeros_like(dseg, dtype=bool)
        for name in ("T1w", "T2w", "FLAIR"):
            scan = nib.load(cohort / key / bids_name(key, name)).get_fdata(dtype=np.float32)
            mask |= foreground(torch.from_numpy(scan), "MRI").numpy()
        copied = simulate_like(cohort, key, Acquisition(modality="T2w"), truth=True).voxels.numpy()
        for te in echo_times(cohort):
            truth = simulate_like(cohort, key, Acquisition(modality="T2w", echo_time_ms=te), truth=True).voxels.numpy()
            row = rows.loc[(key, te, "model")]
            assert row["true_contrast"] == pytest.approx(contrast(truth, dseg), abs=1e-5)
            assert row["contrast"] == pytest.approx(contrast(t1, dseg), abs=1e-5)
            assert rows.loc[(key, te, COPIED), "contrast"] == pytest.approx(contrast(copied, dseg), abs=1e-5)
            assert row["own"] == own(cohort, key).echo_time_ms
            assert row["psnr"] == pytest.approx(psnr(0.8 * prepared(t1), prepared(truth), mask), abs=1e-3)
            assert rows.loc[(key, te, COPIED), "psnr"] == pytest.approx(
                psnr(prepared(copied), prepared(truth), mask), abs=1e-3
            )


def contrast(image, dseg):
    fluid, white = image[dseg == 3].astype(float).mean(), image[dseg == 2].astype(float).mean()
    return (fluid - white) / (fluid + white)


def prepared(image):
    inside = foreground(torch.from_numpy(image), "MRI").numpy()
    return image.astype(np.float64) / np.percentile(image[inside], 99.5)


def psnr(image, truth, mask):
    low, high = np.percentile(truth[mask], (0, 99.5))
    a, b = ((np.clip(one[mask], low, high) - low) / (high - low) for one in (image, truth))
    return -10 * np.log10(np.mean((a - b) ** 2))


def test_the_network_is_asked_for_the_value_and_else_the_own_protocol(run, cohort, monkeypatch):
    requests = answer_with_truth(monkeypatch, cohort, lambda name: True)
    sweep_settings(run, sweep=[te_sweep(cohort, pair="T1w+FLAIR:T2w")])
    assert [(key, record.echo_time_ms) for _, key, _, record in requests] == [
        (key, te) for key in SPLIT["test"] for te in echo_times(cohort)
    ]
    for _, key, sources, record in requests:
        theirs = own(cohort, key)
        assert sources == ("T1w", "FLAIR")
        assert record.repetition_time_ms == theirs.repetition_time_ms
        assert (record.age_years, record.manufacturer) == (theirs.age_years, theirs.manufacturer)


def test_a_run_of_the_modality_alone_follows_nothing_and_a_note_says_so(run, cohort):
    result = sweep_settings(run, sweep=[te_sweep(cohort), f"FLAIR:T2w:tr={own_tr(cohort)}"])
    table = result.tables["summary"].set_index(["sweep", "method"])
    assert table.loc[("T1w:T2w:te", "model"), "correlation_within"] == 0
    assert any("model is conditioned on the modality alone" in note for note in result.notes)
    folder = run.folder.path / "evaluation" / "metadata_sweep"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["manifest.json", "record.json", "summary.csv", "summary.md", "sweep.csv"]
    assert len(pd.read_csv(folder / "sweep.csv")) == 2 * 2 * 4  # subjects, methods, values
    assert np.isnan(result.tables["summary"]["correlation_within"].iloc[-1])  # one value cannot vary
    json.dumps(record_of(folder), allow_nan=False)
    assert any(line.startswith("T1w → T2w, TE") for line in result.lines())


def own_tr(cohort):
    low, *_, high = sorted(own(cohort, key).repetition_time_ms for key in SPLIT["train"])
    return round((low + high) / 2) + 0.03


def write_arithmetic_run(folder, cohort, reads):
    """Write a run conditioned by alpha and beta, of weights that no training has seen."""
    path = write_run(folder, cohort)
    tree = yaml.safe_load((path / "recipe.yaml").read_text())
    if reads["name"] == "text":
        tree["parts"] = {"clip": CLIP} | tree["parts"]
    sites = ["encoder/out", "decoder/in"]
    tree["parts"]["synthesizer"]["conditioners"] = [{"name": "alpha_beta", "at": sites, "reads": reads}]
    (path / "recipe.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    weights = build.parts(build.load(path / "recipe.yaml")).state_dict()
    write_tensors(RunFolder(path).weights, noisy(weights, "synthesizer.conditioners", seed=0))
    return path


def test_texts_numbers_and_labels_are_asked_the_same_and_only_labels_ignore_it(cohort, tmp_path):
    reads = {"text": {"name": "text", "clip": "@clip"}, "numbers": {"name": "metadata"}, "label": {"name": "modality"}}
    paths = {name: write_arithmetic_run(tmp_path / name, cohort, spec) for name, spec in reads.items()}
    run, *others = (f"{name}={path}" for name, path in paths.items())
    sweeps = [te_sweep(cohort), te_sweep(cohort, pair="FLAIR:T2w")]
    result = sweep_settings(run.partition("=")[2], sweep=sweeps, compare=others, accelerator="cpu")
    assert list(result.tables["summary"]["method"]) == ["model", "numbers", "label", COPIED] * 2
    assert list(dict.fromkeys(result.tables["summary"]["sweep"])) == ["T1w:T2w:te", "FLAIR:T2w:te"]
    varies = result.tables["sweep"].groupby(["sweep", "subject", "method"])["contrast"].agg(np.ptp).unstack()
    assert (varies[["model", "numbers"]] > 0).all(axis=None)
    assert not varies["label"].any()
    assert [note for note in result.notes if "modality alone" in note] == [
        "label is conditioned on the modality alone, so its answer is the same for every setting."
    ]


def test_a_sweep_that_a_run_cannot_answer_costs_itself_alone(run, cohort, monkeypatch):
    plain = LoadedRun.predict

    def predict(self, study, sources, *rest, **options):
        if len(sources) > 1:
            raise ValueError("it takes one source")
        return plain(self, study, sources, *rest, **options)

    monkeypatch.setattr(LoadedRun, "predict", predict)
    result = sweep_settings(run, sweep=[te_sweep(cohort, pair="T1w+FLAIR:T2w"), te_sweep(cohort)])
    assert set(result.tables["sweep"]["sweep"]) == {"T1w:T2w:te"}
    assert [str(one) for one in result.failures] == [
        f"{key}: T1w+FLAIR:T2w: it takes one source" for key in SPLIT["test"]
    ]


def test_values_that_tell_nothing_are_refused_with_the_range(run, cohort):
    seen = sorted(own(cohort, key).echo_time_ms for key in SPLIT["train"])
    span = f"{seen[0]:g} to {seen[-1]:g} ms"
    with pytest.raises(EvaluationError, match=rf"te: 900 is not inside what the training saw, {span}.*--vary"):
        sweep_settings(run, sweep=[te_sweep(cohort, [*echo_times(cohort), 900])])
    with pytest.raises(EvaluationError, match=rf"te: {seen[1]:g} is a setting of the training; .* between {span}"):
        sweep_settings(run, sweep=[te_sweep(cohort, [seen[1]])])
    with pytest.raises(EvaluationError, match="the training saw no ti of a T2w with tr, te"):
        sweep_settings(run, sweep=["T1w:T2w:ti=900"])
    assert not (run.folder.path / "evaluation").exists()


def test_a_cohort_that_nobody_simulated_is_refused(run, tmp_path, cohort):
    bare = shutil.copytree(cohort, tmp_path / "bare", ignore=shutil.ignore_patterns("derivatives"))
    with pytest.raises(UserError, match="is no simulated cohort"):
        sweep_settings(run, sweep=[te_sweep(cohort)], data=bare)


def test_training_subjects_that_are_gone_are_named(run, cohort, tmp_path):
    with pytest.raises(EvaluationError, match=r"which settings .* has seen is not known.*--training"):
        sweep_settings(run, sweep=[te_sweep(cohort)], training=tmp_path / "gone")


def test_runs_that_cannot_be_compared_are_refused(run, cohort, tmp_path):
    where = write_run(tmp_path / "other", cohort)
    with pytest.raises(EvaluationError, match=r"two methods are called 'model'.*--compare NAME="):
        sweep_settings(run, sweep=[te_sweep(cohort)], compare=[f"model={where}"])
    (where / "split.json").write_text(json.dumps({**SPLIT, "train": ["sub-001"]}))
    with pytest.raises(EvaluationError, match="was trained on other subjects"):
        sweep_settings(run, sweep=[te_sweep(cohort)], compare=[str(where)])
    where = write_run(tmp_path / "plain", cohort, prepare=[{"name": "canonical"}])
    with pytest.raises(EvaluationError, match="its prepare is not that of"):
        sweep_settings(run, sweep=[te_sweep(cohort)], compare=[str(where)])


def test_a_damaged_subject_costs_itself_alone(cohort, tmp_path):
    copy = shutil.copytree(cohort, tmp_path / "copy")
    run = load_run(write_run(tmp_path / "run", copy), accelerator="cpu")
    cut_off(copy / "sub-005" / "anat" / "sub-005_T1w.nii.gz")
    (copy / "derivatives" / "masks" / "sub-006" / "anat" / "sub-006_dseg.nii.gz").rename(tmp_path / "away.nii.gz")
    with pytest.raises(EvaluationError, match=r"nothing in split 'test' of .* was measured \(sub-005: "):
        sweep_settings(run, sweep=[te_sweep(cohort)])
    (tmp_path / "away.nii.gz").rename(copy / "derivatives" / "masks" / "sub-006" / "anat" / "sub-006_dseg.nii.gz")
    result = sweep_settings(run, sweep=[te_sweep(cohort)])
    assert [failure.key for failure in result.failures] == ["sub-005"]
    assert set(result.tables["sweep"]["subject"]) == {"sub-006"}


def test_two_processes_find_the_same(run, cohort, tmp_path):
    options = {"sweep": [te_sweep(cohort)], "accelerator": "cpu"}
    one, two = (sweep_settings(run.folder.path, out=tmp_path / str(n), jobs=n, **options) for n in (1, 2))
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], rtol=1e-4)


def test_as_a_user_types_it_then_the_report(run, cohort, tmp_path):
    folder, other = run.folder.path, write_run(tmp_path / "other", cohort)
    words = ("--sweep", te_sweep(cohort), "--compare", f"one-hot={other}", "--protocol", "tumsyn")
    result = call("probe", "metadata_sweep", folder, *words)
    assert result.exit_code == 0, result.output
    assert any(line.startswith("T1w → T2w, TE  one-hot ") for line in result.stdout.splitlines())
    assert 'id="metadata_sweep"' in report(folder).read_text(encoding="utf-8")
    one_line(call("probe", "metadata_sweep", folder, "--sweep", "T1w:T2w:te=500", "--overwrite"), "500 is not inside")
