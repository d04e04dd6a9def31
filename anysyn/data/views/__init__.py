"""Views: the slices, slabs or patches of a volume that a network takes. Start in `view.py`."""

from anysyn.data.views.patches import Patches
from anysyn.data.views.scaled import ScaledPatches, ScaledSlices
from anysyn.data.views.slices import Slabs, Slices
from anysyn.data.views.view import Boxes, Observed, View
from anysyn.data.views.whole import Whole

__all__ = ["Boxes", "Observed", "Patches", "ScaledPatches", "ScaledSlices", "Slabs", "Slices", "View", "Whole"]
