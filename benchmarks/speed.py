"""Run a published computation and ours side by side: ``python benchmarks/speed.py --help``."""

from __future__ import annotations

import speed_liif
import speed_scheduler
import speed_ssim
import speed_targets
import speed_tile
import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command("liif")(speed_liif.command)
app.command("scheduler")(speed_scheduler.command)
app.command("ssim")(speed_ssim.command)
app.command("targets")(speed_targets.command)
app.command("tile")(speed_tile.command)


@app.callback()
def speed() -> None:
    """Measure CPU seconds and memory, each form alone in a fresh process."""


if __name__ == "__main__":
    app()
