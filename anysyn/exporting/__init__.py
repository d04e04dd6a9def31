"""Export: the network of a run for fixed sources and one target, for programs that know nothing of anysyn."""

from anysyn.exporting.network_file import Exported, export

__all__ = ["Exported", "export"]
