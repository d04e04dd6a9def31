from __future__ import annotations

from pathlib import Path

import pytest
from subject_files import text

from anysyn.data.subjects.find import find_subjects
from anysyn.errors import UserError


class TestRoots:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="nowhere: no such file or folder; check the path"):
            find_subjects(tmp_path / "nowhere")

    def test_an_empty_folder_says_what_was_looked_for(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"no subject found; looked for folders with one .nii.*T1w.nii.gz"):
            find_subjects(tmp_path)
        with pytest.raises(UserError, match=r"no subject found; looked for sub-\*/"):
            find_subjects(tmp_path, layout="bids")

    def test_what_was_left_out_is_named(self, tmp_path: Path) -> None:
        text(tmp_path / "A/T1w.nii.gz", "x")
        with pytest.raises(UserError, match=r"1 were left out, the first: .*A/T1w.nii.gz: .*copy it again") as caught:
            find_subjects(tmp_path)
        assert "\n" not in str(caught.value)

    def test_a_layout_that_does_not_fit(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="is a folder, which layout csv cannot be"):
            find_subjects(tmp_path, layout="csv")
        path = text(tmp_path / "x.csv", "subject,T1w\na,b\n")
        with pytest.raises(UserError, match="is a file, which layout bids cannot be"):
            find_subjects(path, layout="bids")
        with pytest.raises(UserError, match="neither a folder nor a"):
            find_subjects(text(tmp_path / "x.txt", ""))
        with pytest.raises(UserError, match="no layout named 'bid'; did you mean 'bids'"):
            find_subjects(tmp_path, layout="bid")  # type: ignore[arg-type]
