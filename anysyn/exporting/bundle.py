"""Export of a run as a MONAI bundle: the network, and a configuration with which MONAI runs it on image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from anysyn.data.modalities import modality
from anysyn.errors import UserError
from anysyn.exporting.bundle_code import FOLDER, code
from anysyn.exporting.bundle_config import inference, tile_of
from anysyn.exporting.bundle_page import licence_of, page_of
from anysyn.exporting.fixed_network import fixed_network, voxel_size
from anysyn.exporting.formats import Freedom, exported_program, largest_difference, write_program
from anysyn.exporting.volume_network import VolumeNetwork
from anysyn.files import own_alone, whole_results, write_json, write_text
from anysyn.packaged.card import read_card
from anysyn.packaged.names import CARD
from anysyn.progress import Progress
from anysyn.synthesis.loaded_run import LoadedRun

MODEL, CONFIG, METADATA = "models/model.pt2", "configs/inference.json", "configs/metadata.json"
PAGE, LICENCE, LOGGING = "docs/README.md", "LICENSE", "configs/logging.conf"
COMPILED = f"{FOLDER}/__pycache__/*.pyc"  # which Python leaves there once the bundle has run
LOGGED = """[loggers]
keys=root

[handlers]
keys=console

[formatters]
keys=plain

[logger_root]
level=INFO
handlers=console

[handler_console]
class=StreamHandler
level=INFO
formatter=plain
args=(sys.stdout,)

[formatter_plain]
format=%(asctime)s %(levelname)s %(message)s
"""  # without which MONAI warns that there is none
DICOM = {"MRI": "MR", "CT": "CT", "PET": "PT"}


@dataclass(frozen=True)
class Bundle:
    """A MONAI bundle.

    Args:
        folder: Where it lies.
        command: What runs it.
        difference: Largest difference of its network from the run, in prepared intensities.
    """

    folder: Path
    command: str
    difference: float

    def lines(self) -> list[str]:
        """Return what was written, and what runs it."""
        about = f"its network differs from the run by at most {self.difference:.1g}; see {self.folder / PAGE}"
        return [f"{self.folder}: a MONAI bundle; {about}", f"run it: {self.command}"]


def export_bundle(
    run: LoadedRun,
    sources: list[str],
    target: str,
    folder: Path,
    *,
    size: int,
    spacing: Sequence[float] | None,
    overwrite: bool,
    made_by: str,
    progress: Progress | None = None,
) -> Bundle:
    """Write a MONAI bundle.

    Args:
        run: A loaded run, on the CPU.
        sources: Canonical names, in the order of the channels.
        target: Canonical name.
        folder: Folder to make.
        size: At least so many voxels a side has the example.
        spacing: Voxel size in mm that the network is told; by default that which the run resamples to.
        overwrite: Whether an earlier export in the folder may be replaced.
        made_by: The command.
        progress: Shows what is done; None shows nothing.

    Raises:
        UserError: If the network cannot be exported, MONAI has nothing for a step of the preparation, or the folder
            holds something else.
    """
    config = inference(run, sources, target, MODEL)
    network, images = _volume_network(run, sources, target, size, spacing)
    about, edges = _about(run), voxel_size(run, spacing)
    page = page_of(run, sources, target, edges=edges, command=_command(Path("BUNDLE"), sources))
    texts = {PAGE: page, LICENCE: licence_of(about), LOGGING: LOGGED, **code()}
    files = [CONFIG, METADATA, MODEL, *texts]
    allowed = own_alone(folder, made_by=made_by, overwrite=overwrite)
    with whole_results(folder, [*files, COMPILED], made_by=made_by, check=allowed) as inside:
        for file in files:
            (inside / file).parent.mkdir(exist_ok=True)
        program, freedom = exported_program(network, images, progress)
        _check_free(freedom, run)
        write_program(program, inside / MODEL, "torch")
        difference = largest_difference(network, images, inside / MODEL, freedom, "torch", progress) or 0.0
        write_json(inside / METADATA, metadata(run, sources, target, about))
        write_json(inside / CONFIG, config)
        for file, text in texts.items():
            write_text(inside / file, text)
    return Bundle(folder, _command(folder, sources), difference)


def metadata(run: LoadedRun, sources: list[str], target: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``configs/metadata.json``, with the keys that MONAI asks for.

    Args:
        run: The run.
        sources: Canonical names, in the order of the channels.
        target: Canonical name.
        about: Front matter of the run's card; empty if it has none.
    """
    text = f"Synthesizes {target} from {', '.join(sources)}. Synthetic, not for clinical use."
    return {
        "version": str(about.get("version", "0.0.0")),
        "changelog": {str(about.get("version", "0.0.0")): f"exported by anysyn {version('anysyn')}"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {name: version(name) for name in ("nibabel", "scipy", "SimpleITK")},
        "name": f"{run.recipe.name}: {target} from {', '.join(sources)}",
        "task": f"Synthesis of {target} from {', '.join(sources)}",
        "description": text,
        "authors": ", ".join(map(str, about.get("authors", ["not said"]))),
        "copyright": str(about.get("copyright", "not said")),
        "intended_use": str(about.get("intended_use", "not said; not for clinical use")),
        "data_source": str(about.get("data_source", "not said")),
        "network_data_format": {
            "inputs": {"image": _format(sources)},
            "outputs": {"pred": {**_format([target]), "synthetic": True}},
        },
    }


def _format(names: list[str]) -> dict[str, Any]:
    return {
        "type": "image",
        "format": "magnitude",
        "modality": ", ".join(dict.fromkeys(DICOM[modality(name).family] for name in names)),
        "num_channels": len(names),
        "spatial_shape": ["*", "*", "*"],
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": False,
        "channel_def": {str(number): name for number, name in enumerate(names)},
    }


def _volume_network(
    run: LoadedRun, sources: list[str], target: str, size: int, spacing: Sequence[float] | None
) -> tuple[VolumeNetwork, torch.Tensor]:
    """Return the network for pieces of a volume, and an example: a tile of the inferer."""
    network = VolumeNetwork(fixed_network(run, sources, target, size, spacing)[0], run.view).eval()
    tile = [size if edge < 0 else edge for edge in tile_of(run.view)]
    for axis in network.free:
        tile[axis - 2] += -tile[axis - 2] % network.multiple
    return network, torch.rand(1, len(sources), *tile)


def _check_free(freedom: Freedom, run: LoadedRun) -> None:
    if not freedom.size and -1 in tile_of(run.view):
        raise UserError(
            "--format monai-bundle: this run's network can be exported for one size alone, and images differ in size; "
            "call it with anysyn.load"
        )


def _about(run: LoadedRun) -> Mapping[str, Any]:
    packed = run.folder.packaged and (run.folder.path / CARD).is_file()
    return read_card(run.folder.path).about if packed else {}


def _command(folder: Path, sources: list[str]) -> str:
    files = " ".join(f"--{name} {name.lower()}.nii.gz" for name in sources)
    return f"python -m monai.bundle run --config_file {folder / CONFIG} --bundle_root {folder} {files} --output_dir out"
