"""A last look at what is shared: no name of a subject, no path of the machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from anysyn.errors import UserError

LEAST = 5  # letters of a name that is looked for as it is; shorter ones are words, too
TEXTS, WEIGHTS = (".yaml", ".json", ".md"), ".safetensors"


def check_private(folder: Path, subjects: Collection[str], paths: Collection[str]) -> None:
    r"""Refuse a folder in which the name of a subject, or a path of the training, stands in a text.

    Of weights it is the header that is read: names of tensors, and what else was written there.

    Names such as ``T1`` or ``ann`` are words, too; only names of five letters or more with a digit are looked for.

    Args:
        folder: What is to be shared.
        subjects: Keys of the subjects.
        paths: Where the data of the training are.

    Raises:
        UserError: If so; it names the file and the line, and not the subject.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "README.md").write_text("Trained on brains.\nBest for sub-0042.")
        >>> try:
        ...     check_private(folder, ["sub-0042"], [])
        ... except UserError as error:
        ...     print(error)
        README.md:2: names a subject of the training or a path of its data; change the notes of --card or the recipe
    """
    words = list(_words(subjects, paths))
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(word)}(?![\w-])" for word in words)) if words else None
    for path in sorted(folder.iterdir()):
        for number, line in enumerate(_lines(path), 1):
            if pattern is not None and pattern.search(line):
                raise UserError(
                    f"{path.name}:{number}: names a subject of the training or a path of its data; change the notes of "
                    "--card or the recipe"
                )


def _words(subjects: Collection[str], paths: Collection[str]) -> Iterator[str]:
    yield from filter(None, paths)
    for key in subjects:
        if len(key) >= LEAST and any(map(str.isdigit, key)) and not key.isdigit():
            yield from {key, key.rpartition("/")[2]} if len(key.rpartition("/")[2]) >= LEAST else {key}


def _lines(path: Path) -> list[str]:
    if path.suffix == WEIGHTS:
        with path.open("rb") as file:
            return [file.read(int.from_bytes(file.read(8), "little")).decode("utf-8")]
    return path.read_text(encoding="utf-8").splitlines() if path.suffix in TEXTS else []
