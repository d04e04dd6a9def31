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

    def test_rows_of_another_length_name_their_line(self, tmp_path: Path) -> None:
        image(tmp_path / "x.nii.gz")
        table = text(
            tmp_path / "list.csv",
            "subject,T1w,age\na,x.nii.gz,67,5\nb,x.nii.gz\nc,x.nii.gz,5,,\n\nd,x.nii.gz,\n",
        )
        found = find_subjects(table)
        assert contrasts(found) == {"c": ["T1w"], "d": ["T1w"]}  # empty cells at the end of a row are no matter
        listed = reasons(found.failures)
        assert (
            "line 2 has 4 cells where the header has 3; remove what is too much and quote cells with a decimal"
            in listed
        )
        assert "line 3 has 2 cells where the header has 3; add what is missing" in listed

    def test_semicolons_decimal_commas_and_a_mark_are_read_and_said(self, tmp_path: Path) -> None:
        image(tmp_path / "x.nii.gz")
        (tmp_path / "list.csv").write_text("participant_id;t1;age\n01;x.nii.gz;67,5\n", encoding="utf-8-sig")
        found = find_subjects(tmp_path / "list.csv")
        assert contrasts(found) == {"01": ["T1w"]}
        assert found.subjects[0].acquisitions["T1w"].age_years == 67.5
        assert [note.partition(": ")[2] for note in found.notes] == [
            "begins with a byte order mark, which is left out",
            "its columns are separated by semicolons, and read so",
        ]

    def test_a_subject_twice_with_one_contrast_is_refused(self, tmp_path: Path) -> None:
        for name in ("x", "y", "z"):
            image(tmp_path / f"{name}.nii.gz")
        table = text(
            tmp_path / "list.csv",
            "subject,T1w,T2w,split\na,x.nii.gz,z.nii.gz,\na,y.nii.gz,,\nb,x.nii.gz,,train\nb,,y.nii.gz,test\nc,x.nii.gz,,\n",
        )
        found = find_subjects(table)
        assert contrasts(found) == {"a": ["T2w"], "c": ["T1w"]}
        listed = reasons(found.failures)
        assert "x.nii.gz (line 2) and y.nii.gz (line 3) are both T1w" in listed
        assert "keep one of these lines" in listed
        assert "lines 4 and 5 say split 'train' and 'test'; keep one, so b is left out" in listed

    def test_missing_files_name_their_line(self, tmp_path: Path) -> None:
        image(tmp_path / "x.nii.gz")
        table = text(tmp_path / "list.csv", "subject,T1w,T2w,mask\na,x.nii.gz,gone.nii.gz,no_mask.nii.gz\n")
        found = find_subjects(table)
        assert contrasts(found) == {"a": ["T1w"]}
        assert f"line 2: {tmp_path}/gone.nii.gz: No such file or directory; check the path" in reasons(found.failures)
        assert f"no_mask.nii.gz: no such file; paths are relative to {tmp_path}" in reasons(found.failures)

    def test_paths_are_relative_to_the_table_also_as_windows_writes_them(self, tmp_path: Path) -> None:
        path = image(tmp_path / "data" / "a" / "x.nii.gz")
        text(tmp_path / "data/list.csv", "subject,T1w\na,a\\x.nii.gz\nb,a/x.nii.gz\n")
        assert [one.images["T1w"] for one in find_subjects(tmp_path / "data/list.csv").subjects] == [path, path]

    def test_columns_of_people_sidecars_and_files(self, tmp_path: Path) -> None:
        for name in ("x", "y"):
            image(tmp_path / f"{name}.nii.gz")
        text(tmp_path / "of_all.json", '{"EchoTime": 0.003, "FlipAngle": 8}')
        text(tmp_path / "own.json", '{"EchoTime": 0.004}')
        table = text(
            tmp_path / "list.csv",
            "subject,person,t1 post file,T2w,T2w sidecars\nP01/BL,P01,x.nii.gz,y.nii.gz,of_all.json | own.json\n",
        )
        subject = find_subjects(table).subjects[0]
        assert (subject.key, subject.person, list(subject.images)) == ("P01/BL", "P01", ["T1c", "T2w"])
        record = subject.acquisitions["T2w"]
        assert (record.echo_time_ms, record.flip_angle_deg) == (4.0, 8.0)
        assert subject.sidecars == {"T2w": (tmp_path / "of_all.json", tmp_path / "own.json")}

    @pytest.mark.parametrize("row", ["a,x.nii.gz,old,F", "a,x.nii.gz,-5,F", "a,x.nii.gz,30,Q"])
    def test_an_age_or_a_sex_that_is_none_is_said(self, tmp_path: Path, row: str) -> None:
        image(tmp_path / "x.nii.gz")
        found = find_subjects(text(tmp_path / "list.csv", f"subject,T1w,age,sex\n{row}\n"))
        assert contrasts(found) == {"a": ["T1w"]}
        assert "list.csv: line 2: " in reasons(found.failures)

    def test_a_workbook_and_an_image_have_their_remedy(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"list.xlsx: is a workbook; save the sheet with the subjects as CSV UTF-8"):
            find_subjects(text(tmp_path / "list.xlsx", ""))
        with pytest.raises(UserError, match=r"x.nii.gz: is a single image; name its folder"):
            find_subjects(image(tmp_path / "x.nii.gz"))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (
                "subject,T1w\nJürgen,x.nii.gz\n".encode("cp1252"),
                "line 2 is not UTF-8 but another encoding, perhaps cp1252: 'ü'",
            ),
            (
                "subject,T1w\na,x.nii.gz\n".encode("utf-16"),
                "line 1 is in UTF-16, or no text at all.*save it as CSV UTF-8",
            ),
            (b"subject,T1w,t1w\na,x.nii.gz,\n", "line 1 has the column 't1w' twice; rename one of them"),
        ],
    )
    def test_bytes_that_are_no_table(self, tmp_path: Path, content: bytes, message: str) -> None:
        (tmp_path / "list.csv").write_bytes(content)
        with pytest.raises(UserError, match=message):
            find_subjects(tmp_path / "list.csv")

    def test_a_table_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "list.csv").write_bytes("subject,T1w\nJürgen,x.nii.gz\n".encode("latin-1"))
        with pytest.raises(UserError, match="UTF-8"):
            find_subjects(tmp_path / "list.csv")
