"""The record of a simulated subject in a cohort: read from a cohort that anybody may have made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anysyn.bounds import Seed, WholeNumber
from anysyn.errors import UserError
from anysyn.files import read_json
from anysyn.simulation.centres import chosen_centres
from anysyn.simulation.simulated_subject import SimulatedSubject

FINEST, COARSEST = 0.5, 8.0  # mm: a finer head fills the memory


class SubjectRecord(BaseModel):
    """What `SimulatedSubject.to_json` writes, with its ranges."""

    model_config = ConfigDict(extra="forbid")

    seed: Seed
    number: WholeNumber
    site: str
    spacing: Annotated[float, Field(ge=FINEST, le=COARSEST)]
    labels: str | None = None
    vary: bool = False
    brain_alone: bool = False
    thickness: Annotated[float, Field(gt=0)] | None = None
    vary_tissues: bool = False


def read_subject(path: Path) -> SimulatedSubject:
    """Read the record of a subject.

    Args:
        path: The file among the truth of a cohort.

    Raises:
        UserError: If it is not what `simulate` writes, or names a centre that there is not.
        OSError: If it cannot be opened.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "sub-001.json"
        >>> _ = path.write_text('{"seed": 0, "number": 0, "site": "A", "spacing": 0.001}')
        >>> read_subject(path)
        Traceback (most recent call last):
        anysyn.errors.UserError: ...sub-001.json: spacing: Input should be greater than or equal to 0.5; simulate ...
    """
    try:
        record = SubjectRecord.model_validate(read_json(path)).model_dump()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "record"
        raise UserError(f"{path}: {place}: {first['msg']}; simulate the cohort again") from None
    except ValueError as error:
        said = str(error).removeprefix(f"{path}: ")
        raise UserError(f"{path}: not what `anysyn simulate` writes ({said}); simulate the cohort again") from error
    try:
        chosen_centres([record["site"]])
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix('--centres: ')}") from error
    return SimulatedSubject.from_json(record)
