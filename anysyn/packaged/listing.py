"""The list of the packaged runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anysyn.errors import UserError, reason
from anysyn.packaged.card import Card, read_card
from anysyn.packaged.names import folder_of, is_packaged, packaged_names, packaged_run
from anysyn.registry import suggest
from anysyn.text.in_notebooks import LinesInNotebooks


@dataclass(frozen=True)
class Models(LinesInNotebooks):
    """The packaged runs of a folder.

    Args:
        folder: The folder.
        cards: Their cards.
        failures: What is there and has no card that can be read, a line each.

    Example:
        >>> list(Models(Path("weights"), (), ()).lines())
        ['no packaged run is in weights; `anysyn pack` makes one of a run folder']
    """

    folder: Path
    cards: tuple[Card, ...]
    failures: tuple[str, ...]

    def __repr__(self) -> str:
        """Return the names."""
        return f"Models({', '.join(card.name for card in self.cards)})"

    def lines(self) -> Iterator[str]:
        """Yield what there is, or that there is nothing."""
        if not self.cards:
            yield f"no packaged run is in {self.folder}; `anysyn pack` makes one of a run folder"
        for card in self.cards:
            yield from card.lines()
        if self.cards:
            yield "what they write is synthetic and not for clinical use; the whole card: anysyn models NAME"


def models(packages: Path | None = None) -> Models:
    """List the packaged runs: what each was trained on, where it holds and where it does not.

    Args:
        packages: Their folder; that of anysyn by default.

    Example:
        >>> models(Path("nowhere")).cards
        ()
    """
    folder, cards, failures = folder_of(packages), list[Card](), list[str]()
    for name in packaged_names(folder):
        try:
            cards.append(read_card(folder / name))
        except (UserError, OSError) as error:
            failures.append(f"{name}: {reason(error)}")
    return Models(folder, tuple(cards), tuple(failures))


def find_card(name: str | Path, packages: Path | None = None) -> Card:
    """Return the card of a packaged run, by its name or its folder.

    Args:
        name: Its name, or a folder that `anysyn pack` made.
        packages: Folder of the packaged runs; that of anysyn by default.

    Raises:
        UserError: If there is none; the message lists the names.

    Example:
        >>> find_card("brain", Path("nowhere"))
        Traceback (most recent call last):
        anysyn.errors.UserError: no packaged run is called 'brain'; choices: none
    """
    folder = Path(name) if is_packaged(Path(name)) else packaged_run(name, packages)
    if folder is None:
        raise UserError(f"no packaged run is called {str(name)!r}; {suggest(name, packaged_names(packages))}")
    return read_card(folder)
