"""Published weights of others as runs and checkpoints of anysyn; each layout is a file."""

from anysyn.importing.image_text import import_medclip, import_open_clip
from anysyn.importing.tumsyn import import_tumsyn

__all__ = ["import_medclip", "import_open_clip", "import_tumsyn"]
