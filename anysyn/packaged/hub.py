"""Packaged runs of the Hugging Face Hub: addresses ``hf://owner/name``, and what is fetched of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from anysyn.errors import UserError, reason

SCHEME = "hf://"
ADDRESS = re.compile(r"hf:/{1,2}(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(?:@(?P<revision>[\w./-]+))?")  # a path has one /
URL = re.compile(r"[a-z][a-z0-9+.-]*:/{1,2}[^/]", re.IGNORECASE)
SNAPSHOT = re.compile(r"models--(?P<owner>[\w.-]+?)--(?P<name>[\w.-]+)/snapshots/(?P<revision>[0-9a-f]{40})$")
SHARED = (  # all that is fetched and sent: text, JSON and safetensors
    *("README.md", "recipe.yaml", "weights.safetensors", "windows.json", "datasets.json", "study.json"),
    *("profile.json", "trust.safetensors", "manifest.json"),
)
NEEDED = ("recipe.yaml", "weights.safetensors", "manifest.json")


@dataclass(frozen=True)
class Address:
    """A packaged run of the hub.

    Args:
        repository: ``owner/name``.
        revision: A commit, a tag or a branch; None for the latest.
    """

    repository: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """Return the name without the owner."""
        return self.repository.partition("/")[2]

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}{f'@{self.revision}' if self.revision else ''}"


def address_of(run: str | Path) -> Address | None:
    """Return the address in the hub that a word is; None if it is a name or a path.

    Args:
        run: What a user named.

    Raises:
        UserError: If it is a web address, or ``hf://`` and no address.

    Example:
        >>> address_of("hf://lab/brain@v1"), address_of("brain-mri")
        (Address(repository='lab/brain', revision='v1'), None)
        >>> address_of("https://example.org/brain.zip")
        Traceback (most recent call last):
        anysyn.errors.UserError: https://example.org/brain.zip: is a web address, and nothing is fetched from ...
    """
    text = str(run)
    match = ADDRESS.fullmatch(text)
    if match is not None:
        return Address(f"{match['owner']}/{match['name']}", match["revision"])
    if text.startswith("hf:/"):
        raise UserError(f"{text}: is no address; write hf://OWNER/NAME, or hf://OWNER/NAME@REVISION")
    if URL.match(text):
        typed = re.sub(r":/{1,2}", "://", text, count=1)  # a path has lost one /
        raise UserError(
            f"{typed}: is a web address, and nothing is fetched from one, since nothing says what it holds; name "
            "hf://OWNER/NAME, or fetch it yourself and name the folder"
        )
    return None


def check_hub(address: Address) -> None:
    """Refuse an address of the hub where its library is missing.

    Raises:
        UserError: If so; it names the extra.
    """
    if find_spec("huggingface_hub") is None:
        raise UserError(f"{address}: needs huggingface_hub; pip install 'anysyn[hub]'")


def fetched(address: Address) -> Path:
    """Return the folder of a packaged run of the hub, in the cache of huggingface_hub; fetch it if it is not there.

    Only text, JSON and safetensors with the names that `anysyn pack` gives are fetched.

    Raises:
        UserError: If it cannot be had, or is no packaged run.
    """
    check_hub(address)
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(address.repository, revision=address.revision, allow_patterns=list(SHARED))
    except refusals() as error:
        raise UserError(f"{address}: cannot be fetched: {in_words(error)}") from error
    folder = Path(str(found))
    for name in NEEDED:
        if not (folder / name).is_file():
            raise UserError(f"{address}: holds no packaged run, since it has no {name}; make one with `anysyn push`")
    return folder


def refusals() -> tuple[type[Exception], ...]:
    """Return the errors with which the library of the hub answers: of the network, of the hub, of a name.

    Example:
        >>> issubclass(ConnectionError, refusals())
        True
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    return (HFValidationError, *HfHubHTTPError.__bases__)  # OSError, and all errors of its HTTP client, whichever it is


def in_words(error: Exception) -> str:
    """Return what went wrong with the hub, and the remedy.

    Example:
        >>> in_words(OSError("no route"))
        'no route; check the network, or name a folder'
    """
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RepositoryNotFoundError):
        return "there is no such repository, or you may not see it; check the name, or log in with `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return "there is no such revision; leave it out for the latest"
    if isinstance(error, LocalEntryNotFoundError):
        return "the hub cannot be reached, and no copy is in the cache; check the network, or name a folder"
    return f"{reason(error)}; check the network, or name a folder"


def hub_record(folder: Path) -> dict[str, str] | None:
    """Return repository and revision of a packaged run that was fetched; None for any other folder.

    Args:
        folder: Its folder in the cache of huggingface_hub.

    Example:
        >>> hub_record(Path("hub/models--lab--brain/snapshots") / ("0" * 40))["repository"]
        'lab/brain'
        >>> hub_record(Path("runs/brain")) is None
        True
    """
    match = SNAPSHOT.search(folder.as_posix())
    return None if match is None else {"repository": f"{match['owner']}/{match['name']}", "revision": match["revision"]}
