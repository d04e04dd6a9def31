"""Recipes with too much of something end in little time, and in few lines."""

import time

import pytest

from anysyn.build import load
from anysyn.errors import RecipeError

TOO_MUCH = {
    "parts": "parts: {" + ",".join(f"p{i}: {{name: x}}" for i in range(20_000)) + "}",
    "right parts": "parts: {a: &a {name: discriminator, of: {name: patchgan}}, "
    + ",".join(f"p{i}: *a" for i in range(5_000))
    + "}",
    "stages": "stages: [" + ",".join(["{}"] * 50_000) + "]",
    "keys": "\n".join(f"k{i}: 1" for i in range(40_000)),
    "modalities": "modalities: [" + ",".join(["T1w"] * 90_000) + "]",
    "letters": "modalities: [&a " + "x" * 300_000 + ",*a" * 9_000 + "]",
    "names": "data: {names: {" + ",".join(f"a{i}: T9{i}" for i in range(20_000)) + "}}",
}


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
def test_it_is_refused_in_little_time(tmp_path, text):
    (tmp_path / "r.yaml").write_text(f"base: small/label\n{text}\n")
    began = time.process_time()
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "r.yaml")
    assert time.process_time() - began < 10
    assert len(str(caught.value).splitlines()) < 60


@pytest.mark.parametrize(
    "override",
    [
        "stages.0.batches.size=x",
        "9" * 5000 + "=1",
        f"stages.{'9' * 5000}=1",
        "parts.discriminator={name: discriminator, of: {name: patchgan, layers: 1000000}}",
        "parts.synthesizer.encoder={name: strided_unet, levels: 1000000}",
    ],
)
def test_an_override_of_any_size_is_refused_in_little_time(override):
    began = time.process_time()
    with pytest.raises(RecipeError):
        load("small/label", [override])
    assert time.process_time() - began < 10


def test_a_key_of_several_lines_is_one_line(tmp_path):
    (tmp_path / "r.yaml").write_text('base: small/label\n"a\\nfailed: all\\nb": 1\n')
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "r.yaml")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["data: TOPSECRET", "name: a\ntoken: TOPSECRET", "stages: TOPSECRET", "name: a\nTOPSECRET: 1"]
)
def test_a_base_with_a_key_of_recipes_by_chance_is_not_quoted(tmp_path, text):
    (tmp_path / "private.yaml").write_text(text)
    (tmp_path / "r.yaml").write_text("base: private.yaml\n")
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "r.yaml")
    assert "TOPSECRET" not in str(caught.value)
