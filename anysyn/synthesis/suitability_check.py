"""Whether a run suits a scan, as the command `anysyn check` asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from anysyn.data.records import Failure, Subject, listed
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.remedies import OF_TABLE
from anysyn.data.volumes.study import read_study, study_of
from anysyn.data.volumes.volume import read_volume
from anysyn.errors import UserError
from anysyn.files import read_json
from anysyn.progress import Progress, progress_of
from anysyn.suitability import Appearance, Profile, Verdict, appearances, judge
from anysyn.synthesis.requests.sources import source_files
from anysyn.text.in_notebooks import LinesInNotebooks
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import HasFolder, find_run
from anysyn.training.training_profile import PROFILE, make_profile

SHOWN = 3  # verdicts in a line


@dataclass(frozen=True)
class SuitabilityCheck(LinesInNotebooks):
    """Verdicts by subject, and those that a run does not suit.

    Args:
        verdicts: By subject, or by file for a single scan.
        failures: Subjects that are refused, or cannot be read.

    Example:
        >>> list(SuitabilityCheck({"sub-01": Verdict()}, ()).lines())
        ['sub-01: pass: the scan looks like the training images']
    """

    verdicts: Mapping[str, Verdict]
    failures: tuple[Failure, ...]

    def __repr__(self) -> str:
        """Return the worst that was found of each; of many, how many there are of each kind."""
        levels = {key: verdict.record()["Level"] for key, verdict in self.verdicts.items()}
        if len(levels) > SHOWN:
            about = ", ".join(f"{level} {number}" for level, number in Counter(levels.values()).items())
        else:
            about = ", ".join(f"{key}: {level}" for key, level in levels.items())
        unread = sum(failure.key not in levels for failure in self.failures)
        return f"SuitabilityCheck({about or 'nothing'}" + (f"; not read {unread})" if unread else ")")

    def lines(self) -> Iterator[str]:
        """Yield a line for each finding of each subject."""
        for key, verdict in self.verdicts.items():
            yield from (f"{key}: {line}" for line in verdict.lines())


def check(
    run: str | Path | HasFolder,
    *,
    sources: Mapping[str, str | Path] | None = None,
    data: str | Path | None = None,
    make: bool = False,
    progress: Progress | bool | None = None,
) -> SuitabilityCheck:
    """Compare scans with the training images of a run.

    Args:
        run: The run folder, the name of a packaged run, or a run that is loaded already; no networks are needed.
        sources: Files by modality, of one person; or else
        data: a folder or CSV file of subjects.
        make: Measure the training images first if the run has no profile, which needs its training data.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Raises:
        UserError: If the run has no profile, a modality is unknown to it, or there is nothing to check.
    """
    folder, shown = find_run(run), progress_of(progress)
    if make:
        make_profile(folder, shown)
    profile = profile_in(folder)
    if profile is None and folder.packaged:
        raise RunError(f"{folder.path}: was packed without {PROFILE}, so no scan can be compared; pack its run anew")
    if profile is None:
        raise RunError(
            f"{folder.path}: holds no {PROFILE}: what its training images look like was not measured yet; do "
            f"so from its training data with `anysyn check {folder.path} --make-profile`"
        )
    if sources:
        return _of_files(profile, source_files(sources))
    if data is not None:
        return _of_cohort(profile, Path(data), shown)
    if make:
        return SuitabilityCheck({}, ())
    raise UserError("nothing to check; name scans with --source T1w=t1.nii.gz, or a folder with --data")


def profile_in(folder: RunFolder) -> Profile | None:
    """Return the profile of a run, or None for a run that has none.

    Raises:
        RunError: If it is not what a training writes.
    """
    path = folder.path / PROFILE
    if not path.is_file():
        return None
    try:
        return Profile.from_json(read_json(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: not what a training writes ({error!r}); delete it and make it anew") from error


def _of_files(profile: Profile, files: Mapping[str, Path]) -> SuitabilityCheck:
    seen = dict[str, Appearance]()
    for name, path in files.items():  # each on its own grid
        seen |= appearances(study_of({name: read_volume(path)}, key=path.name))
    return _checked({", ".join(path.name for path in files.values()): judge(profile, seen)}, [])


def _of_cohort(profile: Profile, data: Path, progress: Progress) -> SuitabilityCheck:
    found = find_subjects(data, remedies=OF_TABLE)
    verdicts, failures = dict[str, Verdict](), list(found.failures)
    for subject in progress.over("checking", list(found.subjects)):
        with listed(failures, subject.key):
            verdicts[subject.key] = judge(profile, _seen(profile, subject))
    return _checked(verdicts, failures)


def _seen(profile: Profile, subject: Subject) -> dict[str, Appearance]:
    names = [name for name in subject.images if name in profile.groups]
    if not names:
        raise UserError(f"has none of {', '.join(profile.groups)}, only {', '.join(subject.images)}")
    seen = dict[str, Appearance]()
    for name in names:
        seen |= appearances(read_study(subject, modalities=[name]))
    return seen


def _checked(verdicts: Mapping[str, Verdict], failures: list[Failure]) -> SuitabilityCheck:
    refused = [
        Failure(key, None, f"this run does not suit it ({', '.join(sorted({f.about for f in verdict.findings}))})")
        for key, verdict in verdicts.items()
        if verdict.level == "refuse"
    ]
    return SuitabilityCheck(verdicts, (*failures, *refused))
