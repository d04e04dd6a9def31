"""Images and their prompts: what is paired, what is left out, what learns."""

from dataclasses import replace

import pytest
import torch
from toys import PROMPTED, batch_of, clip, volume_clip

from anysyn.acquisition import Acquisition
from anysyn.losses.contrastive import symmetric_cross_entropy
from anysyn.objectives import ClipPairs

RECORDS = tuple(
    tuple(Acquisition(modality=name, echo_time_ms=float(10 * n + m)) for m, name in enumerate(PROMPTED))
    for n in range(4)
)


def batch(shape=(8, 8, 8), samples=4):
    return replace(batch_of(shape, samples), acquisitions=RECORDS[:samples])


def shown(given, *modalities):
    which = torch.tensor(modalities).reshape(len(given.images), -1)
    return given.ask(which, which)


def test_an_image_is_paired_with_its_own_prompt():
    model, given = volume_clip(), batch()
    query = shown(given, 0, 2, 1, 1)
    [found] = ClipPairs(names=PROMPTED, clip=model)(given, query).values()
    images = torch.stack([given.images[n, m] for n, m in enumerate((0, 2, 1, 1))]).unsqueeze(1)
    texts = model.encode_text([RECORDS[n][m].to_prompt() for n, m in enumerate((0, 2, 1, 1))])
    want = symmetric_cross_entropy(model.encode_image(images), texts, torch.arange(4), model.scale())
    torch.testing.assert_close(found, want)


def test_images_that_are_absent_are_never_read_and_do_not_count():
    model, given = volume_clip(), batch()
    there = torch.ones(4, 4, dtype=torch.bool)
    there[1, 2] = False
    images = given.images.clone()
    images[~there] = float("nan")
    objective = ClipPairs(names=PROMPTED, clip=model)
    [found] = objective(replace(given, images=images, available=there), shown(given, 0, 2, 1, 1)).values()
    fewer = without(given, 1)
    [want] = objective(fewer, shown(fewer, 0, 1, 1)).values()
    torch.testing.assert_close(found, want)


def without(given, row):
    kept = [n for n in range(len(given.images)) if n != row]
    return replace(
        given,
        images=given.images[kept],
        available=given.available[kept],
        dataset=given.dataset[kept],
        spacing=given.spacing[kept],
        acquisitions=tuple(given.acquisitions[n] for n in kept),
    )


def test_nothing_there_is_a_zero_that_can_be_minimised():
    given = replace(batch(), available=torch.zeros(4, 4, dtype=torch.bool))
    [found] = ClipPairs(names=PROMPTED, clip=volume_clip())(given, shown(given, 0, 1, 2, 3)).values()
    found.backward()
    assert found.item() == 0


def test_both_towers_and_the_temperature_learn():
    model, given = volume_clip(), batch()
    [found] = ClipPairs(names=PROMPTED, clip=model)(given, shown(given, 0, 1, 2, 3)).values()
    found.backward()
    without = {name for name, weight in model.named_parameters() if weight.grad is None}
    assert all("norm_cross_attn" in name for name in without)  # MONAI keeps one in every block that nothing uses
    assert model.towers.logit_scale.grad != 0


def test_the_pairs_are_learned():
    model, given = volume_clip(), batch()
    query, objective = shown(given, 0, 1, 2, 3), ClipPairs(names=PROMPTED, clip=model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        [term] = objective(given, query).values()
        term.backward()
        optimizer.step()
    said = model.encode_text([RECORDS[n][n].to_prompt() for n in range(4)])
    seen = model.encode_image(torch.stack([given.images[n, n] for n in range(4)]).unsqueeze(1))
    cosine = torch.nn.functional.normalize(seen, dim=1) @ torch.nn.functional.normalize(said, dim=1).T
    assert cosine.argmax(1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(16, 16), (3, 16, 16)])
def test_a_model_of_slices_sees_each_slice_with_the_volume_s_prompt(shape):
    model, given = clip(), batch(shape, samples=2)
    [found] = ClipPairs(names=PROMPTED, clip=model)(given, shown(given, 0, 1)).values()
    planes = torch.stack([given.images[0, 0], given.images[1, 1]]).reshape(-1, 1, 16, 16)
    each = len(planes) // 2
    texts = model.encode_text([RECORDS[n][n].to_prompt() for n in range(2)]).repeat_interleave(each, 0)
    groups = torch.arange(2).repeat_interleave(each)
    torch.testing.assert_close(found, symmetric_cross_entropy(model.encode_image(planes), texts, groups, model.scale()))
