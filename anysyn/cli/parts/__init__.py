"""What `list` and `show` print of the parts: one line each, the reference page, the parts of a recipe."""
