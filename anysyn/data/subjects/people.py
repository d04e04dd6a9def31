"""Which person and which visit a folder or a file belongs to, by names as data sets and hospitals give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from anysyn.data.modalities import recognise

# Words for a visit wherever they stand.
_TIME = r"days?|weeks?|wks?|months?|mo|years?|yrs?"
_DATE = r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\d{4}(\d\d)?)?"  # with the time of day, as dcm2niix writes
_DAY = r"(?:19|20)\d\d-\d\d-\d\d"
_DATE_WITH_DASHES = rf"{_DAY}([T_ ]\d\d[-_:]\d\d([-_:]\d\d(\.\d+)?)?)?"
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|okt|dez)[a-z]*"
_DATE_AS_WRITTEN = (  # 17.11.2020, 2020.11.17, 17-Nov-2020
    r"(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.(19|20)\d\d|(19|20)\d\d[._](0[1-9]|1[0-2])[._](0[1-9]|[12]\d|3[01])|"
    rf"(0?[1-9]|[12]\d|3[01])[-_. ]?{_MONTH}[-_. ]?(19|20)\d\d"
)
_SURGERY = r"(pre|post|intra)[-_ ]?(op\w*|rt|radio\w*|chemo\w*|surg\w*|treatment|therapy|tx)"
_VISIT = (
    rf"{_DATE}|{_DATE_WITH_DASHES}|{_DATE_AS_WRITTEN}|{_SURGERY}|ses-\w+|"
    r"(bl|fu|baseline|follow[-_ ]?up|screening)[-_ ]?\d*[a-z]?|"
    rf"(session|visit|timepoint|time|tp|{_TIME})[-_ ]?\d+(-\d+)?|\d+[-_ ]?({_TIME})"
)
VISIT = re.compile(_VISIT, re.IGNORECASE)
# Words for a version of the same images, for example after registration.
_VERSION = (
    r"(raw|un|pre)?[-_]?(processed|stripped|registered)|raw|reg([-_]to[-_].*)?|native|orig(inal)?|nifti|nii|"
    r"(images?|nifti[-_]files?)([-_]\w+)?|mninonlinear|"
    r"(raw|processed|preprocessed|image)[-_]?(data|images)|derivatives|structural|[1-7](\.5)?T"
)
_VERSION_ONLY = re.compile(_VERSION, re.IGNORECASE)
# Below a person, these are a visit or a version, too; above people, they may be the name of a data set.
_BELOW = re.compile(
    rf"{_VISIT}|{_VERSION}|(session|visit|scan|exam|study|day|week|month|year)[-_ ]?\d*|\d\d-\d\d-\d{{4}}(-.*)?|"
    rf"({_DATE_AS_WRITTEN})-.*|mri?|irm|mrt|old|backup|bak|archive|alt|ancien|kopie|copy|"
    r"pre|post|(anat|dwi|swi|perf)\d*|scans|resources|files|\w+_E\d{3,}|"
    r"brain|head|mni|atlas|derived|acute|chronic|unknown[-_ ]study",
    re.IGNORECASE,
)
_ABOVE = re.compile(rf"{_VISIT}|{_VERSION}", re.IGNORECASE)
_DATED = re.compile(rf"{_DATE}|{_DATE_WITH_DASHES}|{_DATE_AS_WRITTEN}", re.IGNORECASE)
# These, only if what is above or before them is the number of a person: "P12/V3" has a visit, "Leipzig/V3" a person.
_SHORT = re.compile(r"[mtvyd]\d{1,4}|\d{1,2}|\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|scan[-_]?\d*", re.IGNORECASE)
_SHORT_IN_NAME = re.compile(r"[mtvyd]\d{1,4}|mr\d+|scan[-_]?\d*", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(sub(j(ect)?)?|pat(ient)?|p|pt|case|s|id|participant|control|hc)?[-_]?\d+[a-z]?", re.IGNORECASE
)
# Below these, a folder without a number is no person: "P01/Prisma" and "P01/retest" are of P01.
_SURELY_A_PERSON = re.compile(r"(sub(j(ect)?)?|pat(ient)?|p|pt|case|participant)[-_ ]?\d+[a-z]?", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(?P<before>.*\d)([-_. ]\d{1,2}|[-_. ]?[a-d])", re.IGNORECASE)
_PARTS_OF_A_SPLIT = re.compile(
    r"dis[ck][-_ ]?\d+|(images)?(train|training|val|valid|validation|test|testing)(data|ing|tr|ts)?|images(tr|ts)",
    re.IGNORECASE,
)

_SERIES_FOLDER = re.compile(
    r"^[SI]\d{3,}$|^series[-_ ]?\d+$|^anat\d*$|^(dwi|swi|perf)\d+$|^(scans|resources|files|nifti)$", re.IGNORECASE
)
_BIOBANK = re.compile(r"^(?P<person>\d{7})_\d{5}_(?P<visit>\d)_\d$")  # UK Biobank: person, field, visit

# How public data sets write person and visit in one name.
_PUBLISHED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<person>BraTS-[A-Z]+-\d+)-(?P<visit>\d{3})",  # since 2023
        r"(?P<person>BraTS1[789]_(CBICA|TCIA\d*|TMC|2013)_[A-Z0-9]+)_(?P<visit>\d)",
        r"(?P<person>UPENN-GBM-\d{5})_(?P<visit>\d\d)",
        r"(?P<person>OAS3\d{4})_(?P<visit>(MR_|CT_|[A-Z0-9]*PET_|[A-Z0-9]+_)?d\d{4})",  # OASIS-3
        r"(?P<person>OAS[12]_\d{4})_(?P<visit>MR\d)",
        _BIOBANK.pattern,
        r"(?P<person>\d{7})_(?P<visit>\d)",  # what `plain_place` makes of it
    )
)


def person_and_visit(name: str) -> tuple[str, str]:
    """Split the name of a folder, or the beginning of a file's name, into a person and a visit, "" if it names none.

    Example:
        >>> person_and_visit("UPENN-GBM-00001_11"), person_and_visit("P01_preop"), person_and_visit("TCGA-DU-7294")
        (('UPENN-GBM-00001', '11'), ('P01', 'preop'), ('TCGA-DU-7294', ''))
        >>> person_and_visit("UCSF-PDGM-0004_FU001d_nifti"), person_and_visit("BraTS2021_00000")
        (('UCSF-PDGM-0004', 'FU001d'), ('BraTS2021_00000', ''))
    """
    for pattern in _PUBLISHED:
        if match := pattern.fullmatch(name):
            return match["person"], match["visit"]
    person, visits = name, []
    while ending := next(_endings(person), None):
        person, word = ending
        visits += [] if _VERSION_ONLY.fullmatch(word) else [word]
    return person, "_".join(reversed(visits))


def _endings(name: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to split a visit or a version off the end of a name, the longest first."""
    for match in re.finditer(r"[-_. ]", name):
        rest, word = name[: match.start()], name[match.end() :]
        numbered = any(character.isdigit() for character in rest)
        if rest and (
            _ABOVE.fullmatch(word) or word.lower() in {"pre", "post"} or (numbered and _SHORT_IN_NAME.fullmatch(word))
        ):
            yield rest, word


