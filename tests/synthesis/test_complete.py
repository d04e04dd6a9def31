import json
import shutil
from itertools import combinations

import nibabel as nib
import numpy as np
import pytest
import yaml
from toys import TINY, write_cohort
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.subjects.find import find_subjects
from anysyn.errors import UserError
from anysyn.files import locked
from anysyn.synthesis import load_run

FOUR = ("T1w", "T1c", "T2w", "FLAIR")
PATTERNS = [chosen for size in range(1, 5) for chosen in combinations(FOUR, size)]  # 15, the whole set the last
WRITTEN_AS = {"T1c": "ce-gadolinium_desc-synthetic_T1w"}


def train(folder, queries, name="run"):
    tree = yaml.safe_load(TINY)
    tree["modalities"] = list(FOUR)
    tree["stages"][0] |= {"epochs": 1, "queries": queries}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree))
    anysyn.train(folder / f"{name}.yaml", out=folder / name, overrides=[f"data.root={folder / 'cohort'}"])
    return load_run(folder / name, accelerator="cpu")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("complete")
    write_cohort(folder / "cohort", shape=(16, 16, 6), contrasts=FOUR)
    return folder


@pytest.fixture(scope="module")
def run(place):
    return train(place, {"name": "many_to_one"})


@pytest.fixture(scope="module")
def patterns(tmp_path_factory):
    """Write a subject for each pattern of what is there, each on an oblique grid of its own."""
    root = write_cohort(tmp_path_factory.mktemp("patterns") / "data", len(PATTERNS), shape=(16, 16, 6), contrasts=FOUR)
    for number, (subject, pattern) in enumerate(zip(sorted(root.iterdir()), PATTERNS, strict=True)):
        for name in FOUR:
            path = subject / f"{name}.nii.gz"
            if name not in pattern:
                path.unlink()
                continue
            image = nib.load(path)
            affine = image.affine.copy()
            affine[:3, :3] = [[-1.9, 0.3, 0], [0.3, 1.9, 0.1 * number], [0, 0, 3]]
            nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32), affine), path)
    return root


@pytest.fixture
def folder(patterns, tmp_path):
    return shutil.copytree(patterns, tmp_path / "data")


def expected(out, number, name):
    key = f"sub-{number:02d}"
    return out / key / "anat" / f"{key}_{WRITTEN_AS.get(name, f'desc-synthetic_{name}')}.nii.gz"


def state(root):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()}


def test_every_missing_contrast_of_every_pattern_is_written(run, folder, tmp_path):
    before, out = state(folder), tmp_path / "out"
    done = anysyn.complete(run, data=folder, out=out)
    wanted = {expected(out, n, name) for n, there in enumerate(PATTERNS) for name in FOUR if name not in there}
    assert len(PATTERNS) == 15
    assert set(done.written) == set(out.rglob("*.nii.gz")) == wanted
    assert len(wanted) == 28
    assert done.failures == done.kept == ()
    assert state(folder) == before  # nothing of the data is touched
    for number, there in enumerate(PATTERNS[:-1]):
        given = nib.load(folder / f"sub-{number:02d}" / f"{there[0]}.nii.gz")
        for name in set(FOUR) - set(there):
            made = nib.load(expected(out, number, name))
            assert made.shape == given.shape
            assert np.array_equal(made.affine, given.affine)
            sidecar = json.loads(expected(out, number, name).with_suffix("").with_suffix(".json").read_text())
            assert sidecar["Synthetic"] is True
            assert set(sidecar["SourceImages"]) == set(there)  # all that the subject has
            assert sidecar["Target"] == name


