import json
import zipfile

import nibabel as nib
import numpy as np
import pytest
from dicom_files import (
    affine_of,
    directions,
    header,
    make_enhanced,
    make_pet,
    make_series,
    save,
    voxels,
)

from anysyn.data.subjects.find import find_subjects
from anysyn.data.volumes.volume import read_volume
from anysyn.scans.dicom import DicomError, convert


def at_world(path, affine, pixels):
    """Return what a file has at the places of voxels (slices, rows, columns), which may lie in another order in it."""
    volume = read_volume(path)
    n, rows, columns = pixels.shape
    indices = np.indices((columns, rows, n)).reshape(3, -1)
    world = affine[:3, :3] @ indices + affine[:3, 3:]
    own = np.linalg.solve(volume.affine[:3, :3], world - volume.affine[:3, 3:])
    assert np.abs(own - np.rint(own)).max() < 1e-4  # voxels
    found = volume.voxels.numpy()[tuple(np.rint(own).astype(int))]
    return found.reshape(columns, rows, n).transpose(2, 1, 0)


def reasons(conversion):
    return "\n".join(failure.reason for failure in conversion.left_out)


@pytest.mark.parametrize("program", ["found", None], ids=["dcm2niix", "SimpleITK"])
@pytest.mark.parametrize("degrees", [0.0, 23.0])
def test_a_classic_series_keeps_voxels_and_places(tmp_path, program, degrees):
    make_series(tmp_path / "in", degrees=degrees)
    [series] = convert(tmp_path / "in", tmp_path / "out", program=program).series
    assert np.array_equal(at_world(series.path, affine_of(directions(degrees)), voxels()), voxels())
    assert series.path == tmp_path / "out" / "sub-01" / "anat" / "sub-01_T2w.nii.gz"
    known = series.acquisition.known()
    expected = {"modality": "T2w", "repetition_time_ms": 5000.0, "echo_time_ms": 100.0, "flip_angle_deg": 150.0}
    expected |= {"field_strength_t": 3.0, "manufacturer": "Siemens", "age_years": 50.0, "sex": "F"}
    assert known == expected
    assert json.loads(series.path.with_name("sub-01_T2w.json").read_text()) == dict(series.sidecar)


def test_an_enhanced_file_is_read_by_dcm2niix_and_refused_without(tmp_path):
    make_enhanced(tmp_path / "in", degrees=10.0)
    [series] = convert(tmp_path / "in", tmp_path / "out").series
    assert np.array_equal(at_world(series.path, affine_of(directions(10.0)), voxels()), voxels())
    known = series.acquisition
    assert (known.repetition_time_ms, known.echo_time_ms, known.flip_angle_deg) == (5000.0, 100.0, 150.0)
    without = convert(tmp_path / "in", tmp_path / "none", program=None)
    assert not without.series
    assert "anysyn[dicom]" in reasons(without)


def test_nothing_that_is_written_names_the_person(tmp_path):
    make_series(
        tmp_path / "in", 1, description="T1 Jane", ProtocolName="t1 Jane", ImageComments="Doe PAT4711", EchoTime=9
    )
    make_series(tmp_path / "in", 2, AccessionNumber="A99")
    conversion = convert(tmp_path / "in", tmp_path / "out")
    assert {series.modality for series in conversion.series} == {"T1w", "T2w"}
    for path in filter(lambda path: path.is_file(), (tmp_path / "out").rglob("*")):
        content = path.read_bytes()
        content += bytes(nib.load(path).header.structarr.tobytes()) if path.suffix == ".gz" else b""
        for word in (b"Jane", b"Doe", b"PAT4711", b"19610203", b"House", b"A99", b"20110707"):
            assert word not in content, path
    assert "Jane" not in reasons(conversion)


