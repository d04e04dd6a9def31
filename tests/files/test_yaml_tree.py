"""A stranger's YAML: bounded, and of a file that is no recipe nothing is said."""

import os

import pytest

from anysyn.errors import RecipeError
from anysyn.files.yaml_tree import MOST_BYTES, MOST_DEPTH, compose, expand
from anysyn.recipe.read import parse, read


def laughs(levels, each=9):
    """Return a small YAML whose aliases stand for ``each ** levels`` words."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * each)}]" for n in range(1, levels)]
    return "name: bomb\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (laughs(30), "more than 100,000 values"),
        ("name: &a [*a]", "stands for nothing above it, or for itself"),
        ("name: " + "[" * 5000, "nested deeper than|nesting depth"),
        ("name: x\nb0: &b0 []\n" + "".join(f"b{n}: &b{n} [*b{n - 1}]\n" for n in range(1, 200)), "nested deeper than"),
        ("name: !!int abc", "has a tag"),
        ("name: x\n? [a]: 1", "a key is one word"),
        ("name: x\n---\nname: y", "a second document begins here"),
        ("name: *nothing", "alias"),
    ],
    ids=["laughs", "itself", "brackets", "chain", "tag", "key", "documents", "alias"],
)
def test_what_would_never_end_is_one_line_with_file_and_place(tmp_path, text, message):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message) as caught:
        parse(path)
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


def test_aliases_that_do_not_multiply_are_what_they_stand_for():
    tree = expand(compose("a: &one {b: [1, no]}\nc: *one\n"))
    assert tree.value == {"a": {"b": [1, False]}, "c": {"b": [1, False]}}
    assert tree.value["a"] is not tree.value["c"], "an override of one would change the other"
    assert tree.texts == {(x, "b", i): text for x in "ac" for i, text in enumerate(["1", "no"])}


def test_the_deepest_tree_is_read():
    assert expand(compose("[" * MOST_DEPTH + "]" * MOST_DEPTH)).value


def test_a_large_file_is_refused_by_its_size(tmp_path):
    (tmp_path / "r.yaml").write_text("name: x\n#" + "x" * MOST_BYTES)
    with pytest.raises(RecipeError, match="at most 500,000"):
        parse(tmp_path / "r.yaml")


def test_a_pipe_a_device_and_a_file_of_the_kernel_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("pipe", "zero", "folder"):
        (tmp_path / "r.yaml").write_text(f"base: {name}\n")
        with pytest.raises(RecipeError, match=r"r\.yaml:1: base: .*is not a regular file"):
            read(tmp_path / "r.yaml")
    (tmp_path / "kernel.yaml").symlink_to("/proc/self/stat")
    with pytest.raises(RecipeError, match="holds none"):
        parse(tmp_path / "kernel.yaml")


@pytest.mark.parametrize("base", ["5", "[a]", "{a: 1}", "''", "..", "/", "/dev/null", "/proc/kmsg", "x" * 5000, "no"])
def test_a_base_that_is_no_recipe(tmp_path, base):
    (tmp_path / "r.yaml").write_text(f"base: {base}\n")
    with pytest.raises(RecipeError, match=r"r\.yaml:1: base: "):
        read(tmp_path / "r.yaml")


@pytest.mark.parametrize(
    "secret",
    [
        "root:$6$secret:19000:0:99999:7:::\ndaemon:*:19000:0::::\n",
        "password: secret\ntoken: secret\n",
        "password: secret\npassword: secret\n",
        "key: *secret\n",
        "\tsecret: [secret\n",
        "'secret\n",
        "!secret {secret}",
        "[core]\nsecret = 1\n",
    ],
)
def test_of_a_private_file_nothing_is_quoted(tmp_path, secret):
    (tmp_path / "private.yaml").write_text(secret)
    (tmp_path / "private").write_text(secret)
    for base in ("private.yaml", "./private.yaml", str(tmp_path / "private")):
        (tmp_path / "r.yaml").write_text(f"base: {base}\n")
        with pytest.raises(RecipeError) as caught:
            read(tmp_path / "r.yaml")
        assert "secret" not in str(caught.value)


def test_a_long_chain_of_bases_ends(tmp_path):
    for n in range(1000):
        (tmp_path / f"r{n}.yaml").write_text(f"base: r{n + 1}\n")
    with pytest.raises(RecipeError, match="more than 20 recipes inherit"):
        read(tmp_path / "r0.yaml")
