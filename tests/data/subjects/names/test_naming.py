from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from anysyn.data.subjects.names.name_words import words_of
from anysyn.data.subjects.names.naming import Naming

STYLES = yaml.safe_load(Path(__file__).with_name("naming_styles.yaml").read_text(encoding="utf-8"))
NAMING = Naming()


def styles() -> Iterator[tuple[str, str]]:
    return ((name, meant) for names in STYLES.values() for name, meant in names.items())


def answer(name: str) -> str:
    found = NAMING.contrast(words_of(name))
    assert found.name is None or not found.unclear
    return found.name or ("unclear" if found.unclear else "none")


def test_the_table_of_styles_is_long_enough() -> None:
    assert len(list(styles())) >= 150


@pytest.mark.parametrize(("name", "meant"), list(styles()))
def test_a_real_name_means_what_it_is(name: str, meant: str) -> None:
    assert answer(name) == meant, NAMING.contrast(words_of(name)).reason


AGENT, PHASE = {"ContrastBolusAgent": "Gadovist"}, {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}
FLAIR_TIMES, T1_TIMES = {"EchoTime": 0.09, "InversionTime": 2.5}, {"EchoTime": 0.01, "InversionTime": 0.9}


@pytest.mark.parametrize(
    ("name", "sidecar", "meant"),
    [
        ("T1w", AGENT, "T1c"),
        ("T1w", {"ContrastBolusAgent": "none"}, "T1w"),
        ("T1c", {"ContrastBolusAgent": ""}, "T1c"),
        ("T1_pre", AGENT, "unclear"),
        ("x-t1n", AGENT, "unclear"),
        ("T1w", {"SeriesDescription": "t1_mprage_pre", **AGENT}, "unclear"),
        ("T2w", AGENT, "T2w"),
        ("FLAIR", AGENT, "FLAIR"),
        ("CT", {"Modality": "CT", "ContrastBolusAgent": "Ultravist"}, "CT"),
        ("T1w", PHASE, "none"),
        ("T1w", {"ImageType": "ORIGINAL\\PRIMARY\\P"}, "none"),
        ("T1w", {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]}, "T1w"),
        ("TOF", {"ImageType": ["DERIVED", "PRIMARY", "MIP"]}, "none"),
        ("DWI", {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "ADC"),
        ("DWI", {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"]}, "DWI"),
        ("T2w", {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "unclear"),
        ("T2w", FLAIR_TIMES, "FLAIR"),
        ("FLAIR", FLAIR_TIMES, "FLAIR"),
        ("T1w", FLAIR_TIMES, "unclear"),
        ("FLAIR", T1_TIMES, "unclear"),
        ("Ax_T1_FLAIR", T1_TIMES, "T1w"),
        ("T1w", {"EchoTime": 0.1, "RepetitionTime": 4.0}, "unclear"),
        ("T1w", {"EchoTime": 3.5, "RepetitionTime": 2300}, "T1w"),  # milliseconds say nothing
        ("Axial_PD_T2_FSE", {"EchoTime": 0.01}, "PDw"),
        ("Axial_PD_T2_FSE", {"EchoTime": 0.1}, "T2w"),
        ("T2w", {"ScanningSequence": "GR", "EchoTime": 0.02}, "T2star"),
        ("T2w", {"ScanningSequence": "SE", "EchoTime": 0.1}, "T2w"),
        ("DWI", {"ScanningSequence": "EP", "EchoTime": 0.063}, "DWI"),
        ("scan3", {"SeriesDescription": "t1_mprage_sag_p2_iso"}, "T1w"),
        ("scan3", {"SeriesDescription": "localizer"}, "none"),
        ("scan3", {"SequenceName": "*tfl3d1_16ns"}, "T1w"),
        ("scan3", {"SequenceName": "*ep_b1000t"}, "DWI"),
        ("T1w", {"SequenceName": "*ep_b1000t"}, "unclear"),
        ("mr", {"SeriesDescription": "t1_vibe_km"}, "T1c"),
        ("post", {"SeriesDescription": "t1_mprage"}, "T1c"),
        ("T1w", {"SeriesDescription": "AX T1 POST GAD"}, "T1c"),
        ("T1w", {"SeriesDescription": "AX T2 FLAIR"}, "unclear"),
        ("T1w", {"SeriesDescription": "T1 map"}, "unclear"),
        ("T1w", {"SeriesDescription": "SAG T1", "ProtocolName": "BRAIN W/WO GAD"}, "T1w"),
        ("T1w", {"ProtocolName": "T1 BRAIN WITH GAD"}, "T1w"),
        ("scan3", {"ProtocolName": "t2_tse_tra"}, "T2w"),
        ("T2w", {"SeriesDescription": "t2_tirm_tra_dark-fluid"}, "FLAIR"),
        ("localizer", {"SeriesDescription": "t1_mprage"}, "none"),
        ("DWI", {"DiffusionBValue": 0}, "none"),
        ("DWI", {"DiffusionBValue": 1000}, "DWI"),
        ("pet", {"TracerName": "AV45"}, "AV45-PET"),
        ("pet", {"Radiopharmaceutical": "Fluorodeoxyglucose"}, "FDG-PET"),
        ("pet", {"Radiopharmaceutical": "Solution"}, "unclear"),
        ("pet", {"TracerName": "PIB"}, "none"),
        ("FDG", {"TracerName": "AV45"}, "unclear"),
        ("ct", {"Modality": "MR"}, "unclear"),
        ("3_Head_5mm", {"Modality": "CT"}, "CT"),
        ("3_Head_5mm", {"Modality": "CT", "SeriesDescription": "Topogram"}, "none"),
        ("T1w", {"EchoTime": "n/a", "ContrastBolusAgent": 5, "SeriesDescription": ["x"], "ImageType": 3}, "T1w"),
    ],
)
def test_a_sidecar_says_more_than_a_name(name: str, sidecar: dict[str, object], meant: str) -> None:
    found = NAMING.contrast(words_of(name), sidecar)
    assert (found.name or ("unclear" if found.unclear else "none")) == meant, found.reason


@pytest.mark.parametrize(
    ("name", "sidecar", "reason"),
    [
        ("T1_pre", AGENT, "is T1w without contrast agent by pre, with one by ContrastBolusAgent Gadovist"),
        ("T1w", PHASE, "is an image of phase, or a part of a complex one (ImageType P)"),
        ("T1w", {"SeriesDescription": "T2"}, "is T1w (name: t1w), but T2w by its sidecar (SeriesDescription 'T2')"),
        ("T1w", {"EchoTime": 0.1}, "is T1w (name: t1w), which EchoTime 0.1 s contradicts"),
        ("T2w", AGENT, "name: t2w; T2w in spite of ContrastBolusAgent Gadovist"),
        ("mr", {}, "names an MRI, not its contrast (mr)"),
        ("GADO", {}, "names a contrast agent, not the contrast (gado)"),
        ("T1_to_FLAIR", {}, "names several contrasts (T1w, FLAIR)"),
        ("T1_map", {}, "is a computed map (t1 map)"),
        ("report", {}, "names no known contrast"),
    ],
)
def test_the_reason_names_what_decided(name: str, sidecar: dict[str, object], reason: str) -> None:
    assert NAMING.contrast(words_of(name), sidecar).reason == reason


def test_the_suffix_of_bids_is_a_name_that_its_sidecar_may_contradict() -> None:
    assert NAMING.by_sidecar("T1w", {}).name == "T1w"
    assert NAMING.by_sidecar("T1w", AGENT).name == "T1c"
    assert NAMING.by_sidecar("T1c", {}).name == "T1c"
    assert NAMING.by_sidecar("T2w", FLAIR_TIMES).name == "FLAIR"
    assert NAMING.by_sidecar("T1w", PHASE).name is None
    assert NAMING.by_sidecar("T1w", {"SeriesDescription": "T1_to_FLAIR"}).name == "T1w"
    with pytest.raises(ValueError, match="no modality named 'T9'"):
        NAMING.by_sidecar("T9", {})


def test_a_plain_name_has_less_beside_its_contrast() -> None:
    def extra(name: str) -> int:
        return NAMING.contrast(words_of(name)).extra

    assert extra("t1n") == extra("T1_MPRAGE") == extra("T1_gd") == 0
    assert extra("t1n") < extra("t1n_brain") < extra("t1n-voided")
    assert extra("T1_2") == extra("T1_3") == 1


def test_the_first_glob_that_matches_decides() -> None:
    naming = Naming({"*_POST": "t1ce", "a/*": "none", "*": "FLAIR"})
    assert [naming.given(Path(path)).name for path in ("a/x_post.nii.gz", "a/x.nii", "b/x.nii.gz")] == [  # type: ignore[union-attr]
        "T1c",
        None,
        "FLAIR",
    ]
    assert Naming({"x_*": "T1w"}).given(Path("y_1.nii")) is None


def test_an_unknown_modality_among_the_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"names: \*_x: no modality named 'T9'; .*choices: .*none"):
        Naming({"*_x": "T9"})
    assert Naming({"*_x": "None"}).given(Path("a_x.nii")).name is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("t1 post", "T1c"),
        ("T1 gado", "T1c"),
        ("t2_flair", "FLAIR"),
        ("Ax T1", "T1w"),
        ("T2 lesion count", None),
        ("T1_map", None),
        ("mr", None),
        ("age", None),
    ],
)
def test_columns_are_read_by_the_same_table(column: str, meant: str | None) -> None:
    known = NAMING.column(column)
    assert (known.name if known else None) == meant
