"""The best batch as JSON: by the bound, or by the estimate with the bound's answer beside it."""

from typing import Any

from steptime.model import symbols as q
from steptime.model.choices import Minimise
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import RESOURCE
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.case import TERMS, Case
from steptime.model.text.header import header_json, missing_json
from steptime.model.text.practice import estimate_json
from steptime.model.text.ranges import spread_json
from steptime.model.text.run import run_json


def solve_batch_json(answer: BatchAnswer, spread: Spread | None = None) -> dict[str, Any]:
    """The best batch. What is solved for, its cost, times and prices are of one scenario, which ``limits_hold_for``
    names; under ``at_bound`` and ``at_estimate`` the same batch stands by each."""
    case, found = answer.case, answer.solution
    practice, at_chosen = answer.practice, answer.at_chosen
    bound, estimate = _at_bound(answer), _at_estimate(answer)
    return {
        **header_json(case),
        "minimise": answer.minimise,
        "unit": answer.unit,
        "limits_hold_for": "bound" if practice is None else "estimate",
        **(bound if estimate is None else estimate),
        "at_bound": bound,
        "at_estimate": estimate,
        "attained": answer.attained,
        "global": True if found is None else found.is_global,
        "relaxed": bool(answer.relaxations),
        **_prices(answer),
        "shadow_prices": {} if found is None else dict(found.shadow_prices),
        "slack": {} if found is None else dict(found.slack),
        "limits": dict(answer.limits),
        "estimate": None if at_chosen is None else estimate_json(at_chosen),
        "relaxed_estimate": _relaxed(answer),
        "bound_answer": None if answer.of_bound is None else bound_answer_json(answer.of_bound),
        "sensitivities": {name: worth.found for name, worth in answer.sensitivities.items()},
        "prices_unique": True if found is None else found.prices.unique,
        "sensitivity_intervals": {
            name: [worth.least, worth.most] for name, worth in answer.sensitivities.items() if worth.open
        },
        "residuals": None if found is None else {
            "primal": found.residuals.primal,
            "stationarity": found.residuals.stationarity,
            "complementarity": found.residuals.complementarity,
        },
        "quantities": case.quantities,
        "missing": missing_json(case, {f"terms.{name}": case.resources[name] for name in case.times}),
        **spread_json(spread),
    }  # fmt: skip


def _at_bound(answer: BatchAnswer) -> dict[str, Any]:
    """The batch that was found, its whole one, cost and times at the bound."""
    case, found = answer.case, answer.solution
    timed = case if answer.minimise == Minimise.LATENCY else case.of_all_steps
    there = timed.scenario if found is None else timed.scenario | {q.batch: found.value}
    return {
        "values": _values(answer, answer.bound_time),
        "integer": answer.bound_integer,
        "cost": answer.bound_cost,
        "times": None if found is None else _times(case, there),
        **({} if found is None else run_json(case, answer.chosen)),
    }


def _at_estimate(answer: BatchAnswer) -> dict[str, Any] | None:
    """The same in practice; None where the bound alone was asked."""
    found, practice = answer.solution, answer.practice
    if practice is None:
        return None
    return {
        "values": _values(answer, None if found is None else found.step_time),
        "integer": dict(answer.integer),
        "cost": answer.infimum if found is None else found.cost,
        "times": None if found is None else practice.times(found.value),
        **_run(answer),
    }


def _run(answer: BatchAnswer) -> dict[str, Any]:
    """A whole run at the best batch in practice, where its tokens were said."""
    estimate = None if answer.at_chosen is None else estimate_json(answer.at_chosen)
    if estimate is None or "days" not in estimate:
        return {}
    return {"training": {key: estimate[key] for key in ("tokens", "days", "dollars")}}


def _relaxed(answer: BatchAnswer) -> dict[str, Any] | None:
    """The estimate at the batch that was found; the cost alone that it tends to where none attains the least."""
    found = _at_estimate(answer)
    if found is None:
        return None
    time = None if found["values"] is None else found["values"]["step_time"]
    return {"step_time": time, "cost": found["cost"], "terms": found["times"] or {}}


def _values(answer: BatchAnswer, time: float | None) -> dict[str, Any] | None:
    """The batch that was found, and its step of so many seconds."""
    found = answer.solution
    if found is None or time is None:
        return None
    micro_batch = (answer.case.scenario | {q.batch: found.value}).evaluate(q.micro_batch)
    return {"batch": found.value, "micro_batch": micro_batch, "step_time": time,
            "tokens_per_second": found.value / time}  # fmt: skip


def _prices(answer: BatchAnswer) -> dict[str, Any]:
    """Prices of the bound's terms by resource, or of the estimate's."""
    found = answer.solution
    if found is None:
        return {"term_prices": None, "network_prices": None}
    if answer.practice is not None:
        return {"term_prices": answer.practice.prices(found), "network_prices": None}
    prices = dict.fromkeys(TERMS, 0.0)
    network = {"scale_up": 0.0, "scale_out": 0.0}
    for name, price in found.term_prices.items():
        prices[RESOURCE[name]] += price
        if name in network:
            network[name] += price
    return {"term_prices": prices, "network_prices": network}


def bound_answer_json(answer: BatchAnswer) -> dict[str, Any]:
    """What the bound alone would answer, and how long its step is expected to take."""
    found, there = answer.solution, answer.at_chosen
    return {
        "batch": None if found is None else found.value, "step_time": None if found is None else found.step_time,
        "cost": answer.infimum if found is None else found.cost, "integer": dict(answer.integer),
        "estimate": None if there is None else estimate_json(there),
    }  # fmt: skip


def _times(case: Case, there: Scenario) -> dict[str, float | None]:
    """The terms at the optimum; no number for the interconnect of a model that has none."""
    times: dict[str, float | None] = {name: there.evaluate(case.resources[name]) for name in TERMS}
    return times if case.has_network else {**times, "interconnect": None}
