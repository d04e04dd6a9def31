"""The page as a reader and a browser find it."""

from html.parser import HTMLParser

import pandas as pd
import pytest
from run_folders import write_evaluation

from anysyn.errors import UserError
from anysyn.files import contents_of, write_manifest
from anysyn.reporting import report
from anysyn.training.run_folder.folder import RunError

NOTICE = "Synthetic images. Not for clinical use."
VOID = {"meta", "img", "wbr"}


class Page(HTMLParser):
    """Collect tags, links, alternative texts, names and words, and check that tags are closed in order."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.links, self.alts, self.ids, self.words, self.open = [], [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert not self.open

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in {"src", "href", "srcset", "action", "data"}]
        self.alts += [given.get("alt")] if tag == "img" else []
        self.ids += [given["id"]] if "id" in given else []
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_the_page_needs_nothing_else(evaluated):
    path = report(evaluated.path)
    page, text = Page(path), path.read_text(encoding="utf-8")
    assert all(link.startswith(("data:image/png;base64,", "data:image/svg+xml;base64,", "#")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text


def test_the_warning_stands_on_top_and_at_the_end(evaluated):
    text = Page(report(evaluated.path)).text
    assert text.count(NOTICE) == 2
    assert text.index(NOTICE) < text.index("Results")


def test_every_pair_method_subject_and_picture_is_there_in_words(evaluated):
    page = Page(report(evaluated.path))
    for words in ("T1w → T2w", "T2w → T1w", "T1w+T2w → FLAIR", "source copied", "intensity regression", "all pairs"):
        assert words in page.text
    assert all(page.alts)
    pictures = [alt for alt in page.alts if "sub-05" in alt]
    assert len(pictures) == 3 * (4 + 4 + 5)  # planes x (sources, truth, synthetic, error)
    assert "synthetic minus true FLAIR of sub-04, coronal" in page.alts
    assert sum("T1w → T2w, model 22.00" in alt for alt in page.alts) == 1  # the distributions


def test_the_page_says_how_it_came_about(evaluated):
    text = Page(report(evaluated.path)).text
    for words in (
        "Protocol tumsyn (",  # how it was measured
        "train 2, validation 1, test 2 (seed 5)",
        "2 subjects of split test, 3 pairs",
        "not stated whether simulated or real",
        "Seed of training 7",
        "Seed of evaluation 3",
        "torch 9.8.7",
        "modalities: - T1w - T2w - FLAIR",  # the recipe
        "2 of 3 epochs are in the log. Lowest validation 0.3, after epoch 2.",
        "Validation samples after 10 epochs",
    ):
        assert words in text


def test_what_failed_is_listed(evaluated):
    text = Page(report(evaluated.path)).text
    assert "1 could not be evaluated" in text
    assert "sub-09 : T2w.nii.gz: is damaged <b>" in text


def test_who_was_left_out_of_the_training_is_listed(run):
    assert "Left out" not in Page(report(run.path)).text
    run.write("failures.json", [{"subject": "sub-07", "reason": "T1w.nii.gz: is cut off <i>"}])
    text = Page(report(run.path)).text
    assert "Left out 1 could not be used" in text
    assert "sub-07 : T1w.nii.gz: is cut off <i>" in text


def test_metrics_of_some_targets_stand_in_a_second_table(evaluated):
    path = evaluated.path / "evaluation" / "cases.csv"
    cases = pd.read_csv(path)
    cases.loc[cases["target"] == "FLAIR", "mae_hu"] = 12.0
    cases.to_csv(path, index=False)
    text = Page(report(evaluated.path)).text
    first, second = text.split("Metrics that not every target has; otherwise as above.")
    assert "MAE (HU)" not in first
    assert "T1w+T2w" in second.replace(" ", "").partition("Distributions")[0]


def test_what_others_wrote_is_text_and_never_markup(evaluated):
    recipe = evaluated.recipe.read_text().replace(
        "name: tiny", "name: <script>alert(1)</script>\nevil: '\"><img src=x>'"
    )
    evaluated.recipe.write_text(recipe)
    page = Page(report(evaluated.path))
    assert "script" not in page.tags
    assert "x" not in page.links
    assert page.text.startswith("<script>alert(1)</script>: anysyn report")


def test_the_same_run_gives_the_same_page(evaluated):
    first = report(evaluated.path).read_bytes()
    assert report(evaluated.path).read_bytes() == first


def test_a_run_that_was_not_evaluated_says_how_and_shows_its_training(run):
    page = Page(report(run.path))
    assert f"anysyn evaluate {run.path}" in page.text
    assert any("l1 in training from 1 to 0.5" in alt for alt in page.alts)


def test_a_training_that_goes_on(run):
    for path in (run.log, run.validation, run.weights, run.path / "split.json", *(run.path / "samples").iterdir()):
        path.unlink()
    page = Page(report(run.path))
    assert f"anysyn train --resume {run.path}" in page.text
    assert "Nothing of this stage is in the training log." in page.text
    assert "img" not in page.tags


def test_an_evaluation_without_examples_says_how_to_get_some(run):
    write_evaluation(run, run.path / "evaluation", examples=False)
    assert "--examples 2" in Page(report(run.path)).text


def test_an_axis_of_unknown_direction_gets_no_sides(evaluated):
    evaluated.recipe.write_text(evaluated.recipe.read_text().replace("canonical", "crop"))
    page = Page(report(evaluated.path))
    assert "the sides are not marked" in page.text
    assert "i" not in page.tags
    assert "true T2w of sub-04, across axis 0" in page.alts


def test_the_run_s_own_page_is_made_anew_and_others_only_if_asked(run, tmp_path):
    assert report(run.path) == report(run.path) == report(run.path, out=run.path / "report.html")
    elsewhere = report(run.path, out=tmp_path / "made" / "page.html")
    kept = elsewhere.read_bytes()
    with pytest.raises(UserError, match=r"page\.html exists; allow replacing it with --overwrite"):
        report(run.path, out=elsewhere)
    assert elsewhere.read_bytes() == kept
    assert report(run.path, out=elsewhere, overwrite=True) == elsewhere
    with pytest.raises(UserError, match="is a folder"):
        report(run.path, out=tmp_path)


@pytest.mark.parametrize("name", ["run/report.html", "notes.html"])
def test_a_page_that_is_no_report_is_never_replaced(run, tmp_path, name):
    page = tmp_path / name
    page.write_text("<html>mine</html>")
    with pytest.raises(UserError, match=r"is no report of anysyn's"):
        report(run.path, out=page, overwrite=True)
    assert page.read_text() == "<html>mine</html>"


def test_the_report_belongs_to_the_run(run):
    write_manifest(run.path, "anysyn train", [])
    report(run.path)
    assert [path.name for path in contents_of(run.path).own] == ["report.html", "manifest.json"]


def test_a_page_that_cannot_be_made_leaves_the_old_one(evaluated):
    kept = report(evaluated.path).read_bytes()
    (evaluated.path / "evaluation" / "cases.csv").write_text("something,else\n1,2\n")
    with pytest.raises(UserError, match="its results cannot be read"):
        report(evaluated.path)
    assert (evaluated.path / "report.html").read_bytes() == kept


@pytest.mark.parametrize("content", ["", "just words", "name: [", "name: x\nmodalities: [T1w]\n"])
def test_a_recipe_that_is_none_is_one_line(run, content):
    run.recipe.write_text(content)
    with pytest.raises(RunError, match=r"recipe\.yaml:.*restore (the recipe|it)"):
        report(run.path)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        report(tmp_path)
