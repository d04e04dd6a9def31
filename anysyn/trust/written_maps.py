"""Maps of trust as files beside synthetic images: what `anysyn.synthesize` takes in ``beside``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.data.volumes.formats import sidecar_path, stem
from anysyn.errors import UserError
from anysyn.files import clear_unfinished
from anysyn.synthesis.beside import Synthesized
from anysyn.synthesis.files import provenance
from anysyn.synthesis.given_run import GivenRun, loaded_run
from anysyn.synthesis.written_images import check_replaceable, digest, same, whole_record, write_synthetic
from anysyn.trust.maps import ERROR, LOWER, UPPER, TrustMap, trust_maps
from anysyn.trust.trusted import NAME, Calibration, read_calibration

DESCRIBED = "_desc-synthetic"  # in the names of a derivative, whose images have one description each


@dataclass(frozen=True, eq=False)
class TrustMaps:
    """Writes maps beside each synthesis: ``flair.nii.gz`` gets ``flair_desc-error.nii.gz`` and others.

    Args:
        calibration: What they are made by.
        sha256: Hash of its file, for the sidecars.

    Example:
        >>> TrustMaps.of("nowhere")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run ...
    """

    calibration: Calibration
    sha256: str

    @classmethod
    def of(cls, run: GivenRun) -> TrustMaps:
        """Return those of a calibrated run.

        Raises:
            UserError: If the run was not calibrated.
        """
        loaded = loaded_run(run, accelerator="cpu")
        return cls(read_calibration(loaded), digest(loaded.folder.path / NAME))

    def lacking(self, made: Synthesized, *, overwrite: bool) -> dict[str, Path]:
        """Return those of the images that have not all of their maps yet.

        Args:
            made: Images that are there, or will be.
            overwrite: Whether maps that anysyn wrote earlier are made anew.

        Raises:
            UserError: If a target is a source or was not calibrated, or a file may not be replaced.
        """
        self._check_targets(made)
        some = {}
        for name, image in made.images.items():
            places = [map_path(image, kind) for kind in kinds_of(list(made.sources))]
            there = [path for path in places if path.exists()]
            for path in [] if overwrite else there:
                self._check_same(made, name, path)
            for path in places:
                check_replaceable(path, made.sources.values())
            if overwrite or len(there) < len(places):
                some[name] = image
        return some

    def write(self, made: Synthesized) -> list[Path]:
        """Write the maps of each image, and return the files."""
        asked = (list(made.sources), list(made.images), made.acquisitions, made.batch)
        written = []
        for name, maps in trust_maps(made.run, self.calibration, made.study, *asked).items():
            for one in maps:
                path = map_path(made.images[name], one.kind)
                clear_unfinished(path, sidecar_path(path))
                write_synthetic(made.placed(one.voxels, air=one.air), path, self._record(made, name, one))
                written.append(path)
        return written

    def _check_targets(self, made: Synthesized) -> None:
        for name in made.images:
            if name in made.sources:
                raise UserError(f"--target {name} is a source, too; leave it out of one of them to have its trust maps")
            if name not in self.calibration.quantiles:
                known = ", ".join(self.calibration.quantiles)
                raise UserError(
                    f"{name}: nobody whom this run was calibrated on has it; the maps are there for {known}"
                )

    def _check_same(self, made: Synthesized, name: str, path: Path) -> None:
        """Refuse to count a map that is not the one that would be made now."""
        record = whole_record(path) or {}
        now = provenance(made.run, made.sources, made.acquisitions[name]) | self._calibrated()
        keys = ("Sources", "Weights", "Calibration", "DatasetAskedFor")
        if any(not same(record.get(key), now.get(key)) for key in keys):
            raise UserError(f"{path} exists, and is of something else; allow replacing it with --overwrite")

    def _calibrated(self) -> dict[str, Any]:
        return {"Calibration": {"sha256": self.sha256}, "CalibratedOnPeople": self.calibration.people}

    def _record(self, made: Synthesized, target: str, one: TrustMap) -> dict[str, Any]:
        """Return the sidecar of a map."""
        about: dict[str, Any] = {"TrustMap": one.kind, "About": one.about} | self._calibrated()
        if one.kind in (LOWER, UPPER):
            about |= {"Level": self.calibration.level, "ExpectedErrorsWide": self.calibration.quantiles[target]}
            about |= {"CoverageOfPeopleLeftOut": self.calibration.coverage[target]}
        return provenance(made.run, made.sources, made.acquisitions[target]) | about


def kinds_of(sources: Sequence[str]) -> list[str]:
    """Return the kinds of maps that a synthesis from these sources has.

    Example:
        >>> kinds_of(["T1w"]), kinds_of(["T1w", "T2w"])[3:]
        (['error', 'intervallower', 'intervalupper'], ['dependsT1w', 'dependsT2w'])
    """
    return [ERROR, LOWER, UPPER, *(f"depends{name}" for name in sources if len(sources) > 1)]


def map_path(image: Path, kind: str) -> Path:
    """Return the file of a map beside its image; in a derivative its description takes the place of the image's.

    Example:
        >>> map_path(Path("out/flair.nii.gz"), "error").as_posix()
        'out/flair_desc-error.nii.gz'
        >>> map_path(Path("sub-1_desc-synthetic_FLAIR.nii.gz"), "error").as_posix()
        'sub-1_desc-error_FLAIR.nii.gz'
    """
    if DESCRIBED in image.name:
        return image.with_name(image.name.replace(DESCRIBED, f"_desc-{kind}"))
    return image.with_name(f"{stem(image)}_desc-{kind}{image.name[len(stem(image)) :]}")
