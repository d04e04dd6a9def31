"""The order of the modules: an import may only point at the same module or at one that stands before it here."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "anysyn"

ORDER = """
    errors
    bounds
    registry versions files text
    progress seeds plugins figures packaged
    acquisition points batch_shapes
    types ops
    nn
    losses
    data
    doctor
    suitability
    scans
    simulation
    descriptors
    conditioners
    encoders decoders
    clip discriminators
    synthesizer diffusion
    objectives
    queries optimizers loggers
    recipe
    citations
    build
    training
    synthesis
    arrays
    trust packing exporting importing
    evaluation
    metrics
    probes
    viewer
    reporting bids_app
    cli
"""
LAYERS = ORDER.split()

HEAVY = {"torch", "monai", "nibabel", "nilearn", "scipy", "sklearn", "pandas", "matplotlib", "SimpleITK"}


def layer_of(path: Path) -> str:
    """Name the layer of a file: the first word below the package, or the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "anysyn" if parts == ("__init__",) else parts[0]


def height(layer: str) -> int:
    """Number a layer from the ground; the package's own face, anysyn/__init__.py, stands on top of all."""
    return {name: n for n, name in enumerate([*LAYERS, "anysyn"])}.get(layer, 0)


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the layer of each import of anysyn, also inside functions and under TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "anysyn":
                yield node.lineno, next((word for word in name.split(".")[1:2] if is_module(word)), "anysyn")


def is_module(word: str) -> bool:
    return (PACKAGE / word).is_dir() or (PACKAGE / f"{word}.py").is_file()


def upward(path: Path, text: str) -> list[str]:
    """List the imports of a file that point up."""
    here, package = layer_of(path), ".".join(path.relative_to(PACKAGE.parent).parent.parts)
    return [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {here} may not import {layer}, which stands above it"
        for line, layer in imported(ast.parse(text), package)
        if height(layer) > height(here)
    ]


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_module_has_a_layer() -> None:
    homeless = sorted({layer_of(path) for path in FILES} - {"anysyn", *LAYERS})
    assert not homeless, f"give these a place in LAYERS: {', '.join(homeless)}"


def test_imports_point_down() -> None:
    wrong = [line for path in FILES for line in upward(path, path.read_text(encoding="utf-8"))]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("faults", "text"),
    [
        (0, "from anysyn.registry import register\nfrom anysyn.nn.blocks import conv as c"),
        (0, "import anysyn.ops"),
        (0, "from . import blocks"),
        (0, "from ..types import Site"),
        (0, "import torch"),
        (1, "import anysyn"),
        (1, "import anysyn.conditioners.add as add"),
        (1, "from anysyn import decoders"),
        (1, "from anysyn import __version__"),
        (1, "from ..conditioners import Add"),
        (1, "def f():\n    from anysyn.encoders.unet import UNet"),
        (1, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from anysyn.recipe import Recipe"),
    ],
)
def test_only_upward_imports_are_caught(faults: int, text: str) -> None:
    assert len(upward(PACKAGE / "nn" / "new.py", text)) == faults


def test_the_command_line_starts_without_heavy_libraries() -> None:
    ask = "import sys, anysyn, anysyn.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    heavy = HEAVY & set(loaded.stdout.split())
    assert not heavy, f"import these where they are used, not when the command line starts: {', '.join(sorted(heavy))}"


def test_synthesis_starts_without_what_only_training_needs():
    ask = "import sys, anysyn.synthesis; print(*(name for name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    needless = {"lightning_fabric", "torch._dynamo", "monai", "pandas", "matplotlib", "sklearn"}
    needless |= {"SimpleITK", "scipy.optimize", "scipy.spatial"}
    heavy = needless & set(loaded.stdout.split())
    assert not heavy, f"import these where they are used, not when a synthesis starts: {', '.join(sorted(heavy))}"
