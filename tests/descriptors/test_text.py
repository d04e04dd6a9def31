"""Tokens of prompts: which prompt, computed once while frozen, learning when asked, never saved twice."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from toys import PROMPTED, batch_of, clip, query_of, volume_clip

from anysyn.acquisition import Acquisition
from anysyn.clip import Clip
from anysyn.descriptors import TextPrompt
from anysyn.errors import UserError
from anysyn.types import Query

LONG = Acquisition(modality="T1w", repetition_time_ms=2300.0, echo_time_ms=2.98)
SHORT = Acquisition(modality="T1w", repetition_time_ms=500.0, echo_time_ms=14.0)


def asked(*records, samples=2):
    targets = torch.zeros(samples, len(records) // samples, dtype=torch.int64)
    rows = tuple(zip(*[iter(records)] * targets.shape[1], strict=True))
    return Query(torch.tensor([[2]] * samples), targets, (), rows)


@pytest.fixture
def counted(monkeypatch):
    made, read = volume_clip().requires_grad_(False), []
    monkeypatch.setattr(made, "encode_text", lambda texts: (read.append(list(texts)), Clip.encode_text(made, texts))[1])
    text = TextPrompt(names=PROMPTED, clip=made)
    read.clear()
    return text, made, read


@pytest.mark.parametrize("make", [clip, volume_clip])
def test_tokens_are_the_embeddings_of_the_prompts(make):
    made = make().requires_grad_(False)
    found = TextPrompt(names=PROMPTED, clip=made)(batch_of((4, 4)), asked(LONG, SHORT))
    want = made.encode_text([record.to_prompt() for record in (LONG, SHORT)])
    torch.testing.assert_close(found.target, want.unsqueeze(1))
    alone = made.encode_text([Acquisition(modality="T2w").to_prompt()])
    torch.testing.assert_close(found.source, alone.expand(2, 1, -1))


def test_a_record_is_stated_with_the_modality_that_is_asked_for(counted):
    text, made, _ = counted
    found = text(batch_of((4, 4)), replace(asked(LONG, None), targets=torch.tensor([[3], [3]])))
    want = [replace(record or Acquisition(), modality="FLAIR").to_prompt() for record in (LONG, None)]
    torch.testing.assert_close(found.target.squeeze(1), Clip.encode_text(made, want))


def test_a_prompt_is_read_once_while_the_tower_is_frozen(counted):
    text, _, read = counted
    for _ in range(3):
        text(batch_of((4, 4)), asked(LONG, SHORT, SHORT, LONG))
    assert sorted(text for some in read for text in some) == sorted(
        [LONG.to_prompt(), SHORT.to_prompt(), Acquisition(modality="T2w").to_prompt()]
    )


def test_new_weights_mean_new_tokens(counted):
    text, made, _ = counted
    batch, query = batch_of((4, 4)), asked(LONG, SHORT)
    before = text(batch, query).target
    made.load_state_dict({name: value * 1.1 for name, value in made.state_dict().items()})
    after = text(batch, query).target
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after.squeeze(1), Clip.encode_text(made, [LONG.to_prompt(), SHORT.to_prompt()]))


def test_gradients_flow_when_the_tower_learns():
    made = volume_clip()
    TextPrompt(names=PROMPTED, clip=made)(batch_of((4, 4)), asked(LONG, SHORT)).target.square().sum().backward()
    assert made.towers.text_tower.text_projection.weight.grad.any()


def test_tokens_are_whole_numbers_of_float32_under_autocast_and_after_inference(counted):
    text, made, _ = counted
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        kept = text(batch_of((4, 4)), asked(LONG, SHORT)).target
    assert kept.dtype == torch.float32
    again = text(batch_of((4, 4)), asked(LONG, SHORT)).target
    torch.testing.assert_close(again.squeeze(1), Clip.encode_text(made, [LONG.to_prompt(), SHORT.to_prompt()]))
    (again * torch.ones(1, requires_grad=True)).sum().backward()


def test_the_model_is_neither_saved_nor_trained_with_the_descriptor():
    made = volume_clip()
    text = TextPrompt(names=PROMPTED, clip=made)
    assert not list(text.parameters())
    assert not text.state_dict()
    parts = nn.ModuleDict({"clip": made, "reader": text})
    assert all(name.startswith("clip.") for name in parts.state_dict())
    assert copy.deepcopy(parts)["reader"].clip is not made, "an average of the weights reads its own copy"


def test_a_text_tower_that_cannot_hold_a_modality_alone_is_refused():
    with pytest.raises(UserError, match="has 62 tokens and the text tower takes 60"):
        TextPrompt(names=PROMPTED, clip=clip(tokens=60))


def test_a_layout_without_memory_has_the_shapes():
    with torch.device("meta"):
        text = TextPrompt(names=PROMPTED, clip=volume_clip())
        found = text(
            batch_of((4, 4)), Query(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 1, dtype=torch.int64))
        )
    assert [tuple(tokens.shape) for tokens in found] == [(2, 3, 8), (2, 1, 8)]


def test_what_was_never_recorded_is_the_modality_alone(counted):
    text, made, _ = counted
    found = text(batch_of((4, 4)), query_of((1, 3)))
    want = Clip.encode_text(made, [Acquisition(modality=name).to_prompt() for name in ("T1c", "FLAIR")])
    torch.testing.assert_close(found.target, want.expand(2, 2, -1))
