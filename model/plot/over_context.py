"""What a token costs over the context, and at which contexts others' prices step up."""

from typing import TYPE_CHECKING

import numpy as np

from steptime.model import symbols as q
from steptime.model.catalog.economy import figures, names
from steptime.model.choices import PhaseName
from steptime.model.phases.memory import available
from steptime.model.plot.shapes import Axis, Curve, Curves, Edge, Role
from steptime.model.quantity import lookup
from steptime.model.solver.crossover import least_value
from steptime.model.step.case import Case
from steptime.model.text.format import plain

from steptime.model.plot.scenes import (  # isort: skip
    SAMPLES, about, bound_name, cost_axis, crossing_points, crossings, estimate_name, must_be_known,
    spread, term_curves,
)  # fmt: skip

if TYPE_CHECKING:
    from steptime.model.api.step import Step

SHORTEST, LONGEST, USUAL = 100.0, 1e7, 300e3
"""Tokens at which the axis begins at the earliest and ends at the latest, and to which it goes at least."""
HALVINGS = 40


def context(step: "Step") -> Curves:
    """What a million tokens cost over the context, the prompt or the sequence, whichever the phase has, batch held:
    each term's share at the mean load, bound and estimate; where there is no room any more, and, of decode steps,
    contexts above which published prices are higher."""
    case = step.case
    must_be_known(case)
    over = case.length
    here = case.scenario.evaluate(over)
    least = min(here, max(SHORTEST, least_value(case, over)))
    most = min(lookup(over.name).sane[1], max(USUAL, 4 * here))
    met = [value for _, value in crossings(case, over, least, LONGEST)]
    most = max(most, *(2 * value for value in met), 0.0)
    found = crossings(case, over, least, most)
    axis, expr = cost_axis(case)
    each = expr / q.mean_step_time
    whole = np.unique(np.round(np.geomspace(least, most, SAMPLES // 2)))
    grid = step.over(None, **{over.name: whole})
    dollars = grid.of(expr)
    curves = [*term_curves(case, over, spread(least, most, *met), each),
              Curve(bound_name(case), whole, dollars, Role.BOUND)]  # fmt: skip
    if (estimate := grid.mean_estimate) is not None:
        curves.append(Curve(estimate_name(step), whole, dollars * estimate / grid.of(q.mean_step_time), Role.ESTIMATE))
    steps = price_steps() if case.inputs.phase == PhaseName.DECODE else ()
    edges = (*longest(case, most), *(one for one in steps if least <= one.x <= most))
    return Curves("context", f"Cost of a token against {over.name}", about(case, over), Axis(f"{over.name}, tokens"),
                  axis, tuple(curves), crossing_points(case, over, found, each), edges)  # fmt: skip


def longest(case: Case, most: float) -> tuple[Edge, ...]:
    """The length beyond which the batch has no room."""
    room, over = case.number(available), case.length
    if room is None or case.number(q.memory_per_chip) is None:
        return ()

    def fits(length: float) -> bool:
        return bool((case.scenario | {over: length}).evaluate(q.memory_per_chip) <= room)

    low, high = least_value(case, over), most
    if fits(high):
        return ()
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if fits(middle) else (low, middle)
    return (Edge(f"beyond {plain(np.floor(low))} tokens: no room in memory for this batch", low, beyond=True),)


def price_steps() -> tuple[Edge, ...]:
    """Contexts above which models of the catalogue ask a higher price of their output, each with by how much."""
    found: dict[float, dict[float, list[str]]] = {}
    for model in names("token_price"):
        prices = figures("token_price", model)
        if "long_from" in prices:
            times = prices["long_output"].value / prices["output"].value
            found.setdefault(prices["long_from"].value, {}).setdefault(times, []).append(model)
    return tuple(
        Edge(f"price of output above {plain(tokens)}: " + "; ".join(
            f"×{times:.3g} {', '.join(models)}" for times, models in sorted(steps.items())), tokens)
        for tokens, steps in sorted(found.items())
    )  # fmt: skip