def test_it_is_what_synthesize_answers_and_a_dataset_that_can_be_read(run, folder, tmp_path):
    out = tmp_path / "out"
    anysyn.complete(run, data=folder, out=out, targets=["t2", "flair"])
    shown = {name: folder / "sub-04" / f"{name}.nii.gz" for name in ("T1w", "T1c")}
    alone = anysyn.synthesize(run, sources=shown, targets=["T2w"], out=tmp_path / "alone.nii.gz")[0]
    assert np.array_equal(nib.load(alone).dataobj, nib.load(expected(out, 4, "T2w")).dataobj)
    assert not list(out.rglob("*T1w.nii.gz"))  # neither T1w nor T1c was asked for
    names = {"*_T2w": "T2w", "*_FLAIR": "FLAIR"}  # synthetic images are read only if they are named
    found = {subject.key: set(subject.images) for subject in find_subjects(out, names=names).subjects}
    assert found["sub-04"] == {"T2w", "FLAIR"}
    assert json.loads((out / "dataset_description.json").read_text())["DatasetType"] == "derivative"


def test_a_broken_file_costs_its_own_subject_alone(run, folder, tmp_path):
    cut = folder / "sub-04" / "T1c.nii.gz"  # its header can be read, its voxels cannot
    cut.write_bytes(cut.read_bytes()[:1500])
    (folder / "sub-10" / "T1w.nii.gz").write_bytes(b"no image")  # would otherwise pass for missing
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app, ["complete", str(run.folder.path), "--data", str(folder), "--out", str(out), "--accelerator", "cpu"]
    )
    assert result.exit_code == 1
    failed = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert [line.split(":")[1].strip() for line in failed] == ["sub-10", "sub-04"]
    assert str(cut) in failed[1]
    lost = {"sub-04", "sub-10"}
    assert {path.name for path in out.glob("sub-*")} == {f"sub-{n:02d}" for n in range(14)} - lost
    assert "images written: 25 " in result.output


def test_a_second_call_redoes_nothing_and_makes_what_is_left(run, folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    gone = [expected(out, 0, "T2w"), expected(out, 3, "T1w")]
    anysyn.complete(run, data=folder, out=out)
    first = state(out)
    for path in gone:
        path.unlink()  # as if the call had been stopped
    again = anysyn.complete(run, data=folder, out=out)
    assert set(again.written) == set(gone)
    assert len(again.kept) == 26
    second = state(out)
    assert {path: whole for path, (_, whole) in first.items()} == {path: whole for path, (_, whole) in second.items()}
    untouched = {path for path in first if path.stem.split(".")[0] not in {g.stem.split(".")[0] for g in gone}}
    assert all(first[path] == second[path] for path in untouched)
    monkeypatch.setattr("anysyn.synthesis.completion.complete.write_syntheses", None)  # nothing is left to call it for
    assert anysyn.complete(run, data=folder, out=out).written == ()


def test_what_a_killed_call_left_is_gone_after_the_next(run, folder, tmp_path):
    path = expected(tmp_path / "out", 0, "T2w")
    left = path.with_name(f".{path.name}.123.part")
    left.mkdir(parents=True)
    (left / path.name).write_bytes(b"half of an image")
    anysyn.complete(run, data=folder, out=tmp_path / "out", targets=["T2w"])
    assert path.is_file()
    assert [path.name for path in (tmp_path / "out").rglob(".*")] == [".bidsignore"]


def test_a_stopped_call_leaves_whole_files_only(run, folder, tmp_path, monkeypatch):
    out, seen = tmp_path / "out", []
    whole = anysyn.synthesis.written_images.write_volume

    def stopped(volume, path, **how):
        seen.append(path)
        if len(seen) == 5:
            raise KeyboardInterrupt
        whole(volume, path, **how)

    monkeypatch.setattr("anysyn.synthesis.written_images.write_volume", stopped)
    with pytest.raises(KeyboardInterrupt):
        anysyn.complete(run, data=folder, out=out)
    monkeypatch.undo()
    assert len(anysyn.complete(run, data=folder, out=out).written) == 28 - 4


def test_what_another_run_made_is_neither_kept_nor_replaced(place, run, folder, tmp_path):
    out = tmp_path / "out"
    anysyn.complete(run, data=folder, out=out, targets=["T2w"])
    before = state(out)
    other = train(place, {"name": "one_to_one"}, "other")
    with pytest.raises(UserError, match=r"another run.*--overwrite"):
        anysyn.complete(other, data=folder, out=out)
    assert state(out) == before
    assert anysyn.complete(other, data=folder, out=out, targets=["T2w"], overwrite=True).kept == ()
    assert state(out) != before


@pytest.mark.parametrize(("sources", "first"), [(None, "T1w"), (["FLAIR", "T1c"], "FLAIR")])
def test_a_run_of_one_source_is_shown_the_first(place, folder, tmp_path, sources, first):
    one = train(place, {"name": "one_to_one"}, f"one-{first}")
    shutil.copytree(folder / "sub-12", folder.parent / "data2" / "sub-12")  # T1w, T2w, FLAIR
    done = anysyn.complete(one, data=folder.parent / "data2", out=tmp_path / "out", sources=sources)
    (path,) = done.written
    assert list(json.loads(path.with_suffix("").with_suffix(".json").read_text())["SourceImages"]) == [first]


def test_a_subject_without_anything_to_show_is_listed(run, folder, tmp_path):
    done = anysyn.complete(run, data=folder, out=tmp_path / "out", sources=["T1w"])
    assert {failure.key for failure in done.failures} == {
        f"sub-{n:02d}" for n, there in enumerate(PATTERNS) if "T1w" not in there
    }
    assert "only T1c" in done.failures[0].reason


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"targets": ["CT"]}, "--targets: this run was not trained for 'CT'"),
        ({"sources": ["CT"]}, "--sources: this run was not trained for 'CT'"),
        ({"dataset": "A"}, "is not conditioned on the dataset"),
    ],
)
def test_mistakes_are_said_before_anything_is_written(run, folder, tmp_path, said, message):
    with pytest.raises(UserError, match=message):
        anysyn.complete(run, data=folder, out=tmp_path / "out", **said)
    assert not (tmp_path / "out").exists()


