"""The parts of a case's step: their times add up, and inside each its terms overlap."""

from sympy import Expr

from steptime.model.choices import Overlap
from steptime.model.phases.rates import rates
from steptime.model.step.bounds import serial
from steptime.model.step.case import Case

Parts = dict[str, dict[str, Expr]]


def parts_of(case: Case) -> Parts:
    """One part where everything overlaps, one an operation, or one a term where nothing does; zero times are left out.

    Raises Unbound for a term that lacks a figure.
    """
    steps = {"step": case.phase.blackboard}
    if case.inputs.overlap == Overlap.NONE:
        steps = {"step": serial(case.phase, case.operations, case.stages)}
    if case.inputs.overlap == Overlap.PER_OPERATION:
        steps = {line.name: rates.step([line]) for line in case.operations}
    parts = {
        name: {term.name: term.time for term in step.terms if case.scenario.evaluate(term.time) > 0}
        for name, step in steps.items()
    }
    if case.inputs.overlap == Overlap.NONE:
        return {name: {name: time} for name, time in parts["step"].items()}
    return {name: terms for name, terms in parts.items() if terms}
