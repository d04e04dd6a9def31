"""How public data sets are laid out, and what is found in them: key, dataset, person and the file of each image."""

from __future__ import annotations

from pathlib import Path

import pytest
from subject_files import image, reasons

from anysyn.data.subjects.find import find_subjects

Expected = dict[str, tuple[str, str, dict[str, str]]]

BRATS20 = "BraTS20_Training_001"
ADNI = "002_S_0295"
CASE = "sub-strokecase0001"

# name: (files, names of a recipe, {key: (dataset, person, {modality: file})}, how many failures)
LAYOUTS: dict[str, tuple[list[str], dict[str, str], Expected, int]] = {
    "BraTS 2020": (
        [f"MICCAI_2020/{BRATS20}/{BRATS20}_{word}.nii" for word in ("t1", "t1ce", "t2", "flair", "seg")],
        {},
        {
            f"MICCAI_2020/{BRATS20}": (
                "MICCAI_2020",
                f"MICCAI_2020/{BRATS20}",
                {
                    "T1w": f"MICCAI_2020/{BRATS20}/{BRATS20}_t1.nii",
                    "T1c": f"MICCAI_2020/{BRATS20}/{BRATS20}_t1ce.nii",
                    "T2w": f"MICCAI_2020/{BRATS20}/{BRATS20}_t2.nii",
                    "FLAIR": f"MICCAI_2020/{BRATS20}/{BRATS20}_flair.nii",
                },
            )
        },
        0,
    ),
    "BraTS 2013": (
        [
            *(f"HG/0001/VSD.Brain.XX.O.MR_{x}/VSD.Brain.XX.O.MR_{x}.nii.gz" for x in ("T1c.54514", "T1.54513")),
            "HG/0002/VSD.Brain.XX.O.MR_T2.54521/VSD.Brain.XX.O.MR_T2.54521.nii.gz",
        ],
        {},
        {
            "HG/0001": (
                "HG",
                "HG/0001",
                {
                    "T1w": "HG/0001/VSD.Brain.XX.O.MR_T1.54513/VSD.Brain.XX.O.MR_T1.54513.nii.gz",
                    "T1c": "HG/0001/VSD.Brain.XX.O.MR_T1c.54514/VSD.Brain.XX.O.MR_T1c.54514.nii.gz",
                },
            ),
            "HG/0002": (
                "HG",
                "HG/0002",
                {"T2w": "HG/0002/VSD.Brain.XX.O.MR_T2.54521/VSD.Brain.XX.O.MR_T2.54521.nii.gz"},
            ),
        },
        0,
    ),
    "BraTS 2023 and 2024: the last number is the visit": (
        [f"BraTS-GLI-00005-{x}.nii.gz" for x in ("100/BraTS-GLI-00005-100-t1n", "100/BraTS-GLI-00005-100-t1n-voided")]
        + ["BraTS-GLI-00005-101/BraTS-GLI-00005-101-t2f.nii.gz"],
        {},
        {
            "BraTS-GLI-00005-100": (
                "DATA",
                "BraTS-GLI-00005",
                {"T1w": "BraTS-GLI-00005-100/BraTS-GLI-00005-100-t1n.nii.gz"},
            ),
            "BraTS-GLI-00005-101": (
                "DATA",
                "BraTS-GLI-00005",
                {"FLAIR": "BraTS-GLI-00005-101/BraTS-GLI-00005-101-t2f.nii.gz"},
            ),
        },
        0,
    ),
    "UPENN-GBM: 11 and 21 are visits, and unstripped images are of the same person": (
        [
            "images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1.nii.gz",
            "images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1GD.nii.gz",
            "images_structural/UPENN-GBM-00001_21/UPENN-GBM-00001_21_T2.nii.gz",
            "images_structural_unstripped/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1_unstripped.nii.gz",
            "images_segm/UPENN-GBM-00001_11_segm.nii.gz",
        ],
        {},
        {
            "images_structural/UPENN-GBM-00001_11": (
                "DATA",
                "UPENN-GBM-00001",
                {
                    "T1w": "images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1.nii.gz",
                    "T1c": "images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1GD.nii.gz",
                },
            ),
            "images_structural/UPENN-GBM-00001_21": (
                "DATA",
                "UPENN-GBM-00001",
                {"T2w": "images_structural/UPENN-GBM-00001_21/UPENN-GBM-00001_21_T2.nii.gz"},
            ),
            "images_structural_unstripped/UPENN-GBM-00001_11": (
                "DATA",
                "UPENN-GBM-00001",
                {"T1w": "images_structural_unstripped/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1_unstripped.nii.gz"},
            ),
        },
        0,
    ),
    "UCSF-PDGM: FU001d is a visit": (
        [
            "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_T1.nii.gz",
            "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_T1_bias.nii.gz",
            "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_DTI_eddy_FA.nii.gz",
            "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_tumor_segmentation.nii.gz",
            "UCSF-PDGM-0409_nifti/UCSF-PDGM-0409_FLAIR.nii.gz",
            "UCSF-PDGM-0409_FU001d_nifti/UCSF-PDGM-0409_FU001d_FLAIR.nii.gz",
        ],
        {},
        {
            "UCSF-PDGM-0004_nifti": (
                "DATA",
                "UCSF-PDGM-0004",
                {"T1w": "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_T1.nii.gz"},
            ),
            "UCSF-PDGM-0409_nifti": (
                "DATA",
                "UCSF-PDGM-0409",
                {"FLAIR": "UCSF-PDGM-0409_nifti/UCSF-PDGM-0409_FLAIR.nii.gz"},
            ),
            "UCSF-PDGM-0409_FU001d_nifti": (
                "DATA",
                "UCSF-PDGM-0409",
                {"FLAIR": "UCSF-PDGM-0409_FU001d_nifti/UCSF-PDGM-0409_FU001d_FLAIR.nii.gz"},
            ),
        },
        0,
    ),
    "OASIS-1: a disc is no dataset, and of two scans without run none is the first": (
        [
            "disc1/OAS1_0001_MR1/RAW/OAS1_0001_MR1_mpr-1_anon.nii.gz",
            "disc1/OAS1_0001_MR1/RAW/OAS1_0001_MR1_mpr-2_anon.nii.gz",
            "disc2/OAS1_0044_MR1/RAW/OAS1_0044_MR1_mpr-1_anon.nii.gz",
        ],
        {},
        {
            "disc2/OAS1_0044_MR1/RAW": (
                "DATA",
                "disc2/OAS1_0044",
                {"T1w": "disc2/OAS1_0044_MR1/RAW/OAS1_0044_MR1_mpr-1_anon.nii.gz"},
            )
        },
        1,
    ),
    "OASIS-3: a folder for each scan of a session": (
        [
            "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz",
            "OAS30001_MR_d0129/anat3/sub-OAS30001_ses-d0129_run-02_T1w.nii.gz",
            "OAS30001_MR_d0129/anat4/sub-OAS30001_ses-d0129_T2w.nii.gz",
            "OAS30001_MR_d0757/anat1/sub-OAS30001_ses-d0757_T1w.nii.gz",
        ],
        {},
        {
            "OAS30001_MR_d0129": (
                "DATA",
                "OAS30001",
                {
                    "T1w": "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz",
                    "T2w": "OAS30001_MR_d0129/anat4/sub-OAS30001_ses-d0129_T2w.nii.gz",
                },
            ),
            "OAS30001_MR_d0757": (
                "DATA",
                "OAS30001",
                {"T1w": "OAS30001_MR_d0757/anat1/sub-OAS30001_ses-d0757_T1w.nii.gz"},
            ),
        },
        0,
    ),
    "ADNI: a folder for each contrast, time and series": (
        [
            f"ADNI/{ADNI}/MPRAGE/2006-04-18_08_20_30.0/S13408/ADNI_{ADNI}_MR_MPRAGE_br_raw_1_S13408_I13722.nii",
            f"ADNI/{ADNI}/FLAIR/2006-04-18_08_40_12.0/S13409/ADNI_{ADNI}_MR_FLAIR_br_raw_1_S13409_I13723.nii",
            f"ADNI/{ADNI}/MPRAGE/2007-05-25_07_11_40.0/S32938/ADNI_{ADNI}_MR_MPRAGE_br_raw_1_S32938_I55275.nii",
        ],
        {},
        {
            f"ADNI/{ADNI}/2006-04-18": (
                "ADNI",
                f"ADNI/{ADNI}",
                {
                    "T1w": f"ADNI/{ADNI}/MPRAGE/2006-04-18_08_20_30.0/S13408/"
                    f"ADNI_{ADNI}_MR_MPRAGE_br_raw_1_S13408_I13722.nii",
                    "FLAIR": f"ADNI/{ADNI}/FLAIR/2006-04-18_08_40_12.0/S13409/"
                    f"ADNI_{ADNI}_MR_FLAIR_br_raw_1_S13409_I13723.nii",
                },
            ),
            f"ADNI/{ADNI}/2007-05-25": (
                "ADNI",
                f"ADNI/{ADNI}",
                {
                    "T1w": f"ADNI/{ADNI}/MPRAGE/2007-05-25_07_11_40.0/S32938/"
                    f"ADNI_{ADNI}_MR_MPRAGE_br_raw_1_S32938_I55275.nii"
                },
            ),
        },
        0,
    ),
    "IXI in one folder: the hospital in a name is no dataset": (
        ["IXI002-Guys-0828-T1.nii.gz", "IXI002-Guys-0828-T2.nii.gz", "IXI012-HH-1211-T1.nii.gz"],
        {},
        {
            "IXI002-Guys-0828": (
                "DATA",
                "IXI002-Guys-0828",
                {"T1w": "IXI002-Guys-0828-T1.nii.gz", "T2w": "IXI002-Guys-0828-T2.nii.gz"},
            ),
            "IXI012-HH-1211": ("DATA", "IXI012-HH-1211", {"T1w": "IXI012-HH-1211-T1.nii.gz"}),
        },
        0,
    ),
    "IXI with a folder for each contrast": (
        ["IXI-T1/IXI002-Guys-0828-T1.nii.gz", "IXI-T2/IXI002-Guys-0828-T2.nii.gz", "IXI-PD/IXI012-HH-1211-PD.nii.gz"],
        {},
        {
            "IXI002-Guys-0828": (
                "DATA",
                "IXI002-Guys-0828",
                {"T1w": "IXI-T1/IXI002-Guys-0828-T1.nii.gz", "T2w": "IXI-T2/IXI002-Guys-0828-T2.nii.gz"},
            ),
            "IXI012-HH-1211": ("DATA", "IXI012-HH-1211", {"PDw": "IXI-PD/IXI012-HH-1211-PD.nii.gz"}),
        },
        0,
    ),
    "HCP: a folder T1w that holds more than T1w": (
        [
            "HCP/100307/T1w/T1w_acpc_dc_restore.nii.gz",
            "HCP/100307/T1w/T1w_acpc_dc_restore_brain.nii.gz",
            "HCP/100307/T1w/T2w_acpc_dc_restore.nii.gz",
            "HCP/100307/unprocessed/3T/T1w_MPR1/100307_3T_T1w_MPR1.nii.gz",
            "HCP/100307/unprocessed/3T/T2w_SPC1/100307_3T_T2w_SPC1.nii.gz",
            "HCP/100408/T1w/T1w_acpc_dc_restore.nii.gz",
        ],
        {},
        {
            "HCP/100307/T1w": (
                "HCP",
                "HCP/100307",
                {
                    "T1w": "HCP/100307/T1w/T1w_acpc_dc_restore.nii.gz",
                    "T2w": "HCP/100307/T1w/T2w_acpc_dc_restore.nii.gz",
                },
            ),
            "HCP/100307/unprocessed/3T": (
                "HCP",
                "HCP/100307",
                {
                    "T1w": "HCP/100307/unprocessed/3T/T1w_MPR1/100307_3T_T1w_MPR1.nii.gz",
                    "T2w": "HCP/100307/unprocessed/3T/T2w_SPC1/100307_3T_T2w_SPC1.nii.gz",
                },
            ),
            "HCP/100408/T1w": ("HCP", "HCP/100408", {"T1w": "HCP/100408/T1w/T1w_acpc_dc_restore.nii.gz"}),
        },
        0,
    ),
    "ISLES 2022: BIDS with derivatives": (
        [
            f"{CASE}/ses-0001/anat/{CASE}_ses-0001_FLAIR.nii.gz",
            f"{CASE}/ses-0001/dwi/{CASE}_ses-0001_dwi.nii.gz",
            f"{CASE}/ses-0001/dwi/{CASE}_ses-0001_adc.nii.gz",
            f"derivatives/{CASE}/ses-0001/{CASE}_ses-0001_msk.nii.gz",
        ],
        {},
        {
            f"{CASE}_ses-0001": (
                "DATA",
                CASE,
                {
                    "FLAIR": f"{CASE}/ses-0001/anat/{CASE}_ses-0001_FLAIR.nii.gz",
                    "DWI": f"{CASE}/ses-0001/dwi/{CASE}_ses-0001_dwi.nii.gz",
                    "ADC": f"{CASE}/ses-0001/dwi/{CASE}_ses-0001_adc.nii.gz",
                },
            )
        },
        0,
    ),
    "LUMIERE: weeks, with a number": (
        ["Patient-001/week-000-1/T1.nii.gz", "Patient-001/week-000-1/CT1.nii.gz", "Patient-001/week-044/FLAIR.nii.gz"],
        {},
        {
            "Patient-001/week-000-1": (
                "DATA",
                "Patient-001",
                {"T1w": "Patient-001/week-000-1/T1.nii.gz", "T1c": "Patient-001/week-000-1/CT1.nii.gz"},
            ),
            "Patient-001/week-044": ("DATA", "Patient-001", {"FLAIR": "Patient-001/week-044/FLAIR.nii.gz"}),
        },
        0,
    ),
    "SynthRAD: which contrast mr is has to be said": (
        [f"{part}.nii.gz" for part in ("brain/1BA001/mr", "brain/1BA001/ct", "brain/1BA001/mask", "pelvis/1PA001/ct")],
        {},
        {
            "brain/1BA001": ("brain", "brain/1BA001", {"CT": "brain/1BA001/ct.nii.gz"}),
            "pelvis/1PA001": ("pelvis", "pelvis/1PA001", {"CT": "pelvis/1PA001/ct.nii.gz"}),
        },
        1,
    ),
    "SynthRAD, with names": (
        ["brain/1BA001/mr.nii.gz", "brain/1BA001/ct.nii.gz"],
        {"mr": "T1w"},
        {
            "brain/1BA001": (
                "brain",
                "brain/1BA001",
                {"T1w": "brain/1BA001/mr.nii.gz", "CT": "brain/1BA001/ct.nii.gz"},
            )
        },
        0,
    ),
    "UK Biobank: a folder for each field of a visit": (
        [
            "1000013_20252_2_0/T1/T1.nii.gz",
            "1000013_20252_2_0/T1/T1_brain.nii.gz",
            "1000013_20253_2_0/T2_FLAIR/T2_FLAIR.nii.gz",
            "1000013_20252_3_0/T1/T1.nii.gz",
        ],
        {},
        {
            "1000013_2": (
                "DATA",
                "1000013",
                {
                    "T1w": "1000013_20252_2_0/T1/T1.nii.gz",
                    "FLAIR": "1000013_20253_2_0/T2_FLAIR/T2_FLAIR.nii.gz",
                },
            ),
            "1000013_3": ("DATA", "1000013", {"T1w": "1000013_20252_3_0/T1/T1.nii.gz"}),
        },
        0,
    ),
    "MSSEG 2016: raw and preprocessed images of one person": (
        [
            "Training/Center_01/Patient_01/Preprocessed_Data/FLAIR_preprocessed.nii.gz",
            "Training/Center_01/Patient_01/Raw_Data/FLAIR.nii.gz",
            "Training/Center_01/Patient_01/Raw_Data/GADO.nii.gz",
        ],
        {},
        {
            "Training/Center_01/Patient_01/Preprocessed_Data": (
                "Center_01",
                "Training/Center_01/Patient_01",
                {"FLAIR": "Training/Center_01/Patient_01/Preprocessed_Data/FLAIR_preprocessed.nii.gz"},
            ),
            "Training/Center_01/Patient_01/Raw_Data": (
                "Center_01",
                "Training/Center_01/Patient_01",
                {"FLAIR": "Training/Center_01/Patient_01/Raw_Data/FLAIR.nii.gz"},
            ),
        },
        1,
    ),
    "MSSEG 2021: two times in one folder": (
        [f"013/flair_time0{n}_on_middle_space.nii.gz" for n in (1, 2)],
        {},
        {f"013/time0{n}": ("DATA", "013", {"FLAIR": f"013/flair_time0{n}_on_middle_space.nii.gz"}) for n in (1, 2)},
        0,
    ),
    "WMH: sites with numbered people": (
        [f"Utrecht/0/{x}.nii.gz" for x in ("orig/FLAIR", "orig/T1", "pre/FLAIR", "pre/T1", "wmh")],
        {},
        {
            f"Utrecht/0/{x}": (
                "Utrecht",
                "Utrecht/0",
                {"T1w": f"Utrecht/0/{x}/T1.nii.gz", "FLAIR": f"Utrecht/0/{x}/FLAIR.nii.gz"},
            )
            for x in ("orig", "pre")
        },
        0,
    ),
    "CQ500: a person whose name has CT in it, and several CT without a plain one": (
        [
            "CQ500CT0/Unknown_Study/CT_PLAIN_THIN.nii.gz",
            "CQ500CT0/Unknown_Study/CT_Thin_Plain.nii.gz",
            "CQ500CT1/Unknown_Study/CT_5mm.nii.gz",
        ],
        {},
        {"CQ500CT1/Unknown_Study": ("DATA", "CQ500CT1", {"CT": "CQ500CT1/Unknown_Study/CT_5mm.nii.gz"})},
        1,
    ),
    "preop, postop, dates and visits above people": (
        [
            *("P03_preop/T1.nii.gz", "P03_postop/T1.nii.gz", "0042/20190131/T1.nii.gz", "0042/190131/T2.nii.gz"),
            *("baseline/P07/T1.nii.gz", "followup/P07/T1.nii.gz"),
        ],
        {},
        {
            "P03_preop": ("DATA", "P03", {"T1w": "P03_preop/T1.nii.gz"}),
            "P03_postop": ("DATA", "P03", {"T1w": "P03_postop/T1.nii.gz"}),
            "0042/20190131": ("DATA", "0042", {"T1w": "0042/20190131/T1.nii.gz"}),
            "0042/190131": ("DATA", "0042", {"T2w": "0042/190131/T2.nii.gz"}),
            "baseline/P07": ("DATA", "P07", {"T1w": "baseline/P07/T1.nii.gz"}),
            "followup/P07": ("DATA", "P07", {"T1w": "followup/P07/T1.nii.gz"}),
        },
        0,
    ),
    "nnU-Net: numbers of channels, with names": (
        [f"imagesTr/BRATS_00{x}.nii.gz" for x in ("1_0000", "1_0001", "2_0000")],
        {"*_0000": "T1w", "*_0001": "FLAIR"},
        {
            "imagesTr/BRATS_001": (
                "DATA",
                "imagesTr/BRATS_001",
                {"T1w": "imagesTr/BRATS_001_0000.nii.gz", "FLAIR": "imagesTr/BRATS_001_0001.nii.gz"},
            ),
            "imagesTr/BRATS_002": ("DATA", "imagesTr/BRATS_002", {"T1w": "imagesTr/BRATS_002_0000.nii.gz"}),
        },
        0,
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str, tmp_path: Path) -> None:
    files, names, expected, failures = LAYOUTS[name]
    root = tmp_path / "DATA"
    for file in files:
        image(root / file)
    found = find_subjects(root, names=names)
    listed = {
        subject.key: (
            subject.dataset,
            subject.person,
            {modality: path.relative_to(root).as_posix() for modality, path in subject.images.items()},
        )
        for subject in found.subjects
    }
    assert listed == expected
    assert len(found.failures) == failures, reasons(found.failures)


def test_every_volume_is_used_or_listed(tmp_path: Path) -> None:
    for i, (files, names, *_) in enumerate(LAYOUTS.values()):
        for file in files:
            image(tmp_path / f"{i}" / "DATA" / file)
        root = tmp_path / f"{i}" / "DATA"
        found = find_subjects(root, names=names)
        used = {path for subject in found.subjects for path in (*subject.images.values(), *subject.masks.values())}
        listed = " ".join(str(failure) for failure in (*found.failures, *found.ignored))
        folders = {failure.path for failure in found.ignored if failure.path is not None and failure.path.is_dir()}
        lost = [
            f for f in files if root / f not in used and Path(f).name not in listed and (root / f).parent not in folders
        ]
        assert lost == []
