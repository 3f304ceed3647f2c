"""One scenario, complete: from inputs to a number for every symbol."""
