"""Lines of proofs as the book sets them: a long sum over several rows."""

from sympy import Add, Eq

from steptime.derivations.printed.export import line_latex
from steptime.derivations.printed.statement import is_approximate
from steptime.derivations.steps import Derivation
from steptime.model.quantity import latex

LONG, ROW = 230, 130
"""Letters of LaTeX from which on a sum is broken, and those of one of its rows."""


def line(one: Derivation, number: int) -> str:
    """A line of a proof, counted from its start, which is line 0."""
    text = line_latex(one, number)
    equation = one.lines[number]
    if len(text) <= LONG or not isinstance(equation.rhs, Add):
        return text
    return in_rows(equation, r"\approx" if is_approximate(one, number) else "=")


def in_rows(equation: Eq, sign: str) -> str:
    """An equation whose right side is a sum, a row for as many summands as have room.

    >>> from sympy.abc import x, y
    >>> in_rows(Eq(x, y - 1), "=")
    '\\\\begin{aligned} x &= y - 1 \\\\end{aligned}'
    """
    rows, terms = [""], sorted(equation.rhs.as_ordered_terms(), key=lambda term: term.could_extract_minus_sign())
    for place, term in enumerate(terms):
        less = term.could_extract_minus_sign()
        added = f"{'- ' if less else '+ ' if place else ''}{latex(-term if less else term)}"
        if rows[-1] and len(rows[-1]) + len(added) > ROW:
            rows.append("")
        rows[-1] = f"{rows[-1]} {added}".strip()
    joined = r" \\ &\quad ".join(rows)
    return rf"\begin{{aligned}} {latex(equation.lhs)} &{sign} {joined} \end{{aligned}}"
