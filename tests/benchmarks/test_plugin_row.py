"""A recipe of the user with a conditioner of a plugin becomes a row of a table; nothing of the project is edited."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toys import TINY, write_cohort

ROOT = Path(__file__).parents[2]
TABLE = """
title: With a plugin
about: A conditioner of a plugin
protocol: slices
metrics: [psnr]
down: [task]
across: [method]
tasks: [T1w:T2w]
methods: [{name: Gated, recipe: gated.yaml}]
"""


@pytest.mark.slow
def test_a_plugins_conditioner_is_a_row(tmp_path):
    source, installed = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(ROOT / "examples" / "plugin", source)  # a build writes beside what it builds
    offline = ["--no-deps", "--no-build-isolation", "--python", sys.executable, "--target", str(installed)]
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--quiet", *offline, str(source)], check=True)
    write_cohort(tmp_path / "cohort", subjects=6, shape=(14, 16, 12))
    (tmp_path / "gated.yaml").write_text(TINY.replace("name: add,", "name: gate,"))
    (tmp_path / "mine.yaml").write_text(TABLE)
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "mine.yaml", "--data", "cohort"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    subprocess.run(
        [*command, "--size", "tiny", "--spacing", "0", "--accelerator", "cpu"],
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    text = (tmp_path / "results" / "tables" / "mine-tiny" / "table.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| T1w"))
    assert float(row.split("**")[1].split(" ")[0]) > 0
