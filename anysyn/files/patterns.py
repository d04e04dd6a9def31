"""Patterns of names in a manifest: only those that anysyn writes, so that a forged one names files one by one."""

from __future__ import annotations

import re

_LITERAL = r"(?:[^/*?\[]|\[[*?\[]\])+"  # no wildcards but those that `glob.escape` has put in brackets
_NAME = rf"{_LITERAL}(?:/{_LITERAL})*"
_HASH, _SUBJECT = 40 * "[0-9a-f]", "sub-[0-9][0-9][0-9]*"
_PERSON = ("sub-*", "sub-*/ses-*")  # of studies that `anysyn prepare` makes, whatever the people are called
SHAPES = (  # each `{}` is a fixed text
    *("checkpoints/stage[0-9]*-epoch[0-9]*-batch[0-9]*/{}", "samples/[0-9]*-{}-[0-9]*.png"),
    *("tensorboard/{}/events.out.tfevents.[0-9]*", f"{{}}/{_HASH}.safetensors", f"{{}}/contents/{_HASH}"),
    *(f"{_SUBJECT}/*/{_SUBJECT}{{}}", f"derivatives/masks/{_SUBJECT}/anat/{_SUBJECT}{{}}"),
    *(f"derivatives/truth/{_SUBJECT}.json", "derivatives/truth/labels/*.nii*"),
    *("{}_*.npz", "segmenter/*/*.safetensors", "segmenter/*/*.json", f"unfinished/{16 * '[0-9a-f]'}.npz"),
    *(f"{person}/*/sub-*_desc-prepared_*{{}}" for person in _PERSON),
    *(f"derivatives/masks/{person}/anat/sub-*_desc-prepared_mask{{}}" for person in _PERSON),
    *(f"derivatives/bias/{person}/*/sub-*_desc-bias_*{{}}" for person in _PERSON),
    *("derivatives/anysyn/sub-*.json", "anysyn_steps/__pycache__/*.pyc"),
)
_KNOWN = [re.compile(_LITERAL.join(map(re.escape, shape.split("{}")))) for shape in SHAPES]


def fault_of(glob: str) -> str | None:
    """Return why a name or pattern is none that a manifest of anysyn lists; None if it is one.

    A manifest names each file relative to its folder. A pattern is listed only where the names are not known before
    they are written, and has one of the shapes above.

    Args:
        glob: A name, or a pattern as `fnmatch` reads it.

    Example:
        >>> fault_of("examples/T1w_T2w_0.npz"), fault_of("samples/[0-9]*-synthesis-[0-9]*.png")
        (None, None)
        >>> fault_of("samples/*")
        "'samples/*' is no pattern of anysyn's"
        >>> fault_of("../victim.txt")
        "'../victim.txt' leads out of its folder"
    """
    components = glob.split("/")
    if "\\" in glob or any(part in ("", ".", "..") for part in components):
        return f"{glob!r} leads out of its folder"
    return (
        None
        if re.fullmatch(_NAME, glob) or any(shape.fullmatch(glob) for shape in _KNOWN)
        else f"{glob!r} is no pattern of anysyn's"
    )
