"""Views: the pieces of a volume that a network sees."""

from anysyn.data.views.patches import Patches
from anysyn.data.views.scaled import ScaledPatches, ScaledSlices
from anysyn.data.views.slices import Slabs, Slices
from anysyn.data.views.view import Boxes, Observed, View
from anysyn.data.views.whole import Whole

__all__ = ["Boxes", "Observed", "Patches", "ScaledPatches", "ScaledSlices", "Slabs", "Slices", "View", "Whole"]
