"""The commands about recipes and training."""
