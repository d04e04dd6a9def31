"""A run as a transform of MONAI's dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai.transforms import MapTransform

from anysyn.arrays.run import Run
from anysyn.errors import UserError


class Synthesized(MapTransform):  # type: ignore[misc]
    """Synthesize an image from others of a dictionary, as a transform of MONAI's among others.

    Args:
        keys: Of the sources. A dictionary that lacks some of them is synthesized from the others, if ``allow_missing``.
        run: What `anysyn.load` returned.
        target: Modality to synthesize.
        output_key: Where the image goes; by default the name of the target.
        modalities: Of the sources, in the order of the keys; by default the keys name them.
        allow_missing: Whether a dictionary may lack sources, as long as it has one.
        options: Of `Run.answer`, for example ``resample_to="T1w"`` or ``anyway=True``.

    Raises:
        UserError: If the keys and the modalities differ in number; in a call, as `Run.answer`, if a source is missing,
            or if something is at the place of the output.

    Example:
        >>> Synthesized("image", run=None, target="T2w", modalities=["T1w", "FLAIR"])
        Traceback (most recent call last):
        anysyn.errors.UserError: Synthesized: 1 keys (image), but 2 modalities (T1w, FLAIR); give one for each key
    """

    def __init__(
        self,
        keys: str | Sequence[str],
        *,
        run: Run,
        target: str,
        output_key: str | None = None,
        modalities: str | Sequence[str] | None = None,
        allow_missing: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(keys, allow_missing)
        self.run, self.target, self.options = run, target, options
        self.output_key = target if output_key is None else output_key
        names = [modalities] if isinstance(modalities, str) else list(self.keys if modalities is None else modalities)
        if len(names) != len(self.keys):
            raise UserError(
                f"Synthesized: {len(self.keys)} keys ({', '.join(map(str, self.keys))}), but {len(names)} modalities "
                f"({', '.join(map(str, names))}); give one for each key"
            )
        self.modalities = dict(zip(self.keys, names, strict=True))

    def __call__(self, data: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return the dictionary with the synthetic image."""
        if self.output_key in data:
            raise UserError(f"Synthesized: {self.output_key!r} is there already; choose another output_key")
        missing = [str(key) for key in self.keys if key not in data]
        if missing and not self.allow_missing_keys:
            raise UserError(
                f"Synthesized: {', '.join(missing)} not among {', '.join(map(str, data))}; add allow_missing=True to "
                "synthesize from the other sources"
            )
        shown = {name: data[key] for key, name in self.modalities.items() if key in data}
        return {**data, self.output_key: self.run(shown, target=self.target, **self.options)}
