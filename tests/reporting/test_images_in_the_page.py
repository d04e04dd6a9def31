"""Syntheses with their maps, in the page of a run: the viewer's own page in a frame."""

import json
import re
from html.parser import HTMLParser

import nibabel as nib
import numpy as np
import pytest

from anysyn.errors import UserError
from anysyn.reporting import report


class Frames(HTMLParser):
    """Collect the pages in frames, as a browser unescapes them."""

    def __init__(self, text):
        super().__init__()
        self.pages = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.pages += [dict(attrs)["srcdoc"]] if tag == "iframe" else []


def test_images_and_their_maps_are_in_a_frame(evaluated, tmp_path):
    (tmp_path / "made").mkdir()
    image = np.random.default_rng(0).random((6, 5, 4)).astype(np.float32)
    for name in ("a_T1w", "a_desc-synthetic_FLAIR", "a_desc-error_FLAIR"):
        nib.save(nib.Nifti1Image(image, np.eye(4)), tmp_path / "made" / f"{name}.nii.gz")
    (tmp_path / "made" / "b_T1w.nii.gz").write_bytes(b"no image")
    page = report(evaluated.path, images=[tmp_path / "made"], out=tmp_path / "page.html")
    text = page.read_text(encoding="utf-8")
    (frame,) = Frames(text).pages
    scenes = json.loads(re.search(r'<script id="scenes"[^>]*>(.*?)</script>', frame, re.S)[1])
    shown = {one["name"]: [each["name"] for each in one["maps"]] for one in scenes[0]["images"]}
    assert shown == {"a_T1w": [], "a_desc-synthetic_FLAIR": ["error"]}
    assert "<b>b_T1w</b>" in text
    assert "Content-Security-Policy" in frame
    assert not Frames(report(evaluated.path).read_text(encoding="utf-8")).pages


def test_images_that_are_not_there_are_refused(evaluated, tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        report(evaluated.path, images=[tmp_path / "nowhere"], out=tmp_path / "page.html")
