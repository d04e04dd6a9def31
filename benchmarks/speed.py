"""Run a published computation and ours side by side: ``python benchmarks/speed.py --help``."""

from __future__ import annotations

import typer
from side_by_side import cohort, liif, loading, memory, scheduler, ssim, start, step, targets, tile, volume, workers

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command("cohort")(cohort.command)
app.command("liif")(liif.command)
app.command("loading")(loading.command)
app.command("memory")(memory.command)
app.command("scheduler")(scheduler.command)
app.command("ssim")(ssim.command)
app.command("start")(start.command)
app.command("step")(step.command)
app.command("targets")(targets.command)
app.command("tile")(tile.command)
app.command("volume")(volume.command)
app.command("workers")(workers.command)


@app.callback()
def speed() -> None:
    """Measure CPU seconds and memory, each form alone in a fresh process or in turns in one."""


if __name__ == "__main__":
    app()
