"""The inventory as a command says it and keeps it beside its results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.subjects_csv import write_subjects_csv
from anysyn.data.inventory.summary import summary

LIST = "subjects.csv"


def record(inventory: Inventory, folder: Path, say: Callable[[str], None]) -> None:
    """Say the summary of an inventory, and keep the whole as ``subjects.csv`` and ``subjects-left-out.csv``.

    A list of an earlier call is replaced; a table that the subjects were read from stays.

    Args:
        inventory: What was read.
        folder: Folder of the results.
        say: Shows a line.

    Raises:
        UserError: If the folder holds a file of that name that anysyn did not write.
        OSError: If the folder cannot be written.

    Example:
        >>> import tempfile
        >>> from anysyn.data.records import FoundSubjects, Subject
        >>> found = FoundSubjects((Subject("01", "IXI", {"T1w": Path("t1.nii.gz")}, {}, {}),), ())
        >>> folder = Path(tempfile.mkdtemp())
        >>> record(Inventory(root=Path("IXI"), found=found), folder, lambda line: None)
        >>> (folder / "subjects.csv").read_text().splitlines()[0]
        'subject,person,dataset,age,sex,split,T1w'
    """
    for line in summary(inventory, listed_in=folder / LIST):
        say(line)
    keep(inventory, folder)


def keep(inventory: Inventory, folder: Path) -> None:
    """Keep the lists of an inventory, as `record` does.

    Raises:
        UserError: If the folder holds a file of that name that anysyn did not write.
        OSError: If the folder cannot be written.
    """
    path = folder / LIST
    if path.resolve() == inventory.root.resolve():
        return
    write_subjects_csv(inventory, path, overwrite=True)
