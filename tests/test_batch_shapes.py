"""A batch whose tables do not belong to its images is refused in a line, and so are a query and an answer beside it."""

from __future__ import annotations

import pytest
import torch

import anysyn


def batch_of(**changes):
    tables = {
        "images": torch.zeros(2, 3, 8, 8),
        "available": torch.ones(2, 3, dtype=torch.bool),
        "dataset": torch.ones(2, 1),
        "spacing": torch.ones(2, 2),
    }
    return anysyn.Batch(**{**tables, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"available": torch.ones(2, 3)}, r"Batch\.available torch\.float32: give bool"),
        ({"available": torch.ones(2, 4, dtype=torch.bool)}, r"Batch\.available \(2, 4\): give \(B, M\)"),
        ({"dataset": torch.ones(2)}, r"Batch\.dataset \(2,\): give \(B, N\)"),
        ({"spacing": torch.ones(2, 3)}, r"Batch\.spacing \(2, 3\): give \(B, 2\) voxel sizes in mm"),
        ({"spacing": torch.ones(2)}, r"Batch\.spacing \(2,\): give \(B, 2\)"),
        ({"images": torch.zeros(2, 4, 8, 8)}, r"Batch\.available \(2, 3\): give .* \(2, 4, 8, 8\)"),
    ],
)
def test_tables_of_another_shape_are_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as raised:
        batch_of(**changes)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", ["OneToOne", "ManyToOne", "ManyToAll", "SynthesisCondition"])
@pytest.mark.parametrize("names", [["T1w", "T2w"], ["T1w", "T2w", "FLAIR", "CT"]])
def test_names_of_another_number_are_one_line(kind, names):
    with pytest.raises(ValueError, match=rf"{kind}\.names .*: {len(names)} of them, and the batch has 3 modalities"):
        getattr(anysyn, kind)(names=names).draw(batch_of(), torch.Generator())


def test_an_answer_of_too_few_channels_is_one_line():
    batch = batch_of()
    query = batch.ask(torch.tensor([[0]] * 2), torch.tensor([[1, 2]] * 2))
    with pytest.raises(ValueError, match=r"prediction \(2, 1, 8, 8\): give \(2, 2, 8, 8\), .* the 2 targets"):
        anysyn.outcome_of(batch, query, torch.zeros(2, 1, 8, 8))
