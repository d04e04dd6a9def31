"""The plan: recipes at a size, keys that change with what they should, datasets, tasks and folds."""

import os
import shutil

import pandas as pd
import pytest
import yaml
from calibrate import read_levels
from paper_tables.cohorts import TRAINING, Subjects, by_dataset, folds_of, renamed, simulated_before, subjects_of
from paper_tables.model_recipe import matching
from paper_tables.plan import Options, plan_of
from paper_tables.read_table import read_table, table_files
from paper_tables.results import Results
from paper_tables.sizes import read_size
from paper_tables.store import Store, data_key, key_of
from paper_tables.write_table import notes_of
from toys import TINY, write_cohort

from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.simulation import simulate

TABLE = """
title: Small
about: Two methods
metrics: [psnr]
down: [set, task]
across: [method]
modalities: [T1w, T2w, FLAIR]
sets:
  one: {where: {dataset: a}, tasks: [T1w:T2w]}
  two: {where: {dataset: b}, tasks: [T1w:T2w, T2w:FLAIR]}
methods:
  - {name: Ours, recipe: ours.yaml}
  - {name: Theirs, recipe: null}
"""


@pytest.fixture
def table(tmp_path):
    def write(text=TABLE, recipe=TINY):
        (tmp_path / "ours.yaml").write_text(recipe)
        (tmp_path / "table.yaml").write_text(text)
        return read_table(tmp_path / "table.yaml")

    return write


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    root = tmp_path_factory.mktemp("cohorts")
    for name in ("a", "b"):
        write_cohort(root / name, subjects=3, shape=(12, 14, 12), seed=ord(name))
    return root


@pytest.fixture
def planned(cohort, tmp_path):
    def plan(table, **asked):
        subjects = {TRAINING: Subjects(cohort, "key", False)}
        how = {"size": read_size("tiny"), "subjects": subjects, **asked}
        return plan_of(table, Options(**how), Store(tmp_path / "out"))

    return plan


def runs(plan):
    return [cell.run for cell in plan.cells]


def test_sets_share_a_model_and_each_dataset_gets_one(table, planned):
    assert len(set(runs(planned(table())))) == 1
    apart = planned(table(TABLE.replace("ours.yaml}", "ours.yaml, each: dataset}")))
    assert len(set(runs(apart))) == 2
    assert [tree["data"]["datasets"] for tree in apart.recipes.values()] == [["a"], ["b"]]


def test_each_task_gets_a_model_that_is_told_of_it(table, planned):
    told = "['stages.*.queries.sources={sources}', 'stages.*.queries.targets=[{target}]']"
    plan = planned(table(TABLE.replace("ours.yaml}", f"ours.yaml, each: task, overrides: {told}}}")))
    asked = [(q["sources"], q["targets"]) for q in (tree["stages"][0]["queries"] for tree in plan.recipes.values())]
    assert asked == [(["T1w"], ["T2w"]), (["T2w"], ["FLAIR"])]
    assert len(plan.cells) == 3


def test_words_for_a_purpose_need_that_purpose(table, planned):
    plan = planned(table(TABLE.replace("ours.yaml}", "ours.yaml, overrides: ['seed={target}']}")))
    assert "{target} needs each: dataset or each: task" in plan.mistakes["Ours"]


@pytest.mark.parametrize("path", table_files().values(), ids=table_files())
def test_every_recipe_of_every_table_is_right(path, planned, tmp_path):
    whole = read_table(path)
    subjects = {name: Subjects(tmp_path, name, True) for name in (TRAINING, *whole.sets)}
    for size in ("tiny", "paper"):
        plan = planned(whole, size=read_size(size, whole), subjects=subjects)
        assert plan.mistakes == {}
        measured = {(cell.method, cell.set) for cell in plan.cells}
        assert measured == {(one.name, name) for one in whole.methods for name in whole.sets} - {
            (name, one) for name in plan.absent for one in whole.sets
        }
    assert not plan.additions, "at the papers' sizes no row has more than its paper"


@pytest.mark.parametrize("path", table_files().values(), ids=table_files())
def test_a_network_of_datasets_is_told_for_what_to_take_another_cohort(path, planned, tmp_path):
    whole = read_table(path)
    subjects = {name: Subjects(tmp_path, name, True) for name in (TRAINING, *whole.sets)}
    plan = planned(whole, size=read_size("tiny", whole), subjects=subjects)
    method = {one.name: one for one in whole.methods}
    for cell in (cell for cell in plan.cells if whole.sets[cell.set].cohort is not None):
        known = {"name: dataset", "name: modality_of_dataset"} & set(_lines(plan.recipes[cell.run]))
        assert not known or method[cell.method].dataset or method[cell.method].each == "dataset", cell


