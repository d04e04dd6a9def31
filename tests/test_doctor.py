"""What is there, in a form that can be pasted."""

from __future__ import annotations

import getpass
import json
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anysyn import doctor as examination
from anysyn.cli import app
from anysyn.doctor import REQUIREMENT, Examination, doctor


@pytest.fixture(scope="module")
def found() -> Examination:
    return doctor()


def test_it_names_versions_devices_and_extras(found: Examination) -> None:
    assert found.versions["torch"] == version("torch")
    assert any(device.startswith("cpu (") for device in found.devices)
    assert {"dicom", "brain", "slurm"} <= set(found.extras)
    assert "dev" not in found.extras
    assert not found.failures


def test_nothing_of_the_user_is_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "ann-of-ward-7"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / ".cache" / "huggingface"))
    text = json.dumps(doctor().record())
    assert "ann-of-ward-7" not in text
    assert "~/.cache/huggingface (empty)" in text
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/scratch/ann-of-ward-7/hub")
    assert "ann-of-ward-7" not in json.dumps(doctor().record())
    assert getpass.getuser() not in " ".join(doctor().caches.values()).split("/")


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
        *("versions", "system", "devices", "extras", "caches", "plugins", "packaged runs")
    ]
    assert json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)["versions"]["anysyn"]
    monkeypatch.setattr(examination, "_installed", lambda package: package not in ("einops", "pydicom"))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "einops is missing" in result.stderr
    assert "dicom lacks pydicom (pip install 'anysyn[dicom]')" in result.stdout


@pytest.mark.parametrize(
    ("line", "name", "extra"),
    [
        ("torch>=2.11", "torch", None),
        ('dcm2niix>=1.0; extra == "dicom"', "dcm2niix", "dicom"),
        ("open_clip_torch>=3.0", "open_clip_torch", None),
    ],
)
def test_requirements_are_read(line: str, name: str, extra: str | None) -> None:
    read = REQUIREMENT.match(line)
    assert read is not None
    assert (read["name"], read["extra"]) == (name, extra)
