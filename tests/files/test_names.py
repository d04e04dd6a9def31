import json

import pytest
from subject_files import image
from toys import TINY

from anysyn import build
from anysyn.data.subjects.find import find_subjects
from anysyn.errors import RecipeError, UserError
from anysyn.files import check_name, check_names
from anysyn.probes.catalogue import find_probe
from anysyn.probes.findings import findings_folder
from anysyn.registry import _FACTORIES, register
from anysyn.simulation.cohort import _subject_of
from anysyn.training.run_folder.checkpoints import Checkpoints
from anysyn.training.run_folder.folder import RunError, RunFolder

HOSTILE = ["../victim", "a/../../b", "/tmp/victim", "..", ".", "", " ", ".hidden", "a\\b", "a\nb", "a\0b", "x" * 121]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_refused_in_one_line(name):
    with pytest.raises(UserError, match=r"^stage: .*names a file and") as caught:
        check_name(name, "stage")
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["synthesis", "stage 2", "T1w+T2w", "größe", "a..b", "a.b", "-x", "x" * 120])
def test_an_ordinary_name_stays_as_it_is(name):
    assert check_name(name, "stage") == name


def test_a_key_may_have_slashes_and_nothing_else_of_a_path():
    assert check_names("BraTS/0042/ses-1", "subject") == "BraTS/0042/ses-1"
    for key in ("/BraTS/0042", "BraTS//0042", "BraTS/../../0042", "BraTS/"):
        with pytest.raises(UserError, match="subject"):
            check_names(key, "subject")


def recipe(folder, change):
    path = folder / "recipe.yaml"
    path.write_text(change(TINY))
    return path


def stage(folder, name):
    build.load(
        recipe(
            folder, lambda text: text.replace("name: synthesis\n    epochs", f"name: {json.dumps(name)}\n    epochs")
        )
    )


def run(folder, name):
    build.load(recipe(folder, lambda text: text.replace("name: tiny", f"name: {json.dumps(name)}")))


def subject(folder, name):
    image(folder / "t1.nii.gz")
    quoted = '"' + name.replace('"', '""') + '"'
    (folder / "list.csv").write_text(f"subject,session,T1w\n{quoted},1,t1.nii.gz\n")
    find_subjects(folder / "list.csv")


def table(folder, name):
    with findings_folder(folder / "air", "air", [name], (), overwrite=False):
        pass


def probe(folder, name):
    @register("probe", name)
    class Hostile:
        pass

    try:
        find_probe(name)
    finally:
        del _FACTORIES["probe", name]


def checkpoint(folder, name):
    run = RunFolder(folder / "run")
    run.checkpoints.mkdir(parents=True)
    (run.checkpoints / "last").write_text(name)
    Checkpoints(run).last()


def label_map(folder, name):
    truth = folder / "derivatives" / "truth"
    truth.mkdir(parents=True)
    record = {"seed": 0, "number": 0, "site": "A", "spacing": 2.0, "labels": f"labels/{name}"}
    (truth / "sub-001.json").write_text(json.dumps(record))
    _subject_of(folder, "sub-001")


@pytest.mark.parametrize("read", [stage, run, subject, table, probe, checkpoint, label_map])
@pytest.mark.parametrize("name", ["../../victim", "..", "a/b/../../../c", "x" * 300])
def test_every_name_that_becomes_a_path_is_checked_where_it_is_read(tmp_path, read, name):
    if (read, name) == (subject, ".."):
        name = "../x"  # the session is added to it
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError) as caught:
        read(tmp_path / "in", name)
    assert len(str(caught.value).splitlines()) == 1
    assert "names a file" in str(caught.value) or "no name of a checkpoint" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_bad_name_costs_its_subject_alone(tmp_path):
    image(tmp_path / "t1.nii.gz")
    (tmp_path / "list.csv").write_text("subject,T1w\n../victim,t1.nii.gz\nsub-01,t1.nii.gz\n")
    found = find_subjects(tmp_path / "list.csv")
    assert [one.key for one in found.subjects] == ["sub-01"]
    assert "'../victim'" in str(found.failures[0])


def test_two_stages_never_write_the_same_files(tmp_path):
    two = recipe(
        tmp_path,
        lambda text: text + text.partition("stages:\n")[2].replace("name: synthesis\n", "name: Synthesis\n", 1),
    )
    with pytest.raises(RecipeError, match=r"stages\.1\.name: two stages are called 'Synthesis'"):
        build.load(two)


def test_stages_that_differ_in_the_way_of_an_accent_are_the_same_files(tmp_path):
    composed, decomposed = "\u00e9tape", "e\u0301tape"

    def named(text):
        stage = text.partition("stages:\n")[2]
        first, second = (stage.replace("name: synthesis\n", f"name: {name}\n", 1) for name in (composed, decomposed))
        return text.partition("stages:\n")[0] + "stages:\n" + first + second

    with pytest.raises(RecipeError, match=r"stages\.1\.name: two stages are called"):
        build.load(recipe(tmp_path, named))


def test_the_folder_of_a_checkpoint_is_never_outside_the_run(tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "state.pt").write_text("mine")
    with pytest.raises(RunError, match="no name of a checkpoint"):
        checkpoint(tmp_path, "../../victim")
    assert (victim / "state.pt").read_text() == "mine"
