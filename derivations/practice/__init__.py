"""In practice."""
