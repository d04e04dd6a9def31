"""The page beside an exported network: what goes in, what comes out, and what of the preparation is outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anysyn.data.modalities import modality
from anysyn.exporting.fixed_network import FixedNetwork
from anysyn.exporting.formats import AGREES, Freedom
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.versions import versions


def facts_of(
    run: LoadedRun,
    network: FixedNetwork,
    shape: tuple[int, ...],
    freedom: Freedom,
    edges: tuple[float, float, float] | None,
) -> dict[str, Any]:
    """Return what a program that calls the network has to know, for JSON.

    Args:
        run: The run.
        network: Its network, with sources and target fixed.
        shape: Of the example that it was exported with.
        freedom: What may vary in its input.
        edges: Voxel size in mm that it is told, or None.
    """
    names, windows = list(run.recipe.modalities), run.pipeline.typical.windows(run.dataset or "")
    sources, target = [names[number] for number in network.sources], names[network.target]
    return {
        "Synthetic": True,
        "Description": "Network for synthetic images, not for clinical use.",
        "Recipe": run.recipe.name,
        "Sources": sources,
        "Target": target,
        "InputShape": list(shape),
        "AnyBatch": freedom.batch,
        "AnySize": freedom.size,
        "SizeMultipleOf": network.multiple,
        "VolumeAxes": [("x", "y", "z")[axis] for axis in run.view.spatial],
        "Prepare": run.recipe.spec()["data"]["prepare"],
        "TypicalWindow": list(windows[target]) if target in windows else None,
        "PhysicalRange": list(modality(target).range),
        "Dataset": run.dataset,
        "VoxelSize": None if edges is None else list(edges),
        "Versions": versions(),
    }


def card_of(facts: dict[str, Any], file: str) -> str:
    """Write the page.

    Args:
        facts: What `facts_of` returned.
        file: Name of the file of the network.
    """
    return "\n".join(_lines(facts, file)) + "\n"


def _lines(facts: dict[str, Any], file: str) -> Iterator[str]:
    sources, target, multiple = ", ".join(facts["Sources"]), facts["Target"], facts["SizeMultipleOf"]
    yield from (f"# {target} from {sources}", "", f"**{facts['Description']}** Recipe `{facts['Recipe']}`.", "")
    yield from ("## What goes in and what comes out", "")
    batch = "any number of samples" if facts["AnyBatch"] else "one sample"
    axes = ", ".join(facts["VolumeAxes"])
    size = f"of any size that is a multiple of {multiple}" if facts["AnySize"] else "of this size alone"
    yield f"`{file}`: `images`, float32 {facts['InputShape']}, {batch}, {size}."
    yield f"Channels: {sources}, in this order. They are cut along these axes of the volume: {axes}."
    yield f"Out comes {target}, float32, of the same size. It agrees with the run to {AGREES:g} of the"
    yield "prepared intensities, which is checked when it is written."
    yield from (
        "",
        "## What is outside",
        "",
        "The file holds the network alone. `anysyn synthesize` does the rest:",
        "",
    )
    for step in facts["Prepare"]:
        keys = ", ".join(f"{key} {value}" for key, value in step.items() if key != "name" and value is not None)
        yield f"- prepare by `{step['name']}`{f' ({keys})' if keys else ''}"
    yield from (
        f"- pad each side to a multiple of {multiple} by repeating the border, and cut that off again",
        "- cut the volume into slices or patches, and blend those that overlap",
        "- undo the preparation; an intensity without a unit is 0 and 1 at `TypicalWindow` of `network.json`",
        f"- clip to the physical range of {target} ({facts['PhysicalRange']}); what is air in all sources becomes air",
        "- ask whether the run suits the scan (`anysyn check`)",
        "",
        "Nothing is known to the network of how its images were or should be acquired but their contrast"
        + (f", voxels of {'x'.join(f'{edge:g}' for edge in facts['VoxelSize'])} mm" if facts["VoxelSize"] else "")
        + (f", and that they are as those of `{facts['Dataset']}`." if facts["Dataset"] else "."),
    )
