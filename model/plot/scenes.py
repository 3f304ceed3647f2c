"""What pictures of a step share: its scenario in words, its terms with their closed forms, where they cross."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Overlap, PartName, PhaseName, TermName
from steptime.model.errors import UserError
from steptime.model.plot.shapes import Array, Axis, Curve, Points, Role
from steptime.model.quantity import dollar, latex, lookup
from steptime.model.solver.crossover import CrossoverAnswer, crossovers
from steptime.model.step.case import TERMS, Case
from steptime.model.text.format import counted, in_unit, layout_said, plain

if TYPE_CHECKING:
    from steptime.model.api.step import Step

ROLES = {TermName.COMPUTE: Role.COMPUTE, TermName.MEMORY: Role.MEMORY, TermName.INTERCONNECT: Role.INTERCONNECT,
         PartName.WEIGHTS: Role.WEIGHTS, PartName.KV: Role.KV}  # fmt: skip
SAMPLES = 240
"""Points of a curve beside those that mean something."""


def about(case: Case, *but: Symbol) -> str:
    """The scenario in one line, without what varies in the picture."""
    lengths = [symbol for symbol in (q.batch, case.length) if symbol not in but]
    said = [f"{symbol.name} {plain(case.number(symbol))}" for symbol in lengths]
    formats = f"weights {case.precision['weights']}, KV {case.precision['kv']}"
    if case.inputs.phase == PhaseName.TRAIN:
        formats = f"weights {case.precision['weights']}"
    chips, layout = counted(case.layout.chips, "chip"), layout_said(case.layout, otherwise="")
    where = chips if not layout else f"{chips}: {layout}"
    return " · ".join([f"{case.model} on {case.hardware.name}", str(case.inputs.phase), *said, where, formats])


def must_be_known(case: Case) -> None:
    """Raises UserError, which names the figures, where the time of a step has no number: its picture would be another
    step's."""
    if missing := case.missing({"step_time": q.step_time}):
        raise UserError(f"there is no picture of a step without {missing[0]}")


def shown_terms(case: Case) -> dict[TermName, Expr]:
    """The terms that take time here, each as it is written: of the one tier that is used."""
    terms, found = case.resources, {}
    for name in TERMS:
        if not case.times.get(name):
            continue
        tiers = [tier for tier in (TermName.SCALE_UP, TermName.SCALE_OUT) if case.number(terms[tier])]
        found[name] = terms[tiers[0]] if name == TermName.INTERCONNECT and len(tiers) == 1 else terms[name]
    return found


def term_curves(
    case: Case, over: Symbol, at: Array, factor: Expr | None = None, parts: Sequence[PartName] = ()
) -> tuple[Curve, ...]:
    """Each term over a quantity, at the mean load, times a factor; with its closed form, where it is one of times; and
    ``parts`` of the memory term."""
    relaxed = case.relaxed
    there = relaxed.changed({over: at}).scenario
    curves = []
    for name, expr in [*shown_terms(relaxed).items(), *((part, relaxed.comparable[part]) for part in parts)]:
        times = np.broadcast_to(there.evaluate(expr if factor is None else factor * expr), at.shape)
        formula = latex(relaxed.short(expr, keep=over)) if factor is None else ""
        curves.append(Curve(name.value, at, np.array(times, float), ROLES[name], formula))
    return tuple(curves)


def crossings(case: Case, over: Symbol, least: float, most: float) -> list[tuple[CrossoverAnswer, float]]:
    """Where two terms meet over a quantity within limits, each root once."""
    found = [answer for answer in crossovers(case) if answer.over == over]
    return [(answer, value) for answer in found for value in answer.values if least <= value <= most]


def crossing_points(
    case: Case, over: Symbol, found: list[tuple[CrossoverAnswer, float]], factor: Expr | None = None
) -> tuple[Points, ...]:
    """The crossings as points on the curves of the terms."""
    points = []
    for answer, value in found:
        there = case.relaxed.changed({over: value}).scenario
        time = there.evaluate(case.comparable[answer.between[0]] * (1 if factor is None else factor))
        name = f"{' = '.join(answer.between)} at {over.name} {valued(over, value)}"
        points.append(Points(name, np.array([value]), np.array([float(time)])))
    return tuple(points)


def valued(symbol: Symbol, value: float) -> str:
    """A value of a quantity as people read it."""
    unit = lookup(symbol.name).unit
    return f"${plain(value)}" if unit == dollar else in_unit(value, unit)


def estimate_name(step: "Step") -> str:
    """What the estimate is called, which says where it goes beyond what was calibrated."""
    estimate = step.estimate
    return "estimate" if estimate is None or estimate.inside else "estimate, outside of what was calibrated"


def bound_name(case: Case) -> str:
    """What the bound is called, or the time at another overlap: of the fullest rank where ranks differ."""
    overlap = case.inputs.overlap
    name = "bound" if overlap == Overlap.FULL else f"time {overlap.said}"
    return f"{name}, whole sequences on the fullest rank" if case.relaxes else name


def cost_axis(case: Case) -> tuple[Axis, Expr]:
    """What a token costs, and the axis of it: dollars, or chip-seconds where no price is known; per million."""
    if case.number(q.dollars_per_million_tokens) is not None:
        return Axis("cost of a million tokens", "$"), q.dollars_per_million_tokens
    return Axis("cost of a million tokens, no price known", "chip-s"), q.million * q.chips / q.tokens_per_second


def spread(least: float, most: float, *also: Any) -> Array:
    """Values from the least to the most in equal ratios, and others that must be among them."""
    return np.union1d(np.geomspace(least, most, SAMPLES), np.array([x for x in also if least <= x <= most]))
