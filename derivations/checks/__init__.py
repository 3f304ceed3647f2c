"""The checks of a line: whether two expressions are the same, and by arithmetic at random numbers."""