def test_the_answer_never_lies_among_the_data(run, folder, tmp_path):
    with pytest.raises(UserError, match=r"would pass for real ones; choose a folder outside$"):
        anysyn.complete(run, data=folder, out=folder / "made")
    bids = tmp_path / "bids"
    (bids / "sub-01" / "anat").mkdir(parents=True)
    shutil.copy(folder / "sub-00" / "T1w.nii.gz", bids / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    with pytest.raises(UserError, match=r"derivatives/anysyn or a folder outside$"):
        anysyn.complete(run, data=bids, out=bids)
    for made in (3, 0):  # a second call does not take the first one's answer for data
        assert len(anysyn.complete(run, data=bids, out=bids / "derivatives" / "anysyn").written) == made


def test_two_subjects_never_share_a_name(run, folder, tmp_path):
    for key in ("a/b1", "ab/1"):
        shutil.copytree(folder / "sub-00", tmp_path / "twins" / key)
    with pytest.raises(UserError, match="a/b1 and ab/1 would both be called sub-ab1"):
        anysyn.complete(run, data=tmp_path / "twins", out=tmp_path / "out")


def alone(patterns, tmp_path, number=8):
    """Return a folder with one of the subjects."""
    shutil.copytree(patterns / f"sub-{number:02d}", tmp_path / "alone" / "sub-08")
    return tmp_path / "alone"


def scale(path, by):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32) * by, image.affine), path)


def there(number):
    return next(name for name in PATTERNS[number])


def test_the_image_of_another_persons_scan_is_not_counted_as_made(run, patterns, tmp_path):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    first = anysyn.complete(run, data=data, out=out)
    assert first.written
    assert anysyn.complete(run, data=data, out=out).kept == first.written
    scale(data / "sub-08" / f"{there(8)}.nii.gz", 0.5)
    before = state(out)
    again = anysyn.complete(run, data=data, out=out)
    assert (again.written, again.kept) == ((), ())
    assert "was made from other files than" in again.failures[0].reason
    assert state(out) == before
    anew = anysyn.complete(run, data=data, out=out, overwrite=True)
    assert (anew.written, anew.failures) == (first.written, ())
    assert state(out) != before


