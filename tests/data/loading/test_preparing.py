"""Subjects prepared side by side: the same as one after the other, and a failure costs one."""

import os

import pytest
import torch
from toys import write_cohort

from anysyn.data.errors import CacheError
from anysyn.data.loading import preparing
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.preparing import jobs_for, prepare_each
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Canonical, Crop, Pipeline, Rescale
from anysyn.data.subjects.find import find_subjects
from anysyn.data.views import Slices
from anysyn.progress import Progress

NAMES = ("T1w", "T2w")


class Counted(Progress):
    """Count the parts that are done."""

    def __init__(self):
        self.done = 0

    def advance(self, note=""):
        self.done += 1


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    write_cohort(folder)
    return folder


def prepared(cohort, cache, jobs, **options):
    pipeline = Pipeline((Canonical(), Crop(), Rescale()))
    given = {"modalities": NAMES, "pipeline": pipeline, "view": Slices(), "cache": Cache(cache), "jobs": jobs}
    return Samples.prepare(find_subjects(cohort).subjects, **given | options)


def test_two_processes_prepare_what_one_does(cohort, tmp_path):
    count = Counted()
    one = prepared(cohort, tmp_path / "one", 1)
    two = prepared(cohort, tmp_path / "two", 2, progress=lambda each: count.over("prepare", list(each)))
    assert [volume.subject.key for volume in two.volumes] == [volume.subject.key for volume in one.volumes]
    assert count.done == len(one.volumes)
    for a, b in zip(one.volumes, two.volumes, strict=True):
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.foreground, b.foreground)
        assert (a.windows, a.axes) == (b.windows, b.axes)
    names = [sorted(path.name for path in (tmp_path / name).glob("*.safetensors")) for name in ("one", "two")]
    assert names[0] == names[1]


def test_a_subject_that_cannot_be_read_costs_itself_alone(tmp_path):
    write_cohort(tmp_path / "cohort")
    file = sorted((tmp_path / "cohort").glob("sub-01/*T1w*"))[0]
    file.write_bytes(file.read_bytes()[:200])
    samples = prepared(tmp_path / "cohort", tmp_path / "cache", 2)
    assert [failure.key for failure in samples.failures] == ["sub-01"]
    assert len(samples.volumes) == len(find_subjects(tmp_path / "cohort").subjects) - 1


def die(subject):
    os._exit(9)


def test_a_process_that_dies_is_one_line(cohort):
    with pytest.raises(CacheError, match=r"data\.jobs=1"):
        list(prepare_each(find_subjects(cohort).subjects, die, jobs=2))


def test_small_files_are_worth_one_process_and_large_ones_the_cores_at_most(cohort, monkeypatch):
    subjects = find_subjects(cohort).subjects
    assert jobs_for(subjects) == 1
    monkeypatch.setattr(preparing, "FORKS", True)
    monkeypatch.setattr(preparing, "WORTH", 1)
    monkeypatch.setattr(preparing, "cores", lambda: 3)
    assert jobs_for(subjects) == 3
    monkeypatch.setattr(preparing, "cores", lambda: 300)
    assert jobs_for(subjects) == preparing.MOST_JOBS
    monkeypatch.setattr(preparing, "FORKS", False)
    assert jobs_for(subjects) == 1
