"""PET: SUV and SUVR distinguished from activity concentrations and scaled images."""

from __future__ import annotations

from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.units.percentiles import percentile
from anysyn.data.units.stated import plain

TIMES_CAP = 3.0  # bright voxels beyond so many times the cap of the modality table are no uptake
FAINT = 0.1  # a largest value below this is neither SUV nor SUVR; MBq/mL is
SCALED = 1e-3  # an image whose largest value is this close to 1 was scaled to it

_SPELLINGS = {"SUV": {"suv", "suvbw", "suv(bw)", "suvbodyweight", "g/ml", "g/cc"}, "SUVR": {"suvr", "suvratio"}}
_REMEDIES = {
    "SUV": "divide Bq/mL by the injected dose in Bq (at the time to which decay was corrected) per gram of body weight",
    "SUVR": "divide the image by its mean in the cerebellum",
}


def check_uptake(image: Tensor, inside: Tensor, unit: str, cap: float, stated: str | None) -> str | None:
    """Raise a `VolumeError` with the remedy if a PET cannot be in its unit; return what was assumed.

    The 98th percentile of the foreground is 1.5 to 19.4 SUV in 17 people with sarcoma, and below 3 SUVR for amyloid and
    tau; in Bq/mL it is thousands. Images in kBq/mL lie between: only a sidecar tells these.

    Args:
        image: (X, Y, Z) float32.
        inside: (X, Y, Z) bool, its foreground.
        unit: ``"SUV"`` or ``"SUVR"``.
        cap: Upper end of the window of the modality table.
        stated: The unit that its sidecar states, or None.

    Returns:
        A line if the unit was concluded from the intensities; None if it was stated.

    Example:
        >>> import torch
        >>> check_uptake(torch.tensor([0.5, 7.0]), torch.ones(2, dtype=torch.bool), "SUV", 20.0, None)
        'taken for SUV: its sidecar states no Units, and its bright voxels are about 6.87'
    """
    if stated is not None and plain(stated) not in _SPELLINGS[unit]:
        raise VolumeError(f"is in {stated} and not in {unit}; {_REMEDIES[unit]}")
    bright, most = percentile(image[inside], 98), float(image.max())
    if bright > TIMES_CAP * cap or most < FAINT:
        raise VolumeError(f"values about {bright:g} are no {unit}; {_REMEDIES[unit]}")
    if stated is not None:
        return None
    if abs(most - 1) < SCALED:
        raise VolumeError(
            f"its largest value is 1, as after scaling, and its sidecar states no Units; give it in {unit}, or state "
            f'"Units": "{unit}" in the sidecar (in Python units=)'
        )
    return f"taken for {unit}: its sidecar states no Units, and its bright voxels are about {bright:.3g}"