def test_what_is_no_image_is_left_out_with_the_reason(tmp_path):
    folder = tmp_path / "in"
    make_series(folder, 1)
    make_series(folder, 2, description="t1_localizer", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    make_series(folder, 3, description="t1_mpr cor", ImageType=["DERIVED", "SECONDARY", "MPR"])
    make_series(folder, 4, description="FA color", change=lambda made, n: setattr(made, "SamplesPerPixel", 3))
    make_series(folder, 5, description="Screenshot", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    make_series(folder, 6, description="mystery")
    make_series(folder, 7, description="[SYNTHETIC] FLAIR")
    make_series(folder, 8, description="t2 haste", pixels=voxels()[:2])
    make_series(folder, 9, description="tof mip", ImageType=["DERIVED", "PRIMARY", "MIP"])
    save(header(10, "SR", "report", SOPInstanceUID="1.2.3"), folder / "report")
    (folder / "readme.txt").write_text("no DICOM")
    conversion = convert(folder, tmp_path / "out")
    assert [series.modality for series in conversion.series] == ["T2w"]
    said = reasons(conversion)
    for number, why in {
        2: "plan others",
        3: "reformatted",
        4: "colour",
        5: "screenshot",
        6: "names no known contrast",
        7: "synthetic",
        8: "has 2 slices",
        9: "projection",
        10: "report",
    }.items():
        [line] = [line for line in said.splitlines() if line.startswith(f"series {number} ")]
        assert why in line
    assert "readme.txt: is no DICOM" in said


def test_of_two_series_of_one_contrast_the_finer_is_used(tmp_path):
    make_series(tmp_path / "in", 1, pixels=voxels(shape=(4, 8, 8)), change=twice_as_thick)
    make_series(tmp_path / "in", 2)
    conversion = convert(tmp_path / "in", tmp_path / "out")
    assert [series.headers[0].SeriesNumber for series in conversion.series] == [2]
    assert "series 2 't2_tse_tra' (5 files) is, which has the smaller voxels" in reasons(conversion)


def twice_as_thick(made, number):
    made.ImagePositionPatient[2] = float(made.ImagePositionPatient[2]) + 4.0 * number
    made.SliceThickness = 8.0


def test_a_contrast_agent_and_an_inversion_decide(tmp_path):
    make_series(tmp_path / "in", 1, description="t1_tse", EchoTime=10, ContrastBolusAgent="Gadovist")
    make_series(tmp_path / "in", 2, description="t2_tirm_dark-fluid", InversionTime=2500)
    made = {series.modality: series for series in convert(tmp_path / "in", tmp_path / "out").series}
    assert made.keys() == {"T1c", "FLAIR"}
    assert made["FLAIR"].acquisition.inversion_time_ms == 2500.0


@pytest.mark.parametrize("program", ["found", None], ids=["dcm2niix", "SimpleITK"])
def test_of_several_b_values_the_clinical_one_is_the_dwi(tmp_path, program):
    images = {b: voxels(b) for b in (0, 400, 1000, 2000)}
    for n, (b, pixels) in enumerate(images.items()):

        def weighted(made, number, b=b, n=n):
            made.DiffusionBValue = float(b)
            made.InstanceNumber = 5 * n + number + 1
            made.SOPInstanceUID = f"1.2.3.{b}.{number}"
            made.SeriesInstanceUID = "1.2.3.4"

        make_series(tmp_path / "in" / str(b), 7, pixels=pixels, description="ep2d_diff", change=weighted)
    [series] = convert(tmp_path / "in", tmp_path / "out", program=program).series
    assert (series.modality, series.acquisition.b_value, len(series.files)) == ("DWI", 1000.0, 5)
    assert "of the b-values 0, 400, 1000, 2000 s/mm^2 b 1000 is the DWI" in series.remarks[0]
    assert np.array_equal(at_world(series.path, affine_of(directions()), images[1000]), images[1000])


def test_of_an_enhanced_file_of_several_b_values_too(tmp_path):
    images = [voxels(seed) for seed in range(3)]
    make_enhanced(tmp_path / "in", pixels=np.concatenate(images), b_values=(0, 800, 1500), description="dwi")
    [series] = convert(tmp_path / "in", tmp_path / "out").series
    assert (series.modality, series.acquisition.b_value) == ("DWI", 800.0)
    assert "of the b-values 0, 800, 1500 s/mm^2 b 800 is the DWI" in series.remarks[0]
    assert np.array_equal(at_world(series.path, affine_of(directions()), images[1]), images[1])


@pytest.mark.parametrize("program", ["found", None], ids=["dcm2niix", "SimpleITK"])
def test_a_series_with_a_missing_slice_is_left_out(tmp_path, program):
    make_series(tmp_path / "in")[3].unlink()
    conversion = convert(tmp_path / "in", tmp_path / "out", program=program)
    assert not conversion.series
    assert "uneven distances" in reasons(conversion)


def test_a_tilted_gantry_is_straightened_or_refused(tmp_path):
    def tilt(made, number):
        made.ImagePositionPatient[1] = float(made.ImagePositionPatient[1]) + 1.5 * number
        made.GantryDetectorTilt, made.PixelRepresentation = 20, 1

    fields = {"RescaleSlope": 1, "RescaleIntercept": -1024, "description": "Head"}
    make_series(tmp_path / "in", 1, "CT", pixels=voxels(shape=(12, 16, 12)), change=tilt, **fields)
    [series] = convert(tmp_path / "in", tmp_path / "out").series
    affine = read_volume(series.path).affine[:3, :3]
    assert np.abs(affine.T @ affine - np.diag(np.diag(affine.T @ affine))).max() < 1e-3
    assert "tilted gantry" in series.remarks[0]
    assert "tilted gantry" in reasons(convert(tmp_path / "in", tmp_path / "none", program=None))


def test_copies_of_files_count_once(tmp_path):
    for path in make_series(tmp_path / "in"):
        path.with_name(f"{path.name} copy").write_bytes(path.read_bytes())
    conversion = convert(tmp_path / "in", tmp_path / "out")
    assert len(conversion.series[0].files) == 5
    assert "IM010000 copy and 4 more: is a copy of another file" in reasons(conversion)


def test_an_adc_map_is_one_though_it_is_derived(tmp_path):
    kind = ["DERIVED", "SECONDARY", "DIFFUSION", "ADC"]
    make_series(tmp_path / "in", description="ep2d_diff_ADC", ImageType=kind, DiffusionBValue=0.0)
    [series] = convert(tmp_path / "in", tmp_path / "out").series
    assert (series.modality, series.acquisition.b_value) == ("ADC", None)


@pytest.mark.parametrize("program", ["found", None], ids=["dcm2niix", "SimpleITK"])
def test_a_ct_is_in_hounsfield_units(tmp_path, program):
    make_series(tmp_path / "in", 1, "CT", description="Head", RescaleSlope=1, RescaleIntercept=-1024, KVP=120)
    [series] = convert(tmp_path / "in", tmp_path / "out", program=program).series
    assert (series.modality, series.acquisition.kvp) == ("CT", 120.0)
    assert np.array_equal(at_world(series.path, affine_of(directions()), voxels()), voxels() - 1024.0)


@pytest.mark.parametrize("program", ["found", None], ids=["dcm2niix", "SimpleITK"])
def test_a_pet_is_in_suv(tmp_path, program):
    make_pet(tmp_path / "in")
    [series] = convert(tmp_path / "in", tmp_path / "out", program=program).series
    left = 350e6 * np.exp(-np.log(2) * 3600 / 6586.2)
    expected = voxels() * 2.0 / (left / 70_000)
    assert np.allclose(at_world(series.path, affine_of(directions()), voxels()), expected, rtol=1e-5)
    assert (series.modality, series.sidecar["Units"]) == ("FDG-PET", "SUV")
    assert (series.acquisition.dose_mbq, series.acquisition.uptake_time_min) == (350.0, 60.0)


def test_slices_of_a_pet_may_have_slopes_of_their_own(tmp_path):
    make_pet(tmp_path / "in", change=lambda made, n: setattr(made, "RescaleSlope", 1.0 + n))
    [series] = convert(tmp_path / "in", tmp_path / "out").series
    found = at_world(series.path, affine_of(directions()), voxels())
    factors = found / voxels()
    assert np.allclose(factors / factors[0].mean(), np.arange(1, 6)[:, None, None], rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"PatientWeight": None}, "lacks PatientWeight"),
        ({"drug": {"RadionuclideTotalDose": None}}, "lacks RadionuclideTotalDose"),
        ({"drug": {"RadiopharmaceuticalStartTime": ""}}, "when it was injected"),
        ({"drug": {"RadiopharmaceuticalStartTime": "120000"}}, "impossible"),
        ({"DecayCorrection": "NONE"}, "DecayCorrection NONE"),
        ({"Units": "CNTS"}, "is in CNTS"),
        ({"CorrectedImage": ["DECY"]}, "without correction for attenuation"),
    ],
)
def test_a_pet_that_lacks_what_suv_needs_is_left_out(tmp_path, fields, why):
    make_pet(tmp_path / "in", **fields)
    conversion = convert(tmp_path / "in", tmp_path / "out")
    assert not conversion.series
    assert why in reasons(conversion)


