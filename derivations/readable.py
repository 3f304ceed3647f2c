"""Expressions and inequalities as plain text that reads well: what is added comes before what is taken away."""

from sympy import Expr
from sympy.core.relational import Relational
from sympy.printing.str import StrPrinter


class _Readable(StrPrinter):  # type: ignore[misc]  # SymPy has no types
    """SymPy's own text, but for the order of summands."""

    def _as_ordered_terms(self, expr: Expr, order: str | None = None) -> list[Expr]:
        terms: list[Expr] = super()._as_ordered_terms(expr, order=order)
        return sorted(terms, key=lambda term: term.could_extract_minus_sign())


def readable(part: Expr | Relational) -> str:
    """Plain text of an expression or an inequality.

    >>> from steptime.model.symbols import scale_up_domain, stage_chips
    >>> readable(stage_chips - scale_up_domain)
    'stage_chips - scale_up_domain'
    """
    if isinstance(part, Relational):
        sign = {"==": "=", "!=": "is not"}.get(part.rel_op, part.rel_op)
        return f"{readable(part.lhs)} {sign} {readable(part.rhs)}"
    return str(_Readable().doprint(part))
