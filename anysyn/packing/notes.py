"""Notes for a card: what no run knows of itself, read from YAML and checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anysyn.bounds import AtLeastOne, Count
from anysyn.errors import UserError
from anysyn.files.yaml_tree import Keys, Tree, TreeError, compose, expand, read_bounded
from anysyn.registry import suggest

Text = Annotated[str, Field(min_length=1)]
VERSION = r"\d+\.\d+\.\d+"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSource(_Strict):
    """A dataset of the training.

    Args:
        name: Its name.
        kind: Whether its images are real or simulated.
        license: Its licence.
        citation: How it wants to be cited.
        url: Where it is.
        subjects: How many of its people were trained on.
    """

    name: Text
    kind: Literal["real", "simulated"]
    license: Text
    citation: Text | None = None
    url: Text | None = None
    subjects: Count | None = None


class Score(_Strict):
    """What was measured.

    Args:
        on: The images that were measured.
        task: What was synthesized from what, for example ``T1w → T2w``.
        metrics: Values by the name of the metric.
    """

    on: Text
    task: Text
    metrics: dict[str, float] = Field(min_length=1)


class Notes(_Strict):
    """What no run knows of itself.

    Args:
        version: Of the packaged run, three numbers.
        description: What it is, in a sentence or two.
        license: Licence of the weights, as an SPDX word.
        authors: Who trained it.
        copyright: The line of the copyright.
        intended_use: Where it holds.
        limitations: Where it fails, a sentence each.
        data: What it was trained on.
        scores: What was measured, beside the results in the run folder.
        references: Papers.
        tags: Further words to find it by.
    """

    version: Annotated[str, Field(pattern=f"^{VERSION}$")]
    description: Text
    license: Text
    authors: AtLeastOne[Text]
    copyright: Text
    intended_use: Text
    limitations: AtLeastOne[Text]
    data: AtLeastOne[DataSource]
    scores: list[Score] = []
    references: list[Text] = []
    tags: list[Text] = []


def read_notes(path: str | Path) -> Notes:
    r"""Read and check notes for a card.

    Args:
        path: A YAML file with the keys of `Notes`.

    Raises:
        UserError: If it cannot be read or has mistakes, a line for each with its place.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "notes.yaml"
        >>> _ = path.write_text("version: 1.0.0\ndescription: brains\nautors: [me]\n")
        >>> try:
        ...     read_notes(path)
        ... except UserError as error:
        ...     print(str(error).replace(str(path), "notes.yaml").splitlines()[-1])
        notes.yaml:3: autors: no such key; did you mean 'authors'? choices: authors, copyright, data, description, ...
    """
    file = Path(path)
    try:
        node = compose(read_bounded(file))
        tree = Tree({}) if node is None else expand(node)
    except TreeError as error:
        raise error.within(file) from error
    try:
        return Notes.model_validate(tree.value)
    except ValidationError as error:
        raise UserError("\n".join(_mistakes(error, tree, file))) from None


def _mistakes(error: ValidationError, tree: Tree, file: Path) -> Iterator[str]:
    for mistake in error.errors(include_url=False):
        keys: Keys = mistake["loc"]
        near = next((tree.lines[keys[:n]] for n in range(len(keys), -1, -1) if keys[:n] in tree.lines), 1)
        yield f"{file}:{near}: {'.'.join(map(str, keys)) or 'notes'}: {_message(mistake, keys)}"


def _message(mistake: Any, keys: Keys) -> str:
    if mistake["type"] == "missing":
        return "is needed and not there; see docs/guide/models.md"
    if mistake["type"] == "extra_forbidden":
        records: dict[str, type[BaseModel]] = {"data": DataSource, "scores": Score}
        record = records.get(str(keys[0]), Notes)
        return f"no such key; {suggest(keys[-1], record.model_fields)}"
    if keys == ("version",):
        return f"write three numbers with dots between, such as 1.0.0, found {mistake['input']!r}"
    return f"{mistake['msg']}, found {str(mistake['input'])[:60]!r}"