@pytest.mark.parametrize("change", ["acquisition", "sources"])
def test_the_image_of_another_request_is_not_counted_as_made(run, patterns, tmp_path, change):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    anysyn.complete(run, data=data, out=out)
    options = {}
    if change == "acquisition":
        (data / "sub-08" / f"{there(8)}.json").write_text('{"Manufacturer": "GE"}')
    else:
        options["sources"] = list(reversed(PATTERNS[8]))
    again = anysyn.complete(run, data=data, out=out, **options)
    assert (again.written, again.kept) == ((), ())
    assert "asked for differently" in again.failures[0].reason


@pytest.mark.parametrize("damage", ["no sidecar", "no hash"])
def test_an_image_without_its_own_sidecar_is_not_counted_as_made(run, patterns, tmp_path, damage):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    path = anysyn.complete(run, data=data, out=out).written[0]
    whole, sidecar = path.read_bytes(), path.with_suffix("").with_suffix(".json")
    if damage == "no sidecar":
        sidecar.unlink()
    else:
        sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "Image": None}))
    again = anysyn.complete(run, data=data, out=out)
    assert (again.written, again.failures) == ((path,), ())
    assert path.read_bytes() == whole


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_image_that_was_edited_is_neither_counted_nor_replaced(run, patterns, tmp_path, overwrite):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    path = anysyn.complete(run, data=data, out=out).written[0]
    image = nib.load(path)
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32) + 1, image.affine, image.header), path)
    edited = path.read_bytes()
    again = anysyn.complete(run, data=data, out=out, overwrite=overwrite)
    assert path not in (*again.written, *again.kept)
    assert "was changed since" in again.failures[0].reason
    assert path.read_bytes() == edited


def test_an_image_of_somebody_else_in_the_output_is_never_replaced(run, patterns, tmp_path):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    path = anysyn.complete(run, data=data, out=out).written[0]
    shutil.copy(data / "sub-08" / f"{there(8)}.nii.gz", path)
    before = state(out)
    for overwrite in (False, True):
        done = anysyn.complete(run, data=data, out=out, overwrite=overwrite)
        assert "was not made by anysyn" in done.failures[0].reason
        assert state(out)[path] == before[path]


def test_what_anysyn_made_is_no_source(run, patterns, tmp_path):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    made = anysyn.complete(run, data=data, out=out, targets=["T2w"]).written[0]
    columns = ",".join(["subject", *PATTERNS[8], "T2w"])
    files = ",".join(["sub-08", *(f"alone/sub-08/{name}.nii.gz" for name in PATTERNS[8]), str(made)])
    (tmp_path / "list.csv").write_text(f"{columns}\n{files}\n")
    made.with_suffix("").with_suffix(".json").unlink()  # its header says it, too
    done = anysyn.complete(run, data=tmp_path / "list.csv", out=tmp_path / "second", targets=["T2w"])
    (path,) = done.written
    assert set(json.loads(path.with_suffix("").with_suffix(".json").read_text())["SourceImages"]) == set(PATTERNS[8])
    assert done.synthetic == (made,)
    assert f"images left out because anysyn made them: 1, the first {made}" in list(done.lines())


@pytest.mark.parametrize("text", ['{"Name": "IXI"}', '{"GeneratedBy": [{"Name": "fMRIPrep"}]}', "{", "[]"])
def test_a_dataset_of_somebody_else_gets_no_synthetic_images(run, patterns, tmp_path, text):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "dataset_description.json").write_text(text)
    with pytest.raises(UserError, match="is a dataset of somebody else"):
        anysyn.complete(run, data=data, out=out, overwrite=True)
    assert [path.name for path in out.iterdir()] == ["dataset_description.json"]


def test_the_output_never_holds_images_that_a_table_elsewhere_lists(run, patterns, tmp_path):
    data = alone(patterns, tmp_path)
    (tmp_path / "lists").mkdir()
    image, before = data / "sub-08" / f"{there(8)}.nii.gz", state(data)
    (tmp_path / "lists" / "alone.csv").write_text(f"subject,{there(8)}\nsub-08,{image}\n")
    with pytest.raises(UserError, match="among real ones"):
        anysyn.complete(run, data=tmp_path / "lists" / "alone.csv", out=data)
    assert state(data) == before


