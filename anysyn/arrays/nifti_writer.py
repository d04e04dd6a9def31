"""MONAI's writer of NIfTI, which writes what an image says of itself as well; a bundle takes a copy of it along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nibabel as nib
import numpy as np
from monai.data import ImageWriter, NibabelWriter

LONGEST = 79  # bytes of `descrip` in a header of NIfTI


class NiftiWriter(NibabelWriter):  # type: ignore[misc]
    """Write an image as `NibabelWriter` does, with its description and the codes of its world in the header.

    MONAI's own leaves the description empty, so that nothing in the file says that an image is synthetic, and sets the
    codes of qform and sform to 1. Give it to `SaveImage` or `SaveImaged`.

    Args:
        output_dtype: As for `NibabelWriter`.
        kwargs: As for `NibabelWriter`.

    Example:
        >>> writer = NiftiWriter()
        >>> writer.set_data_array(np.zeros((1, 2, 3, 4)))
        >>> writer.set_metadata({"affine": np.eye(4), "description": "synthetic", "sform_code": 4})
        >>> image = writer.image()
        >>> image.header["descrip"].item(), int(image.header["sform_code"]), int(image.header["qform_code"])
        (b'synthetic', 4, 0)
    """

    def __init__(self, output_dtype: Any = np.float32, **kwargs: Any) -> None:
        super().__init__(output_dtype=output_dtype, **kwargs)
        self.notes: Mapping[str, Any] = {}

    def set_metadata(self, meta_dict: Mapping[str, Any] | None, resample: bool = True, **options: Any) -> None:
        """Take the place of an image and what it says of itself.

        Args:
            meta_dict: Its `meta`: ``description``, ``qform_code`` and ``sform_code``, and what `NibabelWriter` reads.
            resample: As for `NibabelWriter`.
            **options: As for `NibabelWriter`.
        """
        super().set_metadata(meta_dict, resample, **options)
        self.notes = meta_dict or {}

    def write(self, filename: Any, verbose: bool = False, **obj_kwargs: Any) -> None:
        """Write the file.

        Args:
            filename: Its path.
            verbose: Whether it is logged.
            **obj_kwargs: As for `NibabelWriter`.
        """
        ImageWriter.write(self, filename, verbose=verbose)
        self.data_obj = self.image(**obj_kwargs)
        nib.save(self.data_obj, filename)

    def image(self, **obj_kwargs: Any) -> nib.Nifti1Image:
        """Return what is written."""
        image = self.create_backend_obj(self.data_obj, affine=self.affine, dtype=self.output_dtype, **obj_kwargs)
        codes = [max(int(self.notes.get(key, 0)), 0) for key in ("qform_code", "sform_code")]
        qform, sform = codes if any(codes) else (1, 1)  # MONAI's, where the image says none
        image.set_qform(image.affine, code=qform)
        image.set_sform(image.affine, code=sform)
        description = str(self.notes.get("description", "")).encode("ascii", "replace")
        image.header["descrip"] = description[:LONGEST] or image.header["descrip"]
        return image
