"""Derivations, claims and the graph of what uses what, as JSON and as tables."""

from collections.abc import Callable
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.derivations.inverse import Inverse
from steptime.derivations.library import derivations, used_by
from steptime.derivations.printed.export import numbers_json, symbols_of
from steptime.derivations.printed.statement import (
    Premise,
    definitions,
    equals,
    holds,
    is_approximate,
    left_out,
    premises,
)
from steptime.derivations.readable import readable
from steptime.derivations.steps import Derivation
from steptime.model.errors import NotVerified
from steptime.model.quantity import domains, lookup
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import formula, in_unit, letter
from steptime.model.units import unit_of


def verified(
    chosen: tuple[Derivation, ...], progress: Callable[[float], None] = lambda share: None
) -> dict[str, str | None]:
    """Why each derivation fails, None where it is verified; ``progress`` is told the share that is done."""
    found: dict[str, str | None] = {}
    for number, one in enumerate(chosen, 1):
        progress(number / len(chosen))
        try:
            one.verify()
            found[one.name] = None
        except NotVerified as error:
            found[one.name] = str(error)
    return found


def entry_json(one: Derivation) -> dict[str, Any]:
    failure = verified((one,))[one.name]
    return {
        "name": one.name,
        "title": one.title,
        "rows": list(one.rows),
        "claim": one.claim,
        "start": str(one.lines[0]),
        "steps": [
            {
                "why": step.why,
                "rule": type(step.rule).__name__,
                "gives": str(step.gives),
                "left_out": left_out(one, number),
            }
            for number, step in enumerate(one.steps, 1)
        ],
        "result": str(one.result),
        "example": one.example_text,
        "numbers": dict(numbers_json(one)),
        "value": one.evaluate(),
        "unit": str(unit_of(one.result.rhs)),
        "approximate": is_approximate(one, len(one.steps)),
        "assumes": [premise.text for premise in premises(one)],
        "premises": [_premise_json(premise) for premise in (*premises(one), *definitions(one))],
        "holds": [readable(relation) for relation in holds(one)],
        "ranges": [readable(relation) for relation in domains(one.result.free_symbols)],
        "regime": [str(part) for part in one.regime],
        "sources": list(one.sources),
        "used_by": [other.name for other in used_by(one)],
        "verified": failure is None,
        "failure": failure,
    }


def short_table(one: Derivation) -> Group:
    """A theorem in a few lines: what it claims, where, and its number."""
    where = [Text(f"where {related(relation)}") for relation in holds(one)]
    number = f"{formula(one.result.lhs)} = {in_unit(one.evaluate(), unit_of(one.result.rhs))}: {one.example_text}"
    lines = [_equation(one.result, equals(one, len(one.steps))), one.claim]
    state = verified((one,))[one.name]
    said = "verified" if state is None else f"NOT VERIFIED: {state}"
    return Group(Text(one.title, style="bold"), *map(Text, lines), *where, Text(number), Text(said, style="dim"))


def entry_table(one: Derivation) -> Group:
    failure = verified((one,))[one.name]
    state = "verified" if failure is None else f"NOT VERIFIED: {failure}"
    lines = [Text(f"{one.title}  ({', '.join(one.rows)})", style="bold"), Text(one.claim), Text()]
    lines += [Text(f"if {_said(premise)}") for premise in premises(one)]
    lines += [Text(f"with {_said(premise)}") for premise in definitions(one)]
    lines += [Text(f"and if {related(relation)}") for relation in holds(one)]
    lines += [Text(f"then {_equation(one.result, equals(one, len(one.steps)))}", style="bold"), Text()]
    lines.append(Text(f"    {_equation(one.lines[0])}"))
    for number, step in enumerate(one.steps, 1):
        gone = left_out(one, number)
        noted = "" if gone is None else f" ({100 * gone:.2g} % of the rest at the example)"
        lines.append(Text(f"  {step.why}{noted}:", style="dim"))
        lines.append(Text(f"    {_equation(step.gives, equals(one, number))}"))
    made = Fitting(("where", "", " "), (), (), (" ",))
    for symbol in symbols_of(one):
        record = lookup(symbol.name)
        made.add_row(letter(record), in_unit(float(one.numbers[symbol]), record.unit), record.meaning)
    left, unit = formula(one.result.lhs), unit_of(one.result.rhs)
    put_in = one.result.rhs.xreplace({s: _number_symbol(float(one.numbers[s])) for s in symbols_of(one)})
    lines += [
        Text(),
        Text(f"{left} {equals(one, len(one.steps))} {formula(one.result.rhs)}"),
        Text(f"{' ' * len(left)} = {str(put_in).replace('**', '^').replace('*', '·')}"),
        Text(f"{' ' * len(left)} = {in_unit(one.evaluate(), unit)}", style="bold"),
        Text(f"numbers: {one.example_text}"),
    ]
    tail = [Text(f"where it matters: {'; '.join(_regime(part) for part in one.regime)}")] if one.regime else []
    tail.append(Text(f"source: {'; '.join(one.sources)}"))
    if followers := used_by(one):
        tail.append(Text(f"used by: {', '.join(other.name for other in followers)}"))
    return Group(*lines, made, *tail, Text(state, style="bold"))


