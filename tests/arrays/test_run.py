"""A run that is called with images in memory gives what files give, in the kind of image that came."""

from __future__ import annotations

import json
import shutil

import monai
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch

import anysyn
from anysyn.errors import UserError
from anysyn.synthesis.notice import MARK

AFFINE = np.diag([2.0, 2, 3, 1])
AFFINE[:3, 3] = [-20.0, -24, 7]


pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")  # a training of two people doubts everybody


def test_an_array_gives_what_a_file_gives(run, t1, known):
    answer = run(T1w=t1, affine=AFFINE, target="T2w")
    assert isinstance(answer, np.ndarray)
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer, known)


def test_a_tensor_comes_back_with_its_axes(run, t1, known):
    answer = run({"t1": torch.from_numpy(t1)[None, None]}, affine=torch.from_numpy(AFFINE)[None], target="T2w")
    assert type(answer) is torch.Tensor
    assert answer.shape == (1, 1, *t1.shape)
    np.testing.assert_array_equal(answer[0, 0].numpy(), known)


@pytest.mark.parametrize("dtype", ["int16", "uint8", ">f8", "float16", "uint16"])
def test_any_type_of_number(run, t1, dtype):
    whole = np.round(t1 / t1.max() * 255)
    expected = run(T1w=whole.astype(np.float32), affine=AFFINE, target="T2w")
    np.testing.assert_array_equal(run(T1w=whole.astype(dtype), affine=AFFINE, target="T2w"), expected)


def test_bfloat16(run, t1):
    assert run(T1w=torch.from_numpy(t1).bfloat16(), affine=AFFINE, target="T2w").dtype == torch.float32


def test_several_targets_come_by_name(run, t1, known):
    answers = run(T1w=t1, affine=AFFINE, target=["t2", "FLAIR"])
    assert list(answers) == ["T2w", "FLAIR"]
    np.testing.assert_array_equal(answers["T2w"], known)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_nifti_comes_back_with_its_geometry(run, t1, known, kind):
    image = kind(t1, AFFINE)
    image.set_sform(AFFINE, 4)
    image.set_qform(AFFINE, 1)
    answer = run(T1w=image, target="T2w")
    assert type(answer) is kind
    for key in ("sform_code", "qform_code", "srow_x", "srow_z", "quatern_b", "qoffset_z", "xyzt_units", "pixdim"):
        np.testing.assert_array_equal(answer.header[key], image.header[key])
    assert answer.header["descrip"].item().decode() == MARK
    np.testing.assert_array_equal(np.asarray(answer.dataobj), known)


def test_mgh_comes_back_with_its_geometry(run, t1, known):
    image = nib.MGHImage(t1, AFFINE)
    answer = run(T1w=image, target="T2w")
    assert type(answer) is nib.MGHImage
    for key in ("delta", "Mdc", "Pxyz_c"):
        np.testing.assert_array_equal(answer.header[key], image.header[key])
    np.testing.assert_allclose(np.asarray(answer.dataobj), known, rtol=1e-4, atol=1e-2)


def turned(t1):
    image = sitk.GetImageFromArray(t1.transpose(2, 1, 0))
    image.SetSpacing((2.0, 2.0, 3.0))
    image.SetOrigin((20.0, 24.0, 7.0))
    image.SetDirection((-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))
    return image


def test_simpleitk_comes_back_with_its_geometry(run, t1, known):
    image = turned(t1)
    answer = run(T1w=image, target="T2w")
    assert isinstance(answer, sitk.Image)
    for part in ("GetOrigin", "GetSpacing", "GetDirection", "GetSize"):
        assert getattr(answer, part)() == getattr(image, part)()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(answer).transpose(2, 1, 0), known)
    assert answer.GetMetaData("ITK_FileNotes") == MARK


@pytest.mark.parametrize("space", ["RAS", "LPS"])
def test_a_metatensor_comes_back_with_its_affine(run, t1, known, space):
    place = AFFINE if space == "RAS" else np.diag([-1.0, -1, 1, 1]) @ AFFINE
    image = monai.data.MetaTensor(torch.from_numpy(t1)[None], affine=torch.from_numpy(place), meta={"space": space})
    answer = run(T1w=image, target="T2w")
    assert type(answer) is monai.data.MetaTensor
    assert torch.equal(answer.affine, image.affine)
    assert answer.meta["space"] == space
    np.testing.assert_array_equal(answer.as_tensor()[0].numpy(), known)


