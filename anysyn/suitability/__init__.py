"""Whether a run suits a scan: what its training images look like, and how a scan differs from them.

`appearance.py` measures one image, `profile.py` gathers the training images by contrast, `verdict.py` compares.
"""

from anysyn.suitability.appearance import Appearance, appearance_of, appearances, versions
from anysyn.suitability.profile import Profile, profile_of
from anysyn.suitability.verdict import Finding, Verdict, judge

__all__ = [
    "Appearance",
    "Finding",
    "Profile",
    "Verdict",
    "appearance_of",
    "appearances",
    "judge",
    "profile_of",
    "versions",
]
