"""The command that sends a run to the hub or into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import Overwrite, Run


@allowing_code
def push(
    run: Run,
    to: Annotated[str, typer.Argument(help="hf://OWNER/NAME, or a folder to make.", show_default=False)],
    card: Annotated[Path | None, typer.Option(help="Notes for its card, unless the run is packed already.")] = None,
    public: Annotated[bool, typer.Option("--public", help="A repository that is made is for everybody.")] = False,
    large: Annotated[bool, typer.Option("--large", help="Allow more than 12 MB.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Send a run to the Hugging Face Hub or into a folder: packed first, without a path or a name of a subject."""
    from anysyn.packing.push import push as push_run
    from anysyn.progress import Bar

    options: dict[str, Any] = {"card": card, "public": public, "large": large, "overwrite": overwrite}
    attempt(lambda: printed(push_run(run, to, progress=Bar(), **options)))
