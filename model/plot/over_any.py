"""A step over any quantity: two terms that cross over it, two machines that cost the same, or a grid."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import PartName
from steptime.model.errors import UserError
from steptime.model.plot.scenes import about, crossing_points, spread, term_curves, valued
from steptime.model.plot.shapes import Axis, Curve, Curves, Points, Role
from steptime.model.quantity import count, joule, lookup, second
from steptime.model.text.format import layout_said

if TYPE_CHECKING:
    from steptime.model.api.answers import Crossover
    from steptime.model.api.crossed import MachineCrossover
    from steptime.model.api.grid import Grid

AROUND = 30.0
"""How much further than what there is to see an axis goes, either way."""
MILLION = 1e6
MOST = 8
"""Curves that are told apart."""


def terms(crossover: "Crossover") -> Curves:
    """All terms over the quantity of a crossover, and the parts that it is of, at the mean load; where the two meet."""
    case, answer = crossover.case, crossover.answer
    known = lookup(answer.over.name)
    seen = [answer.present, *answer.values]
    least, most = max(known.sane[0], min(seen) / AROUND), min(known.sane[1], max(seen) * AROUND)
    if not least > 0:
        raise UserError(f"`over`: {known.name} is zero here: there is no axis of it in equal ratios")
    at = spread(least, most, *answer.values)
    first, second = (name.replace("_", "-").replace("kv", "KV cache") for name in answer.between)
    parts = [part for part in PartName if part in answer.between]
    title = f"{first.capitalize()} and {second} over {known.name}"
    return Curves("terms", title, about(case, answer.over), Axis(known.name, _unit(known.name)),
                  Axis("time of a step", "s"), term_curves(case, answer.over, at, parts=parts),
                  crossing_points(case, answer.over, [(answer, value) for value in answer.values]))  # fmt: skip


def machines(found: "MachineCrossover") -> Curves:
    """What a million tokens cost on two machines over a quantity, at the best batch of each unless it is stated, at the
    bound and in practice, and where both cost the same."""
    answer = found.answer
    levels = {"at the bound": answer.bound, **({} if answer.estimate is None else {"in practice": answer.estimate})}
    known = lookup(answer.over.name)
    seen = [value for level in levels.values() for value in level.values] or [answer.present or 1.0]
    least, most = max(known.sane[0], min(seen) / AROUND), min(known.sane[1], max(seen) * AROUND)
    at = spread(least, most, *seen)
    curves, points = [], []
    for name, level in levels.items():
        sides = answer.machines(in_practice=name == "in practice")
        for one in sides:
            with np.errstate(all="ignore"):  # far from the present a power may overflow
                curves.append(Curve(f"{one.name} {name}", at, MILLION * one.costs(at), Role.OTHER))
        for value in level.values:
            said = f"the same {name} at {known.name} {valued(known.symbol, value)}"
            points.append(Points(said, np.array([value]), MILLION * sides[1].costs(np.array([value]))))
    batch = "at the batch as stated" if answer.held else "each at its best batch"
    said = f"{answer.first.model} · {answer.first.inputs.phase} · {batch}"
    return Curves("machines", f"Cost of a token over {known.name}", said, Axis(known.name, _unit(known.name)),
                  Axis("cost of a million tokens", "$"), tuple(curves), tuple(points))  # fmt: skip


def grid(made: "Grid") -> Curves:
    """Seconds of a step over the longest axis of a grid, a curve for each value of the others and each layout: the
    bound, and the estimate where the curve is one alone."""
    axes = dict(made.axes)
    if not axes or max(map(len, axes.values())) < 2:
        raise UserError("a grid is drawn over an axis of two values or more")
    case = made.ways[0][0]
    long = max(axes, key=lambda name: len(axes[name]))
    others = {name: values for name, values in axes.items() if name != long}
    layouts = [f"{layout_said(one, otherwise='one chip')}" for one in made.layouts]
    numbers = [[(name, value) for value in values] for name, values in others.items()]
    places = list(product(range(len(layouts) or 1), *numbers))
    if len(places) > MOST:
        raise UserError(f"a grid of {len(places)} curves over {long}: {MOST} are told apart; give shorter axes")
    order = [*([0] if layouts else []), *(place + bool(layouts) for place, name in enumerate(axes) if name != long)]
    along = list(axes).index(long) + bool(layouts)
    times = np.transpose(made.step_time, [*order, along]).reshape(len(places), -1)
    names = []
    for layout, *values in places:
        said = [f"{name} {valued(lookup(name).symbol, float(value))}" for name, value in values]
        names.append(", ".join([*layouts[layout : layout + 1], *said]) or "bound")
    alone = len(places) == 1
    curves = [Curve(name, axes[long], row, Role.BOUND if alone else Role.OTHER)
              for name, row in zip(names, times, strict=True)]  # fmt: skip
    if alone and (estimate := made.estimate) is not None:
        curves.append(Curve("estimate", axes[long], estimate.ravel(), Role.ESTIMATE))
    is_log = bool((axes[long] > 0).all())
    varied = [lookup(name).symbol for name in axes if lookup(name).symbol in (q.batch, case.length)]
    return Curves("grid", f"Time of a step over {long}", about(case, *varied), Axis(long, _unit(long), is_log),
                  Axis("time of a step" + " at the bound" * (not alone), "s"), tuple(curves))  # fmt: skip


def _unit(name: str) -> str:
    """The unit of a quantity as an axis has it."""
    unit = lookup(name).unit
    if unit == count:
        return ""
    return "W" if unit == joule / second else str(unit)
