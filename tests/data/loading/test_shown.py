"""Whole volumes are cut and averaged once: the network reads the same, and nothing else of a volume changes."""

import pytest
import torch
from toys import write_cohort

from anysyn.clip.pixels import Voxels
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Canonical, Crop, Pipeline, Rescale
from anysyn.data.subjects.find import find_subjects
from anysyn.data.views import Slices, Whole


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    write_cohort(folder / "cohort")
    subjects = find_subjects(folder / "cohort").subjects
    given = {"modalities": ("T1w", "T2w"), "pipeline": Pipeline((Canonical(), Crop(), Rescale())), "jobs": 1}
    return Samples.prepare(subjects, view=Slices(), cache=Cache(folder / "cache"), **given)


def batch_of(samples, view):
    return samples.seen_by(view).batch([0, 1], torch.Generator().manual_seed(0))


def test_an_image_tower_reads_the_same_from_means_that_were_made_before(samples):
    whole, means = (batch_of(samples, Whole(size=(32, 32, 16), block=block)) for block in (1, 2))
    assert means.images.shape == (2, 2, 16, 16, 8)
    tower = Voxels(side=16)
    torch.testing.assert_close(tower(means.images[:, :1]), tower(whole.images[:, :1]), atol=5e-4, rtol=0)
    assert torch.equal(means.spacing, whole.spacing)
    assert means.acquisitions == whole.acquisitions  # what a prompt says


def test_a_volume_is_cut_once(samples, monkeypatch):
    before = batch_of(samples, Whole(size=(30, 20, 12)))
    monkeypatch.setattr("anysyn.data.loading.shown._cut", None)
    assert torch.equal(batch_of(samples, Whole(size=(30, 20, 12))).images, before.images)


def test_slices_across_another_axis_are_those_of_the_volume(samples):
    coronal = samples.seen_by(Slices(axis="coronal"))
    volume = samples.volumes[0]
    number = int(coronal.batch([0], torch.Generator()).keys[0].split("(")[1].split(",")[1])
    image = coronal.batch([0], torch.Generator()).images[0, 0]
    assert torch.equal(image[: volume.grid.shape[0], : volume.grid.shape[2]].sum(), volume.images[0, :, number].sum())


def test_a_block_that_does_not_divide_the_size_is_refused():
    with pytest.raises(ValueError, match=r"view\.block: 3"):
        Whole(size=(8, 9, 9), block=3)
