"""Code that a MONAI bundle takes along: what MONAI has nothing for, as the run does it."""
