"""A run is pushed to a hub and named by its address; nothing of its subjects and its machine is sent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from hub_server import hub_server
from packed import pack_tiny, write_notes

from anysyn.errors import UserError
from anysyn.packaged import hub as addresses
from anysyn.packaged.hub import SHARED, address_of
from anysyn.packing.model_card import FILES
from anysyn.packing.push import push
from anysyn.synthesis import synthesize
from anysyn.synthesis.written_images import digest


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Serve a hub to this process, with a cache of its own."""
    import huggingface_hub.constants as constants

    with hub_server() as (hub, address):
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
        hub.address = address
        yield hub
        assert not hub.unknown


def source(tiny):
    return tiny / "cohort" / "sub-00" / "T1w.nii.gz"


def asked(tiny, out):
    return {"sources": {"T1w": source(tiny)}, "targets": ["T2w"], "out": out, "accelerator": "cpu"}


def test_what_is_pushed_answers_by_its_address_as_the_packed_run_does(tiny, hub, tmp_path):
    packed = pack_tiny(tiny, tmp_path)
    made = push(packed, "hf://lab/tiny")
    assert hub.private == {"lab/tiny": True}
    assert made.address.revision in hub.commits["lab/tiny"]
    [here] = synthesize(packed, **asked(tiny, tmp_path / "here.nii.gz"))
    for number, name in enumerate(("hf://lab/tiny", f"hf://lab/tiny@{made.address.revision}", "hf:/lab/tiny")):
        [there] = synthesize(name, **asked(tiny, tmp_path / f"there{number}.nii.gz"))
        np.testing.assert_array_equal(nib.load(here).dataobj, nib.load(there).dataobj)
        record = json.loads(there.with_suffix("").with_suffix(".json").read_text())
        assert record["Hub"] == {"repository": "lab/tiny", "revision": made.address.revision}
        assert record["Weights"] == {"sha256": digest(packed / "weights.safetensors")}
    assert "Hub" not in json.loads((tmp_path / "here.json").read_text())


