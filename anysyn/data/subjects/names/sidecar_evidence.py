"""What a sidecar says of an image's contrast: by its fields, its description and its timing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from anysyn.data.modalities import modality
from anysyn.data.subjects.names.name_words import NameReading, read_name, words_of
from anysyn.data.subjects.names.naming_table import NamingTable

# What a scanner writes if nothing was given. The field may be missing after an injection, too, so none of these says
# that there was none.
_NO_AGENT = {
    "",
    "none",
    "no",
    "n/a",
    "na",
    "nil",
    "null",
    "unknown",
    "false",
    "0",
    "no contrast",
    "without",
    "ohne",
    "sans",
}
_DESCRIPTIONS = ("SeriesDescription", "ProtocolName")
_SEQUENCES = ("SequenceName", "PulseSequenceName", "PulseSequenceDetails")
_LOW_B = 400.0  # s/mm^2; below, perfusion and T2 outweigh diffusion
_DICOM_FAMILIES = {"MR": "MRI", "CT": "CT", "PT": "PET"}


@dataclass
class Evidence:
    """What a sidecar says.

    Args:
        none: What an image of no contrast is; empty if it may have one.
        agent: The contrast agent that was given; empty if that is not known.
        named: Modalities that the sidecar names, each with the field that does.
        description: What the words of the series' description say.
        family: ``MRI``, ``CT`` or ``PET``; empty if unknown.
        timing: Echo, repetition and inversion time in seconds, as far as they are known.
    """

    none: str = ""
    agent: str = ""
    named: list[tuple[str, str]] = field(default_factory=list)
    description: NameReading = field(default_factory=NameReading)
    family: str = ""
    timing: Timing = field(default_factory=lambda: Timing())


@dataclass(frozen=True)
class Timing:
    """Timing of an MRI.

    Args:
        echo: Echo time in seconds; None if unknown.
        inversion: Inversion time in seconds; None if unknown.
        gradient_echo: Whether the echo is not refocused by a second pulse.
    """

    echo: float | None = None
    inversion: float | None = None
    gradient_echo: bool = False

    def allows(self, name: str) -> bool:
        """Return whether an image with this timing can have a contrast; an unknown time allows any.

        The bounds are far outside what is usual: T1-weighted images have echoes below 30 ms, T2-weighted ones and
        FLAIR of 70 ms and more, a FLAIR inverts 1.4 (at 0.06 T) to 2.8 s before, an MPRAGE about 1 s.

        Example:
            >>> Timing(echo=0.09, inversion=2.5).allows("FLAIR"), Timing(echo=0.09).allows("T1w")
            (True, False)
        """
        echo, late = self.echo, self.inversion is not None and self.inversion >= 1.2
        if echo is None or name not in {"T1w", "T1c", "T2w", "FLAIR", "PDw"}:
            return True
        if name == "FLAIR":
            return echo >= 0.03 and (late or self.inversion is None)
        if name == "T2w":
            return echo >= 0.03 and not late and not self.gradient_echo
        return echo < 0.06

    def __str__(self) -> str:
        times = {"EchoTime": self.echo, "InversionTime": self.inversion}
        said = [f"{key} {value:g} s" for key, value in times.items() if value is not None]
        return " and ".join([*said, *(["ScanningSequence GR"] if self.gradient_echo else [])])


def evidence(sidecar: Mapping[str, Any], table: NamingTable) -> Evidence:
    """Return what a sidecar says; what it leaves out says nothing.

    Args:
        sidecar: The fields, as BIDS and dcm2niix write them, times in seconds.
        table: The naming table.

    Example:
        >>> from anysyn.data.subjects.names.naming_table import naming_table
        >>> seen = evidence({"ContrastBolusAgent": "Gadovist", "ImageType": ["ORIGINAL", "P"]}, naming_table())
        >>> seen.agent, seen.none
        ('ContrastBolusAgent Gadovist', 'is an image of phase, or a part of a complex one (ImageType P)')
    """
    seen = Evidence(agent=_agent(sidecar), family=_DICOM_FAMILIES.get(str(sidecar.get("Modality")), ""))
    seen.timing = _timing(sidecar)
    for word in _texts(sidecar.get("ImageType")):
        meaning = table.image_types.get(word.upper())
        if meaning and meaning.kind == "none":
            seen.none = seen.none or f"is {meaning.what} (ImageType {word})"
        elif meaning:
            seen.named.append((meaning.what, f"ImageType {word}"))
    b_value = _number(sidecar.get("DiffusionBValue"))
    if b_value is not None and b_value <= _LOW_B:
        seen.none = seen.none or f"is of little or no diffusion weighting (DiffusionBValue {b_value:g})"
    seen.named += _sequence(sidecar, table)
    seen.none = seen.none or _tracer(sidecar, table, seen.named)
    seen.description = _description(sidecar, table, seen.named)
    if seen.family == "CT" and not seen.named and not seen.description.none:
        seen.named.append(("CT", "Modality CT"))
    return seen


def _sequence(sidecar: Mapping[str, Any], table: NamingTable) -> list[tuple[str, str]]:
    texts = [(key, text) for key in _SEQUENCES for text in _texts(sidecar.get(key))]
    rows = [(key, text, glob) for key, text in texts for glob in table.sequence_names if fnmatch(text.lower(), glob)]
    return [(table.sequence_names[glob], f"{key} {text}") for key, text, glob in rows]


def _tracer(sidecar: Mapping[str, Any], table: NamingTable, named: list[tuple[str, str]]) -> str:
    """Add the modality of the tracer; return what the image is if the table lacks it."""
    for key in ("TracerName", "Radiopharmaceutical"):
        text = " ".join(_texts(sidecar.get(key)))
        known = [name for name in read_name(words_of(text), table).contrasts if modality(name).family == "PET"]
        named += [(name, f"{key} {text}") for name in known]
        if text and not known and key == "TracerName":  # a radiopharmaceutical may be "Solution"
            return f"is a PET of a tracer that the table lacks ({key} {text})"
    return ""


def _description(sidecar: Mapping[str, Any], table: NamingTable, named: list[tuple[str, str]]) -> NameReading:
    """Read the first description that names one contrast or none; a protocol may be of several series."""
    for key in _DESCRIPTIONS:
        text = sidecar.get(key)
        if isinstance(text, str):
            reading = read_name(words_of(text), table)
            if len(reading.contrasts) == 1 and not reading.none:
                named.append((reading.contrasts[0], f"{key} {text!r}"))
            if key == "ProtocolName":  # "BRAIN W/WO GAD" is the whole examination
                reading.agent, reading.no_agent = [], []
            if reading.contrasts or reading.none:
                reading.none = {f"{key} {text!r}": what for what in reading.none.values()}
                return reading
    return NameReading()


def _agent(sidecar: Mapping[str, Any]) -> str:
    for key in ("ContrastBolusAgent", "ContrastBolusIngredient"):
        words = " ".join(_texts(sidecar.get(key))).strip()
        if words.lower() not in _NO_AGENT:
            return f"{key} {words}"
    return ""


def _timing(sidecar: Mapping[str, Any]) -> Timing:
    """Read the times; a value that can only be in milliseconds says nothing, and an echo-planar image has its own."""
    sequence = " ".join(_texts(sidecar.get("ScanningSequence"))).upper()
    if "EP" in sequence:
        return Timing()
    echo, inversion = _number(sidecar.get("EchoTime")), _number(sidecar.get("InversionTime"))
    gradient = "GR" in sequence and "SE" not in sequence
    echo = echo if echo is not None and 0 < echo < 1 else None
    return Timing(echo, inversion if inversion is not None and 0 < inversion < 10 else None, gradient)


def _texts(value: Any) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    return [text.strip() for item in values if isinstance(item, str) for text in item.split("\\") if text.strip()]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
