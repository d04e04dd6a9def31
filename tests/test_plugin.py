"""The example plugin: its mathematics, and that an installed package adds a part without any edit to anysyn."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import anysyn
from anysyn.build import load
from anysyn.cli import app
from anysyn.conditioners import Conditioner
from anysyn.descriptors import ModalityLabel
from anysyn.errors import RecipeError, UserError
from anysyn.packing.portable_recipe import portable
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


BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALL = """
from typer.testing import CliRunner
from anysyn.cli import app

for words in {calls}:
    result = CliRunner().invoke(app, words)
    print(result.exit_code, result.output.strip().replace(chr(10), " | "))
"""


def called(folder: Path, *calls: str) -> list[str]:
    """Call commands in one fresh interpreter; a line for each with exit code and output."""
    code = CALL.format(calls=[call.split() for call in calls])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.splitlines()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Write the file and the recipe of the page, as it says."""
    text = (ROOT / "docs" / "guide" / "plugin.md").read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    yaml = [block for language, block in blocks if language == "yaml"]
    (tmp_path / "anysyn_gate.py").write_text(next(block for language, block in blocks if language == "python"))
    (tmp_path / "gate.yaml").write_text("".join(yaml[:2]))
    return tmp_path


def test_the_page_runs_as_written_and_a_file_needs_to_be_allowed(page: Path, tiny: Path) -> None:
    small = f"data.root={tiny / 'cohort'} stages.0.epochs=1 parts.synthesizer.encoder.widths=[8,8,8] seed=3"
    train = f"train gate.yaml --out runs/gate {small} --accelerator cpu"
    refused, shown, trained = called(page, "show gate.yaml", "show gate.yaml --allow-code", f"{train} --allow-code")
    assert refused.startswith("1 gate.yaml:")
    assert "anysyn_gate.py is code" in refused
    assert "--allow-code" in refused
    assert " | " not in refused
    assert shown.startswith("0 note: ran the code of")
    assert "gate" in shown
    assert trained[0] == "0"
    synthesize = (
        f"synthesize runs/gate --source T1w={tiny / 'cohort' / 'sub-00' / 'T1w.nii.gz'} --target T2w --out t2.nii.gz "
        "--accelerator cpu"
    )
    refused, made = called(page, synthesize, f"{synthesize} --allow-code")
    assert refused.startswith("1 ")
    assert " | " not in refused
    assert made[0] == "0"
    assert (page / "t2.nii.gz").is_file()


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ("missing.py", "no such file"),
        ("recipe.yaml", "no Python file"),
        ("broken.py", "broken.py does not load: ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_cannot_be_a_plugin_is_one_line(tmp_path: Path, plugin: str, message: str) -> None:
    (tmp_path / "broken.py").write_text("1 / 0")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"base: small/label\nplugins: [{plugin}]\n")
    with pytest.raises(RecipeError, match=message) as raised:
        anysyn.allow_code(recipe)
    assert "\n" not in str(raised.value)


def test_reading_a_recipe_runs_no_code_and_an_edited_file_is_allowed_anew(tmp_path: Path) -> None:
    part = tmp_path / "part.py"
    part.write_text("open('ran', 'w').close()")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("base: small/label\nplugins: [part.py]\n")
    part.write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()")
    with pytest.raises(RecipeError, match=r"recipe.yaml:2: plugins.0: .*part.py is code"):
        load(recipe)
    assert not (tmp_path / "ran").exists()
    assert anysyn.allow_code(recipe) == [part]
    assert (tmp_path / "ran").exists()
    load(recipe)
    part.write_text("edited = True")
    with pytest.raises(RecipeError, match="is code"):
        load(recipe)


class Broken:
    name, value = "gate", "anysyn_gate"

    def load(self) -> None:
        raise ImportError("no module named 'gates'")


def test_an_installed_plugin_that_does_not_load_is_one_line_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anysyn.plugins.entry_points", lambda group: (Broken(),))
    result = CliRunner().invoke(app, ["list", "views"])
    assert result.exit_code == 0
    assert "slices" in result.stdout
    assert result.stderr.splitlines() == [
        "plugin 'gate' (anysyn_gate) does not load: ImportError: no module named 'gates'; mend or uninstall it"
    ]
    with pytest.raises(RecipeError, match=r"no conditioner named 'gate'[^\0]*plugin 'gate' .* does not load"):
        load(PLUGIN / "gate.yaml")
    result = CliRunner().invoke(app, ["show", str(PLUGIN / "gate.yaml")])
    assert result.exit_code == 1
    assert result.stderr.count("does not load") == 1


def test_a_packed_run_carries_no_code(tmp_path: Path) -> None:
    recipe = replace(load("small/label"), plugins=[str(tmp_path / "part.py")])
    with pytest.raises(UserError, match=r"'part\.py' is code of this machine") as raised:
        portable(recipe)
    assert str(tmp_path) not in str(raised.value)


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "guide" / "plugin.md").read_text(encoding="utf-8")
    code = (PLUGIN / "anysyn_gate.py").read_text(encoding="utf-8")
    recipe = (PLUGIN / "gate.yaml").read_text(encoding="utf-8")
    assert f"```python\n{code}```" in page
    assert recipe[recipe.index("base:") :] in page
