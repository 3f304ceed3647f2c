"""Crossovers and best batches as JSON and as tables."""

from collections.abc import Sequence
from typing import Any

import sympy
from rich.console import Group
from rich.text import Text
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import Minimise
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario
from steptime.model.solver.batch import RESOURCE, BatchAnswer
from steptime.model.solver.crossover import CrossoverAnswer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.case import TERMS, Case
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.format import formula, in_unit, plain, si, table
from steptime.model.text.header import header_json, missing_json, trailer
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import run_json, run_line
from steptime.model.text.step_json import crossover_json


def solve_crossover_json(case: Case, answer: CrossoverAnswer, spread: Spread | None = None) -> dict[str, Any]:
    return {
        **header_json(case),
        **crossover_json(answer),
        "present": answer.present,
        **run_json(case),
        "quantities": case.quantities,
        "missing": missing_json(case, {f"terms.{name}": case.resources[name] for name in case.times}),
        **spread_json(spread),
    }


def crossover_table(case: Case, answer: CrossoverAnswer, spread: Spread | None = None) -> Group:
    data, unit = crossover_json(answer), lookup(answer.over.name).unit
    first, second = answer.between
    lines = [
        Text(
            f"{case.model} on {case.hardware.name}: where {first} = {second}, over {answer.over.name}",
            style="bold",
        )
    ]
    for name in answer.between:
        lines.append(Text(f"  {name} = {formula(case.short(case.resources[name], answer.over))}"))
    if answer.exists:
        roots = ", ".join(in_unit(root, unit) for root in answer.values)
        lines.append(Text(f"{answer.over.name} = {roots}  (here {in_unit(answer.present, unit)})", style="bold"))
        if answer.fits is False:
            lines.append(Text("at that value the fullest chip has no room: it DOES NOT FIT in memory at this layout"))
    else:
        lines.append(Text(answer.remark, style="bold"))
    if answer.closed_form is not None:
        lines.append(Text(f"closed form: {formula(answer.over)} = {formula(answer.closed_form.rhs)}"))
        lines.append(Text(f"LaTeX:       {data['latex']}"))
        lines.append(Text(f"exists when: {_condition(answer)}"))
    elif answer.bracket is not None:
        low, high = (in_unit(value, unit) for value in answer.bracket)
        how = "root enclosed between" if answer.exists else "no root found between"
        lines.append(Text(f"no closed form: the difference is not linear or quadratic; {how} {low} and {high}"))
    lines += [Text(f"at present: {line}") for line in run_line(case)]
    ranges = spread_lines(spread_json(spread), binds="where they meet apart, at present binds")
    if answer.relaxed:
        lines.append(
            Text("relaxed: the mean load on every rank; whole sequences may load some chips more", style="dim")
        )
    return Group(*lines, *([Text(), *ranges] if ranges else []), *_held(case, answer.over))


def _condition(answer: CrossoverAnswer) -> str:
    return "always" if answer.exists_when == sympy.true else formula(answer.exists_when)


def solve_batch_json(answer: BatchAnswer, spread: Spread | None = None) -> dict[str, Any]:
    case, found = answer.case, answer.solution
    timed = case if answer.minimise == Minimise.LATENCY else case.of_all_steps
    there = timed.scenario if found is None else timed.scenario | {q.batch: found.value}
    prices = dict.fromkeys(TERMS, 0.0)
    network = {"scale_up": 0.0, "scale_out": 0.0}
    for name, price in (found.term_prices if found else {}).items():
        prices[RESOURCE[name]] += price
        if name in network:
            network[name] += price
    return {
        **header_json(case),
        "minimise": answer.minimise,
        "unit": answer.unit,
        "values": None if found is None else {
            "batch": found.value,
            "micro_batch": there.evaluate(q.micro_batch),
            "step_time": found.step_time,
            "tokens_per_second": found.value / found.step_time,
        },
        "integer": dict(answer.integer),
        **({} if found is None else run_json(case, _chosen(answer))),
        "cost": answer.infimum if found is None else found.cost,
        "attained": answer.attained,
        "global": True if found is None else found.is_global,
        "relaxed": case.relaxes,
        "times": None if found is None else _times(case, there),
        "term_prices": None if found is None else prices,
        "network_prices": None if found is None else network,
        "shadow_prices": {} if found is None else dict(found.shadow_prices),
        "slack": {} if found is None else dict(found.slack),
        "limits": dict(answer.limits),
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


def _chosen(answer: BatchAnswer) -> float | None:
    """The whole batch where one satisfies the limits, else the continuous one."""
    found = answer.solution
    return float(answer.integer["batch"]) if answer.integer.get("feasible") else None if found is None else found.value


def _times(case: Case, there: Scenario) -> dict[str, float | None]:
    """The terms at the optimum; no number for the interconnect of a model that has none."""
    times: dict[str, float | None] = {name: there.evaluate(case.resources[name]) for name in TERMS}
    return times if case.has_network else {**times, "interconnect": None}


def batch_table(answer: BatchAnswer, spread: Spread | None = None, notices: Sequence[str] = ()) -> Group:
    """The best batch for people; ``notices`` are what was made of the question."""
    case, data, said = answer.case, solve_batch_json(answer, spread), [Text(text) for text in notices]
    ranges = spread_lines(data, {"cost": answer.unit})
    head = Text(f"{case.model} on {case.hardware.name}: batch of least {answer.minimise}", style="bold")
    if answer.solution is None:
        return Group(
            head,
            Text(
                f"no batch attains it: it falls towards {_cost(answer, answer.infimum or 0.0)} as batch grows, "
                "and nothing limits the batch"
            ),
            *said,
            *ranges,
            *_held(case, over=q.batch),
        )
    proof = "global optimum" if data["global"] else "local optimum: no proof that it is global"
    if case.relaxes:
        proof += "; relaxed: the mean load on every rank"
    found, integer = answer.solution, data["integer"]
    lines = [
        Text(f"batch {found.value:,.6g}   step time {si(found.step_time, 's')}   "
             f"{_cost(answer, found.cost)}   ({proof})", style="bold"),
    ]  # fmt: skip
    if integer.get("feasible"):
        lines.append(Text(f"whole batch {integer['batch']:,}: step time {si(integer['step_time'], 's')}, "
                          f"{_cost(answer, integer['cost'])}"))  # fmt: skip
    else:
        lines.append(Text("no whole batch next to it satisfies the limits"))
    lines += [Text(line) for line in run_line(case, _chosen(answer))]
    terms = table("term", ">time", ">price")
    for name in TERMS:
        terms.add_row(name, si(data["times"][name], "s"), f"{data['term_prices'][name]:.4f}")
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
                 *_held(case, over=q.batch))  # fmt: skip


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


def _held(case: Case, over: Symbol) -> list[Text]:
    """What was held fixed. Where the layout is a default, it was chosen for the batch that stands here."""
    held = [(symbol.name, plain(case.number(symbol))) for symbol in (q.batch, case.phase.varies) if symbol != over]
    lines = [Text(f"held: layout {case.layout}, " + ", ".join(f"{name} {value}" for name, value in held))]
    return [*lines, *trailer(case, but=over.name)]
