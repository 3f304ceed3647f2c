"""The best point of a search, once more by the other route: one case built for it alone, every limit asked again."""

from dataclasses import dataclass

from steptime.model import symbols as q
from steptime.model.case import Case
from steptime.model.solver.optimality import TOLERANCE, NotSolved
from steptime.model.solver.points import Answer


@dataclass(frozen=True)
class Recheck:
    """By how much the best point oversteps a limit, relative, and by how much its step time differs on both routes."""

    primal: float
    step_time: float


def recheck(answer: Answer, best: Case) -> Recheck:
    """The check of the best point; raises NotSolved where it fails. ``best`` is its case, built from the question."""
    step_time = best.scenario.evaluate(q.step_time)
    over = [0.0]
    if (capacity := best.number(q.memory_capacity)) is not None:
        over.append(best.scenario.evaluate(q.memory_per_chip) / capacity - 1)
    if answer.search.max_step_time is not None:
        over.append(step_time / answer.search.max_step_time - 1)
    found = Recheck(max(over), abs(step_time / answer.best.step_time - 1))
    if max(found.primal, found.step_time) > TOLERANCE:
        raise NotSolved(f"the best point failed its check: {found}")
    return found
