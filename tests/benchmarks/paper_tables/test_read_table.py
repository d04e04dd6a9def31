"""The tables are read and checked; those that come with the benchmarks hold together, the papers' values included."""

from pathlib import Path

import pytest
from paper_tables.published import Value, published
from paper_tables.read_table import find_tables, read_table, table_files
from paper_tables.results import heading
from paper_tables.sizes import overrides_of, read_size, recipe_of
from paper_tables.table import MEAN

from anysyn.errors import UserError
from anysyn.evaluation.metrics.measure import IN_UNIT
from anysyn.evaluation.metrics.protocol import protocol

TABLES = table_files()
OF_ANY = {"seconds", *IN_UNIT.values()}  # metrics that every protocol has, or every one of images in a unit
NAMED = """
    omnisyn-1 omnisyn-2 omnisyn-3 omnisyn-4 omnisyn-5-similarity omnisyn-5-accuracy omnisyn-6 omnisyn-7
    tumsyn-2 tumsyn-fig-3 unisyn-1 unisyn-2 pmm-1 pmm-2 pmm-fig-2c pmm-fig-2d
"""
SMALL = """
title: Small
about: Two methods
protocol: anysyn
metrics: [psnr]
down: [task]
across: [method]
tasks: [T1w:T2w]
methods:
  - {name: Ours, recipe: label}
  - {name: Theirs, recipe: null}
published:
  lines: [task]
  columns: {method: [Theirs]}
  values: {T1w:T2w: [27.17 ± 2.03]}
"""


def written(folder, text=SMALL, name="small"):
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def test_every_table_of_the_papers_is_there():
    assert set(NAMED.split()) <= TABLES.keys()


@pytest.mark.parametrize("path", TABLES.values(), ids=TABLES)
def test_tables_hold_together(path):
    table = read_table(path)
    for metric in table.metrics:
        assert heading(metric).label
        assert table.measure != "pairs" or metric in {*protocol(table.protocol).metrics, *OF_ANY}
    for size in ("tiny", "small", "paper"):
        for method in table.methods:
            assert isinstance(overrides_of(method, read_size(size, table)), list)
    for place in published(table):
        means = [MEAN] if "task" in table.mean else []
        assert place[1] in {*means, *(task.name for task in table.tasks_of(place[0]))}


@pytest.mark.parametrize("path", TABLES.values(), ids=TABLES)
def test_recipes_are_there_at_every_size_or_are_said_not_to_be(path):
    table = read_table(path)
    for method in table.methods:
        there = {recipe_of(method, table, read_size(size)) is not None for size in ("small", "paper")}
        assert there == {method.recipe is not None}, method.name


@pytest.mark.parametrize(
    ("table", "place", "value"),
    [
        ("omnisyn-1", ("External 2", "T2w:T1c", "psnr", "DDPM"), Value(25.80)),
        ("omnisyn-2", ("", "T1c:T1w", "ssim", "UNet+GAN"), Value(0.5349)),
        ("omnisyn-3", ("", "T2w:T1c", "psnr", "SwinUNETRv2 (1E1D1Cond)"), Value(20.00)),
        ("omnisyn-4", ("External 1", "T1c:T2w", "mse", "Strategy 2"), Value(0.0189)),
        ("omnisyn-6", ("Internal", "Rician noise, severe", "ssim", "OmniSyn"), Value(0.4296)),
        ("tumsyn-2", ("Ren Ji", "FLAIR:T1w", "psnr", "One-hot"), Value(23.42, 0.50)),
        ("unisyn-1", ("HS", "T1w:AV45-PET", "ssim", "BME-X"), Value(0.871, 0.037)),
        ("unisyn-2", ("", "CT:T1w", "psnr", "UniSyn"), Value(26.54, 2.19)),
        ("pmm-1", ("BraTS", "T2w:FLAIR", "psnr", "FTN"), Value(26.93, 1.31)),
        ("pmm-2", ("ISLES", "FLAIR+ADC:DWI", "ssim", "PMM-Synth"), Value(0.953, 0.014)),
    ],
)
def test_the_papers_values_stand_in_their_places(table, place, value):
    assert published(read_table(TABLES[table]))[place] == value


def test_a_table_adds_methods_to_its_base(tmp_path):
    text = "base: omnisyn-2\nmethods: [{name: Mine, recipe: own.yaml}]\n"
    mine = read_table(written(tmp_path, text, "mine"))
    base = read_table(TABLES["omnisyn-2"])
    assert [method.name for method in mine.methods] == [*(method.name for method in base.methods), "Mine"]
    assert mine.published == base.published
    assert recipe_of(mine.methods[-1], mine, read_size("small")) is None
    (tmp_path / "own.yaml").touch()
    assert recipe_of(mine.methods[-1], mine, read_size("small")) == tmp_path / "own.yaml"


