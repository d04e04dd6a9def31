"""The command that shows and clears the prepared images that trainings keep."""

from __future__ import annotations

from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.shared_options import CacheFolder


def cache(
    cache: CacheFolder = None,
    clear: Annotated[bool, typer.Option("--clear", help="Delete them; a training makes anew what it needs.")] = False,
) -> None:
    """Show how many prepared images trainings keep and how large they are, or delete them."""
    from anysyn.data.loading import cache as prepared

    folder = cache or prepared.user_cache()
    attempt(lambda: print_lines([(prepared.clear if clear else prepared.contents_of)(folder).line(folder, clear)]))