def test_a_run_is_packed_first_and_names_nobody_and_no_path(tiny, hub, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    with pytest.raises(UserError, match="--card: name the notes"):
        push(tmp_path / "run", "hf://lab/tiny")
    push(tmp_path / "run", "hf://lab/tiny", card=write_notes(tmp_path), public=True)
    assert hub.private == {"lab/tiny": False}
    [files] = hub.commits["lab/tiny"].values()
    assert set(files) - {".gitattributes"} <= set(SHARED)
    for sent in (*files.values(), hub.received):
        assert b"sub-0" not in sent
        assert str(tmp_path).encode() not in sent
        assert str(tiny).encode() not in sent


def test_other_files_are_neither_sent_nor_fetched(tiny, hub, tmp_path):
    packed = pack_tiny(tiny, tmp_path)
    (packed / "notes of sub-00.txt").write_text("mine")
    push(packed, "hf://lab/tiny")
    [files] = hub.commits["lab/tiny"].values()
    assert not any("mine" in name or name.endswith(".txt") for name in files)
    files["weights.bin"] = files["code.py"] = b"import os"
    [image] = synthesize("hf://lab/tiny", **asked(tiny, tmp_path / "t2.nii.gz"))
    assert image.is_file()
    assert not [path for path in (tmp_path / "hub").rglob("*") if path.suffix in (".bin", ".py", ".txt")]


def test_weights_get_a_further_revision_only_if_allowed(tiny, hub, tmp_path):
    packed = pack_tiny(tiny, tmp_path)
    push(packed, "hf://lab/tiny")
    with pytest.raises(UserError, match="holds weights already; give it a further revision with --overwrite"):
        push(packed, "hf://lab/tiny")
    assert len(hub.commits["lab/tiny"]) == 1
    (packed / "README.md").write_text((packed / "README.md").read_text() + "\nMore.\n")
    push(packed, "hf://lab/tiny", overwrite=True)
    assert len(hub.commits["lab/tiny"]) == 2
    assert not push(packed, "hf://lab/tiny", overwrite=True, public=True).public  # it stays for its owners alone


def test_the_commands_as_they_are_typed(tiny, hub, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    write_notes(tmp_path)
    about = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": "hf_of_the_test"}

    def call(*words):
        command = [sys.executable, "-c", "from anysyn.cli import app; app()", *map(str, words)]
        environment = os.environ | about
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    done = call("push", "run", "hf://lab/tiny", "--card", "notes.yaml")
    assert done.returncode == 0, done.stderr
    assert "for its owners alone" in done.stdout
    target = ("--source", f"T1w={source(tiny)}", "--target", "T2w", "--out", "t2.nii.gz")
    done = call("synthesize", "hf://lab/tiny", *target)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t2.nii.gz").is_file()
    done = call("synthesize", "https://example.org/tiny", *target)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is a web address" in done.stderr
    done = call("synthesize", "hf://lab/none", *target)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "there is no such repository" in done.stderr
    assert call("models", "hf://lab/tiny").stdout.startswith("# tiny")


def test_a_copy_in_the_cache_does_without_the_hub(tiny, hub, tmp_path, monkeypatch):
    import huggingface_hub.constants as constants

    push(pack_tiny(tiny, tmp_path), "hf://lab/tiny")
    synthesize("hf://lab/tiny", **asked(tiny, tmp_path / "a.nii.gz"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert synthesize("hf://lab/tiny", **asked(tiny, tmp_path / "b.nii.gz"))
    with pytest.raises(UserError, match="the hub cannot be reached, and no copy is in the cache"):
        synthesize("hf://lab/other", **asked(tiny, tmp_path / "c.nii.gz"))


def test_a_repository_without_a_packed_run_is_refused(tiny, hub, tmp_path):
    push(pack_tiny(tiny, tmp_path), "hf://lab/tiny")
    [files] = hub.commits["lab/tiny"].values()
    del files["manifest.json"]
    with pytest.raises(UserError, match=r"holds no packaged run, since it has no manifest\.json"):
        synthesize("hf://lab/tiny", **asked(tiny, tmp_path / "t2.nii.gz"))
    with pytest.raises(UserError, match="there is no such revision"):
        synthesize("hf://lab/tiny@v9", **asked(tiny, tmp_path / "t2.nii.gz"))


def test_a_run_is_pushed_into_a_folder(tiny, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    made = push(tmp_path / "run", tmp_path / "shared" / "brain", card=write_notes(tmp_path))
    assert made.folder == tmp_path / "shared" / "brain"
    assert synthesize(made.folder, **asked(tiny, tmp_path / "t2.nii.gz"))
    with pytest.raises(UserError, match="--public"):
        push(tmp_path / "run", tmp_path / "elsewhere", card=write_notes(tmp_path), public=True)


@pytest.mark.parametrize("word", ["https://example.org/run", "http:/example.org/run", "ftp://x/y", "s3://bucket/run"])
def test_web_addresses_are_refused(word):
    with pytest.raises(UserError, match="is a web address, and nothing is fetched from one"):
        address_of(word)


@pytest.mark.parametrize("word", ["hf://lab", "hf://lab/", "hf://lab/a/b", "hf://../x/y", "hf://lab/a@"])
def test_what_is_no_address_is_refused(word):
    with pytest.raises(UserError, match="write hf://OWNER/NAME"):
        address_of(word)


@pytest.mark.parametrize("word", ["brain-mri", "runs/a", "./x", "/data/x", "C:\\runs", "hf/lab", "small/label"])
def test_names_and_paths_are_no_addresses(word):
    assert address_of(word) is None


def test_a_push_makes_the_revision(tiny, tmp_path):
    with pytest.raises(UserError, match="leave out @v1"):
        push(tiny / "run", "hf://lab/tiny@v1")


def test_without_the_library_it_is_one_line(tiny, monkeypatch):
    monkeypatch.setattr(addresses, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'anysyn\[hub\]'"):
        push(tiny / "run", "hf://lab/tiny")


def test_every_file_of_a_packed_run_is_shared():
    assert set(SHARED) == {*FILES, "README.md", "manifest.json"}
