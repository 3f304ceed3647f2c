"""A search over layouts as JSON, CSV and tables."""

import csv
import io
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.choices import Format, Minimise, PhaseName
from steptime.model.errors import UserError
from steptime.model.solver.batch import SCALES, BatchAnswer, solve_batch
from steptime.model.solver.layouts.points import Answer, Point
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck
from steptime.model.solver.sensitivity import envelope_at
from steptime.model.step.build import build_case
from steptime.model.step.case import TERMS, Case
from steptime.model.step.inputs import Question
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.compared import compared, compared_json
from steptime.model.text.format import plain, si, table
from steptime.model.text.header import doubtful, layout_json, not_modelled
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import run_line
from steptime.model.text.solve import solve_batch_json
from steptime.model.text.step_json import step_json

SHOWN = 16
"""Rows of the front that a table shows; JSON and CSV have all."""


def point_json(point: Point, case: Case | None = None) -> dict[str, Any]:
    """A point under the keys of `step`; formats are the model's own where the search left them."""
    fields = ("tp", "dp", "cp", "ep", "pp", "replicas", "ffn")
    layout = layout_json(case.layout) if case else {name: getattr(point.layout, name) for name in fields}
    return {
        "hardware": point.question.hardware.name,
        "layout": layout,
        "chips": point.layout.chips,
        "batch": point.batch,
        "precision": dict(case.precision) if case else _formats(point.question),
        "step_time": point.step_time,
        "cost": point.cost,
        "tokens_per_second_per_sequence": point.per_sequence,
        "tokens_per_second_per_chip": point.per_chip,
        **_trained(point.question),
    }


def _trained(question: Question) -> dict[str, Any]:
    """The choices of training of a point; none in serving."""
    inputs = question.inputs
    if inputs.phase != PhaseName.TRAIN:
        return {}
    training, given = inputs.training, inputs.given
    shared = training.sequence_parallel and inputs.layout is not None and inputs.layout.tp > 1
    return {
        "microbatch": int(given.get(q.microbatch, 1)), "interleave": int(given.get(q.interleave, 1)),
        "recompute": training.recompute, "zero": training.zero, "sequence_parallel": shared,
    }  # fmt: skip


def _choices(question: Question) -> str:
    """The same in words, to follow a layout."""
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in _trained(question).items())


def _formats(question: Question) -> dict[str, str]:
    return {"weights": question.inputs.weights or "own", "kv": question.inputs.kv or Format.BF16}


def layout_json_of(answer: Answer, spread: Spread | None = None) -> dict[str, Any]:
    best = build_case(answer.best.question)
    relaxed, second, checked = _relaxed(answer, best), answer.runner_up, recheck(answer, best)
    worth = envelope_at(best, SCALES[answer.minimise][0]).of_every(best)
    return {
        "model": best.model,
        "hardware": [machine.name for machine in answer.search.hardware],
        "chips": list(answer.search.chips),
        "phase": answer.search.inputs.phase,
        "minimise": answer.minimise,
        "unit": SCALES[answer.minimise][2],
        **compared_json(answer),
        "layouts": answer.layouts,
        "batches": list(answer.search.batches),
        "points": answer.points,
        "feasible": answer.feasible,
        "infeasible": dict(answer.infeasible),
        "seconds": answer.seconds,
        "best": {**point_json(answer.best, best), "terms": dict(best.times), "bottleneck": best.bottleneck,
                 "step": step_json(best, [])},
        "runner_up": None if second is None else {**point_json(second), "why": why_it_lost(answer, best)},
        "pareto": [point_json(point) for point in answer.pareto],
        "global": True,
        "attained": True,
        "sensitivities": {name: one.found for name, one in worth.items()},
        "sensitivity_intervals": {name: [one.least, one.most] for name, one in worth.items() if one.open},
        "residuals": {"primal": checked.primal, "step_time": checked.step_time},
        "relaxation": None if relaxed is None else solve_batch_json(relaxed),
        "not_modelled": not_modelled(best),
        **spread_json(spread),
    }  # fmt: skip


