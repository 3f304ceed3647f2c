"""The best machine as JSON."""

from typing import Any

from steptime.model import symbols as q
from steptime.model.catalog.bases import NOT_STATED
from steptime.model.quantity import latex
from steptime.model.solver.machine import bounds
from steptime.model.solver.machine.best import Machine
from steptime.model.solver.machine.distance import distances
from steptime.model.solver.machine.parts import bought
from steptime.model.solver.machine.whole_stacks import with_whole_stacks
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.text.header import header_json
from steptime.model.text.omitted import not_modelled
from steptime.model.text.practice import OF_NO_FAMILY
from steptime.model.text.ranges import spread_json
from steptime.model.text.run import machine_run_json

LEFT_OUT = (
    "prices that change with the amount: each is proportional",
    "what fits on a die or a package, beyond `most` in the price list",
    "buildings and cooling, beyond the base in the price list",
)
NAMES = {"compute": "FLOP/s", "stack": "memory", "scale_up": "scale-up links", "scale_out": "scale-out links",
         "base": "the rest"}  # fmt: skip
UPPER = {one.name: upper for one, upper in bounds.UPPER.items()}
TERM_NAMES = {"compute": "compute", "memory": "memory", "scale_up": "interconnect, scale-up",
              "scale_out": "interconnect, scale-out"}  # fmt: skip
OF_WORKLOAD = ("phase", "layout", "precision", "overlap", "defaults")


def machine_json(found: Machine, spread: Spread | None = None) -> dict[str, Any]:
    design, optimum, closed = found.design, found.optimum, found.closed
    spent, first = found.spent["budget"], design.workloads[0].case
    prices = {label: found.price(label) for label in dict.fromkeys(row.label for row in found.rows)}
    terms = {name: price for name, price in prices.items() if name in TERM_NAMES}
    whole, worth = with_whole_stacks(found), found.sensitivities()
    return {
        "model": first.model,
        "prices": {"name": design.prices.name, "file": design.prices.origin, "life": design.prices.life},
        "price_basis": design.prices.basis or NOT_STATED,
        "energy_basis": design.prices.power_basis or NOT_STATED,
        "chips": design.chips,
        "minimise": design.minimise,
        "unit": found.unit,
        "limits": [str(one) for one in design.bounds],
        **OF_NO_FAMILY,
        "cost": found.cost,
        "step_time": found.mean_step_time,
        "resources": _resources(found),
        "spend": dict(spent),
        "spend_share": _shares(spent),
        "parts": [
            {"part": one.name, "of": one.of, "dollars": list(one.dollars), "spend_share": list(one.share),
             "price_elasticity": None if one.earns is None else one.earns[0]}
            for one in bought(found)
        ],
        "watts": dict(found.spent["power"]),
        "watt_share": _shares(found.spent["power"]),
        "workloads": [_workload_json(found, number) for number in range(len(design.workloads))],
        "term_prices": terms,
        "shadow_prices": {
            name: price if name.startswith("least") or UPPER.get(name) is False else -price
            for name, price in prices.items() if name not in TERM_NAMES
        },
        "slack": found.slack,
        "sensitivities": {name: one.found for name, one in worth.items()},
        "prices_unique": optimum.prices.unique,
        "sensitivity_intervals": {name: [one.least, one.most] for name, one in worth.items() if one.open},
        "closed_form": None if closed is None else {
            "step_time": closed.step_time,
            "bound_by": closed.bound_by,
            "formula": None if closed.formula is None else str(closed.formula),
            "latex": None if closed.formula is None else f"{latex(q.step_time)} = {latex(closed.formula)}",
        },
        "whole_stacks": None if whole is None else {
            "stacks_per_chip": round(whole.amounts["stack"] / design.chips),
            "step_time": whole.mean_step_time,
            "cost": whole.cost,
        },
        "distance": [{"hardware": one.hardware, "format": one.format, **one.ratios} for one in distances(found)],
        "global": found.layouts_proved,
        "attained": True,
        "residuals": {
            "primal": optimum.residuals.primal,
            "stationarity": optimum.residuals.stationarity,
            "complementarity": optimum.residuals.complementarity,
        },
        "not_modelled": [*LEFT_OUT, *not_modelled(first, has_estimate=False)],
        "missing": {},
        **spread_json(spread),
    }  # fmt: skip


def _resources(found: Machine) -> dict[str, float]:
    """What one chip has."""
    rates = found.rates()
    stacks = found.amounts["stack"] / found.design.chips
    return {
        **{symbol.name: rate for symbol, rate in rates.items()},
        "memory_capacity": stacks * found.design.prices.stack_capacity,
        "stacks": stacks,
    }


def _shares(parts: dict[str, float] | Any) -> dict[str, float] | None:
    whole = sum(parts.values())
    return {name: part / whole for name, part in parts.items()} if whole else None


def _workload_json(found: Machine, number: int) -> dict[str, Any]:
    workload = found.design.workloads[number]
    case = workload.case
    times: dict[str, float] = {}
    scenario = case.scenario | found.rates(number)
    for terms in workload.parts.values():
        for term, time in terms.items():
            times[term] = times.get(term, 0.0) + float(scenario.evaluate(time))
    return {
        "name": workload.name,
        "weight": workload.weight,
        "step_share": found.design.step_shares[number],
        "time_share": found.time_shares[number],
        "batch": case.number(q.batch),
        **{key: value for key, value in header_json(case).items() if key in {*OF_WORKLOAD, case.phase.varies.name}},
        "step_time": found.step_time(number),
        "times": times,
        "ties": found.ties(number),
        "term_prices": {term: found.price(term, number) for term in times},
        **machine_run_json(found, number),
        "memory_per_chip": workload.held,
        "tokens_per_second": workload.tokens / found.step_time(number),
    }
