"""Labels of a BIDS file's entities that a user asks for: ``{acq: highres, T2w: {run: 2}}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anysyn.data.modalities import modalities, modality, recognise
from anysyn.errors import UserError
from anysyn.registry import suggest

# Those that BIDS 1.10 allows in the name of an image, and that do not make another modality of it as ce and trc do.
ENTITIES = (
    *("ses", "task", "tracksys", "acq", "nuc", "voi", "rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part"),
    *("proc", "hemi", "space", "split", "recording", "chunk", "seg", "res", "den", "desc"),
)

Label = str | int | Sequence[str | int]
Labels = Mapping[str, Label | Mapping[str, Label]]  # by entity, or by modality and entity


class AskedLabels:
    """The labels that are asked for, by entity, for all modalities or for one.

    A file that has another label is left out; one without the entity stays, behind those that have the label.

    Args:
        labels: A label, or several, by entity: ``acq``, ``rec``, ``run``, ``echo``, ``ses`` ...; or such a mapping by
            modality, which decides before the labels for all.
        asked_by: What asks for them, for messages.

    Raises:
        UserError: If there is no such entity or modality.

    Example:
        >>> asked = AskedLabels({"acq": "highres", "T2w": {"run": 2}})
        >>> asked.refusal("T2w", {"run": "01"}), asked.refusal("T1w", {"acq": "highres", "run": "01"})
        ('run is 01, not 2 as data.bids asks', '')
        >>> asked.met("T1w", {"acq": "highres"}), asked.met("T1w", {})
        (1, 0)
    """

    def __init__(self, labels: Labels, asked_by: str = "data.bids") -> None:
        self._by = asked_by
        for key, message in mistakes(labels):
            raise UserError(f"{asked_by}.{'.'.join(key)}: {message}")
        everywhere = {key: value for key, value in labels.items() if not isinstance(value, Mapping)}
        self._all = _plain_labels(everywhere)
        self._own = {
            modality(k).name: _plain_labels(value) for k, value in labels.items() if isinstance(value, Mapping)
        }

    def refusal(self, modality: str, entities: Mapping[str, str]) -> str:
        """Return why a file is left out; "" if its labels are those that are asked for."""
        for entity, labels in self._of(modality).items():
            if entity in entities and _plain(entities[entity]) not in map(_plain, labels):
                return f"{entity} is {entities[entity]}, not {' or '.join(labels)} as {self._by} asks"
        return ""

    def met(self, modality: str, entities: Mapping[str, str]) -> int:
        """Return how many of the entities that are asked for a file has."""
        return sum(entity in entities for entity in self._of(modality))

    def _of(self, modality: str) -> dict[str, tuple[str, ...]]:
        return {**self._all, **self._own.get(modality, {})}


def mistakes(labels: Labels) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what is wrong with labels that a user asks for: the keys that lead to it, and a message.

    Example:
        >>> [(key, message[:21]) for key, message in mistakes({"aqc": "highres", "T1w": {"run": 1}})]
        [(('aqc',), "no entity named 'aqc'")]
    """
    for key, value in labels.items():
        if not isinstance(value, Mapping):
            yield from _unknown((key,))
        elif recognise(key) is None:
            yield (key,), f"no modality named {key!r}; {suggest(key, [one.name for one in modalities()])}"
        else:
            for entity in value:
                yield from _unknown((key, entity))


def _unknown(key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if key[-1] not in ENTITIES:
        yield key, f"no entity named {key[-1]!r}; {suggest(key[-1], ENTITIES)}"


def _plain_labels(labels: Mapping[str, Label]) -> dict[str, tuple[str, ...]]:
    several = {key: [value] if isinstance(value, (str, int)) else value for key, value in labels.items()}
    return {key: tuple(str(label) for label in value) for key, value in several.items()}


def _plain(label: str) -> str:
    return (label.lstrip("0") or "0") if label.isdigit() else label.lower()
