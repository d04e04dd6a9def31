"""The rows of OmniSyn's tables have the networks and the losses that the paper's have."""

import pytest
from paper_tables.cohorts import TRAINING, Subjects
from paper_tables.plan import Options, plan_of
from paper_tables.read_table import read_table, table_files
from paper_tables.sizes import read_size
from paper_tables.store import Store

from anysyn import build
from anysyn.nn.layout import without_memory
from anysyn.recipe.check import check
from anysyn.recipe.read import Source

UNET = {14_826_449, 14_828_753}  # Table 2's, 14.78 million in the paper; one encoder for all sources stacks three
SWIN_UNETR, SWIN_UNETR_V2 = {25_137_931}, {28_663_051}


@pytest.fixture
def recipes(tmp_path):
    """Return a function from a table to its recipes at the papers' sizes, by method."""

    def planned(name, size="paper"):
        table = read_table(table_files()[name])
        subjects = {one: Subjects(tmp_path, one, True) for one in (TRAINING, *table.sets)}
        plan = plan_of(table, Options(read_size(size, table), subjects), Store(tmp_path / "out"))
        rows = {cell.method: cell.run for cell in plan.cells if not cell.question.get("simple")}
        return {method: check(Source(plan.recipes[run]))[0] for method, run in rows.items()}

    return planned


def losses_of(recipe):
    objectives = (step.objective for stage in recipe.stages for step in stage.steps)
    return {loss["name"] for objective in objectives for loss in objective.get("losses", [])}


def size_of_a_pair(recipe):
    with without_memory():
        model = build.parts(recipe, ["synthesizer"], untrained=False)["synthesizer"]
    encoder = getattr(model.encoder, "encoders", {"T1w": model.encoder})["T1w"]
    decoder = getattr(model.decoder, "decoders", {"T2w": model.decoder})["T2w"]
    return sum(weight.numel() for part in (encoder, decoder) for weight in part.parameters())


@pytest.mark.parametrize("size", ["paper", "small"])
def test_table_2_has_an_adversarial_loss_where_its_row_says_so(recipes, size):
    rows = recipes("omnisyn-2", size)
    assert {name for name, recipe in rows.items() if "adversarial" in losses_of(recipe)} == {
        name for name in rows if name.endswith("+GAN")
    }
    assert {stage.name for recipe in rows.values() for stage in recipe.stages} == {"synthesis"}
    shortcuts = [recipe.parts["synthesizer"].get("shortcut") or {} for recipe in rows.values()]
    assert not any(shortcut.get("initial") for shortcut in shortcuts), "no row begins as a copy of its source"


def test_table_3_has_the_networks_of_table_2(recipes):
    for name, recipe in recipes("omnisyn-3").items():
        backbone = name.partition(" ")[0]
        assert size_of_a_pair(recipe) in {"UNet": UNET, "SwinUNETR": SWIN_UNETR}.get(backbone, SWIN_UNETR_V2)


def test_the_baseline_of_table_4_is_the_row_of_table_2_with_the_same_values(recipes):
    tables = [read_table(table_files()[name]).published for name in ("omnisyn-2", "omnisyn-4")]
    second, fourth = tables[0].values, tables[1].values["Internal"]
    place = tables[0].columns["method"].index("SwinUNETRv2")
    for metric, tasks in second.items():
        for task, values in tasks.items():
            assert values[place] == fourth[metric][task][0]
    rows = recipes("omnisyn-4")
    encoders = [rows[name].parts["synthesizer"]["encoder"] for name in ("Baseline", "Neither")]
    assert encoders[0] == recipes("omnisyn-2")["SwinUNETRv2"].parts["synthesizer"]["encoder"]
    assert [encoder["name"] for encoder in encoders] == ["per_modality", "swin_unetr"]
