"""Sections of the page that probes write about their findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from anysyn.data.records import Failure
from anysyn.errors import UserError, reason
from anysyn.probes.catalogue import find_probe, probe_names
from anysyn.probes.findings import RECORD, find_findings, read_findings
from anysyn.probes.section import Chart, Grid
from anysyn.training.run_folder.folder import RunFolder


@dataclass(frozen=True)
class ProbeSection:
    """A section as the page shows it.

    Args:
        anchor: Its address on the page, the name of the probe.
        title: Its heading.
        text: What was asked, how to read the answer, and the notes.
        blocks: Tables and charts.
        failures: What could not be measured.
    """

    anchor: str
    title: str
    text: str
    blocks: Sequence[Grid | Chart]
    failures: Sequence[Failure]


def sections_of(run: RunFolder, results: str | Path | None) -> list[ProbeSection]:
    """Ask each probe whose findings lie in a folder of results, by default the run's latest, for its section.

    Raises:
        UserError: If findings cannot be read.
    """
    folders = {name: find_findings(run, results, name) for name in probe_names()}
    return [_section(name, folder) for name, folder in folders.items() if folder is not None]


def _section(name: str, folder: Path) -> ProbeSection:
    factory = find_probe(name)
    findings = read_findings(folder, factory.tables)
    try:
        probe = factory(settings=factory.options.model_validate(findings.record["options"]))
    except (ValidationError, KeyError) as error:
        raise UserError(f"{folder / RECORD}: its options are none of this probe ({reason(error)})") from error
    section = probe.section(findings)
    text = " ".join([section.text, *findings.notes])
    return ProbeSection(name, section.title, text, section.blocks, findings.failures)
