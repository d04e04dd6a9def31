"""Standardized uptake values: what brings a PET in Bq/mL to SUV by body weight."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from anysyn.scans.dicom.errors import DicomError
from anysyn.scans.dicom.headers import SourceSeries, number_in, text_in

if TYPE_CHECKING:
    from pydicom import Dataset

LONGEST_WAIT = timedelta(hours=24)


class Uptake(NamedTuple):
    """What brings a PET to SUV, and the entries of its BIDS sidecar."""

    factor: float
    fields: dict[str, Any]


def uptake_of(series: SourceSeries) -> Uptake:
    """Return the factor from the stored activity to SUV by body weight.

    ``SUVbw = C * w / (D * 2^(-t / T))`` with C in Bq/mL corrected for decay to the start of the scan, body weight w in
    g, injected dose D in Bq, t from the injection to the start of the scan and half-life T (QIBA, SUV vendor-neutral
    pseudo-code). Corrected to the injection (``DecayCorrection ADMIN``), t is 0.

    Raises:
        DicomError: If a tag that this needs is missing or impossible; the end of a sentence about the series.

    Example:
        >>> round(suv_factor(weight_kg=70, dose_bq=350e6, half_life_s=6586, wait_s=6586), 9)
        0.0004
    """
    header = series.header
    if not (items := header.get("RadiopharmaceuticalInformationSequence")):
        raise DicomError("says nothing of its tracer (RadiopharmaceuticalInformationSequence)")
    drug, start = items[0], scan_start(series)
    fields = _fields(header, drug, start)
    units = text_in(header, "Units").upper()
    if units == "GML" and text_in(header, "SUVType").upper() in ("", "BW"):
        return Uptake(1.0, fields)
    if units != "BQML":
        raise DicomError(f"is in {units or 'no stated unit'} (Units), from which no SUV follows; export it in BQML")
    correction = text_in(header, "DecayCorrection").upper()
    if correction not in ("START", "ADMIN"):
        raise DicomError(f"states DecayCorrection {correction or 'nowhere'}, and START or ADMIN is needed for SUV")
    weight, dose, half_life = (
        _positive(place, keyword)
        for place, keyword in (
            (header, "PatientWeight"),
            (drug, "RadionuclideTotalDose"),
            (drug, "RadionuclideHalfLife"),
        )
    )
    wait = _wait(drug, start).total_seconds() if correction == "START" else 0.0
    return Uptake(suv_factor(weight_kg=weight, dose_bq=dose, half_life_s=half_life, wait_s=wait), fields)


def suv_factor(*, weight_kg: float, dose_bq: float, half_life_s: float, wait_s: float) -> float:
    """Return SUV per Bq/mL: body weight in g over the dose that is left after the wait."""
    return 1000.0 * weight_kg / (dose_bq * math.exp2(-wait_s / half_life_s))


def scan_start(series: SourceSeries) -> datetime | None:
    """Return the start of the scan: that of the series, unless it was made later, then of its first acquisition."""
    first = min(filter(None, (_moment(header, "Acquisition") for header in series.headers)), default=None)
    begun = _moment(series.header, "Series")
    return min(filter(None, (first, begun)), default=None)


def _wait(drug: Dataset, start: datetime | None) -> timedelta:
    injected = _injected(drug, start)
    if start is None or injected is None:
        raise DicomError("does not say when it was injected or begun, which SUV needs for the decay")
    wait = start - injected
    if not timedelta(0) <= wait <= LONGEST_WAIT:
        raise DicomError(
            f"was begun {wait.total_seconds() / 60:.0f} min after the injection by its tags, which is impossible"
        )
    return wait


def _injected(drug: Dataset, start: datetime | None) -> datetime | None:
    moment = _parsed(text_in(drug, "RadiopharmaceuticalStartDateTime").split("+")[0].split("-")[0])
    if moment is None and start is not None:
        moment = _parsed(f"{start:%Y%m%d}{text_in(drug, 'RadiopharmaceuticalStartTime')}")
    return moment


def _fields(header: Dataset, drug: Dataset, start: datetime | None) -> dict[str, Any]:
    """Return the entries of the BIDS sidecar, without those whose tags are missing."""
    codes = drug.get("RadiopharmaceuticalCodeSequence") or ()
    names = (text_in(drug, "Radiopharmaceutical"), *(text_in(code, "CodeMeaning") for code in codes))
    fields: dict[str, Any] = {"Units": "SUV", "Radiopharmaceutical": " ".join(filter(None, names))}
    if dose := number_in(drug, "RadionuclideTotalDose"):
        fields |= {"InjectedRadioactivity": round(dose / 1e6, 6), "InjectedRadioactivityUnits": "MBq"}
    injected = _injected(drug, start)
    if start and injected and injected <= start:
        fields |= {"InjectionStart": -round((start - injected).total_seconds(), 3), "ScanStart": 0}
    if duration := number_in(header, "ActualFrameDuration"):
        fields["FrameDuration"] = [duration / 1000]
    return {key: value for key, value in fields.items() if value != ""}


def _positive(place: Dataset, keyword: str) -> float:
    value = number_in(place, keyword)
    if value is None or not 0 < value < math.inf:
        raise DicomError(f"lacks {keyword}, which SUV needs")
    return value


def _moment(header: Dataset, what: str) -> datetime | None:
    return _parsed(text_in(header, f"{what}Date") + text_in(header, f"{what}Time"))


def _parsed(text: str) -> datetime | None:
    day_and_time = re.fullmatch(r"(\d{8})(\d{2})(\d{2})(\d{2})?(\.\d{1,6})?", text)
    if day_and_time is None:
        return None
    day, hours, minutes, seconds, part = day_and_time.groups(default="0")
    try:
        midnight = datetime.strptime(day, "%Y%m%d")
    except ValueError:
        return None
    return midnight + timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds) + float(f"0{part}"))
