"""Heads never learn from the people that they are asked about, and the area is scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from anysyn.probes.stage_prediction.auc import auc, auc_interval, mean_auc
from anysyn.probes.stage_prediction.head import out_of_fold


def test_a_persons_other_session_is_no_help():
    """Features that tell the person and nothing else: were a session learned from, the other one would be known."""
    generator = np.random.default_rng(0)
    who = np.repeat(np.arange(40), 2)
    features = generator.standard_normal((40, 200))[who]
    labels = generator.integers(0, 2, 40)[who].astype(str)
    found = out_of_fold(features, {"same": features}, list(labels), [str(n) for n in who], seed=0)["same"]
    assert np.mean(found.argmax(1) == labels.astype(int)) < 0.75
    alone = [str(n) for n in range(80)]  # as if every session were a person: the label leaks
    leaking = out_of_fold(features, {"same": features}, list(labels), alone, seed=0)["same"]
    assert np.mean(leaking.argmax(1) == labels.astype(int)) > 0.9


def test_it_learns_from_one_kind_of_images_and_is_asked_about_others():
    generator = np.random.default_rng(1)
    labels = np.repeat(["T1", "T2", "T3"], 20)
    centres = {"T1": 0.0, "T2": 4.0, "T3": 8.0}
    real = np.array([[centres[label]] for label in labels]) + generator.standard_normal((60, 1))
    asked = {"real": real, "synthesized": np.full_like(real, 100.0)}
    found = out_of_fold(real, asked, list(labels), [str(n) for n in range(60)], seed=0)
    numbers = np.repeat([0, 1, 2], 20)
    assert np.mean(found["real"].argmax(1) == numbers) > 0.8
    assert set(found["synthesized"].argmax(1)) == {2}  # beyond the third centre
    np.testing.assert_allclose(found["synthesized"].sum(1), 1.0)


def test_the_rarest_label_bounds_the_number_of_parts():
    labels = ["a"] * 10 + ["b"] * 2
    features = np.array([[0.0]] * 10 + [[9.0]] * 2) + np.arange(12)[:, None] / 100
    found = out_of_fold(features, {"same": features}, labels, [str(n) for n in range(12)], seed=0)
    assert found["same"].argmax(1).tolist() == [0] * 10 + [1] * 2


@pytest.mark.parametrize("labels", [2, 3, 4])
def test_areas_are_those_of_scikit_learn(labels):
    generator = np.random.default_rng(labels)
    truth = np.append(np.arange(labels), generator.integers(0, labels, 40))
    scores = generator.random((len(truth), labels)).round(1)  # with ties
    scores[:, 0] += 0.05
    scores /= scores.sum(1, keepdims=True)
    if labels == 2:
        expected = roc_auc_score(truth, scores[:, 1])
        assert auc(truth == 1, scores[:, 1]) == pytest.approx(expected)
    else:
        expected = roc_auc_score(truth, scores, multi_class="ovr", average="macro")
    assert mean_auc(truth, scores) == pytest.approx(expected)


def test_the_interval_draws_people_and_not_cases():
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 30)
    score = truth + generator.standard_normal(30)
    shares = np.stack([-score, score], 1)
    people = [str(n) for n in range(30)]
    once = auc_interval(truth, shares, people, generator=np.random.default_rng(0))
    many = auc_interval(
        np.repeat(truth, 9), np.repeat(shares, 9, 0), list(np.repeat(people, 9)), generator=np.random.default_rng(0)
    )
    assert once == pytest.approx(many)  # the same people, each with nine equal cases: no more is known
    assert once.low < mean_auc(truth, shares) < once.high


def test_one_label_has_no_area():
    assert np.isnan(auc(np.array([True, True]), np.array([0.1, 0.2])))
    assert np.isnan(mean_auc(np.array([0, 0]), np.array([[0.9], [0.8]])))
