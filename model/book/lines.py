"""Lines of proofs as the book sets them: a long sum over several rows, what stands in it more than once by a name."""

from collections.abc import Sequence

import sympy
from sympy import Add, Eq, Expr, Symbol

from steptime.derivations.printed.export import line_latex
from steptime.derivations.printed.statement import is_approximate
from steptime.derivations.steps import Derivation
from steptime.model.quantity import latex

LONG, ROW, WIDE = 230, 130, 280
"""Letters of LaTeX from which on a sum is broken, those of one of its rows, and those from which on all else is."""
NAMED, PART = 1000, 100
"""Letters from which on parts of a line get names, and those of the shortest part that gets one."""


def line(one: Derivation, number: int) -> str:
    """A line of a proof, counted from its start, which is line 0."""
    text = line_latex(one, number)
    equation = one.lines[number]
    sign = r"\approx" if is_approximate(one, number) else "="
    if len(text) > LONG and isinstance(equation.rhs, Add):
        return in_rows(equation, sign) if len(text) < NAMED else with_names(equation, sign)
    return in_two(equation, sign) if len(text) > WIDE else text


def in_two(equation: Eq, sign: str) -> str:
    """An equation in rows that is no sum: what a largest or least is taken of one below the other, else both sides."""
    left, right = equation.args
    if not isinstance(right, sympy.Max | sympy.Min):
        return _aligned([f"& {latex(left)}", rf"&\quad {sign} {latex(right)}"])
    name = r"\max" if isinstance(right, sympy.Max) else r"\min"
    parts = [f"& {latex(part)}," for part in sorted(right.args, key=sympy.default_sort_key)]
    rows = _aligned([*parts[:-1], parts[-1].rstrip(",")])
    return rf"{latex(left)} {sign} {name}\left({rows}\right)"


def in_rows(equation: Eq, sign: str) -> str:
    """An equation whose right side is a sum, a row for as many summands as have room.

    >>> from sympy.abc import x, y
    >>> in_rows(Eq(x, y - 1), "=")
    '\\\\begin{aligned} x &= y - 1 \\\\end{aligned}'
    """
    return _aligned(_rows(equation, sign))


def with_names(equation: Eq, sign: str) -> str:
    """The same, with a name for each long part that stands in it more than once, and what it is below."""
    parts, whole = named_parts(equation.rhs)
    rows = [row for part in parts for row in _rows(part, "=")]
    rows[0] = rf"\textup{{where }} {rows[0]}"
    return _aligned([*_rows(Eq(equation.lhs, whole, evaluate=False), sign), *rows])


def named_parts(expr: Expr) -> tuple[Sequence[Eq], Expr]:
    """What each name of a part stands for, and the whole in these names; put in one after another they give it back."""
    found, (whole,) = sympy.cse([expr], symbols=sympy.numbered_symbols("part_"), order="canonical")
    kept: list[tuple[Symbol, Expr]] = []
    short: dict[Symbol, Expr] = {}
    for symbol, part in found:
        part = part.xreplace(short)
        if len(latex(part)) < PART:
            short[symbol] = part
        else:
            kept.append((symbol, part))
    names = {symbol: Symbol(rf"U_{{{place}}}") for place, (symbol, _) in enumerate(kept, 1)}
    parts = [Eq(names[symbol], part.xreplace(names), evaluate=False) for symbol, part in kept]
    return parts, whole.xreplace(short).xreplace(names)


def _rows(equation: Eq, sign: str) -> list[str]:
    rows, terms = [""], sorted(equation.rhs.as_ordered_terms(), key=lambda term: term.could_extract_minus_sign())
    for place, term in enumerate(terms):
        less = term.could_extract_minus_sign()
        added = f"{'- ' if less else '+ ' if place else ''}{latex(-term if less else term)}"
        if rows[-1] and len(rows[-1]) + len(added) > ROW:
            rows.append("")
        rows[-1] = f"{rows[-1]} {added}".strip()
    return [f"{latex(equation.lhs)} &{sign} {rows[0]}", *(rf"&\quad {row}" for row in rows[1:])]


def _aligned(rows: Sequence[str]) -> str:
    return r"\begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}"
