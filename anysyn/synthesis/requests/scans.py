"""What is asked of a prepared person: sources, targets, the scan on whose grid they are answered, and the files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.data.modalities import modality
from anysyn.data.records import Subject
from anysyn.data.subjects.layouts.bids import bids_name, bids_place
from anysyn.data.volumes.formats import read_header
from anysyn.data.volumes.formats.format import Header
from anysyn.errors import UserError
from anysyn.scans.way_back import WayBack, preparation_of, way_of
from anysyn.synthesis.completion.missing_contrasts import SYNTHETIC, Trained


@dataclass(frozen=True, eq=False, kw_only=True)
class ScanRequest:
    """What is asked of one prepared person.

    Args:
        subject: The prepared files.
        sources: Modalities shown to the network.
        files: By target, the file to write.
        back: Modality of the scan on whose grid they are answered.
        records: By source, the record of its preparation.
        way: The way to that grid.
        header: Of the scan as it came, if it is there; its geometry is written back to the bit.
    """

    subject: Subject
    sources: tuple[str, ...]
    files: Mapping[str, Path]
    back: str
    records: Mapping[str, dict[str, Any]]
    way: WayBack
    header: Header | None

    def record(self) -> dict[str, Any]:
        """Return what a sidecar says of it."""
        return {"Sources": list(self.sources), "BackTo": self.back}


def scan_request(
    subject: Subject, trained: Trained, out: Path, *, back: str | None, has: Collection[str], scans: Mapping[str, Path]
) -> ScanRequest:
    """Return what is asked of a prepared person.

    Args:
        subject: The prepared files.
        trained: Sources and targets of the run.
        out: Folder of the output.
        back: Modality of the scan on whose grid they are answered; by default the reference of the preparation.
        has: Modalities that are not asked for, since the person has them.
        scans: The scans as they came, by modality, as far as they are there.

    Raises:
        UserError: If the person has no source, or no scan of that modality.
    """
    folder, label = bids_place(subject.key)
    targets = [name for name in trained.targets if name not in has]
    sources = tuple(name for name in trained.sources if name in subject.images and name not in targets)[: trained.most]
    if not sources:
        has = ", ".join(name for name in subject.images if name not in targets) or "none"
        raise UserError(f"has no contrast that this run was trained to read beside the targets, only {has}")
    records = {name: preparation_of(subject.images[name]) for name in sources}
    onto = _back(subject, back, records[sources[0]])
    known = records.get(onto) or preparation_of(subject.images[onto])
    files = {name: out / folder / bids_name(label, name, described=SYNTHETIC) for name in targets}
    header = read_header(scans[onto]) if onto in scans else None
    return ScanRequest(
        subject=subject,
        sources=sources,
        files=files,
        back=onto,
        records=records,
        way=way_of(known, str(subject.images[onto])),
        header=header,
    )


def _back(subject: Subject, back: str | None, record: Mapping[str, Any]) -> str:
    name = modality(str(record.get("Reference")) if back is None else back).name
    if name not in subject.images:
        raise UserError(f"--to {name}: is not among the prepared scans, only {', '.join(subject.images)}")
    return name


def scans_as_they_came(subjects: Sequence[Subject]) -> dict[str, Mapping[str, Path]]:
    """Return the files of people by their BIDS label, under which a study has them.

    Example:
        >>> scans_as_they_came([Subject("BraTS/7", "", {"T1w": Path("t1.nii.gz")}, {}, {})])
        {'sub-BraTS7': {'T1w': PosixPath('t1.nii.gz')}}
    """
    return {bids_place(subject.key)[1]: subject.images for subject in subjects}
