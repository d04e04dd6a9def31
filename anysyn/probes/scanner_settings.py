"""Settings of a scanner that a sweep varies, and how a sweep is typed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from anysyn.acquisition import Acquisition
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair, parse_pairs
from anysyn.evaluation.tables.format import arrow
from anysyn.registry import suggest

FIELDS = {
    "tr": "repetition_time_ms",
    "te": "echo_time_ms",
    "ti": "inversion_time_ms",
    "fa": "flip_angle_deg",
}
UNITS = {"tr": "ms", "te": "ms", "ti": "ms", "fa": "degrees"}
NAMES = {"tr": "TR", "te": "TE", "ti": "TI", "fa": "flip angle"}


@dataclass(frozen=True)
class Sweep:
    """Name a target that is requested with several values of one setting.

    Args:
        pair: Sources and target.
        key: ``tr``, ``te``, ``ti`` or ``fa``.
        values: In ms, or in degrees; they rise.

    Example:
        >>> str(Sweep(Pair(("T1w",), "T2w"), "te", (60.0, 80.0)))
        'T1w:T2w:te'
    """

    pair: Pair
    key: str
    values: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.pair}:{self.key}"

    @property
    def field(self) -> str:
        """Return the field of an acquisition."""
        return FIELDS[self.key]

    def set_in(self, acquisition: Acquisition, value: float) -> Acquisition:
        """Return an acquisition with another value of the setting.

        Args:
            acquisition: Its other settings stay.
            value: In ms, or in degrees.
        """
        changed: dict[str, Any] = {self.field: value}
        return replace(acquisition, **changed)


def parse_sweep(text: str, modalities: Sequence[str]) -> Sweep:
    """Read a sweep as it is typed.

    Args:
        text: ``"T1w:T2w:te=60,80,100"``, or with several sources ``"T1w+PDw:T2w:te=60,80,100"``.
        modalities: Names that the run knows, in order.

    Raises:
        EvaluationError: If it cannot be read or names a modality that the run does not know.

    Example:
        >>> parse_sweep("T1w:t2:te=80,60", ["T1w", "T2w"]).values
        (60.0, 80.0)
        >>> parse_sweep("T1w:T2w:et=60", ["T1w", "T2w"])
        Traceback (most recent call last):
        anysyn.evaluation.errors.EvaluationError: sweep 'T1w:T2w:et=60': no setting 'et'; choices: fa, te, \
ti, tr
    """
    named, colon, setting = text.rpartition(":")
    key, equals, numbers = (word.strip() for word in setting.partition("="))
    if not (colon and equals and named.count(":") == 1) or "," in named:
        raise EvaluationError(f"sweep {text!r} cannot be read; write it as T1w:T2w:te=60,80,100")
    if key.lower() not in FIELDS:
        raise EvaluationError(f"sweep {text!r}: no setting {key!r}; {suggest(key, sorted(FIELDS))}")
    (pair,) = parse_pairs(named, modalities)
    return Sweep(pair, key.lower(), _values(text, numbers))


def parse_sweeps(texts: Sequence[str], modalities: Sequence[str]) -> tuple[Sweep, ...]:
    """Read several sweeps.

    Raises:
        EvaluationError: If one cannot be read, there is none, or two are of one setting.

    Example:
        >>> [str(one) for one in parse_sweeps(["T1w:T2w:te=60,80", "T1w:T2w:tr=4000"], ["T1w", "T2w"])]
        ['T1w:T2w:te', 'T1w:T2w:tr']
    """
    if not texts:
        raise EvaluationError("there is no sweep; write one as T1w:T2w:te=60,80,100")
    sweeps = tuple(parse_sweep(text, modalities) for text in texts)
    names = [str(one) for one in sweeps]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise EvaluationError(f"there are two sweeps {twice}; give all of its values to one")
    return sweeps


def sweep_label(sweep: str) -> str:
    """Write the name of a sweep for a reader.

    Example:
        >>> sweep_label("T1w:T2w:te")
        'T1w → T2w, TE'
    """
    pair, _, key = sweep.rpartition(":")
    return f"{arrow(pair)}, {NAMES[key]}"


def _values(text: str, numbers: str) -> tuple[float, ...]:
    try:
        values = {float(word) for word in numbers.split(",")}
    except ValueError:
        values = {math.nan}
    if not all(0 < value < math.inf for value in values):
        raise EvaluationError(f"sweep {text!r}: {numbers!r} are no numbers above 0 with commas between")
    return tuple(sorted(values))


def sequence_of(record: Acquisition | None) -> tuple[str, ...]:
    """Return the settings that a sequence has, which tell it from others.

    Example:
        >>> sequence_of(Acquisition(modality="T2w", repetition_time_ms=5000.0, echo_time_ms=95.0))
        ('tr', 'te')
    """
    return tuple(key for key, field in FIELDS.items() if getattr(record, field, None) is not None)
