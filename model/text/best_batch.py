"""The best batch as JSON and as a table: by the bound, or by the estimate with the bound's answer beside it."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.choices import Minimise
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import RESOURCE
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.case import TERMS, Case
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.format import si, table
from steptime.model.text.header import header_json, missing_json
from steptime.model.text.practice import estimate_json, practice_lines
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import run_json, run_line
from steptime.model.text.solve import held


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
        "relaxed": case.relaxes,
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


def batch_table(answer: BatchAnswer, spread: Spread | None = None, notices: Sequence[str] = ()) -> Group:
    """The best batch for people; ``notices`` are what was made of the question."""
    case, data, said = answer.case, solve_batch_json(answer, spread), [Text(text) for text in notices]
    ranges = spread_lines(data, {"cost": answer.unit, "cost in practice": answer.unit, "step_time in practice": "s"})
    head = Text(
        f"{case.model} on {case.hardware.name}: batch of least {answer.minimise}; {_whose(answer)}", style="bold"
    )
    if answer.solution is None:
        tends = (f"no batch attains it: it falls towards {_cost(answer, answer.infimum or 0.0)} as batch grows, and "
                 "nothing limits the batch")  # fmt: skip
        return Group(head, Text(tends), *_beside(answer), *said, *ranges, *held(case, over=q.batch))
    proof = "global optimum" if data["global"] else "local optimum: no proof that it is global"
    if case.relaxes:
        proof += "; relaxed: the mean load on every rank"
    found, integer = answer.solution, answer.integer
    about = "step time" if answer.practice is None else "step time about"
    lines = [
        Text(f"batch {found.value:,.6g}   {about} {si(found.step_time, 's')}   "
             f"{_cost(answer, found.cost)}   ({proof})", style="bold"),
    ]  # fmt: skip
    if integer.get("feasible"):
        lines.append(Text(f"whole batch {integer['batch']:,}: {about} {si(integer['step_time'], 's')}, "
                          f"{_cost(answer, integer['cost'])}"))  # fmt: skip
    else:
        lines.append(Text("no whole batch next to it satisfies the limits"))
    lines += practice_lines(answer.at_chosen) + _beside(answer)
    at = "" if answer.practice is None else "at the bound "
    lines += [Text(at + line) for line in run_line(case, answer.chosen)]
    times = data["times"]
    terms = table("term" if answer.practice is None else "term of the estimate", ">time", ">price")
    for name in times:
        terms.add_row(name, si(times[name], "s"), f"{data['term_prices'][name]:.4f}")
    limits = table("limit", ">slack", ">price", "")
    for limit, text in answer.limits.items():
        limits.add_row(limit, f"{abs(found.slack[limit]):.1%}", _signed(found.shadow_prices[limit]), text)
    worth = table("one per cent more of", f">changes the {answer.minimise} by", "")
    for quantity, one in sorted(answer.sensitivities.items(), key=lambda item: -max(map(abs, item[1].ends))):
        if max(map(abs, one.ends)) > 5e-5:
            by = f"{one.least:+.4f} to {one.most:+.4f} %" if one.open else f"{one.found:+.4f} %"
            worth.add_row(quantity, by, lookup(quantity).meaning)
    note = Text(
        "A price is d ln cost / d ln(term time), or d ln cost / d ln(limit); prices belong to the continuous problem "
        "at this layout"
        + ("" if found.prices.unique else "; more terms and limits meet here than one variable can tell apart: prices "
           "are not unique, an interval is between a little more and a little less"),
        style="dim",
    )  # fmt: skip
    return Group(head, *lines, *said, Text(), terms, Text(), limits, Text(), worth, note, *ranges,
                 *held(case, over=q.batch))  # fmt: skip


def _whose(answer: BatchAnswer) -> str:
    """Whether limits hold for the estimate or for the bound."""
    found = answer.solution
    if answer.practice is None:
        return "limits hold for the ideal bound"
    if found is None:
        return "limits hold for the estimate"
    return f"limits hold for the estimate (about {si(found.step_time, 's')})"


def _beside(answer: BatchAnswer) -> list[Text]:
    """What the bound alone would choose, where the estimate decides."""
    alone = answer.of_bound
    if alone is None:
        return []
    if alone.solution is None:
        return [Text(f"the bound alone would fall towards {_cost(alone, alone.infimum or 0.0)} at best")]
    if not alone.integer.get("feasible"):
        return [Text("the bound alone has no whole batch of least cost within the limits")]
    found = bound_answer_json(alone)
    practice = found["estimate"]
    said = "" if practice is None else f", in practice about {si(practice['step_time'], 's')}"
    return [
        Text(
            f"the bound alone would choose batch {alone.integer['batch']:,}: step time at least "
            f"{si(alone.integer['step_time'], 's')}{said}; {_cost(alone, alone.integer['cost'])} at best"
        )
    ]


def _cost(answer: BatchAnswer, cost: float) -> str:
    """What was minimised, in the unit that people use: dollars per million tokens, seconds, joules."""
    if answer.minimise == Minimise.COST:
        return f"${cost * 1e6:.6g} per million tokens{of_price(answer.case)}"
    if answer.minimise == Minimise.LATENCY:
        return f"latency {si(cost, 's', 6)}"
    return f"{cost:.6g} {answer.unit}" + (of_power(answer.case) if answer.minimise == Minimise.ENERGY else "")


def _signed(price: float) -> str:
    """A price with its sign; one that rounds to nothing has none."""
    return f"{price:+.4f}" if abs(price) >= 5e-5 else "0"
