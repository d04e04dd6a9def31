"""Reports that readers wrote of real and of synthesized images, compared (PMM-Synth, Tables 3 and 4)."""
