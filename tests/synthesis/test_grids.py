"""Any voxel size out: the answer overlays the source in the world, and its tiles do not show."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from copying import Copy
from nifti_files import make, turned
from scipy import ndimage

import anysyn
from anysyn.acquisition import Acquisition
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid, resample, with_spacing
from anysyn.data.prepare import Canonical, Crop, Nonnegative, Pipeline, Resample, Rescale
from anysyn.data.views import Patches, ScaledPatches, ScaledSlices, Slabs, Slices
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume, read_volume
from anysyn.errors import UserError
from anysyn.synthesis.files import synthesize_study
from anysyn.synthesis.loaded_run import load_run

REAL = Path(__file__).parents[2] / "../shared/data/ms_head_thick_slices"
VIEWS = [
    Slices(),
    Slices(axis="sagittal"),
    Slabs(thickness=3),
    Patches(size=(12, 16, 10)),
    Patches(size=(12, 16, 10), overlap=0.0, halo=2),
    ScaledPatches(size=(6, 6, 6), scales=(1.0, 2.0)),
    ScaledSlices(size=(8, 8), axis="coronal"),
]
SPACINGS = [(0.7, 0.7, 0.7), (2.0, 2.0, 2.0), (0.8, 1.7, 2.6), (1.1, 1.3, 1.7)]


@pytest.fixture(scope="module")
def run(tiny):
    return load_run(tiny / "run", accelerator="cpu")


def copying(run, view, **changes):
    return replace(run, model=Copy(), view=view, **changes)


def oblique():
    """Return axes P, R, S (the first one flipped), turned by 17 degrees, with voxels of 1.1 x 1.3 x 1.7 mm."""
    return turned(0, 0, 17 - 90, zooms=(1.1, 1.3, 1.7))


def head(shape=(40, 34, 26), seed=0):
    """Make a smooth random texture in an ellipsoid off the middle, in air."""
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 2.0)
    places = np.stack(np.meshgrid(*(np.linspace(-1.1, 1, n) for n in shape), indexing="ij"))
    inside = ndimage.gaussian_filter(((places**2).sum(0) < 0.6).astype(float), 1.0)
    return (inside * (500 + 150 * texture / texture.std())).clip(0).astype(np.float32)


def write(path, voxels, affine):
    return make(path, voxels, affine, codes=(1, 2))


def likeness(made, given, voxels=0):
    """Correlate two volumes over the head, on the coarser grid; the made one may be moved by some voxels first."""
    affine = made.affine.copy()
    affine[:3, 3] += made.affine[:3, :3] @ np.broadcast_to(voxels, 3)
    a, b = Grid(made.shape, affine), Grid(given.shape, given.affine)
    onto = with_spacing(b, tuple(max(edges) for edges in zip(made.spacing, given.spacing, strict=True)))
    x, y = resample(made.voxels, a, onto), resample(given.voxels, b, onto)
    where = y > 50
    return float(np.corrcoef(x[where].numpy(), y[where].numpy())[0, 1])


@pytest.mark.parametrize("spacing", SPACINGS, ids=str)
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_the_output_overlays_the_source(run, tmp_path, view, spacing):
    source = write(tmp_path / "t1.nii.gz", head(), oblique())
    out = tmp_path / "t2.nii.gz"
    anysyn.synthesize(copying(run, view), sources={"T1w": source}, targets=["T2w"], out=out, spacing=spacing)
    given, made, image = read_volume(source), read_volume(out), nib.load(out)
    np.testing.assert_allclose(image.header.get_zooms(), spacing, rtol=1e-5)
    assert made.shape == tuple(round(n * a / b) for n, a, b in zip(given.shape, given.spacing, spacing, strict=True))
    ends = [np.array([[-0.5] * 3, np.array(one.shape) - 0.5]) for one in (given, made)]
    corners = [nib.affines.apply_affine(one.affine, end) for one, end in zip((given, made), ends, strict=True)]
    apart = np.linalg.inv(made.affine[:3, :3]) @ (corners[1] - corners[0]).T
    assert np.abs(apart).max() <= 0.25 + 1e-4  # output voxels, where the lengths do not divide; both ends alike
    np.testing.assert_allclose(corners[0].mean(0), corners[1].mean(0), atol=1e-4)
    for form, code in (("qform", 1), ("sform", 2)):
        affine, kept = getattr(image, f"get_{form}")(coded=True)
        assert kept == code
        np.testing.assert_allclose(affine, made.affine, atol=1e-4)
    found = likeness(made, given)
    assert found > 0.98
    for axis in np.eye(3):
        assert max(likeness(made, given, 0.5 * axis), likeness(made, given, -0.5 * axis)) < found


def test_the_corners_coincide_where_the_lengths_divide(run, tmp_path):
    source = write(tmp_path / "t1.nii.gz", head((40, 34, 26)), np.diag([-1.0, 1, 3, 1]))
    out = tmp_path / "t2.nii.gz"
    anysyn.synthesize(copying(run, VIEWS[3]), sources={"T1w": source}, targets=["T2w"], out=out, spacing=(0.5, 2, 1))
    made = nib.load(out)
    assert made.shape == (80, 17, 78)
    np.testing.assert_allclose(made.affine[:3, 3], [0.25, 0.5, -1.0])
    np.testing.assert_allclose(np.diag(made.affine), [-0.5, 2, 1, 1])


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_the_own_voxel_size_changes_nothing(run, tmp_path, view):
    source = write(tmp_path / "t1.nii.gz", head(), oblique())
    asked = {"sources": {"T1w": source}, "targets": ["T2w"]}
    plain = anysyn.synthesize(copying(run, view), out=tmp_path / "a.nii.gz", **asked)[0]
    same = anysyn.synthesize(copying(run, view), out=tmp_path / "b.nii.gz", spacing=(1.1, 1.3, 1.7), **asked)[0]
    assert np.array_equal(nib.load(plain).affine, nib.load(source).affine)
    a, b = (np.asarray(nib.load(path).dataobj) for path in (plain, same))
    np.testing.assert_allclose(a, b, atol=1e-3 * a.max())


def test_the_answer_is_interpolation_at_the_right_places(run):
    """Against SimpleITK on the same grids: the network's copy at 0.7 mm is the linear interpolation of the source."""
    study = study_of({"T1w": Volume(torch.from_numpy(head()), oblique())})
    onto = with_spacing(study.grid, (0.7, 0.7, 0.7))
    view = Patches(size=(12, 16, 10), halo=1)
    asked = replace(copying(run, view), pipeline=Pipeline((Canonical(), Rescale())))
    prepared = asked.pipeline(study)[0]
    made = asked.predict(prepared, ["T1w"], ["T1w"], onto=onto)["T1w"]
    expected = resample(prepared.images["T1w"], prepared.grid, onto)
    inside = resample(prepared.foreground.float(), prepared.grid, onto) == 1
    assert inside.sum() > 1000
    torch.testing.assert_close(made[inside], expected[inside], atol=1e-4, rtol=0)


