"""Inequalities: what a line needs, and whether it follows from what is known, by exact certificates."""
