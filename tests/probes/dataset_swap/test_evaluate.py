"""Treating subjects as another dataset, with networks that copy and a FiLM that brightens one dataset."""

import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from learned_runs import cut_off, record_of
from scipy import stats
from test_cli import call, one_line
from toys import TINY, write_cohort

from anysyn import build
from anysyn.data.records import Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair
from anysyn.probes.ask import probe
from anysyn.probes.dataset_swap.distances import ALL
from anysyn.probes.dataset_swap.synthesize import choose_pairs, read_pairs
from anysyn.probes.dataset_swap.training_images import list_shared
from anysyn.reporting import report
from anysyn.synthesis.completion.missing_contrasts import Trained
from anysyn.synthesis.loaded_run import load_run
from anysyn.training.run_folder.checkpoints import write_tensors
from anysyn.training.run_folder.folder import RunFolder

SHIFT = 0.1
FILES = ["curves.csv", "manifest.json", "record.json", "references", "summary.csv", "summary.md", "swaps.csv"]
FILM = {"name": "film", "at": "decoder/block0", "bias": False, "reads": {"name": "one_dataset", "number": 1}}
EXACT = 2e-3  # two bins


def write_sites(root):
    """Write two sites of which B is brighter, T2w a copy of T1w at both, and FLAIR at A alone."""
    for number, contrasts in enumerate((("T1w", "FLAIR"), ("T1w",))):
        write_cohort(root / "AB"[number], 3, shape=(12, 14, 6), contrasts=contrasts, seed=number)
    for path in root.rglob("T1w.nii.gz"):
        image = nib.load(path)
        voxels = image.get_fdata(dtype=np.float32)
        if "B" in path.parts:
            voxels = np.where(voxels > 0, 0.4 * voxels.max() + 0.6 * voxels, 0)
        for name in ("T1w", "T2w"):
            nib.save(nib.Nifti1Image(voxels, image.affine), path.with_name(f"{name}.nii.gz"))
    return root


def write_run(folder, root, film=True, shift=SHIFT):
    """Write a run that answers with the mean of its sources, and of dataset B with ``shift`` more."""
    tree = yaml.safe_load(TINY)
    tree |= {"seed": 0, "data": {**tree["data"], "root": str(root)}}
    tree["data"]["split"]["seed"] = 0
    tree["parts"]["synthesizer"]["shortcut"] = {"name": "gain", "initial": 1.0}
    tree["parts"]["synthesizer"]["conditioners"] += [FILM] if film else []
    folder.mkdir(parents=True)
    run, sites = RunFolder(folder), sorted(path.name for path in root.iterdir())
    run.recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    typical = dict.fromkeys(("T1w", "T2w", "FLAIR"), (0, 900))
    run.write("windows.json", {"overall": typical, "datasets": {site: {} for site in sites}})
    run.write("datasets.json", sites)
    keys = [f"{site}/sub-{number:02d}" for number in range(3) for site in sites]
    run.write("split.json", {"train": keys[: len(sites)], "validation": [], "test": keys[len(sites) :]})
    write_tensors(run.weights, weights_of(build.parts(build.load(run.recipe)).state_dict(), shift))
    return run


