"""The example plugin: its mathematics, and that an installed package adds a part without any edit to anysyn."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

from anysyn.build import load
from anysyn.conditioners import Conditioner
from anysyn.descriptors import ModalityLabel
from anysyn.errors import RecipeError
from anysyn.types import Condition, Site

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "examples" / "plugin"
PROBE = ROOT / "examples" / "probe"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install both plugins into a folder of its own, as pip would into site-packages."""
    target = tmp_path_factory.mktemp("target")
    offline = ["--no-deps", "--no-build-isolation", "--python", sys.executable, "--target", str(target)]
    for plugin in (PLUGIN, PROBE):
        source = shutil.copytree(plugin, tmp_path_factory.mktemp("source"), dirs_exist_ok=True)  # a build writes there
        subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--quiet", *offline, str(source)], check=True)
    return target


def with_plugin(installed: Path, code: str, *arguments: str) -> str:
    """Run code in a fresh interpreter that has the plugin installed."""
    begin = f"import sys; sys.path.append({str(installed)!r})\n"
    command = [sys.executable, "-c", begin + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Conditioner:
    monkeypatch.setattr("anysyn.registry._FACTORIES", {})  # other tests must not see the part
    spec = spec_from_file_location("anysyn_gate", PLUGIN / "anysyn_gate.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Conditioner = module.Gate(sites=[Site("decoder/block0", 4)], reads=ModalityLabel(modalities=3, width=6))
    return made


@pytest.mark.parametrize("shape", [(2, 4, 5, 7), (2, 4, 3, 5, 7)])
def test_gates_start_open(gate: Conditioner, shape: tuple[int, ...]) -> None:
    features = torch.randn(shape)
    condition = Condition(torch.randn(2, 1, 6), torch.randn(2, 1, 6))
    torch.testing.assert_close(gate(features, condition, "decoder/block0"), features)


def test_gates_multiply_by_twice_the_sigmoid_of_the_code(gate: Conditioner) -> None:
    weight, bias, code = torch.randn(4, 6), torch.randn(4), torch.randn(1, 6)
    gate.load_state_dict({"gates.decoder-block0.weight": weight, "gates.decoder-block0.bias": bias}, strict=False)
    gated = gate(torch.ones(1, 4, 2, 2), Condition(code[None] * 0, code[None]), "decoder/block0")
    expected = 2 / (1 + torch.exp(-(weight @ code[0] + bias)))
    torch.testing.assert_close(gated[0, :, 1, 1], expected)


def test_the_installed_plugin_is_listed(installed: Path) -> None:
    code = "from anysyn.cli import app; app(sys.argv[1:])"
    listed = with_plugin(installed, code, "list", "conditioners")
    assert "gate" in listed
    assert "Multiply every channel by" in listed


def test_the_installed_probe_is_listed_and_has_a_command(installed: Path) -> None:
    code = "from anysyn.cli import app; app(sys.argv[1:])"
    assert "How much of the air around the head a synthesis fills." in with_plugin(installed, code, "list", "probes")
    assert "--above" in with_plugin(installed, code, "probe", "air", "--help")


USE = """
import torch
from anysyn.build import load, parts
from anysyn.types import Batch, Query

model = parts(load("examples/plugin/gate.yaml"))["synthesizer"]
batch = Batch.complete(torch.rand(1, 4, 16, 20))
print(*model(batch, Query(torch.tensor([[0]]), torch.tensor([[2, 3]]))).images.shape)
[conditioner] = model.conditioners
print(type(conditioner).__name__, *conditioner.sites)
"""


def test_a_recipe_binds_the_installed_plugin_to_every_block(installed: Path) -> None:
    shape, bound = with_plugin(installed, USE).splitlines()
    name, *sites = bound.split()
    assert shape == "1 2 16 20"
    assert name == "Gate"
    assert {site.rstrip("0123456789") for site in sites} == {"encoder/block", "decoder/block"}


def test_without_the_plugin_its_recipe_names_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anysyn.plugins.entry_points", lambda group: ())
    with pytest.raises(RecipeError, match=r"gate.yaml:7: .* no conditioner named 'gate'.*choices: .*add"):
        load(PLUGIN / "gate.yaml")


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "guide" / "plugin.md").read_text(encoding="utf-8")
    code = (PLUGIN / "anysyn_gate.py").read_text(encoding="utf-8")
    recipe = (PLUGIN / "gate.yaml").read_text(encoding="utf-8")
    assert code[code.index("@register") :] in page
    assert recipe[recipe.index("base:") :] in page
