"""A BIDS dataset one level down is read as BIDS, if it is the only one and hides nothing."""

import json

import pytest
from subject_files import contrasts, image, reasons, text

from anysyn.data.subjects.find import find_subjects

T1 = "sub-01/anat/sub-01_T1w"


@pytest.fixture
def study(tmp_path):
    image(tmp_path / f"rawdata/{T1}.nii.gz")
    text(tmp_path / "rawdata/T1w.json", '{"EchoTime": 0.003}')
    text(tmp_path / "rawdata/participants.tsv", "participant_id\tage\nsub-01\t47\n")
    return tmp_path


@pytest.mark.parametrize("name", ["rawdata", "sourcedata", "my dataset"])
def test_its_inherited_sidecars_and_participants_are_read(study, name):
    (study / "rawdata").rename(study / name)
    found = find_subjects(study)
    assert (found.layout, contrasts(found)) == ("bids", {"sub-01": ["T1w"]})
    acquisition = found.subjects[0].acquisitions["T1w"]
    assert (acquisition.echo_time_ms, acquisition.age_years) == (3.0, 47)
    assert f"{study / name}: is the BIDS dataset in {study}, and is what is read" in found.notes


def test_what_lies_beside_it_is_listed(study):
    image(study / f"derivatives/fmriprep/{T1}.nii.gz")
    found = find_subjects(study)
    assert contrasts(found) == {"sub-01": ["T1w"]}
    assert "derivatives/fmriprep/sub-01/anat: is outside of rawdata" in reasons(found.ignored)


def test_a_derived_dataset_beside_the_raw_one_does_not_count(study):
    image(study / f"fmriprep/{T1}.nii.gz")
    text(study / "fmriprep/dataset_description.json", json.dumps({"Name": "x", "DatasetType": "derivative"}))
    found = find_subjects(study)
    assert found.layout == "folders"  # its images would not be read, and they are none of "derivatives"
    assert any("rawdata: is a BIDS dataset, but read as plain folders" in note for note in found.notes)


@pytest.mark.parametrize("other", [f"other/{T1}.nii.gz", "P01/T1.nii.gz"])
def test_several_and_plain_images_are_read_as_folders_and_noted(study, other):
    image(study / other)
    found = find_subjects(study)
    assert (found.layout, len(found.subjects)) == ("folders", 2)
    assert any("is a BIDS dataset, but read as plain folders" in note for note in found.notes)


def test_a_description_above_does_not_hide_it(study):
    text(study / "dataset_description.json", '{"Name": "study"}')
    assert contrasts(find_subjects(study)) == {"sub-01": ["T1w"]}


def test_names_with_a_slash_stay_relative_to_the_root(study):
    found = find_subjects(study, names={"rawdata/sub-01/*": "T2w"})
    assert contrasts(found) == {"sub-01": ["T2w"]}


def test_the_user_may_say_that_these_are_folders(study):
    assert find_subjects(study, layout="folders").layout == "folders"
