"""Recipes: how a method is composed, trained and fed, as checked YAML."""

from anysyn.recipe.sections import Data, Recipe, Split, Stage, Step

__all__ = ["Data", "Recipe", "Split", "Stage", "Step"]
