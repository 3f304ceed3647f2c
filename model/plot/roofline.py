"""The roofline of a chip, with the operations of a step on it."""

from typing import TYPE_CHECKING

import numpy as np

from steptime.model.phases.rates import rates
from steptime.model.plot.scenes import about, estimate_name, must_be_known
from steptime.model.plot.shapes import Axis, Curve, Curves, Points, Role
from steptime.model.quantity import latex
from steptime.model.step.case import Case
from steptime.model.text.format import plain

if TYPE_CHECKING:
    from steptime.model.api.step import Step

SAME = 1e-3
"""Operations whose intensities differ by less, relative, are one point."""


def roofline(step: "Step") -> Curves:
    """FLOP/s of a chip over FLOP per byte of memory traffic: the roof, each operation of the ledger on it, and the
    whole step at the bound and by the estimate, which wait for links too."""
    case = step.case
    must_be_known(case)
    peak, bandwidth = (float(case.scenario.evaluate(rate)) for rate in (rates.compute, rates.memory))
    operations = intensities(case)
    flops, read = (case.scenario.evaluate(getattr(case.phase.blackboard, name).work) for name in ("compute", "memory"))
    ridge = peak / bandwidth
    at = sorted([ridge, *(intensity for _, intensity in operations), *([flops / read] if read else [])])
    span = np.geomspace(min(at) / 4, max(at) * 4, 50)
    roofs: tuple[Curve, ...] = (
        Curve("roof of the memory", span[span <= ridge], bandwidth * span[span <= ridge],
              Role.MEMORY),
        Curve("roof of the chip", span[span >= ridge], np.full((span >= ridge).sum(), peak), Role.COMPUTE),
    )  # fmt: skip
    formulas = {Role.MEMORY: rf"{latex(case.short(rates.memory))} \cdot \mathrm{{intensity}}",
                Role.COMPUTE: latex(case.short(rates.compute))}  # fmt: skip
    roofs = tuple(_to_ridge(one, ridge, peak, formulas[one.role]) for one in roofs)
    points = [Points(f"ridge, {plain(ridge)} FLOP/B", np.array([ridge]), np.array([peak]), Role.FLOOR)]
    points += [Points(name, np.array([x]), np.array([min(peak, bandwidth * x)])) for name, x in operations]
    if read and step.time:
        whole = np.array([flops / read])
        points.append(
            Points(f"whole step {case.inputs.overlap.said}", whole, np.array([flops / step.time]), Role.BOUND)
        )
        if (estimate := step.estimate) is not None:
            done = np.array([flops / estimate.step_time])
            points.append(Points(f"whole step, {estimate_name(step)}", whole, done, Role.ESTIMATE))
    return Curves("roofline", f"Roofline of a chip of {case.hardware.name}", about(case),
                  Axis("intensity, FLOP per byte of memory traffic", "FLOP/B"), Axis("rate of a chip", "FLOP/s"),
                  roofs, tuple(points))  # fmt: skip


def _to_ridge(roof: Curve, ridge: float, peak: float, formula: str) -> Curve:
    """A roof as far as the ridge, where both meet."""
    x, y = (np.sort(np.append(one, end)) for one, end in ((roof.x, ridge), (roof.y, peak)))
    return Curve(roof.name, x, y, roof.role, formula)


def intensities(case: Case) -> list[tuple[str, float]]:
    """FLOP per byte of each operation that has both, those alike together."""
    found: list[tuple[str, float]] = []
    for line in case.operations:
        flops, read = (case.number(cost) for cost in (line.flops, line.memory_bytes))
        if not flops or not read:
            continue
        x = flops / read
        alike = next((place for place, (_, other) in enumerate(found) if abs(x / other - 1) < SAME), None)
        if alike is None:
            found.append((str(line.name), x))
        else:
            found[alike] = (f"{found[alike][0]}, {line.name}", found[alike][1])
    return found
