"""Push a run to the Hugging Face Hub, or into a folder: packed first, so that nothing else of it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from anysyn.errors import UserError
from anysyn.packaged.hub import SHARED, Address, address_of, check_hub, in_words, refusals
from anysyn.packing.pack import Packed, pack
from anysyn.progress import Progress
from anysyn.training.run_folder.names import HasFolder, find_run

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Pushed:
    """A packaged run in the hub.

    Args:
        address: Its address, with the revision that was made.
        public: Whether everybody may see it.

    Example:
        >>> print(*Pushed(Address("lab/brain", "0" * 7), False).lines(), sep=chr(10))
        hf://lab/brain@0000000: for its owners alone
        use it: anysyn synthesize hf://lab/brain --source T1w=t1.nii.gz --target T2w --out t2.nii.gz
    """

    address: Address
    public: bool

    def lines(self) -> Iterator[str]:
        """Yield where it is, and how it is used."""
        yield f"{self.address}: {'for everybody' if self.public else 'for its owners alone'}"
        bare = Address(self.address.repository)
        yield f"use it: anysyn synthesize {bare} --source T1w=t1.nii.gz --target T2w --out t2.nii.gz"


def push(
    run: str | Path | HasFolder,
    to: str | Path,
    *,
    card: str | Path | None = None,
    public: bool = False,
    large: bool = False,
    overwrite: bool = False,
    progress: Progress | bool | None = None,
) -> Pushed | Packed:
    """Pack a run, unless it is packed already, and send it to the hub or into a folder.

    The library of the hub finds its token and its address by itself (``hf auth login``).

    Args:
        run: A run folder, or a packaged run.
        to: ``hf://owner/name``, or a folder to make.
        card: As for `anysyn.pack`; needed unless the run is packed.
        public: Whether a repository that is made is for everybody.
        large: As for `anysyn.pack`.
        overwrite: Whether a repository that holds weights gets a further revision, or a packaged run is replaced.
        progress: What says what is left out.

    Raises:
        UserError: If the run cannot be packed, the address is none, or the hub refuses it.

    Example:
        >>> push("nowhere", "https://example.org/brain")
        Traceback (most recent call last):
        anysyn.errors.UserError: https://example.org/brain: is a web address, and nothing is fetched from one, ...
    """
    address = address_of(to)
    if address is None:
        if public:
            raise UserError(f"--public: {to} is a folder, which nobody sees; leave it out, or name hf://OWNER/NAME")
        place = Path(to)
        return pack(
            run,
            name=place.name,
            card=_needed(card),
            out=place.parent,
            large=large,
            overwrite=overwrite,
            progress=progress,
        )
    if address.revision:
        raise UserError(f"{address}: a push makes the revision; leave out @{address.revision}")
    check_hub(address)
    with _packed(run, address, card, large, progress) as folder:
        return _send(folder, address, public, overwrite)


@contextmanager
def _packed(
    run: str | Path | HasFolder,
    address: Address,
    card: str | Path | None,
    large: bool,
    progress: Progress | bool | None,
) -> Iterator[Path]:
    folder = find_run(run)
    if folder.packaged:
        yield folder.path
        return
    with TemporaryDirectory() as made:
        yield pack(run, name=address.name, card=_needed(card), out=made, large=large, progress=progress).folder


def _needed(card: str | Path | None) -> str | Path:
    if card is None:
        raise UserError("--card: name the notes for its card, since the run is not packed yet (docs/guide/models.md)")
    return card


def _send(folder: Path, address: Address, public: bool, overwrite: bool) -> Pushed:
    """Send a packaged run."""
    from huggingface_hub import HfApi

    api, name = HfApi(library_name="anysyn", library_version=version("anysyn")), address.repository
    try:
        if not overwrite and api.file_exists(name, WEIGHTS):
            raise UserError(f"{address} holds weights already; give it a further revision with --overwrite")
        api.create_repo(name, private=not public, exist_ok=True)
        made = api.upload_folder(
            repo_id=name,
            folder_path=folder,
            allow_patterns=list(SHARED),
            commit_message=f"Pushed by anysyn {version('anysyn')}: synthetic, not for clinical use",
        )
        seen_by_all = not api.model_info(name).private  # an earlier repository stays as it was
    except refusals() as error:
        raise UserError(f"{address}: cannot be pushed: {in_words(error)}") from error
    return Pushed(Address(name, str(made.oid)), seen_by_all)
