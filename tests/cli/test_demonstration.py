import pytest

from anysyn.cli.demonstration import FILES, demo
from anysyn.errors import UserError
from anysyn.files import write_manifest

DEMO = ["cohort/README", "run/recipe.yaml", "synthetic/T2w.nii.gz"]


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Return the folder of a demo of which nothing but the files is left."""
    monkeypatch.setattr("anysyn.cli.demonstration._show", lambda *_: None)
    write_manifest(tmp_path, "anysyn demo", FILES)
    write_manifest(tmp_path / "cohort", "anysyn simulate", ["README"])
    write_manifest(tmp_path / "run", "anysyn train", ["recipe.yaml"])
    for name in DEMO:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("made")
    return tmp_path


def test_a_demo_takes_the_place_of_an_earlier_one_only_if_asked(shown):
    with pytest.raises(UserError, match="is not empty"):
        demo(shown)
    demo(shown, overwrite=True)
    assert [path.name for path in shown.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("name", ["thesis.tex", "cohort/mine.nii.gz", "run/notes.txt", "synthetic/figure.png"])
def test_a_file_that_no_demo_made_keeps_all_of_it(shown, name):
    (shown / name).write_text("mine")
    with pytest.raises(UserError, match=f"holds {name}, which no demo made"):
        demo(shown, overwrite=True)
    assert all((shown / other).is_file() for other in (*DEMO, name))
