"""Run a published computation and ours side by side: ``python benchmarks/speed.py --help``."""

from __future__ import annotations

import typer
from side_by_side import liif, scheduler, ssim, targets, tile

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command("liif")(liif.command)
app.command("scheduler")(scheduler.command)
app.command("ssim")(ssim.command)
app.command("targets")(targets.command)
app.command("tile")(tile.command)


@app.callback()
def speed() -> None:
    """Measure CPU seconds and memory, each form alone in a fresh process."""


if __name__ == "__main__":
    app()
