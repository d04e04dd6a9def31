"""Whether a run suits the sources of a synthesis: asked before each, and recorded with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from anysyn.data.records import Failure
from anysyn.data.volumes.study import Study
from anysyn.errors import UserError
from anysyn.suitability import Verdict, appearances, judge
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.suitability_check import profile_in

ENTRY = "Suitability"  # of a sidecar
NO_PROFILE = Verdict(unknown="the run has no profile of its training images")


def verdict_on(run: LoadedRun, study: Study, sources: Sequence[str], *, anyway: bool = False) -> Verdict:
    """Compare the sources of a synthesis with the training images of a run.

    Args:
        run: The run; one without a profile refuses nothing.
        study: The sources as they were read, not prepared.
        sources: Those that are shown to the network.
        anyway: Whether a run that does not suit the sources synthesizes all the same; the verdict says so.

    Raises:
        UserError: If the run does not suit a source, unless ``anyway``.
    """
    profile = profile_in(run.folder)
    if profile is None:
        return NO_PROFILE
    verdict = judge(profile, appearances(replace(study, images={name: study.images[name] for name in sources})))
    if verdict.level == "refuse" and not anyway:
        worst = "; ".join(str(finding) for finding in verdict.findings if finding.level == "refuse")
        raise UserError(
            f"{study.key}: this run does not suit it: {worst}; to synthesize all the same, add --anyway (anyway=True)"
        )
    return verdict


def saw_truth(name: str) -> str:
    """Return the remark on a target that is a source, too.

    Example:
        >>> saw_truth("T1w").partition(";")[0]
        'T1w is a source and the target, so the answer saw the truth'
    """
    return f"{name} is a source and the target, so the answer saw the truth; hand in the other sources alone"


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """Return the entry of a sidecar.

    Example:
        >>> verdict_record(Verdict())
        {'Suitability': {'Level': 'pass', 'Findings': []}}
    """
    return {ENTRY: verdict.record()}


def doubts(key: str, record: Mapping[str, Any]) -> Iterator[Failure]:
    """Yield a remark for each finding in a sidecar.

    Args:
        key: The subject, or the file.
        record: The sidecar.

    Example:
        >>> finding = "warn: T1w: voxels of 7 mm; in training 1 mm; expect less detail"
        >>> [str(remark) for remark in doubts("sub-01", {"Suitability": {"Findings": [finding]}})]
        ['sub-01: warn: T1w: voxels of 7 mm; in training 1 mm; expect less detail']
    """
    for finding in record.get(ENTRY, {}).get("Findings", ()):
        yield Failure(key, None, str(finding))
