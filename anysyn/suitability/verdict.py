"""The comparison of a scan with the training images of a run: pass, warn or refuse, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from anysyn.suitability.appearance import BOXES, Appearance
from anysyn.suitability.profile import Profile

Level = Literal["pass", "warn", "refuse"]
LEVELS: tuple[Level, ...] = ("pass", "warn", "refuse")
AXES = (("left and right", "x"), ("back and front", "y"), ("top and bottom", "z"))
ENDS = ("left", "right", "back", "front", "bottom", "top")
ENOUGH = 5  # training images of a contrast; a profile of fewer warns where it would refuse

# judgement, looked at on validation subjects and real scans, and not fitted: docs/guide/suitability.md
SIZE = (0.25, 0.6)  # logarithm beyond the training's range: warn, refuse
CUT = (0.25, 0.45)  # share of the largest cross-section beyond the training's range
EDGE = (1.6, 3.0)  # times the training's longest voxel edge
FINE = 3.5  # mm: a shorter edge is never too coarse, since the anatomy still shows
FAR = {"outline": (2.5, 4.0), "layers": (2.5, 4.0), "histogram": (3.0, 5.0), "texture": (3.0, 6.0)}  # deviations
SEEN = 1.3  # times the largest distance among the training images, if that is more
NEARER = 1.4  # times nearer to another contrast than to the one it was handed in as
UNLIKE = 0.7  # distance from the own contrast below which nothing is doubted
STRANGE = 1.0  # distance from the own contrast below which another one is only warned about
UPRIGHT = (0.55, 0.4)  # 1 is upright, 0 turned over
TELLING = 0.7  # deviations between a body and the same turned over, below which nobody can tell


@dataclass(frozen=True)
class Finding:
    """One way in which an image differs from the training images.

    Args:
        contrast: What the image was handed in as.
        about: ``contrast``, ``orientation``, ``coverage``, ``size``, ``outline``, ``layers``, ``histogram``,
            ``texture`` or ``resolution``.
        level: ``warn`` or ``refuse``.
        value: What was measured, in words.
        seen: What the training images have, in words.
        remedy: What to do.

    Example:
        >>> str(Finding("T1w", "size", "warn", "volume 4000 cm3", "1200 to 1700 cm3", "extract the brain"))
        'warn: T1w: volume 4000 cm3; in training 1200 to 1700 cm3; extract the brain'
    """

    contrast: str
    about: str
    level: Level
    value: str
    seen: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.level}: {self.contrast}: {self.value}; in training {self.seen}; {self.remedy}"


@dataclass(frozen=True)
class Verdict:
    """Whether a run suits a scan.

    Args:
        findings: What differs, worst first.
        unknown: Why it could not be compared; None if it was.
    """

    findings: tuple[Finding, ...] = ()
    unknown: str | None = None

    @property
    def level(self) -> Level:
        """Return the worst level of the findings."""
        return max((finding.level for finding in self.findings), key=LEVELS.index, default="pass")

    def lines(self) -> Iterator[str]:
        """Yield a line for each finding, or the one that says that there is none."""
        yield from map(str, self.findings)
        if self.unknown:
            yield f"not checked: {self.unknown}"
        elif not self.findings:
            yield "pass: the scan looks like the training images"

    def record(self) -> dict[str, Any]:
        """Return the entry of a sidecar."""
        level = "unknown" if self.unknown else self.level
        return {"Level": level, "Findings": [str(finding) for finding in self.findings]}


def judge(profile: Profile, images: Mapping[str, Appearance]) -> Verdict:
    """Compare the images of a scan with the training images.

    Args:
        profile: What the training images look like.
        images: What each image looks like, by the modality that it was handed in as.
    """
    findings = list[Finding]()
    unknown = [name for name in images if name not in profile.groups]
    for name, seen in images.items():
        if name not in unknown:
            findings += _findings(profile, name, seen)
    findings.sort(key=lambda finding: -LEVELS.index(finding.level))
    why = f"no training image of {', '.join(unknown)} was measured" if unknown else None
    return Verdict(tuple(findings), why)


def _findings(profile: Profile, name: str, seen: Appearance) -> Iterator[Finding]:
    for about, find in (
        ("contrast", _contrast),
        ("orientation", _orientation),
        ("coverage", _coverage),
        ("size", _size),
        ("resolution", _resolution),
        ("outline", _far),
        ("layers", _far),
        ("histogram", _far),
        ("texture", _far),
    ):
        answer = find(profile, name, seen, about)
        if answer is not None:
            severity, value, known, remedy = answer
            sure = severity > 1 and profile.counts[name] >= ENOUGH
            yield Finding(name, about, "refuse" if sure else "warn", value, known, remedy)


Answer = tuple[int, str, str, str]


def _contrast(profile: Profile, name: str, seen: Appearance, _: str) -> Answer | None:
    distances = profile.contrast_distances(seen)
    own, other = distances[name], min(distances, key=lambda each: distances[each])
    if other == name or own < UNLIKE or own < NEARER * distances[other]:
        return None
    value = f"looks like {other} (distance {distances[other]:.1f}) rather than {name} ({own:.1f})"
    return 1 + (own > STRANGE), value, f"{name} and {other} differ", f"hand it in as {other} if it is one"


def _orientation(profile: Profile, name: str, seen: Appearance, about: str) -> Answer | None:
    upright = [_uprightness(profile, name, seen, axis) for axis in (1, 2)]  # left and right look alike
    axis = int(np.argmin(upright)) + 1
    value = f"its {AXES[axis][0]} seem exchanged ({upright[axis - 1]:.2f}, where 1 is upright and 0 turned over)"
    words = value, "all stood as their headers say", "correct the orientation in the file's header"
    return _graded(1 - upright[axis - 1], [1 - limit for limit in UPRIGHT], *words)


def _uprightness(profile: Profile, name: str, seen: Appearance, axis: int) -> float:
    r"""Return where the silhouette lies between the training's mean turned over along an axis, 0, and as it is, 1.

    With mean :math:`m`, turned :math:`t` and weights :math:`1/s^2`: :math:`(x-t)\cdot(m-t) / |m-t|^2`; 1 for a body
    that looks the same turned over.
    """
    stats = profile.groups[name]["silhouette"]
    mean, sd = np.asarray(stats.mean), np.asarray(stats.sd)
    turned = np.flip(mean.reshape(BOXES, BOXES), axis - 1).ravel()
    way = (mean - turned) / sd
    if float(np.sqrt(np.mean(way**2))) < TELLING:
        return 1.0
    return float((seen.group("silhouette") - turned) / sd @ way / (way @ way))


def _coverage(profile: Profile, name: str, seen: Appearance, about: str) -> Answer | None:
    beyond = seen.group("ends") - np.asarray(profile.groups[name]["ends"].high)
    worst = int(np.argmax(beyond))
    value = f"is cut off at the {ENDS[worst]}, where its outermost 4 mm have {seen.ends[worst]:.0%} of its widest area"
    known = f"at most {profile.groups[name]['ends'].high[worst]:.0%}"
    limits = (CUT[0], np.inf) if ENDS[worst] == "bottom" else CUT  # most scans of a head end somewhere in the neck
    return _graded(beyond[worst], limits, value, known, "hand in a scan of the whole")


def _size(profile: Profile, name: str, seen: Appearance, about: str) -> Answer | None:
    stats = profile.groups[name]["size"]
    values, low, high = seen.group("size"), np.asarray(stats.low), np.asarray(stats.high)
    beyond = np.maximum(low - values, values - high)
    worst = int(np.argmax(beyond))
    what, unit = ("volume", "cm3") if worst == 0 else (f"extent along {AXES[worst - 1][1]}", "mm")
    value = f"{what} {np.exp(values[worst]):.0f} {unit}"
    known = f"{np.exp(low[worst]):.0f} to {np.exp(high[worst]):.0f} {unit}"
    remedy = "prepare it as the training images were (the whole head or only the brain), or use another run"
    return _graded(beyond[worst], SIZE, value, known, remedy)


def _resolution(profile: Profile, name: str, seen: Appearance, _: str) -> Answer | None:
    edge, known = max(seen.voxel), max(profile.groups[name]["voxel"].high)
    if edge <= FINE:
        return None
    words = f"voxels of up to {edge:.1f} mm", f"up to {known:.1f} mm"
    return _graded(edge / known, EDGE, *words, "hand in a finer scan, or trust no detail of the answer")


WORDS = {
    "outline": ("its outline differs", "use a run of this part of the body, or check what the scan covers"),
    "layers": ("its brightness by depth below the surface differs", "remove (or keep) the skull as in training"),
    "histogram": ("its intensities are spread differently", "hand in the scan as the scanner made it"),
    "texture": ("it is rougher or smoother", "hand in a scan with less noise, without smoothing"),
}


def _far(profile: Profile, name: str, seen: Appearance, about: str) -> Answer | None:
    stats = profile.groups[name][about]
    distance = stats.distance(seen.group(about))
    warn, refuse = (max(limit, SEEN * stats.seen, stats.limit) for limit in FAR[about])
    what, remedy = WORDS[about]
    return _graded(
        distance,
        (warn, max(refuse, 1.5 * warn)),
        f"{what}: distance {distance:.1f}",
        f"at most {stats.seen:.1f}",
        remedy,
    )


def _graded(value: float, limits: Sequence[float], *words: str) -> Answer | None:
    severity = sum(value > limit for limit in limits)
    return (severity, *words) if severity else None  # type: ignore[return-value]
