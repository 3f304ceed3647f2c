"""Inputs known within limits: intervals of every answer."""
