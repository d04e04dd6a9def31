"""The constants of the simulation, each with its source in a YAML file of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def read_table(name: str) -> Mapping[str, Any]:
    """Read a table of this folder.

    Example:
        >>> sorted(read_table("contrast_agent.yaml"))
        ['r1', 'r2']
    """
    table: Mapping[str, Any] = yaml.safe_load(
        files("anysyn.simulation.constants").joinpath(name).read_text(encoding="utf-8")
    )
    return table
