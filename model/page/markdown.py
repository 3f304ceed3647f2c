"""A scenario as static Markdown: the answer in tables, the formulas in LaTeX, what goes in and what does not."""

import re
from collections.abc import Iterable

from steptime.model.page.answered import answered, said, shown, whole
from steptime.model.page.command import command_of, line_of
from steptime.model.page.rows import rows_of
from steptime.model.quantity import latex, lookup
from steptime.model.step.case import Case
from steptime.model.text.format import in_unit
from steptime.model.text.header import by_hand, doubtful
from steptime.model.text.omitted import not_modelled, notes


def markdown(case: Case) -> str:
    """The page without its controls; what a user wrote stands as text, whatever signs it has."""
    here = answered(case)
    symbols = {symbol for expr in case.resources.values() for symbol in expr.free_symbols}
    lines = [
        f"# {plain_text(f'{case.model} on {case.hardware.name}')}", "", f"{said(case, here)}.", "",
        *(part for line in whole(case) for part in (f"{plain_text(line)}.", "")),
        f"Layout `{case.layout}`; " + ", ".join(f"{kind} {form}" for kind, form in case.precision.items()) + ".", "",
    ]  # fmt: skip
    group = None
    for row in rows_of(case):
        if row["group"] != group:
            group = row["group"]
            lines += ["", f"| {group} | |", "|---|---:|"]
        lines.append(f"| {row['label']} | {shown(here.get(row['key']), row['unit']).replace('$', chr(92) + '$')} |")
    lines += ["", "## Formulas", ""]
    lines += [f"$$t_\\text{{{name.replace('_', '-')}}} = {latex(expr)}$$\n" for name, expr in case.resources.items()]
    lines += ["| letter | name | here | meaning |", "|---|---|---:|---|"]
    for symbol in sorted(symbols, key=lambda one: one.name):
        value = in_unit(None if symbol in case.absent else case.number(symbol), lookup(symbol.name).unit)
        lines.append(
            f"| ${latex(symbol)}$ | {symbol.name} | {value.replace('$', '')} | {lookup(symbol.name).meaning} |"
        )
    lines += ["", "## What goes in, and what does not", "", *_notes(case), ""]
    return "\n".join([*lines, "The same on the command line:", "", f"    {line_of(command_of(case))}", ""])


def _notes(case: Case) -> Iterable[str]:
    for name, texts in (("defaults taken", map(str, case.defaults)), ("set by hand", by_hand(case)),
                        ("doubtful figures", doubtful(case)), ("to know", notes(case)),
                        ("not modelled", not_modelled(case))):  # fmt: skip
        if said_so := "; ".join(map(str, texts)):
            yield f"- {name}: {plain_text(said_so)}"


def plain_text(text: str) -> str:
    r"""A text in which no sign means anything to Markdown.

    >>> print(plain_text("a*b <script> [x](y)"))
    a\*b \<script\> \[x\](y)
    """
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", " ".join(text.split()))
