"""The tables of a reading study: the paper's own numbers from counts, and the file."""

from pathlib import Path

import pytest
from reading_study.tables import EXAMPLE, tables

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.reading_study.study import Report, findings_table, impression_table, read_study, unpaired
from anysyn.evaluation.tables.labels import MACRO, MICRO

# PMM-Synth, Table 4(b), radiologist 1, 3-to-3: the counts that its rows come from, and what it prints.
COUNTS = {"LGG": (3, 0, 1), "HGG": (8, 0, 1), "Astrocytoma": (7, 1, 1), "ODG": (6, 0, 1), "GBM": (1, 0, 0)}
COUNTS |= {"EPN": (1, 1, 0), "Unspecified Glioma": (2, 1, 0), "Metastasis": (1, 0, 1), "Other": (2, 0, 0)}
PRINTED = {"LGG": (1.0, 0.75, 0.857), "HGG": (1.0, 0.889, 0.941), "Astrocytoma": (0.875, 0.875, 0.875)}
PRINTED |= {"EPN": (0.5, 1.0, 0.667), MACRO: (0.894, 0.875, 0.859), MICRO: (0.912, 0.861, 0.886)}


def reports_of(counts):
    number = iter(range(1000))
    for label, parts in counts.items():
        for (had, given), count in zip(((True, True), (False, True), (True, False)), parts, strict=True):
            for _ in range(count):
                case = str(next(number))
                yield Report(case, "1", "real", "a", frozenset([label] * had))
                yield Report(case, "1", "3-to-3", "a", frozenset([label] * given))


def test_the_scores_are_what_the_paper_prints():
    table = impression_table(list(reports_of(COUNTS))).set_index("label")
    for label, wanted in PRINTED.items():
        found = table.loc[label, ["precision", "recall", "f1"]].tolist()
        assert found == pytest.approx(wanted, abs=6e-4), label


def test_readers_are_compared_with_themselves():
    reports = read_study(EXAMPLE)
    similar = findings_table(reports).set_index(["reader", "setting"])["similarity"]
    assert similar["A", "3-to-3"] == 1
    assert similar["A", "3-to-3"] > similar["A", "2-to-4"] > similar["A", "1-to-5"]
    assert not unpaired(reports)
    assert unpaired([one for one in reports if one.setting != "real" or one.reader == "B"])[0].reader == "A"
    with pytest.raises(EvaluationError, match="no report can be compared"):
        findings_table([one for one in reports if one.setting != "real"])


def test_the_tables_of_the_example_say_that_it_is_made_up():
    text = tables(EXAMPLE)
    assert text.startswith("MADE-UP EXAMPLE")
    assert "| A | 1-to-5 |" in text.replace("  ", " ")
    assert "micro-average" in text


def test_files_that_cannot_be_read(tmp_path):
    def written(text):
        path = Path(tmp_path / "study.csv")
        path.write_text(text)
        return path

    with pytest.raises(EvaluationError, match="lacks the column 'impression'; did you mean 'impressions'"):
        read_study(written("case,reader,setting,findings,impressions\n1,A,real,a,LGG\n"))
    with pytest.raises(EvaluationError, match="two reports of 1, A, real; keep one"):
        read_study(written("case,reader,setting,findings,impression\n1,A,real,a,LGG\n1,A,real,b,LGG\n"))
