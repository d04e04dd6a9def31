"""Labels of a BIDS file's entities that a user asks for: ``{acq: highres, T2w: {run: 2}}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anysyn.data.modalities import modalities, recognise
from anysyn.errors import UserError
from anysyn.registry import suggest

# Those that BIDS 1.10 allows in the name of an image, and that do not make another modality of it as ce and trc do.
ENTITIES = (
    *("ses", "task", "tracksys", "acq", "nuc", "voi", "rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part"),
    *("proc", "hemi", "space", "split", "recording", "chunk", "seg", "res", "den", "desc"),
)

Label = str | int | Sequence[str | int]
Labels = Mapping[str, Label | Mapping[str, Label]]


class AskedLabels:
    """The labels that are asked for, by entity, for all modalities or for one.

    A file that has another label is left out; one without the entity stays, behind those that have the label.

    Args:
        labels: A label, or several, by entity: ``acq``, ``rec``, ``run``, ``echo``, ``ses`` ...; or such a mapping by
            modality, which decides before the labels for all.

    Raises:
        UserError: If there is no such entity or modality.

    Example:
        >>> asked = AskedLabels({"acq": "highres", "T2w": {"run": 2}})
        >>> asked.refusal("T2w", {"run": "01"}), asked.refusal("T1w", {"acq": "highres", "run": "01"})
        ('run is 01, not 2 as data.bids asks', '')
        >>> asked.met("T1w", {"acq": "highres"}), asked.met("T1w", {})
        (1, 0)
    """

    def __init__(self, labels: Labels) -> None:
        self._all = {key: _labels(key, value) for key, value in labels.items() if not isinstance(value, Mapping)}
        self._own = {
            _modality(key): {entity: _labels(f"{key}.{entity}", label) for entity, label in value.items()}
            for key, value in labels.items()
            if isinstance(value, Mapping)
        }

    def refusal(self, modality: str, entities: Mapping[str, str]) -> str:
        """Return why a file is left out; "" if its labels are those that are asked for."""
        for entity, labels in self._of(modality).items():
            if entity in entities and _plain(entities[entity]) not in map(_plain, labels):
                return f"{entity} is {entities[entity]}, not {' or '.join(labels)} as data.bids asks"
        return ""

    def met(self, modality: str, entities: Mapping[str, str]) -> int:
        """Return how many of the entities that are asked for a file has."""
        return sum(entity in entities for entity in self._of(modality))

    def _of(self, modality: str) -> dict[str, tuple[str, ...]]:
        return {**self._all, **self._own.get(modality, {})}


def _labels(key: str, value: Label) -> tuple[str, ...]:
    entity = key.rpartition(".")[2]
    if entity not in ENTITIES:
        known = suggest(entity, [*ENTITIES, *(one.name for one in modalities())])
        raise UserError(f"data.bids.{key}: no entity of BIDS, nor a modality with a mapping, is named so; {known}")
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return tuple(str(label) for label in several)


def _modality(key: str) -> str:
    known = recognise(key)
    if known is None:
        raise UserError(f"data.bids.{key}: no modality named so; {suggest(key, [one.name for one in modalities()])}")
    return known.name


def _plain(label: str) -> str:
    return (label.lstrip("0") or "0") if label.isdigit() else label.lower()
