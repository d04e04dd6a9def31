"""What to cite of a run or a recipe, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from anysyn.citations.bibtex import entry, key_of
from anysyn.packaged.card import read_card
from anysyn.packaged.names import CARD, RECIPE, is_packaged, packaged_run
from anysyn.recipe.read import find, read

OWN = {"title": "anysyn: any-to-any medical image synthesis", "author": "{The anysyn developers}"}


@dataclass(frozen=True)
class Citations:
    """Entries of BibTeX, and what could not be made one.

    Args:
        entries: In the order: papers of the method, data, anysyn.
        notes: A line each.

    Example:
        >>> print(*Citations(("@misc{a,}",), ("data: not named",)).lines(), sep=" / ")
        @misc{a,} /  / % data: not named
    """

    entries: tuple[str, ...]
    notes: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the lines of a file of BibTeX; notes are comments in it."""
        for text in self.entries:
            yield from (*text.splitlines(), "")
        yield from (f"% {note}" for note in self.notes)


def cite(of: str | Path) -> Citations:
    """Return what to cite of a run or a recipe: papers of its method, data in the card of a packaged run, anysyn.

    Args:
        of: A recipe or a run, by its path or its name.

    Raises:
        RecipeError: If it is neither.

    Example:
        >>> "@misc{anysyn," in list(cite("small/label").lines())
        True
    """
    packaged = None if Path(of).exists() else packaged_run(of)  # a recipe of the same name knows nothing of the data
    file = find(of) if packaged is None else packaged / RECIPE
    papers, notes = _papers(read(file).tree.get("paper"))
    folder = file.parent
    about = read_card(folder).about if is_packaged(folder) and (folder / CARD).is_file() else None
    if about is None:
        notes.append("the data of the training are named by no card: cite them as they ask to be")
    made = [entry("misc", "anysyn", {**OWN, "note": f"Software, version {version('anysyn')}, Apache-2.0"})]
    return Citations((*papers, *_data(about or {}), *made), tuple(notes))


def _papers(named: Any) -> tuple[list[str], list[str]]:
    if not isinstance(named, str):
        return [], ["the recipe follows no paper"]
    entries, notes = dict[str, str](), list[str]()
    for text in (part.strip() for part in named.split(";")):
        key = next((key for key, paper in _known().items() if any(word in text for word in paper["known_by"])), None)
        if key is None:
            entries[key_of(text)] = entry("misc", key_of(text), {"note": text})
            notes.append(f"{key_of(text)}: as the recipe names it; complete the entry")
        else:
            fields = {name: value for name, value in _known()[key].items() if name not in ("known_by", "entry")}
            entries[key] = entry(_known()[key]["entry"], key, fields)
    return list(entries.values()), notes


def _data(about: Mapping[str, Any]) -> Iterator[str]:
    """Yield an entry for each data source and each reference of a card."""
    sources, references = about.get("data"), about.get("references")
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, dict) and source.get("name"):
            name, words = str(source["name"]), (source.get("citation"), f"Licence {source.get('license', 'not said')}")
            note = ". ".join(str(word).rstrip(".") for word in words if word)
            yield entry("misc", f"data-{key_of(name)}", {"title": name, "note": note, "url": source.get("url")})
    for text in references if isinstance(references, list) else ():
        yield entry("misc", key_of(str(text)), {"note": text})


@cache
def _known() -> dict[str, dict[str, Any]]:
    text = (files("anysyn.citations") / "papers.yaml").read_text(encoding="utf-8")
    known: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return known
