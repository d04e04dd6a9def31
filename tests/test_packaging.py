"""The wheel: it holds all that anysyn needs, and works outside the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from functools import partial
from importlib.resources import files
from pathlib import Path

import pytest

PACKAGED = ("recipe.yaml", "weights.safetensors", "windows.json", "README.md", "manifest.json")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, since a build writes beside them."""
    source, out = (tmp_path_factory.mktemp(name) for name in ("source", "out"))
    for folder in ("anysyn", "recipes"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    packaged = source / "anysyn" / "weights" / "brain"
    packaged.mkdir(parents=True, exist_ok=True)
    for name in PACKAGED:
        (packaged / name).write_text(f"{name} of a packaged run")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    [built] = out.glob("anysyn-*.whl")
    return built


def test_the_wheel_holds_every_file(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    package = {path for path in (ROOT / "anysyn").rglob("*") if path.suffix in {".py", ".yaml", ".html", ".typed"}}
    expected = {path.relative_to(ROOT).as_posix() for path in {*package, ROOT / "anysyn" / "py.typed"}}
    expected |= {"anysyn/" + path.relative_to(ROOT).as_posix() for path in (ROOT / "recipes").rglob("*.yaml")}
    assert expected <= held, f"missing: {sorted(expected - held)}"
    own = {path for path in (ROOT / "anysyn" / "weights").rglob("*") if path.is_file()}
    assert {f"anysyn/weights/brain/{name}" for name in PACKAGED} <= held
    assert {path.relative_to(ROOT).as_posix() for path in own} <= held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not any(name.startswith(("tests/", "docs/", "examples/", "recipes/")) for name in held)


def test_the_wheel_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(wheel)], check=True)
    [site] = venv.glob("lib/*/site-packages")
    # The dependencies are those of this environment; the checkout's own entry in it is not followed from here.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    output_of = partial(subprocess.check_output, cwd=tmp_path, text=True)
    assert "encoder/block0" in output_of([venv / "bin" / "anysyn", "show", "small/label"])
    assert output_of([python, "-c", "import anysyn; print(anysyn.__file__)"]).startswith(str(venv))


def test_the_checkout_finds_its_own_recipes() -> None:
    assert Path(str(files("anysyn.recipes"))).resolve() == (ROOT / "recipes").resolve()
