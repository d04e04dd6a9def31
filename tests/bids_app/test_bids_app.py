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
def test_the_derivative_is_valid_by_the_validator_of_bids(tiny, bids):
    out = bids / "derivatives" / "anysyn"
    assert run_app(tiny, bids, out) == 0
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
