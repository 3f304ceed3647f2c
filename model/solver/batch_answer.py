"""The best batch as a value: what was found, by the bound or by the estimate, and what the other one says of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from steptime.model import symbols as q
from steptime.model.choices import Minimise
from steptime.model.solver.practice import Practice
from steptime.model.solver.sensitivity import Elasticity, Envelope
from steptime.model.solver.solution import Solution
from steptime.model.step.case import Case
from steptime.model.step.demands import has_waves


@dataclass(frozen=True)
class BatchAnswer:
    """The best batch. Without ``attained`` there is none: ``infimum`` is what the cost approaches as batch grows.

    With ``practice`` limits, cost and prices are those of the estimate, and ``of_bound`` is what the bound alone would
    answer. ``integer`` is the best whole batch with its cost and step time, by whichever holds. ``case`` is at the mean
    load of every rank, ``whole`` with whole sequences.
    """

    case: Case
    whole: Case
    minimise: Minimise
    unit: str
    infimum: float | None
    solution: Solution | None
    integer: Mapping[str, float | bool]
    worth: Envelope | None
    limits: Mapping[str, str]
    practice: Practice | None = None
    of_bound: "BatchAnswer | None" = None

    @property
    def attained(self) -> bool:
        return self.solution is not None

    @property
    def relaxations(self) -> tuple[str, ...]:
        """What the continuous batch is found without, and whole ones have; none where it is of the same formulas."""
        waves = self.practice is not None and has_waves(self.case.inputs, self.case.hardware)
        mean = ("the mean load on every rank",) if self.case.relaxes else ()
        return mean + (("tiles that fill the processors",) if waves else ())

    @property
    def chosen(self) -> float | None:
        """The best whole batch where one satisfies the limits, else the continuous one."""
        if self.integer.get("feasible"):
            return float(self.integer["batch"])
        return None if self.solution is None else self.solution.value

    @property
    def at_chosen(self) -> Case | None:
        """The case at that batch."""
        return None if self.chosen is None else self.whole.changed({q.batch: self.chosen})

    @property
    def bound_time(self) -> float | None:
        """Seconds of a step at the bound, at the batch that was found."""
        if self.solution is None:
            return None
        if self.practice is None:
            return self.solution.step_time
        return float((self.case.scenario | {q.batch: self.solution.value}).evaluate(q.step_time))

    @property
    def bound_cost(self) -> float | None:
        """What that batch costs at the bound; where none attains the least cost, what it tends to."""
        found, time = self.solution, self.bound_time
        if found is not None and time is not None:
            return found.cost * (time / found.step_time)
        return self.infimum if self.of_bound is None else self.of_bound.bound_cost

    @property
    def bound_integer(self) -> dict[str, float | bool]:
        """The best whole batch, its cost and step time at the bound."""
        there, found = self.at_chosen, dict(self.integer)
        if self.practice is None or there is None or not found.get("feasible"):
            return found
        bound = there.scenario.evaluate(q.step_time)
        return found | {"cost": found["cost"] * bound / found["step_time"], "step_time": bound}

    @property
    def sensitivities(self) -> Mapping[str, Elasticity]:
        """The elasticity of the optimal cost to every quantity that is put in, batch adjusting."""
        case = self.case if self.practice is None else self.practice.case
        return {} if self.worth is None else self.worth.of_every(case)
