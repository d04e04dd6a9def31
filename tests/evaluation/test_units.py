"""Errors in HU, SUV and SUVR, and copies between units."""

import numpy as np
import pandas as pd
import pytest
import torch

from anysyn.data.prepare import Pipeline, Rescale
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.evaluation.baselines.voxelwise import SourceCopy, Voxels
from anysyn.evaluation.metrics.measure import IN_UNIT, error_in_unit
from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.pairs import Pair
from anysyn.evaluation.tables.cases_table import case_row, margins, summarise
from anysyn.evaluation.tables.markdown_latex import to_markdown

DRAW = torch.Generator().manual_seed(0)
TISSUE = torch.rand(6, 6, 6, generator=DRAW)


def volume(inside, outside):
    image = torch.full((10, 10, 10), outside)
    image[2:8, 2:8, 2:8] = inside
    return Volume(image, np.eye(4))


@pytest.mark.parametrize("window", [(-1024.0, 3071.0), (0.0, 80.0), (0.0, 80.0, 0.02)])
def test_an_error_of_three_hu_is_three_hu_through_any_window(window):
    truth = volume(10 + 100 * TISSUE, -1000.0)
    wrong = Volume(truth.voxels + torch.where(truth.voxels > -500, 3.0, 0.0), truth.affine)
    step = Rescale(windows={"CT": window})
    ready, found = (step.forward(study_of({"CT": one}))[0] for one in (truth, wrong))
    images = (study.images["CT"] for study in (found, ready))
    values = error_in_unit(*images, ready.foreground, "CT", ready.windows["CT"])
    assert values["mae_hu"] == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize(("name", "metric"), [("FDG-PET", "mae_suv"), ("AV45-PET", "mae_suvr")])
def test_pet_has_a_unit_of_its_own(name, metric):
    ready = study_of({name: volume(1 + TISSUE, 0.0)})
    ready, _ = Pipeline((Rescale(),))(ready)
    found = error_in_unit(ready.images[name] * 1.1, ready.images[name], ready.foreground, name, ready.windows[name])
    inside = 1 + TISSUE
    assert found[metric] == pytest.approx(0.1 * float(inside.mean()), rel=1e-4)


@pytest.mark.parametrize(("unit", "of", "digits"), [("HU", "CT", 2), ("SUV", "PET", 3), ("SUVR", "PET", 3)])
def test_each_unit_is_a_metric(unit, of, digits):
    held = metric(IN_UNIT[unit])
    assert (held.name, held.label, held.digits) == (f"mae_{unit.lower()}", f"MAE ({unit})", digits)
    assert held.__doc__.startswith(f"Mean absolute error of {of} inside the mask, in {unit}, ")
    assert not held.higher_is_better


def test_a_table_says_the_unit_and_leaves_other_targets_out():
    about = ("a", "x", "model", ["T1w"])
    rows = [
        case_row(*about, "T2w", ("anysyn", "ab"), {"psnr": 30.0}),
        case_row(*about, "CT", ("anysyn", "ab"), {"psnr": 25.0, "mae_hu": 4.0}),
    ]
    cases = pd.DataFrame([*rows, *({**row, "method": "source copied", "psnr": 20.0} for row in rows)])
    table = summarise(cases).set_index(["pair", "method"])
    assert table.loc[("T1w:CT", "model"), "mae_hu"] == table.loc[("all pairs", "model"), "mae_hu"] == 4.0
    assert np.isnan(table.loc[("T1w:T2w", "model"), "mae_hu"])
    lines = to_markdown(summarise(cases), margins(cases)).splitlines()
    assert "MAE (HU) ↓" in lines[0]
    assert lines[2].endswith("| - |")


def test_a_t1w_copied_as_ct_goes_through_the_windows_and_air_is_air():
    both = study_of({"T1w": volume(900 * TISSUE + 50, 0.0), "CT": volume(80 * TISSUE, -1000.0)})
    ready, _ = Pipeline((Rescale(windows={"CT": (0, 80, 0.02)}),))(both)
    copy = SourceCopy(Pair(("T1w",), "CT"), Voxels(np.zeros((1, 2), dtype=np.float32), ("T1w", "CT"))).predict(ready)
    inside = ready.foreground
    assert torch.equal(copy[inside], ready.images["T1w"][inside])
    assert float(copy[0, 0, 0]) == pytest.approx(ready.air("CT"))
