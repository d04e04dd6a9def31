"""The whole measurement, on cohorts that are made here: features by hand, areas by scikit-learn, lesions by volume."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from learned_runs import record_of, write_learned_run
from lesion_cohort import AFFINE, write_lesion_cohort
from sklearn.metrics import roc_auc_score
from test_cli import call
from toys import write_cohort

from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.ask import probe
from anysyn.probes.embeddings.slices import embed_study
from anysyn.probes.stage_prediction.features import features, synthesized
from anysyn.synthesis.loaded_run import load_run

SUBJECTS, SHAPE = 8, (14, 16, 5)
NAMES = ("T1w", "T2w", "FLAIR")


@pytest.fixture
def run(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", subjects=SUBJECTS, shape=SHAPE)
    return load_run(write_learned_run(tmp_path / "run", cohort, clip=False).path, accelerator="cpu")


@pytest.fixture
def labels(tmp_path):
    rows = [f"sub-{n:02d},T{1 + n % 2},{'III' if n < 4 else 'IV'},{'M0' if n else 'M1'}" for n in range(SUBJECTS)]
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["subject,T,stage,M", *rows]))
    return path


def test_every_label_has_an_area_that_scikit_learn_confirms(run, labels):
    result = probe("stage_prediction", run, split="all", labels=labels)
    folder = run.folder.path / "evaluation" / "stage_prediction"
    cases, summary = result.tables["cases"], pd.read_csv(folder / "summary.csv")
    assert len(summary) == 2 * 2 * 2  # two encoders, two kinds of images; T and stage, since M1 is of one person
    for row in summary.itertuples():
        asked = (cases["encoder"] == row.encoder) & (cases["images"] == row.images) & (cases["column"] == row.column)
        second = cases[asked & (cases["label"] == row.labels.split(", ")[1])]
        assert len(second) == row.subjects == row.people == SUBJECTS
        assert row.auc == pytest.approx(
            roc_auc_score(second["truth"] == second["label"], second["probability"]), abs=1e-4
        )
        assert row.accuracy == pytest.approx(
            ((second["probability"] > 0.5) == (second["truth"] == second["label"])).mean()
        )
        assert row.largest == 0.5
    assert any("'M1' is of one person alone" in failure.reason for failure in result.failures)
    assert any("has not two labels" in failure.reason for failure in result.failures)
    assert cases.groupby(["encoder", "images", "column", "subject"])["probability"].sum().to_numpy() == pytest.approx(
        1.0
    )
    assert "no encoder ever saw a label" in record_of(folder)["notes"][0]


def test_features_are_the_mean_and_the_largest_over_slices_of_what_is_shown(run):
    study = run.prepare(run.subjects()[0][0])
    made = synthesized(run, study, 4)
    for name in NAMES:
        others = [other for other in NAMES if other != name][:2]
        expected = run.predict(study, others, [name])[name]
        torch.testing.assert_close(made.images[name], expected)
    vectors = embed_study(run.model, study, view=run.view, modalities=NAMES, hardware=run.hardware, size=8).mean(1)
    found = features(run.model, run, study, 3, study.images)
    torch.testing.assert_close(torch.from_numpy(found), torch.cat([vectors.mean(0), vectors.amax(0)]))
    assert not np.allclose(found, features(run.model, run, study, 3, made.images))


def test_heads_are_fitted_on_real_images_alone(run, labels, monkeypatch):
    """With other synthesized images nothing changes for the real ones."""
    probe("stage_prediction", run, split="all", labels=labels, column=["T"])
    path = run.folder.path / "evaluation" / "stage_prediction" / "cases.csv"
    first = pd.read_csv(path)

    def black(run, study, batch):
        made = synthesized(run, study, batch)
        return type(made)(**{**made.__dict__, "images": {n: torch.zeros_like(i) for n, i in made.images.items()}})

    monkeypatch.setattr("anysyn.probes.stage_prediction.evaluate.synthesized", black)
    probe("stage_prediction", run, split="all", labels=labels, column=["T"], overwrite=True)
    second = pd.read_csv(path)
    real = first["images"] == "real"
    pd.testing.assert_frame_equal(first[real], second[real])
    assert not first[~real]["probability"].equals(second[~real]["probability"])


def test_without_a_table_the_label_is_the_class_of_the_lesions_volume(tmp_path):
    cohort = write_lesion_cohort(tmp_path / "cohort", subjects=8, shape=SHAPE)
    volumes = {}
    for n, folder in enumerate(sorted(cohort.iterdir())):
        paths = sorted(folder.glob("*_mask.nii.gz"))
        masks = [np.asarray(nib.load(path).dataobj) > 0 for path in paths]
        whole = np.zeros(SHAPE, bool) if n < 2 else np.any(masks, 0)
        if n < 2:  # two people have no lesion
            for path in paths:
                nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.float32), AFFINE), path)
        volumes[folder.name] = float(whole.sum() * 12 / 1000)
    middle = np.median([volume for volume in volumes.values() if volume])
    run = load_run(write_learned_run(tmp_path / "run", cohort, clip=False).path, accelerator="cpu")
    result = probe("stage_prediction", run, split="all")
    truth = result.tables["cases"].drop_duplicates("subject").set_index("subject")["truth"].to_dict()
    for key, volume in volumes.items():
        expected = "none" if not volume else "small" if volume < middle else "large"
        assert truth[key] == expected
    assert set(result.tables["summary"]["labels"]) == {"large, none, small"}


def test_the_command_asks_and_the_report_shows_it(run, labels):
    answer = call("probe", "stage_prediction", run.folder.path, "--split", "all", "--labels", labels, "--column", "T")
    assert answer.exit_code == 0, answer.output
    assert "AUC" in answer.output
    assert call("report", run.folder.path).exit_code == 0
    page = (run.folder.path / "report.html").read_text()
    assert "Stage prediction" in page
    assert "ROC curves of T" in page


def test_nothing_to_predict_is_one_line(run, labels):
    with pytest.raises(EvaluationError, match="no subject has a label: name a table with --labels"):
        probe("stage_prediction", run, split="all")
    with pytest.raises(EvaluationError, match="nothing can be predicted of 8 subjects"):
        probe("stage_prediction", run, split="all", labels=labels, column=["M"])
