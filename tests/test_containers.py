"""Dockerfile and Apptainer definition: they copy what a wheel needs; not root, offline, and anysyn is what runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTALL = r"bin/pip install (.*?)(?=&&|$)"
INDEX = r"\$TORCH_INDEX|{{ TORCH_INDEX }}"


def instructions():
    """Return the instructions of the Dockerfile, by stage."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    words = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    stages = []
    for name, rest in words:
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, rest))
    return stages


def copied_by_docker():
    return [
        (Path(source), Path(rest.split()[-1]))
        for name, rest in instructions()[0]
        if name == "COPY"
        for source in rest.split()[:-1]
    ]


def sections():
    """Return the sections of the Apptainer definition."""
    parts = re.split(r"^%(\w+)\n", (ROOT / "anysyn.def").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"header": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def copied_by_apptainer():
    return [tuple(map(Path, line.split())) for line in sections()["files"].splitlines() if line.strip()]


@pytest.mark.parametrize("copied", [copied_by_docker, copied_by_apptainer], ids=["docker", "apptainer"])
def test_what_is_copied_is_enough_for_a_wheel_with_weights_and_recipes(copied, tmp_path):
    source = tmp_path / "source"
    for path, to in copied():
        place = source / (to.relative_to("/source") if to.is_absolute() else to / path.name if to == Path() else to)
        skip = shutil.ignore_patterns("__pycache__")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / path, place, ignore=skip) if (ROOT / path).is_dir() else shutil.copy(ROOT / path, place)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {"anysyn/weights/brain-mri/weights.safetensors", "anysyn/recipes/small/label.yaml"} <= held
    assert any(name.endswith("entry_points.txt") for name in held)


def test_nothing_but_the_sources_reaches_the_builder():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert let_in == {path.as_posix() for path, _ in copied_by_docker()}
    assert not any(fnmatch(name, rule) for rule in let_in for name in ("runs", "cohort", "data", ".git", "tests"))


def test_the_image_is_not_root_offline_and_calls_anysyn():
    last = instructions()[-1]
    settings = dict(last)
    assert settings["USER"].isdigit()  # a name cannot be told from root by who starts it
    assert settings["USER"] != "0"
    assert [name for name, _ in last].index("USER") < [name for name, _ in last].index("ENTRYPOINT")
    assert json.loads(settings["ENTRYPOINT"]) == ["anysyn"]
    assert "HF_HUB_OFFLINE=1" in settings["ENV"]
    assert not [rest for name, rest in last if name == "RUN" and "pip" in rest]  # what builds it stays behind


def test_the_cpu_build_of_torch_comes_before_what_needs_torch():
    [run] = [rest for name, rest in instructions()[0] if name == "RUN"]
    for text in (run, sections()["post"]):
        assert re.search(r"torch .*TORCH_INDEX.*install --no-cache-dir \"\.\[dicom\]\"", text, re.DOTALL)


def test_where_torch_comes_from_is_an_argument_of_both_builds():
    default = "TORCH_INDEX=https://download.pytorch.org/whl/cpu"
    assert ("ARG", default) in instructions()[0]
    assert sections()["arguments"].strip() == default


def test_the_definition_runs_anysyn_offline():
    parts = sections()
    assert parts["runscript"].strip() == 'exec anysyn "$@"'
    assert {"export HF_HUB_OFFLINE=1", "export PYTHONPATH="} <= set(map(str.strip, parts["environment"].splitlines()))
    assert parts["header"].startswith("Bootstrap: docker\nFrom: python:")


def test_commands_are_entry_points():
    import tomllib

    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"anysyn", "anysyn-bids"} <= scripts.keys()


def test_both_install_the_same_on_a_python_that_anysyn_takes():
    import tomllib

    least = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    [run] = [rest for name, rest in instructions()[0] if name == "RUN"]
    bases = [rest.split()[0] for stage in instructions() for name, rest in stage if name == "FROM"]
    bases.append(re.search(r"^From: (\S+)", sections()["header"], re.MULTILINE)[1])
    assert len(set(bases)) == 1
    version = re.fullmatch(r"python:(\d+)\.(\d+)-slim", bases[0])
    assert tuple(map(int, version.groups())) >= tuple(map(int, least.split(".")))
    asked = [
        [re.sub(INDEX, "INDEX", words.strip()) for words in re.findall(INSTALL, text, re.MULTILINE)]
        for text in (run, sections()["post"])
    ]
    assert asked[0] == asked[1]
    assert len(asked[0]) == 2
