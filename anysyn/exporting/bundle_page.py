"""The page and the licence of a MONAI bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anysyn.synthesis.loaded_run import LoadedRun


def page_of(run: LoadedRun, sources: Sequence[str], target: str, *, command: str) -> str:
    """Write ``docs/README.md``: how the bundle is run, and what of a synthesis is outside of it.

    Args:
        run: The run.
        sources: Canonical names, in the order of the channels.
        target: Canonical name.
        command: What runs it.
    """
    return "\n".join(_lines(run, sources, target, command)) + "\n"


def licence_of(about: Mapping[str, Any]) -> str:
    r"""Return the text of ``LICENSE``.

    Args:
        about: Front matter of the run's card; empty if it has none.

    Example:
        >>> licence_of({"license": "cc-by-4.0", "copyright": "Copyright 2026 Jane Doe"})
        'Licence of the weights: cc-by-4.0\nCopyright 2026 Jane Doe\n'
    """
    if not about:
        return (
            "The run was not packed, so nothing says under which licence its weights may be used: ask who trained it.\n"
        )
    return f"Licence of the weights: {about.get('license', 'not said')}\n{about.get('copyright', '')}\n"


def _lines(run: LoadedRun, sources: Sequence[str], target: str, command: str) -> Iterator[str]:
    names = ", ".join(f"`{step['name']}`" for step in run.recipe.spec()["data"]["prepare"])
    view = type(run.view).__name__.lower()
    yield f"""# {target} from {", ".join(sources)}

**Synthetic, not for clinical use.** A MONAI bundle of the run `{run.recipe.name}` of anysyn.

```
pip install "monai[fire,nibabel]" scipy
{command}
```

The image is written as `*_synthetic_{target}.nii.gz` on the grid of the first source; its header says that it is
synthetic. The network runs on the CPU.

## What the bundle does as the run does

- It prepares the sources ({names}) with transforms of MONAI, and undoes that after the network.
- It cuts the volume as the run does ({view}), and blends what overlaps.
- It clips to the physical range of {target}; what is air in all sources becomes air.

## What it does otherwise

- **Air is what is 0 (in CT, below -500 HU).** The run segments the head; the bundle takes what is above 0, holes
  filled. So the background has to be 0, as after brain extraction. Where air is noise, set it to 0 before.
- Patches overlap with weights of a Gaussian that only begins and peaks as those of the run; slices and slabs of three
  are blended as the run does.
- An intensity without a unit is put on the scale that was typical in the training.
- It does not ask whether the run suits the scan (`anysyn check` does), and knows nothing of how the images were
  acquired.
- It writes no JSON beside the image. Sources on another grid are resampled to that of the first one."""
