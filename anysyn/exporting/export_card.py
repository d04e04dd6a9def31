"""The page beside an exported network: what goes in, what comes out, and what of the preparation is outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anysyn.data.modalities import modality
from anysyn.exporting.fixed_network import VOLUME, FixedNetwork
from anysyn.exporting.formats import AGREES
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.versions import versions


def facts_of(
    run: LoadedRun,
    network: FixedNetwork,
    shape: tuple[int, ...],
    axes: Mapping[str, int | str],
    edges: tuple[float, float, float] | None,
) -> dict[str, Any]:
    """Return what a program that calls the network has to know, for JSON.

    Args:
        run: The run.
        network: Its network, with sources and target fixed.
        shape: Of the example that it was exported with.
        axes: Axes of its input, in order, and how long each may be.
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
        "InputAxes": list(axes),
        "InputLengths": list(axes.values()),
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
    sources, target = ", ".join(facts["Sources"]), facts["Target"]
    yield from (f"# {target} from {sources}", "", f"**{facts['Description']}** Recipe `{facts['Recipe']}`.", "")
    yield from ("## What goes in and what comes out", "")
    yield from (
        f"`{file}` takes `images`, float32, with these axes in this order:",
        "",
        "| axis | length |",
        "|---|---|",
    )
    lengths = dict(zip(facts["InputAxes"], facts["InputLengths"], strict=True))
    fixed = [axis for axis in VOLUME if isinstance(lengths.get(axis), int)]
    across = fixed[0] if len(fixed) == 1 else None  # of slabs
    for axis, length in lengths.items():
        what = f": {sources}" if axis == "source" else " neighbouring slices" if axis == across else ""
        yield f"| {axis} | {length}{what} |"
    yield from (
        "",
        "x, y and z are the axes of the prepared volume; the network pads to what it needs, and cuts that off.",
    )
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
        "- cut the volume into slices or patches, and blend those that overlap",
        "- undo the preparation; an intensity without a unit is 0 and 1 at `TypicalWindow` of `network.json`",
        f"- clip to the physical range of {target} ({facts['PhysicalRange']}); what is air in all sources becomes air",
        "- ask whether the run suits the scan (`anysyn check`)",
        "",
        "Nothing is known to the network of how its images were or should be acquired but their contrast"
        + (f", voxels of {'x'.join(f'{edge:g}' for edge in facts['VoxelSize'])} mm" if facts["VoxelSize"] else "")
        + (f", and that they are as those of `{facts['Dataset']}`." if facts["Dataset"] else "."),
    )
