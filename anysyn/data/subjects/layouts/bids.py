"""Subjects of a BIDS dataset, and which of several files of a modality is used."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from anysyn.data.errors import SidecarError
from anysyn.data.modalities import ANY, Modality, modalities, modality, recognise
from anysyn.data.records import FoundSubjects
from anysyn.data.subjects.collector import Collector, failure, found_subjects
from anysyn.data.subjects.label_maps import DSEG, table_of
from anysyn.data.subjects.layouts.bids_description import dataset_name, is_made_by_anysyn
from anysyn.data.subjects.layouts.bids_labels import AskedLabels
from anysyn.data.subjects.names.naming import Naming
from anysyn.data.subjects.names.recognised import Recognised
from anysyn.data.subjects.several_files import Candidate
from anysyn.data.subjects.sidecars import Sidecars, entities_of, is_synthetic
from anysyn.data.subjects.tables.participants import age_and_sex, read_people, some
from anysyn.data.subjects.tree import read_tree
from anysyn.data.volumes.formats import stem
from anysyn.errors import UserError

DATATYPES = ("anat", "swi", "dwi", "ct", "pet")
_CONTRAST = ("ce", "trc")  # entities that distinguish modalities with the same suffix
_NOT_OF_THE_SCAN = {"sub", "ses", "run", *_CONTRAST}  # entities that tell no scans of one modality apart
_MAGNITUDE = ("part", "mag")


def is_bids(root: Path) -> bool:
    """Tell whether a folder is a BIDS dataset: it has a description, or subjects with a folder for a data type."""
    patterns = [f"sub-*/{session}{datatype}" for session in ("", "ses-*/") for datatype in DATATYPES]
    return (root / "dataset_description.json").is_file() or any(any(root.glob(pattern)) for pattern in patterns)


def bids_place(key: str) -> tuple[Path, str]:
    """Return the BIDS folder of a subject or session, by its key in any layout, and the beginning of its file names.

    Example:
        >>> [(folder.as_posix(), label) for folder, label in map(bids_place, ["sub-01_ses-1", "BraTS/0042"])]
        [('sub-01/ses-1', 'sub-01_ses-1'), ('sub-BraTS0042', 'sub-BraTS0042')]
    """
    if re.fullmatch(r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?", key):
        return Path(*key.split("_")), key
    label = "sub-" + re.sub(r"[^A-Za-z0-9]", "", key)
    return Path(label), label


def bids_name(key: str, name: str, *, space: str = "", described: str = "") -> str:
    """Return the path of an image relative to the folder of its subject or session.

    Args:
        key: ``"sub-01"`` or ``"sub-01_ses-1"``.
        name: Modality.
        space: ``space-`` label, of the scan whose world it lies in; none by default.
        described: ``desc-`` label that distinguishes it from the acquired image; none by default.

    Example:
        >>> bids_name("sub-001", "T1c"), bids_name("sub-001", "T2w", described="synthetic")
        ('anat/sub-001_ce-gadolinium_T1w.nii.gz', 'anat/sub-001_desc-synthetic_T2w.nii.gz')
    """
    place = modality(name).bids
    labels = {entity: values[0] for entity, values in place.entities.items()}
    labels |= {entity: label for entity, label in (("space", space), ("desc", described)) if label}
    words = "".join(f"_{entity}-{label}" for entity, label in labels.items())
    return f"{place.datatype}/{key}{words}_{place.suffix}.nii.gz"


def read_bids(root: Path, naming: Naming, asked: AskedLabels | None = None) -> FoundSubjects:
    """Find the subjects of a BIDS dataset; each session of a person is a subject.

    Of several files of a modality, those with the labels that ``data.bids`` asks for are used, then that with the
    fewest entities (``sub-01_T1w`` before ``sub-01_acq-highres_T1w``), then the first ``run``. If these do not decide,
    as between two ``acq``, ``rec`` or ``echo``, none is used. Masks are the files ``*_mask`` below
    ``derivatives/masks``, named by their ``label`` or ``desc``. ``participants.tsv`` gives age and sex, and the dataset
    in a column ``site``. Synthetic images are ignored, unless ``data.names`` asks for them.
    """
    tree, sidecars, asked = read_tree(root), Sidecars(root), asked or AskedLabels({})
    dataset = dataset_name(root, tree.failures)
    people, notes = read_people(root, tree.failures)
    collected: dict[Session, Collector] = {}
    ours = {path for path in root.glob("derivatives/*/") if is_made_by_anysyn(path)}
    for folder, names in sorted(tree.folders.items()):
        parts = folder.relative_to(root).parts
        session = _session(parts)
        if ours and root.joinpath(*parts[:2]) in ours:  # what an earlier call of anysyn made is no news
            continue
        if session is None:
            tree.ignored.append(failure("/".join(parts) or root.name, folder, _not_searched(parts, len(names))))
            continue
        images = collected.setdefault(session, _collector(session, people, dataset, naming))
        for path in (folder / name for name in names):
            if parts[0] == "derivatives":
                _add_mask(images, path)
            else:
                _add_image(images, path, sidecars, naming, asked, root)
    found = found_subjects([collected[session] for session in sorted(collected)], tree.failures, tree.ignored)
    return replace(found, notes=(*notes, *_without_row(found, people)))


Session = tuple[str, str]  # of a person, "" if there is but one


def _session(parts: Sequence[str]) -> Session | None:
    """Return whose folder of images or masks a path is; None if it is another one."""
    if parts[:2] == ("derivatives", "masks") and len(parts) > 2 and parts[2].startswith("sub-"):
        return parts[2], next((part for part in parts[3:] if part.startswith("ses-")), "")
    if len(parts) not in (2, 3) or not parts[0].startswith("sub-") or parts[-1] not in DATATYPES:
        return None
    return (parts[0], parts[1] if len(parts) == 3 else "") if len(parts) == 2 or parts[1].startswith("ses-") else None


def _not_searched(parts: Sequence[str], count: int) -> str:
    volumes = f"holds {count} volume{'s' * (count > 1)} and is not searched"
    if parts[:1] == ("derivatives",):
        return f"{volumes}; masks are read from derivatives/masks, a derived dataset if it is named itself"
    return f"{volumes}; images are in sub-*/[ses-*/] {', '.join(DATATYPES)}"


def _collector(session: Session, people: Mapping[str, Mapping[str, str]], dataset: str, naming: Naming) -> Collector:
    row, remedy = people.get(session[0], {}), naming.remedies.of_bids
    return Collector("_".join(filter(None, session)), row.get("site") or dataset, session[0], remedy, age_and_sex(row))


def _add_image(
    images: Collector, path: Path, sidecars: Sidecars, naming: Naming, asked: AskedLabels, root: Path
) -> None:
    given = naming.given(path.relative_to(root))
    if (misplaced := _misplaced(path, root, naming.remedies.or_named)) and given is None:
        computed = not path.name.startswith("sub-")  # SPM writes c1sub-01_T1w beside sub-01_T1w
        (images.ignore if computed else images.leave_out)(path, misplaced)
        return
    try:
        fields = sidecars.of(path)
        meant = given or naming.by_sidecar(
            _modality(path, fields).name, fields, entities_of(stem(path))[0].get("acq", "")
        )
    except SidecarError as error:
        images.leave_out(path, str(error))
        return
    except UserError as error:
        images.ignore(path, str(error))
        return
    entities, _ = entities_of(stem(path))
    refusal = asked.refusal(meant.name, entities) if meant.name else ""
    if meant.unclear:
        images.leave_out(path, f"{meant.reason}; mend the sidecar{naming.remedies.or_named}")
    elif meant.name is None or refusal:
        images.ignore(path, refusal or meant.reason, meant.name)
    elif is_synthetic(fields) and given is None:
        images.ignore(path, f"is synthetic, says its sidecar{naming.remedies.to_use}")
    else:
        images.add(meant.name, _candidate(path, meant, entities, given is not None, asked, sidecars))


def _misplaced(path: Path, root: Path, or_named: str) -> str:
    """Return why a file is none of the person in whose folder it is, as a misplaced copy is."""
    parts = path.relative_to(root).parts
    entities, _ = entities_of(stem(path))
    session = parts[1].removeprefix("ses-") if len(parts) > 3 else entities.get("ses", "")
    if entities.get("sub") != parts[0].removeprefix("sub-"):
        return f"does not begin with {parts[0]}_, though it is in that folder; rename or move it{or_named}"
    if entities.get("ses", session) != session:
        return f"is of ses-{entities['ses']} by its name, but in the folder {parts[1]}; rename or move it"
    return ""


def _candidate(
    path: Path, meant: Recognised, entities: Mapping[str, str], given: bool, asked: AskedLabels, sidecars: Sidecars
) -> Candidate:
    scan = {key: label for key, label in entities.items() if key not in _NOT_OF_THE_SCAN and (key, label) != _MAGNITUDE}
    run = re.match(r"\d+", entities.get("run", ""))
    return Candidate(
        path,
        meant.reason,
        asked=(0 if given else 1) - asked.met(meant.name or "", entities),
        extra=(len(scan),),
        scan=tuple(f"{key}-{label}" for key, label in sorted(scan.items())),
        run=int(run[0]) if run else 0,
        fields=sidecars.of(path),
        sidecars=sidecars.paths(path),
    )


def _modality(path: Path, fields: Mapping[str, Any]) -> Modality:
    entities, suffix = entities_of(stem(path))
    if entities.get("part", "mag") != "mag":
        raise UserError(f"is no magnitude image (part-{entities['part']})")
    labels = {key: entities[key] for key in _CONTRAST if key in entities}
    if suffix == "pet" and "trc" not in labels:
        tracer = fields.get("TracerName")
        if not isinstance(tracer, str):
            raise UserError("names no tracer; give it trc- in its name or TracerName in its sidecar")
        labels["trc"] = tracer
    for known in modalities():
        if known.bids.suffix.lower() == suffix.lower() and _same_contrast(known, labels):
            return known
    words = "_".join([*(f"{key}-{label}" for key, label in labels.items()), suffix])
    return (None if labels else recognise(suffix)) or modality(words)


def _same_contrast(known: Modality, labels: Mapping[str, str]) -> bool:
    allowed = known.bids.entities
    return allowed.keys() == labels.keys() and all(
        ANY in allowed[key] or _plain(label) in map(_plain, allowed[key]) for key, label in labels.items()
    )


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


def _add_mask(images: Collector, path: Path) -> None:
    entities, suffix = entities_of(stem(path))
    if suffix == DSEG and table_of(path) is not None:
        images.add_mask(DSEG, Candidate(path, "its name", extra=(len(entities),), scan=(path.name,)))
        return
    if suffix != "mask":
        images.ignore(path, "is no mask by its name, *_mask")
        return
    name = entities.get("label") or entities.get("desc") or "mask"
    images.add_mask(name, Candidate(path, "its name", extra=(len(entities),), scan=(path.name,)))


def _without_row(found: FoundSubjects, people: Mapping[str, Mapping[str, str]]) -> list[str]:
    persons = sorted({subject.person for subject in found.subjects} - people.keys())
    if not people or not persons:
        return []
    return [f"participants.tsv has no row for {some(persons)}, so age, sex and site are unknown"]
