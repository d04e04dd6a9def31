"""Tables as a stranger writes them are refused in a line, and nothing of a private file is quoted."""

import pytest
from paper_tables.read_table import read_table

from anysyn.errors import UserError

BOMB = "title: x\na0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
STRANGE = ["TOPSECRET: 1\n", "TOPSECRET:x\nTOPSECRET\n", "title: !!python/name:os.system x\n", BOMB, "title: [" * 1000]


@pytest.mark.parametrize(
    "text", [*STRANGE, "base: [TOPSECRET]\n", "title: x\nmethods: [{name: [1]}]\nbase: omnisyn-1\n"]
)
def test_a_strange_table_is_refused(tmp_path, text):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read_table(tmp_path / "t.yaml")
    assert "TOPSECRET" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
