"""Files that were computed from images: masks and what SPM and CAT12 write, by the form of their names."""

from __future__ import annotations

import re
from collections.abc import Collection

MASK_WORDS = {
    *("msk", "mask", "seg", "segm", "dseg", "segmentation", "label", "labels", "lesion", "roi"),
    *("maske", "masque", "maschera", "mascara", "segmentierung", "segmentazione", "segmentacion"),
}
# One word for what is masked and the mask, as in "lesionmask", "Tumormaske"; "masked" is an image.
_GLUED_MASK = re.compile(
    r"\w{3,}(masks?|masken?|masque|maschera|segmentation|segmentierung)|(tumou?r|lesion|brain|wmh|core)(seg|labels?)",
    re.IGNORECASE,
)
# SPM and CAT12 put letters before the name of the image: c1T1, p1T1, rc1T1, mwp1T1, y_T1; p1_T1 is a person's. An image
# itself may be moved (r), corrected (m), normalized (w) or smoothed (s) and stays one.
_TISSUE = re.compile(r"(u_)?s?\d{0,2}(m0?)?w?r?(c[1-6]|p[0-3])(?=[A-Za-z])")
_FIELD = re.compile(r"(i?y|u)_(?=.)")


def is_mask_word(word: str) -> bool:
    """Return whether a word of a file's name says that it is a mask.

    Example:
        >>> is_mask_word("seg"), is_mask_word("Tumormaske"), is_mask_word("masked")
        (True, True, False)
    """
    return word.lower() in MASK_WORDS or _GLUED_MASK.fullmatch(word) is not None


def computed_by_spm(name: str, folders: Collection[str] = ()) -> str:
    """Return what SPM or CAT12 computed, by a file's name without its ending; "" if it is no such name.

    Args:
        name: The name.
        folders: Names of the folders above; what begins as one of them is a person, as ``c1a_T1`` in ``c1a`` is.

    Example:
        >>> computed_by_spm("p1sub-01_T1w"), computed_by_spm("y_T1"), computed_by_spm("wmT1"), computed_by_spm("p1_T1")
        ('is a tissue map of SPM (p1)', 'is a deformation field of SPM (y_)', '', '')
        >>> computed_by_spm("c1a_T1", ["c1a"])
        ''
    """
    if any(name.startswith(folder) for folder in folders):
        return ""
    if tissue := _TISSUE.match(name):
        return f"is a tissue map of SPM ({tissue[0]})"
    field = _FIELD.match(name)
    return f"is a deformation field of SPM ({field[0]})" if field else ""
