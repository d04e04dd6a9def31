"""Prompts: the known fields of an acquisition as a line of English, and back.

The line for MRI is TUMSyn's, word for word; those for CT and PET follow the same grammar. Every slot is always there,
``None`` for an unknown field, so that a number keeps its position. Numbers are short, because every digit is a token:
one decimal, and below 10 a second one if it is not zero (2.98); an age is written without ``.0``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from anysyn.errors import UserError

_PERSON = "Age: {age_years}; Gender: {sex}; Scanner: "
_VOXEL = "Voxel size: ({voxel_size_mm.0}, {voxel_size_mm.1}, {voxel_size_mm.2}); Imaging parameter "
TEMPLATES = {
    "MRI": _PERSON
    + "{field_strength_t} {manufacturer}; Modality: {modality}; "
    + _VOXEL
    + "TR(ms), TE(ms), TI(ms), and FA(degree): "
    + "({repetition_time_ms}, {echo_time_ms}, {inversion_time_ms}, {flip_angle_deg})",
    "CT": _PERSON
    + "{manufacturer}; Modality: {modality}; "
    + _VOXEL
    + "KVP(kV), tube current(mA), exposure(mAs), and kernel: ({kvp}, {tube_current_ma}, {exposure_mas}, {kernel})",
    "PET": _PERSON
    + "{manufacturer}; Modality: {modality}; Tracer: {tracer}; "
    + _VOXEL
    + "dose(MBq), uptake time(min), frame duration(s), and reconstruction: "
    + "({dose_mbq}, {uptake_time_min}, {frame_duration_s}, {reconstruction})",
}
# Prompts of usual length: an error about a prompt that is too long compares its fields with these. For MRI, TUMSyn's.
USUAL = {
    "MRI": "Age: 12; Gender: M; Scanner: 3.0 Siemens; Modality: T1w; Voxel size: (0.8, 0.8, 0.8); Imaging parameter "
    "TR(ms), TE(ms), TI(ms), and FA(degree): (2500.0, 2.2, 1000.0, 8.0)",
    "CT": "Age: 12; Gender: M; Scanner: Siemens; Modality: CT; Voxel size: (0.5, 0.5, 1.0); Imaging parameter "
    "KVP(kV), tube current(mA), exposure(mAs), and kernel: (120.0, 250.0, 180.0, H31s)",
    "PET": "Age: 12; Gender: M; Scanner: Siemens; Modality: FDG-PET; Tracer: FDG; Voxel size: (1.0, 1.0, 1.0); "
    "Imaging parameter dose(MBq), uptake time(min), frame duration(s), and reconstruction: "
    "(250.0, 45.0, 900.0, OSEM)",
}
WORDS = ("sex", "manufacturer", "modality", "tracer", "kernel", "reconstruction")
SEXES = ("F", "M", "O")
NOTHING = "None"
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_SEPARATORS = re.compile(r"[\s;,:()]+")


def family(modality: str | None) -> str:
    """Return the name of a modality's template: CT, PET, or MRI for all others.

    Example:
        >>> [family(name) for name in ("T2w", "CT", "FDG-PET", None)]
        ['MRI', 'CT', 'PET', 'MRI']
    """
    name = (modality or "").upper()
    return "CT" if name == "CT" else "PET" if name.endswith("PET") else "MRI"


def fields(template: str) -> tuple[str, ...]:
    """Return the fields of an acquisition that a template, one of `TEMPLATES`, contains.

    Example:
        >>> fields("CT")[-4:]
        ('kvp', 'tube_current_ma', 'exposure_mas', 'kernel')
    """
    return tuple(dict.fromkeys(field.partition(".")[0] for _, field in _slots(TEMPLATES[template]) if field))


def write(known: Mapping[str, Any]) -> str:
    """Write a prompt.

    Args:
        known: Fields of an acquisition; a missing one becomes ``None``. In a word, the characters that separate slots
            (comma, semicolon, colon, bracket) become spaces.

    Example:
        >>> write({"modality": "T2w", "repetition_time_ms": 3200, "voxel_size_mm": (0.859, 1, 1)})[45:90]
        'Modality: T2w; Voxel size: (0.86, 1.0, 1.0); '
    """
    pieces = _slots(TEMPLATES[family(known.get("modality"))])
    return "".join(literal + (_written(field, _value(known, field)) if field else "") for literal, field in pieces)


def read(text: str) -> dict[str, Any]:
    """Read a prompt; spaces count once, as the published data files have two before the last bracket.

    Returns:
        The fields that are not None.

    Raises:
        UserError: If the text is no prompt; the message names the position.

    Example:
        >>> read(write({"modality": "CT", "kvp": 120.0, "kernel": "H31s"}))
        {'modality': 'CT', 'kvp': 120.0, 'kernel': 'H31s'}
        >>> read("Age: old; Gender: M")
        Traceback (most recent call last):
        anysyn.errors.UserError: prompt: has no 'Modality: ...;'
        >>> read(write({"modality": "T1w"}).replace("Age: None", "Age: old"))
        Traceback (most recent call last):
        anysyn.errors.UserError: prompt, character 6, age_years: 'old' is neither a number such as 8.0 nor None
    """
    values = {
        field: _read(field, word, f"prompt, character {at + 1}, {field}")
        for field, (at, word) in _positions(" ".join(text.split())).items()
    }
    edges = tuple(values.pop(f"voxel_size_mm.{axis}") for axis in range(3))
    if None in edges and any(edge is not None for edge in edges):
        raise UserError(f"prompt, voxel_size_mm: {edges} is known in part; give three numbers, or None three times")
    known = {field: value for field, value in values.items() if value is not None}
    return known if None in edges else {**known, "voxel_size_mm": edges}


def slots(text: str) -> dict[str, str]:
    """Return the words of a prompt by field, ``voxel_size_mm.0`` and so on for the three of the voxel size.

    Raises:
        UserError: If the text is no prompt.

    Example:
        >>> slots(write({"modality": "T1w", "manufacturer": "GE"}))["manufacturer"]
        'GE'
    """
    return {field: word for field, (_, word) in _positions(" ".join(text.split())).items()}


def short(value: float) -> str:
    """Write a number with one decimal, and below 10 with a second one if it is not zero.

    Example:
        >>> [short(x) for x in (2300, 2.98, 2.999, 122.25, 0.859375)]
        ['2300.0', '2.98', '3.0', '122.2', '0.86']
    """
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return text.removesuffix("0") if text[-3] == "." else text


def padded(text: str, digits: int) -> str:
    """Pad the numbers of a text to the same number of digits, so that digits of the same value have the same position.

    A text tower learns every position separately, and CLIP's byte pairs make each digit a token: if a number gets
    longer, all tokens after it move.

    Args:
        text: A prompt, or any text; digits within a word are not padded.
        digits: Smallest number of digits before the point; after a point there are two.

    Example:
        >>> padded("Age: 9; Modality: T1w; Imaging parameter TE(ms) and TI(ms): (95.5, None)", digits=4)
        'Age: 0009; Modality: T1w; Imaging parameter TE(ms) and TI(ms): (0095.50, None)'
    """

    def wide(number: re.Match[str]) -> str:
        whole, point, part = number[0].partition(".")
        return f"{whole:0>{digits}}{point}{part:0<2}" if point else f"{whole:0>{digits}}"

    return re.sub(r"(?<![\w.])\d+(\.\d+)?(?![\w.])", wide, text)


def _slots(template: str) -> Iterator[tuple[str, str | None]]:
    return ((literal, field) for literal, field, _, _ in Formatter().parse(template))


def _value(known: Mapping[str, Any], field: str) -> Any:
    name, _, axis = field.partition(".")
    value = known.get(name)
    return value if value is None or not axis else value[int(axis)]


def _written(field: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if field in WORDS:
        return _SEPARATORS.sub(" ", value).strip() or NOTHING
    return short(value).removesuffix(".0") if field == "age_years" else short(value)


def _positions(text: str) -> dict[str, tuple[int, str]]:
    """Return the position and the text of each slot."""
    modality = re.search(r"Modality: ([^;]*);", text)
    if modality is None:
        raise UserError("prompt: has no 'Modality: ...;'")
    pieces = [*_slots(TEMPLATES[family(modality[1])])]
    positions, at = dict[str, tuple[int, str]](), 0
    for n, (literal, field) in enumerate(pieces):
        if not text.startswith(literal, at):
            raise UserError(f"prompt, character {at + 1}: expected {literal!r}, found {text[at : at + len(literal)]!r}")
        at += len(literal)
        if field is None:
            break
        end = text.find(pieces[n + 1][0], at)
        if end < 0:
            raise UserError(f"prompt, character {at + 1}, {field}: expected {pieces[n + 1][0]!r} after {text[at:]!r}")
        positions[field], at = (at, text[at:end]), end
    if text[at:]:
        raise UserError(f"prompt, character {at + 1}: {text[at:]!r} stands after the end")
    return positions


def _read(field: str, word: str, where: str) -> str | float | None:
    if word == NOTHING:
        return None
    if field in WORDS:
        if not word or _SEPARATORS.sub(" ", word) != word or (field == "sex" and word not in SEXES):
            choices = ", ".join(SEXES) if field == "sex" else "a word without , ; : ( )"
            raise UserError(f"{where}: {word!r} is neither {choices} nor None")
        return word
    if not _NUMBER.fullmatch(word):
        raise UserError(f"{where}: {word!r} is neither a number such as 8.0 nor None")
    return float(word)
