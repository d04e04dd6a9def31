"""Image-text pretraining and a network that reads prompts, trained as one recipe."""

import csv

import pytest
import torch
import yaml
from text_runs import text_recipe, train_text_run, write_text_cohort
from trained import same, weights

import anysyn
from anysyn import build
from anysyn.acquisition import Acquisition
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Pipeline
from anysyn.data.subjects.find import find_subjects
from anysyn.data.views import Patches, ScaledPatches, Slices, Whole
from anysyn.errors import RecipeError, UserError
from anysyn.seeds import seeded
from anysyn.training.prompts import prompts


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prompts")
    train_text_run(folder)
    return folder


def test_both_stages_are_trained_and_validated_and_the_clip_is_kept_once(place):
    rows = list(csv.DictReader((place / "run" / "validation.csv").open()))
    assert [(row["stage"], row["term"]) for row in rows] == [("pretraining", "clip_pairs"), ("synthesis", "l1")]
    names = weights(place / "run").keys()
    assert {name.split(".")[0] for name in names} == {"clip", "synthesizer"}
    assert not [name for name in names if name.startswith("synthesizer") and "clip" in name]


def test_each_stage_trains_what_it_names_alone(place):
    first, last = (weights(place / "run", name) for name in ("stage-pretraining", "weights"))
    start = build.parts(build.load(place / "run" / "recipe.yaml")).state_dict()
    clip = [name for name in last if name.startswith("clip.")]
    assert all(torch.equal(first[name], last[name]) for name in clip), "a frozen CLIP learned"
    assert not all(torch.equal(first[name], start[name]) for name in clip)
    assert all(torch.equal(first[name], start[name]) for name in last if name.startswith("synthesizer."))


def test_a_prompt_that_is_too_long_stops_the_run_before_it_trains(tmp_path):
    name = "Siemens Healthineers Magnetom Prisma Fit XA30 of the second floor of the hospital at the lake, left"
    with pytest.raises(UserError, match=r"takes 90; manufacturer has \d+ tokens"):
        train_text_run(tmp_path, Manufacturer=name)
    assert not (tmp_path / "run" / "log.csv").exists()


def samples(tmp_path, view):
    subjects = find_subjects(write_text_cohort(tmp_path / "cohort")).subjects
    cache = Cache(tmp_path / "cache")
    return Samples.prepare(subjects, modalities=["T1w", "T2w"], pipeline=Pipeline(()), view=view, cache=cache)


def test_the_prompts_of_all_images_are_checked_with_the_voxels_that_are_shown(tmp_path):
    found = {Acquisition.from_prompt(text) for text in prompts(samples(tmp_path, Slices()))}
    assert len(found) == 8  # four subjects with two images each
    assert {record.voxel_size_mm for record in found} == {(2.0, 2.0, 3.0)}
    scaled = samples(tmp_path / "scaled", ScaledPatches(size=(4, 4, 4), scales=(1.0, 1.5)))
    edges = {Acquisition.from_prompt(text).voxel_size_mm for text in prompts(scaled)}
    assert edges == {tuple(round(edge * tenth / 10, 2) for edge in (2.0, 2.0, 3.0)) for tenth in range(10, 16)}


def test_a_stage_sees_the_same_subjects_by_a_view_of_its_own(tmp_path):
    slices = samples(tmp_path, Slices(axis="coronal"))
    for view in (Whole(size=(24, 20, 12)), Whole(), Slices(), Patches(size=(8, 8, 8))):
        seen, fresh = slices.seen_by(view), samples(tmp_path / type(view).__name__ / str(id(view)), view)
        assert len(seen) == len(fresh)
        assert seen.datasets == slices.datasets
        a, b = (one.batch(range(len(one)), seeded(0)) for one in (seen, fresh))
        assert torch.equal(a.images, b.images)
    whole = slices.seen_by(Whole(size=(24, 20, 12))).batch([0], seeded(0)).images[0, 0]
    own = slices.volumes[0].images[0]  # 20 x 24 x 12 voxels
    assert torch.equal(whole[2:22], own[:, 2:22])
    assert not whole[:2].any()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stages.0.view=null", "Clip sees images with 3 voxel axes, but the stage shows ones with 2"),
        ("stages.1.view={name: whole}", "UNetEncoder sees images with 2 voxel axes, but the stage shows ones with 3"),
        ("stages.0.view={name: hole}", "no view named 'hole'; did you mean 'whole'?"),
        ("parts.clip.tokens=50", "has 62 tokens and the text tower takes 50; give the text tower more tokens"),
    ],
)
def test_a_view_or_a_context_that_does_not_suit_the_networks_is_a_mistake(tmp_path, override, message):
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(text_recipe(), sort_keys=False))
    with pytest.raises(RecipeError) as error:
        build.load(tmp_path / "recipe.yaml", [override])
    assert message in str(error.value)


def test_the_same_seed_gives_the_same_weights(place, tmp_path):
    again = anysyn.train(place / "text.yaml", out=tmp_path / "again", accelerator="cpu").folder
    assert same(weights(place / "run"), weights(again))
