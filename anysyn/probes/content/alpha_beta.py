"""The scale alpha and the shift beta that a network learned for each acquisition (UniSyn)."""

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
STEPS = 25  # values of a setting that is varied
STILL = 1e-9
PARTS = ("alpha", "beta")
COMPONENTS = tuple(f"{part}_{n}" for part in PARTS for n in (1, 2))
COHORT = "cohort"  # in the column `of`; other rows name the setting that is varied


class Scan(NamedTuple):
    """An acquisition of the cohort, or one with a setting that is varied.

    Args:
        of: `COHORT`, or the setting that is varied.
        subject: Whose acquisition it is, but for the setting.
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
def read_alpha_beta(model: Synthesizer, scans: Sequence[Scan], names: Sequence[str], size: int) -> Affine | None:
    """Read the scale and the shift of a target's features, conditioned on its acquisition and the first dataset.

    Args:
        model: The network.
        scans: N of them.
        names: The modalities of the recipe.
        size: How many at once.

    Returns:
        Alpha and beta, (N, C) each; None if no conditioner on the decoder's side is a scale and a shift of channels.
    """
    for conditioner in model.conditioners:
        sites = [site.name for site in conditioner.sites.values() if site.side == "decoder"]
        for site in sorted(sites, key=lambda name: name != SITE)[:1]:
            chunks = [scans[n : n + size] for n in range(0, len(scans), size)]
            parts = [_affine_at(model, conditioner, site, chunk, names) for chunk in chunks]
            known = [part for part in parts if part is not None]
            if known:
                return Affine(*(torch.cat(one).double().cpu() for one in zip(*known, strict=True)))
    return None


def list_scans(
    subjects: Sequence[Subject], names: Sequence[str], voxel_size_mm: tuple[float, float, float]
) -> list[Scan]:
    """List the acquisitions of a cohort, and for each modality one whose settings vary over the cohort's range.

    Args:
        subjects: The cohort.
        names: The modalities of the recipe.
        voxel_size_mm: Of all of them, so that it makes no difference.
    """
    cohort = [
        Scan(COHORT, one.key, one.dataset, name, replace(one.acquisitions[name], voxel_size_mm=voxel_size_mm))
        for name in names
        for one in subjects
        if name in one.images and name in one.acquisitions
    ]
    by_modality = [[one for one in cohort if one.modality == name] for name in names]
    return [*cohort, *(varied for some in by_modality for key in KEYS for varied in vary_setting(some, key))]


def vary_setting(cohort: Sequence[Scan], key: str) -> list[Scan]:
    """Vary a setting of one acquisition from the smallest to the largest that the cohort has, evenly by its logarithm.

    Args:
        cohort: Acquisitions of one modality. Those of the most frequent sequence count, and all else is as in the one
            whose setting is in the middle.
        key: ``te`` or ``tr``.

    Returns:
        Nothing, if the cohort has one value or none.

    Example:
        >>> records = [Acquisition(echo_time_ms=te) for te in (60.0, 90.0, 120.0)]
        >>> varied = vary_setting([Scan(COHORT, "", "", "T2w", one) for one in records], "te")
        >>> varied[0].record.echo_time_ms, len(varied), varied[0].of
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


def project_alpha_beta(scans: Sequence[Scan], learned: Affine) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Project alpha and beta on two principal components each, those of the cohort.

    Args:
        scans: N of them.
        learned: Their alpha and beta, (N, C) each.

    Returns:
        Columns of, subject, dataset, modality, `KEYS` and `COMPONENTS`; and for ``alpha`` and ``beta``, the share of
        the cohort's variance along each component and the share of it that lies between the modalities.
    """
    rows = pd.DataFrame(
        [
            {"of": one.of, "subject": one.subject, "dataset": one.dataset, "modality": one.modality}
            | {key: getattr(one.record, FIELDS[key]) for key in KEYS}
            for one in scans
        ]
    )
    inside, shares = np.array([one.of == COHORT for one in scans]), dict[str, list[float]]()
    modalities = rows.loc[inside, "modality"].to_numpy()
    for part, values in zip(PARTS, learned, strict=True):
        points, along = project(values.numpy(), inside)
        rows[[f"{part}_1", f"{part}_2"]] = points
        shares[part] = [*along, share_between(values.numpy()[inside], modalities)]
    return rows, shares


def project(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[NDArray[np.float64], list[float]]:
    """Project all rows on the two principal components of some of them.

    Args:
        values: (N, C).
        inside: (N,), the rows whose components they are.

    Returns:
        (N, 2), and the share of the variance along each; zeros if nothing varies.

    Example:
        >>> project(np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0]]), np.array([True, True, False]))[1]
        [1.0, 0.0]
    """
    own = values[inside]
    if len(own) < 2 or own.shape[1] < 2 or np.ptp(own, axis=0).max() < STILL:
        return np.zeros((len(values), 2)), [0.0, 0.0]
    fitted = PCA(n_components=2, svd_solver="full").fit(own)
    return fitted.transform(values), [float(share) for share in fitted.explained_variance_ratio_]


def share_between(values: NDArray[np.float64], groups: Sequence[str]) -> float:
    """Return the share of the variance, over all channels, that lies between groups; 0 if nothing varies.

    Args:
        values: (N, C).
        groups: The group of each row.

    Example:
        >>> share_between(np.array([[0.0], [2.0], [4.0], [6.0]]), ["a", "a", "b", "b"])
        0.8
    """
    whole = np.square(values - values.mean(0)).sum()
    table = pd.DataFrame(values).groupby(np.asarray(groups))
    inside = np.square(values - table.transform("mean").to_numpy()).sum()
    return 0.0 if whole < STILL else float(1 - inside / whole)


def _affine_at(
    model: Synthesizer, conditioner: Conditioner, site: str, scans: Sequence[Scan], names: Sequence[str]
) -> Affine | None:
    count, device = len(scans), next(model.parameters()).device
    which = torch.tensor([[list(names).index(one.modality)] for one in scans])  # (N, 1)
    records = tuple((one.record,) for one in scans)
    batch = Batch.complete(torch.zeros(count, len(names), *(1,) * model.encoder.dimensions))
    query = Query(which, which, records, records)
    return conditioner.affine(conditioner.embed(batch.to(device), query.to(device)), site)
