"""Reversible networks."""
