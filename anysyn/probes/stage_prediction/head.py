"""A linear classifier on frozen features, asked about people that it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Array = NDArray[np.float64]
FOLDS = 5
ITERATIONS = 2000


def out_of_fold(
    learned: Array, asked: Mapping[str, Array], labels: Sequence[str], persons: Sequence[str], *, seed: int
) -> dict[str, Array]:
    """Predict the label of each case by a head that was fitted on the cases of other people.

    A logistic regression on standardised features, whose classes weigh alike. People are divided into five parts, or as
    many as the rarest label has people; the head of a part is fitted on all others, and all cases of a person are in
    one part.

    Args:
        learned: (N, F) features that heads are fitted on.
        asked: By name, (N, F) features of the same cases that they are asked about.
        labels: Of the cases, at least two different ones, each of two people or more.
        persons: Whose they are.
        seed: Of the draw of the parts.

    Returns:
        By name, (N, K) probabilities of the labels in alphabetical order.

    Example:
        >>> features = np.array([[0.0], [0.1], [5.0], [5.1]])
        >>> found = out_of_fold(features, {"same": features}, ["a", "a", "b", "b"], ["1", "2", "3", "4"], seed=0)
        >>> found["same"].argmax(1).tolist()
        [0, 0, 1, 1]
    """
    names, numbers = np.unique(np.array(labels), return_inverse=True)
    whose = np.array(persons)
    most = min(len(set(whose[numbers == label])) for label in range(len(names)))
    found = {name: np.zeros((len(labels), len(names))) for name in asked}
    folds = StratifiedGroupKFold(n_splits=min(FOLDS, most), shuffle=True, random_state=seed)
    for train, test in folds.split(learned, numbers, whose):
        head: Any = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=ITERATIONS))
        known = np.unique(numbers[train])
        if len(known) == 1:  # nothing else can be answered
            for name in asked:
                found[name][np.ix_(test, known)] = 1.0
            continue
        head.fit(learned[train], numbers[train])
        for name, features in asked.items():
            found[name][np.ix_(test, known)] = head.predict_proba(features[test])
    return found
