"""Results: where they are looked for, and what becomes of those that cannot be read."""

import json
import math
import shutil

import pandas as pd
import pytest
from run_folders import PAIRS, example, write_evaluation

from anysyn.errors import UserError
from anysyn.evaluation.tables.cases_table import summarise
from anysyn.reporting import report
from anysyn.reporting.results import chosen, find_results, pair_of, read_results


def test_the_run_s_own_results_are_found(evaluated):
    assert find_results(evaluated) == evaluated.path / "evaluation"


@pytest.mark.parametrize("relative", [False, True])
def test_the_latest_evaluation_counts_wherever_it_went(evaluated, tmp_path, relative):
    write_evaluation(evaluated, tmp_path / "elsewhere")
    where = "../elsewhere" if relative else str(tmp_path / "elsewhere")
    evaluated.write("evaluation.json", {"results": where})
    assert find_results(evaluated).resolve() == tmp_path / "elsewhere"


def test_after_the_run_was_moved_its_own_results_count(evaluated, tmp_path):
    evaluated.write("evaluation.json", {"results": str(tmp_path / "gone")})
    assert find_results(evaluated) == evaluated.path / "evaluation"
    shutil.rmtree(evaluated.path / "evaluation")
    assert find_results(evaluated) is None


def test_an_evaluation_that_goes_on_has_no_results_yet(run):
    (run.path / "evaluation" / "examples").mkdir(parents=True)
    assert find_results(run) is None
    assert "This run has not been evaluated" in report(run.path).read_text()


def test_results_that_are_named_must_be_there(run, tmp_path):
    with pytest.raises(UserError, match=r"nowhere holds no cases\.csv.*anysyn evaluate"):
        report(run.path, results=tmp_path / "nowhere")


def test_results_of_another_run_are_marked(evaluated, tmp_path):
    record = evaluated.path / "evaluation" / "protocol.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"run": str(tmp_path / "other")}))
    assert "as their run; this page is about" in report(evaluated.path).read_text()


def test_a_broken_example_costs_nothing_else(evaluated):
    (evaluated.path / "evaluation" / "examples" / "0_sub-04.npz").write_bytes(b"broken")
    results = read_results(evaluated.path / "evaluation")
    assert len(results.examples) == 5
    assert "0_sub-04.npz" in results.unread[0]
    assert "0_sub-04.npz: not an example" in report(evaluated.path).read_text()


@pytest.mark.parametrize("name", ["cases.csv", "protocol.json"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b"[1", None])
def test_a_broken_or_missing_table_or_record_is_one_line(evaluated, name, content):
    path = evaluated.path / "evaluation" / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=r"evaluation: its results cannot be read .*; evaluate again") as error:
        read_results(evaluated.path / "evaluation")
    assert "\n" not in str(error.value)


def test_scores_that_do_not_exist_and_infinite_ones_are_read(evaluated):
    path = evaluated.path / "evaluation" / "cases.csv"
    cases = pd.read_csv(path)
    cases.loc[0, "psnr"], cases.loc[1, "ssim"] = math.inf, math.nan
    cases.to_csv(path, index=False)
    read = read_results(path.parent).cases
    assert read.loc[0, "psnr"] == math.inf
    assert math.isnan(read.loc[1, "ssim"])
    assert summarise(read)["psnr"].notna().all()
    report(evaluated.path)


def test_examples_come_in_the_order_of_the_pairs(evaluated):
    examples = read_results(evaluated.path / "evaluation").examples
    expected = [f"{'+'.join(sources)}:{target}" for sources, target in PAIRS for _ in range(2)]
    assert [pair_of(one) for one in examples] == expected


@pytest.mark.parametrize(("most", "kept"), [(0, "ac"), (2, "ac"), (3, "abc"), (9, "abcd")])
def test_every_pair_keeps_an_example_and_the_others_as_there_is_room(most, kept):
    four = [example(subject=s, target=t) for s, t in (("a", "T2w"), ("b", "T2w"), ("c", "FLAIR"), ("d", "FLAIR"))]
    assert "".join(one.subject for one in chosen(four, most)) == kept
