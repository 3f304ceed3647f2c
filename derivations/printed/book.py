"""The whole book in LaTeX: notation, chapters of theorems, what is assumed, claims, sources."""

from collections import Counter
from collections.abc import Iterable

from sympy import Symbol

from steptime.derivations.claims import Verdict, Wording
from steptime.derivations.facts import Axiom, Chosen, Crossing, Given, Side, Tends
from steptime.derivations.library import CHAPTERS, quantities
from steptime.derivations.printed.export import escape, figure, fragment
from steptime.derivations.steps import Derivation

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
program that holds these equations, puts numbers into them and solves them. Each theorem names the row of the blackboard
lecture that it covers and reads: if these assumptions are made, and if these conditions hold, then this equation does.
Every line of its proof was checked by its rule, at random rational numbers, and for its units; the conditions were
collected from the lines and shown to be equivalent to those stated. Where something small is left out on the way the
sides of a line are about equal ($\approx$), with what is left out at the example."""

TOLERANCES = "; ".join(rf"{one.text}: {100 * one.value[1]:.0f}\,\%" for one in Wording if not one.is_factor)
CLAIMS = rf"""What the lecture and papers say in numbers, beside ours. A number \emph{{holds}} within the tolerance of
how it was said ({TOLERANCES}; of the order of: a factor of ten either way; a range:
a factor of ten from end to end), else it \emph{{differs}}. A check of our
own is \emph{{consistent}} where its bound is kept."""

KINDS = {
    Given: "equations and inequalities that fix or bound a quantity",
    Tends: "limits",
    Chosen: "choices that make something least or greatest",
    Crossing: "points at which two curves are equal",
}


def resting(chosen: Iterable[Derivation]) -> tuple[Counter[Axiom], Counter[type]]:
    """How many theorems rest on each axiom, themselves or by what they build on; how many assume each kind of thing."""
    axioms: Counter[Axiom] = Counter()
    kinds: Counter[type] = Counter()
    for one in chosen:
        assumed = {a.assumption if isinstance(a, Side) else a for a in one.final.assumptions}
        axioms.update(a for a in assumed if isinstance(a, Axiom))
        kinds.update({type(a) for a in assumed} & set(KINDS))
    return axioms, kinds


def assumed_page(chosen: Iterable[Derivation]) -> str:
    """What is assumed: every axiom with the number of theorems that rest on it, and the kinds of assumptions."""
    found = list(chosen)
    axioms, kinds = resting(found)
    free = sum(not any(isinstance(a, Axiom | Side) for a in one.final.assumptions) for one in found)
    head = r"\footnotesize\begin{longtable}{@{}r" + COLUMN.format(38) + COLUMN.format(92) + "@{}}"
    lines = [
        rf"The {len(found)} theorems rest on {len(axioms)} axioms: statements about the world that are accepted and not"
        rf" proved. {free} rest on none. Each axiom stands here with the number of theorems that rest on it. Besides, "
        + ", ".join(f"{kinds[kind]} assume {text}" for kind, text in KINDS.items())
        + "; each theorem says which.",
        "",
        head,
        r"theorems & axiom & \\ \hline \endhead",
        *(rf"{number} & {escape(axiom.name)} & {escape(axiom.text)} \\" for axiom, number in axioms.most_common()),
        r"\end{longtable}\normalsize",
    ]
    return "\n".join(lines)


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
    """Every claim with the number that was said, by whom and how, ours, their ratio and the verdict."""
    head = r"\footnotesize\begin{longtable}{@{}l" + COLUMN.format(38) + "lrrrl@{}}"
    lines = [head, r"row & statement & source & said & ours & ratio & verdict \\ \hline \endhead"]
    for found in verdicts:
        claim = found.claim
        said = "" if claim.said is None else f"{claim.wording.text} ${figure(claim.said)}$"
        ratio = "" if found.ratio is None else f"{found.ratio:.3g}"
        unit = rf"\ {escape(claim.unit)}" if claim.unit else ""
        ours = f"${figure(found.ours)}${unit}"
        cells = (claim.row, escape(claim.statement), claim.source.value, said, ours, ratio, found.verdict)
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
            parts += [rf"\section{{{escape(title)}}}", *(fragment(one, wide=True) for one in chapter)]
    parts += [r"\section{What is assumed}", assumed_page(found)]
    rows = list(verdicts)
    if rows:
        parts += [r"\section{Claims}", CLAIMS, claims_table(rows)]
    sources = sorted({source for one in found for source in one.sources})
    parts += [
        r"\section{Sources}",
        r"\raggedright\begin{itemize}",
        *(rf"\item {escape(source)}" for source in sources),
        r"\end{itemize}",
    ]
    return "\n".join([*parts, r"\end{document}", ""])
