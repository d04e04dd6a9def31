"""How good synthesized images are: cases, metrics under named protocols, baselines, tables."""
