"""The machine that a budget or a power limit buys best."""
