"""A theorem as it is printed: in LaTeX, Markdown and code, alone or in the book."""
