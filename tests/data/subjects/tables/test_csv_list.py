from __future__ import annotations

from pathlib import Path

import pytest
from subject_files import contrasts, image, reasons, text

from anysyn.data.subjects.find import find_subjects
from anysyn.data.volumes.volume import read_volume
from anysyn.errors import UserError


class TestTables:
    def test_a_row_for_each_subject(self, tmp_path: Path) -> None:
        for name in ("a1", "a2", "b1", "lesion"):
            image(tmp_path / f"files/{name}.nii.gz", {"EchoTime": 0.01})
        table = text(
            tmp_path / "list.csv",
            "Subject,dataset,age,sex,split,t1,T2_FLAIR,lesion_mask,weight\n"
            "a,IXI,30,f,train,files/a1.nii.gz,files/a2.nii.gz,files/lesion.nii.gz,80\n"
            f"b,,n/a,,val,{tmp_path}/files/b1.nii.gz,,,\n",
        )
        found = find_subjects(table)
        a, b = found.subjects
        assert contrasts(found) == {"a": ["FLAIR", "T1w"], "b": ["T1w"]}
        assert (a.dataset, a.split, b.dataset, b.split) == ("IXI", "train", "list", "validation")
        person = {"age_years": 30.0, "sex": "F"}
        scan = {"modality": "T1w", "echo_time_ms": 10.0, "voxel_size_mm": (1.0, 1.0, 2.5)}
        assert a.acquisitions["T1w"].known() == scan | person
        assert list(a.masks) == ["lesion"]
        assert read_volume(a.images["FLAIR"]).shape == (4, 5, 6)
        assert "column 'weight' is not used" in reasons(found.ignored)

    def test_a_row_for_each_image(self, tmp_path: Path) -> None:
        image(tmp_path / "x.nii.gz")
        table = text(
            tmp_path / "list.tsv",
            "subject\tsession\tmodality\tpath\tage\n"
            "p\t1\tT1ce\tx.nii.gz\t44\np\t1\tT2w\tx.nii.gz\t\np\t1\tlesion_mask\tx.nii.gz\t\np\t2\tFLAIR\tx.nii.gz\t\n",
        )
        found = find_subjects(table)
        assert contrasts(found) == {"p_1": ["T1c", "T2w"], "p_2": ["FLAIR"]}
        assert {one.person for one in found.subjects} == {"p"}
        assert list(found.subjects[0].masks) == ["lesion"]
        assert found.subjects[0].acquisitions["T2w"].age_years == 44.0
        assert found.failures == found.ignored == ()

    def test_a_bad_row_costs_no_other(self, tmp_path: Path) -> None:
        image(tmp_path / "x.nii.gz")
        table = text(
            tmp_path / "list.csv",
            "subject,modality,path\na,T1w,x.nii.gz\nb,T1w,missing.nii.gz\nc,T1x,x.nii.gz\n,T1w,x.nii.gz\nd,T1w,\n",
        )
        found = find_subjects(table)
        assert contrasts(found) == {"a": ["T1w"]}
        listed = reasons(found.failures)
        assert "no modality named 'T1x'; did you mean 'T1c'" in listed or "did you mean 'T1w'" in listed
        for part in ("b: ", "missing.nii.gz: No such file", "line 5 names no subject", "d names no image"):
            assert part in listed

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "list.csv: is no readable table"),
            ("subject,T1w\n", "list.csv: needs the column subject.*no rows"),
            ("name,T1w\na,x.nii.gz\n", "needs the column subject.*it has name, t1w"),
            ("subject,size\na,x.nii.gz\n", "needs the column subject and either one for each modality"),
            ("subject,T1w,spilt\na,x.nii.gz,test\n", "line 1 has a column 'spilt'; did you mean 'split'?"),
            ("subject,T1w,T2ww\na,x.nii.gz,\n", "line 1 has a column 't2ww'; did you mean 't2w'?"),
            ("subject,T1w,split\na,x.nii.gz,trian\n", "no split named 'trian'; did you mean 'train'"),
            ('subject,T1w\n"a,x\n', "list.csv: "),
        ],
    )
    def test_tables_that_cannot_be_read(self, tmp_path: Path, content: str, message: str) -> None:
        image(tmp_path / "x.nii.gz")
        with pytest.raises(UserError, match=message) as caught:
            find_subjects(text(tmp_path / "list.csv", content))
        assert "\n" not in str(caught.value)

    def test_a_table_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "list.csv").write_bytes("subject,T1w\nJürgen,x.nii.gz\n".encode("latin-1"))
        with pytest.raises(UserError, match="UTF-8"):
            find_subjects(tmp_path / "list.csv")
