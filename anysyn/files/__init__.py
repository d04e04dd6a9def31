"""Files and folders: written whole or not at all, owned by a manifest, locked while they are written, safely named."""

from anysyn.files.bounded import check_regular, read_json, read_regular
from anysyn.files.lock import locked
from anysyn.files.manifest import Contents, add_to_manifest, contents_of, listing, write_manifest
from anysyn.files.names import check_name, check_names
from anysyn.files.results import own_alone, whole_results
from anysyn.files.whole import clear_unfinished, replacing, replacing_pair, write_json, write_text
from anysyn.files.whole_folder import whole_folder

__all__ = [
    "Contents",
    "add_to_manifest",
    "check_name",
    "check_names",
    "check_regular",
    "clear_unfinished",
    "contents_of",
    "listing",
    "locked",
    "own_alone",
    "read_json",
    "read_regular",
    "replacing",
    "replacing_pair",
    "whole_folder",
    "whole_results",
    "write_json",
    "write_manifest",
    "write_text",
]
