"""The network as purchased."""
