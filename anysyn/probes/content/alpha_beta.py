"""Contrasts: the scale alpha and the shift beta that a network learned for each acquisition (UniSyn)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from anysyn.acquisition import Acquisition
from anysyn.conditioners import Conditioner
from anysyn.data.records import Subject
from anysyn.nn.arithmetic import Affine
from anysyn.probes.scanner_settings import FIELDS, sequence_of
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Query

SITE = "decoder/in"  # the preferred one; otherwise the first of the decoder's
KEYS = ("te", "tr")
STEPS = 25  # of a sweep
STILL = 1e-9
PARTS = ("alpha", "beta")
COMPONENTS = tuple(f"{part}_{n}" for part in PARTS for n in (1, 2))
CONTRASTS = ("of", "subject", "dataset", "modality", *KEYS, *COMPONENTS)
COHORT = "cohort"  # in the column `of`; other rows name the setting that is swept


class Asked(NamedTuple):
    """Say which acquisition a network is asked about.

    Args:
        of: `COHORT`, or the setting that is swept.
        subject: Whose it is; of a sweep, whose all else is.
        dataset: Of the subject.
        modality: By name.
        record: The acquisition.
    """

    of: str
    subject: str
    dataset: str
    modality: str
    record: Acquisition


@torch.inference_mode()
def contrasts_of(model: Synthesizer, asked: Sequence[Asked], names: Sequence[str], size: int) -> Affine | None:
    """Return what acts on the features of a target: alpha and beta, (N, C) each; of the dataset, the first is told.

    Args:
        model: The network.
        asked: N acquisitions.
        names: The modalities of the recipe.
        size: How many are asked at once.

    Returns:
        None if no conditioner on the decoder's side is a scale and a shift of each channel.
    """
    for conditioner in model.conditioners:
        sites = [site.name for site in conditioner.sites.values() if site.side == "decoder"]
        for site in sorted(sites, key=lambda name: name != SITE)[:1]:
            parts = [_told(model, conditioner, site, asked[n : n + size], names) for n in range(0, len(asked), size)]
            known = [part for part in parts if part is not None]
            if known:
                return Affine(*(torch.cat(one).double().cpu() for one in zip(*known, strict=True)))
    return None


def asked_about(
    subjects: Sequence[Subject], names: Sequence[str], voxel_size_mm: tuple[float, float, float]
) -> list[Asked]:
    """List the acquisitions of a cohort, and for each modality one whose settings are swept over what the cohort has.

    Args:
        subjects: The cohort.
        names: The modalities of the recipe.
        voxel_size_mm: What is said of all of them, so that it makes no difference.
    """
    cohort = [
        Asked(COHORT, one.key, one.dataset, name, replace(one.acquisitions[name], voxel_size_mm=voxel_size_mm))
        for name in names
        for one in subjects
        if name in one.images and name in one.acquisitions
    ]
    sweeps = [one for name in names for key in KEYS for one in swept([a for a in cohort if a.modality == name], key)]
    return [*cohort, *sweeps]


def swept(cohort: Sequence[Asked], key: str) -> list[Asked]:
    """Vary a setting of one acquisition from the smallest to the largest that the cohort has, evenly by its logarithm.

    Args:
        cohort: Acquisitions of one modality. Those of the most frequent sequence count, and all else is as in the one
            whose setting is in the middle.
        key: ``te`` or ``tr``.

    Returns:
        Nothing, where the cohort has one value or none.

    Example:
        >>> times = [Asked(COHORT, "", "", "T2w", Acquisition(echo_time_ms=te)) for te in (60.0, 90.0, 120.0)]
        >>> found = swept(times, "te")
        >>> found[0].record.echo_time_ms, len(found), found[0].of
        (60.0, 25, 'te')
    """
    field = FIELDS[key]
    able = [one for one in cohort if (getattr(one.record, field) or 0) > 0]
    sequences = [sequence_of(one.record) for one in able]
    usual = max(dict.fromkeys(sequences), key=sequences.count, default=())
    able = [one for one, sequence in zip(able, sequences, strict=True) if sequence == usual]
    values = sorted(getattr(one.record, field) for one in able)
    if not values or values[0] == values[-1]:
        return []
    middle = next(one for one in able if getattr(one.record, field) == values[len(values) // 2])
    steps: list[dict[str, Any]] = [{field: float(v)} for v in np.geomspace(values[0], values[-1], STEPS)]
    return [middle._replace(of=key, record=replace(middle.record, **step)) for step in steps]


def contrast_table(asked: Sequence[Asked], found: Affine) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Project alpha and beta on two principal components each, those of the cohort.

    Args:
        asked: N acquisitions.
        found: Their alpha and beta, (N, C) each.

    Returns:
        Columns `CONTRASTS`; and for ``alpha`` and ``beta``, the share of the cohort's variance along each component and
        the share of it that lies between the modalities.
    """
    rows = pd.DataFrame(
        [
            {"of": one.of, "subject": one.subject, "dataset": one.dataset, "modality": one.modality}
            | {key: getattr(one.record, FIELDS[key]) for key in KEYS}
            for one in asked
        ]
    )
    inside, shares = np.array([one.of == COHORT for one in asked]), dict[str, list[float]]()
    modalities = rows.loc[inside, "modality"].to_numpy()
    for part, values in zip(PARTS, found, strict=True):
        points, along = projected(values.numpy(), inside)
        rows[[f"{part}_1", f"{part}_2"]] = points
        shares[part] = [*along, between(values.numpy()[inside], modalities)]
    return rows[list(CONTRASTS)], shares


def projected(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[NDArray[np.float64], list[float]]:
    """Project all rows on the two principal components of some of them.

    Args:
        values: (N, C).
        inside: (N,), which rows the components are of.

    Returns:
        (N, 2), and the share of the variance along each; zeros where nothing varies.

    Example:
        >>> projected(np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]]), np.array([True, True, False]))[1]
        [1.0, 0.0]
    """
    own = values[inside]
    if len(own) < 2 or own.shape[1] < 2 or np.ptp(own, axis=0).max() < STILL:
        return np.zeros((len(values), 2)), [0.0, 0.0]
    fitted = PCA(n_components=2, svd_solver="full").fit(own)
    return fitted.transform(values), [float(share) for share in fitted.explained_variance_ratio_]


def between(values: NDArray[np.float64], groups: Sequence[str]) -> float:
    """Return the share of the variance, over all channels, that lies between groups; 0 where nothing varies.

    Args:
        values: (N, C).
        groups: The group of each row.

    Example:
        >>> between(np.array([[0.0], [2.0], [4.0], [6.0]]), ["a", "a", "b", "b"])
        0.8
    """
    whole = np.square(values - values.mean(0)).sum()
    table = pd.DataFrame(values).groupby(np.asarray(groups))
    inside = np.square(values - table.transform("mean").to_numpy()).sum()
    return 0.0 if whole < STILL else float(1 - inside / whole)


def _told(
    model: Synthesizer, conditioner: Conditioner, site: str, asked: Sequence[Asked], names: Sequence[str]
) -> Affine | None:
    count, device = len(asked), next(model.parameters()).device
    which = torch.tensor([[list(names).index(one.modality)] for one in asked])  # (N, 1)
    records = tuple((one.record,) for one in asked)
    batch = Batch.complete(torch.zeros(count, len(names), *(1,) * model.encoder.dimensions))
    query = Query(which, which, records, records)
    return conditioner.affine(conditioner.embed(batch.to(device), query.to(device)), site)
