"""The code that a bundle takes along, so that it prepares, tiles and restores as a run does without anysyn."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

FOLDER = "anysyn_steps"  # below the bundle, where MONAI's command looks for modules
STEPS, INFERER = f"{FOLDER}.volume_steps", f"{FOLDER}.tiled_inferer.TiledInferer"
WRITER = f"{FOLDER}.synthetic_nifti_writer.SyntheticNiftiWriter"
MODULES = (
    "anysyn.arrays.synthetic_nifti_writer",
    "anysyn.data.geometry.boxes",
    "anysyn.data.geometry.itk_resampling",
    "anysyn.data.prepare.measured_windows",
    "anysyn.data.volumes.foreground",
    "anysyn.data.volumes.intensity_window",
    "anysyn.synthesis.notice",
    "anysyn.synthesis.tiling.blending_weights",
    "anysyn.exporting.bundled.tiled_inferer",
    "anysyn.exporting.bundled.volume_steps",
)


def code() -> dict[str, str]:
    """Return the text of each file of code, by its path below the bundle.

    Example:
        >>> sorted(code())[:2]
        ['anysyn_steps/__init__.py', 'anysyn_steps/blending_weights.py']
    """
    files = {"__init__": f'"""Steps of anysyn {version("anysyn")}, Apache-2.0."""\n'}
    files |= {module.rpartition(".")[2]: _standing_alone(module) for module in MODULES}
    return {f"{FOLDER}/{name}.py": text for name, text in files.items()}


def _standing_alone(module: str) -> str:
    """Return the source of a module whose imports of anysyn are those of the folder."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    text = Path(spec.origin).read_text(encoding="utf-8")
    for other in MODULES:
        text = text.replace(f"from {other} import", f"from {FOLDER}.{other.rpartition('.')[2]} import")
    return text
