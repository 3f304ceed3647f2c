"""Dollars, joules, lifetimes: what a step costs, and what to hold or buy."""
