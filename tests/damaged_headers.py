"""Damaged image headers by the thousand: each is read, resampled and prepared, or refused in one line.

Run as a program it prints what happened, as JSON: ``python damaged_headers.py FOLDER COUNT SEED``.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import struct
import sys
import time
import traceback
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from peak_memory import peak_megabytes

from anysyn.data.prepare import Canonical, Crop, Pipeline, Resample, Rescale
from anysyn.data.volumes.formats import read_header
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume, read_volume, write_volume
from anysyn.errors import UserError
from anysyn.synthesis.files import output_grid

SHAPE = (7, 8, 9)
ENDINGS = (".nii", ".nii.gz", ".mha", ".nrrd", ".mgh", ".mgz")
AFFINE = np.array([[-0.9, 0.1, 0, 30], [0.1, 1.1, 0, -20], [0, 0, 3.3, 10], [0, 0, 0, 1.0]])
NUMBERS = ("0", "-1", "1e9", "1e-9", "1e300", "nan", "inf", "150", "2147483648", "9" * 40, "", "x", "0x10", "4e4")
FIELDS = (
    *("dim", "pixdim", "vox_offset", "scl_slope", "scl_inter", "qform_code", "sform_code", "quatern_b", "quatern_c"),
    *("qoffset_x", "srow_x", "srow_y", "srow_z", "xyzt_units", "datatype", "bitpix"),
)
STEPS = (Canonical(), Crop(), Resample(spacing=(1.0, 1.0, 1.0)), Rescale())


def good(folder: Path) -> dict[str, bytes]:
    """Return the bytes of a sound image in every format, without compression where the name has it."""
    voxels = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) * 500
    contents = {}
    for ending in ENDINGS:
        path = folder / f"good{ending}"
        write_volume(Volume(voxels, AFFINE), path, overwrite=True)
        content = path.read_bytes()
        contents[ending] = gzip.decompress(content) if ending.endswith("z") else content
    return contents


def damaged(content: bytes, ending: str, rng: random.Random) -> bytes:
    """Change a few things in the header, or cut the file."""
    for _ in range(rng.randint(1, 3)):
        if ending in (".mha", ".nrrd"):
            content = rng.choice((text_changed, flipped, cut))(content, rng)
        else:
            change = rng.choice((nifti_changed if ".nii" in ending else mgh_changed, flipped, cut))
            content = change(content, rng)
    return content


def flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(min(len(changed), 400))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)] if rng.random() < 0.3 else content


def text_changed(content: bytes, rng: random.Random) -> bytes:
    """Replace a number of the header's text, or leave a line out, or write it twice."""
    end = content.find(b"\n\n") if content.startswith(b"NRRD") else content.find(b"LOCAL")
    head, rest = content[: max(end, 0)].decode("latin-1"), content[max(end, 0) :]
    lines = head.split("\n")
    row, way = rng.randrange(len(lines)), rng.random()
    if way < 0.15:
        del lines[row]
    elif way < 0.25:
        lines.insert(row, lines[rng.randrange(len(lines))])
    else:
        spans = [match.span() for match in re.finditer(r"-?[\d.]+(?:e-?\d+)?", lines[row])]
        if spans:
            a, b = rng.choice(spans)
            lines[row] = lines[row][:a] + rng.choice(NUMBERS) + lines[row][b:]
    return "\n".join(lines).encode("latin-1") + rest


def nifti_changed(content: bytes, rng: random.Random) -> bytes:
    if len(content) < 348:
        return content
    name = rng.choice(FIELDS)
    kind, offset = nib.Nifti1Header.template_dtype.fields[name]
    count, code = (kind.shape or (1,))[0], {"int16": "<h", "float32": "<f", "uint8": "<B"}[kind.base.name]
    high = {"<h": 32767, "<B": 255}.get(code, 0)
    value = rng.choice([0, 1, 2, 3, high, rng.randint(0, high)]) if high else float(rng.choice(NUMBERS[:8]))
    value = min(value, 3e38) if code == "<f" else value
    at = offset + rng.randrange(count) * struct.calcsize(code)
    return content[:at] + struct.pack(code, value) + content[at + struct.calcsize(code) :]


def mgh_changed(content: bytes, rng: random.Random) -> bytes:
    at = rng.choice(range(0, 28, 4)) if rng.random() < 0.3 else 30 + 4 * rng.randrange(15)
    number = struct.pack(">i", rng.choice([0, -1, 1, 4, 2**31 - 1, 30000])) if at < 28 else None
    with np.errstate(over="ignore"):
        number = number or np.array(float(rng.choice(NUMBERS[:8]))).astype(">f4").tobytes()
    return content[:at] + number + content[at + 4 :]


def use(path: Path, other: Volume) -> None:
    """Do with an image what the commands do before a network sees it."""
    read_header(path)
    volume = read_volume(path)
    for onto in ("T1w", "T2w"):
        study = study_of({"T1w": volume, "T2w": other}, resample_to=onto)
        prepared, undo = Pipeline(STEPS)(study)
        undo(prepared)
        output_grid(study.grid, (1.0, 1.0, 1.0))
    write_volume(volume, path.with_name("again.nii.gz"), overwrite=True)


def main(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Use as many damaged images; return how many were good, the faults, and the worst time and memory."""
    rng, contents = random.Random(seed), good(folder)
    other, worst, used, faults = read_volume(folder / "good.nii"), 0.0, 0, list[str]()
    use(folder / "good.nii", other)
    before = peak_megabytes()
    for number in range(count):
        ending = rng.choice(ENDINGS)
        content, path = damaged(contents[ending], ending, rng), folder / f"x{ending}"
        path.write_bytes(gzip.compress(content, 1) if ending.endswith("z") else content)
        start = time.perf_counter()
        try:
            use(path, other)
            used += 1
        except UserError as error:
            if "\n" in str(error):
                faults.append(f"{number}: {error}")
        except Exception:
            (folder / f"fault{number}{ending}").write_bytes(path.read_bytes())
            faults.append(f"{number}{ending}: {traceback.format_exc()}")
        seconds = time.perf_counter() - start
        if seconds > worst:
            worst = seconds
            (folder / f"slowest{ending}").write_bytes(path.read_bytes())
    grown = peak_megabytes() - before
    return {"used": used, "faults": faults, "seconds": worst, "megabytes": grown}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
