"""A search over layouts as tables."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from steptime.model.choices import Minimise, Overlap, PhaseName
from steptime.model.solver.batch import SCALES
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.layouts.points import Answer, Point
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.best_batch import solve_batch_json
from steptime.model.text.compared import compared
from steptime.model.text.first_look import bound_and_practice, doubts
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import layout_said, plain, si
from steptime.model.text.goals import amount, goal_of
from steptime.model.text.header import doubtful, left_out, no_estimate
from steptime.model.text.layout import relaxed_at
from steptime.model.text.layout_points import choices, formats_said, point_json
from steptime.model.text.layout_rows import SHOWN, front_table, machines_table
from steptime.model.text.layout_why import why_it_lost
from steptime.model.text.omitted import not_modelled
from steptime.model.text.practice import run_line
from steptime.model.text.practice_terms import meant
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.screen import Fold, Screen


def layout_table(answer: Answer, spread: Spread | None = None, notices: Sequence[str] = ()) -> Screen:
    """The best point for people, why the next lost, and the front; ``notices`` are what was made of the question."""
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
    head = [
        Text(
            f"{best.model} · {best.inputs.phase} · least {answer.minimise} · {chips} chips of {machines}", style="bold"
        ),
        Text(f"{answer.points:,} points, {answer.feasible:,} feasible, in {answer.seconds:.1f} s; {_whose(answer)}"),
    ]
    broken = ", ".join(f"{name} {count:,}" for name, count in answer.infeasible.items() if count) or "none"
    searched = [
        Text(f"{answer.layouts:,} {what} x {len(answer.search.batches)} batches{between} x {len(answer.questions)} "
             "choices of machine and formats"),
        Text(f"points that break a limit: {broken}"),
    ]  # fmt: skip
    lines = _best(answer, best, shown)
    if asked := _limits(answer):
        lines.append(("limits", ", ".join(asked)))
    if answer.of_bound is not None:
        lines += _alone(answer)
    if answer.runner_up is not None:
        lines += [("runner-up", _point(answer.runner_up)), ("", why_it_lost(answer, best))]
    relaxed = relaxed_at(answer, best)
    if relaxed is not None and relaxed.solution is not None and not answer.search.whole:
        whose = " in practice" * bool(relaxed.practice) + ", relaxed" * bool(relaxed.relaxations)
        lines.append(("", f"between the batches tried, at this layout: batch {plain(relaxed.solution.value)}, "
                          f"{amount(relaxed.solution.cost, answer.minimise)}{whose}"))  # fmt: skip
    notes: list[Any] = []
    if answer.best.batch == max(answer.search.batches) and len(answer.search.batches) > 1:
        notes.insert(0, Text("the best batch is the largest tried: name others in `batch` to go on"))
    notes = [*(Text(text) for text in compared(answer)), *notes]
    if why := no_estimate(best):
        notes.insert(0, Text(f"no estimate: {why}"))
    notes += left_out(doubtful(best), not_modelled(best))
    # A training batch is given: speed and throughput are one, and the front is the best point.
    front = [] if best.inputs.phase == PhaseName.TRAIN else [front_table(answer), Text()]
    each = [machines_table(answer), Text()] if len(answer.best_of) > 1 else []
    terms = _terms(relaxed, answer, best)
    glossed = [meant(answer.best.estimate.terms)] if answer.best.estimate is not None and answer.in_practice else []
    details = [Text(_ties(answer)), Text(), terms, *glossed, Text(), *searched, Text(formats_said(answer)), Text()]
    found = Fitting(("", " "), lines, (), (" ",))
    how = Fold(tuple(details), "how it was found")
    return Screen(*head, *map(Text, notices), Text(), found, Text(), *each, *front, how, *ranges, *notes)


def _best(answer: Answer, best: Case, shown: dict[str, Any]) -> list[tuple[str, str]]:
    """The best point in rows of a name and a line, as a step has them."""
    point, practice = answer.best, shown["estimate"]
    rows = [("best", _point(point)),
            ("step time", bound_and_practice({**shown, "overlap": best.inputs.overlap}))]  # fmt: skip
    rows += [("", line) for line in doubts(practice, best.model)]
    (speed, share) = point.rates(in_practice=False)
    at = best.inputs.overlap.said
    rate = f"{at} {plain(speed)} per sequence, {plain(share)} a chip"
    if practice is not None:
        rate += "; about {} and {} in practice".format(*map(plain, point.rates(in_practice=True)))
    price = f"{amount(point.cost, answer.minimise)}{_basis(best, answer.minimise)}"
    if practice is not None:
        price += f"; about {amount(point.ranked(True, answer.minimise), answer.minimise)} in practice"
    rows += [("tokens/s", rate), (goal_of(answer.minimise), f"{at} {price}")]
    rows += [("run", line) for line in run_line(best)]
    if (first := point.time_to_first_token) is not None:
        about = (
            "" if point.first_token_estimate is None else f", about {si(point.first_token_estimate, 's')} in practice"
        )
        least = f"at least {si(first, 's')}" if best.inputs.overlap == Overlap.FULL else f"{si(first, 's')} {at}"
        rows.append(("first token", f"{least}{about}: one prompt alone on this layout"))
    return [*rows, ("precision", ", ".join(f"{key} {value}" for key, value in best.precision.items()))]


def _point(point: Point) -> str:
    """A point in one line: machine, chips, layout, batch, what else was chosen."""
    size = f"{point.layout.chips} chip{'s' * (point.layout.chips != 1)}"
    parts = [point.question.hardware.name, size, layout_said(point.layout), f"batch {plain(point.batch)}"]
    return " · ".join(parts) + choices(point.question)


def _whose(answer: Answer) -> str:
    """What decided: the estimate or the bound; and which of both limits hold for, where there are any."""
    what = "the estimate decides" if answer.in_practice else "the ideal bound decides"
    return f"{what}, and limits hold for it" if _limits(answer) else what


def _least(point: Point) -> str:
    """A step time by the bound, or at another overlap."""
    time, overlap = si(point.step_time, "s"), point.question.inputs.overlap
    return f"step time at least {time}" if overlap == Overlap.FULL else f"step time {time} {overlap.said}"


def _alone(answer: Answer) -> list[tuple[str, str]]:
    """What the bound alone would choose, where limits hold for the estimate."""
    point = answer.of_bound
    assert point is not None
    cost = amount(point.cost, answer.minimise)
    rows = [("by the bound", _point(point)), ("", f"{_least(point)}, {cost} at best")]
    if point.estimate is None:
        return rows
    there, least = (one.ranked(True, answer.minimise) for one in (point, answer.best))
    breaks = _broken(answer, point)
    said = f"which breaks {breaks}; {_more(there / least - 1)}" if breaks else _more(there / least - 1)
    return [*rows, ("", f"about {si(point.estimate.step_time, 's')} in practice, {said}")]


def _broken(answer: Answer, point: Point) -> str:
    """The limit that a point breaks in practice, though not at the bound; nothing where it breaks none."""
    search, first = answer.search, point.first_token_estimate
    assert point.estimate is not None
    if search.max_step_time is not None and point.estimate.step_time > search.max_step_time:
        return f"the limit of {si(search.max_step_time, 's')}"
    if search.max_ttft is not None and first is not None and first > search.max_ttft:
        return f"the limit of {si(search.max_ttft, 's')} to the first token"
    dearer = point.ranked(True, answer.minimise) < answer.best.ranked(True, answer.minimise) * (1 - search.within)
    return "a limit" if dearer and search.limits else ""


def _more(ratio: float) -> str:
    """By how much more, or less, something costs than the best."""
    if abs(ratio) < 5e-4:
        return "as much as the best takes"
    return f"{abs(ratio):.1%} {'more' if ratio > 0 else 'less'} than the best takes"


def _limits(answer: Answer) -> list[str]:
    """Every limit in words."""
    search = answer.search
    timed = {"step time": search.max_step_time, "time to first token": search.max_ttft}
    return [*(f"{name} at most {si(seconds, 's')}" for name, seconds in timed.items() if seconds is not None),
            *map(str, search.limits)]  # fmt: skip


def _ties(answer: Answer) -> str:
    """How many layouts stood within one per cent of the least cost, and what decided."""
    share = f"{answer.search.within:.0%}"
    if answer.ties == 1:
        return f"no other layout stands within {share} of it on this machine"
    least = amount(answer.least, answer.minimise)
    whose = " in practice" if answer.in_practice else ""
    return (f"{answer.ties:,} choices stand within {share} of the least{whose}, {least}: of these the least operation "
            "by operation, then without overlap, then the fewest degrees")  # fmt: skip


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
    made = Fitting(("term" if estimate is None else "term of the estimate", ">time", ">price",
                    "limit of the relaxed problem", ">price "))  # fmt: skip
    limits = [(name, f"{price:+.4f}") for name, price in shadow.items() if abs(price) > 5e-5]
    for place, (name, time) in enumerate(times.items()):
        limit = limits[place] if place < len(limits) else ("", "")
        price = prices.get(name)
        made.add_row(name, si(time, "s"), "—" if price is None else f"{price:.4f}", *limit)
    return made


def _basis(best: Case, minimise: Minimise) -> str:
    """What kind of dollars or joules was minimised."""
    return of_price(best) if minimise == Minimise.COST else of_power(best) if minimise == Minimise.ENERGY else ""
