"""`anysyn evaluate --segment` and the report, as a user types them."""

import pytest
from learned_runs import write_learned_run
from lesion_cohort import SPLIT, write_lesion_cohort
from test_cli import call, one_line

from anysyn.probes.lesion_segmentation import train as fit_segmenter


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segment")
    write_lesion_cohort(folder / "cohort", shape=(12, 14, 8))
    write_learned_run(folder / "run", folder / "cohort", clip=False).write("split.json", SPLIT)
    return folder


def test_segmentation_then_the_report(place, monkeypatch):
    monkeypatch.setattr(fit_segmenter, "BATCH", 2)  # its quality is of no matter here
    result = call("evaluate", place / "run", "--segment", "--segmenter", place / "segmenters")
    assert result.exit_code == 0, result.output
    assert any(line.startswith("enhancing tumour  FLAIR ") for line in result.stdout.splitlines())
    assert (place / "segmenters" / "glioma" / "T1w+T2w+FLAIR.safetensors").is_file()
    assert call("report", place / "run").exit_code == 0
    assert 'id="segmentation"' in (place / "run" / "report.html").read_text()


def test_subjects_that_were_learned_from_are_one_line(place):
    one_line(call("evaluate", place / "run", "--segment", "--split", "all"), "sub-00", "choose another --split")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--segment", "--alignment"), "one at a time: --alignment, --segment"),
        (("--segment", "--sweep", "T1w:T2w:te=60"), "one at a time: --segment, --sweep"),
        (
            ("--segment", "--pairs", "T1w:T2w"),
            "--pairs is for the evaluation of pairs or --robustness or --modulation alone",
        ),
        (("--retrain",), "--retrain is for --segment alone"),
        (("--segmenter", "folder", "--embeddings"), "--segmenter is for --segment alone"),
    ],
)
def test_options_that_do_not_go_together(place, words, said):
    result = call("evaluate", place / "run", *words)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())
