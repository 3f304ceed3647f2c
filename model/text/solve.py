"""Crossovers as JSON and as tables; and what a solve held fixed."""

from typing import Any

import sympy
from rich.text import Text
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import written
from steptime.model.quantity import lookup
from steptime.model.solver.crossover import CrossoverAnswer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.case import Case
from steptime.model.text.format import formula, in_unit, plain
from steptime.model.text.header import header_json, headline, missing_json, trailer
from steptime.model.text.practice import estimate_json, practice_lines, run_line
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import run_json
from steptime.model.text.screen import Fold, Screen
from steptime.model.text.step_json import crossover_json


def solve_crossover_json(case: Case, answer: CrossoverAnswer, spread: Spread | None = None) -> dict[str, Any]:
    return {
        **header_json(case),
        **crossover_json(answer),
        "present": answer.present,
        "estimate": None if answer.value is None else estimate_json(case.changed({answer.over: answer.value})),
        **run_json(case),
        "quantities": case.quantities,
        "missing": missing_json(case, {f"terms.{name}": case.resources[name] for name in case.times}),
        **spread_json(spread),
    }


def crossover_table(case: Case, answer: CrossoverAnswer, spread: Spread | None = None) -> Screen:
    data, unit = crossover_json(answer), lookup(answer.over.name).unit
    first, second = answer.between
    where = f"where {written(first)} = {written(second)}, over {answer.over.name}"
    head = [Text(headline(case, answer.over), style="bold"), Text(where)]
    lines: list[Any] = [Text()]
    if answer.exists:
        roots = ", ".join(in_unit(root, unit) for root in answer.values)
        lines.append(Text(f"{answer.over.name} = {roots}  (here {in_unit(answer.present, unit)})", style="bold"))
        if answer.fits is False:
            lines.append(Text("at that value the fullest chip has no room: it DOES NOT FIT in memory at this layout"))
        if answer.value is not None:
            lines += practice_lines(case.changed({answer.over: answer.value}), "in practice a step there takes ")
    else:
        lines.append(Text(answer.remark, style="bold"))
    lines.append(Text())
    for name in answer.between:
        lines.append(Text(f"{written(name)} = {formula(case.short(case.comparable[name], answer.over))}"))
    if answer.closed_form is not None:
        lines.append(Text(f"closed form: {formula(answer.over)} = {formula(answer.closed_form.rhs)}"))
        lines.append(Text(f"exists when: {_condition(answer)}"))
        lines.append(Fold((Text(f"LaTeX:       {data['latex']}"),)))
    elif answer.bracket is not None:
        low, high = (in_unit(value, unit) for value in answer.bracket)
        how = "root enclosed between" if answer.exists else "no root found between"
        lines.append(Text(f"no closed form: the difference is not linear or quadratic; {how} {low} and {high}"))
    lines += [Text(f"at present: {line}") for line in run_line(case)]
    ranges = spread_lines(spread_json(spread), binds="where they meet apart, at present binds")
    if answer.relaxed:
        lines.append(
            Text("relaxed: the mean load on every rank; whole sequences may load some chips more", style="dim")
        )
    return Screen(*head, *lines, Text(), *ranges, *held(case, answer.over))


def _condition(answer: CrossoverAnswer) -> str:
    return "always" if answer.exists_when == sympy.true else formula(answer.exists_when)


def held(case: Case, over: Symbol) -> list[Any]:
    """What was held fixed. Where the layout is a default, it was chosen for the batch that stands here."""
    fixed = [(symbol.name, plain(case.number(symbol))) for symbol in (q.batch, case.length) if symbol != over]
    said = f"held: layout {case.layout}, " + ", ".join(f"{name} {value}" for name, value in fixed)
    return [Fold((Text(said),)), *trailer(case, but=over.name)]
