"""Failures and checkpoints."""
