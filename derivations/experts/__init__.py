"""Mixture of experts on a rack."""
