from __future__ import annotations

import os
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from anysyn.acquisition import Acquisition
from anysyn.data.augment import Flip, Turn
from anysyn.data.errors import CacheError, VolumeError
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Canonical, Crop, Nonnegative, Pipeline, Rescale, ZScore
from anysyn.data.records import Subject
from anysyn.data.views import Patches, Slabs, Slices

RECIPE = ("T1w", "T2w", "FLAIR")
STEPS = (Canonical(), Crop(margin=0.0), Nonnegative(), Rescale(upper=100))


def write(path: Path, seed: int, shape: tuple[int, int, int]) -> None:
    """Write a bright block in air, its axes turned to L, A, S."""
    voxels = np.zeros(shape, np.float32)
    voxels[2:-2, 2:-2, 2:-2] = 100 + 50 * np.random.default_rng(seed).random([n - 4 for n in shape], np.float32)
    path.parent.mkdir(exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, np.diag([-1.0, 1.5, 2.0, 1.0])), path)


def subject(folder: Path, key: str, dataset: str, names: str, shape: tuple[int, int, int] = (14, 16, 12)) -> Subject:
    images = {name: folder / key / f"{name}.nii.gz" for name in names.split()}
    for i, path in enumerate(images.values()):
        write(path, sum(map(ord, key)) + i, shape)
    known = {"T1w": Acquisition(modality="T1w", echo_time_ms=2.0)} if "T1w" in images else {}
    return Subject(key, dataset, images, known, {})


@pytest.fixture
def subjects(tmp_path):
    return [
        subject(tmp_path, "a", "north", "T1w T2w FLAIR"),
        subject(tmp_path, "b", "south", "T1w FLAIR", (16, 14, 13)),
        subject(tmp_path, "c", "north", "T2w T1w FLAIR ADC"),
    ]


def prepare(subjects, tmp_path, view, **options):
    options = {"modalities": RECIPE, "pipeline": Pipeline(STEPS), "cache": Cache(tmp_path / "cache")} | options
    return Samples.prepare(subjects, view=view, **options)


def expected(subject, name):
    """Prepare an image by hand: turn it to RAS, crop to the block, divide by its maximum."""
    voxels = np.asarray(nib.as_closest_canonical(nib.load(subject.images[name])).dataobj, dtype=np.float32)
    block = voxels[2:-2, 2:-2, 2:-2]
    return torch.from_numpy(block / block.max())


def test_slices_of_every_subject_with_what_is_known_of_them(subjects, tmp_path):
    samples = prepare(subjects, tmp_path, Slices())
    assert len(samples) == 8 + 9 + 8
    assert samples.datasets == ("north", "south")
    assert samples.groups[7:9] == [(0, (True, True, True)), (1, (True, False, True))]
    assert samples.failures == ()
    batch = samples.batch([3, 8 + 2, 24], torch.Generator())
    assert batch.images.shape == (3, 3, 12, 12)  # the largest of the cohort along each axis
    assert batch.available.tolist() == [[True] * 3, [True, False, True], [True] * 3]
    assert batch.dataset.argmax(1).tolist() == [0, 1, 0]
    torch.testing.assert_close(batch.spacing, torch.tensor([[1.0, 1.5]] * 3))
    here = {"voxel_size_mm": (1.0, 1.5, 2.0)}
    t1 = Acquisition(modality="T1w", echo_time_ms=2.0, **here)
    assert batch.acquisitions[0][0] == t1
    assert batch.acquisitions[1] == (t1, None, Acquisition(modality="FLAIR", **here))
    assert [key.split()[0] for key in batch.keys] == ["a", "b", "c"]


def test_the_values_are_those_of_the_prepared_images(subjects, tmp_path):
    samples = prepare(subjects, tmp_path, Slices(size=(10, 12)))
    batch = samples.batch([3, 8 + 2, 24], torch.Generator())
    for row, (who, z) in enumerate([(0, 3), (1, 2), (2, 7)]):
        for m, name in enumerate(RECIPE):
            if name in subjects[who].images:
                whole = expected(subjects[who], name)[:, :, z]
                if who == 1:  # 12 x 10: cropped along the first axis, padded along the second
                    whole = torch.nn.functional.pad(whole[1:11], (1, 1))
                torch.testing.assert_close(batch.images[row, m], whole, atol=1 / 8192, rtol=0)  # half a step of storage
            else:
                assert not batch.images[row, m].any()


def test_slabs_and_patches(subjects, tmp_path):
    slabs = prepare(subjects, tmp_path, Slabs(thickness=3)).batch([0, 1], torch.Generator())
    assert slabs.images.shape == (2, 3, 3, 12, 12)
    torch.testing.assert_close(slabs.spacing[0], torch.tensor([2.0, 1.0, 1.5]))
    whole = expected(subjects[0], "T2w")[:, :, :3].movedim(2, 0)
    torch.testing.assert_close(slabs.images[0, 1, :, 1:-1], whole, atol=1 / 8192, rtol=0)
    patches = prepare(subjects, tmp_path, Patches(size=(4, 5, 20), per_volume=2))
    assert len(patches) == 6
    batch = patches.batch([0, 5], torch.Generator().manual_seed(0))
    assert batch.images.shape == (2, 3, 4, 5, 20)
    torch.testing.assert_close(batch.spacing[0], torch.tensor([1.0, 1.5, 2.0]))
    assert (batch.images[:, :, :, :, :6] == 0).all()  # 8 voxels in the middle of 20
    assert (batch.images[:, :, :, :, 6:14] > 0).all()


