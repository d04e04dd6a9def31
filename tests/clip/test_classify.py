"""Probabilities against sums written out."""

import math

import pytest
import torch
from toys import clip

from anysyn.clip import classify, classify_texts, modality_logits


def softmax(logits):
    exponentials = [math.exp(x) for x in logits]
    return [one / sum(exponentials) for one in exponentials]


def test_logits_are_scaled_cosines():
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(3, 5, generator=generator), torch.randn(2, 5, generator=generator)
    found = modality_logits(images, texts, 7.0)
    for i, image in enumerate(images.tolist()):
        for j, text in enumerate(texts.tolist()):
            dot = sum(a * b for a, b in zip(image, text, strict=True))
            lengths = math.hypot(*image) * math.hypot(*text)
            assert math.isclose(found[i, j], 7 * dot / lengths, rel_tol=1e-5, abs_tol=1e-6)


def test_images_are_classified_by_the_nearest_description():
    made, images = clip().eval().requires_grad_(False), torch.rand(3, 1, 16, 16)
    seen, described = made.encode_image(images), made.encode_text(made.descriptions)
    cosines = [[float(torch.cosine_similarity(image, text, 0)) / 0.07 for text in described] for image in seen]
    for row, logits in zip(classify(made, images).tolist(), cosines, strict=True):
        assert row == pytest.approx(softmax(logits), rel=1e-3)


def test_the_embedding_of_a_text_is_its_logits():
    made = clip().eval()
    [found] = classify_texts(made, ["a text"]).tolist()
    [logits] = made.encode_text(["a text"]).tolist()
    assert found == pytest.approx(softmax(logits), rel=1e-5)
