"""A forgotten value is said, whatever the command, and nothing is written in its place."""

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from anysyn.cli import app

COMMANDS = get_command(app).commands


def valued(command):
    return [param.opts[0] for param in command.params if param.opts[0].startswith("--") and not param.is_flag]


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if name != "probe" and valued(command)])
def test_no_option_of_any_command_takes_an_option_for_its_value(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what is taken for a folder would be made here
    for option in valued(COMMANDS[name]):
        shown = CliRunner().invoke(app, [name, option, "--help"])
        assert shown.exit_code == 2, (option, shown.output)
        assert "a value is missing" in shown.output
    assert not any(tmp_path.iterdir())


def test_neither_does_a_probe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["probe", "robustness", "run", "--out", "--overwrite"])
    assert shown.exit_code == 2, shown.output
    assert "a value is missing" in shown.output
    assert not any(tmp_path.iterdir())


def test_a_value_may_be_given_by_an_equals_sign_or_begin_with_a_dash():
    shown = CliRunner().invoke(
        app, ["synthesize", "nowhere", "--out=--anyway", "--source", "-1.nii.gz", "--target", "T2w"]
    )
    assert shown.exit_code != 0
    assert "a value is missing" not in shown.output
