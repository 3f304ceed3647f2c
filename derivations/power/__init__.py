"""Power and heat."""
