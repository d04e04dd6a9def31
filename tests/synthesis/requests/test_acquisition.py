"""The requested acquisition: completed, refused if it contradicts, given to the network, written down."""

import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from test_cli import call, one_line
from text_runs import train_text_run
from toys import TINY

import anysyn
from anysyn.acquisition import Acquisition
from anysyn.data.geometry.grid import Grid
from anysyn.errors import UserError
from anysyn.synthesis.loaded_run import load_run
from anysyn.synthesis.requests.acquisition import acquisition_of, requested_acquisitions, source_acquisitions

GRID = Grid((4, 4, 4), np.diag([2.0, 2.0, 3.0, 1.0]))
SOURCE = Acquisition(modality="T1w", manufacturer="GE", field_strength_t=3.0, age_years=9.0, repetition_time_ms=2000.0)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    train_text_run(folder)
    return folder


@pytest.fixture(scope="module")
def run(place):
    return load_run(place / "run", accelerator="cpu")


@pytest.fixture
def heard(run, monkeypatch):
    """Return the queries that reach the network."""
    queries, ask = [], run.model.forward
    monkeypatch.setattr(
        run.model, "forward", lambda batch, query, places: queries.append(query) or ask(batch, query, places)
    )
    return queries


def t1(place):
    return place / "cohort" / "sub-00" / "T1w.nii.gz"


def made(run, source, out, **options):
    anysyn.synthesize(run, sources={"T1w": source}, targets=["T2w"], out=out, **options)
    return nib.load(out).get_fdata(), json.loads(out.with_name("t2.json").read_text())


def test_what_is_not_said_of_person_and_scanner_is_the_source_s():
    found = requested_acquisitions(Acquisition(echo_time_ms=90.0, manufacturer="Philips"), ["T2w"], SOURCE, GRID)
    bare = Acquisition(modality="T2w", voxel_size_mm=(2.0, 2.0, 3.0))
    own = {"echo_time_ms": 90.0, "manufacturer": "Philips", "field_strength_t": 3.0, "age_years": 9.0}
    assert found == {"T2w": replace(bare, **own)}
    assert requested_acquisitions(None, ["T2w"], None, GRID)["T2w"] == bare


def test_the_scanner_is_that_of_the_source_only_where_both_are_of_one_kind():
    ct = requested_acquisitions(Acquisition(kvp=100.0), ["CT"], SOURCE, GRID)["CT"]
    assert (ct.manufacturer, ct.field_strength_t, ct.age_years, ct.kvp) == (None, None, 9.0, 100.0)
    assert requested_acquisitions(None, ["PDw"], SOURCE, GRID)["PDw"].manufacturer == "GE"


def test_the_name_of_a_pet_says_its_tracer():
    assert requested_acquisitions(None, ["AV45-PET"], None, GRID)["AV45-PET"].tracer == "AV45"
    assert requested_acquisitions(Acquisition(tracer="FDG"), ["FDG-PET"], None, GRID)["FDG-PET"].tracer == "FDG"


@pytest.mark.parametrize(
    ("said", "target", "message"),
    [
        (Acquisition(echo_time_ms=90.0), "CT", "echo_time_ms has no meaning for CT; leave it out"),
        (Acquisition(kvp=90.0), "T2w", "kvp has no meaning for T2w"),
        (Acquisition(dose_mbq=90.0), "CT", "dose_mbq has no meaning for CT"),
        (Acquisition(kernel="H31s"), "FDG-PET", "kernel has no meaning for FDG-PET"),
        (Acquisition(tracer="AV45"), "FDG-PET", "AV45 is given for FDG-PET, whose tracer is FDG"),
    ],
)
def test_what_has_no_meaning_for_a_target_is_refused(said, target, message):
    with pytest.raises(UserError, match=message):
        requested_acquisitions(said, [target], SOURCE, GRID)


def test_several_targets_have_acquisitions_of_their_own():
    said = {"T2": Acquisition(echo_time_ms=90.0)}
    found = requested_acquisitions(said, ["T2w", "FLAIR"], None, GRID)
    assert (found["T2w"].echo_time_ms, found["FLAIR"].echo_time_ms) == (90.0, None)


@pytest.mark.parametrize(
    ("said", "targets", "message"),
    [
        (Acquisition(echo_time_ms=-1.0), ["T2w"], "echo_time_ms: -1 is no number from 0 up"),
        (Acquisition(echo_time_ms=float("nan")), ["T2w"], "echo_time_ms: nan is no number from 0 up"),
        (Acquisition(sex="male"), ["T2w"], "sex: 'male' is none of F, M, O"),
        (Acquisition(modality="FLAIR"), ["T2w"], "an acquisition of FLAIR is given for T2w"),
        (
            Acquisition(voxel_size_mm=(1.0, 1.0, 1.0)),
            ["T2w"],
            r"--voxel 1,1,1 .voxel_size_mm=. contradicts .* 2,2,3 mm .* --target-spacing 1",
        ),
        (Acquisition(voxel_size_mm=(2.0, 2.0)), ["T2w"], r"--voxel 2,2 \(voxel_size_mm=\): write three lengths"),
        (Acquisition(echo_time_ms=90.0), ["T2w", "FLAIR"], "one acquisition is given for T2w, FLAIR"),
        ({"FLAIR": Acquisition()}, ["T2w"], "given for FLAIR, but the targets are T2w"),
    ],
)
def test_contradictions_are_one_line(said, targets, message):
    with pytest.raises(UserError, match=message):
        requested_acquisitions(said, targets, SOURCE, GRID)


