"""Names and labels of data that mean nothing, in the data of a recipe and of its stages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anysyn.data.subjects.layouts.bids_labels import mistakes
from anysyn.data.subjects.names.naming import meaning_of
from anysyn.errors import UserError
from anysyn.files.yaml_tree import Keys
from anysyn.recipe.sections import Recipe


def data_mistakes(recipe: Recipe) -> Iterator[tuple[Keys, str]]:
    """Yield the keys that lead to each such name or label, and a message.

    Args:
        recipe: The recipe; sections with mistakes are None.
    """
    stages = enumerate(recipe.stages or ())
    sections: list[tuple[Keys, Any]] = [(("data",), recipe.data)]
    sections += [(("stages", i, "data"), getattr(stage, "data", None)) for i, stage in stages]
    for path, data in sections:
        if data is None:
            continue
        for glob, meant in (data.names or {}).items():
            try:
                meaning_of(meant)
            except UserError as error:
                yield (*path, "names", glob), str(error)
        for keys, message in mistakes(data.bids or {}):
            yield (*path, "bids", *keys), message
