"""BiomedCLIP and MedCLIP as they are published, as folders that the parts ``open_clip`` and ``medclip`` read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from anysyn.clip.medclip import WEIGHTS, medclip
from anysyn.clip.open_clip import check_library, open_clip_model
from anysyn.errors import UserError
from anysyn.files import own_alone, whole_results
from anysyn.importing.checkpoint_file import read_checkpoint, weights_in
from anysyn.training.run_folder.checkpoints import write_tensors

MADE_BY = "anysyn import"
TOKENIZER = ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "merges.txt")
OPEN_CONFIG, OPEN_WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
OPEN_PICKLED = ("open_clip_pytorch_model.bin", "pytorch_model.bin")
MED_PICKLED = ("pytorch_model.bin",)
EMPTY = "text_model.model.embeddings.position_ids"  # numbers from 0 on, that older versions of transformers save
TRIED = ("T1w",)  # a modality whose description a new folder is tried with


@dataclass(frozen=True)
class Converted:
    """A folder made of published weights.

    Args:
        folder: The folder.
        part: The part of a recipe that reads it.
        kept: How many numbers it holds.
        left: How many tensors of the file have no place in it.
    """

    folder: Path
    part: str
    kept: int
    left: int

    def lines(self) -> Iterator[str]:
        """Yield what was kept, what was left, and how a recipe names it."""
        yield f"{self.folder}: {self.kept:,} weights"
        if self.left:
            yield f"note: {self.left} tensors of the image tower are left, since the part has a text tower alone"
        yield f"in a recipe: parts.clip={{name: {self.part}, checkpoint: {self.folder}}}"


def import_open_clip(checkpoint: str | Path, *, out: str | Path, overwrite: bool = False) -> Converted:
    """Make a folder for part ``open_clip`` of a checkpoint of open_clip whose weights are a pickle, as BiomedCLIP.

    Args:
        checkpoint: Folder with ``open_clip_config.json``, ``open_clip_pytorch_model.bin`` and the tokenizer.
        out: The folder to make.
        overwrite: Whether an earlier one may be replaced.

    Raises:
        UserError: If the file holds anything but tensors, the folder lacks something, or the weights do not fit.
    """
    check_library()
    folder = Path(checkpoint)
    path = _found(folder, (*OPEN_PICKLED, OPEN_WEIGHTS), "weights of open_clip")
    weights = _weights(path, "state_dict")
    kept = [folder / name for name in (OPEN_CONFIG, *TOKENIZER) if (folder / name).is_file()]
    if folder / OPEN_CONFIG not in kept:
        raise UserError(f"{folder}: has no {OPEN_CONFIG}; fetch it from where the weights are published")
    with _folder(Path(out), OPEN_WEIGHTS, weights, kept, overwrite=overwrite) as inside:
        _tried(path, lambda: open_clip_model(names=TRIED, checkpoint=str(inside)))
    return Converted(Path(out), "open_clip", _count(weights), 0)


def import_medclip(
    checkpoint: str | Path, *, out: str | Path, bert: str | Path | None = None, overwrite: bool = False
) -> Converted:
    """Make a folder for part ``medclip`` of the published weights of MedCLIP; its image tower is left.

    Args:
        checkpoint: ``pytorch_model.bin``, or a folder with it.
        out: The folder to make.
        bert: Folder with ``config.json`` and the tokenizer of the BERT that it began with, Bio_ClinicalBERT; by default
            that of the weights.
        overwrite: Whether an earlier one may be replaced.

    Raises:
        UserError: If the file holds anything but tensors, a folder lacks something, or the weights do not fit.
    """
    given = Path(checkpoint)
    path = _found(given, MED_PICKLED, "weights of MedCLIP") if given.is_dir() else given
    kept = _words(path.parent if bert is None else Path(bert))
    every = _weights(path, "state_dict")
    weights = {name: w for name, w in every.items() if not name.startswith("vision_model.") and name != EMPTY}
    if "text_model.projection_head.weight" not in weights:
        raise UserError(f"{path}: is no MedCLIP: it has no text_model.projection_head.weight")
    if "text_model.projection_head.bias" in weights:
        raise UserError(
            f"{path}: is of MedCLIP before its release, which pooled otherwise; import the released weights"
        )
    with _folder(Path(out), WEIGHTS, weights, kept, overwrite=overwrite) as inside:
        _tried(path, lambda: medclip(names=TRIED, checkpoint=str(inside)))
    return Converted(Path(out), "medclip", _count(weights), sum(name.startswith("vision_model.") for name in every))


def _words(folder: Path) -> list[Path]:
    """Return the files of a BERT that MedCLIP's weights come without."""
    kept = [folder / name for name in ("config.json", *TOKENIZER) if (folder / name).is_file()]
    named = {path.name for path in kept}
    if "config.json" not in named or not named & {"vocab.txt", "tokenizer.json"}:
        raise UserError(
            f"{folder}: has no config.json and vocab.txt of the BERT, which the weights come without; name the folder "
            "of Bio_ClinicalBERT with --bert"
        )
    return kept


def _found(folder: Path, names: tuple[str, ...], what: str) -> Path:
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise UserError(f"{folder}: has no {what} ({', '.join(names)}); fetch them from where they are published")
    return found


def _weights(path: Path, key: str) -> dict[str, Tensor]:
    tree = read_checkpoint(path)
    weights = weights_in(tree) or weights_in(tree, key)
    if weights is None:
        raise UserError(f"{path}: has no weights, neither at its top nor under {key}")
    return weights


@contextmanager
def _folder(
    out: Path, name: str, weights: Mapping[str, Tensor], kept: Sequence[Path], *, overwrite: bool
) -> Iterator[Path]:
    """Make the folder of weights and the files beside them; an error on the way leaves none."""
    names = [name, *(path.name for path in kept)]
    allowed = own_alone(out, made_by=MADE_BY, overwrite=overwrite)
    with whole_results(out, names, made_by=MADE_BY, check=allowed) as inside:
        write_tensors(inside / name, {key: tensor.clone() for key, tensor in weights.items()})
        for path in kept:
            shutil.copyfile(path, inside / path.name)
        yield inside


def _tried(path: Path, load: Callable[[], object]) -> None:
    """Load what was written; what does not fit is told in one line, of the file that it came from."""
    try:
        load()
    except UserError as error:
        cause = error.__cause__ or error
        told = " ".join(line.strip() for line in str(cause).splitlines() if line.strip())
        raise UserError(f"{path}: does not fit: {told}; import the file as it was published") from error


def _count(weights: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in weights.values())
