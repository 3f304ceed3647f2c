"""Over-training."""
