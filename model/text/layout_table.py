"""A search over layouts as tables."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.choices import Minimise, PhaseName
from steptime.model.solver.batch import SCALES
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.layouts.points import Answer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.best_batch import solve_batch_json
from steptime.model.text.compared import compared
from steptime.model.text.format import layout_said, plain, si, table
from steptime.model.text.header import doubtful, no_estimate, not_modelled
from steptime.model.text.layout import relaxed_at
from steptime.model.text.layout_points import choices, formats_said, point_json
from steptime.model.text.layout_rows import SHOWN, front_table, machines_table
from steptime.model.text.layout_why import why_it_lost
from steptime.model.text.practice import practice_words
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import run_line


def layout_table(answer: Answer, spread: Spread | None = None) -> Group:
    best, shown = build_case(answer.best.question), point_json(answer.best)
    recheck(answer)
    unit = SCALES[answer.minimise][2]
    units = {"cost": unit, "cost in practice": unit, "step_time in practice": "s"}
    ranges = spread_lines(spread_json(spread), units)
    machines = ", ".join(machine.name for machine in answer.search.hardware)
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
    limits = f" (limits: {', '.join(asked)})" if (asked := _limits(answer)) else ""
    counted = Text(f"feasible {answer.feasible:,}; points that break a limit: {broken}{limits}")
    lines = [
        Text(f"best: {answer.best.question.hardware.name}, {answer.best.layout.chips} chips, "
             f"layout {layout_said(answer.best.layout)}, batch {plain(answer.best.batch)}"
             f"{choices(answer.best.question)}", style="bold"),
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
        lines.append(Text(f"runner-up: {second.question.hardware.name}, {second.layout.chips} chips, "
                          f"{layout_said(second.layout)}{choices(second.question)}: "
                          f"{why_it_lost(answer, best)}"))  # fmt: skip
    relaxed = relaxed_at(answer, best)
    if relaxed is not None and relaxed.solution is not None and not answer.search.whole:
        lines.append(Text(f"between the batches tried, at this layout: batch {plain(relaxed.solution.value)}, "
                          f"{_cost(relaxed.solution.cost, answer.minimise, unit)}"
                          + (" in practice" if relaxed.practice else "")))  # fmt: skip
    notes = [Text("not modelled: " + "; ".join(not_modelled(best)))]
    if answer.best.batch == max(answer.search.batches) and len(answer.search.batches) > 1:
        notes.insert(0, Text("the best batch is the largest tried: name others in `batch` to go on"))
    notes = [*(Text(text) for text in compared(answer)), *notes]
    if why := no_estimate(best):
        notes.insert(0, Text(f"no estimate: {why}"))
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
    practice, costs = "", ""
    if point.estimate is not None:
        practice = f", in practice about {si(point.estimate.step_time, 's')}"
        cost, least = (one.ranked(True, answer.minimise) for one in (point, answer.best))
        costs = f", {_cost(cost, answer.minimise, unit)} in practice ({_more(cost / least - 1)})"
    return Text(f"the bound alone would choose {point.question.hardware.name}, {point.layout.chips} chips, "
                f"{layout_said(point.layout)}, batch {plain(point.batch)}: step time at least "
                f"{si(point.step_time, 's')}{practice}; {_cost(point.cost, answer.minimise, unit)} at best"
                f"{costs}")  # fmt: skip


def _more(ratio: float) -> str:
    """By how much more, or less, something costs than the best."""
    if abs(ratio) < 5e-4:
        return "as much as the best"
    return f"{abs(ratio):.1%} {'more' if ratio > 0 else 'less'} than the best"


def _limits(answer: Answer) -> list[str]:
    """Every limit in words."""
    search = answer.search
    timed = {"step time": search.max_step_time, "time to first token": search.max_ttft}
    return [*(f"{name} at most {si(seconds, 's')}" for name, seconds in timed.items() if seconds is not None),
            *map(str, search.limits)]  # fmt: skip


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
