"""What a probe shows: a section of the report's page, built of tables and charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anysyn.evaluation.tables.format import aligned, markdown
from anysyn.figures.pictures import Picture


@dataclass(frozen=True)
class Grid:
    """A table of words for a reader.

    Args:
        headings: Of the columns.
        cells: Rows of as many words.
        caption: What the table shows.
        words: How many of the first columns hold words; numbers follow, which are set to the right.
        title: Heading above it, if it begins something new.
    """

    headings: Sequence[str]
    cells: Sequence[Sequence[str]]
    caption: str = ""
    words: int = 1
    title: str = ""

    def lines(self) -> list[str]:
        """Return the table for a terminal, its columns aligned.

        Example:
            >>> Grid(["modality", "n"], [["T1w", "3"]]).lines()
            ['modality  n', 'T1w       3']
        """
        return aligned([self.headings, *self.cells])

    def markdown(self) -> str:
        """Return the table as Markdown, under its caption."""
        return "\n\n".join(part for part in (self.caption, markdown(self.headings, *self.cells)) if part)


@dataclass(frozen=True)
class Chart:
    """A picture with its caption.

    Args:
        picture: The picture.
        caption: What it shows.
        title: Heading above it, if it begins something new.
    """

    picture: Picture
    caption: str
    title: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Args:
        title: Its heading.
        text: What was asked and how to read the answer, in a few sentences.
        blocks: Tables and charts, in order.
    """

    title: str
    text: str
    blocks: Sequence[Grid | Chart]
