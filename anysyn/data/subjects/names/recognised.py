"""What a file is recognised as: what its name and its sidecar say, weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from anysyn.data.modalities import modality
from anysyn.data.subjects.names.name_words import NameReading
from anysyn.data.subjects.names.naming_table import NamingTable
from anysyn.data.subjects.names.sidecar_evidence import Evidence

NO_CONTRAST = "names no known contrast"


@dataclass(frozen=True)
class Recognised:
    """What a file was recognised as.

    Args:
        name: Canonical name of the modality; None if it is none of the known ones, or if that is unclear.
        reason: What says so. With a name, a list: ``"name: t1, gd; ContrastBolusAgent Gadovist"``. Without one, the end
            of a sentence about the file: ``"is a computed map (t1 map)"``, ``"names no known contrast"``.
        extra: How far the name is from the plainest one of its modality: 3 for each word that the naming table lacks,
            1 for each neutral one or number. Of two files of one modality, the one with less is plainer.
        unclear: Whether it may be one of several, so that the file is refused and not merely ignored.
        agent: The words of the name that say, alone, that a contrast agent was given.
    """

    name: str | None
    reason: str
    extra: int = 0
    unclear: bool = False
    agent: tuple[str, ...] = ()


def weigh(reading: NameReading, seen: Evidence, table: NamingTable) -> Recognised:
    """Join what a name and a sidecar say.

    A sidecar decides if it is about the physics: a phase image, a contrast agent. It may make the name's contrast a
    special case (T2w a FLAIR) or name one if the name does not. If it names another, the file is unclear.
    """
    if seen.none:
        return Recognised(None, seen.none)
    if reading.none:
        word, what = next(iter(reading.none.items()))
        return Recognised(None, f"is {what} ({word})")
    found = _joined(reading, seen, table)
    if found.name is None:
        return found
    return replace(_after_agent(found, reading, seen, table), extra=reading.extra)


def _joined(reading: NameReading, seen: Evidence, table: NamingTable) -> Recognised:
    names, by_name = reading.contrasts, f"name: {', '.join(reading.said)}"
    if seen.description.none and not names:
        return _unnamed(reading, seen)
    claims = [claim for claim in seen.named if len(names) < 2 or claim[0] in names]
    if len(names) > 1:
        possible = [name for name in names if seen.timing.allows(name)]
        claims += [(possible[0], str(seen.timing))] if len(possible) == 1 else []
    if not claims and len(names) != 1:
        return _unnamed(reading, seen)
    name, why = (names[0], by_name) if len(names) == 1 else claims.pop(0)
    for other, field_ in claims:
        if table.refines(other, name):
            name, why = other, f"{why}; {field_}"
        elif other != name and not table.refines(name, other):
            return _contradiction(name, why, other, field_)
    return _timed(name, why, seen, table)


def _unnamed(reading: NameReading, seen: Evidence) -> Recognised:
    if seen.description.none and not reading.contrasts:
        where, what = next(iter(seen.description.none.items()))
        return Recognised(None, f"is {what} ({where})")
    if reading.contrasts:
        return Recognised(None, f"names several contrasts ({', '.join(reading.contrasts)})", unclear=True)
    if reading.unclear:
        word, what = next(iter(reading.unclear.items()))
        return Recognised(None, f"names {what} ({word})", unclear=True)
    if reading.agent:
        return Recognised(None, f"names a contrast agent, not the contrast ({', '.join(reading.agent)})", unclear=True)
    return Recognised(None, NO_CONTRAST)


def _timed(name: str, why: str, seen: Evidence, table: NamingTable) -> Recognised:
    """Heed what says that it cannot be this contrast: a description, the kind of scanner, the timing."""
    if seen.description.none:
        where, what = next(iter(seen.description.none.items()))
        return _contradiction(name, why, what, where)
    if seen.family and seen.family != modality(name).family:
        return _contradiction(name, why, seen.family, "Modality")
    if seen.timing.allows(name):
        return Recognised(name, why)
    finer = [one for one in ("FLAIR", "T2star") if table.refines(one, name) and _fits(one, seen)]
    if len(finer) == 1:
        return Recognised(finer[0], f"{why}; {seen.timing}")
    return Recognised(None, f"is {name} ({why}), which {seen.timing} contradicts", unclear=True)


def _fits(name: str, seen: Evidence) -> bool:
    """Return whether the timing is that of a special kind of T2-weighted image."""
    timing = seen.timing
    late = (timing.inversion or 0) >= 1.2 and (timing.echo or 0) >= 0.06
    return late if name == "FLAIR" else timing.gradient_echo and not timing.inversion and (timing.echo or 0) >= 0.01


def _after_agent(found: Recognised, reading: NameReading, seen: Evidence, table: NamingTable) -> Recognised:
    """Heed a contrast agent.

    Named beside a contrast that has no form after an agent ("FLAIR post") it leaves open what the image is. In a
    sidecar it does not: after an injection, scanners keep the field for the rest of the examination, and T2w, SWI and
    DWI hardly change. Some fill it from the order of the examination, already before the injection: a plain T1w is
    T1c all the same, as the field is a statement about the image, and one whose name says "pre" is unclear.
    """
    name, words = found.name or "", [*reading.agent, *seen.description.agent]
    if name == "T1c" or not (words or seen.agent):
        return found
    agent, after = ", ".join(words) or seen.agent, table.with_agent.get(name)
    if after is None and reading.agent:
        reason = f"is {name} after a contrast agent ({agent}), which no modality is"
        return Recognised(None, reason, unclear=True, agent=tuple(reading.agent))
    if after is None:
        return replace(found, reason=f"{found.reason}; {name} in spite of {agent}")
    before = [*reading.no_agent, *seen.description.no_agent]
    if before and after != name:
        reason = f"is {name} without contrast agent by {', '.join(before)}, with one by {agent}"
        return Recognised(None, reason, unclear=True)
    by_name = () if seen.agent or seen.description.agent else tuple(reading.agent)
    return replace(found, name=after, reason=f"{found.reason}; {agent}", agent=by_name)


def _contradiction(name: str, why: str, other: str, field_: str) -> Recognised:
    return Recognised(None, f"is {name} ({why}), but {other} by its sidecar ({field_})", unclear=True)
