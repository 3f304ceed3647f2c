"""Chains of algebra, each line machine-checked, that end in the equations the model uses."""
