"""Formulas as MathML, which browsers show without a script: SymPy's presentation, each quantity by its own letter."""

import re
from functools import cache
from typing import Any

from sympy import Expr, Symbol
from sympy.printing.mathml import MathMLPresentationPrinter

from steptime.model.quantity import Quantity, declared_as
from steptime.model.text.format import letter


class _InLetters(MathMLPresentationPrinter):  # type: ignore[misc]  # SymPy has no types
    """SymPy's own, with the letters of the field in the place of names."""

    def _print_Symbol(self, symbol: Symbol, style: str = "plain") -> Any:  # noqa: N802  # SymPy finds it by this name
        record = declared_as(symbol)
        if record is None:
            return super()._print_Symbol(symbol, style)
        base, above, below = parts_of(record)
        found = self._leaf("mi", base)
        if above:
            found = self._around("mover", found, self._leaf("mo", above))
        return self._around("msub", found, self._leaf("mi", below)) if below else found

    def _leaf(self, tag: str, text: str) -> Any:
        made = self.dom.createElement(tag)
        made.appendChild(self.dom.createTextNode(text))
        return made

    def _around(self, tag: str, *inner: Any) -> Any:
        made = self.dom.createElement(tag)
        for one in inner:
            made.appendChild(one)
        return made


_barred = re.compile(r"\\bar(?: |\{)([^{}]*)\}?")


@cache
def parts_of(record: Quantity) -> tuple[str, str, str]:
    """The letter of a quantity, what stands above it, and its index.

    >>> from steptime.model.quantity import lookup
    >>> parts_of(lookup("scale_up_bandwidth")), parts_of(lookup("mean_step_time")), parts_of(lookup("power"))
    (('I', '', 'up'), ('t', '¯', ''), ('𝒫', '', ''))
    """
    if record.latex == r"\mathcal{P}":
        return "𝒫", "", ""
    barred = _barred.fullmatch(record.latex)
    base, _, below = (barred[1] if barred else letter(record)).partition("_")
    return base, "¯" * bool(barred), below


def mathml(expr: Expr, block: bool = False) -> str:
    """An expression as one element.

    >>> from steptime.model.symbols import kv_bytes, memory_bandwidth
    >>> mathml(kv_bytes / memory_bandwidth)
    '<math><mrow><mfrac><mi>κ</mi><mi>W</mi></mfrac></mrow></math>'
    """
    return _element(_printed(expr), block)


def equation(left: Expr, right: Expr) -> str:
    """Two sides of an equation as one element in a line of its own."""
    return _element(f"<mrow>{_printed(left)}<mo>=</mo>{_printed(right)}</mrow>", True)


def _printed(expr: Expr) -> str:
    """SymPy writes letters as numbers of characters, and a minus as a hyphen."""
    text = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), str(_InLetters().doprint(expr)))
    return text.replace("<mo>-</mo>", "<mo>−</mo>")


def _element(inner: str, block: bool) -> str:
    return f'<math display="block">{inner}</math>' if block else f"<math>{inner}</math>"
