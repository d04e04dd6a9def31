"""What `anysyn` exports: verbs and records, each imported when it is first used."""

import subprocess
import sys

import pytest

import anysyn


def test_every_listed_name_is_there():
    assert {"train", "synthesize", "Acquisition", "Recipe", "register"} <= set(dir(anysyn))
    for name in dir(anysyn):
        assert getattr(anysyn, name) is not None


def test_the_error_that_docstrings_name_can_be_caught():
    with pytest.raises(anysyn.UserError, match="no recipe"):
        anysyn.load("nowhere")


def test_importing_it_imports_nothing_heavy():
    code = "import sys, anysyn; dir(anysyn); sys.exit(any(name.startswith('anysyn.') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