def test_people_and_examinations_are_told_apart(tmp_path):
    make_series(tmp_path / "in" / "b", 1, identifier="1")
    make_series(tmp_path / "in" / "a", 1, identifier="2", StudyDate="20110708")
    make_series(tmp_path / "in" / "c", 2, identifier="2", StudyDate="20120708", StudyInstanceUID="1.2.9")
    conversion = convert(tmp_path / "in", tmp_path / "out")
    found = [
        (one.subject, one.session, str(one.headers[0].PatientID), str(one.headers[0].StudyDate))
        for one in conversion.series
    ]
    assert found == [
        ("sub-01", None, "1", "20110707"),
        ("sub-02", "ses-1", "2", "20110708"),
        ("sub-02", "ses-2", "2", "20120708"),
    ]
    keys = [subject.key for subject in find_subjects(tmp_path / "out").subjects]
    assert keys == ["sub-01", "sub-02_ses-1", "sub-02_ses-2"]
    with pytest.raises(DicomError, match="2 people"):
        convert(tmp_path / "in", tmp_path / "other", subject="sub-07")


def test_a_zip_is_read_and_a_bomb_is_not(tmp_path):
    make_series(tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for path in (tmp_path / "in").iterdir():
            archive.write(path, f"../../{path.name}")
    [series] = convert(tmp_path / "scans.zip", tmp_path / "out", subject="p7").series
    assert (series.subject, len(series.headers)) == ("sub-p7", 5)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out", "scans.zip"}
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(30_000_000))
    with pytest.raises(DicomError, match="unpack it"):
        convert(tmp_path / "bomb.zip", tmp_path / "none")
    (tmp_path / "no.zip").write_bytes(b"PK no zip")
    with pytest.raises(DicomError, match="no readable ZIP"):
        convert(tmp_path / "no.zip", tmp_path / "none")