def weights_of(kept, shift):
    """Let one channel of the only block carry what FiLM adds, and nothing else arrive."""
    found = {name: value if "gains" in name else torch.zeros_like(value) for name, value in kept.items()}
    found["synthesizer.decoder.blocks.0.shortcut.weight"][:, 0] = 1.0
    found["synthesizer.decoder.head.weight"][0, 0, 1, 1] = shift / torch.nn.functional.silu(torch.tensor(1.0))
    for name in (name for name in found if name.endswith("heads.decoder-block0.weight") and found[name].shape[1] == 1):
        found[name][len(found[name]) // 2] = 1.0  # the first beta
    return found


def swap_datasets(run, **options):
    return probe("dataset_swap", run, **options)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_sites(tmp_path_factory.mktemp("dataset_swap") / "cohort")


@pytest.fixture
def run(tmp_path, root):
    return load_run(write_run(tmp_path / "run", root).path, accelerator="cpu")


def foreground(run, subject, name):
    study = run.prepare(subject)
    return study.images[name][study.foreground].numpy()


def test_the_brighter_dataset_moves_there_and_back(run):
    result = swap_datasets(run, pairs="T1w:T2w")
    assert len(result.tables["swaps"]) == 4
    assert not result.failures
    real = {one.dataset: foreground(run, one, "T2w") for one in run.subjects(split="train")[0]}
    for subject in run.subjects()[0]:
        (row,) = result.tables["swaps"][result.tables["swaps"]["subject"] == subject.key].to_dict("records")
        own, other = subject.dataset, {"A": "B", "B": "A"}[subject.dataset]
        assert (row["dataset"], row["to"], row["sources"], row["method"]) == (own, other, "T1w", "model")
        answer = {"A": foreground(run, subject, "T1w"), "B": foreground(run, subject, "T1w") + SHIFT}
        for name, dataset in (("own", own), ("other", other)):
            wanted = stats.wasserstein_distance(answer[dataset], real[other])
            assert row[name] == pytest.approx(wanted, abs=EXACT)
        assert row["other"] < row["own"] - SHIFT / 4
        assert row["change"] == pytest.approx(SHIFT, abs=EXACT)
        assert row["floor"] == pytest.approx(stats.wasserstein_distance(real["A"], real["B"]), abs=EXACT)
    assert result.tables["summary"]["share"].tolist() == [1, 1, 1]
    assert result.tables["summary"]["target"].tolist() == ["T2w", "T2w", ALL]


def test_everything_is_written(run):
    result = swap_datasets(run)
    folder = run.folder.path / "evaluation" / "dataset_swap"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert set(result.tables["swaps"]["target"]) == {"T1w", "T2w"}, "FLAIR is of A alone"
    assert set(result.tables["swaps"].query("dataset == 'A'")["sources"]) == {"T1w+FLAIR", "T2w+FLAIR"}, (
        "all but the target"
    )
    assert set(result.tables["swaps"].query("dataset == 'B'")["sources"]) == {"T1w", "T2w"}
    pd.testing.assert_frame_equal(pd.read_csv(folder / "swaps.csv"), result.tables["swaps"])
    record = record_of(folder)
    assert record["training images"] == {"T1w": {"A": 1, "B": 1}, "T2w": {"A": 1, "B": 1}, "FLAIR": {"A": 1}}
    assert any("One dataset alone has FLAIR (A)" in note for note in result.notes)
    assert len(result.lines()) == 1 + len(result.tables["summary"]) + 1 + len(result.notes) + 1


def test_curves_are_of_the_real_images_and_of_all_syntheses_treated_as_a_dataset(run):
    curves = swap_datasets(run, pairs="T1w:T2w").tables["curves"]
    means = {
        key: float((part["intensity"] * part["density"]).sum() / part["density"].sum())
        for key, part in curves.groupby(["method", "dataset"])
    }
    assert means["real", "B"] > means["real", "A"] + 0.1
    assert means["model", "B"] == pytest.approx(means["model", "A"] + SHIFT, abs=0.02)


@pytest.mark.parametrize(("film", "shift"), [(False, SHIFT), (True, 0.0)])
def test_a_network_that_does_not_modulate_does_not_move(tmp_path, root, film, shift):
    run = write_run(tmp_path / "plain", root, film=film, shift=shift)
    result = swap_datasets(load_run(run.path, accelerator="cpu"))
    assert (result.tables["swaps"]["own"] == result.tables["swaps"]["other"]).all()
    assert set(result.tables["summary"]["share"]) == set(result.tables["summary"]["change"]) == {0.0}
    assert any("is not conditioned on the dataset" in note for note in result.notes) == (not film)


def test_comparison_runs(run, root, tmp_path):
    plain = write_run(tmp_path / "plain", root, film=False).path
    result = swap_datasets(run, pairs="T1w:T2w", compare=[f"without={plain}"])
    table = result.tables["summary"][result.tables["summary"]["target"] == ALL].set_index("method")
    assert table["share"].to_dict() == {"model": 1.0, "without": 0.0}
    assert table["comparisons"].tolist() == [4, 4]
    for label in ("model", "real"):
        with pytest.raises(EvaluationError, match=f"two methods are called '{label}'; .* --compare NAME={plain}"):
            swap_datasets(run, compare=[f"{label}={plain}"], overwrite=True)
    RunFolder(plain).write("split.json", {"train": [], "validation": [], "test": []})
    with pytest.raises(EvaluationError, match="trained on other subjects"):
        swap_datasets(run, compare=[str(plain)], overwrite=True)


def test_a_comparison_run_has_to_know_the_datasets(run, root, tmp_path):
    other = write_run(tmp_path / "other", root)
    other.write("windows.json", {"overall": {}, "datasets": {"A": {}}})
    with pytest.raises(EvaluationError, match="other does not know 'B'; choices: A"):
        swap_datasets(run, compare=[str(other.path)])


def test_a_training_of_one_dataset_is_refused(root, tmp_path):
    shutil.copytree(root / "A", tmp_path / "cohort" / "A")
    alone = write_run(tmp_path / "alone", tmp_path / "cohort", film=False).path
    one_line(call("probe", "dataset_swap", alone), str(alone), "one dataset, 'A'", "train on subjects of several")


def test_subjects_of_no_dataset_of_the_training(run, root, tmp_path):
    write_cohort(tmp_path / "strange" / "C", 2, shape=(12, 14, 6))
    with pytest.raises(EvaluationError, match=r"--data .*strange: .* but of 'C'; choices: A, B"):
        swap_datasets(run, data=tmp_path / "strange", split="all")
    shutil.copytree(root / "A", tmp_path / "strange" / "A")
    result = swap_datasets(run, data=tmp_path / "strange", split="all")
    assert set(result.tables["swaps"]["dataset"]) == {"A"}
    assert any(note.startswith("2 subjects are of no dataset") for note in result.notes)


def test_what_cannot_be_asked(run, tmp_path):
    with pytest.raises(EvaluationError, match=r"pair T1w:FLAIR: .* A alone has FLAIR; .*choices: T1w, T2w"):
        swap_datasets(run, pairs="T1w:FLAIR")
    with pytest.raises(EvaluationError, match="name their folder with --training"):
        swap_datasets(run, training=tmp_path / "gone")
    with pytest.raises(EvaluationError, match=r"no contrast is there in two datasets .* \(T1w: A; T2w: B\)"):
        list_shared({"T1w": ["A"], "T2w": ["B"], "FLAIR": []}, "run")
    with pytest.raises(EvaluationError, match="no subject of a known dataset"):
        list_shared({"T1w": []}, "run")


def test_training_subjects_may_have_moved(run, root, tmp_path):
    moved = shutil.copytree(root, tmp_path / "moved")
    first = swap_datasets(run).tables["swaps"]
    again = swap_datasets(run, training=moved, data=moved, out=tmp_path / "out").tables["swaps"]
    pd.testing.assert_frame_equal(first, again)


def test_a_subject_needs_not_the_target_and_a_damaged_one_costs_itself_alone(run, root, tmp_path):
    moved = shutil.copytree(root, tmp_path / "moved")
    (moved / "B" / "sub-01" / "T2w.nii.gz").unlink()
    cut_off(moved / "A" / "sub-01" / "T1w.nii.gz")
    result = swap_datasets(run, data=moved)
    assert [failure.key for failure in result.failures] == ["A/sub-01"]
    assert set(result.tables["swaps"]["subject"]) == {"A/sub-02", "B/sub-01", "B/sub-02"}
    assert "T2w" in set(result.tables["swaps"][result.tables["swaps"]["subject"] == "B/sub-01"]["target"])
    for path in moved.rglob("T1w.nii.gz"):
        cut_off(path)
    with pytest.raises(EvaluationError, match=r"nothing in split 'test' of .* was measured \(A/sub-01: "):
        swap_datasets(run, data=moved, out=tmp_path / "out", pairs="T1w:T2w")


def test_which_pairs_are_chosen():
    covered = {"T1w": ["A", "B"], "T2w": ["A", "B", "C"], "ADC": ["C", "D"]}
    subject = Subject("sub-01", "A", dict.fromkeys(["T1w", "T2w", "FLAIR"]), {}, {})
    trained = Trained(["T1w", "T2w", "FLAIR"], ["T1w", "T2w"], 2)
    assert [str(pair) for pair in choose_pairs(subject, covered, [], trained)] == ["T2w+FLAIR:T1w", "T1w+FLAIR:T2w"]
    one = Trained(["T1w", "T2w", "FLAIR"], ["T2w"], 1)
    assert [str(pair) for pair in choose_pairs(subject, covered, [], one)] == ["T1w:T2w"]
    wanted = [Pair(("FLAIR",), "T2w"), Pair(("DWI",), "T2w"), Pair(("T1w",), "ADC")]
    assert choose_pairs(subject, covered, wanted, trained) == wanted[:1]
    assert read_pairs(" All", ["T1w", "T2w"], covered) == []
    assert read_pairs("t1:t2", ["T1w", "T2w"], covered) == [Pair(("T1w",), "T2w")]


def test_training_images_are_read_once_and_a_damaged_one_is_listed(run, root, tmp_path, monkeypatch):
    moved = shutil.copytree(root, tmp_path / "moved")
    whole = swap_datasets(run, training=moved, out=tmp_path / "out").tables["swaps"]
    read = []
    prepare = type(run).prepare
    monkeypatch.setattr(type(run), "prepare", lambda self, subject: read.append(subject.key) or prepare(self, subject))
    again = swap_datasets(run, training=moved, out=tmp_path / "out", overwrite=True).tables["swaps"]
    pd.testing.assert_frame_equal(whole, again)
    assert set(read) == {subject.key for subject in run.subjects()[0]}
    run.folder.write(
        "split.json", {"train": ["A/sub-00", "A/sub-02", "B/sub-00"], "validation": [], "test": ["B/sub-01"]}
    )
    cut_off(moved / "A" / "sub-00" / "T2w.nii.gz")
    result = swap_datasets(run, training=moved, out=tmp_path / "out", overwrite=True)
    assert [failure.key for failure in result.failures] == ["A/sub-00"]
    assert set(result.tables["swaps"]["subject"]) == {"B/sub-01"}
    for path in moved.rglob("sub-0[02]/T1w.nii.gz"):
        cut_off(path)
    with pytest.raises(EvaluationError, match=r"no subject can be treated as another dataset \(A/sub-00: .*--pairs or"):
        swap_datasets(run, training=moved, out=tmp_path / "new")


def test_two_processes_find_the_same(run, tmp_path):
    one, two = (swap_datasets(run.folder.path, out=tmp_path / str(n), jobs=n, accelerator="cpu") for n in (1, 2))
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], rtol=1e-4, atol=1e-5)


def test_as_a_user_types_it_then_the_report(run, root, tmp_path):
    folder, plain = run.folder.path, write_run(tmp_path / "plain", root, film=False).path
    result = call("probe", "dataset_swap", folder, "--compare", plain, "--pairs", "T1w:T2w")
    assert result.exit_code == 0, result.output
    assert any(line.split()[:5] == ["T2w", "A", "→", "B", "model"] for line in result.stdout.splitlines())
    assert any(line.startswith("all") and " plain " in line for line in result.stdout.splitlines())
    text = report(folder).read_text(encoding="utf-8")
    section = text.split('id="dataset_swap"')[1].split("</section>")[0]
    assert 'href="#dataset_swap"' in text
    summary = pd.read_csv(folder / "evaluation" / "dataset_swap" / "summary.csv")
    assert f"<td>{summary['other'].iloc[-2]:.4f}</td>" in section
    assert f"model {summary['own'].iloc[-2]:.4f}, {summary['other'].iloc[-2]:.4f}; plain " in section
