"""A published computation and ours with the same weights: what each costs, and how far apart the results are."""
