"""Where the money goes."""
