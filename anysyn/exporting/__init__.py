"""Export: the network of a run for fixed sources and one target, for programs that know nothing of anysyn."""

from anysyn.exporting.export import Exported, export

__all__ = ["Exported", "export"]
