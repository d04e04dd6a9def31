"""The page and the licence of a MONAI bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anysyn.exporting.bundle_code import FOLDER
from anysyn.synthesis.loaded_run import LoadedRun


def page_of(run: LoadedRun, sources: Sequence[str], target: str, *, edges: Sequence[float] | None, command: str) -> str:
    """Write ``docs/README.md``: how the bundle is run, and what of a synthesis is outside of it.

    Args:
        run: The run.
        sources: Canonical names, in the order of the channels.
        target: Canonical name.
        edges: Voxel size in mm that the network is told, or None.
        command: What runs it.
    """
    return "\n".join(_lines(run, sources, target, edges, command)) + "\n"


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


def _lines(
    run: LoadedRun, sources: Sequence[str], target: str, edges: Sequence[float] | None, command: str
) -> Iterator[str]:
    told = (
        f" but contrast and voxels of {'x'.join(f'{edge:g}' for edge in edges)} mm" if edges else " but their contrast"
    )
    names = ", ".join(f"`{step['name']}`" for step in run.recipe.spec()["data"]["prepare"])
    view = type(run.view).__name__.lower()
    yield f"""# {target} from {", ".join(sources)}

**Synthetic, not for clinical use.** A MONAI bundle of the run `{run.recipe.name}` of anysyn.

```
pip install "monai[fire,nibabel]" scipy SimpleITK
{command}
```

The image is written as `*_synthetic_{target}.nii.gz` on the grid of the first source, with the codes of its world; its
header says that it is synthetic. The network runs on the CPU; `--device cuda` moves it to a GPU.

## What the bundle does as the run does

- It finds the head or body, prepares the sources ({names}), and undoes that after the network.
- It cuts the volume as the run does ({view}), and blends what overlaps with the same weights.
- It clips to the physical range of {target}; what is air in all sources becomes air.

What MONAI has no transform for lies in `{FOLDER}/`, copied from anysyn (Apache-2.0); MONAI's command finds it there.

## What it does otherwise

- It knows nothing of how the images were acquired{told}.
- An intensity without a unit is put on the scale that was typical in the training, as the run does.
- It does not ask whether the run suits the scan (`anysyn check` does), and does not guess the unit of a CT, PET or ADC
  image: these have to be in HU, SUV (or SUVR) and 10^-6 mm^2/s.
- It writes no JSON beside the image. Sources on another grid are resampled to that of the first one."""
