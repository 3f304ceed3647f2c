"""The point of one quantity at which two terms of a case, or what its memory term reads, are equal: in closed form, or
as a root with its bracket."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import TermName, written
from steptime.model.errors import Unbound, UserError
from steptime.model.phases.memory import usable
from steptime.model.quantity import as_count, lookup
from steptime.model.solver.limits import numbers_but
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.terms import Crossover, crossover

SPAN = 1e9
"""A root is looked for from a billionth to a billion times the quantity's present value."""
GRID = 2000
LONGEST = 150
"""Operations of two terms above which no closed form is sought: it would take minutes, and nobody could read it."""


@dataclass(frozen=True)
class CrossoverAnswer:
    """Where two terms meet over one quantity. ``closed_form`` is None where the equation has none; then ``bracket``
    holds the values between which the root was enclosed. ``values`` are all positive roots, ``value`` the one nearest
    to the present scenario. ``fits`` says whether the fullest chip has room there; ``relaxed`` that the terms are those
    of the mean load, where whole sequences may load some chips more."""

    between: tuple[str, str]
    over: Symbol
    closed_form: sympy.Eq | None
    exists_when: sympy.Basic | None
    values: tuple[float, ...]
    present: float
    bracket: tuple[float, float] | None
    remark: str
    fits: bool | None = None
    relaxed: bool = False

    @property
    def exists(self) -> bool:
        return bool(self.values)

    @property
    def value(self) -> float | None:
        return min(self.values, key=lambda x: abs(np.log(x / self.present)), default=None)


PAIRS = ((TermName.COMPUTE, TermName.MEMORY), (TermName.MEMORY, TermName.INTERCONNECT),
         (TermName.COMPUTE, TermName.INTERCONNECT))  # fmt: skip
NESTED = ({"interconnect", "scale_up"}, {"interconnect", "scale_out"}, {"memory", "weights"}, {"memory", "kv"})
"""A term and a part of it."""


def crossovers(case: Case) -> list[CrossoverAnswer]:
    """Where pairs of terms meet over batch and over context; pairs without a number or a meaning are left out."""
    case = case.relaxed
    found, terms = [], case.resources
    times = case.scenario.numbers(terms[name] for name in TermName)
    for over in (q.batch, case.length):
        for first, second in PAIRS:
            try:
                if times.get(terms[first], 0) > 0 and times.get(terms[second], 0) > 0:
                    found.append(find_crossover(case, first, second, over))
            except (UserError, Unbound):
                continue
    return found