def _lines(tree):
    return [line.strip(" -,{}[]") for line in yaml.safe_dump(tree["parts"], default_flow_style=False).splitlines()]


def test_what_some_rows_have_beyond_their_papers_stands_at_the_foot(planned, tmp_path):
    whole = read_table(table_files()["unisyn-1"])
    subjects = {name: Subjects(tmp_path, name, True) for name in (TRAINING, *whole.sets)}
    plan = planned(whole, size=read_size("small", whole), subjects=subjects)
    assert plan.additions == {"shortcut gain": ["TUMSyn"]}
    line = "Beyond the paper's recipe, in these rows alone: shortcut gain (TUMSyn)."
    assert line in notes_of(Results(plan, pd.DataFrame()))


def test_seeds_limits_and_data_reach_the_recipe(table, planned, cohort):
    plan = planned(table(), seeds=[0, 1])
    first, second = plan.recipes.values()
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["stages"][0]["epochs"] == 2  # 9 in the recipe, 2 at tiny
    assert first["stages"][0]["batches"]["size"] == 4  # which is less than the limit
    assert first["data"]["root"] == str(cohort)


def test_images_of_the_user_are_resampled_to_what_the_size_says_and_simulated_ones_are_not(table, planned, cohort):
    def steps(spacing, given=True):
        size = read_size("tiny").model_copy(update={"spacing": spacing})
        plan = planned(table(), size=size, subjects={TRAINING: Subjects(cohort, "key", not given, given)})
        (tree, *_), prepare = plan.recipes.values(), "prepare"
        return [step["spacing"] for step in tree["data"][prepare] if step["name"] == "resample"]

    assert read_size("tiny").spacing == 5
    assert steps(3.0) == [[3.0, 3.0, 3.0]]
    assert steps(3.0, given=False) == steps(None) == []


def test_a_simulated_cohort_of_the_user_is_not_taken_for_patients(tmp_path, cohort):
    simulate(tmp_path / "simulated", subjects=1, centres=1, spacing=8, seed=0)
    assert simulated_before(tmp_path / "simulated")
    assert not simulated_before(cohort)
    (tmp_path / "dataset_description.json").write_text('{"GeneratedBy": "somebody"}')
    assert not simulated_before(tmp_path)


@pytest.mark.parametrize(
    ("change", "trains", "measures"),
    [
        (lambda how: how, False, False),
        (lambda how: how | {"protocol": "slices"}, False, True),
        (lambda how: how | {"recipe": TINY.replace("5.0e-3", "4.0e-3")}, True, True),
        (lambda how: how | {"recipe": TINY.replace("name: tiny", "name: other")}, False, False),
        (lambda how: how | {"data": "other"}, True, True),
    ],
    ids=["nothing", "protocol", "recipe", "name", "data"],
)
def test_what_changes_is_computed_anew_and_nothing_else(table, planned, cohort, change, trains, measures):
    before = planned(table())
    how = change({"recipe": TINY, "data": "key", "protocol": None})
    subjects = {TRAINING: Subjects(cohort, how["data"], False)}
    after = planned(table(recipe=how["recipe"]), subjects=subjects, protocol=how["protocol"])
    assert (runs(before) != runs(after)) is trains
    assert ([cell.key for cell in before.cells] != [cell.key for cell in after.cells]) is measures


def test_a_method_without_a_recipe_or_with_mistakes_costs_itself_alone(table, planned):
    text = TABLE + "  - {name: Broken, recipe: ours.yaml, overrides: [parts.synthesizer.encoder.widths=wide]}\n"
    plan = planned(table(text))
    assert plan.absent == {"Theirs": ""}
    assert "widths" in plan.mistakes["Broken"]
    assert {cell.method for cell in plan.cells} == {"Ours"}


def test_simple_baselines_are_carried_by_a_network_that_is_not_trained(table, planned):
    plan = planned(table(TABLE + "  - {name: Copy, simple: source copied}\n"))
    carried = plan.recipes[next(cell.run for cell in plan.cells if cell.method == "Copy")]
    assert [stage["epochs"] for stage in carried["stages"]] == [0]
    own = yaml.safe_load(TINY)["data"]["prepare"]
    kept = [step["name"] for step in carried["data"]["prepare"] if step["name"] != "resample"]
    assert kept == [step["name"] for step in own]


def test_folds_test_everybody_once_and_train_on_the_others(table, cohort, planned):
    folds = folds_of(table(), Subjects(cohort, "key", False), "leave-one-out")
    everybody = {f"{name}/sub-0{n}" for name in "ab" for n in range(3)}
    assert [key for fold in folds for key in fold.test] == sorted(everybody)
    assert all({*fold.train, *fold.test} == everybody for fold in folds)
    plan = planned(table(), folds=folds[:2])
    splits = [tree["data"]["split"] for tree in plan.recipes.values()]
    assert [split["test"] for split in splits] == [["a/sub-00"], ["a/sub-01"]]
    assert all(split["validation"] == [] and len(split["train"]) == 5 for split in splits)


