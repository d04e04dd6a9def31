"""Whether a synthesis is of the contrast that was asked for: ``python benchmarks/brain_mri/obedience.py --help``.

A small classifier of axial slices learns the contrasts of real people, without those that are tested, and with
``--further`` of others, such as simulated ones. Frozen, it names the real images of the tested people, which says how
good it is, and then what the run synthesizes for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

if TYPE_CHECKING:
    from anysyn.data.records import Subject
    from anysyn.data.volumes.study import Study
    from anysyn.synthesis.loaded_run import LoadedRun

app = typer.Typer(add_completion=False)
SIZE = (80, 96)  # of a slice of 2 mm
FULL = 0.3  # least foreground of a slice, as a share of the fullest one
BATCH = 32


class Slices(NamedTuple):
    """Axial slices (N, 1, *SIZE), scaled by their own bright end, and the numbers of their contrasts (N,)."""

    images: Tensor
    contrasts: Tensor


@app.command()
def command(
    run: Annotated[str, typer.Argument(help="Run folder, or name of a packaged run.")],
    people: Annotated[Path, typer.Option(help="Folder or table of the real people.")],
    test: Annotated[str, typer.Option(help="Subjects to test: sub-07,sub-26; the classifier learns the others.")],
    further: Annotated[Path | None, typer.Option(help="Folder or table of more that the classifier learns.")] = None,
    steps: Annotated[int, typer.Option(help="Of the classifier's training.", min=1)] = 400,
) -> None:
    """Print the share of slices and of volumes that the classifier names right, for real and synthetic images."""
    from anysyn.data.subjects.find import find_subjects
    from anysyn.synthesis import load_run

    subjects, chosen = find_subjects(people).subjects, set(test.split(","))
    loaded = load_run(run)
    others = [subject for subject in subjects if subject.key not in chosen]
    more = find_subjects(further).subjects if further else []
    learned = [loaded.prepare(subject) for subject in (*others, *more)]
    tested = [subject for subject in subjects if subject.key in chosen]
    names = sorted({name for study in learned for name in study.images})
    classifier = _learned(
        _joined([_slices(study.images[n], study, names.index(n)) for study in learned for n in study.images]),
        len(names),
        steps,
    )
    table = pd.DataFrame(list(_rows(loaded, tested, names, classifier)))
    print(table.groupby(["image", "target"])[["slices", "volumes"]].mean().round(3).to_string())
    print(table.groupby("image")[["slices", "volumes"]].mean().round(3).to_string())


def _rows(
    run: LoadedRun, subjects: Sequence[Subject], names: Sequence[str], classifier: nn.Module
) -> Iterator[dict[str, Any]]:
    for subject in subjects:
        study = run.prepare(subject)
        here = [name for name in names if name in study.images]
        for target in here:
            yield {
                "image": "real",
                "target": target,
                **_named(classifier, study.images[target], study, names.index(target)),
            }
            for source in (name for name in here if name != target):
                made = run.predict(study, [source], [target])[target]
                yield {"image": "synthetic", "target": target, **_named(classifier, made, study, names.index(target))}


def _named(classifier: nn.Module, image: Tensor, study: Study, number: int) -> dict[str, float]:
    """Return the share of slices that are named right, and whether most are."""
    slices = _slices(image, study, number)
    with torch.no_grad():
        logits = torch.cat([classifier(part) for part in torch.split(slices.images, BATCH)])  # (N, M)
    found = logits.argmax(1)
    return {
        "slices": float((found == number).float().mean()),
        "volumes": float(logits.softmax(1).mean(0).argmax() == number),
    }


def _slices(image: Tensor, study: Study, number: int) -> Slices:
    inside = study.foreground.flatten(0, 1).sum(0)
    where = (inside > FULL * inside.max()).nonzero().flatten()
    planes = image.float()[:, :, where].permute(2, 0, 1).unsqueeze(1)  # (N, 1, X, Y)
    bright = planes.flatten(1).quantile(0.99, dim=1).clamp(min=1e-6).reshape(-1, 1, 1, 1)
    factor = 2.0 / study.grid.spacing[0]
    small = F.avg_pool2d(planes / bright, max(1, round(factor)))
    return Slices(_centred(small), torch.full((len(small),), number))


def _centred(planes: Tensor) -> Tensor:
    height, width = (wanted - have for wanted, have in zip(SIZE, planes.shape[2:], strict=True))
    return F.pad(planes, (width // 2, width - width // 2, height // 2, height - height // 2))


def _joined(parts: Sequence[Slices]) -> Slices:
    return Slices(torch.cat([part.images for part in parts]), torch.cat([part.contrasts for part in parts]))


def _learned(slices: Slices, count: int, steps: int) -> nn.Module:
    """Train a classifier on slices whose brightness, gamma and side are changed at random."""
    torch.manual_seed(0)
    layers = [
        layer
        for a, b in ((1, 16), (16, 32), (32, 64))
        for layer in (nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(4, b), nn.SiLU())
    ]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, count))
    optimizer, draw = torch.optim.AdamW(model.parameters(), 2e-3), np.random.default_rng(0)
    for _ in range(steps):
        rows = torch.from_numpy(draw.integers(len(slices.images), size=BATCH))
        images = slices.images[rows].clamp(min=0) ** float(np.exp(draw.normal(0, 0.15)))
        images = images.flip(2) if draw.random() < 0.5 else images
        loss = F.cross_entropy(model(images), slices.contrasts[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()


if __name__ == "__main__":
    app()