def plain_place(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of one visit under names that all its images share.

    ADNI has a folder with the time of each image, UK Biobank one for each kind of image, XNAT ``scans/x/resources``.

    Example:
        >>> plain_place(["002_S_0295", "2006-04-18_08_20_30.0", "S13408"]), plain_place(["1000013_20252_2_0"])
        (('002_S_0295', '2006-04-18'), ('1000013_2',))
    """
    plain = [_SERIES_FOLDER.sub("", part) for part in parts]
    plain = [re.sub(rf"^({_DAY})[T_ ]\d\d[-_:].*", r"\1", part) for part in plain]
    return tuple(_BIOBANK.sub(r"\g<person>_\g<visit>", part) for part in plain if part)


def visit_of(words: Sequence[str]) -> str:
    """Return the visit among the words of a file's name, or "".

    Example:
        >>> visit_of(["T1", "BL"]), visit_of(["flair", "time01", "on", "middle", "space"]), visit_of(["T1", "post"])
        ('BL', 'time01', '')
        >>> visit_of(["t1", "mprage", "20190131103456", "7"]), visit_of(["ses", "02", "T1w"])
        ('20190131', 'ses-02')
    """
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if re.fullmatch(_DATE, word):
            return word[:8]
        if VISIT.fullmatch(word):
            return word
        if following.isdigit() and VISIT.fullmatch(f"{word}-{following}"):
            return f"{word}-{following}"
    return ""


def person_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the part of a path that names a person.

    Example:
        >>> person_of(["IXI", "0042", "raw"]), person_of(["sub-01", "ses-1", "raw"]), person_of(["BraTS-GLI-00005-100"])
        (('IXI', '0042'), ('sub-01',), ('BraTS-GLI-00005',))
        >>> person_of(["baseline", "P01"]), person_of(["HCP", "100307", "T1w"]), person_of(["P12", "V3"])
        (('P01',), ('HCP', '100307'), ('P12',))
        >>> person_of(["Meier", "17.11.2020"]), person_of(["P01", "Prisma"]), person_of(["month-12"])
        (('Meier',), ('P01',), ())
    """
    depth = next((depth for depth, part in enumerate(parts, 1) if _is_person(part)), 0)
    if not depth:
        depth = len(parts)
        while depth > 1 and _is_below(parts[depth - 1], parts[depth - 2]):
            depth -= 1
    if not depth or (len(parts) == 1 and _ABOVE.fullmatch(parts[0]) and not _DATED.fullmatch(parts[0])):
        return ()
    above = [part for part in parts[: depth - 1] if not _ABOVE.fullmatch(part)]
    person = person_and_visit(parts[depth - 1])[0]
    return (*above[:-1], person) if above and above[-1] == person else (*above, person)  # P01/P01_visit2


def dataset_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the part of a path above people that names their dataset: all but the parts of a split, and versions.

    Example:
        >>> dataset_of(["IXI", "train"]), dataset_of(["raw", "Utrecht"])
        (('IXI',), ('Utrecht',))
    """
    return tuple(p for p in parts if not (_PARTS_OF_A_SPLIT.fullmatch(p) or _ABOVE.fullmatch(p)))


def namesakes(persons: Iterable[str]) -> Iterator[str]:
    """Yield a note for folders that hold people of the same names, as sites do, but also versions of one cohort.

    Example:
        >>> list(namesakes(["new/P01", "old/P01", "new/P02"]))[0]
        "P01 in new and in old are taken for different people; else give a CSV with a column 'person' as data.root"
    """
    above: dict[str, list[str]] = {}
    for person in sorted(set(persons)):
        folder, _, name = person.rpartition("/")
        above.setdefault(name, []).append(folder or ".")
    several = {name: folders for name, folders in above.items() if len(folders) > 1}
    if several:
        name, (first, second, *_) = next(iter(several.items()))
        more = f" (and {len(several) - 1} more names)" if len(several) > 1 else ""
        yield (
            f"{name} in {first} and in {second}{more} are taken for different people; "
            "else give a CSV with a column 'person' as data.root"
        )


def numbered_alike(persons: Iterable[str]) -> Iterator[str]:
    """Yield a note for people whose names differ in a last number or letter alone, which may be that of a visit.

    Example:
        >>> list(numbered_alike(["P01_1", "P01_2", "P02_1"]))[0][:45]
        'P01_1 and P01_2 are taken for two people; if '
        >>> list(numbered_alike(["S-01", "S-02", "BraTS2021_00002", "BraTS2021_00003"]))
        []
    """
    alike: dict[str, list[str]] = {}
    for person in sorted(set(persons)):
        if match := _LAST_NUMBER.fullmatch(person):
            alike.setdefault(match["before"], []).append(person)
    several = [names for names in alike.values() if len(names) > 1]
    if several:
        first, second, *_ = several[0]
        more = f", and {len(several) - 1} more such groups," if len(several) > 1 else ""
        yield (
            f"{first} and {second}{more} are taken for two people; if they are visits of one, "
            "give a CSV with a column 'person' as data.root"
        )


def _is_person(part: str) -> bool:
    return part.startswith("sub-") or any(pattern.fullmatch(part) for pattern in _PUBLISHED)


def _is_below(part: str, above: str) -> bool:
    if _BELOW.fullmatch(part) or recognise(part):
        return True
    if _SURELY_A_PERSON.fullmatch(above) and not any(character.isdigit() for character in part):
        return True
    return bool(_SHORT.fullmatch(part) and _NUMBERED.fullmatch(above))