@pytest.mark.parametrize("kind", ["nifti", "itk", "monai"])
def test_another_voxel_size_says_where_it_lies(run, t1, kind):
    image = {
        "nifti": lambda: nib.Nifti1Image(t1, AFFINE),
        "itk": lambda: turned(t1),
        "monai": lambda: monai.data.MetaTensor(torch.from_numpy(t1), affine=torch.from_numpy(AFFINE)),
    }[kind]()
    answer = run(T1w=image, target="T2w", spacing=(4, 4, 3))
    volume = anysyn.arrays.kinds.volumes_of({"T2w": answer})["T2w"]
    assert volume.shape == (10, 12, 12)
    np.testing.assert_allclose(volume.affine, np.array([[4, 0, 0, -19], [0, 4, 0, -23], [0, 0, 3, 7], [0, 0, 0, 1.0]]))


def test_sources_of_several_kinds_and_grids(run, t1):
    coarse = nib.Nifti1Image(t1[::2], AFFINE @ np.diag([2.0, 1, 1, 1]))
    options = {"T1w": t1, "FLAIR": coarse, "affine": {"T1w": AFFINE}, "target": "T2w"}
    with pytest.raises(
        UserError, match=r"different grids; .*--resample-to T1w, which registers nothing .in Python resample_to='T1w'"
    ):
        run(**options)
    assert run(**options, resample_to="T1w").shape == t1.shape
    assert run(**options, resample_to="FLAIR").shape == coarse.shape


def test_the_source_is_left_as_it_is(run, t1):
    mine = t1.copy()
    mine.setflags(write=False)
    run(T1w=mine, affine=AFFINE, target="T2w")
    np.testing.assert_array_equal(mine, t1)


def colours(t1):
    return sitk.GetImageFromArray(np.zeros((4, 4, 4, 3), np.uint8), isVector=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"T1w": lambda t1: t1}, "T1w: an array does not say where its voxels lie; add affine="),
        ({"T1w": lambda t1: t1[0], "affine": AFFINE}, r"shape \(24, 12\) is not that of one image"),
        ({"T1w": lambda t1: np.stack([t1, t1]), "affine": AFFINE}, "is not that of one image"),
        ({"T1w": lambda t1: t1 > 0, "affine": AFFINE}, "holds bool"),
        ({"T1w": lambda t1: t1 * np.nan, "affine": AFFINE}, "NaN"),
        ({"T1w": lambda t1: t1, "affine": np.eye(3)}, "is no \\(4, 4\\)"),
        ({"T1w": lambda t1: t1, "affine": np.diag([0.0, 1, 1, 1])}, "not invertible"),
        ({"T1w": lambda t1: t1, "affine": {"T2w": AFFINE}}, "affine: is for arrays and tensors alone, and T2w"),
        ({"T1w": lambda t1: nib.Nifti1Image(t1, AFFINE), "affine": AFFINE}, "affine: is for arrays"),
        ({"T1w": lambda t1: nib.Nifti1Image(t1, None)}, "does not say where its voxels lie"),
        ({"T1w": lambda t1: "t1.nii.gz"}, "for files there is anysyn.synthesize"),
        ({"T1w": lambda t1: [1, 2]}, "hand in one of: .*numpy array"),
        ({"T1w": colours}, "is not that of one image"),
        ({"T1w": lambda t1: t1, "t1": lambda t1: t1, "affine": AFFINE}, "name one modality twice"),
        ({"T1w": lambda t1: t1, "affin": AFFINE}, "affin=: no contrast and no option; did you mean 'affine'"),
        ({"CT": lambda t1: t1 - 500, "affine": AFFINE}, "this run knows no 'CT'"),
        ({"T1w": lambda t1: np.stack([t1, t1])[:, None], "affine": AFFINE}, "is a batch of 2; hand them in one by one"),
        ({"T1w": lambda t1: t1, "affine": AFFINE, "target": []}, "name one or more"),
        ({"T1w": lambda t1: t1, "affine": AFFINE, "spacing": (1, 1, 1)}, "an array cannot say where"),
        ({"T1w": lambda t1: t1, "affine": AFFINE, "units": {"CT": "HU"}}, "units: of CT"),
        ({"T1w": lambda t1: t1, "affine": AFFINE, "batch": 0}, "batch: 0"),
        ({}, "no source"),
    ],
)
def test_mistakes_are_one_line(run, t1, options, message):
    made = {key: value(t1) if callable(value) else value for key, value in options.items()}
    with pytest.raises(UserError, match=message) as raised:
        run(**{"target": "T2w", **made})
    assert "\n" not in str(raised.value)


