"""Scores of labels against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from anysyn.evaluation.tables.labels import MACRO, MICRO, f1_interval, label_scores

NAMES = ["astrocytoma", "GBM", "LGG", "metastasis"]


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    draw = lambda: [{name for name in NAMES if rng.random() < 0.4} for _ in range(25)]  # noqa: E731
    return draw(), draw()


def test_they_are_those_of_scikit_learn(labels):
    truth, found = labels
    table = MultiLabelBinarizer(classes=sorted(NAMES))
    y, z = table.fit_transform(truth), table.transform(found)
    mine = label_scores(truth, found)
    each = precision_recall_fscore_support(y, z, average=None, zero_division=0)
    for n, name in enumerate(sorted(NAMES)):
        assert mine[name] == pytest.approx([float(part[n]) for part in each[:3]])
    for name, average in ((MACRO, "macro"), (MICRO, "micro")):
        wanted = precision_recall_fscore_support(y, z, average=average, zero_division=0)[:3]
        assert mine[name] == pytest.approx(list(map(float, wanted)))


def test_a_label_of_neither_side_is_none(labels):
    assert set(label_scores([{"a"}], [set()])) == {"a", MACRO, MICRO}
    assert label_scores([{"a"}], [set()])[MICRO] == (0, 0, 0)
    with pytest.raises(ValueError, match="1 and 2 cases"):
        label_scores([{"a"}], [{"a"}, {"a"}])


def test_the_interval_is_that_of_resampled_cases(labels):
    truth, found = labels
    low, high = f1_interval(truth, found, "LGG", generator=np.random.default_rng(0))
    y, z = (np.array(["LGG" in one for one in side]) for side in labels)
    rng = np.random.default_rng(1)
    drawn = [rng.integers(0, 25, 25) for _ in range(400)]
    wanted = np.quantile([f1_score(y[d], z[d], zero_division=0) for d in drawn], (0.025, 0.975))
    assert (low, high) == pytest.approx(wanted, abs=0.06)
    assert low < f1_score(y, z) < high
    assert math.isnan(f1_interval(truth[:1], found[:1], "LGG", generator=rng).low)
