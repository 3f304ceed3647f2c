"""Sweeps: points of a grid, a design and layouts, worked out in numbered blocks and reduced while they stream past."""
