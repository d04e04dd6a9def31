"""What a folder cross-validates, so that a second call goes on with the same and with nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from anysyn.errors import UserError
from anysyn.files import read_json, write_json
from anysyn.recipe import Recipe
from cross_validation.folds import Fold

RECORD = "folds.json"


def check_record(out: Path, recipe: Recipe, folds: Sequence[Fold], pairs: str) -> None:
    """Write recipe, folds and pairs into a new folder, or check that they are those of an earlier call.

    Args:
        out: The folder.
        recipe: The resolved recipe.
        folds: Who is left out of which fold.
        pairs: What is synthesized from what.

    Raises:
        UserError: If the folder was begun with something else.
    """
    asked = {"recipe": recipe.spec(), "folds": [asdict(fold) for fold in folds], "pairs": pairs}
    asked = json.loads(json.dumps(asked))
    if not (out / RECORD).is_file():
        write_json(out / RECORD, asked)
        return
    before = read_json(out / RECORD)
    changed = [key for key, value in asked.items() if before.get(key) != value]
    if changed:
        raise UserError(f"--out {out}: it was begun with other {' and '.join(changed)}; choose another --out")
