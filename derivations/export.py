"""Derivations in LaTeX, Markdown and code: one, or the whole book. What is exported has been verified first."""

from collections.abc import Iterable, Mapping
from typing import Any

import sympy
from sympy import Expr, Symbol

from steptime.derivations.claims import Verdict
from steptime.derivations.library import CHAPTERS, quantities, used_by
from steptime.derivations.steps import Derivation
from steptime.model.quantity import latex, lookup
from steptime.model.units import unit_of

PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb,graphicx,longtable,array}
\usepackage[margin=25mm]{geometry}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt plus 2pt}
\emergencystretch=3em
\newsavebox{\wide}
% A formula in a line of its own, made smaller where it is wider than the text.
\newcommand{\fit}[1]{\par\smallskip\sbox{\wide}{$\displaystyle #1$}%
\ifdim\wd\wide>0.92\linewidth\hspace*{2em}\resizebox{0.92\linewidth}{!}{\usebox{\wide}}%
\else\hspace*{2em}\usebox{\wide}\fi\par\smallskip}
"""

COLUMN = r">{{\footnotesize\raggedright\arraybackslash}}p{{{}mm}}"
"""A column of text that breaks into lines, so many millimetres wide."""

INTRODUCTION = r"""How long one step of a large language model takes, derived line by line. \texttt{steptime} is the
program that holds these equations, puts numbers into them and solves them. Each derivation names the row of the
blackboard lecture that it covers, states its claim, and ends with the numbers of an example. Every line was checked by
its rule, at random rational numbers, and for its units. In the table of claims, \emph{holds} means within the stated
tolerance of the lecture's number or, where it gives none, within the bounds that our own chain sets; \emph{differs}
that the lecture's guess is off."""

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
    """A derivation as a LaTeX fragment: claim, every line with its reason, numbers put in, assumptions, sources."""
    rows = ", ".join(one.rows)
    parts = [
        rf"\subsection*{{{escape(one.title)}}}",
        rf"\textbf{{{rows}}} \texttt{{{escape(one.name)}}} --- {escape(one.claim)}",
        rf"\fit{{{latex(one.start)}}}",
    ]
    for step in one.steps:
        parts += [rf"{escape(step.why)}:", rf"\fit{{{latex(step.gives)}}}"]
    values = ", ".join(f"${latex(s)} = {figure(float(one.numbers[s]))}{unit_latex(s)}$" for s in symbols_of(one))
    result = rf"{latex(one.result.lhs)} = {figure(one.evaluate())}{unit_latex(one.result.rhs)}"
    given = f": {values}." if values else "."
    parts.append(rf"\emph{{Numbers.}} {escape(one.example_text)}{given}")
    parts.append(rf"\fit{{{result}}}")
    if one.holds:
        parts += holds(one)
    parts.append(
        rf"\emph{{Assumes}} {escape('; '.join(one.assumes))}. \emph{{Source:}} {escape('; '.join(one.sources))}."
    )
    return "\n\n".join(parts) + "\n"


LONGEST_INLINE = 120
"""Characters of LaTeX up to which a condition stands in its sentence; a longer one has a line of its own."""


def holds(one: Derivation) -> list[str]:
    """The region of validity: in a sentence, or condition by condition where one is long."""
    conditions = [latex(sympy.Gt(expr, 0)) for expr in one.holds]
    if all(len(text) <= LONGEST_INLINE for text in conditions):
        return [r"\emph{Holds where} " + ", ".join(f"${text}$" for text in conditions) + "."]
    return [r"\emph{Holds where}", *(rf"\fit{{{text}}}" for text in conditions)]


def notation(symbols: Iterable[Symbol]) -> str:
    """The table of notation, generated from the declarations."""
    chosen, rows = set(symbols), []
    for name, record in quantities().items():
        if record.symbol in chosen:
            unit = "" if record.unit == 1 else str(record.unit)
            breakable = escape(name).replace(r"\_", r"\_\allowbreak{}")
            cells = (f"${record.latex}$", rf"\texttt{{{breakable}}}", escape(unit), escape(record.meaning))
            rows.append(" & ".join(cells) + r" \\")
    head = r"\begin{longtable}{@{}l" + COLUMN.format(46) + r">{\footnotesize}l" + COLUMN.format(68) + "@{}}"
    return "\n".join([head, r"symbol & name & unit & meaning \\ \hline \endhead", *rows, r"\end{longtable}"])


def claims_table(verdicts: Iterable[Verdict]) -> str:
    """Every claim with the lecture's number, ours, their ratio and the verdict."""
    head = r"\footnotesize\begin{longtable}{@{}l" + COLUMN.format(60) + "rrrl@{}}"
    lines = [head, r"row & statement & lecture & ours & ratio & verdict \\ \hline \endhead"]
    for found in verdicts:
        lecture = "" if found.claim.lecture is None else f"${figure(found.claim.lecture)}$"
        ratio = "" if found.ratio is None else f"{found.ratio:.3g}"
        unit = rf"\ {escape(found.claim.unit)}" if found.claim.unit else ""
        ours = f"${figure(found.ours)}${unit}"
        within = "" if found.claim.lecture is None else rf" ({100 * found.claim.tolerance:.3g}\,\%)"
        cells = (found.claim.row, escape(found.claim.statement), lecture, ours, ratio, found.verdict + within)
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\end{longtable}\normalsize"])


def book(chosen: Iterable[Derivation], verdicts: Iterable[Verdict]) -> str:
    """A standalone document: title, notation, chapters, claims, sources."""
    found = list(chosen)
    used = set().union(*(line.free_symbols for one in found for line in one.lines))
    parts = [
        PREAMBLE,
        r"\title{The blackboard of \texttt{steptime}}\author{}\date{}",
        r"\begin{document}\maketitle",
        INTRODUCTION,
        r"\tableofcontents",
        r"\section*{Notation}",
        notation(used),
    ]
    for number, title in CHAPTERS.items():
        chapter = [one for one in found if one.rows[0].split(".")[0] == str(number)]
        if chapter:
            parts += [rf"\section{{{escape(title)}}}", *(fragment(one) for one in chapter)]
    rows = list(verdicts)
    if rows:
        parts += [r"\section{Claims}", "The lecture's numbers beside ours.", claims_table(rows)]
    sources = sorted({source for one in found for source in one.sources})
    parts += [
        r"\section{Sources}",
        r"\raggedright\begin{itemize}",
        *(rf"\item {escape(source)}" for source in sources),
        r"\end{itemize}",
    ]
    return "\n".join([*parts, r"\end{document}", ""])


def markdown(one: Derivation) -> str:
    """A derivation in Markdown with LaTeX formulas."""
    lines = [
        f"## {one.title}",
        "",
        f"{', '.join(one.rows)} `{one.name}`: {one.claim}",
        "",
        f"$${latex(one.start)}$$",
        "",
    ]
    for step in one.steps:
        lines += [f"{step.why}:", "", f"$${latex(step.gives)}$$", ""]
    numbers = ", ".join(f"${latex(s)} = {figure(float(one.numbers[s]))}{unit_latex(s)}$" for s in symbols_of(one))
    lines += [f"Numbers ({one.example_text}): {numbers}.", ""]
    lines += [f"$${latex(one.result.lhs)} = {figure(one.evaluate())}{unit_latex(one.result.rhs)}$$", ""]
    followers = ", ".join(f"`{other.name}`" for other in used_by(one))
    lines += [
        f"Assumes {'; '.join(one.assumes)}. Source: {'; '.join(one.sources)}."
        + (f" Used by {followers}." if followers else "")
    ]
    return "\n".join(lines) + "\n"


def python_code(name: str, expr: Expr, meaning: str) -> str:
    """A formula as a Python function of floats."""
    arguments = sorted(expr.free_symbols, key=lambda symbol: symbol.name)
    body = sympy.pycode(expr, fully_qualified_modules=True)
    documented = "\n".join(f"    {s.name}: {lookup(s.name).meaning} [{lookup(s.name).unit}]" for s in arguments)
    header = f"def {identifier(name)}({', '.join(s.name for s in arguments)}):"
    return f'import math\n\n\n{header}\n    """{meaning}\n\n{documented}\n    """\n    return {body}\n'


def c_code(name: str, expr: Expr, meaning: str) -> str:
    """A formula as a C function of doubles."""
    arguments = sorted(expr.free_symbols, key=lambda symbol: symbol.name)
    comment = "\n".join(f" * {s.name}: {lookup(s.name).meaning} [{lookup(s.name).unit}]" for s in arguments)
    parameters = ", ".join(f"double {s.name}" for s in arguments)
    body = sympy.ccode(expr)
    head = f"#include <math.h>\n\n/* {meaning}\n{comment}\n */\n"
    return f"{head}double {identifier(name)}({parameters}) {{\n    return {body};\n}}\n"


def identifier(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


def numbers_json(one: Derivation) -> Mapping[str, float]:
    """The example's numbers of the result, by name."""
    return {symbol.name: float(one.numbers[symbol]) for symbol in symbols_of(one)}
