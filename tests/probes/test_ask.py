"""The runner of all probes, tried with the probe from examples/: what is written, kept, resumed, refused and shown."""

import json
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from learned_runs import cut_off, record_of, write_learned_run
from toys import write_cohort

from anysyn import registry
from anysyn.errors import RecipeError, UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import evaluate
from anysyn.files import locked
from anysyn.probes.ask import probe
from anysyn.probes.measurement import UNFINISHED
from anysyn.reporting import report
from anysyn.synthesis.loaded_run import load_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "probe" / "anysyn_air.py"


@pytest.fixture
def air(monkeypatch):
    monkeypatch.setattr(registry, "_FACTORIES", dict(registry._FACTORIES))  # other tests must not see the probe
    spec = spec_from_file_location("anysyn_air", EXAMPLE)
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "anysyn_air", module)
    spec.loader.exec_module(module)
    return module.Air


@pytest.fixture
def loaded(tmp_path, air):
    cohort = write_cohort(tmp_path / "cohort", shape=(12, 14, 6))
    return load_run(write_learned_run(tmp_path / "run", cohort, clip=False).path, accelerator="cpu")


def test_a_new_probe_is_measured_written_printed_and_shown(loaded):
    findings = probe("air", loaded, pairs="T1w:T2w")
    folder = loaded.folder.path / "evaluation" / "air"
    assert sorted(path.name for path in folder.iterdir()) == ["cases.csv", "manifest.json", "record.json", "summary.md"]
    for row in findings.tables["cases"].to_dict("records"):
        subject = next(one for one in loaded.subjects()[0] if one.key == row["subject"])
        study = loaded.prepare(subject)
        image = loaded.predict(study, ["T1w"], ["T2w"])["T2w"].numpy()[~study.foreground.numpy()]
        assert row["filled"] == pytest.approx(np.mean(image > 0.02), abs=1e-6)
    assert findings.lines()[0].split() == ["pair", "air", "that", "is", "filled"]
    assert "| T1w:T2w |" in (folder / "summary.md").read_text()
    assert record_of(folder)["options"] == {"pairs": "T1w:T2w", "above": 0.02}
    assert "torch" in record_of(folder)["versions"]
    page = report(loaded.folder.path).read_text(encoding="utf-8")
    assert '<h2 id="air">Air</h2>' in page
    assert findings.lines()[1].split()[-2] in page


def test_files_of_somebody_else_are_refused_with_their_names(loaded, tmp_path):
    folder = tmp_path / "out" / "air"
    folder.mkdir(parents=True)
    (folder / "cases.csv").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(EvaluationError, match=r"holds cases\.csv, which no probe wrote"):
            probe("air", loaded, out=tmp_path / "out", overwrite=overwrite)
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]


def test_one_folder_of_findings_is_written_by_one_process_at_a_time(loaded, tmp_path):
    with locked(tmp_path / "out" / "air", "anysyn probe air"), pytest.raises(UserError, match="locked by process"):
        probe("air", loaded, out=tmp_path / "out")


