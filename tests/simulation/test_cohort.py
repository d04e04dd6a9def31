import hashlib
import json

import nibabel as nib
import numpy as np
import pytest
from simulated import image, masked, voxels

from anysyn.acquisition import Acquisition
from anysyn.data.subjects.find import find_subjects
from anysyn.errors import UserError
from anysyn.files import contents_of, locked
from anysyn.progress import Progress
from anysyn.simulation import simulate, simulate_like
from anysyn.simulation.cohort import _subject_of
from anysyn.simulation.simulated_subject import head_of, noise_of, protocols_of
from anysyn.simulation.truth import tissue_masks


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("simulation") / "cohort", subjects=8, centres=4, spacing=4.0)


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_bytes_whatever_the_jobs(tmp_path):
    options = {"subjects": 2, "centres": 2, "spacing": 5.0}
    one = simulate(tmp_path / "one", **options, seed=3)
    assert digests(one) == digests(simulate(tmp_path / "two", **options, seed=3, jobs=2))
    other = digests(simulate(tmp_path / "three", **options, seed=4))
    assert digests(one)["sub-001/anat/sub-001_T1w.nii.gz"] != other["sub-001/anat/sub-001_T1w.nii.gz"]


def test_noise_is_seeded_by_the_same_text_as_ever(cohort):
    """Fields that records got later change no bytes: this is the text that the noise was drawn from before them."""
    recipe = _subject_of(cohort, "sub-001")
    one = Acquisition(modality="T2w", repetition_time_ms=5000.0, echo_time_ms=95.0, voxel_size_mm=(4.0, 4.0, 4.0))
    text = (
        "noise Acquisition(modality='T2w', repetition_time_ms=5000.0, echo_time_ms=95.0, inversion_time_ms=None, "
        "flip_angle_deg=None, field_strength_t=None, manufacturer=None, voxel_size_mm=(4.0, 4.0, 4.0), age_years=None, "
        "sex=None, tracer=None, kvp=None, b_value=None)"
    )
    assert noise_of(recipe, one).random() == np.random.default_rng([0, 0, *text.encode()]).random()
    assert json.loads((cohort / "derivatives" / "truth" / "sub-001.json").read_text()).keys() == {
        "seed", "number", "site", "spacing", "labels"
    }  # fmt: skip


def test_protocols_that_vary_differ_from_subject_to_subject_and_the_anatomy_does_not(cohort, tmp_path):
    vary = simulate(tmp_path / "vary", subjects=3, centres=4, spacing=4.0, contrasts=["T2w", "PDw"], vary=True)
    found = find_subjects(vary).subjects
    for name in ("T2w", "PDw"):
        fixed = [protocols_of(_subject_of(cohort, one.key), [name])[name].acquisition for one in found]
        drawn = [one.acquisitions[name] for one in found]
        for field in ("repetition_time_ms", "echo_time_ms"):
            assert all(getattr(a, field) != getattr(b, field) for a, b in zip(fixed, drawn, strict=True))
        assert [one.field_strength_t for one in drawn] == [one.field_strength_t for one in fixed]
    assert np.array_equal(*(segmentation(root, "sub-003") for root in (cohort, vary)))
    again = simulate_like(vary, "sub-003", Acquisition(modality="T2w")).voxels.numpy()
    assert np.array_equal(again, image(vary, "sub-003", "T2w"))


def segmentation(root, key):
    return voxels(root / "derivatives" / "masks" / key / "anat" / f"{key}_dseg.nii.gz")


def fractions(cohort):
    return head_of(_subject_of(cohort, "sub-001")).anatomy.fractions


def test_sites_cover_contrasts_like_the_four_datasets(cohort):
    found = find_subjects(cohort)
    assert not found.failures
    held = {subject.key: set(subject.images) for subject in found.subjects}
    assert held["sub-001"] == held["sub-005"] == {"T1w", "T1c", "T2w", "FLAIR", "DWI", "ADC"}
    assert held["sub-002"] == {"T1w", "T1c", "T2w", "FLAIR"}
    assert held["sub-003"] <= {"T1w", "T2w", "FLAIR", "ADC"}
    assert len(held["sub-003"]) >= 2
    assert held["sub-004"] == {"FLAIR", "DWI", "ADC"}
    assert {subject.dataset for subject in found.subjects} == {"A", "B", "C", "D"}


