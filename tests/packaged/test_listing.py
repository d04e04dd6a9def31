import json
import subprocess
import sys
from pathlib import Path

import pytest
from packed import pack_tiny

from anysyn.errors import UserError
from anysyn.packaged.card import read_card
from anysyn.packaged.listing import find_card, models


def test_a_list_says_what_each_holds_for_and_not(tiny, tmp_path):
    place = pack_tiny(tiny, tmp_path)
    lines = list(models(place.parent).lines())
    assert lines[0].startswith("tiny-brain 1.0.0: T1w, T2w, FLAIR; 0.")
    assert lines[2] == "  holds for: ellipsoids of 4 x 5 x 4 cm"
    assert "anything that is no ellipsoid" in lines[3]
    assert find_card(place).about == find_card("tiny-brain", place.parent).about
    assert json.loads(json.dumps(find_card(place).record()))["name"] == "tiny-brain"


def test_a_damaged_card_costs_its_line_alone(tiny, tmp_path):
    place = pack_tiny(tiny, tmp_path)
    pack_tiny(tiny, tmp_path, name="second")
    (place / "README.md").write_text("# no front matter")
    found = models(place.parent)
    assert [card.name for card in found.cards] == ["second"]
    assert "has no front matter" in found.failures[0]


@pytest.mark.parametrize(
    "content", ["", "---\n- 1\n---\n", "---\na: [\n---\n", "---\n!!python/name:os x\n---\n", "---\n"]
)
def test_a_card_that_is_none_is_one_line(tmp_path, content):
    (tmp_path / "README.md").write_text(content)
    with pytest.raises(UserError, match=r"README\.md"):
        read_card(tmp_path)


def test_listing_needs_no_torch():
    code = "import sys, anysyn; anysyn.models(); sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parent).returncode == 0