@np.errstate(all="ignore")  # far from the present point a power may overflow or a denominator vanish
def find_crossover(case: Case, first: str, second: str, over: Symbol, closed: bool = True) -> CrossoverAnswer:
    """The crossover of two terms over one quantity, at the mean load; raises UserError where it has no meaning.

    Raises Unbound where a term needs a missing figure. Without ``closed`` no closed form is sought: where it is known
    that there is none, as at other numbers of the same case.
    """
    if over == q.bytes_per_weight and over not in case.scenario.values:
        mean = {over: case.scenario.evaluate(over)}  # asked of all weights alike
        case = build_case(case.question.but(mean, layout=case.layout))
    case = case.relaxed
    terms, scenario = case.comparable, case.scenario
    for name in (first, second):
        if name not in terms:
            raise UserError(f"`between`: {name!r} is not a term; terms are {', '.join(terms)}")
    if not case.has_network and {first, second} & {"interconnect", "scale_up", "scale_out"}:
        raise UserError(f"`between`: the interconnect is absent here; it needs {case.where('width')}, layers")
    if first == second or {first, second} in NESTED:
        raise UserError(f"`between`: {first} and {second} are not two different terms")
    must_have_a_value(case, over)
    times = {name: scenario.evaluate(terms[name]) for name in (first, second)}  # Unbound where a figure is missing
    if not any(scenario.depends(terms[name], over) for name in times):
        raise UserError(f"`over`: neither {first} nor {second} depends on {over.name}")
    present, (least, most) = float(scenario.value(over)), lookup(over.name).sane
    least = max(least, least_value(case, over))
    pairs = [(a, b) for a in _tiers(case, first) for b in _tiers(case, second)]
    answers = [_closed(case, terms[a], terms[b], over) if closed else None for a, b in pairs]
    values: tuple[float, ...] = ()
    bracket = None
    if all(answer is not None for answer in answers):
        roots = {root for answer in answers for crossing in answer or () for root in _numbers(case, crossing, over)}
        values = tuple(sorted(root for root in roots if _meets(case, first, second, over, root)))
    else:
        values, bracket = _bracketed(case, first, second, over, present)
    beyond = [value for value in values if not least <= value <= most]
    values = tuple(value for value in values if least <= value <= most)
    shown = _shown([crossing for answer in answers for crossing in answer or ()], case, over, values)
    remark = "" if values else _remark(case, times, over)
    if beyond and not values:
        remark = f"no crossover: they would meet at {over.name} = {as_count(beyond[0])}, outside "
        remark += f"{as_count(least)} to {as_count(most)}"
    form, exists_when = (shown.at, shown.exists_when) if shown is not None and bracket is None else (None, None)
    if bracket is not None and over == q.batch and {first, second} == {"compute", "memory"}:
        # Memory is the larger at a small batch, since weights are read anyway: they meet if compute grows faster.
        exists_when = sympy.Gt(case.short(case.phase.compute_slope), case.short(case.phase.memory_slope))
    answer = CrossoverAnswer((first, second), over, form, exists_when, values, present, bracket, remark)
    return replace(answer, fits=_fits(case, over, answer.value), relaxed=case.relaxes)


def must_have_a_value(case: Case, over: Symbol) -> None:
    """Raises UserError for what has no value of its own here, or steps."""
    if over == q.chunk:
        raise UserError("`over`: the number of chunks is whole and steps with chunk; compare values of `chunk`")
    if case.takes(over):
        return
    if over in case.scenario.definitions:
        raise UserError(f"`over`: {over.name} follows from other quantities here; choose one of those")
    raise UserError(f"`over`: {over.name} has no value here ({case.where(over.name)})")


def _fits(case: Case, over: Symbol, value: float | None) -> bool | None:
    """Whether the fullest chip has room at a crossing; None where there is none or the capacity is unknown."""
    if value is None or q.memory_capacity not in case.scenario.values:
        return None
    there = case.scenario | {over: value}
    return bool(max(there.evaluate(f.total + q.workspace) for f in case.footprints) <= there.evaluate(usable))


def _tiers(case: Case, name: str) -> list[str]:
    """Interconnect is a maximum of two tiers: each that carries anything is tried, the root must lie on the maximum."""
    if name != "interconnect":
        return [name]
    terms = {tier: case.resources[tier] for tier in ("scale_up", "scale_out")}
    times = case.scenario.numbers(terms.values())
    return [tier for tier, term in terms.items() if times[term] > 0] or ["scale_up"]


def _closed(case: Case, first: Expr, second: Expr, over: Symbol) -> tuple[Crossover, ...] | None:
    """Closed-form crossings, or None where the difference is neither linear nor quadratic in the quantity."""
    left, right = (case.short(case.scenario.expand(case.short(term, over), over), over) for term in (first, second))
    if not (left.has(over) or right.has(over)):
        return ()
    if left.count_ops() + right.count_ops() > LONGEST:
        return None
    if found := crossover(left, right, over):
        return found
    numerator, _ = sympy.fraction(sympy.together(left - right))
    return () if numerator.is_polynomial(over) and sympy.degree(numerator, over) <= 1 else None


def _numbers(case: Case, crossing: Crossover, over: Symbol) -> list[float]:
    """The root in numbers, where it is real, positive and finite."""
    with np.errstate(all="ignore"):
        try:
            value = case.scenario.evaluate(crossing.at.rhs)
        except (TypeError, ZeroDivisionError):
            return []
    return [value] if np.isfinite(value) and value > 0 else []


