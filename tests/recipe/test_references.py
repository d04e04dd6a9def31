from anysyn.recipe.references import with_references


def test_references_are_followed_however_deep_they_lie():
    parts = {"a": {"name": "x"}, "b": {"name": "x", "of": [{"reads": {"clip": "@a"}}]}, "c": {"name": "@"}}
    assert list(with_references(parts, ["b"])) == ["a", "b"]


def test_parts_that_refer_to_each_other_are_kept_once():
    parts = {"a": {"of": "@b"}, "b": {"of": "@a"}, "c": {"name": "plain @a"}}
    assert list(with_references(parts, ["a"])) == ["a", "b"]
    assert list(with_references(parts, ["c"])) == ["c"]
