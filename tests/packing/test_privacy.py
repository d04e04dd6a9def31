"""A packed run tells nothing of its subjects: no name, no path, no image, in no byte and in no member of an archive."""

import shutil
import zipfile

import pytest
import safetensors.torch
import torch
import yaml
from leaks import compressed, leaks
from packed import write_notes
from toys import TINY, write_cohort

import anysyn
from anysyn.errors import UserError
from anysyn.packing.pack import pack
from anysyn.packing.privacy import check_private

# How people are called in public data sets, and in those beside the project.
NAMES = ("TCGA-DU-7294", "sub-STS034", "sub-strokecase0009", "ProstateX-0000", "sub-07", "month-12", "Müller_Anna_1961")


def packed_run(folder, cohort, names, **changes):
    tree = yaml.safe_load(TINY)
    tree["stages"][0]["epochs"] = 1
    tree["data"] |= changes
    (folder / "r.yaml").write_text(yaml.safe_dump(tree))
    run = anysyn.train(
        folder / "r.yaml", out=folder / "run", overrides=[f"data.root={cohort}"], accelerator="cpu"
    ).folder
    assert leaks(folder / "run", names), "nobody is named in the run, so there is nothing to leave behind"
    return pack(run, name="brain", card=write_notes(folder), out=folder / "packages").folder


@pytest.mark.parametrize("hidden", ["plain", "utf-16", "gzip", "zip", "zip in zip", "metadata"])
def test_a_name_is_found_wherever_it_hides(tmp_path, hidden):
    path, name = tmp_path / "weights.bin", "TCGA-DU-7294"
    if hidden in ("plain", "utf-16"):
        path.write_bytes(b"\0\1" + f"of {name}!".encode("utf-16-le" if hidden == "utf-16" else "utf-8"))
    elif hidden == "gzip":
        path.write_bytes(b"\x1f\x8b\x08 none" + compressed(f"seen: {name.lower()}") + b"more")
    elif hidden == "metadata":
        safetensors.torch.save_file({"a": torch.zeros(2)}, path, metadata={"trained on": name})
    else:
        with zipfile.ZipFile(tmp_path / "inner.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(f"data/{name}.txt", "x" * 99)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(tmp_path / "inner.zip", "inner.zip")
        if hidden == "zip":
            (tmp_path / "inner.zip").rename(path)
        (tmp_path / "inner.zip").unlink(missing_ok=True)
    assert set(leaks(tmp_path, [name])) == {("weights.bin", name)}
    assert not leaks(tmp_path, ["sub-STS034"])


def test_a_packed_run_holds_no_name_of_a_subject_no_path_and_no_image(tmp_path):
    written = write_cohort(tmp_path / "written", subjects=len(NAMES))
    for folder, name in zip(sorted(written.iterdir()), NAMES, strict=True):
        (tmp_path / "cohort").mkdir(exist_ok=True)
        shutil.move(folder, tmp_path / "cohort" / name)
    packed = packed_run(tmp_path, tmp_path / "cohort", NAMES)  # "cohort" is the dataset's name, which stays
    assert not leaks(packed, [*NAMES, str(tmp_path), "DU-7294", "STS034", "strokecase", "Anna"])
    names = set(safetensors.torch.load_file(packed / "weights.safetensors"))
    assert names == set(safetensors.torch.load_file(tmp_path / "run" / "weights.safetensors"))


@pytest.mark.slow
def test_a_packed_run_of_real_scans_holds_none(shared, tmp_path):
    people = tmp_path / "people"
    for source in (shared / "ms_brain_1mm" / "sub-07", shared / "ms_brain_1mm" / "sub-26"):
        shutil.copytree(source, people / source.name, ignore=shutil.ignore_patterns("lesion*"))
    shutil.copytree(next((shared / "glioma_brain_1mm").glob("TCGA*")), people / "TCGA-DU-7294")
    names = {path.name for path in shared.glob("*/*") if path.is_dir() and any(map(str.isdigit, path.name))}
    steps = [*yaml.safe_load(TINY)["data"]["prepare"]]
    steps.insert(3, {"name": "resample", "spacing": [4, 4, 4]})
    split = {"train": 0.34, "validation": 0.33, "test": 0.33}
    packed = packed_run(tmp_path, people, ["sub-07", "TCGA-DU-7294"], prepare=steps, split=split)
    assert {"sub-07", "TCGA-DU-7294", "sub-STS034", "ProstateX-0000"} <= names
    assert not leaks(packed, [*names, str(tmp_path), str(shared), "ms_brain", "glioma"])


def test_a_name_in_the_header_of_weights_is_refused(tmp_path):
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "w.safetensors", metadata={"of": "sub-STS034"})
    with pytest.raises(UserError, match=r"w.safetensors:1: names a subject"):
        check_private(tmp_path, ["sub-STS034"], [])
    check_private(tmp_path, ["sub-STS035"], [])
