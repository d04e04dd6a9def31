"""The command that says what to cite."""

from __future__ import annotations

from typing import Annotated

import typer

from anysyn.cli.terminal.hidden_names import noted
from anysyn.cli.terminal.outcome import attempt, printed

OF = "YAML file, name of a recipe or a run, or run folder."


def cite(of: Annotated[str, typer.Argument(metavar="RUN_OR_RECIPE", help=OF, callback=noted)]) -> None:
    """Print BibTeX of what to cite: the papers of the method, the data of a packaged run, and anysyn."""
    from anysyn.citations import cite as cited

    attempt(lambda: printed(cited(of)))
