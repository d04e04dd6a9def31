"""Cross-validation of one recipe: folds of people, a training for each, and one table over all who were left out."""
