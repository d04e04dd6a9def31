import json

import pytest

from anysyn.errors import UserError
from anysyn.files import add_to_manifest, contents_of, listing, write_manifest
from anysyn.files.lock import LOCK

HASH = 40 * "a"
GLOBS = [
    *("recipe.yaml", "stage-[[]a].safetensors", "samples/[0-9]*-a-[0-9]*.png"),
    f"cache/contents/{40 * '[0-9a-f]'}",
]


def fill(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_files_are_sorted_by_the_globs_and_each_glob_stays_in_its_folder(tmp_path):
    own = ["recipe.yaml", "stage-[a].safetensors", "samples/1-a-1.png", "samples/12-a-3.png", f"cache/contents/{HASH}"]
    foreign = ["1.png", "cache/contents/a/b", "cache/x", "notes.txt", "samples/a-a-1.png", "sub/recipe.yaml"]
    write_manifest(tmp_path, "anysyn train", GLOBS)
    fill(tmp_path, *own, *foreign, LOCK)
    contents = contents_of(tmp_path)
    assert names(contents.own, tmp_path) == [*own, "manifest.json"]  # in the order of the globs
    assert names(contents.foreign, tmp_path) == foreign


def test_only_the_own_files_go_and_the_folders_that_are_empty_then(tmp_path):
    write_manifest(tmp_path, "anysyn train", GLOBS)
    fill(tmp_path, "recipe.yaml", "samples/1-a-1.png", f"cache/contents/{HASH}", "cache/mine")
    (tmp_path / "empty").mkdir()
    contents_of(tmp_path).delete()
    assert sorted(names(tmp_path.rglob("*"), tmp_path)) == ["cache", "cache/mine", "empty"]


def test_without_a_manifest_everything_is_of_others(tmp_path):
    fill(tmp_path, "recipe.yaml")
    assert names(contents_of(tmp_path).foreign, tmp_path) == ["recipe.yaml"]
    assert not contents_of(tmp_path / "nowhere")


def test_a_link_is_never_followed_and_never_anysyns(tmp_path):
    run, victim = tmp_path / "run", tmp_path / "victim"
    fill(victim, f"contents/{HASH}", "recipe.yaml")
    write_manifest(run, "anysyn train", GLOBS)
    (run / "cache").symlink_to(victim)
    (run / "recipe.yaml").symlink_to(victim / "recipe.yaml")
    contents = contents_of(run)
    assert names(contents.foreign, run) == ["cache", "recipe.yaml"]
    contents.delete()
    assert sorted(names(victim.rglob("*"), victim)) == ["contents", f"contents/{HASH}", "recipe.yaml"]


def test_a_folder_with_a_manifest_of_its_own_says_itself_what_is_its(tmp_path):
    write_manifest(tmp_path, "anysyn train", GLOBS)
    write_manifest(tmp_path / "evaluation", "anysyn evaluate", ["cases.csv"])
    fill(tmp_path, "recipe.yaml", "evaluation/cases.csv", "evaluation/notes.txt")
    contents = contents_of(tmp_path)
    assert names(contents.own, tmp_path) == ["recipe.yaml", "manifest.json"]
    assert names(contents.with_nested(lambda inner: True).foreign, tmp_path) == ["evaluation/notes.txt"]
    assert "evaluation/cases.csv" in names(contents.with_nested(lambda inner: True).own, tmp_path)


def test_what_another_command_wrote_is_foreign_to_it(tmp_path):
    write_manifest(tmp_path, "anysyn simulate", ["sub-01.nii.gz"])
    fill(tmp_path, "sub-01.nii.gz")
    assert len(contents_of(tmp_path, "anysyn simulate").own) == len(contents_of(tmp_path).own) == 2
    contents = contents_of(tmp_path, "anysyn train")
    assert not contents.own
    assert names(contents.foreign, tmp_path) == ["manifest.json", "sub-01.nii.gz"]
    assert "`anysyn simulate`" in contents.origin()


def test_a_nested_folder_belongs_only_if_it_is_said_to(tmp_path):
    for folder, made_by in {".": "anysyn train", "a": "anysyn evaluate", "a/b": "anysyn simulate"}.items():
        write_manifest(tmp_path / folder, made_by, ["x"])
        fill(tmp_path / folder, "x")
    whole = contents_of(tmp_path).with_nested(lambda inner: inner.made_by == "anysyn evaluate")
    assert names(whole.own, tmp_path) == ["x", "manifest.json", "a/x", "a/manifest.json"]
    assert names(whole.foreign, tmp_path) == ["a/b/manifest.json", "a/b/x"]


def forge(folder, *listed):
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"made_by": "anysyn train", "files": ["recipe.yaml", *listed]}))


@pytest.mark.parametrize(
    "listed", ["../victim.txt", "{}", "../*", "sub/../../victim.txt", "sub/..", "./recipe.yaml", ""]
)
def test_a_forged_manifest_reaches_nothing_outside(tmp_path, listed):
    forge(tmp_path / "run", listed.format(tmp_path / "victim.txt"))
    fill(tmp_path, "victim.txt", "run/recipe.yaml", "run/sub/mine.txt")
    with pytest.raises(UserError, match="leads out of its folder"):
        contents_of(tmp_path / "run")


@pytest.mark.parametrize(
    "listed", ["*", "**", "?ine.txt", "[a-z]*", "sub/*", "*/mine.txt", "samples/[0-9]*-*-[0-9]*.png", "[!r]*", "[[]*"]
)
def test_a_forged_manifest_names_files_one_by_one(tmp_path, listed):
    forge(tmp_path / "run", listed)
    fill(tmp_path / "run", "recipe.yaml", "mine.txt", "sub/mine.txt")
    with pytest.raises(UserError, match=r"is no pattern of anysyn's.*, so nothing there is deleted"):
        contents_of(tmp_path / "run")


def test_no_command_writes_a_pattern_that_it_would_not_read(tmp_path):
    with pytest.raises(ValueError, match="is no pattern"):
        write_manifest(tmp_path, "anysyn train", ["samples/*"])
    assert not any(tmp_path.iterdir())


def test_what_a_killed_process_left_of_a_file_is_own_and_of_no_file_is_not(tmp_path):
    write_manifest(tmp_path, "anysyn train", GLOBS)
    fill(tmp_path, ".recipe.yaml.123.part", ".notes.txt.123.part", "samples/.1-a-1.png.9.part")
    contents = contents_of(tmp_path)
    assert names(contents.own, tmp_path)[:2] == [".recipe.yaml.123.part", "samples/.1-a-1.png.9.part"]
    assert names(contents.foreign, tmp_path) == [".notes.txt.123.part"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"files": ["*"]}', '{"made_by": "webpack", "files": ["a"]}', '{"made_by": "anysyn"}']
)
def test_a_manifest_of_another_tool_protects_its_folder(tmp_path, text):
    fill(tmp_path, "a")
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match="no manifest of anysyn's"):
        contents_of(tmp_path)


def test_a_file_is_added_once(tmp_path):
    add_to_manifest(tmp_path, "report.html")
    assert not any(tmp_path.iterdir())  # a folder without a manifest gets none
    write_manifest(tmp_path, "anysyn train", GLOBS)
    for _ in range(2):
        add_to_manifest(tmp_path, "report.html")
        add_to_manifest(tmp_path, "samples/3-a-1.png")
    assert json.loads((tmp_path / "manifest.json").read_text())["files"] == [*GLOBS, "report.html"]


def test_a_message_names_three_files(tmp_path):
    paths = [tmp_path / name for name in "abcde"]
    assert listing(paths, tmp_path) == "a, b, c and 2 more"
