"""The three loaders give batches of the same shape and scale from the same files."""

import pytest
import speed
from side_by_side.loading import FORMS, seconds_of
from side_by_side.made_volumes import write_subjects
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_subjects(tmp_path_factory.mktemp("loading") / "subjects", 4, 16)


@pytest.mark.parametrize(("roi", "shape"), [((16, 16, 1), (16, 16)), ((8, 8, 8), (8, 8, 8))])
@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_every_form(folder, form, roi, shape):
    loader = FORMS[form](folder, roi, 2, "cpu")
    batch = next(loader)
    assert tuple(batch.squeeze(-1).shape) == (2, 2, *shape)
    assert 0 <= batch.min() <= batch.max() < 3
    assert seconds_of(loader, 2) > 0
    assert (batch != next(loader)).any()  # drawn anew


def test_the_command_compares_them():
    words = ["loading", "--subjects", "3", "--side", "16", "--patch", "8", "--size", "2", "--batches", "1"]
    shown = CliRunner().invoke(speed.app, [*words, "--rounds", "1"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("times ours") == 6
