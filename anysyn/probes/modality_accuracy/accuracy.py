"""How often a modality is recognized, and how often a wrong description costs more than the right one."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from anysyn.probes.modality_accuracy.predictions import LOSS

ALL, UNNAMED = "all", "unnamed"


def modalities_of(slices: pd.DataFrame) -> list[str]:
    """Name the modalities that slices were compared with.

    Args:
        slices: With the columns of `compare_images`.

    Example:
        >>> modalities_of(pd.DataFrame(columns=["subject", "loss given T1w", "loss given T2w"]))
        ['T1w', 'T2w']
    """
    return [column.removeprefix(LOSS) for column in slices.columns if column.startswith(LOSS)]


def summarise_accuracy(texts: pd.DataFrame, slices: pd.DataFrame, trained: Collection[str]) -> pd.DataFrame:
    """Count how often the modality is recognized: the right part of Table 5 of OmniSyn.

    Args:
        texts: As `classify_descriptions` writes them.
        slices: Columns dataset, modality, found.
        trained: Names of the datasets of the training: the domain.

    Returns:
        Columns of (``text`` or ``image``), dataset, in_training, modality, count, accuracy: one row for the texts, and
        for the images one for each dataset, alone and for each modality, and for all datasets together.

    Example:
        >>> texts = pd.DataFrame({"modality": ["T1w", "T2w"], "found": ["T1w", "T2w"]})
        >>> slices = pd.DataFrame({"dataset": ["A", "A"], "modality": ["T1w", "T2w"], "found": ["T1w", "T1w"]})
        >>> summarise_accuracy(texts, slices, ["A"])[["of", "dataset", "modality", "accuracy"]].values.tolist()[1:3]
        [['image', 'all', 'all', 0.5], ['image', 'all', 'T1w', 1.0]]
    """
    datasets = list(dict.fromkeys(slices["dataset"]))
    parts = [(ALL, slices), *((name or UNNAMED, slices[slices["dataset"] == name]) for name in datasets)]
    rows = [_accuracy("text", ALL, "", ALL, texts)]
    for dataset, part in parts:
        known = "" if dataset == ALL else "yes" if part["dataset"].iloc[0] in trained else "no"
        rows.append(_accuracy("image", dataset, known, ALL, part))
        rows += [
            _accuracy("image", dataset, known, str(name), own) for name, own in part.groupby("modality", sort=False)
        ]
    return pd.DataFrame(rows)


def _accuracy(of: str, dataset: str, in_training: str, modality: str, rows: pd.DataFrame) -> dict[str, object]:
    right = float((rows["found"] == rows["modality"]).mean())
    about = {"of": of, "dataset": dataset, "in_training": in_training, "modality": modality}
    return {**about, "count": len(rows), "accuracy": right}


def compare_losses(slices: pd.DataFrame) -> pd.DataFrame:
    """Count on which share of the slices a wrong description costs more than the right one.

    Args:
        slices: Column modality, and the losses of `compare_images`.

    Returns:
        Columns modality, description, slices, right, wrong (mean losses), higher (the share): one row for each
        modality and each wrong description, and one, ``all``, over all such comparisons.

    Example:
        >>> rows = {"modality": ["T1w", "T1w"], "loss given T1w": [0.25, 0.5], "loss given T2w": [0.75, 0.25]}
        >>> compare_losses(pd.DataFrame(rows)).values.tolist()
        [['T1w', 'T2w', 2, 0.375, 0.5, 0.5], ['all', 'all', 2, 0.375, 0.5, 0.5]]
    """
    names = modalities_of(slices)
    compared = [
        pd.DataFrame({"modality": own, "description": other, "right": part[LOSS + own], "wrong": part[LOSS + other]})
        for own, part in ((name, slices[slices["modality"] == name]) for name in names)
        for other in names
        if other != own and len(part)
    ]
    everything = pd.concat(compared).assign(modality=ALL, description=ALL)
    return pd.DataFrame([_comparison(part) for part in [*compared, everything]])


def _comparison(part: pd.DataFrame) -> dict[str, object]:
    about = {"modality": part["modality"].iloc[0], "description": part["description"].iloc[0], "slices": len(part)}
    means = {name: float(part[name].mean()) for name in ("right", "wrong")}
    return {**about, **means, "higher": float((part["wrong"] > part["right"]).mean())}
