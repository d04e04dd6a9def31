"""Images of MONAI: what an answer keeps of its source, how it is saved and undone, and a run as a transform."""

from __future__ import annotations

import shutil

import monai
import nibabel as nib
import numpy as np
import pytest
import torch
from monai import transforms
from monai.data import DataLoader, Dataset, decollate_batch

import anysyn
from anysyn.errors import UserError
from anysyn.synthesis.notice import MARK

AFFINE = np.diag([2.0, 2, 3, 1])
AFFINE[:3, 3] = [-20.0, -24, 7]


pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")  # a training of two people doubts everybody


@pytest.fixture(scope="module")
def loaded(tiny, tmp_path_factory):
    """A scan as MONAI reads it: turned, with codes of its own."""
    folder = tmp_path_factory.mktemp("scans") / "sub-00"
    folder.mkdir()
    image = nib.load(tiny / "cohort" / "sub-00" / "T1w.nii.gz")
    image.set_sform(image.affine, 4)
    image.set_qform(image.affine, 0)
    image.header["cal_max"], image.header["descrip"] = 99, b"a scanner's"
    image.to_filename(folder / "sub-00_T1w.nii.gz")
    return folder / "sub-00_T1w.nii.gz"


PRE = transforms.Compose(
    [
        transforms.LoadImaged("T1w"),
        transforms.EnsureChannelFirstd("T1w"),
        transforms.Orientationd("T1w", axcodes="PLI", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
        transforms.SpatialPadd("T1w", (26, 26, 14)),
    ]
)


def test_a_metatensor_keeps_the_notes_of_the_source(run, loaded):
    image = PRE({"T1w": loaded})["T1w"]
    answer = run(T1w=image, target="T2w")
    assert answer.meta["filename_or_obj"] == str(loaded)
    for key in ("original_affine", "spatial_shape", "pixdim", "sform_code", "space"):
        np.testing.assert_array_equal(np.asarray(answer.meta[key]), np.asarray(image.meta[key]))
    assert "cal_max" in image.meta
    assert not {"cal_max", "descrip", "datatype"} & answer.meta.keys()
    assert answer.meta["description"] == MARK
    answer.meta["original_affine"][:] = 0
    assert image.meta["original_affine"].any()  # it shares nothing with the source


def test_saveimage_names_the_answer_after_the_source(run, loaded, tmp_path):
    for person in ("a", "b"):
        (tmp_path / person).mkdir()
        shutil.copy(loaded, tmp_path / person / f"{person}_T1w.nii.gz")
        answer = run(T1w=PRE({"T1w": tmp_path / person / f"{person}_T1w.nii.gz"})["T1w"], target="T2w")
        transforms.SaveImage(
            output_dir=tmp_path,
            output_postfix="T2w",
            separate_folder=False,
            print_log=False,
            writer=anysyn.SyntheticNiftiWriter,
        )(answer)
    assert {path.name for path in tmp_path.glob("*.nii.gz")} == {"a_T1w_T2w.nii.gz", "b_T1w_T2w.nii.gz"}
    image = nib.load(tmp_path / "a_T1w_T2w.nii.gz")
    assert image.header["descrip"].item().decode() == MARK
    assert (int(image.header["qform_code"]), int(image.header["sform_code"])) == (0, 4)
    np.testing.assert_allclose(image.affine, answer.affine, atol=1e-5)
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), answer[0].numpy())