def test_a_last_axis_of_length_one_is_kept(run, t1, known):
    answer = run(T1w=t1[..., None], affine=AFFINE, target="T2w")
    assert answer.shape == (*t1.shape, 1)
    np.testing.assert_array_equal(answer[..., 0], known)
    assert run(T1w=torch.from_numpy(t1)[None, ..., None], affine=AFFINE, target="T2w").shape == (1, *t1.shape, 1)
    assert anysyn.metrics.mae(answer, known) == 0


def test_target_and_targets_are_one(run, t1, known):
    image = {"T1w": t1}
    np.testing.assert_array_equal(run(image, affine=AFFINE, targets="T2w"), known)
    assert list(run(image, affine=AFFINE, targets=["T2w"])) == ["T2w"]
    assert list(run.answer(image, affine=AFFINE, target="T2w").images) == ["T2w"]
    assert list(run.answer(image, affine=AFFINE, targets="T2w").images) == ["T2w"]
    with pytest.raises(UserError, match="are one; give one of them"):
        run(image, affine=AFFINE, target="T2w", targets="T2w")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda run, t1: run(t1, target="T2w"),
            r"a ndarray does not say which contrast it is; .* run\(T1w=t1, target=",
        ),
        (lambda run, t1: run([{"T1w": t1}], target="T2w"), "a list does not say which contrast .* of one person"),
        (lambda run, t1: run(T1w=t1, affine=AFFINE), "target: none is named; this run knows T1w, T2w, FLAIR"),
        (lambda run, t1: run(T1w=t1, target="FLIAR"), r"did you mean 'FLAIR'\? choices: FLAIR, T1w, T2w$"),
        (
            lambda run, t1: run(T1w=t1, target="T2w", traget="x"),
            "traget=: .* did you mean 'target'.*choices: FLAIR, T1w",
        ),
    ],
)
def test_natural_guesses_are_answered_in_a_line(run, t1, call, message):
    with pytest.raises(UserError, match=message) as raised:
        call(run, t1)
    assert "\n" not in str(raised.value)


@pytest.mark.filterwarnings("default:.*source and the target:UserWarning")
def test_a_target_that_is_shown_is_said(run, t1):
    with pytest.warns(UserWarning, match="T2w is a source and the target, so the answer saw the truth"):
        run({"T1w": t1, "T2w": t1}, affine=AFFINE, target="T2w")


def test_a_whole_dictionary_of_monai_is_told_what_the_run_knows(run, t1):
    with pytest.raises(
        UserError, match=r"^images: label, pred: no contrast; hand in sources alone, this run knows T1w,"
    ):
        run({"T1w": t1, "label": t1, "pred": t1}, affine=AFFINE, target="T2w")


def test_what_does_not_suit_is_refused_unless_asked_for(tiny, t1, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    path = tmp_path / "run" / "profile.json"
    profile = json.loads(path.read_text())
    for contrast in profile["contrasts"].values():
        contrast["images"] = 40
    path.write_text(json.dumps(profile))
    run = anysyn.load(tmp_path / "run", accelerator="cpu")
    half = t1[: len(t1) // 2]
    with pytest.raises(UserError, match="does not suit"):
        run(T1w=half, affine=AFFINE, target="T2w")
    with pytest.warns(UserWarning, match="refuse: T1w"):
        assert run(T1w=half, affine=AFFINE, target="T2w", anyway=True).shape == half.shape
    record = run.answer({"T1w": half}, affine=AFFINE, targets=["T2w"], anyway=True).records["T2w"]
    assert record["Suitability"]["Level"] == "refuse"
    assert record["Grid"]["Shape"] == list(half.shape)
    path.unlink()
    with pytest.warns(UserWarning, match="unknown"):
        run(T1w=half, affine=AFFINE, target="T2w")
