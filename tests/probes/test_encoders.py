"""Which encoders stand side by side, and what is refused."""

import pytest
import torch
import yaml
from learned_runs import write_learned_run

from anysyn import build
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.encoders import encoders_of, encoding
from anysyn.synthesis.loaded_run import load_run
from anysyn.training.run_folder.folder import RunError


def loaded(folder, **options):
    return load_run(write_learned_run(folder, "cohort", clip=False, **options).path, accelerator="cpu")


def test_a_stage_counts_where_it_changed_the_encoder(tmp_path):
    run = loaded(tmp_path / "run", learns=("contrastive",))
    found = encoders_of(run)
    assert list(found) == ["random", "contrastive"]
    assert not any(model.training for model in found.values())
    drawn = build.parts(run.recipe)["synthesizer"]
    after = load_run(run.folder.path, stage="contrastive", accelerator="cpu").model
    for label, model in (("random", drawn), ("contrastive", after)):
        held = found[label].encoder.state_dict()
        assert all(torch.equal(value, held[key]) for key, value in model.encoder.state_dict().items())
    assert list(encoders_of(loaded(tmp_path / "other", learns=("alignment", "synthesis")))) == [
        "random", "alignment", "synthesis"
    ]  # fmt: skip


def test_a_stage_that_was_left_out_has_no_encoder(tmp_path):
    run = loaded(tmp_path / "run", learns=("contrastive",))
    recipe = yaml.safe_load(run.folder.recipe.read_text())
    recipe["stages"][0]["epochs"] = 0
    run.folder.recipe.write_text(yaml.safe_dump(recipe, sort_keys=False))
    run.folder.stage_weights("contrastive").unlink()
    assert "contrastive" not in encoders_of(load_run(run.folder.path, accelerator="cpu"))


def test_conditioners_on_the_side_of_the_encoder_count_too(tmp_path):
    run = loaded(tmp_path / "run", learns=())
    assert list(encoders_of(run)) == ["random"]
    recipe = yaml.safe_load(run.folder.recipe.read_text())
    recipe["parts"]["synthesizer"]["conditioners"][0]["at"] = ["encoder/out", "decoder/in"]
    changed = tmp_path / "side"
    write_learned_run(changed, "cohort", clip=False, learns=())
    (changed / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    side = build.parts(build.load(changed / "recipe.yaml"))["synthesizer"]
    assert len(encoding(side)) > len(encoding(run.model))


def test_other_runs_stand_beside_under_their_names(tmp_path):
    run, other = loaded(tmp_path / "run"), loaded(tmp_path / "classification", learns=("synthesis",))
    found = encoders_of(run, [str(other.folder.path), f"again={other.folder.path}"])
    assert list(found) == ["random", "classification", "again", "contrastive"]
    kept = other.model.encoder.state_dict()
    assert all(torch.equal(value, kept[key]) for key, value in found["again"].encoder.state_dict().items())


def test_two_encoders_of_one_name_are_an_error(tmp_path):
    run = loaded(tmp_path / "run")
    with pytest.raises(EvaluationError, match=r"two encoders are called 'contrastive'.*NAME=FOLDER"):
        encoders_of(run, [f"contrastive={tmp_path / 'run'}"])


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("view", {"view": {"name": "slices", "axis": "coronal"}}),
        ("prepare", {"prepare": [{"name": "canonical"}]}),
        ("split", {"split": {"train": 0.5, "validation": 0.25, "test": 0.25, "seed": 1}}),
    ],
)
def test_encoders_that_see_images_differently_are_not_compared(tmp_path, what, change):
    run, other = loaded(tmp_path / "run"), loaded(tmp_path / "other", **change)
    with pytest.raises(EvaluationError, match=f"its {what} is not that of .*; train it with the same"):
        encoders_of(run, [str(other.folder.path)])


def test_a_run_without_the_weights_of_a_stage_says_what_to_do(tmp_path):
    run = loaded(tmp_path / "run")
    run.folder.stage_weights("contrastive").unlink()
    with pytest.raises(RunError, match=r"keeps no weights of its stage 'contrastive'.*train it anew"):
        encoders_of(run)
