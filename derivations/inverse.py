"""Any registered formula, solved for any of its symbols: in closed form where there is one, else by a bracketed root.

This is how a price becomes an architecture: put in what is known, and ask for what is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.experts.symbols import network_time
from steptime.derivations.library import derivations
from steptime.derivations.readable import readable
from steptime.derivations.region import Broken, broken, region
from steptime.derivations.roots import closed_roots, real_root, roots
from steptime.derivations.rules import equation
from steptime.model import symbols as q
from steptime.model.errors import UserError, unknown
from steptime.model.names import matches
from steptime.model.step.case import RESOURCES

TERM_TIMES = {"compute": q.compute_time, "memory": memory_time, "interconnect": network_time}
ASSUMED: dict[Symbol, float] = {
    q.flops_per_mac: 2.0,
    q.hour: 3600.0,
    q.million: 1e6,
    q.compute_efficiency: 1.0,
    q.memory_efficiency: 1.0,
    q.interconnect_efficiency: 1.0,
    q.scale_up_latency: 0.0,
    q.scale_out_latency: 0.0,
}
"""Conventions and ideal efficiencies, taken where they are not set."""
SAMPLES = 1024


@dataclass(frozen=True)
class Inverse:
    """The answer: every real root in the formula's region. ``interval`` of the first root over the ranges,
    ``how`` it was found. ``outside`` are roots at which the formula does not hold, each with the condition that it
    breaks; ``unchecked`` the conditions that speak of quantities without a number."""

    formula: str
    equation: Eq
    quantity: Symbol
    closed_form: Eq | None
    solutions: tuple[float, ...]
    bracket: tuple[float, float] | None
    assumed: Mapping[str, float]
    interval: tuple[float, float] | None = None
    how: str = ""
    outside: tuple[tuple[float, Broken], ...] = ()
    unchecked: tuple[Relational, ...] = ()


def formulas() -> dict[str, Eq]:
    """Every registered formula by name: the result of each derivation, and each term of a step."""
    terms = {name: equation(symbol, RESOURCES[name]) for name, symbol in TERM_TIMES.items()}
    return {**{one.name: one.result for one in derivations()}, **terms}


def find_formula(name: str) -> Eq:
    """The formula of a name; raises UserError with the best matches."""
    known = formulas()
    if name not in known:
        raise unknown("formula", name, list(known))
    return known[name]


def solve_for(
    name: str, wanted: Symbol, values: Mapping[Symbol, float], ranges: Mapping[Symbol, tuple[float, float]]
) -> Inverse:
    """A formula solved for one of its quantities; raises UserError for what does not occur or is not given."""
    line, theorem = find_formula(name), next((one for one in derivations() if one.name == name), None)
    if wanted not in line.free_symbols:
        names = ", ".join(sorted(symbol.name for symbol in line.free_symbols))
        raise UserError(f"{wanted.name} does not occur in {name}; its quantities are {names}")
    where = region(line, theorem)
    _must_occur(name, wanted, (*values, *ranges), line.free_symbols.union(*(part.free_symbols for part in where)))
    middle = {symbol: float(np.sqrt(low * high)) for symbol, (low, high) in ranges.items()}
    given = {**ASSUMED, **values, **middle}
    missing = sorted(symbol.name for symbol in line.free_symbols - {wanted} - set(given))
    if missing:
        raise UserError(f"{name} solved for {wanted.name} needs {', '.join(f'`{one}`' for one in missing)}")
    assumed = {s.name: v for s, v in ASSUMED.items() if s in line.free_symbols - set(values) - set(ranges) - {wanted}}
    closed = closed_roots(line, wanted)
    found, bracket = roots(line, closed, wanted, given)
    solutions, outside = _within(where, wanted, given, found)
    _must_hold(name, where, wanted, given, solutions, outside)
    shown = next((root for root in closed if real_root(root, given) in solutions), closed[0] if closed else None)
    closed_form = None if shown is None else equation(wanted, shown)
    interval, how = _interval(line, closed_form, wanted, given, ranges, where) if ranges and solutions else (None, "")
    unchecked = tuple(relation for relation in where if not relation.free_symbols <= set(given) | {wanted})
    return Inverse(name, line, wanted, closed_form, solutions, bracket, assumed, interval, how, outside, unchecked)


def _must_occur(name: str, wanted: Symbol, named: tuple[Symbol, ...], contained: set[Symbol]) -> None:
    """Refuse a quantity that is asked for and set, or that the formula and its region do not contain."""
    for symbol in named:
        if symbol == wanted:
            raise UserError(f"{wanted.name} is asked for: it cannot be set as well")
        if symbol not in contained:
            others = sorted(other.name for other in contained - {wanted})
            near = matches(symbol.name, others) or others
            raise UserError(f"`{symbol.name}` does not occur in {name}; did you mean {', '.join(near)}?")


def _within(
    where: tuple[Relational, ...], wanted: Symbol, given: Mapping[Symbol, float], roots: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[tuple[float, Broken], ...]]:
    """Roots at which the formula holds, and the others, each with the first condition that it breaks."""
    tried = [(root, broken(where, {**given, wanted: root})) for root in roots]
    inside = tuple(root for root, failing in tried if not failing)
    outside = tuple((root, failing[0]) for root, failing in tried if failing)
    return inside, tuple(pair for pair in outside if pair[0] > 0) or (() if inside else outside)


def _must_hold(
    name: str,
    where: tuple[Relational, ...],
    wanted: Symbol,
    given: Mapping[Symbol, float],
    solutions: tuple[float, ...],
    outside: tuple[tuple[float, Broken], ...],
) -> None:
    """Refuse numbers for which the formula does not hold, and an answer for which it does not."""
    failing = broken((relation for relation in where if wanted not in relation.free_symbols), given)
    if failing:
        raise UserError(f"{name} does not hold for these numbers: {failing[0]}")
    if not solutions and outside:
        root, why = outside[0]
        raise UserError(f"{name} gives {wanted.name} = {root:.6g}, for which it does not hold: {why}")


def _interval(
    line: Eq,
    closed: Eq | None,
    wanted: Symbol,
    given: Mapping[Symbol, float],
    ranges: Mapping[Symbol, tuple[float, float]],
    where: tuple[Relational, ...],
) -> tuple[tuple[float, float] | None, str]:
    """Exact at the corners where the answer is proved to rise or fall with each range; else by sampling."""

    def answer(point: Mapping[Symbol, float]) -> float | None:
        there = {**given, **point}
        found, _ = roots(line, (closed.rhs,) if closed is not None else (), wanted, there)
        inside, _ = _within(where, wanted, there, found)
        return inside[0] if inside else None

    symbols = list(ranges)
    if closed is not None and all(_monotone(closed.rhs, symbol) for symbol in symbols):
        points: list[dict[Symbol, float]] = [
            dict(zip(symbols, corner, strict=True)) for corner in product(*ranges.values())
        ]
        how = "exact: the answer is monotone in each range"
    else:
        from scipy.stats import qmc

        unit = qmc.Sobol(len(symbols), seed=0).random(SAMPLES)
        points = [
            {s: low * (high / low) ** float(u) for (s, (low, high)), u in zip(ranges.items(), row, strict=True)}
            for row in unit
        ]
        how = f"sampled: {SAMPLES} Sobol points, log-uniform"
    found = [value for point in points if (value := answer(point)) is not None]
    return ((min(found), max(found)) if found else None), how


def _monotone(expr: Expr, symbol: Symbol) -> bool:
    """Whether the derivative is shown to have one sign for all positive quantities."""
    slope = sympy.factor(sympy.diff(expr, symbol))
    return bool(slope.is_positive or slope.is_negative or slope.is_zero)


def inverse_json(found: Inverse) -> dict[str, Any]:
    from steptime.model.quantity import latex
    from steptime.model.units import unit_of

    closed = found.closed_form
    return {
        "quantity": found.quantity.name,
        "formula": found.formula,
        "equation": str(found.equation),
        "unit": str(unit_of(found.quantity)),
        "closed_form": None if closed is None else f"{closed.lhs} = {closed.rhs}",
        "latex": None if closed is None else latex(closed),
        "solutions": list(found.solutions),
        "bracket": None if found.bracket is None else list(found.bracket),
        "assumed": dict(found.assumed),
        "interval": None if found.interval is None else list(found.interval),
        "interval_by": found.how or None,
        "outside": [
            {"value": root, "condition": readable(why.relation), "left": why.left, "right": why.right}
            for root, why in found.outside
        ],
        "unchecked": [readable(relation) for relation in found.unchecked],
    }
