"""Pack a run: its recipe, weights and records as a folder that can be shared, with a card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from anysyn import build
from anysyn.errors import UserError
from anysyn.files import check_name, own_alone, whole_results, write_json, write_text
from anysyn.nn.layout import without_memory
from anysyn.packaged.names import CARD, MADE_BY, RECIPE
from anysyn.packing.facts import facts_of
from anysyn.packing.half_precision import halved
from anysyn.packing.model_card import FILES, card_of
from anysyn.packing.notes import Notes, read_notes
from anysyn.packing.portable_recipe import portable
from anysyn.packing.privacy import check_private
from anysyn.packing.shared_records import shared_profile, shared_study
from anysyn.progress import Progress, progress_of
from anysyn.recipe import Recipe
from anysyn.training.run_folder.checkpoints import Checkpoints, Weights, check_shapes, fitting, write_tensors
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import HasFolder, find_run
from anysyn.training.training_profile import PROFILE, make_profile
from anysyn.trust.trusted import NAME as TRUST
from anysyn.trust.trusted import bound_to

MOST = 12_000_000  # bytes: what a wheel carries for one run


@dataclass(frozen=True)
class Packed:
    """A packaged run.

    Args:
        folder: Where it lies.
        size: Bytes of its files.
    """

    folder: Path
    size: int

    def lines(self) -> Iterator[str]:
        """Yield where it lies, and how large it is."""
        yield f"{self.folder}: {self.size / 1e6:.1f} MB; its card is {self.folder / CARD}"


def pack(
    run: str | Path | HasFolder,
    *,
    name: str,
    card: str | Path,
    out: str | Path,
    large: bool = False,
    overwrite: bool = False,
    progress: Progress | bool | None = None,
) -> Packed:
    """Make a packaged run of a trained one: without a path, a name of a subject, or a checkpoint.

    Args:
        run: A run folder. If it has no profile, that is made first, where its training data are still there.
        name: What the packaged run is called.
        card: YAML file of what no run knows of itself (`Notes`).
        out: Folder in which a folder of that name is made.
        large: Whether it may have more than 12 MB.
        overwrite: Whether a packaged run of that name may be replaced.
        progress: What says what is left out.

    Raises:
        UserError: If the run is not trained or packaged already, the notes have mistakes, the name cannot be typed,
            a part names a file of this machine, it is too large, or the folder holds something else.

    Example:
        >>> pack("nowhere", name="brain", card="notes.yaml", out="shared")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, and no ...
    """
    folder, shown = find_run(run), progress_of(progress)
    if folder.packaged:
        raise RunError(f"{folder.path} is a packaged run already; copy its folder, or pack the run that it came from")
    _check_free(name)
    if not folder.weights.is_file():
        raise RunError(f"{folder.path} holds no weights yet; go on with `anysyn train --resume {folder.path}`")
    notes, recipe = read_notes(card), build.load(folder.recipe, lay_out=False)
    bare = portable(recipe)
    _profile(folder, shown)
    place = Path(out) / name
    allowed = own_alone(place, made_by=MADE_BY, overwrite=overwrite)
    names = [RECIPE, CARD, *(file for file in FILES if file != RECIPE)]
    with whole_results(place, names, made_by=MADE_BY, check=allowed) as inside:
        _write(folder, recipe, bare, notes, name, inside)
        roots = [*recipe.roots(), *(str(path) for path in (recipe.data.cache, folder.path.resolve()) if path)]
        check_private(inside, list(_people(folder, recipe)), roots)
        size = sum(path.stat().st_size for path in inside.iterdir())
        if size > MOST and not large:
            raise UserError(f"{name}: has {size / 1e6:.1f} MB, above {MOST / 1e6:.0f} MB; allow that with --large")
    return Packed(place, size)


def _people(run: RunFolder, recipe: Recipe) -> Iterator[str]:
    """Yield the keys of all subjects of a training, those of a stage's own data too."""
    for folder in (run, *(run.cohort(stage.name) for stage in recipe.stages if stage.data and stage.epochs)):
        for keys in folder.read("split.json").values():
            yield from keys


def _write(run: RunFolder, recipe: Recipe, bare: Recipe, notes: Notes, name: str, inside: Path) -> None:
    weights = Checkpoints(run).load_weights()
    learned = _learned(run, recipe, weights)
    write_tensors(inside / run.weights.name, halved(weights, learned))
    write_text(inside / RECIPE, yaml.safe_dump(bare.spec(), sort_keys=False, allow_unicode=True, width=120))
    for record in ("windows.json", "datasets.json"):
        write_json(inside / record, run.read(record))
    study = shared_study(run)
    if study:
        write_json(inside / "study.json", study)
    if (run.path / PROFILE).is_file():
        write_json(inside / PROFILE, shared_profile(run))
    if (run.path / TRUST).is_file():
        bound_to(run, inside / run.weights.name, inside / TRUST)
    parameters = sum(weights[key].numel() for key in learned)
    facts = facts_of(run, recipe, parameters=parameters, study=study, has=[path.name for path in inside.iterdir()])
    write_text(inside / CARD, card_of(name, facts, notes))


def _learned(run: RunFolder, recipe: Recipe, weights: Weights) -> set[str]:
    """Return the names of the parameters of all networks, which the weights fit."""
    with fitting(run.weights), without_memory():
        parts = build.parts(recipe, untrained=False)
        check_shapes(weights, parts)
        return {key for key, _ in parts.named_parameters(remove_duplicate=False)}


def _profile(run: RunFolder, progress: Progress) -> None:
    if (run.path / PROFILE).is_file():
        return
    try:
        make_profile(run, progress)
    except (UserError, OSError) as error:
        progress.say(f"note: packed without {PROFILE}, so `anysyn check` cannot compare a scan with it: {error}")


def _check_free(name: str) -> None:
    check_name(name, "--name")
    if any(mark in name for mark in "= "):
        raise UserError(f"--name {name!r}: has '=' or a blank in it; choose a name without")
