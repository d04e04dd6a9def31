"""The requested acquisition: what a synthetic image should look as if it was acquired with."""

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
CONTENT = ("modality", "voxel_size_mm", *PERSON, *SCANNER)  # fields that apply to every modality
AGREES_MM = 0.01  # the precision of a prompt


def acquisition_of(sidecar: str | Path | None = None, **fields: object) -> Acquisition | None:
    """Gather an acquisition from a sidecar and the options of a command line; None if there is neither.

    Args:
        sidecar: A BIDS JSON.
        fields: Fields of an acquisition that replace those of the sidecar; None counts as absent.

    Raises:
        UserError: If the sidecar cannot be read.

    Example:
        >>> acquisition_of(echo_time_ms=95.0, age_years=None).known(), acquisition_of(sex=None)
        ({'echo_time_ms': 95.0}, None)
    """
    known = {name: value for name, value in fields.items() if value is not None}
    if sidecar is None and not known:
        return None
    read = Acquisition() if sidecar is None else Acquisition.from_bids(read_sidecar(Path(sidecar)))
    return replace(read, **known)  # type: ignore[arg-type]


def source_acquisitions(
    files: Mapping[str, Path],
    person: Acquisition | None = None,
    known: Mapping[str, Acquisition] | None = None,
) -> dict[str, Acquisition]:
    """Return the acquisitions of the sources: those that are known, or what the JSON beside each file says.

    Args:
        files: By modality.
        person: Whose age and sex go before all others.
        known: By modality, for example of DICOM, whose JSON says nothing of the person.

    Raises:
        UserError: If a sidecar cannot be read.
    """
    about = {key: value for key in PERSON if person and (value := getattr(person, key)) is not None}
    read = {
        name: (known or {}).get(name) or Acquisition.from_bids(sidecar_beside(path)) for name, path in files.items()
    }
    return {name: replace(named(record, name), **about) for name, record in read.items()}


def requested_acquisitions(
    acquisition: Acquisition | Mapping[str, Acquisition] | None,
    targets: Sequence[str],
    source: Acquisition | None,
    grid: Grid,
) -> dict[str, Acquisition]:
    """Complete the requested acquisition of each target.

    Unless given, age and sex are those of the source, and so is the scanner if target and source are both MRI, CT or
    PET. Times, angles and doses are never copied from it. The voxel size is that of the output.

    Args:
        acquisition: The request for the only target, or by target.
        targets: Canonical names.
        source: Acquisition of the first source.
        grid: Of the output.

    Raises:
        UserError: If one acquisition is given for several targets or for another one, a field has no meaning, or the
            voxel size contradicts the grid.

    Example:
        >>> import numpy as np
        >>> request, source = Acquisition(echo_time_ms=95.0), Acquisition(modality="T1w", manufacturer="GE")
        >>> requested = requested_acquisitions(request, ["T2w"], source, Grid((4, 4, 4), np.eye(4)))
        >>> requested["T2w"].to_prompt().split("; ")[2:4]
        ['Scanner: None GE', 'Modality: T2w']
    """
    if isinstance(acquisition, Acquisition) and len(targets) > 1:
        raise UserError(f"one acquisition is given for {', '.join(targets)}; give one by target, or ask for one target")
    by_name = {targets[0]: acquisition} if isinstance(acquisition, Acquisition) else acquisition or {}
    requests = {modality(name).name: record for name, record in by_name.items()}
    unknown = sorted(requests.keys() - set(targets))
    if unknown:
        raise UserError(f"an acquisition is given for {', '.join(unknown)}, but the targets are {', '.join(targets)}")
    for name, record in requests.items():
        _check(record, name, grid)
    completed = {}
    for name in targets:
        record = requests.get(name, Acquisition())
        shared = (*PERSON, *(SCANNER if source and _same_family(source, name) else ()))
        copied = {key: getattr(source, key) for key in shared if source and getattr(record, key) is None}
        completed[name] = replace(named(record, name), voxel_size_mm=grid.voxel_size, **copied)
    return completed


def _same_family(source: Acquisition, name: str) -> bool:
    return source.modality is None or modality(source.modality).family == modality(name).family


def _check(request: Acquisition, name: str, grid: Grid) -> None:
    for key, value in request.known().items():
        if isinstance(value, (int, float)) and not 0 <= value < math.inf:
            raise UserError(f"{key}: {value:g} is no number from 0 up")
    if request.sex not in (None, *prompts.SEXES):
        raise UserError(f"sex: {request.sex!r} is none of {', '.join(prompts.SEXES)}")
    if request.modality is not None and modality(request.modality).name != name:
        raise UserError(f"an acquisition of {request.modality} is given for {name}")
    _check_fields(request, name)
    edges, written = request.voxel_size_mm, grid.voxel_size
    if edges is None:
        return
    lengths = ",".join(f"{edge:g}" for edge in edges)
    if len(edges) != 3:
        raise UserError(f"--voxel {lengths} (voxel_size_mm=): write three lengths in mm, for example 1,1,1")
    if any(abs(a - b) > AGREES_MM for a, b in zip(edges, written, strict=True)):
        raise UserError(
            f"--voxel {lengths} (voxel_size_mm=) contradicts the voxels of {','.join(f'{edge:g}' for edge in written)} "
            f"mm that are written; write others with --target-spacing {lengths} (spacing=), or leave --voxel out"
        )


def _check_fields(request: Acquisition, name: str) -> None:
    """Refuse a field that has no meaning for a modality, and a tracer that contradicts its name."""
    family = modality(name).family
    own = set(prompts.fields(family))
    others = {field for other in prompts.TEMPLATES for field in prompts.fields(other)} - own - set(CONTENT)
    for key in request.known():
        if key in others:
            raise UserError(f"{key} has no meaning for {name}; leave it out")
    if family == "PET" and request.tracer is not None and (own_tracer := tracer_of(name)) not in (None, request.tracer):
        raise UserError(f"tracer: {request.tracer} is given for {name}, whose tracer is {own_tracer}; leave it out")


def check_conditioned(model: Synthesizer, acquisition: Acquisition | Mapping[str, Acquisition] | None) -> None:
    """Refuse a requested acquisition that the network ignores, except for the voxel size, which is that of the output.

    Raises:
        UserError: If nothing in the network reads acquisitions.
    """
    records = [acquisition] if isinstance(acquisition, Acquisition) else list((acquisition or {}).values())
    fields = {key for record in records for key in record.known()} - {"modality", "voxel_size_mm"}
    if fields and not any(isinstance(part, Descriptor) and part.reads_acquisitions for part in model.modules()):
        raise UserError(
            f"this run's network is conditioned on the modality alone, so {', '.join(sorted(fields))} would change "
            "nothing; leave it out, or train a recipe with a conditioner that reads {name: text}"
        )
