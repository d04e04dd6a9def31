"""Tables: summaries against pandas-free arithmetic, what is refused, and what is written."""

import math

import numpy as np
import pandas as pd
import pytest

from anysyn.errors import UserError
from anysyn.evaluation.tables.cases_table import ALL_PAIRS, case_row, check_cases, margins, read_cases, summarise
from anysyn.evaluation.tables.format import latex
from anysyn.evaluation.tables.markdown_latex import ranks, to_latex, to_lines, to_markdown

STAMP = ("anysyn", "ab12cd34")
COPY = "source copied"


def rows(values, method="model", pair=(("T1w",), "T2w"), stamp=STAMP):
    return [
        case_row(f"sub_{i:02}", "site_1", method, *pair, stamp, {"psnr": psnr, "mae": mae})
        for i, (psnr, mae) in enumerate(values)
    ]


@pytest.fixture
def cases():
    other = (("T1w", "T2w"), "FLAIR")
    return pd.DataFrame(
        [
            *rows([(30, 0.10), (32, 0.30)]),
            *rows([(25, 0.20), (29, 0.20)], COPY),
            *rows([(40, 0.05)], pair=other),
            *rows([(41, 0.06)], COPY, other),
        ]
    )


def of(table, pair, method, column="method"):
    return table[(table["pair"] == pair) & (table[column] == method)].iloc[0]


def test_mean_and_sd_of_each_pair_and_over_all(cases):
    table = summarise(cases)
    one = of(table, "T1w:T2w", "model")
    assert (one["cases"], one["psnr"], one["mae"]) == (2, 31, pytest.approx(0.2))
    assert one["psnr_sd"] == pytest.approx(math.sqrt(2))
    everything = of(table, ALL_PAIRS, "model")
    assert everything["cases"] == 3
    assert everything["psnr"] == pytest.approx(34)
    assert everything["psnr_sd"] == pytest.approx(np.std([30, 32, 40], ddof=1))
    assert math.isnan(of(table, "T1w+T2w:FLAIR", "model")["psnr_sd"])
    assert list(table["pair"].unique()) == ["T1w:T2w", "T1w+T2w:FLAIR", ALL_PAIRS]


def test_one_pair_has_no_row_over_all():
    assert ALL_PAIRS not in set(summarise(pd.DataFrame(rows([(30, 0.1)])))["pair"])


def test_margins_are_positive_where_the_model_is_better(cases):
    found = of(margins(cases), "T1w:T2w", COPY, "baseline")
    assert (found["psnr"], found["mae"]) == (pytest.approx(4), pytest.approx(0.0))
    worse = of(margins(cases), "T1w+T2w:FLAIR", COPY, "baseline")
    assert (worse["psnr"], worse["mae"]) == (pytest.approx(-1), pytest.approx(0.01))
    assert of(margins(cases), ALL_PAIRS, COPY, "baseline")["psnr"] == pytest.approx(7 / 3)


def test_margins_compare_the_same_cases_only():
    cases = pd.DataFrame(rows([(30, 0.1), (50, 0.1)]) + rows([(20, 0.1)], COPY))
    found = margins(cases).iloc[0]
    assert (found["cases"], found["psnr"]) == (1, 10)


def test_no_baseline_gives_no_margins():
    assert margins(pd.DataFrame(rows([(30, 0.1)]))).empty


def test_identical_images_are_left_out_of_the_mean_and_counted():
    cases = pd.DataFrame(rows([(30, 0.1), (math.inf, 0.0), (32, 0.2)]) + rows([(math.inf, 0.0)] * 3, COPY))
    table = summarise(cases)
    model, copy = of(table, "T1w:T2w", "model"), of(table, "T1w:T2w", COPY)
    assert (model["psnr"], model["identical"], model["cases"]) == (31, 1, 3)
    assert model["mae"] == pytest.approx(0.1)
    assert math.isinf(copy["psnr"])
    text = to_markdown(table, margins(cases))
    assert "**∞**" in text
    assert "4 predictions are identical to the truth" in text
    assert r"\textbf{$\infty$}" in to_latex(table)


def test_protocols_are_not_mixed(cases):
    other = pd.DataFrame(rows([(30, 0.1)], stamp=("anysyn", "00000000")))
    mixed = pd.concat([cases, other])
    for refuse in (check_cases, summarise, margins):
        with pytest.raises(UserError, match=r"cannot mix protocols: anysyn \(00000000\), anysyn \(ab12cd34\)"):
            refuse(mixed)


