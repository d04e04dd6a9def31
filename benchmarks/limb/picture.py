"""Draw a slice of a person by several models, a row for each task: ``python benchmarks/limb/picture.py --help``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

if TYPE_CHECKING:
    from anysyn.evaluation.examples import Example

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
AXIAL = 2
Panel = tuple[str, NDArray[np.uint8]]  # a title and the pixels (H, W)


@app.command()
def command(
    out: Annotated[Path, typer.Argument(help="PNG to write.")],
    tasks: Annotated[list[str], typer.Argument(help="Each a row: MODEL=EXAMPLE.npz,MODEL=EXAMPLE.npz of one person.")],
) -> None:
    """Draw examples of evaluations: the sources, the synthesis of each model, the real image in the same window."""
    from anysyn.errors import explain

    try:
        draw([row(task) for task in tasks], out)
    except Exception as error:
        if (said := explain(error)) is None:
            raise
        typer.echo("\n".join(said), err=True)
        raise typer.Exit(1) from None


def row(task: str) -> list[Panel]:
    """Return the panels of a task.

    Args:
        task: ``MODEL=EXAMPLE.npz``, several joined by commas, all of one person and one target.

    Raises:
        UserError: If a word is not of that form, a file is no example, or the examples are not of one case.
    """
    from anysyn.errors import UserError
    from anysyn.evaluation.examples import read_example

    parts = [word.partition("=") for word in task.split(",")]
    if wrong := [name for name, _, path in parts if not path]:
        raise UserError(f"{wrong[0]}: expected MODEL=EXAMPLE.npz")
    examples = {name: read_example(Path(path)) for name, _, path in parts}
    if len(cases := {f"{one.subject} {one.target}" for one in examples.values()}) > 1:
        raise UserError(f"{task}: of {' and '.join(sorted(cases))}; choose examples of one person and one target")
    return list(panels(examples))


def panels(examples: Mapping[str, Example]) -> Iterator[Panel]:
    """Yield every source once, the synthesis of each model, and the real image; a model of fewer sources names its own.

    Args:
        examples: By model, of one person and one target.
    """
    from anysyn.figures.planes import grey, radiological, window_of

    first = next(iter(examples.values()))
    sources = {name: planes for one in examples.values() for name, planes in one.sources.items()}
    for name, planes in sources.items():
        yield name, grey(radiological(planes[AXIAL]), window_of(planes, first.mask))
    window = window_of(first.truth, first.mask)
    for model, one in examples.items():
        own = "" if len(one.sources) == len(sources) else f" ({'+'.join(one.sources)})"
        yield f"[SYNTHETIC] {model}{own}", grey(radiological(one.predictions["model"][AXIAL]), window)
    yield f"real {first.target}", grey(radiological(first.truth[AXIAL]), window)


def draw(rows: Sequence[Sequence[Panel]], out: Path) -> None:
    """Draw the rows below one another; a row may be shorter than others.

    Args:
        rows: At least one, each with a panel.
        out: PNG to write.
    """
    from matplotlib.figure import Figure
    from PIL import Image

    columns = max(map(len, rows))
    height, width = rows[0][0][1].shape
    figure = Figure(figsize=(1.7 * columns, len(rows) * (1.7 * height / width + 0.2)), dpi=110)
    places = figure.subplots(len(rows), columns, squeeze=False)
    for axes in places.flat:
        axes.set_axis_off()
    for line, images in zip(places, rows, strict=True):
        for axes, (title, pixels) in zip(line, images, strict=False):
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
            axes.set_title(title, fontsize=6, pad=2)
    figure.subplots_adjust(left=0.002, right=0.998, bottom=0.005, top=0.96, wspace=0.02, hspace=0.1)
    figure.savefig(out)
    Image.open(out).convert("RGB").quantize(255).save(out, optimize=True)


if __name__ == "__main__":
    app()
