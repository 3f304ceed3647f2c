"""A theorem as a LaTeX fragment that needs nothing but amsmath. What is exported has been verified first."""

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Symbol

from steptime.derivations.library import quantities
from steptime.derivations.printed.statement import Premise, definitions, holds, is_approximate, left_out, premises
from steptime.derivations.steps import Derivation
from steptime.model.quantity import latex
from steptime.model.units import unit_of

_special = {
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
    "κ": r"$\kappa$",
    "β": r"$\beta$",
    "α": r"$\alpha$",
    "ρ": r"$\rho$",
    "η": r"$\eta$",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "≈": r"$\approx$",
    "√": r"$\surd$",
    "−": "--",
    "²": r"$^2$",
    "µ": r"$\mu$",
}


def escape(text: str) -> str:
    """Plain text for LaTeX.

    >>> escape("50 % of a_b")
    '50 \\\\% of a\\\\_b'
    """
    return "".join(_special.get(letter, letter) for letter in text)


def unit_latex(expr: Any) -> str:
    """The unit of an expression, upright; nothing for a pure number."""
    unit = unit_of(expr)
    return "" if unit == 1 else r"\ \mathrm{" + str(unit).replace("$", r"\$").replace("*", r"\,") + "}"


def figure(value: float) -> str:
    """A number in LaTeX with four digits.

    >>> figure(3.35e12), figure(0.25), figure(4096.0)
    ('3.35 \\\\cdot 10^{12}', '0.25', '4096')
    """
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.3e}".split("e")
        return rf"{float(mantissa):g} \cdot 10^{{{int(exponent)}}}"
    return f"{value:.6g}" if abs(value) >= 1000 else f"{value:.4g}"


def symbols_of(one: Derivation) -> list[Symbol]:
    """Quantities of the result's right side, in order of declaration."""
    order = {name: place for place, name in enumerate(quantities())}
    return sorted(one.result.rhs.free_symbols, key=lambda symbol: order[symbol.name])


def fragment(one: Derivation) -> str:
    """A theorem as a LaTeX fragment: statement, every line of its proof with its reason, numbers put in, sources.

    It needs nothing but amsmath.
    """
    display = _displayed
    rows = ", ".join(one.rows)
    parts = [
        rf"\subsection*{{{escape(one.title)}}}",
        rf"\textbf{{{rows}}} \texttt{{{escape(one.name)}}} --- {escape(one.claim)}",
        *premises_said(one),
        *region_said(one, display),
        r"\emph{then}",
        display(line_latex(one, len(one.steps))),
        r"\emph{Proof.}",
        display(line_latex(one, 0)),
    ]
    for number, step in enumerate(one.steps, 1):
        parts += [rf"{escape(step.why)}{left_out_said(one, number)}:", display(line_latex(one, number))]
    values = ", ".join(f"${latex(s)} = {figure(float(one.numbers[s]))}{unit_latex(s)}$" for s in symbols_of(one))
    result = rf"{latex(one.result.lhs)} = {figure(one.evaluate())}{unit_latex(one.result.rhs)}"
    given = f": {values}." if values else "."
    parts.append(rf"\emph{{Numbers.}} {escape(one.example_text)}{given}")
    parts.append(display(result))
    parts.append(rf"\emph{{Source:}} {escape('; '.join(one.sources))}.")
    return "\n\n".join(parts) + "\n"


def left_out_said(one: Derivation, number: int) -> str:
    """How much a line leaves out, in words; nothing where it leaves out nothing."""
    gone = left_out(one, number)
    return "" if gone is None else rf" ({100 * gone:.2g}\,\% of the rest at the example)"


def line_latex(one: Derivation, number: int) -> str:
    """A line of a proof; where something was left out on the way, its sides are about equal."""
    text, line = latex(one.lines[number]), one.lines[number]
    return f"{latex(line.lhs)} \\approx {latex(line.rhs)}" if is_approximate(one, number) else text


def _displayed(formula: str) -> str:
    return rf"\[ {formula} \]"


def premises_said(one: Derivation) -> list[str]:
    """What is assumed and what is defined, in sentences."""
    assumed = [said(premise) for premise in premises(one)]
    defined = [said(premise) for premise in definitions(one)]
    return [
        *([rf"\emph{{If}} {'; '.join(assumed)};"] if assumed else []),
        *([rf"\emph{{with}} {'; '.join(defined)};"] if defined else []),
    ]


def said(premise: Premise) -> str:
    """An assumption in words, and its formula where it has a short one."""
    formula = latex(premise.formula) if premise.formula is not None else ""
    if premise.tends is not None:
        variable, to = premise.tends
        formula = rf"{latex(variable)} \to {latex(to)}"
    shown = f" (${formula}$)" if formula and len(formula) <= LONGEST_INLINE else ""
    return escape(premise.text) + shown


LONGEST_INLINE = 120
"""Characters of LaTeX up to which a condition stands in its sentence; a longer one has a line of its own."""


def region_said(one: Derivation, display: Callable[[str], str]) -> list[str]:
    """The region of validity: in a sentence, or condition by condition where one is long."""
    texts = [latex(relation) for relation in holds(one)]
    if not texts:
        return []
    if all(len(text) <= LONGEST_INLINE for text in texts):
        return [r"\emph{and if} " + ", ".join(f"${text}$" for text in texts) + ","]
    return [r"\emph{and if}", *(display(text) for text in texts)]


def numbers_json(one: Derivation) -> Mapping[str, float]:
    """The example's numbers of the result, by name."""
    return {symbol.name: float(one.numbers[symbol]) for symbol in symbols_of(one)}
