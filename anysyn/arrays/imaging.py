"""Images of nibabel and SimpleITK."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from anysyn.arrays.kind import Kind, plain, same_place, single
from anysyn.arrays.plain import LPS, checked
from anysyn.data.geometry.itk_resampling import itk_image
from anysyn.data.volumes.formats.format import Header, check_place, check_shape
from anysyn.data.volumes.formats.nifti import Nifti
from anysyn.data.volumes.formats.nifti_place import affine_of, make_whole
from anysyn.data.volumes.volume import Volume
from anysyn.synthesis.notice import MARK

NOT_OF_THE_ANSWER = ("tr", "flip_angle", "te", "ti", "fov")  # the acquisition in a header of FreeSurfer's


class NiftiImages(Kind):
    """nibabel's NIfTI-1 and NIfTI-2, with the same checks of the header and the same way back as files.

    Example:
        >>> image = nib.Nifti1Image(np.zeros((2, 3, 4), np.uint8), np.diag([1.0, 1, 3, 1]))
        >>> NiftiImages().read(image, None, "T1w").spacing
        (1.0, 1.0, 3.0)
    """

    name = "nibabel NIfTI image"

    def suits(self, image: Any) -> bool:
        """Tell whether it is one."""
        return isinstance(image, nib.Nifti1Pair)

    def read(self, image: Any, affine: NDArray[np.float64] | None, where: str) -> Volume:
        """Return it as a volume with its header."""
        own, path = image.header.copy(), Path(where)
        own.set_data_shape(image.shape)
        make_whole(own, path)
        place, shape = affine_of(own), check_shape(image.shape, path)
        check_place(place, path)
        voxels = plain(np.asanyarray(image.dataobj), where).reshape(shape)
        return Volume(voxels, place, Header(shape, place, own))

    def like(self, image: Any, read: Volume, made: Volume) -> Any:
        """Return it with the codes and the unit of the header."""
        file, voxels = BytesIO(), made.voxels.numpy()
        Nifti().write(file, voxels, made.affine, source=read.header, description=MARK, compress=False)
        two = isinstance(image.header, nib.Nifti2Header)
        return (nib.Nifti2Image if two else nib.Nifti1Image).from_bytes(file.getvalue())


class MghImages(Kind):
    """nibabel's images of FreeSurfer.

    Example:
        >>> image = nib.MGHImage(np.zeros((2, 3, 4), np.float32), np.eye(4))
        >>> MghImages().read(image, None, "T1w").shape
        (2, 3, 4)
    """

    name = "nibabel MGH image"

    def suits(self, image: Any) -> bool:
        """Tell whether it is one."""
        return isinstance(image, nib.MGHImage)

    def read(self, image: Any, affine: NDArray[np.float64] | None, where: str) -> Volume:
        """Return it as a volume."""
        shape, place = check_shape(image.shape, Path(where)), checked(np.asarray(image.affine, np.float64), where)
        return Volume(plain(np.asanyarray(image.dataobj), where).reshape(shape), place)

    def like(self, image: Any, read: Volume, made: Volume) -> Any:
        """Return it with the numbers of the place as they are, and without those of the acquisition."""
        header = image.header.copy() if same_place(read, made) else None
        if header is not None:
            header.set_data_dtype(np.float32)
            for key in NOT_OF_THE_ANSWER:
                header[key] = 0
        return nib.MGHImage(made.voxels.numpy(), made.affine, header)


class ItkImages(Kind):
    """SimpleITK's images, whose world is LPS.

    Example:
        >>> ItkImages().read(itk_image(np.zeros((2, 3, 4)), np.diag([1.0, 1, 3, 1])), None, "T1w").spacing
        (1.0, 1.0, 3.0)
    """

    name = "SimpleITK image"

    def suits(self, image: Any) -> bool:
        """Tell whether it is one."""
        return isinstance(image, sitk.Image)

    def read(self, image: Any, affine: NDArray[np.float64] | None, where: str) -> Volume:
        """Return it as a volume."""
        array = sitk.GetArrayFromImage(image)  # (Z, Y, X), and the channels of colours
        single(array.shape if image.GetNumberOfComponentsPerPixel() == 1 else (*array.shape, 2, 2, 2), where)
        place = np.eye(4)
        place[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
        place[:3, 3] = image.GetOrigin()
        return Volume(plain(array.transpose(2, 1, 0), where), checked(LPS @ place, where))

    def like(self, image: Any, read: Volume, made: Volume) -> Any:
        """Return it in the same place."""
        voxels = made.voxels.numpy()
        answer = itk_image(voxels, made.affine)
        if same_place(read, made):
            answer.CopyInformation(image)
        answer.SetMetaData("ITK_FileNotes", MARK)
        return answer