def test_a_method_of_the_same_name_changes_that_of_the_base(tmp_path):
    text = "base: omnisyn-2\nmethods: [{name: UNet, overrides: {small: [seed=3]}}]\n"
    mine, base = read_table(written(tmp_path, text, "mine")), read_table(TABLES["omnisyn-2"])
    assert [method.name for method in mine.methods] == [method.name for method in base.methods]
    [changed] = [method for method in mine.methods if method not in base.methods]
    assert (changed.name, changed.recipe, changed.overrides["small"]) == ("UNet", "baselines/unet", ["seed=3"])


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        ("[{name: UNet, recipe: a.yaml}, {name: UNet, recipe: b.yaml}]", "methods: two have the name 'UNet'"),
        ("[UNet]", "methods: a list of mappings, each with a name"),
        ("[{recipe: a.yaml}]", "methods: a list of mappings, each with a name"),
    ],
)
def test_methods_that_change_a_base_are_told_apart(tmp_path, methods, told):
    with pytest.raises(UserError, match=told):
        read_table(written(tmp_path, f"base: omnisyn-2\nmethods: {methods}\n", "mine"))


def test_a_base_keeps_the_recipes_beside_it(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "own.yaml").touch()
    written(folder, SMALL.replace("recipe: label", "recipe: own.yaml"))
    path = written(tmp_path, "base: theirs/small\n", "mine")
    table = read_table(path)
    assert recipe_of(table.methods[0], table, read_size("small")) == folder / "own.yaml"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("metrics: [psnr]", "metricks: [psnr]", "metricks"),
        ("across: [method]", "across: []", "several values of method"),
        ("name: Theirs", "name: Ours", "two have the name 'Ours'"),
        ("tasks: [T1w:T2w]", "tasks: []", "no tasks"),
        ("[27.17 ± 2.03]", "[27.17 ± 2.03, 1]", "2 values, not 1"),
        ("27.17 ± 2.03", "many", "'many' is no number"),
        ("values: {T1w:T2w", "values: {T1w:CT", "T1w:CT / psnr / Theirs is no cell"),
        ("recipe: label}", "recipe: label, each: dataset}", "each: dataset needs"),
        ("recipe: label}", "simple: source copied, dataset: mean}", "dataset is for a recipe"),
        ("title: Small", "title: [", "not readable as YAML"),
        ("title: Small", "base: small\ntitle: Small", "inherit in a circle"),
    ],
)
def test_mistakes_are_told(tmp_path, old, new, words):
    assert old in SMALL
    with pytest.raises(UserError, match=words):
        read_table(written(tmp_path, SMALL.replace(old, new)))


def test_tables_are_found_by_name_by_beginning_and_as_files(tmp_path):
    path = written(tmp_path)
    assert find_tables(["pmm-1", str(path)]) == [TABLES["pmm-1"], path]
    assert {found.stem for found in find_tables(["pmm-fig"])} == {"pmm-fig-2c", "pmm-fig-2d"}
    assert len(find_tables(["all", "pmm-1"])) == len(TABLES)
    with pytest.raises(UserError, match="did you mean 'omnisyn-2'"):
        find_tables(["omnisyn2"])


def test_overrides_of_a_size_count_for_the_sizes_that_change_it():
    table = read_table(TABLES["omnisyn-3"])
    unet = table.methods[0]
    assert overrides_of(unet, read_size("tiny")) == overrides_of(unet, read_size("small"))
    assert overrides_of(unet, read_size("paper")) != overrides_of(unet, read_size("small"))


def test_a_table_changes_a_size(tmp_path):
    table = read_table(written(tmp_path, SMALL + "sizes: {tiny: {segmenter: 3}}\n"))
    assert read_size("tiny", table).segmenter == 3
    assert read_size("small", table).segmenter > 3


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ("{huge: {}}", "sizes.huge"),
        ("{tiny: {names: x}}", "sizes.tiny.names"),
        ("{tiny: {segmenter: 0}}", "sizes.tiny.segmenter"),
        ("{tiny: {examples: -1}}", "sizes.tiny.examples"),
        ("{tiny: {spacing: -1}}", "sizes.tiny.spacing"),
        ("{tiny: {cohort: {subjects: 0, spacing: 4}}}", "sizes.tiny.cohort.subjects"),
        ("{tiny: {cohort: 5}}", "sizes.tiny.cohort"),
        ("{tiny: {recipe: ../../x}}", "sizes.tiny.recipe"),
        ("{tiny: {recipe: '../{}'}}", "sizes.tiny.recipe"),
        ("{tiny: {limit: {widths: x}}}", "sizes.tiny.limit"),
        ("{small: 5}", "sizes.small"),
        ("x", "sizes"),
    ],
)
def test_a_bad_size_is_one_line_with_its_place(tmp_path, changes, place):
    with pytest.raises(UserError) as caught:
        read_size("tiny", read_table(written(tmp_path, f"{SMALL}sizes: {changes}\n")))
    assert place in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_listing_needs_no_torch():
    import subprocess
    import sys

    code = "import sys, run; print(run.listed('small')); print('torch' in sys.modules)"
    folder = str(Path(table_files.__code__.co_filename).parents[1])
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)
    assert found.stdout.splitlines()[-1] == "False"
