"""Why the runner-up of a search lost: by how much, and what takes longer there."""

from typing import Any

from steptime.model import symbols as q
from steptime.model.choices import Minimise, Overlap
from steptime.model.solver.batch import scale_of
from steptime.model.solver.layouts.points import Answer, Point
from steptime.model.step.build import build_case
from steptime.model.step.case import TERMS, Case
from steptime.model.text.format import plain, si
from steptime.model.text.goals import goal_of


def why_it_lost(answer: Answer, best: Case) -> str:
    """The runner-up's cost over the best's, what decided where they are ties, and what makes the difference: the terms
    of both that bind, or, where the estimate decides, the term of it that adds most."""
    second = answer.runner_up
    assert second is not None
    cost, least = (point.ranked(answer.in_practice, answer.minimise) for point in (second, answer.best))
    ratio = cost / least - 1
    case = build_case(second.question)
    reason = f": {_at_bound(second, case, answer.best, best)}"
    if answer.in_practice:
        reason = f": {_in_practice(answer, second)}" if ratio >= 5e-7 else ""
    verb, what = ("costs", "") if answer.minimise == Minimise.COST else ("takes", f" {goal_of(answer.minimise)}")
    more = f"{abs(ratio):.2%} {'more' if ratio > 0 else 'less'}" if abs(ratio) >= 5e-7 else "the same"
    costs = f"{verb} {more}{what}"
    costs += " in practice" if answer.in_practice else ""
    if second not in answer.candidates[: answer.tied]:
        return f"{costs}{reason}" if ratio >= 5e-7 else f"{costs} on another machine{reason}"
    for overlap in (Overlap.PER_OPERATION, Overlap.NONE):
        least, more = (one.scenario.evaluate(_cost_at(answer.minimise, one, overlap)) for one in (best, case))
        if more > least * (1 + 5e-7):
            return f"{costs}, and {more / least - 1:.2%} more {overlap.said}{reason}"
    return f"{costs} at every overlap; more degrees, a larger batch, more chips or later in the list{reason}"


def _at_bound(second: Point, case: Case, first: Point, best: Case) -> str:
    """What binds on both."""
    first_time, second_time = best.times[best.bottleneck or TERMS[1]], case.times[case.bottleneck or TERMS[1]]
    return (f"its {case.bottleneck} {si(second_time, 's')} binds at batch {plain(second.batch)}, the best's "
            f"{best.bottleneck} {si(first_time, 's')} at batch {plain(first.batch)}")  # fmt: skip


def _in_practice(answer: Answer, second: Point) -> str:
    """The term of the estimate that adds most to what is minimised, each counted at its own batch and chips."""
    assert second.estimate is not None and answer.best.estimate is not None
    per_second, terms = [], [second.estimate.terms, answer.best.estimate.terms]
    for point in (second, answer.best):
        assert point.estimate is not None
        time = point.estimate.step_time if answer.minimise == Minimise.LATENCY else point.estimate.mean_time
        per_second.append(point.ranked(True, answer.minimise) / time)
    adds = {name: terms[0].get(name, 0.0) * per_second[0] - terms[1].get(name, 0.0) * per_second[1]
            for name in {**terms[0], **terms[1]}}  # fmt: skip
    most = max(adds, key=lambda name: adds[name])
    return (f"most by its {most}, {si(terms[0].get(most, 0.0), 's')} at batch {plain(second.batch)}, the best's "
            f"{si(terms[1].get(most, 0.0), 's')} at batch {plain(answer.best.batch)}")  # fmt: skip


def _cost_at(minimise: Minimise, case: Case, overlap: Overlap) -> Any:
    """What is minimised, at another overlap."""
    factor, exponent, _ = scale_of(case, minimise)
    return factor * case.bounds[overlap] * q.batch**exponent
