"""The filter file of BIDS Apps, as fMRIPrep has it: which files of a dataset are used, as labels by contrast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from anysyn.data.modalities import modality, recognise
from anysyn.data.subjects.layouts.bids_labels import ENTITIES, Label, Labels, mistakes
from anysyn.errors import UserError
from anysyn.files import read_json
from anysyn.registry import suggest

# Names of the entities as PyBIDS has them, where they are not those of the file's name.
LONG = {
    **{"session": "ses", "acquisition": "acq", "reconstruction": "rec", "direction": "dir", "inversion": "inv"},
    **{"processing": "proc", "hemisphere": "hemi", "resolution": "res", "density": "den", "description": "desc"},
    **{"nucleus": "nuc", "volume": "voi", "modality": "mod", "segmentation": "seg", "mtransfer": "mt"},
}
UNREAD = ("bold", "sbref", "fmap", "roi", "fmri", "asl", "m0scan")  # filters of images that anysyn does not read
_PEOPLE = ("subject", "sub", "participant")
_SAID = ("datatype", "suffix")  # what the contrast says already


def read_filter(path: str | Path) -> Labels:
    """Read a filter file: labels by entity, for each contrast, or for all.

    ``{"t1w": {"datatype": "anat", "acquisition": "highres"}, "flair": {"run": [1, 2]}}``: entities are called as in
    PyBIDS or as in file names, contrasts by any of their names. What is of images that anysyn does not read, such as
    ``bold``, is passed over. A file that has another label is left out; one without the entity stays, behind those that
    have the label.

    Args:
        path: The file.

    Returns:
        The labels, as `find_subjects` and ``data.bids`` of a recipe have them.

    Raises:
        UserError: If it is no such file, or asks for what cannot be asked here; a line for each mistake.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "filter.json"
        >>> _ = file.write_text('{"t1w": {"datatype": "anat", "acquisition": "highres"}, "bold": {"task": "rest"}}')
        >>> read_filter(file)
        {'T1w': {'acq': 'highres'}}
    """
    path = Path(path)
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).removeprefix(f"{path}: ")
        raise UserError(f"{path}: is no filter file that can be read ({reason}); write it as JSON") from error
    if not isinstance(content, dict):
        raise UserError(f'{path}: holds no JSON object; write it as {{"T1w": {{"acq": "highres"}}}}')
    wrong = list[str]()
    labels = dict(_labels(content, wrong))
    wrong += [f"{'.'.join(keys)}: {message}" for keys, message in mistakes(labels)]
    if wrong:
        raise UserError("\n".join(f"{path}: {line}" for line in wrong))
    return labels


def _labels(content: Mapping[str, Any], wrong: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the labels by contrast, or by entity for all contrasts."""
    seen = set[str]()
    for key, value in content.items():
        known = recognise(key)
        if not isinstance(value, dict):
            yield from _entity(key, value, "", wrong)
        elif known is None and key.lower() not in UNREAD:
            wrong.append(f"no contrast named {key!r}; {suggest(key, ['T1w', 'T2w', 'FLAIR', *UNREAD])}")
        elif known is not None and known.name in seen:
            wrong.append(f"{key}: {known.name} stands there twice; write all of its labels at one place")
        elif known is not None:
            seen.add(known.name)
            yield known.name, dict(pair for each in value.items() for pair in _entity(*each, known.name, wrong))


def _entity(key: str, value: Any, name: str, wrong: list[str]) -> Iterator[tuple[str, Label]]:
    """Yield the label of an entity, or nothing if the contrast says it already."""
    where, entity = f"{name}.{key}" if name else key, LONG.get(key, key)
    labels = value if isinstance(value, list) else [value]
    if name and key in _SAID:
        own = getattr(modality(name).bids, key)
        if labels != [own]:
            wrong.append(f"{where}: is {own!r} of every {name}, not {value!r}; leave it out")
    elif key in _PEOPLE:
        wrong.append(f"{where}: people are chosen by --participant-label, not here; leave it out")
    elif entity not in ENTITIES:
        wrong.append(f"{where}: files are not chosen by it here; {suggest(key, [*LONG, *ENTITIES])}")
    elif not labels or not all(map(_is_label, labels)):
        wrong.append(f"{where}: {value!r} is no label; write one as in the names of the files, or a list of some")
    else:
        yield entity, value


def _is_label(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).isalnum()