def test_preparation_is_undone_on_the_grid_of_the_output(run):
    """Crop, turn and resample: the answer lies on the grid asked for, in the unit of the files, with air around."""
    volume = Volume(torch.from_numpy(head()), oblique())
    study = study_of({"T1w": volume})
    steps = (Canonical(), Nonnegative(), Crop(margin=2.0), Resample(spacing=(1.0, 1.0, 1.0)), Rescale())
    onto = with_spacing(study.grid, (1.0, 1.0, 1.0))
    asked = copying(run, VIEWS[3], pipeline=Pipeline(steps))
    made = synthesize_study(asked, study, ["T1w"], ["T1w"], onto=onto)["T1w"]
    assert made.shape == onto.shape
    assert made[0, 0, 0] == 0
    found = Volume(made, onto.affine)
    assert likeness(found, volume) > 0.98
    inside = volume.voxels > 300
    back = resample(made, onto, study.grid)
    assert (back[inside] - volume.voxels[inside]).abs().mean() < 20  # of about 500


def test_the_network_is_told_the_voxel_size_asked_for(run, tmp_path):
    source = write(tmp_path / "t1.nii.gz", head(), np.diag([1.0, 1, 3, 1]))
    asked = copying(run, Patches(size=(16, 16, 16)))
    anysyn.synthesize(asked, sources={"T1w": source}, targets=["T2w"], out=tmp_path / "a.nii", spacing=(0.5, 1, 1.5))
    assert asked.model.query.target_acquisitions[0][0].voxel_size_mm == (0.5, 1.0, 1.5)
    assert asked.model.query.source_acquisitions[0][0].voxel_size_mm == (1.0, 1.0, 3.0)
    sidecar = json.loads((tmp_path / "a.json").read_text())
    assert sidecar["Grid"]["VoxelSizeMm"] == [0.5, 1.0, 1.5]
    assert sidecar["Grid"]["SourceVoxelSizeMm"] == [1.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("spacing", "message"),
    [((1.0, 1.0), "three lengths"), ((1.0, 0.0, 1.0), "above 0"), ((0.001, 0.001, 0.001), "choose larger voxels")],
)
def test_a_spacing_that_makes_no_sense_is_one_line(run, tmp_path, spacing, message):
    source = write(tmp_path / "t1.nii.gz", head(), oblique())
    with pytest.raises(UserError, match=message):
        anysyn.synthesize(run, sources={"T1w": source}, targets=["T2w"], out=tmp_path / "a.nii", spacing=spacing)


def test_a_grid_that_is_turned_is_refused(run):
    study = study_of({"T1w": Volume(torch.from_numpy(head()), np.eye(4))})
    with pytest.raises(VolumeError, match="rotated"):
        copying(run, VIEWS[3]).predict(study, ["T1w"], ["T1w"], onto=Grid((40, 34, 26), oblique()))


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/ms_head_thick_slices is absent")
def test_a_real_scan_of_thick_slices_goes_in(run, tmp_path):
    source = next(REAL.rglob("*T1w.nii.gz"))
    out = tmp_path / "t2.nii.gz"
    view = Patches(size=(48, 48, 16), halo=2)
    anysyn.synthesize(copying(run, view), sources={"T1w": source}, targets=["T2w"], out=out, spacing=(1.5, 1.5, 1.5))
    given, made = read_volume(source), read_volume(out)
    assert max(given.spacing) > 2.9
    assert made.spacing == pytest.approx((1.5, 1.5, 1.5), rel=1e-3)
    assert likeness(made, given) > 0.98


def test_a_prompt_that_contradicts_the_voxels_is_one_line(run, tmp_path):
    source = write(tmp_path / "t1.nii.gz", head(), np.diag([1.0, 1, 3, 1]))
    asked = {"sources": {"T1w": source}, "targets": ["T2w"], "out": tmp_path / "a.nii"}
    said = Acquisition(voxel_size_mm=(1.0, 1.0, 1.0))
    for spacing in (None, (1.0, 1.0, 2.0)):
        with pytest.raises(UserError, match="--target-spacing 1,1,1"):
            anysyn.synthesize(copying(run, VIEWS[3]), acquisition=said, spacing=spacing, **asked)
    assert anysyn.synthesize(copying(run, VIEWS[3]), acquisition=said, spacing=(1.0, 1.0, 1.0), **asked)
