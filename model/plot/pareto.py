"""Speed of a sequence against throughput of a chip, of a dollar and of a megawatt."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from steptime.model.errors import UserError
from steptime.model.plot.shapes import Axis, Curve, Curves, Panels, Points, Role
from steptime.model.solver.layouts.points import Point
from steptime.model.text.bases import price_basis
from steptime.model.text.format import plain

if TYPE_CHECKING:
    from steptime.model.api.search import Found

MILLION, MEGAWATT = 1e6, 1e6
SPEED = Axis("tokens/s of a sequence", log=False)


def pareto(found: "Found", beside: Sequence["Found"] = ()) -> Panels:
    """The front of a search, and of others ``beside`` it, one machine each, say: tokens per second of a sequence
    against those of a chip, tokens of a dollar, and tokens per second of a megawatt; in practice where the estimate
    decides.

    On one machine price and power of a chip are fixed, so that its front is the same by each. A search on several
    machines has one front of all, whose points are drawn by machine. A machine without price or power is left out
    there.
    """
    every = [found, *beside]
    curves: dict[str, list[Curve]] = {"chip": [], "dollar": [], "megawatt": []}
    best: dict[str, list[Points]] = {name: [] for name in curves}
    for one in every:
        practice = one.answer.in_practice
        machines = dict.fromkeys(point.question.hardware.name for point in one.pareto)
        for machine in machines:
            points = [point for point in one.pareto if point.question.hardware.name == machine]
            for name in curves:
                sides = [(point.rates(practice)[0], _of(point, name, practice)) for point in points]
                known = np.array([(x, y) for x, y in sides if y is not None], float).reshape(-1, 2)
                curves[name].append(Curve(machine, known[:, 0], known[:, 1], Role.OTHER))
        here = one.best
        for name in best:
            value = _of(here, name, practice)
            if value is not None:
                where = f"best on {here.question.hardware.name}: batch {plain(here.batch)}"
                best[name].append(Points(where, np.array([here.rates(practice)[0]]), np.array([value])))
    search = found.answer.search
    whose = "in practice" if found.answer.in_practice else "at the bound"
    chips = ", ".join(map(str, search.chips))
    bases = dict.fromkeys(str(basis) for one in every if (basis := price_basis(one.step().case)))
    of_price = f" · dollars: {', '.join(bases)}" if bases else ""
    said = f"{search.model.name} · {search.inputs.phase} · on {chips} chips · {whose}{of_price}"
    axes = {"chip": Axis("tokens/s of a chip"), "dollar": Axis("tokens of a dollar"),
            "megawatt": Axis("tokens/s of a megawatt")}  # fmt: skip
    panels = tuple(Curves("pareto", f"per {name}", said, SPEED, axes[name], tuple(curves[name]), tuple(best[name]))
                   for name in curves if any(len(curve.x) for curve in curves[name]))  # fmt: skip
    if not panels:
        raise UserError("the search has no front: there is nothing to draw")
    return Panels("pareto", "Speed of a sequence against throughput", said, panels)


def _of(point: Point, name: str, practice: bool) -> float | None:
    """Tokens per second of a chip, tokens of a dollar, or tokens per second of a megawatt."""
    if name == "chip":
        return point.rates(practice)[1]
    if name == "dollar":
        dollars = point.dollars(practice)
        return MILLION / dollars if dollars else None
    joules = point.joules_per_token
    longer = 1.0 if not practice or point.estimate is None else point.estimate.mean_time / point.mean_step_time
    return MEGAWATT / (joules * longer) if joules else None