def test_the_output_never_holds_the_data(run, patterns, tmp_path):
    data = alone(patterns, tmp_path)
    (tmp_path / "alone.csv").write_text(f"subject,{there(8)}\nsub-08,alone/sub-08/{there(8)}.nii.gz\n")
    for where, given in (
        (tmp_path, data),
        (tmp_path, tmp_path / "alone.csv"),
        (tmp_path.parent, tmp_path / "alone.csv"),
    ):
        with pytest.raises(UserError, match="choose a folder"):
            anysyn.complete(run, data=given, out=where)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "alone.csv"]


def test_two_calls_never_write_into_one_folder(run, patterns, tmp_path):
    data = alone(patterns, tmp_path)
    with locked(tmp_path / "out", "anysyn complete"), pytest.raises(UserError, match="locked by process"):
        anysyn.complete(run, data=data, out=tmp_path / "out")


def test_a_contrast_that_no_training_subject_had_costs_nobody(tmp_path):
    write_cohort(tmp_path / "cohort", shape=(16, 16, 6), contrasts=("T1w", "T2w", "FLAIR"))
    train(tmp_path, {"name": "many_to_one"})
    data = write_cohort(tmp_path / "data", 1, shape=(16, 16, 6), contrasts=("T1w", "FLAIR"))
    result = CliRunner().invoke(
        app, ["complete", str(tmp_path / "run"), "--data", str(data), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 0, result.output
    assert "not synthesized: T1c: no training subject has an image of it" in result.output
    assert [path.name.rpartition("_")[2] for path in (tmp_path / "out").rglob("*.nii.gz")] == ["T2w.nii.gz"]


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("jobs", ["2", "2@slurm,cluster=local,gpus=0,cpus=1"])
def test_several_processes_write_the_same_files_and_a_broken_one_costs_itself(run, patterns, tmp_path, jobs):
    data = tmp_path / "data"
    for number in (4, 5, 6):
        shutil.copytree(patterns / f"sub-{number:02d}", data / f"sub-{number:02d}")
    cut = data / "sub-05" / f"{there(5)}.nii.gz"
    cut.write_bytes(cut.read_bytes()[:1500])
    first = anysyn.complete(run, data=data, out=tmp_path / "first")
    words = ["complete", str(run.folder.path), "--data", str(data), "--out", str(tmp_path / "second")]
    result = CliRunner().invoke(app, [*words, "--jobs", jobs, "--accelerator", "cpu"])
    assert result.exit_code == 1
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines() if line.startswith("failed")] == [
        failure.key for failure in first.failures
    ]
    assert len(first.written) == 4
    assert contents(tmp_path / "second") == contents(tmp_path / "first")
    again = anysyn.complete(run, data=data, out=tmp_path / "second")
    assert (len(again.kept), again.written) == (4, ())


def test_another_precision_is_another_image(run, patterns, tmp_path):
    data, out = alone(patterns, tmp_path), tmp_path / "out"
    path = anysyn.complete(run.folder.path, data=data, out=out, accelerator="cpu", precision="bf16-mixed").written[0]
    assert json.loads(path.with_suffix("").with_suffix(".json").read_text())["Precision"] == "bf16-mixed"
    with pytest.raises(UserError, match="another --precision"):
        anysyn.complete(run, data=data, out=out)
    exact = anysyn.complete(run, data=data, out=tmp_path / "exact").written[0]
    one, two = (nib.load(image).get_fdata() for image in (path, exact))
    assert 0 < np.abs(one - two).max() < 0.1 * np.abs(two).max()  # bfloat16 keeps 8 bits of a number


def test_an_unknown_precision_is_refused(run, patterns, tmp_path):
    with pytest.raises(UserError, match=r"--precision .bf16. .*bf16-mixed"):
        anysyn.complete(run.folder.path, data=alone(patterns, tmp_path), out=tmp_path / "out", precision="bf16")
