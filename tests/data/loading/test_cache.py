from __future__ import annotations

import os
import resource

import pytest
import torch

from anysyn.data.errors import CacheError
from anysyn.data.loading import cache as module
from anysyn.data.loading.cache import Cache, Entry


def entry(value=1.0, size=8):
    return Entry({"images": torch.full((size,), value), "inside": torch.tensor([True, False])}, {"air": "0"})


def never():
    raise AssertionError("this was to come from the cache")


def files_of(cache):
    return [path for path in cache.folder.iterdir() if path.is_file()]


def test_what_was_made_once_is_found_again(tmp_path):
    Cache(tmp_path).get("a", entry)
    found = Cache(tmp_path).get("a", never)
    assert torch.equal(found.tensors["images"], torch.ones(8))
    assert found.tensors["inside"].dtype == torch.bool
    assert found.notes == {"air": "0"}


def test_another_name_or_format_is_another_entry(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    cache.get("a", entry)
    assert cache.get("b", lambda: entry(2.0)).tensors["images"][0] == 2
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    assert cache.get("a", lambda: entry(2.0)).tensors["images"][0] == 2


@pytest.mark.parametrize("damage", [lambda b: b[:-5], lambda b: b[:4], lambda b: b"", lambda b: os.urandom(len(b))])
def test_a_damaged_entry_is_made_anew(tmp_path, damage):
    cache = Cache(tmp_path)
    cache.get("a", entry)
    (file,) = files_of(cache)
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get("a", lambda: entry(3.0)).tensors["images"][0] == 3
    assert cache.get("a", never).tensors["images"][0] == 3


def test_entries_are_memory_mapped_and_writing_to_them_stays_in_memory(tmp_path):
    cache = Cache(tmp_path)
    images = cache.get("a", entry).tensors["images"]
    images += 1
    assert cache.get("a", never).tensors["images"][0] == 1


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    cache = Cache(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # every write beyond fails, as on a full disk
    try:
        with pytest.raises(CacheError, match=r"data\.cache") as caught:
            cache.get("a", lambda: entry(size=10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert files_of(cache) == []
    cache.get("a", entry)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"file.*data\.cache"):
        Cache(tmp_path / "file" / "cache")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission_is_one_line(tmp_path):
    cache = Cache(tmp_path)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CacheError, match=r"data\.cache"):
            cache.get("a", entry)
    finally:
        tmp_path.chmod(0o700)


def test_content_is_of_the_bytes_not_of_the_name_or_the_time(tmp_path):
    cache = Cache(tmp_path / "cache")
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.write_bytes(b"voxels")
    os.utime(other, (1, 1))
    assert cache.content(one) == cache.content(other)
    other.write_bytes(b"others")
    assert cache.content(one) != cache.content(other)
    with pytest.raises(FileNotFoundError):
        cache.content(tmp_path / "none")


def test_content_is_read_once_while_the_file_stays(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_bytes(b"voxels")
    before = Cache(tmp_path / "cache").content(file)
    monkeypatch.setattr(module, "file_digest", lambda *_: never())
    assert Cache(tmp_path / "cache").content(file) == before
    with pytest.raises(AssertionError):
        Cache(tmp_path / "cache", anew=True).content(file)


@pytest.mark.parametrize("way", ["in place", "by a copy"])
def test_a_file_changed_with_the_same_size_and_time_is_read_again(tmp_path, way):
    file = tmp_path / "file"
    file.write_bytes(b"voxels")
    os.utime(file, (5, 5))
    before = Cache(tmp_path / "cache").content(file)
    other = file if way == "in place" else tmp_path / "copy"
    other.write_bytes(b"VOXELS")
    os.utime(other, (5, 5))
    os.replace(other, file)
    assert Cache(tmp_path / "cache").content(file) != before


def test_a_flipped_byte_is_found_once_a_run_whichever_byte_it_is(tmp_path):
    Cache(tmp_path).get("a", entry)
    (file,) = files_of(Cache(tmp_path))
    whole = file.read_bytes()
    for place in (len(whole) - 1, len(whole) - 20, whole.index(b'"air"') + 7):  # voxels, then the notes
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert Cache(tmp_path).get("a", lambda: entry(3.0)).tensors["images"][0] == 3
        assert Cache(tmp_path).get("a", never).tensors["images"][0] == 3


def test_anew_makes_each_entry_once_more(tmp_path):
    Cache(tmp_path).get("a", entry)
    cache = Cache(tmp_path, anew=True)
    assert cache.get("a", lambda: entry(2.0)).tensors["images"][0] == 2
    assert cache.get("a", never).tensors["images"][0] == 2


def test_another_process_may_make_the_same_entry_meanwhile(tmp_path):
    def slow():
        Cache(tmp_path).get("a", entry)
        return entry()

    cache = Cache(tmp_path)
    assert cache.get("a", slow).tensors["images"][0] == 1
    assert len(files_of(cache)) == 1


def test_clearing_deletes_the_cache_and_nothing_else(tmp_path):
    cache = Cache(tmp_path / "cache")
    cache.get("a", entry)
    (tmp_path / "file").write_bytes(b"voxels")
    cache.content(tmp_path / "file")
    own = cache.folder / "notes.txt"
    own.write_text("mine")
    found = module.contents_of(cache.folder)
    assert len(found.files) == 2
    assert found.size == sum(path.stat().st_size for path in found.files)
    images = cache.get("a", never).tensors["images"]
    assert module.clear(cache.folder) == found
    assert module.contents_of(cache.folder) == module.Contents((), 0)
    assert own.read_text() == "mine"
    assert images[0] == 1  # a run that reads it goes on


def test_a_new_cache_is_for_its_user_alone(tmp_path):
    assert Cache(tmp_path / "new").folder.stat().st_mode & 0o077 == 0


def test_tests_keep_away_from_the_home_of_the_user():
    assert str(module.user_cache()).startswith(os.environ["HOME"])
    assert "anysyn-home-" in os.environ["HOME"]