def test_what_led_to_the_source_is_undone_for_the_answer(run, loaded, tmp_path):
    shown = PRE({"T1w": loaded})
    shown["pred"] = run(T1w=shown["T1w"], target="T2w")
    back = transforms.Invertd("pred", transform=PRE, orig_keys="T1w", nearest_interp=False)(dict(shown))["pred"]
    again = PRE.inverse({"T1w": shown["pred"]})["T1w"]
    known = nib.load(loaded)
    for image in (back, again):
        assert image.shape == (1, *known.shape)
        np.testing.assert_allclose(image.affine, known.affine, atol=1e-6)
        assert image.meta["filename_or_obj"] == str(loaded)
    assert torch.equal(back, again)
    save = {"output_dir": tmp_path, "separate_folder": False, "print_log": False}
    transforms.SaveImage(**save, output_postfix="back", writer=anysyn.SyntheticNiftiWriter)(back)  # has T1w's notes
    assert nib.load(tmp_path / "sub-00_T1w_back.nii.gz").header["descrip"].item().decode() == MARK
    other = run(T1w=shown["T1w"], target="T2w", spacing=(4, 4, 4))
    assert other.applied_operations == []  # they led to another grid
    assert "pixdim" not in other.meta


def test_a_loader_s_batch_of_one_is_taken_apart_and_one_of_two_is_refused(run, loaded):
    (one,) = DataLoader(Dataset([{"T1w": loaded}], PRE), batch_size=1)
    answer = run(T1w=one["T1w"], target="T2w")
    assert answer.shape == (1, 1, 26, 26, 14)
    (apart,) = decollate_batch(answer)
    assert apart.meta["filename_or_obj"] == str(loaded)
    assert apart.meta["description"] == MARK
    assert apart.affine.shape == (4, 4)
    two = next(iter(DataLoader(Dataset([{"T1w": loaded}] * 2, PRE), batch_size=2)))["T1w"]
    with pytest.raises(UserError, match=r"^T1w: its shape \(2, 1, 26, 26, 14\) is a batch of 2; .*decollate_batch"):
        run(T1w=two, target="T2w")
    for image in decollate_batch(two):
        torch.testing.assert_close(run(T1w=image, target="T2w").as_tensor(), apart.as_tensor())


def test_a_batch_of_one_keeps_its_world(run, t1, known):
    place = torch.from_numpy(np.diag([-1.0, -1, 1, 1]) @ AFFINE)
    image = monai.data.MetaTensor(torch.from_numpy(t1)[None], affine=place, meta={"space": "LPS"})
    (batch,) = DataLoader([image], batch_size=1)
    assert torch.equal(run(T1w=batch, target="T2w").affine[0], place)
    np.testing.assert_array_equal(run(T1w=batch, target="T2w").as_tensor()[0, 0].numpy(), known)


def test_a_run_says_in_a_line_what_it_is(run):
    for one in (run, run.loaded):
        assert "\n" not in repr(one)
        assert "run: T1w, T2w, FLAIR; voxels as they come; cpu" in repr(one)


def test_a_transform_of_dictionaries(run, loaded):
    shown = PRE({"T1w": loaded})
    made = anysyn.Synthesized("T1w", run=run, target="T2w", output_key="pred")(shown)
    assert set(made) == {"T1w", "pred"}
    assert torch.equal(made["pred"], run(T1w=shown["T1w"], target="T2w"))
    other = anysyn.Synthesized(
        ["image", "FLAIR"], run=run, target="t2", modalities=["T1w", "FLAIR"], allow_missing=True
    )
    whole = transforms.Compose([PRE, transforms.CopyItemsd("T1w", names="image"), other])({"T1w": loaded})
    assert torch.equal(whole["t2"], made["pred"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keys": ["T1w", "FLAIR"]}, "Synthesized: FLAIR not among T1w; add allow_missing=True"),
        ({"output_key": "T1w"}, "Synthesized: 'T1w' is there already; choose another output_key"),
        ({"keys": ["a", "b"], "modalities": "T1w"}, r"Synthesized: 2 keys \(a, b\), but 1 modalities"),
    ],
)
def test_mistakes_of_the_transform_are_one_line(run, loaded, options, message):
    with pytest.raises(UserError, match=message):
        anysyn.Synthesized(**{"keys": "T1w", "run": run, "target": "T2w", **options})(PRE({"T1w": loaded}))
