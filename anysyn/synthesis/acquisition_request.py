"""What is asked for: the acquisition that a synthetic image should look as if it came from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from anysyn.acquisition import Acquisition, prompts
from anysyn.data.geometry.grid import Grid
from anysyn.data.modalities import modality, named, tracer_of
from anysyn.data.subjects.sidecars import read_sidecar, sidecar_beside
from anysyn.errors import UserError
from anysyn.synthesizer import Synthesizer
from anysyn.types import Descriptor

PERSON = ("age_years", "sex")
SCANNER = ("field_strength_t", "manufacturer")
CONTENT = ("modality", "voxel_size_mm", *PERSON, *SCANNER)  # what any image may be said to be of or from
AGREES_MM = 0.01  # the precision of a prompt


def acquisition_of(sidecar: str | Path | None = None, **said: object) -> Acquisition | None:
    """Gather what a command line says of an acquisition; None if it says nothing.

    Args:
        sidecar: A BIDS JSON.
        said: Fields of an acquisition that go before those of the sidecar; None is not said.

    Raises:
        UserError: If the sidecar cannot be read.

    Example:
        >>> acquisition_of(echo_time_ms=95.0, age_years=None).known(), acquisition_of(sex=None)
        ({'echo_time_ms': 95.0}, None)
    """
    known = {name: value for name, value in said.items() if value is not None}
    if sidecar is None and not known:
        return None
    read = Acquisition() if sidecar is None else Acquisition.from_bids(read_sidecar(Path(sidecar)))
    return replace(read, **known)  # type: ignore[arg-type]


def acquired(files: Mapping[str, Path], person: Acquisition | None = None) -> dict[str, Acquisition]:
    """Read how the sources were acquired, from the JSON beside each file, where there is one.

    Args:
        files: By modality.
        person: Age and sex, where the sidecars do not say them.

    Raises:
        UserError: If a sidecar cannot be read.
    """
    known = {key: getattr(person, key) for key in PERSON} if person else {}
    return {name: named(Acquisition.from_bids(sidecar_beside(path), **known), name) for name, path in files.items()}


def asked_for(
    acquisition: Acquisition | Mapping[str, Acquisition] | None,
    targets: Sequence[str],
    source: Acquisition | None,
    grid: Grid,
) -> dict[str, Acquisition]:
    """Say for each target how it should look as if it were acquired.

    Where nothing is said of the person, it is that of the source, and so is the scanner, if target and source are both
    MRI, CT or PET. Times, angles and doses are never taken from it. The voxel size is that of the output.

    Args:
        acquisition: For the only target, or by target.
        targets: Canonical names.
        source: How the first source was acquired.
        grid: Of the output.

    Raises:
        UserError: If one acquisition is given for several targets or for another one, a field has no meaning, or the
            voxel size contradicts the grid.

    Example:
        >>> import numpy as np
        >>> said, source = Acquisition(echo_time_ms=95.0), Acquisition(modality="T1w", manufacturer="GE")
        >>> asked_for(said, ["T2w"], source, Grid((4, 4, 4), np.eye(4)))["T2w"].to_prompt().split("; ")[2:4]
        ['Scanner: None GE', 'Modality: T2w']
    """
    if isinstance(acquisition, Acquisition) and len(targets) > 1:
        raise UserError(f"one acquisition is given for {', '.join(targets)}; give one by target, or ask for one target")
    by_name = {targets[0]: acquisition} if isinstance(acquisition, Acquisition) else acquisition or {}
    said = {modality(name).name: record for name, record in by_name.items()}
    unknown = sorted(said.keys() - set(targets))
    if unknown:
        raise UserError(f"an acquisition is given for {', '.join(unknown)}, but asked for are {', '.join(targets)}")
    for name, record in said.items():
        _check(record, name, grid)
    found = {}
    for name in targets:
        record = said.get(name, Acquisition())
        shared = (*PERSON, *(SCANNER if source and _same_kind(source, name) else ()))
        kept = {key: getattr(source, key) for key in shared if source and getattr(record, key) is None}
        found[name] = replace(named(record, name), voxel_size_mm=grid.voxel_size, **kept)
    return found


def _same_kind(source: Acquisition, name: str) -> bool:
    return source.modality is None or modality(source.modality).family == modality(name).family


def _check(said: Acquisition, name: str, grid: Grid) -> None:
    for key, value in said.known().items():
        if isinstance(value, (int, float)) and not 0 <= value < math.inf:
            raise UserError(f"{key}: {value:g} is no number from 0 up")
    if said.sex not in (None, *prompts.SEXES):
        raise UserError(f"sex: {said.sex!r} is none of {', '.join(prompts.SEXES)}")
    if said.modality is not None and modality(said.modality).name != name:
        raise UserError(f"an acquisition of {said.modality} is given for {name}")
    _check_slots(said, name)
    edges, written = said.voxel_size_mm, grid.voxel_size
    if edges is None:
        return
    asked = ",".join(f"{edge:g}" for edge in edges)
    if len(edges) != 3:
        raise UserError(f"--voxel {asked}: write three lengths in mm, for example 1,1,1")
    if any(abs(a - b) > AGREES_MM for a, b in zip(edges, written, strict=True)):
        raise UserError(
            f"--voxel {asked} contradicts the voxels of {','.join(f'{edge:g}' for edge in written)} mm that are "
            f"written; ask for them with --target-spacing {asked}, or leave --voxel out"
        )


def _check_slots(said: Acquisition, name: str) -> None:
    """Refuse what has no meaning for a modality, and a tracer that its name contradicts."""
    family = modality(name).family
    own = set(prompts.fields(family))
    others = {field for one in prompts.TEMPLATES for field in prompts.fields(one)} - own - set(CONTENT)
    for key in said.known():
        if key in others:
            raise UserError(f"{key} has no meaning for {name}; leave it out")
    if family == "PET" and said.tracer is not None and (meant := tracer_of(name)) not in (None, said.tracer):
        raise UserError(f"tracer: {said.tracer} is asked of {name}, whose tracer is {meant}; leave it out")


def check_heard(model: Synthesizer, acquisition: Acquisition | Mapping[str, Acquisition] | None) -> None:
    """Refuse an acquisition that the network is not told of, so that it would change nothing.

    Args:
        model: The network.
        acquisition: What is asked for; a voxel size is not of the network's making.

    Raises:
        UserError: If nothing in the network reads acquisitions.
    """
    records = [acquisition] if isinstance(acquisition, Acquisition) else list((acquisition or {}).values())
    said = {key for record in records for key in record.known()} - {"modality", "voxel_size_mm"}
    if said and not any(isinstance(one, Descriptor) and one.reads_acquisitions for one in model.modules()):
        raise UserError(
            f"this run's network is told the modality alone, so {', '.join(sorted(said))} would change nothing; leave "
            "it out, or train a recipe with a conditioner that reads {name: text}"
        )