def test_folds_may_be_of_those_who_have_everything(table, cohort, tmp_path):
    shutil.copytree(cohort, tmp_path / "some")
    (tmp_path / "some" / "a" / "sub-01" / "FLAIR.nii.gz").unlink()
    subjects = Subjects(tmp_path / "some", "key", False)
    assert len(folds_of(table(), subjects, "leave-one-out")) == 6
    whole = folds_of(table(), subjects, "leave-one-out", complete=True)
    assert [fold.test for fold in whole if "a/sub-01" in (*fold.test, *fold.train)] == []
    assert len(whole) == 5


@pytest.mark.parametrize("word", ["1", "7", "many"])
def test_folds_that_make_no_sense_are_refused(table, cohort, word):
    with pytest.raises(UserError, match="leave-one-out, or a number from 2 to 6"):
        folds_of(table(), Subjects(cohort, "key", False), word)


def test_datasets_of_the_user_become_the_sets(table, cohort):
    other = table(TABLE.replace("dataset: a", "dataset: x").replace("dataset: b", "dataset: y"))
    sets = by_dataset(other, Subjects(cohort, "key", False)).sets
    assert {name: [task.name for task in own.tasks] for name, own in sets.items()} == {
        "a": ["T1w:T2w", "T2w:FLAIR"],
        "b": ["T1w:T2w", "T2w:FLAIR"],
    }
    assert by_dataset(table(), Subjects(cohort, "key", False)) == table()


def test_datasets_are_renamed(table):
    sets = renamed(table(), {"one": "mine", "b": "theirs"}).sets
    assert [own.where["dataset"] for own in sets.values()] == ["mine", "theirs"]
    with pytest.raises(UserError, match="did you mean 'one'"):
        renamed(table(), {"onne": "mine"})


def test_data_for_a_set_that_is_not_there_are_refused(table, cohort, tmp_path):
    for given, words in [({"external": cohort}, "external"), ({TRAINING: tmp_path / "none"}, "no such file or folder")]:
        with pytest.raises(UserError, match=words):
            subjects_of(table(), read_size("tiny"), given, Store(tmp_path), Progress())


def test_the_key_of_data_follows_what_files_hold(cohort, tmp_path):
    first, second = tmp_path / "a" / "x", tmp_path / "b" / "x"
    for copy in (first, second):
        shutil.copytree(cohort / "a", copy)
    os.utime(next(second.rglob("*.nii.gz")), (0, 0))
    assert data_key(first) == data_key(second)
    image = next(second.rglob("T1w.nii.gz"))
    shutil.copy(cohort / "b" / "sub-02" / "T1w.nii.gz", image)
    assert data_key(first) != data_key(second)


def test_the_key_of_a_listing_follows_the_files_that_it_lists(table, cohort, tmp_path):
    shutil.copytree(cohort / "a", tmp_path / "a")
    listing = tmp_path / "list.csv"
    listing.write_text("subject,T1w,T2w\none,a/sub-00/T1w.nii.gz,a/sub-00/T2w.nii.gz\n")

    def key():
        return subjects_of(table(), read_size("tiny"), {TRAINING: listing}, Store(tmp_path), Progress())[TRAINING].key

    before = key()
    shutil.copy(cohort / "b" / "sub-02" / "T1w.nii.gz", tmp_path / "a" / "sub-01" / "T1w.nii.gz")
    assert key() == before
    shutil.copy(cohort / "b" / "sub-02" / "T1w.nii.gz", tmp_path / "a" / "sub-00" / "T1w.nii.gz")
    assert key() != before


def test_keys_follow_every_part():
    assert len({key_of(), key_of(1), key_of("1"), key_of({"a": None}), key_of([1])}) == 5


def test_paths_with_stars_match_keys_and_items():
    tree = {"parts": {"a": {"width": 1}, "b": {"of": {"width": 2}}}, "stages": [{"epochs": 1}]}
    assert matching(tree, "parts.*.width") == ["parts.a.width"]
    assert matching(tree, "stages.*.epochs") == ["stages.0.epochs"]
    assert matching(tree, "stages.1.epochs") == []


def test_levels_are_read_from_the_highest_psnr_down(tmp_path):
    path = tmp_path / "levels.csv"
    path.write_text("corruption,level,wanted\ngaussian,0.2,14\ngaussian,0.04,28\ngaussian,0.1,20\n")
    assert read_levels(path) == {"gaussian": {"minor": 0.04, "moderate": 0.1, "severe": 0.2}}
    path.write_text("corruption,level,wanted\ngaussian,0.2,14\n")
    with pytest.raises(UserError, match="1 levels, not one each"):
        read_levels(path)
