"""What a simulated cohort holds on disk."""

import nibabel as nib
import numpy as np

from anysyn.data.subjects.layouts.bids import bids_name


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def image(cohort, key, name):
    return voxels(cohort / key / bids_name(key, name))


def masked(cohort, key, label, image):
    return image[voxels(cohort / "derivatives" / "masks" / key / "anat" / f"{key}_label-{label}_mask.nii.gz") > 0]
