"""Draw an example of an evaluation as a PNG: sources, synthesis, truth and error in the axial plane.

python docs/pictures/draw.py RUN/evaluation/examples/NAME.npz OUT.png
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from anysyn.evaluation.examples import Example, read_example
from anysyn.figures.planes import error_palette, grey, radiological, relative_error, signed, window_of

AXIAL = 2
Pixels = np.ndarray


def panels(example: Example) -> Iterator[tuple[str, Pixels]]:
    """Yield a title and pixels (H, W, 3) for each image; truth and synthesis share the window of the truth."""
    window = window_of(example.truth, example.mask)
    truth, synthesis = example.truth[AXIAL], example.predictions["model"][AXIAL]
    for name, planes in example.sources.items():
        yield f"source {name}", coloured(grey(planes[AXIAL], window_of(planes, example.mask)))
    yield f"[SYNTHETIC] {example.target}", coloured(grey(synthesis, window))
    yield f"real {example.target}", coloured(grey(truth, window))
    yield "error: -30 % blue, +30 % red", coloured(signed(relative_error(synthesis, truth, window)), error_palette())


def coloured(plane: Pixels, palette: Pixels | None = None) -> Pixels:
    """Turn a plane as a radiologist looks at it, in grey or in the colours of a palette."""
    turned = radiological(plane)
    return np.repeat(turned[..., None], 3, axis=-1) if palette is None else palette[turned]


def draw(example: Path, out: Path) -> None:
    """Draw all panels of an example in a row."""
    images = list(panels(read_example(example)))
    height, width = images[0][1].shape[:2]
    figure = Figure(figsize=(1.7 * len(images), 1.7 * height / width + 0.25), dpi=130)
    for axes, (title, pixels) in zip(figure.subplots(1, len(images)), images, strict=True):
        axes.imshow(pixels)
        axes.set_title(title, fontsize=8)
        axes.set_axis_off()
    top = 1 - 0.25 / figure.get_size_inches()[1]
    figure.subplots_adjust(left=0.002, right=0.998, bottom=0.005, top=top, wspace=0.02)
    figure.savefig(out)
    Image.open(out).convert("RGB").quantize(255).save(out, optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