def test_sidecars_are_in_bids_units_and_read_back(cohort):
    sidecar = json.loads((cohort / "sub-001" / "anat" / "sub-001_T1w.json").read_text())
    assert 2.0 < sidecar["RepetitionTime"] < 2.6
    assert sidecar["InversionTime"] == 0.9
    assert sidecar["MagneticFieldStrength"] == 3.0
    record = find_subjects(cohort).subjects[0].acquisitions["T1w"]
    assert record.inversion_time_ms == 900.0
    assert record.manufacturer == "Siemens"
    assert 20 < record.age_years < 85
    assert record.sex in {"F", "M"}


def test_the_dataset_says_what_it_is(cohort):
    about = json.loads((cohort / "dataset_description.json").read_text())
    assert about["BIDSVersion"]
    assert "not for clinical use" in about["GeneratedBy"][0]["Description"]
    assert "not for clinical use" in str(nib.load(cohort / "sub-001" / "anat" / "sub-001_T1w.nii.gz").header["descrip"])
    rows = (cohort / "participants.tsv").read_text().splitlines()
    assert rows[0] == "participant_id\tage\tsex\tsite"
    assert len(rows) == 9
    assert (cohort / "sub-001" / "dwi" / "sub-001_dwi.bval").read_text() == "1000\n"


def test_a_site_scales_its_images(cohort):
    tops = [np.percentile(image(cohort, key, "T1w"), 99.5) for key in ("sub-001", "sub-002")]
    assert tops[1] > 2 * tops[0]


def test_the_rim_of_a_glioma_enhances_and_its_oedema_is_bright_on_flair(cohort):
    rim = [np.median(masked(cohort, "sub-002", "rim", image(cohort, "sub-002", n))) for n in ("T1w", "T1c")]
    assert rim[1] > 1.2 * rim[0]
    flair = image(cohort, "sub-002", "FLAIR")
    brain = masked(cohort, "sub-002", "brain", flair)
    assert np.median(masked(cohort, "sub-002", "oedema", flair)) > 1.2 * np.median(brain)


def test_an_infarct_is_bright_on_dwi_and_dark_on_adc(tmp_path):
    cohort = simulate(tmp_path / "cohort", subjects=12, centres=4, spacing=4.0)
    found = [p for p in (cohort / "derivatives" / "masks").rglob("*label-infarct_mask.nii.gz") if voxels(p).any()]
    key = found[0].name.split("_")[0]
    dwi, adc = (image(cohort, key, name) for name in ("DWI", "ADC"))
    assert np.median(masked(cohort, key, "infarct", dwi)) > 1.2 * np.median(masked(cohort, key, "brain", dwi))
    assert np.median(masked(cohort, key, "infarct", adc)) < 0.7 * np.median(masked(cohort, key, "brain", adc))


# REQUIRED of any PET image by BIDS 1.9 (modality specific files, positron emission tomography).
PET_KEYS = {
    "Manufacturer",
    "ManufacturersModelName",
    "Units",
    "TracerName",
    "TracerRadionuclide",
    "InjectedRadioactivity",
    "InjectedRadioactivityUnits",
    "InjectedMass",
    "InjectedMassUnits",
    "SpecificRadioactivity",
    "SpecificRadioactivityUnits",
    "ModeOfAdministration",
    "TimeZero",
    "ScanStart",
    "InjectionStart",
    "FrameTimesStart",
    "FrameDuration",
    "AcquisitionMode",
    "ImageDecayCorrected",
    "ImageDecayCorrectionTime",
    "ReconMethodName",
    "ReconMethodParameterLabels",
    "ReconFilterType",
    "ReconFilterSize",
    "AttenuationCorrection",
}


def levels(cohort, modality, **settings):
    """Measure pure tissue in a noise-free image."""
    parts = fractions(cohort)
    truth = simulate_like(cohort, "sub-001", Acquisition(modality=modality, **settings), truth=True).voxels.numpy()
    return [float(np.median(truth[parts[name] > 0.95])) for name in ("grey", "white", "fluid", "deep")]


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("T1w", lambda grey, white, fluid: white > grey > fluid),
        ("T2w", lambda grey, white, fluid: fluid > grey > white),
        ("FLAIR", lambda grey, white, fluid: grey > white > 2 * fluid),
        ("CT", lambda grey, white, fluid: 30 < grey < 45 and -5 < fluid < 20),
        ("FDG-PET", lambda grey, white, fluid: grey > 1.3 * white and grey > 3),
        ("ADC", lambda grey, white, fluid: 600 < white < 800 and 2300 < fluid < 3300),
    ],
)
def test_contrasts_are_those_of_the_textbook(cohort, modality, expected):
    grey, white, fluid, _ = levels(cohort, modality)
    assert expected(grey, white, fluid), (grey, white, fluid)


