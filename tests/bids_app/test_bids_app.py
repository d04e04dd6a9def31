"""The BIDS App: its signature, a derivative that the BIDS validator accepts, a page for each, who fails alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toys import write_cohort

import anysyn
from anysyn.cli.bids_app import main
from anysyn.errors import UserError
from anysyn.files import locked

VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")
needs_validator = pytest.mark.skipif(not VALIDATOR.is_file(), reason="needs bids-validator-deno")


@pytest.fixture
def bids(tmp_path):
    """Write two people as BIDS, the second with two sessions; each lacks FLAIR, one session T2w, too."""
    cohort, root = write_cohort(tmp_path / "cohort", 3), tmp_path / "bids"
    root.mkdir()
    (root / "dataset_description.json").write_text('{"Name": "ours", "BIDSVersion": "1.9.0"}')
    places = {"sub-00": "sub-01", "sub-01": "sub-02/ses-a", "sub-02": "sub-02/ses-b"}
    for key, place in places.items():
        (root / place / "anat").mkdir(parents=True)
        for name in ("T1w", "T2w")[: 1 if place.endswith("b") else 2]:
            target = root / place / "anat" / f"{place.replace('/', '_')}_{name}.nii.gz"
            shutil.copy(cohort / key / f"{name}.nii.gz", target)
    return root


def run_app(tiny, root, out, *options):
    return main([str(root), str(out), "participant", "--model", str(tiny / "run"), "--accelerator", "cpu", *options])


def images(out):
    return {path.relative_to(out).as_posix() for path in out.rglob("*.nii.gz")}


ONE = {"sub-01/anat/sub-01_desc-synthetic_FLAIR.nii.gz"}
TWO = {
    "sub-02/ses-a/anat/sub-02_ses-a_desc-synthetic_FLAIR.nii.gz",
    "sub-02/ses-b/anat/sub-02_ses-b_desc-synthetic_FLAIR.nii.gz",
    "sub-02/ses-b/anat/sub-02_ses-b_desc-synthetic_T2w.nii.gz",
}


def test_all_participants_get_what_they_lack_and_a_page(tiny, bids, capsys):
    out = bids / "derivatives" / "anysyn"
    assert run_app(tiny, bids, out) == 0
    assert images(out) == ONE | TWO
    assert "images written: 4 (synthetic, not for clinical use)" in capsys.readouterr().out
    for label, sessions in {"01": 1, "02": 2}.items():
        page = (out / f"sub-{label}.html").read_text()
        assert "Not for clinical use" in page
        assert page.count("does the run suit them?") == sessions
        sources = 2 if label == "01" else 3
        targets = 1 if label == "01" else 3
        assert page.count("<img ") == 3 * (sources + targets)
        assert not re.search(r"(src|href)=\"(?!data:)", page)  # nothing is loaded from anywhere
    about = json.loads((out / "dataset_description.json").read_text())
    assert about["GeneratedBy"][0]["Name"] == "anysyn"
    for path in out.rglob("*.json"):
        for uri in json.loads(path.read_text()).get("Sources", []):
            dataset, place = uri.removeprefix("bids:").split(":")
            assert (out / about["DatasetLinks"][dataset] / place).is_file()  # each leads to its source
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")}
    assert run_app(tiny, bids, out) == 0  # a second call makes nothing anew
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")} == before


@needs_validator
@pytest.mark.parametrize("options", [(), ("--prepare", "--headers", "--anyway")])
def test_the_derivative_is_valid_by_the_validator_of_bids(tiny, bids, options):
    out = bids / "derivatives" / "anysyn"
    assert run_app(tiny, bids, out, *options) == 0
    done = subprocess.run([VALIDATOR, "--json", out], capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert not [issue for issue in issues if issue["severity"] == "error"]
    (out / "sub-01" / "anat" / "sub-01_no.nii.gz").touch()  # the validator looks at names at all
    assert subprocess.run([VALIDATOR, out], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("words", [["02"], ["sub-02"], ["02,01"], ["02", "01"]])
@pytest.mark.parametrize("option", ["--participant-label", "--participant_label"])
def test_participants_are_chosen_by_their_labels(tiny, bids, tmp_path, words, option):
    out = tmp_path / "out"
    assert run_app(tiny, bids, out, "--targets", "FLAIR", option, *words) == 0
    wanted = TWO if len("".join(words)) <= len("sub-02") and "01" not in "".join(words) else ONE | TWO
    assert images(out) == {name for name in wanted if "FLAIR" in name}
    assert not (out / "subjects.csv").exists()  # of some alone


def test_calls_for_different_participants_may_run_at_once(tiny, bids, tmp_path, capsys):
    out = tmp_path / "out"
    with locked(out / "sub-01", "anysyn-bids of another process"):
        assert run_app(tiny, bids, out, "--participant-label", "02") == 0
        assert run_app(tiny, bids, out, "--participant-label", "01") == 1
    assert "is locked by" in capsys.readouterr().err
    assert images(out) == TWO


def test_who_fails_is_listed_and_the_others_finish(tiny, bids, tmp_path, capsys):
    whole = bids / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    whole.write_bytes(whole.read_bytes()[:900])
    assert run_app(tiny, bids, tmp_path / "out") == 1
    assert "failed: sub-01" in capsys.readouterr().err
    assert images(tmp_path / "out") == TWO
    assert "What failed" in (tmp_path / "out" / "sub-01.html").read_text()
    assert "What failed" not in (tmp_path / "out" / "sub-02.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--participant-label", "03"], "no participant '03'; "),
        (["--targets", "CT"], "--targets: this run was not trained for 'CT'"),
        (["--session-label", "z"], "no session 'z'; choices: a, b"),
        (["--jobs", "x"], "--jobs x: write a number from 1"),
        (["--bids-filter-file", "gone.json"], "gone.json: is no filter file that can be read"),
        (["--trust"], "anysyn calibrate"),
    ],
)
def test_mistakes_are_one_line(tiny, bids, tmp_path, capsys, options, message):
    assert run_app(tiny, bids, tmp_path / "out", *options) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_bids_dataset_is_refused(tiny, tmp_path, capsys):
    write_cohort(tmp_path / "cohort", 1)
    assert run_app(tiny, tmp_path / "cohort", tmp_path / "out") == 1
    assert "is no BIDS dataset" in capsys.readouterr().err


def test_there_is_no_group_level(tiny, bids, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main([str(bids), str(tmp_path / "out"), "group", "--model", str(tiny / "run")])
    assert end.value.code == 2
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize("stated", [True, False, None])
def test_whether_the_skull_was_removed_is_stated_or_seen(tiny, bids, tmp_path, stated):
    if stated is not None:
        (bids / "sub-01" / "anat" / "sub-01_T1w.json").write_text(json.dumps({"SkullStripped": stated}))
    done = anysyn.complete(tiny / "run", data=bids, out=tmp_path / "out", participants=["01"], accelerator="cpu")
    record = json.loads(done.written[0].with_suffix("").with_suffix(".json").read_text())
    assert record["SkullStripped"] is bool(stated)  # an ellipsoid of some millilitres is no brain


def test_a_page_shows_each_image_at_the_same_place_of_the_world():
    from anysyn.bids_app.pictures import canonical, middle_of
    from anysyn.data.volumes.volume import Volume

    voxels = np.zeros((10, 12, 14), np.float32)
    voxels[2:5, 3:6, 4:9] = 1
    affine = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, -3], [0, 0, 3, 7], [0, 0, 0, 1]])
    import torch

    turned = canonical(Volume(torch.from_numpy(voxels), affine))
    assert nib.aff2axcodes(turned.affine) == ("R", "A", "S")
    np.testing.assert_allclose((turned.affine @ [*middle_of(turned), 1])[:3], (affine @ [3, 4, 6, 1])[:3])


def test_a_table_has_no_uris(tiny, tmp_path):
    cohort = write_cohort(tmp_path / "cohort", 1, contrasts=("T1w",))
    done = anysyn.complete(tiny / "run", data=cohort, out=tmp_path / "out", targets=["T2w"], accelerator="cpu")
    record = json.loads(done.written[0].with_suffix("").with_suffix(".json").read_text())
    assert "Sources" not in record
    assert list(record["SourceImages"]) == ["T1w"]
    with pytest.raises(UserError, match="no participant"):
        anysyn.complete(tiny / "run", data=cohort, out=tmp_path / "o", participants=["9"], accelerator="cpu")


def second(bids, place, label):
    """Write a second file of the T1w of a person, with another label, and return the first."""
    first = bids / place / "anat" / f"{place}_T1w.nii.gz"
    shutil.copy(first, first.with_name(f"{place}_{label}_T1w.nii.gz"))
    return first


def test_of_two_acquisitions_the_filter_file_chooses(tiny, bids, tmp_path, capsys):
    first = second(bids, "sub-01", "acq-fast")
    first.rename(first.with_name("sub-01_acq-highres_T1w.nii.gz"))
    out, choose = tmp_path / "out", tmp_path / "filter.json"
    assert run_app(tiny, bids, out) == 1
    said = capsys.readouterr().err
    assert 'say which by --bids-filter-file FILE, a JSON such as {"T1w": {"acq": "highres"}}' in said
    assert not re.search("recipe|data[.]|CSV|--data", said)  # none of which this command has
    assert images(out) == TWO
    choose.write_text('{"t1w": {"acquisition": "highres"}}')
    assert run_app(tiny, bids, out, "--bids-filter-file", str(choose), "--participant-label", "01") == 0
    assert images(out) == ONE | TWO
    record = json.loads((out / "sub-01/anat/sub-01_desc-synthetic_FLAIR.json").read_text())
    assert "bids:raw:sub-01/anat/sub-01_acq-highres_T1w.nii.gz" in record["Sources"]
    choose.write_text('{"t1w": {"acq": "hires"}}')  # a label that nobody has makes no T1w out of the others
    assert run_app(tiny, bids, tmp_path / "other", "--bids_filter_file", str(choose)) == 1
    assert "sub-01: has no T1w with the labels that are asked for; " in capsys.readouterr().err
    assert images(tmp_path / "other") == TWO


def test_a_call_that_fails_leaves_what_is_there_on_the_page(tiny, bids, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_app(tiny, bids, out, "--participant-label", "01") == 0
    before = (out / "sub-01.html").read_text()
    source = bids / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    image = nib.load(source)
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32) + 1, image.affine), source)
    assert run_app(tiny, bids, out, "--participant-label", "01") == 1
    said = capsys.readouterr().err
    assert "choose another output folder, or make it anew with --overwrite" in said
    assert "--out" not in said
    page = (out / "sub-01.html").read_text()
    assert "What failed" in page
    assert "an earlier call" in page
    assert page.count("<img ") == before.count("<img ") == 9
    source.unlink()  # a source that is gone is said in its row
    shutil.copy(bids / "sub-01/anat/sub-01_T2w.nii.gz", bids / "sub-01/anat/sub-01_rec-a_T2w.nii.gz")
    (bids / "sub-01/anat/sub-01_T2w.nii.gz").rename(bids / "sub-01/anat/sub-01_rec-b_T2w.nii.gz")
    assert run_app(tiny, bids, out, "--participant-label", "01") == 1
    page = (out / "sub-01.html").read_text()
    assert page.count("<img ") == 3
    assert "No such file or directory" in page


def test_choices_are_notes_of_the_participant(tiny, bids, tmp_path, capsys):
    second(bids, "sub-01", "run-2")
    shutil.copy(bids / "sub-01/anat/sub-01_T2w.nii.gz", bids / "sub-01/anat/sub-01_part-phase_T2w.nii.gz")
    out = tmp_path / "out"
    assert run_app(tiny, bids, out, "--participant-label", "01") == 0
    said, page = capsys.readouterr().err, (out / "sub-01.html").read_text()
    for line in (
        "sub-01/anat/sub-01_run-2_T1w.nii.gz: is not used; sub-01_T1w.nii.gz is the first run of T1w",
        "sub-01/anat/sub-01_part-phase_T2w.nii.gz: is no magnitude image (part-phase)",
    ):
        assert f"note: sub-01: {line}" in said
        assert line in page
    assert run_app(tiny, bids, out, "--participant-label", "02") == 0
    assert "note: " not in capsys.readouterr().err


def test_who_has_no_image_fails_and_who_lacks_nothing_is_said(tiny, bids, tmp_path, capsys):
    (bids / "sub-05" / "func").mkdir(parents=True)
    shutil.copy(bids / "sub-01/anat/sub-01_T2w.nii.gz", bids / "sub-05/func/sub-05_task-rest_bold.nii.gz")
    out = tmp_path / "out"
    assert run_app(tiny, bids, out, "--participant-label", "01", "05", "--targets", "T2w") == 1
    said = capsys.readouterr()
    assert "failed: sub-05: has no image that anysyn reads; " in said.err
    assert "func: holds 1 volume and is not searched" in said.err
    assert "sub-01 lacks nothing of T2w" in said.out
    assert "sub-01 lacks nothing of T2w" in (out / "sub-01.html").read_text()
    assert "has no image that anysyn reads" in (out / "sub-05.html").read_text()
    assert images(out) == set()


def test_sessions_are_chosen_by_their_labels(tiny, bids, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_app(tiny, bids, out, "--session-label", "b") == 0
    assert images(out) == {name for name in TWO if "ses-b" in name}
    said = " ".join(capsys.readouterr().out.split())
    assert "note: sub-01: has no ses-b, so it is left out" in said
    assert "making T2w, FLAIR: 2 images of 1 subject" in said
    assert not (out / "subjects.csv").exists()


def test_its_own_output_is_no_news_and_both_lists_are_named(tiny, bids, capsys):
    out = bids / "derivatives" / "anysyn"
    other = bids / "derivatives" / "fmriprep" / "sub-01" / "anat"
    other.mkdir(parents=True)
    shutil.copy(bids / "sub-01/anat/sub-01_T1w.nii.gz", other / "sub-01_desc-preproc_T1w.nii.gz")
    for _ in range(2):
        assert run_app(tiny, bids, out) == 0
    said = capsys.readouterr().out
    assert "derivatives/anysyn/sub-01/" not in said
    assert "derivatives/fmriprep/sub-01/anat: holds 1 volume" in said
    assert f"listed in full: {out / 'subjects.csv'}; what is left out, and why: subjects-left-out.csv" in said


def test_grids_that_differ_are_to_be_prepared(tiny, bids, tmp_path, capsys):
    path = bids / "sub-01/anat/sub-01_T2w.nii.gz"
    image = nib.load(path)
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine @ np.diag([1.5, 1, 1, 1])), path)
    assert run_app(tiny, bids, tmp_path / "out", "--participant-label", "01") == 1
    said = capsys.readouterr().err
    assert "register them with --prepare or, if they are registered, resample" in said
    assert "which registers nothing" in said
    out = tmp_path / "prepared"
    assert run_app(tiny, bids, out, "--participant-label", "01", "--prepare", "--headers", "--anyway") == 0
    assert {name for name in images(out) if not name.startswith("prepared")} == ONE
    page = (out / "sub-01.html").read_text()
    assert page.count("<img ") == 9
    assert "No such file" not in page


def test_a_truncated_source_is_left_out_by_options_that_the_message_names(tiny, bids, tmp_path, capsys):
    whole = bids / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    whole.write_bytes(whole.read_bytes()[:900])
    assert run_app(tiny, bids, tmp_path / "out", "--participant-label", "01") == 1
    advice = re.search("to complete it without T1w: (--sources .*)", capsys.readouterr().err)[1]
    assert run_app(tiny, bids, tmp_path / "out", "--participant-label", "01", *advice.split()) == 0
    assert images(tmp_path / "out") == ONE


def test_sources_are_named_as_they_were_shown(tiny, bids, tmp_path):
    from anysyn.bids_app.participant_page import _sources

    record = {
        "SourceImages": {"FLAIR": {"file": "sub-01_FLAIR.nii.gz"}, "T1w": {"file": "sub-01_T1w.nii.gz"}},
        "Request": {"Sources": ["T1w", "FLAIR"]},
        "Sources": [f"bids:raw:sub-01/anat/sub-01_{name}.nii.gz" for name in ("T1w", "FLAIR")],
    }
    shown = list(_sources(record, bids, tmp_path))
    assert [name for name, _ in shown] == ["T1w", "FLAIR"]
    assert all(path.name == f"sub-01_{name}.nii.gz" for name, path in shown)


def test_jobs_and_precision_are_those_of_complete(tiny, bids, tmp_path):
    assert run_app(tiny, bids, tmp_path / "out", "--jobs", "2", "--precision", "32-true") == 0
    assert images(tmp_path / "out") == ONE | TWO


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--prepare", "--resample-to", "T1w"], "--resample-to: not with scans that are prepared"),
        (["--headers"], "--headers: for scans that lie on several grids; add --prepare"),
    ],
)
def test_options_that_mean_nothing_together(tiny, bids, tmp_path, capsys, options, message):
    with pytest.raises(SystemExit) as end:
        run_app(tiny, bids, tmp_path / "out", *options)
    assert end.value.code == 2
    assert message in capsys.readouterr().err
