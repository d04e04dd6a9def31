"""Lesion segmentation: does a segmenter of real images find a lesion when one modality is synthesized? (PMM-Synth)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from anysyn.data.records import Failure, Subject, listed
from anysyn.data.subjects.tables.participants import read_people
from anysyn.data.volumes.study import Study
from anysyn.evaluation.lesion_masks import Task, truth_of
from anysyn.probes.findings import Findings
from anysyn.probes.lesion_segmentation.dice import (
    ABSENT,
    CASE,
    REAL,
    RETRAINED,
    SUMMARY,
    never_found,
    outlined,
    reference_of,
    rows_of,
    summarise,
    summary_grid,
)
from anysyn.probes.lesion_segmentation.example import outlines_of, read_outlines, write_outlines
from anysyn.probes.lesion_segmentation.report import CAPTIONS, TEXT, dice_figure, outline_figure
from anysyn.probes.lesion_segmentation.tasks import check_unseen, tasks_of
from anysyn.probes.lesion_segmentation.train import STEPS, Fitting
from anysyn.probes.lesion_segmentation.volumes import (
    GROUPS,
    VOLUMES,
    by_group,
    group_grid,
    groups_of,
    volume_agreement,
    volume_grid,
)
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Conclusion, Options, Probe, Request
from anysyn.probes.probe import rows_of as all_rows
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Row, Table
from anysyn.registry import register
from anysyn.synthesis.completion.missing_contrasts import trained_for
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.text.counts import counted

TABLES = {"cases": Table(CASE), "summary": Table(SUMMARY), "volumes": Table(VOLUMES), "groups": Table(GROUPS)}
NEVER_FOUND = (
    "{}: the segmenter finds it in the real images of none of the {} subjects who have it, so its Dice says nothing "
    "about a synthesis; give more training subjects, or more --steps, and another --segmenter folder"
)


class SegmentationOptions(Options):
    """What the segmenters are trained on, and where they are kept."""

    training: Path | None = Field(None, description="Training subjects, if they were moved.")
    segmenter: Path | None = Field(None, description="Where segmenters are kept; with the findings by default.")
    retrain: bool = Field(False, description="Also train a segmenter without each of the modalities.")
    alone: bool = Field(False, description="Also train a segmenter for each modality that sees it alone (OmniSyn).")
    region: tuple[str, ...] = Field((), description="grey, white, fluid: regions of label maps, too; repeat for more.")
    group: tuple[str, ...] = Field((), description="age, sex, diagnosis: columns of participants.tsv; repeat for more.")
    steps: int = Field(STEPS, ge=1, description="Batches that a segmenter is trained on.")


@register("probe", "lesion_segmentation")
class LesionSegmentation(Probe):
    """Whether a segmenter of real images finds lesions when a modality is real, absent or synthesized.

    The segmenter is a U-Net trained on the real images of the run's training subjects. What it looks for follows from
    the masks that the subjects have: the regions of a glioma, an infarct, or both, each with a U-Net of its own.
    """

    title = "Lesion segmentation"
    options = SegmentationOptions
    tables = TABLES
    files = ("outlines_*.npz", "segmenter/*/*.safetensors", "segmenter/*/*.json")

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Train the segmenters that are not kept yet."""
        settings, self.request, self.asked = self.settings, request, subjects
        training, unread = run.subjects(settings.training, "train")
        self.failures += unread
        check_unseen(run, training, subjects, settings.training, request.data)
        self.tasks = tasks_of(run, training, subjects, settings.region)
        folder = settings.segmenter or request.folder / "segmenter"
        self.segmenters = {
            task: Fitting(
                run=run,
                task=task,
                inputs=inputs,
                subjects=training,
                root=Path(settings.training or run.recipe.data.root or ""),
                steps=settings.steps,
                progress=request.progress,
            ).segmenters(folder / task.name, retrain=settings.retrain, alone=settings.alone, failures=self.failures)
            for task, inputs in self.tasks.items()
        }
        self.groups = self._groups(run, subjects)
        return [one for one in subjects if any(task.able(one, inputs) for task, inputs in self.tasks.items())]

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Outline the lesions of a subject with every modality real, absent and synthesized."""
        rows, arrays, failures = list[Row](), dict[str, NDArray[Any]](), list[Failure]()
        study = run.prepare(subject)
        for task, inputs in self.tasks.items():
            if task.able(subject, inputs):
                with listed(failures, subject.key, task.name):
                    new, example = self._outline(run, subject, study, task)
                    rows += new
                    arrays |= {f"{task.name}/{name}": array for name, array in example.items()}
        return Measurement({"cases": rows}, arrays, tuple(failures))

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Average the Dice, and keep the slice of the first subject whose lesion can be seen."""
        cases = TABLES["cases"].frame(all_rows(measurements, "cases"))
        for task in self.tasks:
            arrays = next((one.arrays for one in measurements if f"{task.name}/truth" in one.arrays), None)
            if arrays is not None:
                own = {name.removeprefix(f"{task.name}/"): arrays[name] for name in arrays}
                write_outlines(self.request.folder / f"outlines_{task.name}.npz", own)
        self.failures += [Failure(task, None, NEVER_FOUND.format(region, n)) for task, region, n in never_found(cases)]
        tasks = {
            task.name: {"inputs": list(shown), "regions": list(task.regions)} for task, shown in self.tasks.items()
        }
        summary = TABLES["summary"].frame(summarise(cases))
        further = {"volumes": volume_agreement(cases), "groups": by_group(cases, self.groups)}
        further = {name: TABLES[name].frame(table) for name, table in further.items()}
        return Conclusion({"cases": cases, "summary": summary, **further}, self._notes(cases), {"tasks": tasks})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the mean Dice, a table for each task."""
        volumes, groups = findings.tables["volumes"], findings.tables["groups"]
        further = [volume_grid(volumes), *([] if groups.empty else [group_grid(groups)])]
        return [*summary_grid(findings.tables["summary"]), *further]

    def section(self, findings: Findings) -> Section:
        """Show the Dice of every subject, its means, and a slice with its outlines."""
        cases = findings.tables["cases"]
        paths = [findings.folder / f"outlines_{task}.npz" for task in dict.fromkeys(cases["task"])]
        examples = [
            Chart(outline_figure(read_outlines(path)), CAPTIONS["outlines"]) for path in paths if path.is_file()
        ]
        dices = Chart(dice_figure(cases), CAPTIONS["dice"])
        return Section(self.title, TEXT.format(where=findings.where), [dices, *self.summary(findings), *examples])

    def _outline(
        self, run: LoadedRun, subject: Subject, study: Study, task: Task
    ) -> tuple[list[Row], Mapping[str, NDArray[Any]]]:
        """Return the rows of one subject, and the arrays of its slice if there is a lesion."""
        segmenter = self.segmenters[task].whole
        truth, regions = truth_of(subject, study, task), segmenter.regions
        outlines = list(outlined(run, study, self.segmenters[task], trained_for(run.recipe), self.request.batch))
        about = (study, task.name, regions, truth)
        rows = [row for one in outlines for row in rows_of(*about, one, reference_of(one, outlines))]
        if not truth[0].any():
            return rows, {}
        return rows, outlines_of(task.name, study, segmenter, truth, outlines).arrays()

    def _groups(self, run: LoadedRun, subjects: Sequence[Subject]) -> dict[str, dict[str, str]]:
        if not self.settings.group:
            return {}
        people, _ = read_people(Path(self.request.data or run.recipe.data.root or ""), self.failures)
        persons = {subject.key: subject.person or subject.key for subject in subjects}
        return groups_of(self.settings.group, people, persons, self.failures)

    def _notes(self, cases: pd.DataFrame) -> list[str]:
        notes = []
        for task, inputs in self.tasks.items():
            count = cases.loc[cases["task"] == task.name, ["dataset", "subject"]].drop_duplicates().shape[0]
            lacking = sum(task.known_of(one) and not task.able(one, inputs) for one in self.asked)
            those = counted(lacking, "subject lacks one of them and is", "subjects lack one of them and are")
            who = counted(count, "subject") + (f", {those} left out" if lacking else "")
            notes.append(f"{task.name}: the segmenter is shown {', '.join(inputs)}; {who}.")
        notes.append(f'"{ABSENT}" is the same segmenter, which never saw a modality absent, with zeros in its place.')
        if RETRAINED in set(cases["method"]):
            notes.append(f'"{RETRAINED}" is another segmenter, trained without the modality.')
        if empty := int((cases["dice"].isna() & (cases["method"] == REAL)).sum()):
            notes.append(f"Regions that are empty in truth: {empty}; their Dice is not defined and in no mean.")
        return notes
