"""Tables of the book: a chapter's letters with its numbers, and what was said in numbers beside what follows."""

from collections.abc import Iterable, Sequence

from steptime.derivations.claims import Verdict
from steptime.derivations.library import quantities
from steptime.derivations.printed.export import escape, figure, unit_latex
from steptime.derivations.steps import Derivation
from steptime.model.book.premises import letters
from steptime.model.book.prose import indexed
from steptime.model.book.theorems import Setting

COLUMN = r">{{\footnotesize\raggedright\arraybackslash}}p{{{}mm}}"
"""A column of text that breaks into lines, so many millimetres wide."""
HEAD = r"\\ \hline \noalign{\vskip 2pt}\endhead"
"""What ends the head of a table that goes on over pages."""


def notation(chosen: Sequence[Derivation], setting: Setting, known: Sequence[Derivation] = ()) -> str:
    """The letters of some theorems beyond those of others, from their declarations, and the examples' numbers."""
    wanted, rows = letters(chosen) - letters(known), []
    for name, record in quantities().items():
        if record.symbol in wanted:
            words = name.replace("_", " ")
            number = setting.numbers.get(record.symbol)
            value = "" if number is None else rf"${figure(number)}{unit_latex(record.symbol)}$"
            cells = (
                f"${record.latex}$",
                rf"{escape(words)}\index{{{indexed(words)}}}",
                escape(record.meaning),
                value,
            )
            rows.append(" & ".join(cells) + r" \\")
    if not rows:
        return ""
    head = r"\footnotesize\begin{longtable}{@{}l" + COLUMN.format(36) + COLUMN.format(64) + "l@{}}"
    return "\n".join([head, r"letter & name & meaning & in examples " + HEAD, *rows, r"\end{longtable}\normalsize"])


def claims_table(verdicts: Iterable[Verdict]) -> str:
    """Every claim with the number that was said, by whom and how, ours, their ratio and the verdict.

    Above those of a row stands the command that lists its derivations: a bare number would be taken for a theorem's.
    """
    head = r"\begingroup\footnotesize\setlength{\tabcolsep}{4pt}\begin{longtable}{@{}" + COLUMN.format(62) + "lrrrl@{}}"
    lines = [head, r"statement & source & said & ours & ratio & verdict " + HEAD]
    row = ""
    for found in verdicts:
        claim = found.claim
        if claim.row != row:
            row = claim.row
            lines.append(rf"\multicolumn{{6}}{{@{{}}l}}{{\rule{{0pt}}{{3.2ex}}\texttt{{steptime derive {row}}}}} \\*")
        said = "" if claim.said is None else f"{claim.wording.text} ${figure(claim.said)}$"
        ratio = "" if found.ratio is None else f"{found.ratio:.3g}"
        unit = rf"\ {escape(claim.unit)}" if claim.unit else ""
        ours = f"${figure(found.ours)}${unit}"
        cells = (escape(claim.statement), claim.source.value, said, ours, ratio, found.verdict)
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\end{longtable}\endgroup"])
