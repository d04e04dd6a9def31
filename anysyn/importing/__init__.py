"""Published weights of others as runs and checkpoints of anysyn; each layout is a file."""

from anysyn.importing.tumsyn import import_tumsyn

__all__ = ["import_tumsyn"]
