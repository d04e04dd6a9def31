"""Folders as people have them, made small: what is in them, and what should be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from subject_files import image, text

GADOLINIUM = {"ContrastBolusAgent": "Gadovist"}


@dataclass(frozen=True)
class Folder:
    """Files of a cohort, the contrasts by subject that should be read, and parts of what should be said.

    Args:
        files: Images, or tables and sidecars that end in .csv, .tsv or .json, with their content or sidecar.
        expected: Contrasts in the order of the modality table, by subject.
        people: Number of people; that of the subjects by default.
        refused: Words of each refusal.
        unused: Words of what is not used.
        root: The table to read instead of the folder.
    """

    files: Mapping[str, object]
    expected: Mapping[str, str]
    people: int = 0
    refused: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    root: str = ""

    def make(self, folder: Path) -> Path:
        for name, content in self.files.items():
            if isinstance(content, str):
                text(folder / name, content)
            else:
                shape = (4, 5, 6, 3) if content == (4,) else (4, 5, 6)
                image(folder / name, content if isinstance(content, dict) else None, shape)
        return folder / self.root


def each(people: list[str], names: str, where: str = "{p}/{p}{n}.nii.gz") -> dict[str, object]:
    return {where.format(p=person, n=name): None for person in people for name in names.split()}


FOLDERS = {
    "BraTS 2023": Folder(
        {**each(["BraTS-GLI-00005-100", "BraTS-GLI-00005-101", "BraTS-GLI-00007-100"], "-t1n -t1c -t2w -t2f -seg")},
        dict.fromkeys(["BraTS-GLI-00005-100", "BraTS-GLI-00005-101", "BraTS-GLI-00007-100"], "T1w T1c T2w FLAIR"),
        people=2,
    ),
    "BraTS inpainting": Folder(
        each(["BraTS-GLI-00005-100"], "-t1n -t1n-voided -mask-healthy -mask-unhealthy"),
        {"BraTS-GLI-00005-100": "T1w"},
        unused=("t1n-voided",),
    ),
    "BraTS 2021": Folder(
        each(["BraTS2021_00002", "BraTS2021_00003"], "_t1 _t1ce _t2 _flair _seg"),
        dict.fromkeys(["BraTS2021_00002", "BraTS2021_00003"], "T1w T1c T2w FLAIR"),
    ),
    "UPENN-GBM": Folder(
        each(["UPENN-GBM-00001_11", "UPENN-GBM-00001_21"], "_T1 _T1GD _T2 _FLAIR"),
        dict.fromkeys(["UPENN-GBM-00001_11", "UPENN-GBM-00001_21"], "T1w T1c T2w FLAIR"),
        people=1,
    ),
    "IXI, flat": Folder(
        each(["IXI002-Guys-0828", "IXI012-HH-1211", "IXI013-HH-1212"], "-T1 -T2 -PD -MRA", "{p}{n}.nii.gz"),
        dict.fromkeys(["IXI002-Guys-0828", "IXI012-HH-1211", "IXI013-HH-1212"], "T1w T2w PDw MRA"),
    ),
    "LUMIERE": Folder(
        each(
            ["Patient-001/week-000-1", "Patient-001/week-044", "Patient-002/week-000"],
            "T1 CT1 T2 FLAIR",
            "{p}/{n}.nii.gz",
        ),
        dict.fromkeys(["Patient-001/week-000-1", "Patient-001/week-044", "Patient-002/week-000"], "T1w T1c T2w FLAIR"),
        people=2,
    ),
    "HCP": Folder(
        each(["100307", "100408"], "T1w_acpc_dc_restore T2w_acpc_dc_restore", "{p}/T1w/{n}.nii.gz"),
        dict.fromkeys(["100307/T1w", "100408/T1w"], "T1w T2w"),
    ),
    "WMH challenge": Folder(
        each(["Utrecht/0", "Utrecht/2", "Singapore/50"], "FLAIR T1 wmh", "{p}/pre/{n}.nii.gz"),
        dict.fromkeys(["Utrecht/0/pre", "Utrecht/2/pre", "Singapore/50/pre"], "T1w FLAIR"),
    ),
    "OASIS-3 as BIDS": Folder(
        {
            "dataset_description.json": '{"Name": "OASIS-3", "BIDSVersion": "1.8.0"}',
            "participants.tsv": "participant_id\tage\tsex\nsub-OAS30001\t65.2\tF\n",
            "sub-OAS30001/ses-d0129/anat/sub-OAS30001_ses-d0129_T1w.nii.gz": {"EchoTime": 0.003},
            "sub-OAS30001/ses-d0757/anat/sub-OAS30001_ses-d0757_run-01_T1w.nii.gz": None,
            "sub-OAS30001/ses-d0757/anat/sub-OAS30001_ses-d0757_run-02_T1w.nii.gz": None,
            "sub-OAS30001/ses-d0757/anat/sub-OAS30001_ses-d0757_FLAIR.nii.gz": None,
        },
        {"sub-OAS30001_ses-d0129": "T1w", "sub-OAS30001_ses-d0757": "T1w FLAIR"},
        people=1,
        unused=("run-02",),
    ),
    "BIDS, agent only in the sidecar": Folder(
        {
            "dataset_description.json": '{"Name": "clinic", "BIDSVersion": "1.8.0"}',
            "sub-01/anat/sub-01_T1w.nii.gz": None,
            "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz": GADOLINIUM,
            "sub-02/anat/sub-02_T1w.nii.gz": GADOLINIUM,
            "sub-02/anat/sub-02_T2w.nii.gz": None,
        },
        {"sub-01": "T1w T1c", "sub-02": "T1c T2w"},
    ),
    "BIDS, two acquisitions": Folder(
        {
            "dataset_description.json": '{"Name": "clinic", "BIDSVersion": "1.8.0"}',
            "sub-01/anat/sub-01_acq-highres_T1w.nii.gz": None,
            "sub-01/anat/sub-01_acq-lowres_T1w.nii.gz": None,
            "sub-01/anat/sub-01_T2w.nii.gz": None,
        },
        {"sub-01": "T2w"},
        refused=("acq-highres",),
    ),
    "dcm2niix of Siemens": Folder(
        {
            "p1/3_t1_mprage_sag_p2_iso.nii.gz": {"InversionTime": 0.9, "EchoTime": 0.003},
            "p1/9_t1_mprage_sag_p2_iso_KM.nii.gz": GADOLINIUM,
            "p1/5_t2_tirm_tra_dark-fluid.nii.gz": {"InversionTime": 2.5, "EchoTime": 0.09},
            "p1/4_t2_tse_tra.nii.gz": {"EchoTime": 0.1},
            "p1/1_localizer.nii.gz": None,
        },
        {"p1": "T1w T1c T2w FLAIR"},
        unused=("localizer",),
    ),
    "agent only in the sidecar": Folder({"p1/T1.nii.gz": GADOLINIUM, "p1/T2.nii.gz": None}, {"p1": "T1c T2w"}),
    "German words": Folder(
        {**each(["Meier"], "t1_nativ t1_nach_KM t2_tse", "{p}/{n}.nii.gz")}, {"Meier": "T1w T1c T2w"}
    ),
    "French words": Folder(
        {**each(["Dupont"], "T1_sans_injection T1_gado FLAIR", "{p}/{n}.nii.gz")}, {"Dupont": "T1w T1c FLAIR"}
    ),
    "maps and scouts": Folder(
        each(["p1"], "T1w T1_map T2_map SWI_phase DWI_b0 scout", "{p}/{n}.nii.gz"),
        {"p1": "T1w"},
        unused=("T1_map", "T2_map", "SWI_phase", "DWI_b0", "scout"),
    ),
    "two of one contrast": Folder(
        each(["p1"], "T1_a T1_b FLAIR", "{p}/{n}.nii.gz"), {"p1": "FLAIR"}, refused=("T1_a",)
    ),
    "SynthRAD": Folder(
        each(["1BA001", "1BA005"], "ct mr mask", "{p}/{n}.nii.gz"),
        dict.fromkeys(["1BA001", "1BA005"], "CT"),
        refused=("1BA001/mr", "1BA005/mr"),
    ),
    "ISLES 2022": Folder(
        {
            **each(["sub-strokecase0001"], "dwi adc", "{p}/ses-0001/{p}_ses-0001_{n}.nii.gz"),
            **each(["sub-strokecase0002"], "dwi adc flair", "{p}/ses-0001/{p}_ses-0001_{n}.nii.gz"),
        },
        {"sub-strokecase0001/ses-0001": "DWI ADC", "sub-strokecase0002/ses-0001": "FLAIR DWI ADC"},
    ),
    "visits by date": Folder(
        each(["0042/20190131", "0042/2020-02-01", "0043/20180101"], "T1w FLAIR", "{p}/{n}.nii.gz"),
        dict.fromkeys(["0042/20190131", "0042/2020-02-01", "0043/20180101"], "T1w FLAIR"),
        people=2,
    ),
    "before and after surgery": Folder(
        each(["P01/preop", "P01/postop", "P02/preop"], "T1 T1ce FLAIR", "{p}/{n}.nii.gz"),
        dict.fromkeys(["P01/preop", "P01/postop", "P02/preop"], "T1w T1c FLAIR"),
        people=2,
    ),
    "a table with semicolons": Folder(
        {
            **each(["a", "b"], "t1 t2", "files/{p}_{n}.nii.gz"),
            "list.csv": "participant_id;age;T1w;T2w\na;54;files/a_t1.nii.gz;files/a_t2.nii.gz\n"
            "b;61;files/b_t1.nii.gz;files/missing.nii.gz\n",
        },
        {"a": "T1w T2w", "b": "T1w"},
        refused=("line 3",),
        root="list.csv",
    ),
    "a film of diffusion": Folder(
        {"p1/T1w.nii.gz": None, "p1/T2w.nii.gz": None, "p1/dwi.nii.gz": (4,)}, {"p1": "T1w T2w"}, refused=("dwi",)
    ),
}
