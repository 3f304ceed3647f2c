"""The formulas of one scenario as text: a function in Python, C or JavaScript that answers it, or equations."""

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Symbol

from steptime.derivations.printed.languages import PROGRAMS
from steptime.derivations.printed.program import program
from steptime.model.errors import UserError
from steptime.model.page.outputs import bound_outputs, practice_of, with_practice
from steptime.model.quantity import latex
from steptime.model.scenario import Scenario
from steptime.model.solver.sweep.outputs import Way
from steptime.model.step.build import prepare
from steptime.model.step.case import Case

FORMS = ("latex", "markdown", *PROGRAMS)


def way_of_case(case: Case) -> Way:
    """A case, at the layout that it has, as formulas."""
    there = case.scenario
    return Way(there.values, there.definitions, case.phase, case.operations, case.stages)


def exported_step(case: Case, form: str) -> str:
    """The scenario's own formulas; raises UserError for a form that is not known.

    In code every base quantity is an argument with the scenario's number; a quantity that is derived is a line of its
    own, under its own name. Equations are those of the terms, with every definition that leads to them.
    """
    if form not in FORMS:
        raise UserError(f"`form` {form[:40]!r}: {', '.join(FORMS[:-1])} or {FORMS[-1]}")
    way = way_of_case(case)
    if form not in PROGRAMS:
        return equations(way, form)
    way, outputs = with_practice(way, practice_of(prepare(case.question), way, case.plan))
    known = way.in_force
    one = program({name: expr for name, expr in outputs.items() if not lacking(way, expr, case)}, known)
    numbers: Mapping[Symbol, Any] = way.values  # at one layout each is one number
    given = {symbol.name: float(value) for symbol, value in numbers.items()}
    meaning = f"{case.model} on {case.hardware.name}, {case.inputs.phase}, {case.layout}: seconds, bytes and dollars"
    return PROGRAMS[form]("step", one, given, meaning)


def lacking(way: Way, expr: Expr, case: Case) -> frozenset[str]:
    """What an output needs that has no number: it is left out of the code."""
    named = {symbol.name for symbol in case.absent}
    return Scenario(way.values, way.definitions).missing(expr) - named


def equations(way: Way, form: str) -> str:
    """The terms and all that they follow from as equations, each in the letters of the field."""
    outputs: Mapping[str, Expr] = {name: bound_outputs(way)[name] for name in (*map(str, way.phase.resources),
                                                                               "step_time")}  # fmt: skip
    known = way.in_force
    reached = Scenario({}, known)
    used = {part for expr in outputs.values() for symbol in expr.free_symbols for part in reached.reach(symbol)}
    lines = [(f"t_\\text{{{name.replace('_', '-')}}}", expr) for name, expr in outputs.items() if not expr.is_Symbol]
    lines += [(latex(symbol), known[symbol]) for symbol in sorted(used & known.keys(), key=str)]
    opened, closed = ("\\[ ", " \\]\n") if form == "latex" else ("$$", "$$\n")
    return "\n".join(f"{opened}{name} = {latex(expr)}{closed}" for name, expr in lines)