def _number_symbol(value: float) -> Any:
    """A number that stays where it is put, printed short."""
    import sympy

    return sympy.Symbol(f"{value:.6g}")


def _equation(line: Any, sign: str = "=") -> str:
    return f"{formula(line.lhs)} {sign} {formula(line.rhs)}"


def related(relation: Any) -> str:
    """An inequality in the field's letters."""
    sign = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}.get(relation.rel_op, relation.rel_op)
    return f"{formula(relation.lhs)} {sign} {formula(relation.rhs)}"


def _regime(part: Any) -> str:
    return part if isinstance(part, str) else related(part)


def _said(premise: Premise) -> str:
    """An assumption in words and as a formula."""
    if premise.tends is not None:
        variable, to = premise.tends
        return f"{premise.text}: {formula(variable)} → {'∞' if to.is_infinite else to}"
    return premise.text + ("" if premise.formula is None else f": {related(premise.formula)}")


def _premise_json(premise: Premise) -> dict[str, Any]:
    """An assumption or a definition: its kind, its words, its formula."""
    formula = None if premise.formula is None else str(premise.formula)
    if premise.tends is not None:
        formula = f"{premise.tends[0]} -> {premise.tends[1]}"
    return {"kind": premise.kind, "text": premise.text, "formula": formula}


def graph() -> str:
    """Which derivation uses which, as a Mermaid graph."""
    lines = ["graph LR"]
    for one in derivations():
        lines.append(f'    {one.name}["{", ".join(one.rows)} {one.name}"]')
        lines += [f"    {one.name} --> {other.name}" for other in used_by(one) if other is not one]
    return "\n".join(lines)


def inverse_table(found: Inverse) -> Group:
    """The answer of `solve for`, with the formula and what was assumed."""
    unit = lookup(found.quantity.name).unit
    left = formula(found.quantity)
    lines = [Text(f"{found.formula}: {_equation(found.equation)}", style="bold")]
    if found.closed_form is not None:
        lines.append(Text(f"solved: {_equation(found.closed_form)}"))
    elif found.bracket is not None:
        low, high = (in_unit(value, unit) for value in found.bracket)
        lines.append(Text(f"no closed form; a root is looked for between {low} and {high}"))
    for value in found.solutions:
        lines.append(Text(f"{left} = {in_unit(value, unit)}   {found.quantity.name} = {value:.6g}", style="bold"))
    for value, why in found.outside:
        lines.append(Text(f"{left} = {in_unit(value, unit)} is left out: {related(why.relation)} is not so"))
    if not found.solutions:
        lines.append(Text("no positive real solution", style="bold"))
    if found.interval is not None:
        low, high = (in_unit(value, unit) for value in found.interval)
        lines.append(Text(f"over the ranges: {low} to {high} ({found.how})"))
    if found.unchecked:
        lines.append(Text("not checked: " + ", ".join(related(relation) for relation in found.unchecked)))
    if found.assumed:
        lines.append(Text("assumed: " + ", ".join(f"{name} {value:g}" for name, value in found.assumed.items())))
    return Group(*lines)
