"""A packaged run of the tiny one, and the notes for its card."""

import shutil

import yaml

from anysyn.packing.pack import pack

NOTES = {
    "version": "1.0.0",
    "description": "Ellipsoids of four tissues.",
    "license": "apache-2.0",
    "authors": ["The anysyn developers"],
    "copyright": "Copyright the anysyn developers",
    "intended_use": "ellipsoids of 4 x 5 x 4 cm",
    "limitations": ["anything that is no ellipsoid"],
    "data": [{"name": "ellipsoids", "kind": "simulated", "license": "CC0-1.0", "citation": "tests/toys.py"}],
}


def write_notes(folder, **changes):
    path = folder / "notes.yaml"
    path.write_text(yaml.safe_dump({**NOTES, **changes}, sort_keys=False))
    return path


def pack_tiny(tiny, folder, name="tiny-brain", **options):
    """Pack a copy of the tiny run, which stays as it is, and return the packaged run's folder."""
    run = folder / "of" / "run"
    if not run.exists():
        shutil.copytree(tiny / "run", run)
    return pack(run, name=name, card=write_notes(folder), out=folder / "packages", **options).folder
