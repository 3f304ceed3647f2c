"""Batch size, cost and speed."""
