"""The page loads nothing, obeys no name, and a browser shows its images."""

import json
import re
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest
from subject_files import image
from typer.testing import CliRunner

from anysyn.cli import app
from anysyn.errors import UserError
from anysyn.viewer.page import view

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "<script>document.body.dataset.evil = 1<&"


def scenes_in(page):
    found = re.search(r'<script id="scenes" type="application/json">(.*?)</script>', page.read_text(), re.DOTALL)
    return json.loads(found[1])


def test_the_page_loads_nothing_and_says_what_it_shows(tmp_path):
    image(tmp_path / "out.nii.gz", {"Synthetic": True})
    image(tmp_path / "out_desc-error.nii.gz")
    page = view([tmp_path], out=tmp_path / "view.html").page
    text = page.read_text()
    assert "default-src 'none'" in text
    own = text[: text.index("(function(")] + text[text.rindex("</script>", 0, text.rindex("<script>")) :]
    assert not re.search(r"\b(src|href)\s*=", own)
    assert "Not for clinical use" in text
    assert "Redistributions in binary form must reproduce" in text
    (scene,) = scenes_in(page)
    assert [(shown["name"], shown["synthetic"], len(shown["maps"])) for shown in scene["images"]] == [("out", True, 1)]


def test_names_are_data(tmp_path):
    image(tmp_path / HOSTILE / f"{HOSTILE}.nii.gz")
    page = view([tmp_path], out=tmp_path / "view.html").page
    plain = view([image(tmp_path / "plain.nii.gz")], out=tmp_path / "plain.html").page
    assert page.read_text().count("<script") == plain.read_text().count("<script")
    assert scenes_in(page)[0]["images"][0]["name"] == HOSTILE


def test_a_page_is_replaced_only_if_asked_and_a_bad_image_costs_itself(tmp_path):
    image(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").write_bytes(b"no image")
    runner, out = CliRunner(), tmp_path / "view.html"
    first = runner.invoke(app, ["view", str(tmp_path), "--out", str(out)])
    assert first.exit_code == 1
    assert "failed: b:" in first.output
    assert [shown["name"] for shown in scenes_in(out)[0]["images"]] == ["a"]
    assert "--overwrite" in runner.invoke(app, ["view", str(tmp_path), "--out", str(out)]).output
    with pytest.raises(UserError, match=r"call it view\.html"):
        view([tmp_path], out=tmp_path / "view.png")
    with pytest.raises(UserError, match="none of the images can be read"):
        view([tmp_path / "b.nii.gz"], out=tmp_path / "other.html")


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_a_browser_shows_the_images(tmp_path):
    from PIL import Image

    bright = np.zeros((32, 32, 32), np.float32)
    bright[8:24, 8:24, 8:24] = 1000
    for name in (HOSTILE.replace("/", ""), "plain", "plain_desc-error"):
        nib.Nifti1Image(bright, np.eye(4)).to_filename(tmp_path / f"{name}.nii.gz")
    page = view([tmp_path], out=tmp_path / "view.html").page
    flags = [
        *("--headless", "--no-sandbox", "--disable-background-networking", "--disable-component-update"),
        *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1000,600", "--virtual-time-budget=20000"),
    ]
    dumped = subprocess.run([BROWSER, *flags, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    body = re.search(r"<body[^>]*>", dumped.stdout)[0]
    assert 'data-ready="yes"' in body
    assert "evil" not in body
    subprocess.run([BROWSER, *flags, f"--screenshot={tmp_path / 'shot.png'}", page.as_uri()], timeout=120, check=True)
    pixels = np.asarray(Image.open(tmp_path / "shot.png").convert("L"))
    assert (pixels[100:480, :500] > 200).mean() > 0.02, "the cube of the left panel is not drawn"
