import signal
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from anysyn.cli import app
from anysyn.cli.terminal.stoppable import StoppableCommands

STOPPED_IN_IMPORT = """
import builtins, os, signal
own = builtins.__import__
def stopping(name, *rest, **more):
    if name == "torch":
        os.kill(os.getpid(), signal.SIGINT)
    return own(name, *rest, **more)
signal.signal(signal.SIGINT, signal.default_int_handler)
from anysyn.cli import app
builtins.__import__ = stopping
app()
"""


@pytest.mark.parametrize(
    "words",
    [("show", "small/label"), ("train", "small/label", "--out", "run"), ("report", "run"), ("probe", "content", "run")],
)
def test_ctrl_c_while_torch_is_imported_is_one_line(words, tmp_path):
    made = subprocess.run(
        [sys.executable, "-c", STOPPED_IN_IMPORT, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert made.stderr == "stopped; call it again\n"
    assert made.returncode == 128 + signal.SIGINT
    assert not any(tmp_path.iterdir())


def test_a_command_that_ends_well_ends_as_before():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "train" in result.stdout


def test_what_a_command_raises_otherwise_is_raised():
    commands = typer.Typer(cls=StoppableCommands)

    @commands.command()
    def fail() -> None:
        raise ZeroDivisionError

    @commands.command()
    def other() -> None:
        """Make it a group."""

    assert isinstance(CliRunner().invoke(commands, ["fail"]).exception, ZeroDivisionError)