def test_options_go_before_the_sidecar(tmp_path):
    path = tmp_path / "wanted.json"
    path.write_text(json.dumps({"RepetitionTime": 3.2, "EchoTime": 0.1}))
    found = acquisition_of(path, echo_time_ms=565.0, sex=None)
    assert found == Acquisition(repetition_time_ms=3200.0, echo_time_ms=565.0)


def test_sources_are_known_by_the_json_beside_them(place, tmp_path):
    shutil.copy(t1(place), tmp_path / "t1.nii.gz")
    files = {"T1w": t1(place), "T2w": tmp_path / "t1.nii.gz"}
    found = source_acquisitions(files, Acquisition(age_years=30.0, echo_time_ms=1.0))
    assert found["T1w"].manufacturer == "GE"
    assert found["T1w"].echo_time_ms == 10.0
    assert found["T2w"] == Acquisition(modality="T2w", age_years=30.0)


def test_the_network_is_told_and_the_sidecar_says_so(place, run, tmp_path, heard):
    said = Acquisition(repetition_time_ms=3200.0, echo_time_ms=565.0, sex="F")
    _, sidecar = made(run, t1(place), tmp_path / "t2.nii.gz", acquisition=said)
    wanted = {"modality": "T2w", "repetition_time_ms": 3200.0, "echo_time_ms": 565.0, "sex": "F"}
    scanner = {"manufacturer": "GE", "field_strength_t": 3.0}
    assert sidecar["AcquisitionAskedFor"] == {**wanted, **scanner, "voxel_size_mm": [2.0, 2.0, 3.0]}
    for query in heard:
        assert {row[0].echo_time_ms for row in query.target_acquisitions} == {565.0}
        assert {row[0].voxel_size_mm for row in query.target_acquisitions} == {(2.0, 2.0, 3.0)}
        assert {(row[0].sex, row[0].echo_time_ms) for row in query.source_acquisitions} == {("F", 10.0)}


def test_another_acquisition_gives_another_image(place, run, tmp_path):
    images = [
        made(run, t1(place), tmp_path / "t2.nii.gz", acquisition=Acquisition(echo_time_ms=te), overwrite=True)[0]
        for te in (565.0, 5.0)
    ]
    assert np.abs(images[0] - images[1]).max() > 0


def test_a_finer_grid_is_told_with_its_voxels(place, run, tmp_path, heard):
    voxels = Acquisition(voxel_size_mm=(1.0, 2.0, 3.0))
    _, sidecar = made(run, t1(place), tmp_path / "t2.nii.gz", spacing=(1, 2, 3), acquisition=voxels)
    assert sidecar["AcquisitionAskedFor"]["voxel_size_mm"] == [1.0, 2.0, 3.0]
    assert {row[0].voxel_size_mm for query in heard for row in query.target_acquisitions} == {(1.0, 2.0, 3.0)}


def test_a_prompt_that_is_too_long_is_one_line(place, run, tmp_path):
    with pytest.raises(UserError, match=r"takes 90; manufacturer has \d+ tokens"):
        made(run, t1(place), tmp_path / "t2.nii.gz", acquisition=Acquisition(manufacturer="a b c d e f g h i j " * 4))
    assert not (tmp_path / "t2.nii.gz").exists()


def test_a_network_that_is_not_told_refuses_what_would_change_nothing(place, tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    data = [f"data.root={place / 'cohort'}", "stages.0.epochs=1"]
    anysyn.train(tmp_path / "tiny.yaml", out=tmp_path / "run", overrides=data, accelerator="cpu")
    with pytest.raises(UserError, match=r"conditioned on the modality alone, so echo_time_ms would change nothing"):
        made(tmp_path / "run", t1(place), tmp_path / "t2.nii.gz", acquisition=Acquisition(echo_time_ms=90.0))
    made(tmp_path / "run", t1(place), tmp_path / "t2.nii.gz", acquisition=Acquisition(voxel_size_mm=(2.0, 2.0, 3.0)))


def test_the_command_line_says_the_same(place, tmp_path):
    (tmp_path / "wanted.json").write_text(json.dumps({"RepetitionTime": 3.2, "EchoTime": 0.1}))
    out = tmp_path / "t2.nii.gz"
    source = f"T1w={t1(place)}"
    asked = ("synthesize", place / "run", "--source", source, "--target", "T2w", "--out", out, "--overwrite")
    options = {"--te": 565, "--ti": 10, "--fa": 90, "--field": 1.5, "--manufacturer": "Philips", "--age": 9.1}
    options |= {"--sex": "F", "--voxel": "2,2,3", "--target-json": tmp_path / "wanted.json"}
    result = call(*asked, *(word for option in options.items() for word in option))
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "t2.json").read_text())["AcquisitionAskedFor"]
    assert Acquisition(**found | {"voxel_size_mm": tuple(found["voxel_size_mm"])}).to_prompt() == (
        "Age: 9.1; Gender: F; Scanner: 1.5 Philips; Modality: T2w; Voxel size: (2.0, 2.0, 3.0); "
        "Imaging parameter TR(ms), TE(ms), TI(ms), and FA(degree): (3200.0, 565.0, 10.0, 90.0)"
    )
    one_line(call(*asked, "--voxel", "1,1,1"), "--voxel 1,1,1 (voxel_size_mm=) contradicts", "--target-spacing 1,1,1")
    one_line(call(*asked, "--target-json", tmp_path / "none.json"), "none.json")
    assert call(*asked, "--voxel", "1;1;1").exit_code == 2
