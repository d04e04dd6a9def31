"""Export of a run for fixed sources and one target: a network in a file, and a page that says what is outside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from anysyn.bounds import Count, within_bounds
from anysyn.data.modalities import modality
from anysyn.errors import UserError
from anysyn.exporting.bundle import Bundle, export_bundle
from anysyn.exporting.export_card import card_of, facts_of
from anysyn.exporting.fixed_network import fixed_network, voxel_size
from anysyn.exporting.formats import (
    Form,
    check_form,
    exported_program,
    largest_difference,
    lengths_of,
    write_program,
)
from anysyn.files import own_alone, whole_results, write_json, write_text
from anysyn.progress import Progress
from anysyn.registry import suggest
from anysyn.synthesis.loaded_run import load_run
from anysyn.text.several import several
from anysyn.training.run_folder.names import HasFolder

MADE_BY, CARD, FACTS = "anysyn export", "README.md", "network.json"
BUNDLE = "monai-bundle"
FILES: dict[Form, str] = {"torch": "network.pt2", "onnx": "network.onnx"}


@dataclass(frozen=True)
class Exported:
    """An exported network.

    Args:
        path: Its file.
        axes: Axes of its input, in order, and how long each may be.
        difference: Largest difference from the run on random inputs, in prepared intensities; None if not compared.

    Example:
        >>> list(Exported(Path("out/network.onnx"), {"batch": "any", "z": 3}, 1e-6).lines())
        ['out/network.onnx: batch any, z 3; differs from the run by at most 1e-06; see out/README.md']
    """

    path: Path
    axes: Mapping[str, int | str]
    difference: float | None

    def lines(self) -> Iterator[str]:
        """Yield what was written."""
        compared = (
            "was not compared with the run, since onnxruntime is missing (pip install 'anysyn[onnx]')"
            if self.difference is None
            else f"differs from the run by at most {self.difference:.1g}"
        )
        axes = ", ".join(f"{name} {length}" for name, length in self.axes.items())
        yield f"{self.path}: {axes}; {compared}; see {self.path.parent / CARD}"


@within_bounds
def export(
    run: str | Path | HasFolder,
    *,
    sources: str | Sequence[str],
    target: str,
    out: str | Path,
    form: str = "torch",
    dataset: str | None = None,
    size: Count = 64,
    spacing: Sequence[float] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Exported | Bundle:
    """Write the network of a run for fixed sources and one target, in a form that needs no anysyn.

    The input varies in batch and size as far as the network allows it; the page beside it says so, and what of the
    preparation is outside.

    Args:
        run: A run folder, the name of a packaged run, or a run that is loaded already.
        sources: Modalities that are shown, or one, in the order of the input's channels.
        target: Modality that is asked for.
        out: Folder to make.
        form: ``torch`` (torch.export); ``onnx``, which needs the extra ``anysyn[onnx]``; or ``monai-bundle``, which
            prepares images, too, and runs with MONAI's own command.
        dataset: Treat the sources as this training dataset, or ``mean``.
        size: Voxels a side of the example, rounded up to what the network takes.
        spacing: Voxel size in mm that a network which reads prompts is told; by default that which the run resamples
            to, and none if it does not.
        overwrite: Whether an earlier export in the folder may be replaced.
        progress: Shows what is done; None shows nothing.

    Raises:
        UserError: If a modality is unknown, the network cannot be exported, the file does not agree with the run, or
            the folder holds something else.

    Example:
        >>> export("nowhere", sources=["T1w"], target="T2w", out="exported")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, and no ...
    """
    kind, shown, asked = (
        None if form == BUNDLE else _form(form),
        [modality(name).name for name in several(sources)],
        modality(target).name,
    )
    if not shown or len(set(shown)) < len(shown):
        raise UserError(f"--sources: {', '.join(shown) or 'none'}; name one or more modalities, each once")
    loaded = load_run(run, accelerator="cpu").treat_as(dataset)
    loaded.folder.outside(Path(out), "choose another --out")
    folder = Path(out)
    if kind is None:
        options = {"size": size, "spacing": spacing, "overwrite": overwrite, "progress": progress}
        return export_bundle(loaded, shown, asked, folder, **options, made_by=MADE_BY)  # type: ignore[arg-type]
    network, images = fixed_network(loaded, shown, asked, size, spacing)
    names, allowed = [FILES[kind], FACTS, CARD], own_alone(folder, made_by=MADE_BY, overwrite=overwrite)
    with whole_results(folder, names, made_by=MADE_BY, check=allowed) as inside:
        program, freedom = exported_program(network, images, progress)
        write_program(program, inside / FILES[kind], kind, network.names)
        difference = largest_difference(network, images, inside / FILES[kind], freedom, kind, progress)
        axes = lengths_of(network, images.shape, freedom)
        facts = facts_of(loaded, network, tuple(images.shape), axes, voxel_size(loaded, spacing))
        write_json(inside / FACTS, facts)
        write_text(inside / CARD, card_of(facts, FILES[kind]))
    return Exported(folder / FILES[kind], axes, difference)


def _form(form: str) -> Form:
    for known in get_args(Form):
        if form == known:
            check_form(known)
            return known  # type: ignore[no-any-return]
    raise UserError(f"--format {form!r}: is no format; {suggest(form, [*get_args(Form), BUNDLE])}")
