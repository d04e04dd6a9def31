"""Every step and every pipeline of steps is undone exactly: the grid to the bit, intensities to float error."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from nibabel.affines import from_matvec
from scipy.spatial.transform import Rotation

from anysyn.data.errors import VolumeError
from anysyn.data.prepare import Canonical, Crop, Nonnegative, Pipeline, Resample, Rescale, TypicalWindows, ZScore
from anysyn.data.volumes.study import Study, study_of
from anysyn.data.volumes.volume import Volume

angles = st.floats(-180, 180)
edges = st.floats(0.3, 6)
shapes = st.tuples(st.integers(1, 9), st.integers(2, 9), st.integers(1, 9))


@st.composite
def studies(draw, modalities=("T1w", "CT")):
    """Draw a study on any grid: oblique, left-handed, sheared; the object may touch the border."""
    turn = Rotation.from_euler("xyz", draw(st.tuples(*[angles] * 3)), degrees=True).as_matrix()
    mirror = np.diag(draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3)))
    shear = np.eye(3) + draw(st.sampled_from([0.0, 0.2])) * np.eye(3, k=1)
    spacing = np.diag(draw(st.tuples(edges, edges, edges)))
    affine = from_matvec(turn @ mirror @ shear @ spacing, draw(st.tuples(*[st.floats(-200, 200)] * 3)))
    shape, seed = draw(shapes), draw(st.integers(0, 99))
    generator = torch.Generator().manual_seed(seed)
    inside = torch.rand(shape, generator=generator) > draw(st.sampled_from([0.0, 0.5, 0.9]))
    inside[tuple(n // 2 for n in shape)] = True
    inside[0, 0, 0] = True
    volumes = {}
    for name, air in zip(modalities, (0.0, -1000.0), strict=False):
        tissue = air + 500 + 100 * torch.rand(shape, generator=generator)
        volumes[name] = Volume(torch.where(inside, tissue, torch.tensor(air)), affine)
    try:
        return study_of(volumes, key="sub-01")
    except VolumeError:
        reject()


def same_place(a: Study, b: Study) -> bool:
    return a.grid.shape == b.grid.shape and np.array_equal(a.affine, b.affine)


@settings(deadline=None)
@given(studies())
def test_canonical_is_ras_moves_no_voxel_and_is_undone_to_the_bit(study):
    turned, undo = Canonical().forward(study)
    assert nib.aff2axcodes(turned.affine) == ("R", "A", "S")
    expected = nib.as_closest_canonical(nib.Nifti1Image(study.images["T1w"].numpy(), study.affine))
    np.testing.assert_array_equal(turned.images["T1w"].numpy(), np.asarray(expected.dataobj))
    np.testing.assert_allclose(turned.affine, expected.affine, atol=1e-9)
    back = undo(turned)
    assert same_place(back, study)
    assert all(torch.equal(back.images[name], image) for name, image in study.images.items())
    assert torch.equal(back.foreground, study.foreground)


@settings(deadline=None)
@given(studies(), st.sampled_from(["SAL", "LPS", "PIR", "ARS"]))
def test_the_axes_may_point_anywhere_as_nibabel_turns_them(study, axes):
    turned, undo = Canonical(axes=axes).forward(study)
    image = nib.Nifti1Image(study.images["T1w"].numpy(), study.affine)
    turn = nib.orientations.ornt_transform(nib.io_orientation(study.affine), nib.orientations.axcodes2ornt(tuple(axes)))
    expected = image.as_reoriented(turn)
    assert nib.aff2axcodes(turned.affine) == tuple(axes)
    np.testing.assert_array_equal(turned.images["T1w"].numpy(), np.asarray(expected.dataobj))
    np.testing.assert_allclose(turned.affine, expected.affine, atol=1e-9)
    back = undo(turned)
    assert same_place(back, study)
    assert all(torch.equal(back.images[name], image) for name, image in study.images.items())


@pytest.mark.parametrize("axes", ["RLA", "RA", "xyz"])
def test_axes_that_are_none_are_refused(axes):
    with pytest.raises(ValueError, match="names no three axes; for example RAS, LPS or SAL"):
        Canonical(axes=axes)


@settings(deadline=None)
@given(studies(), st.floats(0, 10))
def test_crop_keeps_the_foreground_and_its_inverse_pads_with_air(study, margin):
    cropped, undo = Crop(margin=margin).forward(study)
    assert cropped.foreground.sum() == study.foreground.sum()
    start = np.linalg.solve(study.affine, cropped.affine)[:3, 3].round().astype(int)
    back = undo(cropped)
    assert same_place(back, study)
    for name, image in study.images.items():
        kept = torch.zeros(image.shape, dtype=torch.bool)
        kept[tuple(slice(a, a + n) for a, n in zip(start, cropped.grid.shape, strict=True))] = True
        assert torch.equal(back.images[name][kept], image[kept])
        assert (back.images[name][~kept] == study.air(name)).all()


@settings(deadline=None)
@given(studies(), st.tuples(*[st.one_of(st.none(), edges)] * 3))
def test_resampling_has_the_spacing_asked_for_and_comes_back_to_the_same_grid(study, spacing):
    coarse, undo = Resample(spacing=spacing).forward(study)
    for new, old, asked in zip(coarse.grid.spacing, study.grid.spacing, spacing, strict=True):
        assert new == pytest.approx(old if asked is None else asked, rel=2e-3)
    middle = [np.r_[(np.array(one.grid.shape) - 1) / 2, 1] for one in (study, coarse)]
    np.testing.assert_allclose(study.affine @ middle[0], coarse.affine @ middle[1], atol=1e-6)
    assert same_place(undo(coarse), study)


def test_resampling_to_the_spacing_at_hand_touches_nothing():
    study = study_of({"T1w": Volume(torch.rand(4, 5, 6), np.diag([1.0, 1.0, 3.0, 1.0]))})
    same, undo = Resample(spacing=(1.0, None, 3.0)).forward(study)
    assert same is study
    assert undo(same) is study


def test_a_smooth_image_survives_resampling_there_and_back():
    x, y, z = np.meshgrid(*[np.linspace(-2, 2, 40)] * 3, indexing="ij")
    image = torch.from_numpy(np.exp(-(x**2) - y**2 - z**2).astype(np.float32))
    study = study_of({"T1w": Volume(image, np.diag([-1.0, 1.0, 1.0, 1.0]))})
    for interpolation in ("linear", "bspline"):
        coarse, undo = Resample(spacing=(1.3, 1.3, 1.3), interpolation=interpolation).forward(study)
        assert (undo(coarse).images["T1w"] - image)[2:-2, 2:-2, 2:-2].abs().max() < 0.03


@settings(deadline=None)
@given(studies(), st.sampled_from([Rescale(), Rescale(lower=1.0), ZScore(), Rescale(windows={"CT": (-160.0, 240.0)})]))
def test_rescaling_is_undone_to_float_error(study, step):
    try:
        scaled, undo = step.forward(study)
    except VolumeError:  # one value in the whole foreground
        return
    back = undo(scaled)
    assert back.windows == {}
    for name, image in study.images.items():
        low, high = scaled.windows[name]
        torch.testing.assert_close((image - low) / (high - low), scaled.images[name], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(back.images[name], image, rtol=1e-5, atol=1e-5 * (high - low) + 1e-4)


@settings(deadline=None)
@given(studies(), st.permutations([Canonical(), Crop(margin=2.0), Rescale(), Nonnegative()]))
def test_a_pipeline_in_any_order_is_undone(study, steps):
    try:
        prepared, undo = Pipeline(tuple(steps))(study)
    except VolumeError:
        return
    back = undo(prepared)
    assert same_place(back, study)
    for name, image in study.images.items():
        low, high = prepared.windows[name]
        cut = ~study.foreground & (back.images[name] == study.air(name))  # beyond the crop there is air
        expected = torch.where(cut, torch.tensor(study.air(name)), image)
        torch.testing.assert_close(back.images[name], expected, rtol=1e-5, atol=1e-5 * (high - low) + 1e-4)


@settings(deadline=None)
@given(studies(modalities=("T1w",)))
def test_a_synthesized_modality_comes_back_with_its_typical_intensity_and_its_own_air(study):
    typical = TypicalWindows({"T2w": (0.0, 1000.0)}, {"here": {"T2w": (0.0, 2000.0)}})
    steps = (Canonical(), Crop(margin=0.0), Rescale())
    for dataset, bright in (("here", 2000.0), ("elsewhere", 1000.0)):
        try:
            prepared, undo = Pipeline(steps, typical)(replace(study, dataset=dataset))
        except VolumeError:
            return
        ones = torch.ones(prepared.grid.shape)
        back = undo(replace(prepared, images={"T2w": ones, "CT": ones}))
        assert same_place(back, study)
        assert set(back.images["T2w"].unique().tolist()) <= {0.0, bright}
        assert (back.images["T2w"] == bright).sum() == ones.numel()
        assert set(back.images["CT"].unique().tolist()) <= {-1000.0, 3071.0}


def test_a_modality_that_no_training_subject_had_is_named():
    study = study_of({"T1w": Volume(torch.rand(6, 6, 6), np.eye(4))}, key="sub-01")
    prepared, undo = Pipeline((Rescale(),))(study)
    with pytest.raises(VolumeError, match=r"sub-01: .*T2w"):
        undo(replace(prepared, images={"T2w": torch.ones(6, 6, 6)}))
    with pytest.raises(VolumeError, match="T2w"):
        prepared.air("T2w")


def test_steps_have_a_name_for_the_cache_that_says_all_and_nothing_else():
    assert repr(Resample(spacing=(1, 1, 2))) != repr(Resample(spacing=(1, 1, 3)))
    assert repr(Resample(spacing=[1, 1, None])) == repr(Resample(spacing=(1.0, 1.0, None)))
    assert repr(Rescale(windows={"ct": [0, 80]})) == repr(Rescale(windows={"CT": (0.0, 80.0)}))
    assert " at 0x" not in repr((Canonical(), Crop(), Resample(spacing=(1, 1, 1)), Nonnegative(), Rescale(), ZScore()))


def test_voxels_of_another_unit_are_refused_before_they_are_resampled():
    image = torch.rand(6, 6, 6)
    study = Study("sub-01", "", {"T1w": image}, np.diag([900.0, 900, 900, 1]), image > 0)
    with pytest.raises(VolumeError, match=r"^sub-01: prepare.resample: 6x6x6 voxels of 900x900x900 mm would become"):
        Resample(spacing=(1.0, 1.0, 1.0)).forward(study)
