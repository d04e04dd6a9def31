"""Measure what `anysyn prepare` does to real and simulated heads: ``python benchmarks/prepare.py --help``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from anysyn.data.geometry.grid import Grid
from anysyn.data.subjects.find import find_subjects
from anysyn.data.volumes.foreground import foreground
from anysyn.data.volumes.volume import Volume, read_mask, read_volume
from anysyn.errors import UserError
from anysyn.scans.bias import bias_field
from anysyn.scans.brain import brain_mask, network
from anysyn.scans.brain.mask import dice
from anysyn.scans.registration import RegistrationError, register_rigid
from anysyn.scans.registration.levels import levels_of
from anysyn.scans.registration.rotations import Matrix, apart, rigid

app = typer.Typer(add_completion=False)
HEAD = Path("ms_head_thick_slices", "sub-01", "ses-1")
FLAIR = HEAD / "reg_to_FLAIR" / "FLAIR.nii.gz"
MOTIONS = (
    (0, 0, 0, 0),
    (10, -8, 12, 15),
    (20, 10, -15, 30),
    (35, 0, 0, 60),
    (-25, 20, 20, 40),
)  # degrees about x, y, z; mm
BRAINS = ("ms_brain_1mm/sub-07", "ms_brain_1mm/sub-26", "glioma_brain_1mm/TCGA-DU-7294", "infant_templates/month-00")
BRAINS = (*BRAINS, "infant_templates/month-12")


@app.command()
def command(
    data: Annotated[Path, typer.Argument(help="Folder of the shared real scans.")],
    heads: Annotated[int, typer.Option(help="Simulated heads whose brain is known.")] = 6,
) -> None:
    """Print errors of registration, what its gate refuses, what N4 leaves, and overlaps of brain masks."""
    torch.set_num_threads(1)
    for lines in (registrations(data), refusals(data), bias(data), brains(data), simulated_brains(data, heads)):
        for line in lines:
            typer.echo(line)


def registrations(data: Path) -> Iterator[str]:
    """Yield, by contrast and displacement, how far a head lies from where others registered it."""
    for name in ("T1w", "T2w"):
        raw, theirs = (read_volume(data / HEAD / place / f"{name}.nii.gz") for place in ("raw", "reg_to_FLAIR"))
        flair = read_volume(data / FLAIR)
        truth = registered(raw, theirs)
        for x, y, z, mm in MOTIONS:
            motion = rigid((x, y, z), (mm, 0, 0))
            try:
                found = registered(raw, flair, motion) @ motion
            except RegistrationError as error:
                yield f"raw {name} to FLAIR, moved by {x}, {y}, {z} degrees and {mm} mm: refused, {error}"
                continue
            points = levels_of(flair.voxels, flair.grid, [4.0])[0].points()
            error_mm = apart(np.linalg.inv(found), np.linalg.inv(truth), points)
            yield f"raw {name} to FLAIR, moved by {x}, {y}, {z} degrees and {mm} mm: {error_mm:.2f} mm"


def registered(moving: Volume, fixed: Volume, motion: Matrix | None = None) -> Matrix:
    """Return the motion of a scan, displaced before, onto another one."""
    affine = moving.affine if motion is None else motion @ moving.affine
    return register_rigid(moving.voxels, Grid(moving.shape, affine), fixed.voxels, fixed.grid).matrix


def refusals(data: Path) -> Iterator[str]:
    """Yield how many limbs are refused as a head's contrast."""
    flair = read_volume(data / FLAIR)
    people = sorted((data / "limb_ct_pet").glob("sub-*"))
    refused = 0
    for person in people:
        try:
            registered(read_volume(person / "T1w.nii.gz"), flair)
        except RegistrationError:
            refused += 1
    yield f"T1w of a limb to FLAIR of a head: {refused} of {len(people)} refused"


def bias(data: Path) -> Iterator[str]:
    """Yield how much of a known shading N4 leaves."""
    scan = read_volume(data / "ms_brain_1mm" / "sub-26" / "T1w.nii.gz")
    inside, image = foreground(scan.voxels), scan.voxels.clamp(min=0)
    x, y = (torch.linspace(-1, 1, n) for n in scan.shape[:2])
    shading = torch.exp(0.2 * x[:, None, None] + 0.15 * y.square()[None, :, None]).expand(scan.shape)
    left = bias_field(image * shading, scan.grid, inside) / bias_field(image, scan.grid, inside) / shading
    before, after = (float(field[inside].log().std()) for field in (shading, left))
    yield f"log bias field, standard deviation in the brain: {before:.3f} made, {after:.3f} left by N4"


def brains(data: Path) -> Iterator[str]:
    """Yield the overlap with the outline of scans that were brain-extracted by others."""
    for folder in BRAINS:
        for path in sorted((data / folder).glob("*.nii.gz")):
            if "mask" not in path.name:
                scan = read_volume(path)
                found = network.segment(scan.voxels, scan.affine)
                yield f"brain-extracted {folder} {path.name}: Dice {dice(found, foreground(scan.voxels)):.3f}"


def simulated_brains(data: Path, heads: int) -> Iterator[str]:
    """Yield the overlap with the brain that is known, on simulated whole heads."""
    from anysyn import simulate

    with tempfile.TemporaryDirectory() as folder:
        names = ("T1w", "T2w", "FLAIR")
        simulate(f"{folder}/heads", subjects=heads, labels=data / "label_maps", spacing=1.5, contrasts=names, seed=3)
        for name in names:
            overlaps, refused = [], 0
            for subject in find_subjects(f"{folder}/heads").subjects:
                scan, truth = read_volume(subject.images[name]), read_mask(subject.masks["brain"])
                try:
                    overlaps.append(dice(brain_mask(scan.voxels, scan.grid, name).voxels, truth.voxels))
                except UserError:
                    refused += 1
            mean, least = np.mean(overlaps), min(overlaps)
            yield f"simulated heads, {name}: Dice {mean:.3f}, least {least:.3f} of {len(overlaps)}; refused {refused}"


if __name__ == "__main__":
    app()
