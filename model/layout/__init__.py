"""How the chips of a system share one model."""
