"""The card of a packaged run, as it is read: what the run is, where it holds and where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.errors import RecipeError, UserError
from anysyn.files.yaml_tree import TreeError, compose, expand, read_bounded
from anysyn.packaged.names import CARD
from anysyn.text.escaping import one_line
from anysyn.text.in_notebooks import LinesInNotebooks

FENCE = "---\n"


@dataclass(frozen=True)
class Card(LinesInNotebooks):
    """The card of a packaged run.

    Args:
        name: Name of the run.
        size: Bytes of its files.
        about: The front matter: plain mappings, lists and values.
        text: The page below it, in Markdown.

    Example:
        >>> about = {"version": "1.0.0", "modalities": ["T1w", "T2w"], "intended_use": "brains", "limitations": ["CT"]}
        >>> for line in Card("brain", 4_200_000, about, "").lines():
        ...     print(line)
        brain 1.0.0: T1w, T2w; 4.2 MB
          trained on: not said
          holds for: brains
          not for: CT
    """

    name: str
    size: int
    about: Mapping[str, Any]
    text: str

    def __repr__(self) -> str:
        """Return the first of its lines."""
        return f"Card({next(self.lines())})"

    def lines(self) -> Iterator[str]:
        """Yield what a list of runs says of it."""
        version, contrasts = self.about.get("version", ""), _words(self.about.get("modalities"), ", ")
        yield f"{self.name} {version}: {contrasts}; {self.size / 1e6:.1f} MB"
        yield f"  trained on: {_words(self.about.get('trained_on'))}"
        yield f"  holds for: {_words(self.about.get('intended_use'))}"
        yield f"  not for: {_words(self.about.get('limitations'))}"

    def record(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {"name": self.name, "bytes": self.size, **self.about}


def read_card(folder: Path) -> Card:
    """Read the card of a packaged run.

    Args:
        folder: The packaged run.

    Raises:
        UserError: If it is not there or is none.

    Example:
        >>> read_card(Path("nowhere"))
        Traceback (most recent call last):
        anysyn.errors.RecipeError: nowhere/README.md: cannot be read: No such file or directory; name a YAML file ...
    """
    path = folder / CARD
    front, text = _parted(read_bounded(path).replace("\r\n", "\n"), path)
    try:
        node = compose(front)
        about = None if node is None else expand(node).value
    except TreeError as error:
        raise error.within(path) from error
    if not isinstance(about, dict):
        raise RecipeError(f"{path}: its front matter is no mapping; make the card with `anysyn pack`")
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    return Card(folder.resolve().name, size, about, text)


def _parted(text: str, path: Path) -> tuple[str, str]:
    front, fence, rest = text.removeprefix(FENCE).partition("\n" + FENCE)
    if not text.startswith(FENCE) or not fence:
        raise UserError(f"{path}: has no front matter between two lines `---`; make the card with `anysyn pack`")
    return front, rest.lstrip("\n")


def _words(value: Any, between: str = "; ") -> str:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return between.join(one_line(str(item)).rstrip(".") for item in listed) or "not said"
