"""The page itself: one file, opened from disk, that asks nothing of any network.

Without a script its tables, formulas and picture stand as the scenario has them; with one all of it follows controls.
What a user wrote, as a model's name, is escaped wherever it stands.
"""

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.page.answered import answered, said, shown, whole
from steptime.model.page.code import way_of_case
from steptime.model.page.command import command_of, line_of
from steptime.model.page.families import lettered
from steptime.model.page.mathml import equation, mathml
from steptime.model.page.payload import Payload, payload_of
from steptime.model.page.picture import picture
from steptime.model.quantity import count, declared_as, lookup
from steptime.model.step.case import Case
from steptime.model.text.format import finite, in_unit
from steptime.model.text.header import by_hand, doubtful
from steptime.model.text.omitted import notes

SCRIPTS = ("model.js", "state.js", "charts.js", "figures.js", "controls.js", "view.js")
LONGEST = 60
"""Operations of a definition up to which it is shown; longer ones are read as code."""
_EQUATION = '<div class="equation" role="group" aria-label="Equation" tabindex="0">'
"""An equation that is wider than a phone can be scrolled by keys too."""


def document(case: Case) -> str:
    """The page of a scenario as HTML; raises UserError where there is no number to start from."""
    payload, here = payload_of(case), answered(case)
    live = "" if payload.data["estimate"] is not None else _not_live(case)
    title = f"{case.model} on {case.hardware.name}"
    return Template(_file("page.html")).substitute(
        title=escape(title), style=_file("page.css"), scenario=escape(_scenario(case)), said=escape(said(case, here)),
        whole="".join(f"<p>As this page was made: {escape(line)}.</p>\n" for line in whole(case)),
        rows="".join(_rows(payload, here)), command=escape(line_of(command_of(case))),
        picture=picture(case), exported=escape(_exported(case)), formulas="".join(_formulas(case)),
        letters="".join(_letters(case)), definitions=_definitions(case), notes="".join(_notes(case, payload)),
        scripts=scripts(payload), live=live and f'<p id="not-live" role="note">{escape(live)}</p>\n',
    )  # fmt: skip


def scripts(payload: Payload, names: Sequence[str] = SCRIPTS) -> str:
    """Numbers, formulas, and what shows them; a text in it can end no script."""
    data = json.dumps(finite(dict(payload.data)), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    return "\n".join([f"const page = {data};", payload.formulas, *map(_file, names)])


def _file(name: str) -> str:
    return (files("steptime.model.page") / name).read_text("utf-8")


def _scenario(case: Case) -> str:
    varies = case.length
    work = f"batch {in_unit(case.number(q.batch), count)}, {varies.name} {in_unit(case.number(varies), count)}"
    formats = ", ".join(f"{kind} {form}" for kind, form in case.precision.items())
    kind = {PhaseName.TRAIN: "training", PhaseName.PREFILL: "prefill"}.get(case.phase.name, str(case.inputs.phase))
    return f"Made for one step of {kind}: {work}; {case.layout}; {formats}"


def _not_live(case: Case) -> str:
    """Why no estimate follows the controls."""
    if not case.accounts.is_architecture:
        return "No estimate here: a model of quantities has no operations that one would follow from."
    return "No estimate here: the bound alone was asked for."


def _exported(case: Case) -> str:
    program, _, *words = command_of(case)
    return line_of([program, "latex", "step", *words, "--format", "python"])


def _rows(payload: Payload, here: dict[str, Any]) -> Iterable[str]:
    group = None
    for row in payload.data["rows"]:
        if row["group"] != group:
            group = row["group"]
            yield f'<tr><th scope="rowgroup" colspan="2">{group}</th></tr>\n'
        value = shown(here.get(row["key"]), row["unit"])
        yield (f'<tr data-key="{row["key"]}" data-unit="{row["unit"]}"><th scope="row">{row["label"]}</th>'
               f'<td class="number">{value}</td></tr>\n')  # fmt: skip


def _formulas(case: Case) -> Iterable[str]:
    """The step as the largest of its terms, and each term: with every factor, since any may be changed."""
    names = {name: Symbol(f"t_{name.replace('_', '-')}") for name in case.resources}
    top = [mathml(names[name]).removeprefix("<math>").removesuffix("</math>") for name in ("compute", "memory",
                                                                                        "interconnect")]  # fmt: skip
    largest = "<mo>,</mo>".join(top)
    yield (f'{_EQUATION}<math display="block"><mrow><mi>t</mi><mo>≥</mo><mi>max</mi><mo>(</mo>{largest}'
           "<mo>)</mo></mrow></math></div>\n")  # fmt: skip
    for name, expr in case.resources.items():
        yield f"{_EQUATION}{equation(names[name], expr)}</div>\n"


def _letters(case: Case) -> Iterable[str]:
    """Every quantity of the terms: letter, name, number, meaning."""
    symbols = {symbol for expr in case.resources.values() for symbol in expr.free_symbols}
    for symbol in sorted(symbols, key=lambda one: one.name):
        record = lookup(symbol.name)
        unit = "" if record.unit == count else in_unit(1.0, record.unit).split()[-1]
        value = "—" if symbol in case.absent else in_unit(case.number(symbol), record.unit)
        yield (f'<tr><td>{mathml(symbol)}</td><th scope="row">{symbol.name.replace("_", " ")}</th>'
               f'<td class="number" data-key="{symbol.name}" data-unit="{unit}">{value}</td>'
               f"<td>{escape(record.meaning)}</td></tr>\n")  # fmt: skip


def _definitions(case: Case) -> str:
    """What the letters follow from at the scenario's layout, where that fits on a line."""
    way = way_of_case(case)
    known = {symbol: way.definitions[symbol] for symbol in lettered(way) if symbol in way.definitions}
    short = {symbol: expr for symbol, expr in known.items() if expr.count_ops() <= LONGEST and _printable(expr)}
    shown = "".join(f"{_EQUATION}{equation(symbol, expr)}</div>\n" for symbol, expr in short.items())
    longer = ", ".join(symbol.name for symbol in known if symbol not in short)
    more = f"<p>Longer, and so left to the exported code: {longer}.</p>\n" if longer else ""
    return f"<details><summary>What these follow from, at {case.layout}</summary>\n{shown}{more}</details>"


def _printable(expr: Any) -> bool:
    return all(declared_as(symbol) is not None for symbol in expr.free_symbols)


def _notes(case: Case, payload: Payload) -> Iterable[str]:
    lines = [
        ("defaults taken", [str(one) for one in case.defaults]), ("set by hand", by_hand(case)),
        ("doubtful figures", doubtful(case)), ("to know", notes(case)), ("not modelled", payload.data["not_modelled"]),
        ("missing", [f"{key}: {where}" for key, where in payload.data["missing"].items()]),
    ]  # fmt: skip
    if payload.data["estimate"] is None:
        lines.append(("in practice", ["no estimate follows the controls: the reason stands above them"]))
    listed = len(payload.data["layouts"]["listed"])
    lines.append(("layouts", [f"{listed} of those that there are: the fastest on each number of chips, and this one"]))
    for name, texts in lines:
        if texts:
            yield f"<li>{name}: {escape('; '.join(map(str, texts)))}</li>\n"
