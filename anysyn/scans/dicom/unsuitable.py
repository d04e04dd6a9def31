"""Series that are no image to synthesize from, by their headers alone."""

from __future__ import annotations

from collections.abc import Iterable

from anysyn.scans.dicom.headers import SourceSeries, frames_of, number_in, orientation_of, text_in

IMAGES = ("MR", "CT", "PT")
OTHERS = {
    "SR": "is a report",
    "KO": "is a list of key images",
    "PR": "is how images are shown, not an image",
    "SEG": "is a segmentation",
    "RTSTRUCT": "is a set of contours",
    "RTDOSE": "is a dose",
    "RTPLAN": "is a treatment plan",
    "DOC": "is a document",
    "OT": "is a picture of no scanner",
    "SC": "is a screenshot",
    "REG": "is a registration",
}
SCREENSHOT = "1.2.840.10008.5.1.4.1.1.7"  # SOP classes of secondary captures begin so
REFORMATTED = ("MPR", "CSA MPR", "REFORMATTED", "RESAMPLED", "CURVED MPR", "VRT", "SSD", "3DRENDERING")
COMPUTED = ("ADC", "TRACEW", "TRACE", "SWI", "DIFFUSION")  # derived, and a contrast all the same
LEAST_SLICES = 3
SAME_DIRECTION = 1e-3
MARK = "[SYNTHETIC]"


def reason_against(series: SourceSeries) -> str | None:
    """Return why a series is left out, as the end of a sentence about it; None if it may be used."""
    header = series.header
    modality, kinds = text_in(header, "Modality"), image_types(series)
    if modality not in IMAGES:
        return OTHERS.get(modality, f"is of the kind {modality or 'unknown'}, not MR, CT or PT")
    if text_in(header, "SOPClassUID").startswith(SCREENSHOT):
        return "is a screenshot (secondary capture)"
    if number_in(header, "Rows") is None:
        return "has no pixels"
    if (number_in(header, "SamplesPerPixel") or 1) > 1:
        return "is in colour, as a map of directions or a screenshot"
    if text_in(header, "SeriesDescription").startswith(MARK) or "SYNTHETIC" in kinds:
        return "is synthetic"
    if "LOCALIZER" in kinds:
        return "is an image to plan others with (ImageType LOCALIZER)"
    return _derived(kinds) or _geometry(series) or _attenuation(series)


def image_types(series: SourceSeries) -> tuple[str, ...]:
    """Return the words of ImageType, of the series' first file."""
    return tuple(word.strip().upper() for word in text_in(series.header, "ImageType").split("\\") if word.strip())


def _derived(kinds: Iterable[str]) -> str | None:
    words = set(kinds)
    if reformatted := sorted(words.intersection(REFORMATTED)):
        return f"is reformatted from another series (ImageType {reformatted[0]})"
    if {"DERIVED", "SECONDARY"} <= words and not words.intersection(COMPUTED):
        return r"is derived from other images (ImageType DERIVED\SECONDARY)"
    return None


def _geometry(series: SourceSeries) -> str | None:
    axes = [orientation_of(header) for header in series.headers]
    first = axes[0]
    if first is None or any(one is None for one in axes):
        return "does not say where its slices lie (ImageOrientationPatient)"
    if any(abs(one - first).max() > SAME_DIRECTION for one in axes if one is not None):
        return "has slices in several directions, as an image to plan others with"
    if (slices := frames_of(series)) < LEAST_SLICES:
        return f"has {slices} slice{'s' if slices > 1 else ''}, and at least {LEAST_SLICES} make a volume"
    return None


def _attenuation(series: SourceSeries) -> str | None:
    corrected = text_in(series.header, "CorrectedImage")
    if text_in(series.header, "Modality") == "PT" and corrected and "ATTN" not in corrected:
        return "is a PET without correction for attenuation (CorrectedImage)"
    return None
