"""What shows the progress of a call, and what has to be known though nothing shows it."""

import warnings

import pytest

from anysyn.progress import Bar, Progress, Silent, progress_of


def test_true_is_a_bar_that_prints_a_line_for_each_task_where_there_is_no_terminal(capsys):
    shown = progress_of(True)
    assert list(shown.over("epoch 1/2", [1, 2, 3])) == [1, 2, 3]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("epoch 1/2: 3/3")


@pytest.mark.parametrize("nothing", [None, False])
def test_by_default_nothing_is_shown(nothing, capsys):
    assert list(progress_of(nothing).over("epoch", [1])) == [1]
    assert capsys.readouterr().out == ""


def test_a_warning_is_shown_once_by_the_bar_or_else_as_one_of_python(capsys):
    with pytest.warns(UserWarning, match="nobody is there"):
        Progress().warn("nobody is there")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Bar().warn("nobody is there")
        Silent().warn("nobody is there")
    assert capsys.readouterr().out == "nobody is there\n"
