from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from anysyn.data.subjects.name_words import words_of
from anysyn.data.subjects.naming import Naming

STYLES = yaml.safe_load(Path(__file__).with_name("naming_styles.yaml").read_text(encoding="utf-8"))
NAMING = Naming()


def styles() -> Iterator[tuple[str, str]]:
    return ((name, meant) for names in STYLES.values() for name, meant in names.items())


def answer(name: str) -> str:
    found = NAMING.contrast(words_of(name))
    assert found.name is None or not found.unclear
    return found.name or ("unclear" if found.unclear else "none")


def test_the_table_of_styles_is_long_enough() -> None:
    assert len(list(styles())) >= 150


@pytest.mark.parametrize(("name", "meant"), styles())
def test_a_real_name_means_what_it_is(name: str, meant: str) -> None:
    assert answer(name) == meant, NAMING.contrast(words_of(name)).reason
