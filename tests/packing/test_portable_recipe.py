from dataclasses import fields

import pytest
from toys import TINY

from anysyn import build
from anysyn.errors import UserError
from anysyn.packing.portable_recipe import LEFT, portable
from anysyn.recipe import Data


def recipe(tmp_path, *overrides):
    (tmp_path / "tiny.yaml").write_text(TINY)
    return build.load(tmp_path / "tiny.yaml", overrides, lay_out=False)


def test_data_subjects_and_origin_are_dropped_and_the_rest_stays(tmp_path):
    asked = ("data.root=/data/mine", "data.split.train=[sub-01,sub-02]", "weights=runs/old", "data.names={'Doe*': T1w}")
    asked += ("precision=bf16-mixed",)
    own = recipe(tmp_path, *asked)
    bare = portable(own)
    assert "mine" not in str(bare.spec())
    assert "sub-01" not in str(bare.spec())
    assert "Doe" not in str(bare.spec())
    assert bare.weights is None
    assert bare.precision == "32-true", "a processor without bfloat16 would take many times longer"
    assert (bare.data.prepare, bare.data.view, bare.parts) == (own.data.prepare, own.data.view, own.parts)


def test_each_key_of_the_data_is_known_to_be_shared_or_left():
    shared = {"prepare", "view", "augment", "augment_sources", "resample_to"}
    assert {field.name for field in fields(Data)} == shared | LEFT, "does the new key name files, people or datasets?"


def test_a_path_in_a_part_is_refused_with_its_place(tmp_path):
    clip = "parts.clip={name: clip_published, checkpoint: /models/clip}"
    known = recipe(tmp_path, clip.replace("clip_published", "clip"))
    with pytest.raises(
        UserError, match=r"recipe\.yaml: parts\.clip\.checkpoint: '/models/clip' is a path of this machine"
    ):
        portable(known)
