"""Entries of BibTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping

SPECIAL = re.compile(r"(?<!\\)([&%$#_])")


def entry(kind: str, key: str, fields: Mapping[str, object]) -> str:
    r"""Write an entry.

    Args:
        kind: For example ``misc``.
        key: What a text cites it by.
        fields: Those that are None are left out.

    Example:
        >>> print(entry("misc", "a", {"title": "Bread & butter", "year": 2024, "url": None}))
        @misc{a,
          title = {Bread \& butter},
          year = {2024},
        }
    """
    lines = [f"  {name} = {{{_escaped(name, str(value))}}}," for name, value in fields.items() if value is not None]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def key_of(text: str) -> str:
    """Return a key made of the words of a text.

    Example:
        >>> key_of("IXI, the dataset (600 people)")
        'ixi-the-dataset'
    """
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words[:3]) or "source"


def _escaped(name: str, value: str) -> str:
    return value if name == "url" else SPECIAL.sub(r"\\\1", " ".join(value.split()))