def test_the_generator_alone_decides_what_is_random(subjects, tmp_path):
    samples = prepare(subjects, tmp_path, Patches(size=(4, 4, 4)), augment=[Flip()])
    draws = [samples.batch(range(12), torch.Generator().manual_seed(seed)).images for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_augmentation_knows_where_left_is(subjects, tmp_path):
    both = (prepare(subjects, tmp_path, Slabs(thickness=2), augment=some) for some in ((), [Flip(probability=1.0)]))
    plain, mirrored = (samples.batch([4], torch.Generator()).images for samples in both)
    assert torch.equal(mirrored, plain.flip(3))
    assert not torch.equal(mirrored, plain)


def test_padding_is_air_on_the_scale_of_the_network(subjects, tmp_path):
    samples = prepare(subjects[:1], tmp_path, Slices(size=(30, 30)), pipeline=Pipeline((Crop(), ZScore())))
    volume = samples.volumes[0]
    images = samples.batch([0], torch.Generator()).images[0]
    low, high = volume.windows["T1w"]
    assert float(images[0, 0, 0]) == pytest.approx(-low / (high - low))


def test_what_turns_in_from_outside_is_air_on_the_scale_of_the_network(subjects, tmp_path):
    turning = {"augment": [Turn(degrees=45.0, zoom=0.0)], "augment_sources": [Turn(degrees=45.0, zoom=0.0)]}
    samples = prepare(subjects[:1], tmp_path, Slices(size=(30, 30)), pipeline=Pipeline((Crop(), ZScore())), **turning)
    air = samples.volumes[0].air  # (3,)
    batch = samples.batch(range(6), torch.Generator().manual_seed(0))
    assert (air < -0.1).all()
    for images in (batch.images, batch.targets):
        corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]  # (6, 3, 4)
        torch.testing.assert_close(corners, air.reshape(1, 3, 1).expand_as(corners))


def test_a_bad_file_costs_one_subject(subjects, tmp_path):
    bad = [subject(tmp_path, key, "north", "T1w T2w") for key in ("truncated", "missing", "other-grid", "empty")]
    file = bad[0].images["T2w"]
    file.write_bytes(file.read_bytes()[:200])
    bad[1].images["T1w"].unlink()
    write(bad[2].images["T2w"], 0, (14, 16, 11))
    bad[3].images.clear()
    samples = prepare([*bad, *subjects], tmp_path, Slices())
    assert len(samples) == 25
    assert [failure.key for failure in samples.failures] == ["truncated", "missing", "other-grid", "empty"]
    for failure, word in zip(samples.failures, ("T2w.nii.gz", "T1w.nii.gz", "--resample-to", "none of"), strict=True):
        assert word in failure.reason
        assert "\n" not in failure.reason
    with pytest.raises(VolumeError, match=r"no subject can be used; the first of 4: .*T2w\.nii\.gz"):
        prepare(bad, tmp_path, Slices())
    with pytest.raises(VolumeError, match="no subject"):
        prepare([], tmp_path, Slices())


def test_a_cache_that_cannot_be_written_costs_the_run(subjects, tmp_path, monkeypatch):
    cache = Cache(tmp_path / "cache")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CacheError, match="No space left"):
        prepare(subjects, tmp_path, Slices(), cache=cache)


def test_prepared_images_come_from_the_cache_until_bytes_or_steps_change(subjects, tmp_path, monkeypatch):
    made = []
    call = Pipeline.__call__
    monkeypatch.setattr(Pipeline, "__call__", lambda self, study: (made.append(study.key), call(self, study))[1])
    first = prepare(subjects, tmp_path, Slices()).batch([0, 12], torch.Generator())
    again = prepare(subjects, tmp_path, Slices(size=None, min_foreground=0.1)).batch([0, 12], torch.Generator())
    assert made == ["a", "b", "c"]
    assert torch.equal(first.images, again.images)
    write(subjects[1].images["T1w"], 99, (16, 14, 13))
    prepare(subjects, tmp_path, Slices())
    assert made[3:] == ["b"]
    prepare(subjects, tmp_path, Slices(), pipeline=Pipeline(STEPS[:-1]))
    assert made[4:] == ["a", "b", "c"]


def test_typical_windows_come_from_these_subjects(subjects, tmp_path):
    typical = prepare(subjects, tmp_path, Slices()).typical
    brightest = {s.key: float(nib.load(s.images["T1w"]).get_fdata().max()) for s in subjects}
    assert typical.windows("south")["T1w"] == pytest.approx((0, brightest["b"]))
    assert typical.windows("north")["T1w"] == pytest.approx((0, np.mean([brightest["a"], brightest["c"]])))
    assert typical.windows("elsewhere")["T1w"] == pytest.approx((0, np.median(list(brightest.values()))))


def test_datasets_are_numbered_in_the_given_order(subjects, tmp_path):
    samples = prepare(subjects, tmp_path, Slices(), datasets=("west", "south", "north"))
    assert samples.batch([0, 8], torch.Generator()).dataset.argmax(1).tolist() == [2, 1]
    with pytest.raises(VolumeError, match=r"b: dataset 'south'.*mouth"):
        prepare(subjects, tmp_path, Slices(), datasets=("mouth", "north"))


def test_progress_sees_every_subject(subjects, tmp_path):
    seen = []
    prepare(subjects, tmp_path, Slices(), progress=lambda each: (seen.append(s.key) or s for s in each))
    assert seen == ["a", "b", "c"]


def test_batches_are_drawn_fast(subjects, tmp_path):
    """Guard against work per voxel in Python; the bound is a tenth of what one core reaches."""
    big = [subject(tmp_path, "big", "north", "T1w T2w FLAIR", (116, 116, 60))]
    samples = prepare(big, tmp_path, Slices())
    generator = torch.Generator()
    start = time.perf_counter()
    for _ in range(20):
        samples.batch(range(16), generator)
    assert 20 * 16 / (time.perf_counter() - start) > 200