def _meets(case: Case, first: str, second: str, over: Symbol, root: float) -> bool:
    """Whether the two terms really are equal there: a root on one tier counts only where that tier is the larger."""
    there, terms = case.scenario | {over: root}, case.comparable
    left, right = there.evaluate(terms[first]), there.evaluate(terms[second])
    return bool(np.isclose(left, right, rtol=1e-9, atol=0.0))


def _shown(found: list[Crossover], case: Case, over: Symbol, values: tuple[float, ...]) -> Crossover | None:
    """The crossing to print: one that is met here, else the first."""
    for crossing in found:
        if any(np.isclose(root, value) for root in _numbers(case, crossing, over) for value in values):
            return crossing
    return found[0] if found else None


def least_value(case: Case, over: Symbol) -> float:
    """The least value that has a meaning: a prompt is what is cached and two more tokens, so that there is a pair; of
    in-flight batching there is a sequence on every rank or replica that others do not wait for."""
    if over == q.prompt:
        return float(case.scenario.values.get(q.cached, 0.0)) + 2
    if over == q.batch and (in_flight := case.number(q.in_flight)) is not None:
        return float(case.scenario.value(q.batch)) / in_flight
    return 1e-12


def _bracketed(
    case: Case, first: str, second: str, over: Symbol, present: float
) -> tuple[tuple[float, ...], tuple[float, float]]:
    """Roots by Brent's method in every interval of a logarithmic grid where the difference changes sign."""
    difference = case.comparable[first] - case.comparable[second]

    def height(at: Any) -> Any:
        return (case.scenario | {over: at}).evaluate(difference)

    grid = np.geomspace(max(present / SPAN, least_value(case, over)), present * SPAN, GRID)
    heights = np.broadcast_to(height(grid), grid.shape)
    changes = np.flatnonzero(np.sign(heights[:-1]) * np.sign(heights[1:]) < 0)
    brackets = [(float(grid[i]), float(grid[i + 1])) for i in changes]
    if not brackets:
        return (), (float(grid[0]), float(grid[-1]))
    from scipy.optimize import brentq  # only where there is a root to find: SciPy takes half a second to load

    roots = [float(brentq(height, low, high, xtol=1e-300, rtol=1e-14)) for low, high in brackets]
    # A sign may also change across a jump, where the terms do not meet.
    kept = [(root, b) for root, b in zip(roots, brackets, strict=True) if _meets(case, first, second, over, root)]
    if not kept:
        return (), (float(grid[0]), float(grid[-1]))
    return tuple(root for root, _ in kept), min(kept, key=lambda item: abs(np.log(item[0] / present)))[1]


def balanced_context(case: Case) -> float | None:
    """L*: the context at which compute and memory grow equally fast with batch; None where they never do."""
    slopes = [numbers_but(case, s, q.context) for s in (case.phase.compute_slope, case.phase.memory_slope)]
    for crossing in crossover(slopes[0], slopes[1], q.context):
        for value in _numbers(case, crossing, q.context):
            return value
    return None


def _remark(case: Case, times: Mapping[str, float], over: Symbol) -> str:
    """What holds instead where two terms never meet."""
    first, second = times
    larger, smaller = max(times, key=lambda name: times[name]), min(times, key=lambda name: times[name])
    if times[larger] == times[smaller]:
        return f"no crossover: {written(first)} and {written(second)} are equal at every {over.name}"
    if over == q.batch and larger == "memory" and smaller == "compute" and case.phase.varies == q.context:
        try:
            limit = balanced_context(case)
        except Unbound:
            limit = None
        if limit is not None and limit < case.scenario.value(q.context):
            here = case.scenario.value(q.context)
            return f"no crossover: always memory-bound above context L* = {limit:,.0f} (here {here:,.0f})"
    return f"no crossover: {written(larger)} exceeds {written(smaller)} at every {over.name}"
