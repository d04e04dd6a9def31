"""What a message about a file may advise: what the command that is running takes, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

_LISTED = "list the files in a CSV: anysyn data FOLDER --csv subjects.csv"


@dataclass(frozen=True)
class Remedies:
    """The ways in which the user of a command says which file is meant, in the words of its messages.

    Args:
        of_bids: How to choose among several files of a BIDS dataset.
        of_folders: How to choose among several files in folders.
        rename: What to do about a name that is not clear.
        or_named: Follows a remedy that is done to the file itself.
        to_use: Follows why a file is left out that may be wanted all the same.
        if_image: Follows why a file is taken for no image.
        labels: What asks for the labels of BIDS files.

    Example:
        >>> "data.bids" in OF_RECIPE.of_bids, "data.bids" in OF_DATA.of_bids, "data.bids" in OF_TABLE.of_bids
        (True, False, False)
    """

    of_bids: str
    of_folders: str
    rename: str
    or_named: str
    to_use: str
    if_image: str
    labels: str


OF_RECIPE = Remedies(  # of a training: the recipe says how its data are read
    of_bids="say which by data.bids in the recipe, for example data.bids={acq: highres}, by data.names, "
    "or list them in a CSV",
    of_folders=f"say which by data.names in the recipe, or {_LISTED}",
    rename=f"rename it, name it in data.names, or {_LISTED}",
    or_named=", or name it in data.names",
    to_use="; to use it, name it in data.names or list it in a CSV",
    if_image="; if it is an image to use, name it in data.names",
    labels="data.bids",
)
OF_DATA = Remedies(  # of a command with --bids-filter-file, for a run that is trained
    of_bids='say which by --bids-filter-file FILE, a JSON such as {"T1w": {"acq": "highres"}}',
    of_folders=_LISTED,
    rename=f"rename it, or {_LISTED}",
    or_named="",
    to_use="",
    if_image="; if it is an image to use, rename it",
    labels="--bids-filter-file",
)
OF_TABLE = replace(OF_DATA, of_bids=_LISTED, to_use="; to use it, list it in a CSV")  # of any other command
