"""Draw syntheses of a person beside the real images: ``python benchmarks/brain_mri/picture.py --help``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

    from anysyn.data.volumes.study import Study

app = typer.Typer(add_completion=False)
ACROSS = 2  # rows of pairs side by side


@app.command()
def command(
    run: Annotated[str, typer.Argument(help="Run folder, or name of a packaged run.")],
    out: Annotated[Path, typer.Argument(help="PNG to write.")],
    people: Annotated[Path, typer.Option(help="Folder or table of people.")],
    subject: Annotated[str, typer.Option(help="Whose images.")],
    pairs: Annotated[str, typer.Option(help="T1w:T2w,T1w+T2w:FLAIR.")],
    height: Annotated[
        float, typer.Option(help="Of the axial plane, as a share from bottom to top.", min=0, max=1)
    ] = 0.5,
) -> None:
    """Draw for each pair: first source, [SYNTHETIC], real; each in the window of the real image."""
    from anysyn.data.subjects.find import find_subjects
    from anysyn.evaluation.pairs import parse_pairs
    from anysyn.synthesis import load_run

    loaded = load_run(run)
    study = loaded.prepare(next(one for one in find_subjects(people).subjects if one.key == subject))
    rows = list[NDArray[np.uint8]]()
    for pair in parse_pairs(pairs, loaded.recipe.modalities):
        made = loaded.predict(study, pair.sources, [pair.target])[pair.target].float()
        first, target = pair.sources[0], pair.target
        panels = (
            (study.images[first], first, f"{first} (of {'+'.join(pair.sources)})" if len(pair.sources) > 1 else first),
            (made, target, f"[SYNTHETIC] {target}"),
            (study.images[target], target, f"real {target}"),
        )
        rows.append(np.hstack([_panel(image, _top(study, name), title, height) for image, name, title in panels]))
    Image.fromarray(_grid(rows)).save(out, optimize=True)


def _top(study: Study, name: str) -> float:
    return float(np.percentile(study.images[name][study.foreground].numpy(), 99.5))


def _panel(image: Tensor, top: float, title: str, height: float) -> NDArray[np.uint8]:
    from PIL import ImageDraw

    plane = image[:, :, int(height * (image.shape[2] - 1))].numpy()
    grey = Image.fromarray((np.rot90(np.clip(plane / top, 0, 1)) * 255).astype(np.uint8)[:, ::-1])
    framed = Image.new("L", (grey.width, grey.height + 14))
    framed.paste(grey, (0, 14))
    ImageDraw.Draw(framed).text((2, 1), title, fill=255)
    return np.asarray(framed)


def _grid(rows: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    lines = [np.hstack(rows[n : n + ACROSS]) for n in range(0, len(rows), ACROSS)]
    width = max(line.shape[1] for line in lines)
    return np.vstack([np.pad(line, ((0, 0), (0, width - line.shape[1]))) for line in lines])


if __name__ == "__main__":
    app()
