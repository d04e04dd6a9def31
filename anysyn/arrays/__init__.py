"""Images in memory: numpy, torch, MONAI, nibabel and SimpleITK, handed to a run and given back in the same kind."""

from anysyn.arrays.run import Answer, Run, load

__all__ = ["Answer", "Run", "load"]
