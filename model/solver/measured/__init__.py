"""Published measurements beside the ideal."""
