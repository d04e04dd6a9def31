"""Sources made worse on purpose: corruptions, thick slices, calibrated levels."""
