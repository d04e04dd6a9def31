"""Algorithm 2 against sums written out; each of its steps trains one tower; together they learn the modalities."""

import math
from dataclasses import replace

import pytest
import torch
from toys import M, batch_of, clip, query_of

from anysyn.clip import classify, classify_texts, modality_logits
from anysyn.objectives import ImageModality, TextModality
from anysyn.training.steps import matching, only_these_learn

TEXT, IMAGE = ["towers.text_*"], ["towers.vis*"]


def cross_entropy(logits, label):
    return math.log(sum(map(math.exp, logits))) - logits[label]


def learned(model):
    return {name.split(".")[1].split("_")[0] for name, weight in model.named_parameters() if weight.grad is not None}


def test_the_text_term_takes_the_embedding_as_logits():
    model = clip().eval()
    [found] = TextModality(clip=model)(batch_of((16, 16)), query_of()).values()
    embedded = model.encode_text(model.descriptions).tolist()
    assert found.item() == pytest.approx(sum(cross_entropy(row, i) for i, row in enumerate(embedded)) / M, rel=1e-5)


@pytest.mark.parametrize("shape", [(16, 16), (2, 16, 16)])
def test_the_image_term_compares_what_is_there_with_every_description(shape):
    model, batch = clip().requires_grad_(False), batch_of(shape)
    available = torch.tensor([[True, False, True, True], [False, True, True, False]])
    images = batch.images.clone()
    images[~available] = float("nan")  # must never be read
    [found] = ImageModality(clip=model)(replace(batch, images=images, available=available), query_of()).values()
    texts, terms = model.encode_text(model.descriptions), []
    for sample, label in available.nonzero().tolist():
        for plane in images[sample, label].reshape(-1, 1, 1, 16, 16):
            seen = model.encode_image(plane)[0]
            terms.append(cross_entropy([float(torch.cosine_similarity(seen, text, 0)) / 0.07 for text in texts], label))
    assert found.item() == pytest.approx(sum(terms) / len(terms), rel=1e-3)


@pytest.mark.parametrize(
    ("objective", "globs", "towers"), [(TextModality, TEXT, {"text"}), (ImageModality, IMAGE, {"vision", "visual"})]
)
def test_each_step_trains_its_tower(objective, globs, towers):
    model = clip()
    only_these_learn(model, matching(model, globs))
    [term] = objective(clip=model)(batch_of((16, 16)), query_of()).values()
    term.backward()
    assert learned(model) == towers


def test_the_descriptions_stay_fixed_for_the_images_though_their_tower_could_learn():
    model = clip()
    [term] = ImageModality(clip=model)(batch_of((16, 16)), query_of()).values()
    term.backward()
    assert "text" not in learned(model)


def test_text_first_then_images_and_both_know_the_modalities():
    model, batch = clip(), batch_of((16, 16), samples=4)
    waves = torch.tensor([0.4, 0.8, 1.6, 3.0])[:, None] * torch.arange(16)  # a modality is a pattern of stripes
    stripes = (0.5 + 0.4 * waves.sin())[:, None].expand(M, 16, 16)
    batch = replace(batch, images=stripes + 0.1 * batch.images)
    for objective, globs in ((TextModality(clip=model), TEXT), (ImageModality(clip=model), IMAGE)):
        learning = matching(model, globs)
        only_these_learn(model, learning)
        optimizer = torch.optim.Adam(learning, lr=3e-3)
        for _ in range(40):
            optimizer.zero_grad()
            sum(objective(batch, query_of()).values()).backward()
            optimizer.step()
    unseen = stripes + 0.1 * torch.rand(stripes.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert classify_texts(model, model.descriptions).argmax(1).tolist() == list(range(M))
        assert classify(model, unseen[:, None]).argmax(1).tolist() == list(range(M))
        between = modality_logits(*[model.modality_embeddings()] * 2, 1.0) - torch.eye(M)
    assert between.max() < 0.5, "descriptions that point the same way could not tell images apart"
