"""Recipes: the package `anysyn.recipes` where anysyn is installed, the folder `recipes` in a checkout."""
