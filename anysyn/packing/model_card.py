"""The card of a packaged run, as it is written: front matter as Hugging Face and MONAI bundles have it, and a page."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from importlib.metadata import version
from typing import Any

import yaml

from anysyn.packing.facts import Facts
from anysyn.packing.notes import DataSource, Notes

WARNING = "Synthetic, not for clinical use"
TAGS = ("anysyn", "medical", "image-synthesis", "missing-modality", "synthetic-images")
DICOM = {"MRI": "MR", "CT": "CT", "PET": "PT"}  # how a bundle calls a family
FILES = {
    "recipe.yaml": "preparation, networks, training",
    "weights.safetensors": "the weights, float16",
    "windows.json": "typical intensities",
    "datasets.json": "names of the datasets of the training",
    "study.json": "how the scans of the training were prepared",
    "profile.json": "what its images look like, as statistics: for `anysyn check`",
    "trust.safetensors": "its calibration: for `anysyn synthesize --trust`",
}


def card_of(name: str, facts: Facts, notes: Notes) -> str:
    """Write a card.

    Args:
        name: Name of the packaged run.
        facts: What the run knows of itself.
        notes: What it does not.
    """
    front = yaml.safe_dump(front_matter(name, facts, notes), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{front}---\n\n" + "\n".join(_page(name, facts, notes)) + "\n"


def front_matter(name: str, facts: Facts, notes: Notes) -> dict[str, Any]:
    """Return the front matter: the keys of Hugging Face first, then those of MONAI bundles, then anysyn's own."""
    families = [family.lower() for family in facts.families]
    front: dict[str, Any] = {
        "license": notes.license,
        "library_name": "anysyn",
        "pipeline_tag": "image-to-image",
        "tags": list(dict.fromkeys([*TAGS, *families, *facts.modalities, *notes.tags])),
        "name": name,
        "version": notes.version,
        "anysyn_version": version("anysyn"),
        "pytorch_version": version("torch"),
        "task": f"Synthesis of any of {', '.join(facts.modalities)} from the others",
        "description": notes.description,
        "authors": list(notes.authors),
        "copyright": notes.copyright,
        "intended_use": notes.intended_use,
        "limitations": [f"{WARNING}.", *notes.limitations],
        "data_source": "; ".join(_cited(source) for source in notes.data),
        "data_type": ", ".join(dict.fromkeys(source.kind for source in notes.data)),
        "data": [source.model_dump(exclude_none=True) for source in notes.data],
        "network_data_format": _format(facts),
        "eval_scores": scores(facts, notes),
        "references": list(notes.references),
        "modalities": facts.modalities,
        "trained_on": f"{facts.subjects} subjects: {', '.join(f'{s.name} ({s.kind})' for s in notes.data)}",
        "datasets_known": facts.datasets,
        "recipe": facts.recipe,
        "parameters": facts.parameters,
    }
    return front | ({"fine_tuned_from": facts.origin} if facts.origin else {})


def scores(facts: Facts, notes: Notes) -> list[dict[str, Any]]:
    """Return what was measured: the results in the run, then those of the notes."""
    return [*facts.scores, *(score.model_dump() for score in notes.scores)]


def _format(facts: Facts) -> dict[str, Any]:
    channels = dict(enumerate(facts.modalities))
    about: dict[str, Any] = {
        "type": "image",
        "format": "magnitude",
        "modality": ", ".join(DICOM[family] for family in facts.families),
        "dtype": "float32",
    }
    about |= {"is_patch_data": False, "spatial_shape": ["*", "*", "*"]}
    about |= {"num_channels": len(channels), "channel_def": channels}
    return {"inputs": {"image": about}, "outputs": {"pred": {**deepcopy(about), "synthetic": True}}}


def _cited(source: DataSource) -> str:
    parts = (source.name, f"licence {source.license}", source.citation, source.url)
    return ", ".join(part for part in parts if part)


def _page(name: str, facts: Facts, notes: Notes) -> Iterator[str]:
    yield from (f"# {name}", "", f"**{WARNING}.** {notes.description}", "")
    first, last = facts.modalities[0], facts.modalities[-1]
    call = (
        f"anysyn synthesize {name} --source {first}={first.lower()}.nii.gz --target {last} --out {last.lower()}.nii.gz"
    )
    yield from ("```", call, "```", "", "## Where it holds", "", notes.intended_use, "")
    yield from ("## Where it fails", "", *(f"- {limit}" for limit in notes.limitations), "")
    yield from ("## Trained on", "", f"{facts.subjects} subjects, recipe `{facts.recipe}`.", "")
    yield from (f"- {_cited(source)} ({source.kind})" for source in notes.data)
    if facts.origin:
        yield from ("", f"It began with the weights of `{facts.origin['run']}`.")
    yield from ("", "## Scores", "", *_scores(facts, notes), "", "## Preparation", "", _prepared(facts), "")
    yield from ("## Files", "", *(f"- `{file}`: {FILES[file]}" for file in FILES if file in facts.has), "")
    if notes.references:
        yield from ("## References", "", *(f"- {reference}" for reference in notes.references), "")
    yield f"Licence of the weights: {notes.license}. {notes.copyright}. By {', '.join(notes.authors)}."


def _scores(facts: Facts, notes: Notes) -> Iterator[str]:
    measured = scores(facts, notes)
    if not measured:
        yield "None was measured."
        return
    names = list(dict.fromkeys(metric for score in measured for metric in score["metrics"]))
    yield f"| task | on | {' | '.join(names)} |"
    yield f"|:--|:--|{'--:|' * len(names)}"
    for score in measured:
        values = (f"{score['metrics'][metric]:.4g}" if metric in score["metrics"] else "-" for metric in names)
        yield f"| {score['task']} | {score['on']} | {' | '.join(values)} |"
    if facts.scores:
        yield from ("", "`anysyn evaluate` measured the run before its weights were rounded to float16.")


def _prepared(facts: Facts) -> str:
    study, texts = facts.study, list[str]()
    if study.get("BrainExtracted") is not None:
        texts.append("the brain alone" if study["BrainExtracted"] else "with the skull")
    if study.get("VoxelSizeMm"):
        texts.append(f"voxels of {study['VoxelSizeMm']:g} mm")
    return (
        f"Scans as those of the training: {', '.join(texts)}." if texts else "Not said by the run; see `recipe.yaml`."
    )