def test_what_is_no_table_of_cases_is_refused(cases):
    with pytest.raises(UserError, match="no column digest"):
        summarise(cases.drop(columns="digest"))
    with pytest.raises(UserError, match="no case"):
        summarise(cases.iloc[:0])


def test_cases_are_read_back_as_they_were_written(tmp_path, cases):
    cases = cases.astype({"psnr": float})
    cases.iloc[0, [0, 1, 7, 8]] = ["007", "NA", math.inf, 1 / 3]
    cases.to_csv(tmp_path / "a.csv", index=False)
    pd.testing.assert_frame_equal(read_cases(tmp_path / "a.csv"), cases.reset_index(drop=True), check_dtype=False)
    other = pd.DataFrame(rows([(30, 0.1)], stamp=("slices", "00000000")))
    other.to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(UserError, match="cannot mix"):
        read_cases(tmp_path / "a.csv", tmp_path / "b.csv")


def test_ranks_follow_what_is_printed():
    block = pd.DataFrame({"cases": [5] * 4, "psnr": [30.001, 29.999, 28.0, 20.0], "mae": [0.4, 0.3, 0.2, 0.1]})
    assert ranks(block, "psnr") == [1, 1, 2, 0]
    assert ranks(block, "mae") == [0, 0, 2, 1]


def test_a_method_with_fewer_cases_is_not_ranked():
    block = pd.DataFrame({"cases": [5, 4, 5], "psnr": [30.0, 35.0, 28.0]})
    assert ranks(block, "psnr") == [1, 0, 2]


def test_markdown(cases):
    text = to_markdown(summarise(cases), margins(cases), ["Protocol anysyn (ab12cd34): volumes."])
    lines = text.splitlines()
    assert lines[0] == "| pair | method | cases | PSNR (dB) ↑ | MAE ↓ |"
    assert lines[2] == "| T1w → T2w | model | 2 | **31.00 ± 1.41** | **0.2000 ± 0.1414** |"
    assert lines[3] == "|  | source copied | 2 | <u>27.00 ± 2.83</u> | **0.2000 ± 0.0000** |"
    assert lines[4] == "| T1w+T2w → FLAIR | model | 1 | <u>40.00</u> | **0.0500** |"
    assert "- Protocol anysyn (ab12cd34): volumes." in lines
    assert "| T1w → T2w | source copied | 2 | +4.00 | 0.0000 |" in lines
    assert "| T1w+T2w → FLAIR | source copied | 1 | -1.00 | +0.0100 |" in lines
    assert {line.count("|") for line in lines if line.startswith("|")} == {6}


def test_lines_for_a_terminal(cases):
    lines = to_lines(summarise(cases), margins(cases), ["Protocol anysyn (ab12cd34): volumes."], columns=1)
    assert lines[0].split() == ["pair", "method", "cases", "PSNR", "(dB)", "↑"]
    assert lines[1].split() == ["T1w", "→", "T2w", "model", "2", "31.00", "±", "1.41"]
    assert lines[1].index("model") == lines[2].index("source") == lines[0].index("method")
    assert "Protocol anysyn (ab12cd34): volumes." in lines
    assert lines[-1].split()[-2:] == ["3", "+2.33"]
    assert max(map(len, lines)) < 80


def test_latex_is_booktabs_with_marks_and_escapes(cases):
    text = to_latex(summarise(cases), ["Protocol a_b: 99.5 % & more."])
    for rule in (r"\toprule", r"\bottomrule", r"\begin{tabular}{llrrr}", r"\end{tabular}", r"\begin{table}"):
        assert rule in text
    assert text.count(r"\midrule") == 3
    assert r"T1w $\rightarrow$ T2w & model & 2 & \textbf{31.00 $\pm$ 1.41} & \textbf{0.2000 $\pm$ 0.1414} \\" in text
    assert r"\underline{27.00 $\pm$ 2.83}" in text
    assert r"PSNR (dB) $\uparrow$" in text
    assert r"Protocol a\_b: 99.5 \% \& more." in text
    assert text.isascii()


def test_latex_escapes_every_special_character():
    assert latex(r"a\b{c}~^#$") == r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}\#\$"


def test_a_metric_that_is_not_a_number_stays_one(tmp_path):
    text = "subject,dataset,method,sources,target,protocol,digest,psnr\n1,,model,T1w,T2w,anysyn,abc,\n"
    (tmp_path / "cases.csv").write_text(text)
    cases = read_cases(tmp_path / "cases.csv")
    assert math.isnan(cases["psnr"][0])
    assert cases["subject"][0] == "1"
    assert cases["dataset"][0] == ""