def test_any_acquisition_can_be_asked_for_afterwards(cohort):
    ratio = []
    for te in (30.0, 60.0, 120.0):
        _, white, fluid, _ = levels(cohort, "T2w", echo_time_ms=te)
        ratio.append(fluid / white)
    assert ratio[0] < ratio[1] < ratio[2]


def test_what_is_asked_for_is_written_with_its_sidecar(cohort, tmp_path):
    asked = Acquisition(modality="t2", echo_time_ms=60.0)
    volume = simulate_like(cohort, "sub-001", asked, out=tmp_path / "t2.nii.gz")
    assert np.array_equal(voxels(tmp_path / "t2.nii.gz"), volume.voxels.numpy())
    sidecar = json.loads((tmp_path / "t2.json").read_text())
    assert sidecar["EchoTime"] == 0.06
    assert "not for clinical use" in sidecar["Description"]


def test_the_own_acquisition_gives_the_own_image_again(cohort):
    again = simulate_like(cohort, "sub-001", Acquisition(modality="T2w")).voxels.numpy()
    assert np.array_equal(again, image(cohort, "sub-001", "T2w"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"modality": "T1w", "repetition_time_ms": 1000.0}, "leave no room"),
        ({"modality": "T1w", "inversion_time_ms": 100.0}, "choose TI from"),
        ({"modality": "T2w", "echo_time_ms": -5.0}, "echo_time_ms of T2w is -5"),
        ({"modality": "T2w", "repetition_time_ms": float("nan")}, "is nan"),
        ({"modality": "T2w", "repetition_time_ms": 500.0, "echo_time_ms": 600.0}, "below repetition_time_ms"),
        ({"modality": "FLAIR", "inversion_time_ms": 19_000.0}, "below repetition_time_ms"),
        ({"modality": "T2w", "field_strength_t": 0.0}, "field_strength_t"),
        ({"modality": "T1c", "flip_angle_deg": 400.0}, "flip_angle_deg"),
        ({"modality": "ADC", "b_value": 0.0}, "b_value of ADC"),
        ({"modality": "CT", "echo_time_ms": 30.0}, "CT has no echo_time_ms"),
        ({"modality": "CT", "kvp": 20.0}, "kvp of CT is 20; choose one from 60 to 160"),
        ({"modality": "CT", "kernel": "H13s"}, "'H13s' is no kernel of CT that can be simulated; did you mean"),
        ({"modality": "CT", "dose_mbq": 200.0}, "CT has no dose_mbq"),
        ({"modality": "CT", "reconstruction": "OSEM"}, "CT has no reconstruction"),
        ({"modality": "CT", "tracer": "FDG"}, "CT has the tracer None, not FDG"),
        ({"modality": "FDG-PET", "tracer": "AV45"}, "has the tracer FDG, not AV45"),
        ({"modality": "FDG-PET", "reconstruction": "OSME"}, "is no reconstruction of PET"),
        ({"modality": "T2x"}, "T2x"),
        ({}, "needs a modality"),
        ({"modality": "MRA"}, "no protocol for 'MRA'"),
    ],
)
def test_what_no_scanner_does_is_one_line_and_leaves_no_file(cohort, tmp_path, asked, message):
    with pytest.raises(UserError, match=message):
        simulate_like(cohort, "sub-001", Acquisition(**asked), out=tmp_path / "image.nii.gz")
    assert not list(tmp_path.iterdir())


def test_an_image_never_stands_beside_the_sidecar_of_another(cohort, tmp_path):
    (tmp_path / "t2.json").write_text("{}")
    with pytest.raises(UserError, match=r"t2\.json is there already"):
        simulate_like(cohort, "sub-001", Acquisition(modality="T2w"), out=tmp_path / "t2.nii.gz")
    assert not (tmp_path / "t2.nii.gz").exists()