def test_a_damaged_file_costs_itself(tmp_path):
    make_series(tmp_path / "in", 1)
    bad = make_series(tmp_path / "in", 2, description="flair")
    for path in bad[1:]:
        path.unlink()
    bad[0].write_bytes(bad[0].read_bytes()[:300])
    conversion = convert(tmp_path / "in", tmp_path / "out")
    assert [series.modality for series in conversion.series] == ["T2w"]
    assert conversion.left_out


def test_nothing_is_overwritten(tmp_path):
    make_series(tmp_path / "in")
    convert(tmp_path / "in", tmp_path / "out")
    with pytest.raises(FileExistsError):
        convert(tmp_path / "in", tmp_path / "out")


def test_a_series_over_time_is_left_out(tmp_path):
    for time in range(3):

        def later(made, number, time=time):
            made.SeriesInstanceUID, made.AcquisitionNumber = "1.2.3.4", time + 1
            made.InstanceNumber, made.SOPInstanceUID = 5 * time + number + 1, f"1.2.3.{time}.{number}"

        make_series(tmp_path / "in" / str(time), 1, pixels=voxels(time), change=later)
    conversion = convert(tmp_path / "in", tmp_path / "out")
    assert not conversion.series
    assert "has 3 volumes" in reasons(conversion)


def test_what_a_user_names_needs_no_description(tmp_path):
    make_series(tmp_path / "in", description="series of unit 3")
    assert not convert(tmp_path / "in", tmp_path / "a").series
    [series] = convert(tmp_path / "in", tmp_path / "b", contrast="t2").series
    assert series.modality == "T2w"
    make_series(tmp_path / "flair", description="t2_flair", InversionTime=2500)
    other = convert(tmp_path / "flair", tmp_path / "c", contrast="T2w")
    assert not other.series
    assert "is FLAIR, not T2w" in reasons(other)
