"""Shapes of a model: parameters, FLOP and bytes, before anything is split over chips."""
