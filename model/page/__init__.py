"""A scenario as one page that recomputes in the browser, and as code: formulas, not a table of answers."""
