"""NIfTI files of converted series: with a header that says where the voxels lie, and nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anysyn.data.volumes.formats import sidecar_path
from anysyn.files import replacing
from anysyn.scans.dicom.converter import ConvertedVolume

SCANNER = 1  # code of a form: the world is the scanner's


def write_nifti(path: Path, volume: ConvertedVolume, sidecar: Mapping[str, Any]) -> None:
    """Write a converted volume and its sidecar; neither may be there.

    The header of the converter is not copied, since it may hold comments of the series and times.

    Raises:
        FileExistsError: If one of them is there.
    """
    import nibabel as nib

    image: Any = nib.Nifti1Image(volume.voxels, volume.affine)
    image.header.set_xyzt_units("mm")
    for place in (image.set_sform, image.set_qform):
        place(volume.affine, code=SCANNER)
    with replacing(sidecar_path(path)) as file:
        file.write((json.dumps(dict(sidecar), indent=2, sort_keys=True) + "\n").encode())
    with replacing(path) as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(image.to_bytes())
