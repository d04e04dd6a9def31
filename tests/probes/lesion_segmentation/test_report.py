"""The downstream segmentation as the page shows it."""

import numpy as np
import pandas as pd
import pytest
from run_folders import write_probe

from anysyn.errors import UserError
from anysyn.probes.lesion_segmentation.dice import ABSENT, NONE, REAL, SYNTHESIZED, summarise
from anysyn.probes.lesion_segmentation.example import Outlines, read_outlines, write_outlines
from anysyn.probes.lesion_segmentation.report import dice_figure
from anysyn.probes.lesion_segmentation.volumes import by_group, volume_agreement
from anysyn.reporting import report

NOTES = ["glioma: the segmenter is shown <T1w>."]
SHOWN = (
    (NONE, REAL, 0.9),
    ("T1w", ABSENT, 0.2),
    ("T1w", SYNTHESIZED, 0.7),
    ("T2w", ABSENT, 0.3),
    ("T2w", SYNTHESIZED, 0.8),
)


def cases_of(regions=("whole tumour", "tumour core"), task="glioma", subjects=2):
    return pd.DataFrame(
        [
            {"task": task, "region": region, "subject": f"sub-0{s}", "dataset": "A", "missing": missing}
            | {"method": method, "sources": "T2w" if method == SYNTHESIZED else "", "dice": value - 0.1 * s}
            | {"agreement": value, "truth_ml": 3.0, "found_ml": 2.0}
            for s in range(subjects)
            for missing, method, value in SHOWN
            for region in regions
        ]
    )


def outlines_of(task="glioma"):
    rng = np.random.default_rng(0)
    disc = np.zeros((2, 12, 10), dtype=bool)
    disc[:, 3:8, 2:7] = True
    return Outlines(
        task=task,
        subject="sub-00",
        spacing=(1.0, 2.0),
        inputs=("T1w", "T2w"),
        regions=("whole tumour", "tumour core"),
        real=rng.random((2, 12, 10)).astype(np.float16),
        truth=disc,
        outlined=np.stack([disc] * len(SHOWN)),
        images=rng.random((len(SHOWN), 12, 10)).astype(np.float16),
        about=tuple((missing, method, "") for missing, method, _ in SHOWN),
    )


def write_segmentation(run, cases, tasks=("glioma",)):
    tables = {"cases": cases, "summary": summarise(cases)}
    tables |= {"volumes": volume_agreement(cases), "groups": by_group(cases, {})}
    folder = write_probe(run, "lesion_segmentation", tables, notes=NOTES)
    for task in tasks:
        write_outlines(folder / f"outlines_{task}.npz", outlines_of(task).arrays())
    return folder


def section(page):
    return page.read_text(encoding="utf-8").split('id="lesion_segmentation"')[1].split("</section>")[0]


def test_the_page_shows_figures_and_tables(evaluated):
    both = pd.concat([cases_of(), cases_of(("infarct",), "infarct")])
    write_segmentation(evaluated, both, ("glioma", "infarct"))
    page = report(evaluated.path)
    assert 'href="#lesion_segmentation"' in page.read_text(encoding="utf-8")
    text = section(page)
    mean = f"{0.7 - 0.05:.3f} ± {np.std([0.7, 0.6], ddof=1):.3f}"
    for words in ("whole tumour", "infarct", mean, "shown &lt;T1w&gt;.", "agreement with all real"):
        assert words in text
    assert "infarct: all real 0.85, absent 0.20, synthesized 0.70" in text
    assert text.count("truth and outlines of whole tumour, tumour core by modality and method") == 2
    assert report(evaluated.path).read_bytes() == page.read_bytes()


def test_one_subject_and_an_empty_truth_can_be_drawn(evaluated):
    cases = cases_of(subjects=1)
    cases.loc[cases["region"] == "tumour core", ["dice", "agreement"]] = float("nan")
    write_segmentation(evaluated, cases)
    assert "- ± -" in section(report(evaluated.path))
    assert dice_figure(cases).alt.endswith("tumour core: all real -, absent -, synthesized -")


def test_a_page_without_segmentation_says_nothing_of_it(evaluated):
    assert 'id="lesion_segmentation"' not in report(evaluated.path).read_text()


def test_a_slice_is_read_as_it_was_written(tmp_path):
    outlines = outlines_of()
    write_outlines(tmp_path / "one.npz", outlines.arrays())
    again = read_outlines(tmp_path / "one.npz")
    assert (again.task, again.subject, again.inputs) == ("glioma", "sub-00", ["T1w", "T2w"])
    assert all(np.array_equal(value, outlines.arrays()[name]) for name, value in again.arrays().items())


def test_damage_is_one_line(evaluated):
    folder = write_segmentation(evaluated, cases_of())
    (folder / "outlines_glioma.npz").write_bytes(b"cut")
    with pytest.raises(UserError, match=r"outlines_glioma\.npz: not a slice that a probe wrote; run the probe again"):
        report(evaluated.path)
    (folder / "summary.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"segmentation: its findings cannot be read .*; run the probe again"):
        report(evaluated.path)