def test_gradient_echoes_can_be_asked_for(cohort):
    short, long = (levels(cohort, "T2star", echo_time_ms=te) for te in (5.0, 40.0))
    assert long[3] / long[0] < short[3] / short[0]  # iron darkens the deep nuclei


def test_the_tissue_map_says_which_tissue_is_largest(cohort):
    masks = cohort / "derivatives" / "masks"
    rows = [row.split("\t") for row in (masks / "dseg.tsv").read_text().splitlines()[1:]]
    numbers = {name: int(index) for index, name in rows}
    found, parts, names = segmentation(cohort, "sub-001"), fractions(cohort), ("white", "fluid", "core")
    for name, mask in zip(names, tissue_masks(cohort, "sub-001", *names), strict=True):
        assert ((found == numbers[name]) == (parts[name] > 0.5))[np.abs(parts[name] - 0.5) > 0.3].all()
        assert np.array_equal(mask.voxels.numpy() == 1, found == numbers[name])
        assert np.array_equal(mask.affine, nib.load(masks / "sub-001" / "anat" / "sub-001_dseg.nii.gz").affine)


def test_truth_that_is_not_there_is_one_line(cohort, tmp_path):
    with pytest.raises(UserError, match="is no simulated cohort"):
        simulate_like(tmp_path, "sub-001", Acquisition(modality="T2w"))
    with pytest.raises(UserError, match=r"no tissue 'whit'; did you mean 'white'"):
        tissue_masks(cohort, "sub-001", "whit")
    with pytest.raises(UserError, match=r"sub-009_dseg\.nii\.gz is missing"):
        tissue_masks(cohort, "sub-009", "white")
    with pytest.raises(UserError, match="did you mean"):
        simulate_like(cohort, "sub-01", Acquisition(modality="T2w"))


def test_nothing_is_overwritten(cohort):
    with pytest.raises(UserError, match="not empty"):
        simulate(cohort)


def test_a_cohort_is_there_once_it_is_whole(tmp_path):
    (tmp_path / ".cohort.part" / "sub-009").mkdir(parents=True)  # of a simulation that was killed
    seen = []

    class Watching(Progress):
        def over(self, name, things):
            for thing in things:
                seen.append((name, (tmp_path / "cohort").exists()))
                yield thing

    made = simulate(tmp_path / "cohort", subjects=2, centres=1, spacing=8, contrasts=["T1w"], progress=Watching())
    assert seen == [("simulating centre A", False)] * 2
    assert [one.name for one in tmp_path.iterdir()] == ["cohort"]
    assert sorted(one.name for one in made.glob("sub-*")) == ["sub-001", "sub-002"]


def test_an_empty_folder_is_filled_and_stays_the_same_folder(tmp_path, monkeypatch):
    (tmp_path / ".anysyn.part" / "sub-009").mkdir(parents=True)  # of a simulation that was killed
    monkeypatch.chdir(tmp_path)
    simulate(".", subjects=1, centres=1, spacing=8, contrasts=["T1w"])
    assert {one.name for one in tmp_path.glob("sub-*")} == {"sub-001"}
    assert (tmp_path / "participants.tsv").is_file()
    assert not (tmp_path / ".anysyn.part").exists()


SMALL = {"subjects": 1, "centres": 1, "spacing": 8, "contrasts": ["T1w"]}