def _relaxed(answer: Answer, best: Case) -> BatchAnswer | None:
    """The continuous problem at the best layout, for its prices; None where it has no solution near the grid."""
    if answer.search.inputs.phase == PhaseName.TRAIN:  # the batch is what is trained with, not what is chosen
        return None
    try:
        return solve_batch(best, answer.minimise, answer.search.max_step_time, start=float(answer.best.batch))
    except UserError:
        return None


def why_it_lost(answer: Answer, best: Case) -> str:
    """The runner-up's cost over the best's, and the terms of both that bind."""
    second = answer.runner_up
    assert second is not None
    ratio = second.cost / answer.best.cost - 1
    case = build_case(second.question)
    first_time, second_time = best.times[best.bottleneck or TERMS[1]], case.times[case.bottleneck or TERMS[1]]
    binding = (f"its {case.bottleneck} {si(second_time, 's')} binds at batch {plain(second.batch)}, the best's "
               f"{best.bottleneck} {si(first_time, 's')} at batch {plain(answer.best.batch)}")  # fmt: skip
    if ratio < 5e-7:
        return f"costs the same; larger batch, more chips or later in the list; {binding}"
    return f"costs {ratio:.2%} more: {binding}"


def layout_csv(answer: Answer) -> str:
    """One row for the best point, and one for each point of the front by rising speed of a sequence."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    degrees = ("tp", "cp", "dp", "ep", "pp", "replicas", "ffn")
    rates = ("step_time", "cost", "tokens_per_second_per_sequence", "tokens_per_second_per_chip")
    chosen = list(_trained(answer.best.question))
    writer.writerow(["what", "hardware", "chips", *degrees, "batch", "weights", "kv", *chosen, *rates])
    for what, point in (("best", answer.best), *(("pareto", point) for point in answer.pareto)):
        row = point_json(point)
        formats = _formats(point.question)
        writer.writerow([what, row["hardware"], row["chips"], *(row["layout"][d] for d in degrees), row["batch"],
                         formats["weights"], formats["kv"], *(row[name] for name in chosen),
                         *(repr(row[rate]) for rate in rates)])  # fmt: skip
    return out.getvalue()


def layout_table(answer: Answer, spread: Spread | None = None) -> Group:
    best = build_case(answer.best.question)
    recheck(answer, best)
    ranges = spread_lines(spread_json(spread), {"cost": SCALES[answer.minimise][2]})
    machines = ", ".join(machine.name for machine in answer.search.hardware)
    limit = answer.search.max_step_time
    what = "executions" if best.inputs.phase == PhaseName.TRAIN else "layouts"
    head = Text(
        f"{best.model}, {best.inputs.phase}, {answer.minimise}: {answer.points:,} points "
        f"({answer.layouts:,} {what} of {', '.join(map(str, answer.search.chips))} chips x "
        f"{len(answer.search.batches)} batches x {len(answer.questions)} choices of machine and formats: {machines}) "
        f"in {answer.seconds:.1f} s", style="bold",
    )  # fmt: skip
    broken = ", ".join(f"{name} {count:,}" for name, count in answer.infeasible.items() if count) or "none"
    counted = Text(f"feasible {answer.feasible:,}; points that break a limit: {broken}"
                   + (f" (step time at most {si(limit, 's')})" if limit else ""))  # fmt: skip
    unit = SCALES[answer.minimise][2]
    lines = [
        Text(f"best: {answer.best.question.hardware.name}, {answer.best.layout.chips} chips, "
             f"layout {answer.best.layout}, batch {plain(answer.best.batch)}{_choices(answer.best.question)}",
             style="bold"),
        Text(f"  {_cost(answer.best.cost, answer.minimise, unit)}{_basis(best, answer.minimise)}, "
             f"step time {si(answer.best.step_time, 's')}, "
             f"{plain(answer.best.per_sequence)} tokens/s per sequence, {plain(answer.best.per_chip)} per chip; "
             + ", ".join(f"{key} {value}" for key, value in best.precision.items())),
    ]  # fmt: skip
    lines += [Text(f"  {line}") for line in run_line(best)]
    if answer.runner_up is not None:
        second = answer.runner_up
        lines.append(Text(f"runner-up: {second.question.hardware.name}, {second.layout.chips} chips, {second.layout}"
                          f"{_choices(second.question)}: "
                          f"{why_it_lost(answer, best)}"))  # fmt: skip
    relaxed = _relaxed(answer, best)
    if relaxed is not None and relaxed.solution is not None:
        lines.append(Text(f"between the batches tried, at this layout: batch {plain(relaxed.solution.value)}, "
                          f"{_cost(relaxed.solution.cost, answer.minimise, unit)}"))  # fmt: skip
    notes = [Text("not modelled: " + "; ".join(not_modelled(best)))]
    if answer.best.batch == max(answer.search.batches) and len(answer.search.batches) > 1:
        notes.insert(0, Text("the best batch is the largest tried: name others to go on"))
    notes = [*(Text(text) for text in compared(answer)), *notes]
    if figures := doubtful(best):
        notes.insert(0, Text("doubtful figures: " + "; ".join(figures)))
    # A training batch is given: speed and throughput are one, and the front is the best point.
    front = [] if best.inputs.phase == PhaseName.TRAIN else [_front(answer), Text()]
    return Group(head, counted, Text(), *lines, Text(), _terms(relaxed, best), Text(), *front, *ranges, *notes)


def _terms(relaxed: BatchAnswer | None, best: Case) -> Any:
    """Terms of the best point with their prices at the best batch of the continuous problem at its layout."""
    prices = {} if relaxed is None else solve_batch_json(relaxed)["term_prices"] or {}
    shadow = {} if relaxed is None or relaxed.solution is None else relaxed.solution.shadow_prices
    made = table("term", ">time", ">price", "limit of the relaxed problem", ">price")
    limits = [(name, f"{price:+.4f}") for name, price in shadow.items() if abs(price) > 5e-5]
    for place, name in enumerate(TERMS):
        limit = limits[place] if place < len(limits) else ("", "")
        price = prices.get(name)
        made.add_row(name, si(best.times[name], "s"), "—" if price is None else f"{price:.4f}", *limit)
    return made


def _front(answer: Answer) -> Any:
    """The Pareto front, thinned evenly where it is long."""
    made = table(">tokens/s per sequence", ">per chip", "machine", ">chips", "layout", ">batch", "weights", "kv")
    front = answer.pareto
    places = range(len(front)) if len(front) <= SHOWN else sorted(
        {round(number * (len(front) - 1) / (SHOWN - 1)) for number in range(SHOWN)})  # fmt: skip
    for place in places:
        point = front[place]
        formats = _formats(point.question)
        made.add_row(plain(point.per_sequence), plain(point.per_chip), point.question.hardware.name,
                     str(point.layout.chips), str(point.layout), plain(point.batch), formats["weights"],
                     formats["kv"])  # fmt: skip
    title = f"Pareto front: {len(front)} points" + (f", {len(places)} shown" if len(places) < len(front) else "")
    return Group(Text(title, style="bold"), made)


def _basis(best: Case, minimise: Minimise) -> str:
    """What kind of dollars or joules was minimised."""
    return of_price(best) if minimise == Minimise.COST else of_power(best) if minimise == Minimise.ENERGY else ""


def _cost(cost: float, minimise: Minimise, unit: str) -> str:
    if minimise == Minimise.COST:
        return f"${cost * 1e6:.6g} per million tokens"
    return si(cost, "s") if minimise == Minimise.LATENCY else f"{cost:.6g} {unit}"
