"""What contrast a file is, by the names that a user gives, its own name and its sidecar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

from anysyn.data.modalities import Modality, modalities, modality
from anysyn.data.subjects.names.name_words import NameReading, read_name, words_of
from anysyn.data.subjects.names.naming_table import NamingTable, naming_table
from anysyn.data.subjects.names.recognised import Recognised, weigh
from anysyn.data.subjects.names.sidecar_evidence import Evidence, evidence
from anysyn.data.subjects.remedies import OF_RECIPE, Remedies
from anysyn.data.volumes.formats import stem
from anysyn.errors import UserError
from anysyn.registry import suggest

NONE = "none"  # what a user calls a file that is no contrast


@dataclass(frozen=True)
class Naming:
    """How files are called.

    Args:
        names: Modality, or ``"none"``, by a glob of the file's name without its ending, or of its path below the root
            if the glob has a slash; the first one that matches decides, before the name and the sidecar do.
        table: What the words of names mean.
        below: Where the folder that is read lies below the root.
        remedies: How the user may say more, for messages.

    Raises:
        UserError: If ``names`` has an unknown modality.

    Example:
        >>> naming = Naming({"*_post": "T1c", "*voided*": "none"})
        >>> naming.given(PurePath("p1/scan_post.nii.gz")).name, naming.contrast(["t2", "flair", "n4"]).name
        ('T1c', 'FLAIR')
        >>> naming.contrast(["T1w"], {"ContrastBolusAgent": "Gadovist"}).name
        'T1c'
    """

    names: Mapping[str, str] = field(default_factory=dict)
    table: NamingTable = field(default_factory=naming_table, repr=False)
    below: PurePath = field(default=PurePath(), repr=False)
    remedies: Remedies = field(default=OF_RECIPE, repr=False)

    def __post_init__(self) -> None:
        for glob, meant in self.names.items():
            try:
                meaning_of(meant)
            except UserError as error:
                raise UserError(f"names: {glob}: {error}") from error

    def given(self, path: PurePath) -> Recognised | None:
        """Return what the user's names say of a file, by its path below the folder that is read; None for nothing."""
        whole = (self.below / path).as_posix()
        name = stem(Path(path))
        for glob, meant in self.names.items():
            if fnmatch((whole if "/" in glob else name).lower(), glob.lower()):
                return Recognised(meaning_of(meant), f"names: {glob} is {meant}")
        return None

    def contrast(self, words: Sequence[str], sidecar: Mapping[str, Any] | None = None) -> Recognised:
        """Return what the words of a file's name and its sidecar say.

        Args:
            words: Words, as `name_words.words_of` splits a name; glued ones (``AxT1Post``) may be.
            sidecar: Fields of the file's sidecar.
        """
        return weigh(read_name(words, self.table), evidence(sidecar or {}, self.table), self.table)

    def by_sidecar(self, name: str, sidecar: Mapping[str, Any], label: str = "") -> Recognised:
        """Return what a file is that is clearly named, as by the suffix of BIDS, once its sidecar is heeded.

        Args:
            name: Modality that the name gives.
            sidecar: Fields of the file's sidecar.
            label: What the name says of the acquisition, the label of ``acq``: it may name an agent.

        Example:
            >>> Naming().by_sidecar("T1w", {"ContrastBolusAgent": "Dotarem"}).name
            'T1c'
            >>> Naming().by_sidecar("T1w", {}, "post").name, Naming().by_sidecar("T1w", {}, "highres").name
            ('T1c', 'T1w')
            >>> Naming().by_sidecar("T1w", {"EchoTime": 0.1}).reason
            'is T1w (name: T1w), which EchoTime 0.1 s contradicts'
        """
        canonical, said = modality(name).name, read_name(words_of(label), self.table)
        agent = said.agent if canonical in self.table.with_agent else []  # a T2w after an agent is still one
        reading = NameReading(contrasts=[canonical], said=[name], agent=agent, no_agent=said.no_agent)
        return weigh(reading, evidence(sidecar, self.table), self.table)

    def column(self, name: str) -> Modality | None:
        """Return the modality that the name of a table's column means; None if a word of it says something else.

        Example:
            >>> Naming().column("t1 post gado").name, Naming().column("T2 lesion count")
            ('T1c', None)
        """
        reading = read_name(words_of(name), self.table)
        meant = weigh(reading, Evidence(), self.table).name
        return modality(meant) if meant and not reading.unknown else None


def meaning_of(word: str) -> str | None:
    """Return the modality that a user's word means; None for ``none``.

    Raises:
        UserError: If it is neither; the message gives the choices.
    """
    if str(word).lower() == NONE:
        return None
    try:
        return modality(str(word)).name
    except UserError:
        choices = [*(known.name for known in modalities()), NONE]
        raise UserError(f"no modality named {word!r}; {suggest(word, choices)}") from None