def test_a_hidden_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / ".cohort.part").mkdir()
    (tmp_path / ".cohort.part" / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds precious\.txt, which anysyn simulate did not write"):
        simulate(tmp_path / "cohort", **SMALL)
    assert (tmp_path / ".cohort.part" / "precious.txt").read_text() == "mine"


def test_the_manifest_lists_all_of_a_cohort(cohort, tmp_path):
    labels = tmp_path / "labels"
    labels.mkdir()
    voxels_of = np.zeros((20, 20, 20), np.float32)
    voxels_of[5:15, 5:15, 5:15] = 2
    nib.save(nib.Nifti1Image(voxels_of, np.diag([8.0, 8, 8, 1])), labels / "head.nii.gz")
    other = simulate(tmp_path / "cohort", **{**SMALL, "contrasts": ["T1w", "CT", "FDG-PET", "DWI"]}, labels=labels)
    for folder in (cohort, other):
        contents = contents_of(folder)
        assert not contents.foreign
        assert contents.own


def test_a_cohort_is_simulated_by_one_process_at_a_time(tmp_path):
    with locked(tmp_path / ".cohort.part", "anysyn simulate"), pytest.raises(UserError, match="locked by process"):
        simulate(tmp_path / "cohort", **SMALL)
    simulate(tmp_path / "cohort", **SMALL)


def test_no_image_is_replaced(cohort, tmp_path):
    path = tmp_path / "t2.nii.gz"
    path.write_text("mine")
    with pytest.raises(UserError, match="is there already"):
        simulate_like(cohort, "sub-001", Acquisition(modality="T2w"), out=path)
    assert path.read_text() == "mine"


def test_a_simulation_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("anysyn.simulation.cohort.write_json", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        simulate(tmp_path / "cohort", subjects=1, centres=1, spacing=8, contrasts=["T1w"])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"centres": 8}, "choose 1 to 7"),
        ({"centres": ["H"]}, "no centre 'H'"),
        ({"centres": []}, "no centre is given"),
        ({"subjects": 0}, "subjects: 0"),
        ({"spacing": 0.1}, "0.5 to 8 mm"),
        ({"contrasts": ["T9"]}, "T9"),
        ({"labels": "nowhere"}, "no label map"),
    ],
)
def test_options_out_of_range_are_said_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        simulate(tmp_path / "cohort", **options)
    assert not (tmp_path / "cohort").exists()


def test_other_contrasts_can_be_asked_for_and_pet_sidecars_hold_what_bids_requires(tmp_path):
    modalities = ["T1w", "CT", "FDG-PET", "AV45-PET", "PDw"]
    cohort = simulate(tmp_path / "c", subjects=1, centres=1, spacing=5.0, contrasts=modalities)
    assert set(find_subjects(cohort).subjects[0].images) == set(modalities)
    assert image(cohort, "sub-001", "CT").min() == -1000
    for path in (cohort / "sub-001" / "pet").glob("*.json"):
        assert json.loads(path.read_text()).keys() >= PET_KEYS


def steepness(volume, axis):
    return np.abs(np.diff(volume, axis=axis)).mean()


def test_slices_are_as_thick_as_is_chosen(tmp_path):
    options = {"subjects": 1, "centres": "B", "spacing": 2.0, "contrasts": ["T2w"]}
    thick = image(simulate(tmp_path / "thick", **options, thickness=6), "sub-001", "T2w")
    thin = simulate(tmp_path / "thin", **options, thickness=1)
    ratio = [steepness(thick, axis) / steepness(image(thin, "sub-001", "T2w"), axis) for axis in (0, 2)]
    assert ratio[1] < 0.9 * ratio[0] < 0.9  # thick slices blur across them more than the noise in them
    again = simulate_like(thin, "sub-001", Acquisition(modality="T2w"))
    np.testing.assert_array_equal(again.voxels.numpy(), image(thin, "sub-001", "T2w"))


def test_tissues_that_vary_differ_from_subject_to_subject_in_t2_alone(tmp_path):
    options = {"subjects": 4, "centres": "B", "spacing": 4.0, "contrasts": ["T1w", "T2w"]}
    plain, varied = (simulate(tmp_path / str(i), **options, vary_tissues=bool(i)) for i in range(2))
    for name, moves in (("T1w", False), ("T2w", True)):
        for key in ("sub-001", "sub-002", "sub-003", "sub-004"):
            asked = Acquisition(modality=name, echo_time_ms=100.0 if moves else None)
            ratios = [grey_to_white(cohort, key, asked) for cohort in (plain, varied)]
            assert (ratios[1] < ratios[0] - 0.01) if moves else ratios[1] == pytest.approx(ratios[0], abs=0.01)
    shares = [head_of(_subject_of(varied, f"sub-00{i}")).in_vivo for i in range(1, 5)]
    assert len(set(shares)) == 4
    assert [head_of(_subject_of(plain, "sub-001")).in_vivo] == [0.0]


def grey_to_white(cohort, key, acquisition):
    made = simulate_like(cohort, key, acquisition, truth=True).voxels.numpy()
    grey, white = (made[mask.voxels.numpy() == 1].mean() for mask in tissue_masks(cohort, key, "grey", "white"))
    return grey / white
