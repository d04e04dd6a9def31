"""MONAI's writer of NIfTI for synthetic images; a bundle takes a copy of this file along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nibabel as nib
import numpy as np
from monai.data import ImageWriter, NibabelWriter

from anysyn.synthesis.notice import MARK


class SyntheticNiftiWriter(NibabelWriter):  # type: ignore[misc]
    """Write a synthetic image as `NibabelWriter` does, with the mark and the codes of its world in the header.

    MONAI's own leaves the description empty, so that nothing in the file says that the image is synthetic, and sets the
    codes of qform and sform to 1. Give it to `SaveImage` or `SaveImaged`, for what is synthetic alone.

    Args:
        output_dtype: As for `NibabelWriter`.
        kwargs: As for `NibabelWriter`.

    Example:
        >>> writer = SyntheticNiftiWriter()
        >>> writer.set_data_array(np.zeros((1, 2, 3, 4)))
        >>> writer.set_metadata({"affine": np.eye(4), "sform_code": 4})
        >>> image = writer.image()
        >>> image.header["descrip"].item(), int(image.header["sform_code"]), int(image.header["qform_code"])
        (b'anysyn: synthetic, not for clinical use', 4, 0)
    """

    def __init__(self, output_dtype: Any = np.float32, **kwargs: Any) -> None:
        super().__init__(output_dtype=output_dtype, **kwargs)
        self.codes = (1, 1)

    def set_metadata(self, meta_dict: Mapping[str, Any] | None, resample: bool = True, **options: Any) -> None:
        """Take the place of an image, and what the file of its source said of it.

        Args:
            meta_dict: Its `meta`: ``qform_code`` and ``sform_code``, and what `NibabelWriter` reads.
            resample: As for `NibabelWriter`.
            **options: As for `NibabelWriter`.
        """
        super().set_metadata(meta_dict, resample, **options)
        notes = meta_dict or {}
        codes = max(int(notes.get("qform_code", 0)), 0), max(int(notes.get("sform_code", 0)), 0)
        self.codes = codes if any(codes) else (1, 1)  # MONAI's, where the image says none

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
        image.set_qform(image.affine, code=self.codes[0])
        image.set_sform(image.affine, code=self.codes[1])
        image.header["descrip"] = MARK.encode()
        return image
