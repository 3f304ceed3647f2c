"""SymPy's LaTeX, set for the eye: what is added stands before what is taken away, no fraction in a fraction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sympy import Add, Expr, Mul, Rational, S, fraction
from sympy.printing.latex import LatexPrinter


class Typeset(LatexPrinter):  # type: ignore[misc]  # SymPy has no types
    """SymPy's own printer, but for the order of summands, and for fractions in fractions and in exponents: a / b."""

    _within = 0
    """In how many fractions and exponents the printer is."""

    def _as_ordered_terms(self, expr: Expr, order: str | None = None) -> list[Expr]:
        terms: list[Expr] = super()._as_ordered_terms(expr, order=order)
        return sorted(terms, key=lambda term: term.could_extract_minus_sign())

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:  # noqa: N802 (SymPy's name)
        text = " ".join(self._summand(term) for term in self._as_ordered_terms(expr, order=order))
        return text.removeprefix("+ ")

    def _print_Mul(self, expr: Expr) -> str:  # noqa: N802
        above, below = fraction(expr, exact=True)
        if below == S.One:
            return str(super()._print_Mul(expr))
        if self._within:
            return self._beside(above, below)
        with self._one_deeper():
            return str(super()._print_Mul(expr))

    def _print_Pow(self, expr: Expr) -> str:  # noqa: N802
        if expr.exp.is_Rational and expr.exp.is_negative and self._within:
            return self._beside(S.One, 1 / expr)
        if expr.exp.is_Rational and expr.exp.is_positive:
            return str(super()._print_Pow(expr))
        with self._one_deeper():
            return str(super()._print_Pow(expr))

    def _print_Rational(self, expr: Rational) -> str:  # noqa: N802
        return f"{expr.p} / {expr.q}" if self._within and expr.q != 1 else str(super()._print_Rational(expr))

    def _print_ExpBase(self, expr: Expr, exp: Any = None) -> str:  # noqa: N802
        with self._one_deeper():
            return str(super()._print_ExpBase(expr, exp))

    def _summand(self, term: Expr) -> str:
        """A term of a sum behind its sign."""
        if term.could_extract_minus_sign():
            return f"- {self._inside_sum(-term)}"
        return f"+ {self._inside_sum(term)}"

    def _inside_sum(self, term: Expr) -> str:
        text = self._print(term)
        return self._in_brackets(text) if self._needs_add_brackets(term) else str(text)

    def _beside(self, above: Expr, below: Expr) -> str:
        """A fraction in one line."""
        sign = ""
        if above.could_extract_minus_sign() and not isinstance(above, Add):
            sign, above = "- ", -above
        over, under = str(self._print(above)), str(self._print(below))
        if isinstance(above, Add):
            over = self._in_brackets(over)
        if isinstance(below, Add | Mul):
            under = self._in_brackets(under)
        return f"{sign}{over} / {under}"

    @staticmethod
    def _in_brackets(text: str) -> str:
        return rf"\left({text}\right)"

    @contextmanager
    def _one_deeper(self) -> Iterator[None]:
        self._within += 1
        try:
            yield
        finally:
            self._within -= 1
