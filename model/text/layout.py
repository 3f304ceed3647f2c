"""A search over layouts as JSON and as tables."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.choices import Minimise, Overlap, PhaseName
from steptime.model.errors import UserError
from steptime.model.solver.batch import SCALES, solve_batch
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.layouts.points import Answer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck
from steptime.model.solver.sensitivity import envelope_at
from steptime.model.step.build import build_case
from steptime.model.step.case import TERMS, Case
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.best_batch import solve_batch_json
from steptime.model.text.compared import compared, compared_json
from steptime.model.text.format import plain, si, table
from steptime.model.text.header import doubtful, not_modelled
from steptime.model.text.layout_points import choices, formats_said, point_json
from steptime.model.text.layout_rows import SHOWN, front_table, machines_table
from steptime.model.text.practice import practice_words
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import run_line
from steptime.model.text.step_json import step_json


def layout_json_of(answer: Answer, spread: Spread | None = None) -> dict[str, Any]:
    best = build_case(answer.best.question)
    relaxed, second, checked = _relaxed(answer, best), answer.runner_up, recheck(answer)
    worth = envelope_at(best, SCALES[answer.minimise][0]).of_every(best)
    return {
        "model": best.model,
        "hardware": [machine.name for machine in answer.search.hardware],
        "chips": list(answer.search.chips),
        "phase": answer.search.inputs.phase,
        "minimise": answer.minimise,
        "unit": SCALES[answer.minimise][2],
        "limits_hold_for": "estimate" if answer.in_practice else "bound",
        **compared_json(answer),
        "layouts": answer.layouts,
        "batches": list(answer.search.batches),
        "every_whole_batch": answer.search.whole,
        "formats": formats_said(answer).removeprefix("formats: ").replace("`", ""),
        "limits": [str(limit) for limit in answer.search.limits],
        "points": answer.points,
        "feasible": answer.feasible,
        "infeasible": dict(answer.infeasible),
        "seconds": answer.seconds,
        "best": {**point_json(answer.best, best), "terms": dict(best.times), "bottleneck": best.bottleneck,
                 "step": step_json(best, [])},
        "bound_answer": None if answer.of_bound is None else point_json(answer.of_bound),
        "least_cost": answer.least,
        "within_one_percent": answer.ties,
        "best_of": {name: point_json(point) for name, point in answer.best_of.items()},
        "runner_up": None if second is None else {**point_json(second), "why": why_it_lost(answer, best)},
        "pareto": [point_json(point) for point in answer.pareto],
        "global": True,
        "attained": True,
        "sensitivities": {name: one.found for name, one in worth.items()},
        "sensitivity_intervals": {name: [one.least, one.most] for name, one in worth.items() if one.open},
        "residuals": {"primal": checked.primal, **checked.figures},
        "relaxation": None if relaxed is None else solve_batch_json(relaxed),
        "not_modelled": not_modelled(best),
        **spread_json(spread),
    }  # fmt: skip


def _relaxed(answer: Answer, best: Case) -> BatchAnswer | None:
    """The continuous problem at the best layout, for its prices; None where it has no solution near the grid."""
    if answer.search.inputs.phase == PhaseName.TRAIN:  # the batch is what is trained with, not what is chosen
        return None
    try:
        search = answer.search
        return solve_batch(best, answer.minimise, search.max_step_time, search.limits, float(answer.best.batch),
                           answer.in_practice)  # fmt: skip
    except UserError:
        return None


def why_it_lost(answer: Answer, best: Case) -> str:
    """The runner-up's cost over the best's, what decided where they are ties, and the terms of both that bind."""
    second = answer.runner_up
    assert second is not None
    cost, least = (point.ranked(answer.in_practice, answer.minimise) for point in (second, answer.best))
    ratio = cost / least - 1
    case = build_case(second.question)
    first_time, second_time = best.times[best.bottleneck or TERMS[1]], case.times[case.bottleneck or TERMS[1]]
    binding = (f"its {case.bottleneck} {si(second_time, 's')} binds at batch {plain(second.batch)}, the best's "
               f"{best.bottleneck} {si(first_time, 's')} at batch {plain(answer.best.batch)}")  # fmt: skip
    costs = f"costs {abs(ratio):.2%} {'more' if ratio > 0 else 'less'}" if abs(ratio) >= 5e-7 else "costs the same"
    if second not in answer.candidates[: answer.tied]:
        return f"{costs}: {binding}" if ratio >= 5e-7 else f"{costs} on another machine; {binding}"
    for overlap in (Overlap.PER_OPERATION, Overlap.NONE):
        least, more = (one.scenario.evaluate(_cost_at(answer.minimise, one, overlap)) for one in (best, case))
        if more > least * (1 + 5e-7):
            return f"{costs}, and {more / least - 1:.2%} more at overlap {overlap}; {binding}"
    return f"{costs} at every overlap; more degrees, a larger batch, more chips or later in the list; {binding}"


def _cost_at(minimise: Minimise, case: Case, overlap: Overlap) -> Any:
    """What is minimised, at another overlap."""
    factor, exponent, _ = SCALES[minimise]
    return factor * case.bounds[overlap] * q.batch**exponent


def layout_table(answer: Answer, spread: Spread | None = None) -> Group:
    best, shown = build_case(answer.best.question), point_json(answer.best)
    recheck(answer)
    ranges = spread_lines(spread_json(spread), {"cost": SCALES[answer.minimise][2]})
    machines = ", ".join(machine.name for machine in answer.search.hardware)
    limit, asked = answer.search.max_step_time, "; ".join(map(str, answer.search.limits))
    tried = answer.search.chips
    chips = (
        ", ".join(map(str, tried)) if len(tried) <= SHOWN else f"{len(tried)} numbers from {tried[0]} to {tried[-1]}"
    )
    between = ", and those between where they may be best," if answer.search.whole else ""
    what = "executions" if best.inputs.phase == PhaseName.TRAIN else "layouts"
    head = Text(
        f"{best.model}, {best.inputs.phase}, {answer.minimise}; {_whose(answer)}: {answer.points:,} points "
        f"({answer.layouts:,} {what} of {chips} chips x {len(answer.search.batches)} batches{between} x "
        f"{len(answer.questions)} choices of machine and formats: {machines}) in {answer.seconds:.1f} s", style="bold",
    )  # fmt: skip
    broken = ", ".join(f"{name} {count:,}" for name, count in answer.infeasible.items() if count) or "none"
    counted = Text(f"feasible {answer.feasible:,}; points that break a limit: {broken}"
                   + (f" (step time at most {si(limit, 's')})" if limit else "")
                   + (f" (limits: {asked})" if asked else ""))  # fmt: skip
    unit = SCALES[answer.minimise][2]
    lines = [
        Text(f"best: {answer.best.question.hardware.name}, {answer.best.layout.chips} chips, "
             f"layout {answer.best.layout}, batch {plain(answer.best.batch)}{choices(answer.best.question)}",
             style="bold"),
        Text(f"  {'at the bound ' if answer.in_practice else ''}"
             f"{_cost(answer.best.cost, answer.minimise, unit)}{_basis(best, answer.minimise)}, "
             f"step time at least {si(answer.best.step_time, 's')}, {plain(answer.best.per_sequence)} tokens/s per "
             f"sequence, {plain(answer.best.per_chip)} per chip; "
             + ", ".join(f"{key} {value}" for key, value in best.precision.items())),
    ]  # fmt: skip
    lines += [Text(f"  {line}") for line in run_line(best)]
    if answer.best.estimate is not None:
        said = Text(f"  in practice {practice_words(shown['estimate'], answer.best.step_time)}")
        lines.insert(1 if answer.in_practice else len(lines), said)
    first_token, practice = answer.best.time_to_first_token, answer.best.first_token_estimate
    if first_token is not None:
        about = "" if practice is None else f", in practice about {si(practice, 's')}"
        lines.append(
            Text(f"  time to first token at least {si(first_token, 's')}{about}: one prompt alone on this layout")
        )
    if answer.of_bound is not None:
        lines.append(_alone(answer, unit))
    lines.append(_ties(answer, unit))
    if answer.runner_up is not None:
        second = answer.runner_up
        lines.append(Text(f"runner-up: {second.question.hardware.name}, {second.layout.chips} chips, {second.layout}"
                          f"{choices(second.question)}: "
                          f"{why_it_lost(answer, best)}"))  # fmt: skip
    relaxed = _relaxed(answer, best)
    if relaxed is not None and relaxed.solution is not None and not answer.search.whole:
        lines.append(Text(f"between the batches tried, at this layout: batch {plain(relaxed.solution.value)}, "
                          f"{_cost(relaxed.solution.cost, answer.minimise, unit)}"
                          + (" in practice" if relaxed.practice else "")))  # fmt: skip
    notes = [Text("not modelled: " + "; ".join(not_modelled(best)))]
    if answer.best.batch == max(answer.search.batches) and len(answer.search.batches) > 1:
        notes.insert(0, Text("the best batch is the largest tried: name others in `batch` to go on"))
    notes = [*(Text(text) for text in compared(answer)), *notes]
    if figures := doubtful(best):
        notes.insert(0, Text("doubtful figures: " + "; ".join(figures)))
    # A training batch is given: speed and throughput are one, and the front is the best point.
    front = [] if best.inputs.phase == PhaseName.TRAIN else [front_table(answer), Text()]
    each = [machines_table(answer), Text()] if len(answer.best_of) > 1 else []
    terms = _terms(relaxed, answer, best)
    return Group(
        head, counted, Text(formats_said(answer)), Text(), *lines, Text(), terms, Text(), *each, *front, *ranges, *notes
    )


def _whose(answer: Answer) -> str:
    """Whether limits hold for the estimate or for the bound."""
    found = answer.best.estimate
    if not answer.in_practice or found is None:
        return "limits hold for the ideal bound"
    return f"limits hold for the estimate (about {si(found.step_time, 's')})"


def _alone(answer: Answer, unit: str) -> Text:
    """What the bound alone would choose, where limits hold for the estimate."""
    point = answer.of_bound
    assert point is not None
    practice = "" if point.estimate is None else f", in practice about {si(point.estimate.step_time, 's')}"
    return Text(f"the bound alone would choose {point.question.hardware.name}, {point.layout.chips} chips, "
                f"{point.layout}, batch {plain(point.batch)}: step time at least {si(point.step_time, 's')}{practice}; "
                f"{_cost(point.cost, answer.minimise, unit)} at best")  # fmt: skip


def _ties(answer: Answer, unit: str) -> Text:
    """How many layouts stood within one per cent of the least cost, and what decided."""
    share = f"{answer.search.within:.0%}"
    if answer.ties == 1:
        return Text(f"no other layout stands within {share} of it on this machine")
    least = _cost(answer.least, answer.minimise, unit)
    whose = " in practice" if answer.in_practice else ""
    return Text(f"{answer.ties:,} choices stand within {share} of the least{whose}, {least}: of these the least "
                "operation by operation, then without overlap, then the fewest degrees")  # fmt: skip


def _terms(relaxed: BatchAnswer | None, answer: Answer, best: Case) -> Any:
    """Terms of the best point, of its bound or of its estimate, with their prices at the best batch of the continuous
    problem at its layout where there is one: a training batch is given."""
    prices = {} if relaxed is None else solve_batch_json(relaxed)["term_prices"] or {}
    shadow = {} if relaxed is None or relaxed.solution is None else relaxed.solution.shadow_prices
    holds = answer.in_practice if relaxed is None else relaxed.practice is not None
    estimate = answer.best.estimate if holds else None
    times = dict(best.times)
    if estimate is not None:
        times = {name: time for name, time in estimate.terms.items() if name in prices or (not prices and time > 0)}
    made = table("term" if estimate is None else "term of the estimate", ">time", ">price",
                 "limit of the relaxed problem", ">price")  # fmt: skip
    limits = [(name, f"{price:+.4f}") for name, price in shadow.items() if abs(price) > 5e-5]
    for place, (name, time) in enumerate(times.items()):
        limit = limits[place] if place < len(limits) else ("", "")
        price = prices.get(name)
        made.add_row(name, si(time, "s"), "—" if price is None else f"{price:.4f}", *limit)
    return made


def _basis(best: Case, minimise: Minimise) -> str:
    """What kind of dollars or joules was minimised."""
    return of_price(best) if minimise == Minimise.COST else of_power(best) if minimise == Minimise.ENERGY else ""


def _cost(cost: float, minimise: Minimise, unit: str) -> str:
    if minimise == Minimise.COST:
        return f"${cost * 1e6:.6g} per million tokens"
    return si(cost, "s") if minimise == Minimise.LATENCY else f"{cost:.6g} {unit}"
