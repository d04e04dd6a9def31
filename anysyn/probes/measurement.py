"""What a probe measured of one subject, and how it is kept until all subjects are done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anysyn.data.records import Failure
from anysyn.evaluation.errors import EvaluationError
from anysyn.files import read_json, replacing, write_json
from anysyn.files.arrays import read_arrays
from anysyn.probes.tables import Row

UNFINISHED = "unfinished"  # folder of what is measured, beside the tables to come
REQUEST = "request.json"
KEPT = (REQUEST, 16 * "[0-9a-f]" + ".npz")  # globs of the files in that folder


@dataclass(frozen=True)
class Measurement:
    """What a probe measured of one subject.

    Args:
        rows: By table.
        arrays: By name; numbers that no table holds.
        failures: What of the subject could not be measured.
    """

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()

    def __bool__(self) -> bool:
        return any(map(len, self.rows.values())) or bool(self.arrays)


@dataclass(frozen=True)
class KeptMeasurements:
    """Measurements on disk, so that a probe that was stopped goes on where it was.

    Args:
        folder: Where they lie.
    """

    folder: Path

    @classmethod
    def open(cls, folder: Path, request: Mapping[str, Any], *, overwrite: bool) -> KeptMeasurements:
        """Go on with the measurements of the same request, or begin.

        Args:
            folder: The folder of the findings.
            request: What is asked; measurements of another request are none of this one.
            overwrite: Whether those of another request may be deleted.

        Raises:
            EvaluationError: If another request was begun there.
        """
        store = cls(folder / UNFINISHED)
        pointer, wanted = store.folder / REQUEST, json.loads(json.dumps(request, default=str))
        if pointer.is_file() and _read(pointer) != wanted:
            if not overwrite and any(store.folder.glob("*.npz")):
                raise EvaluationError(
                    f"{folder} holds an unfinished probe of another request ({pointer} says which); finish that one, "
                    "choose another --out, or allow replacing it with --overwrite"
                )
            store.clear()
        write_json(pointer, wanted)
        return store

    def get(self, key: str) -> Measurement | None:
        """Return what was measured of a subject, or None.

        Args:
            key: The subject's.
        """
        try:
            arrays = read_arrays(self._path(key))
            words = json.loads(str(arrays.pop("")))
            failures = tuple(Failure(subject, None, reason) for subject, reason in words["failures"])
            return Measurement(words["rows"], arrays, failures)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, key: str, measurement: Measurement) -> None:
        """Keep what was measured of a subject; the file is whole or not there.

        Args:
            key: The subject's.
            measurement: Of it.
        """
        words = {"rows": measurement.rows, "failures": [(one.key, one.reason) for one in measurement.failures]}
        with replacing(self._path(key), overwrite=True) as file:
            arrays: dict[str, Any] = {"": np.array(json.dumps(words, default=_number)), **measurement.arrays}
            np.savez_compressed(file, **arrays)

    def clear(self) -> None:
        """Delete them, and their folder unless it holds anything else."""
        for glob in KEPT if not self.folder.is_symlink() else ():
            for path in self.folder.glob(glob):
                path.unlink()
        with suppress(OSError):
            self.folder.rmdir()

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"  # a key may hold slashes


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a row holds {value!r}, which is neither a word nor a number")


def _read(pointer: Path) -> Any:
    """Return the request of earlier measurements; one that cannot be read is another one."""
    try:
        return read_json(pointer)
    except (OSError, ValueError):
        return None