def test_findings_are_withdrawn_before_others_are_concluded(loaded, air, tmp_path, monkeypatch):
    probe("air", loaded, out=tmp_path)
    monkeypatch.setattr(air, "conclude", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        probe("air", loaded, out=tmp_path, overwrite=True, above=0.5)
    assert not (tmp_path / "air" / "record.json").exists()


def test_a_probe_that_was_stopped_goes_on_and_ends_where_an_uninterrupted_one_would(loaded, air, monkeypatch, tmp_path):
    whole = probe("air", loaded, out=tmp_path / "whole").tables["cases"]
    measure, measured = air.measure, []

    def stopped(self, run, subject):
        if measured:
            raise KeyboardInterrupt
        measured.append(subject.key)
        return measure(self, run, subject)

    monkeypatch.setattr(air, "measure", stopped)
    with pytest.raises(KeyboardInterrupt):
        probe("air", loaded)
    folder = loaded.folder.path / "evaluation" / "air"
    assert not (folder / "record.json").exists()
    with pytest.raises(EvaluationError, match="unfinished probe of another request"):
        probe("air", loaded, above=0.5)
    monkeypatch.setattr(
        air, "measure", lambda self, run, subject: measured.append(subject.key) or measure(self, run, subject)
    )
    again = probe("air", loaded).tables["cases"]
    assert len(measured) == 2, "the first subject was not measured again"
    assert again.equals(whole)
    assert not (folder / UNFINISHED).exists()


def test_findings_are_not_overwritten_unless_asked(loaded):
    probe("air", loaded)
    with pytest.raises(EvaluationError, match="holds findings; choose another --out or allow replacing"):
        probe("air", loaded)
    probe("air", loaded, above=0.5, overwrite=True)
    assert record_of(loaded.folder.path / "evaluation" / "air")["options"]["above"] == 0.5


def test_a_file_in_the_place_of_the_folder_is_an_error(loaded, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(EvaluationError, match="is a file; choose another --out"):
        probe("air", loaded, out=tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").read_text() == "mine"


def test_findings_do_not_stand_in_the_way_of_the_tables_of_an_evaluation(loaded):
    probe("air", loaded)
    evaluate(loaded, pairs="T1w:T2w", protocol="slices")
    assert record_of(loaded.folder.path / "evaluation" / "air")
    with pytest.raises(EvaluationError, match="is not empty"):
        evaluate(loaded, pairs="T1w:T2w", protocol="slices")


def test_a_damaged_subject_costs_itself_alone(loaded, tmp_path):
    cut_off(tmp_path / "cohort" / "sub-02" / "T1w.nii.gz")
    findings = probe("air", loaded)
    assert [failure.key for failure in findings.failures] == ["sub-02"]
    assert set(findings.tables["cases"]["subject"]) == {"sub-03"}
    assert "<b>sub-02</b>" in report(loaded.folder.path).read_text()
    cut_off(tmp_path / "cohort" / "sub-03" / "T2w.nii.gz")
    with pytest.raises(
        EvaluationError, match=r"nothing in split 'test' of the data of the training was measured \(sub"
    ):
        probe("air", loaded, out=tmp_path / "out")
    assert not (tmp_path / "out" / "air" / "record.json").exists()


def test_another_cohort_goes_to_a_folder_of_its_own(loaded, tmp_path):
    other = write_cohort(tmp_path / "other", subjects=1, shape=(12, 14, 6))
    findings = probe("air", loaded, data=other, split="all", out=tmp_path / "out")
    assert findings.folder == tmp_path / "out" / "air"
    assert (findings.record["data"], findings.record["split"]) == (other, "all")
    assert json.loads((loaded.folder.path / "evaluation.json").read_text())["results"] == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"abuv": 1}, r"no option 'abuv'; did you mean 'above'\? choices: above, pairs"),
        ({"above": -1}, "option above: .*greater than or equal to 0"),
        ({"split": "tset"}, "no split 'tset'; did you mean 'test'"),
        ({"pairs": "T1w:CT"}, "the run knows no 'CT'"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_writes_nothing(loaded, options, words):
    with pytest.raises(UserError, match=words) as caught:
        probe("air", loaded, **options)
    assert len(str(caught.value).splitlines()) == 1
    assert not (loaded.folder.path / "evaluation").exists()


def test_an_unknown_probe_names_the_choices(loaded):
    with pytest.raises(RecipeError, match=r"no probe named 'iar'; did you mean 'air'\?"):
        probe("iar", loaded)


@pytest.mark.parametrize(
    ("name", "content"), [("cases.csv", "a,b\n1,2\n"), ("record.json", "{"), ("record.json", "{}")]
)
def test_damaged_findings_are_one_line(loaded, name, content):
    folder = probe("air", loaded).folder
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=r"air: its findings cannot be read \(.*\); run the probe again"):
        report(loaded.folder.path)


def test_the_findings_lie_with_the_results_that_are_shown(loaded, tmp_path):
    folder = probe("air", loaded).folder
    shutil.copytree(folder, tmp_path / "other" / "air")
    evaluate(loaded, pairs="T1w:T2w", protocol="slices", out=tmp_path / "other")
    shutil.rmtree(folder)
    assert 'id="air"' in report(loaded.folder.path, results=tmp_path / "other", out=tmp_path / "page.html").read_text()
    evaluate(loaded, pairs="T1w:T2w", protocol="slices")
    assert 'id="air"' not in report(loaded.folder.path).read_text()


def test_findings_without_an_evaluation_beside_them_are_shown(loaded, tmp_path):
    probe("air", loaded, out=tmp_path / "out")
    page = report(loaded.folder.path, results=tmp_path / "out", out=tmp_path / "page.html")
    assert 'id="air"' in page.read_text()
