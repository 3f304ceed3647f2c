"""What questions about one step answer: terms, crossovers, best batches, what resources earn. Values that show
themselves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import sympy
from rich.console import Group
from sympy import Expr

from steptime.model.api.shown import Shown
from steptime.model.catalog.prices import PriceList
from steptime.model.choices import Minimise
from steptime.model.quantity import latex
from steptime.model.solver.crossover import CrossoverAnswer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.case import Case
from steptime.model.step.estimate import Estimate, estimated
from steptime.model.step.inputs import UserLimit
from steptime.model.step.solver_words import ranges_of
from steptime.model.text.batch_table import batch_table
from steptime.model.text.best_batch import solve_batch_json
from steptime.model.text.solve import crossover_table, solve_crossover_json

__all__ = ["BestBatch", "Crossover", "Earnings", "Spread", "Term", "Terms"]

Progress = Callable[[float], None]


class Term(NamedTuple):
    """One term of a step: its formula in plain SymPy, and its seconds, None where an input has no figure."""

    formula: Expr
    seconds: float | None

    @property
    def latex(self) -> str:
        """The formula in the letters of the field."""
        return latex(self.formula)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex}$"


class Terms(NamedTuple):
    """The terms of a step; interconnect is the larger of its two tiers."""

    compute: Term
    memory: Term
    interconnect: Term
    scale_up: Term
    scale_out: Term


@dataclass(frozen=True)
class Crossover(Shown):
    """Where two terms meet over one quantity: ``value`` nearest to the present, ``values`` all of them."""

    kinds = ("terms",)
    schema: ClassVar[str] = "solve-crossover"
    case: Case
    answer: CrossoverAnswer
    spread: Spread | None = None

    @property
    def value(self) -> float | None:
        return self.answer.value

    @property
    def values(self) -> tuple[float, ...]:
        return self.answer.values

    @property
    def formula(self) -> sympy.Eq | None:
        """The closed form; None where the equation has none."""
        return self.answer.closed_form

    @property
    def exists_when(self) -> sympy.Basic | None:
        """The condition under which the crossing is at a positive value."""
        return self.answer.exists_when

    @property
    def latex(self) -> str:
        return "" if self.formula is None else latex(self.formula)

    def ranges(self, progress: Progress = lambda share: None, **words: Any) -> "Crossover":
        """The same with its interval, where inputs are known within limits."""
        from steptime.model.solver.ranges.spreads import crossover_spread

        found = crossover_spread(self.case, ranges_of(words), self.answer.between, self.answer.over, progress)
        return Crossover(self.case, self.answer, found)

    def _json(self) -> dict[str, Any]:
        return solve_crossover_json(self.case, self.answer, self.spread)

    def table(self) -> Group:
        return crossover_table(self.case, self.answer, self.spread)

    def __repr__(self) -> str:
        at = "none" if self.value is None else f"{self.value:.6g}"
        return f"Crossover({' and '.join(self.answer.between)} over {self.answer.over.name}: {at})"

    def _repr_latex_(self) -> str | None:
        return rf"$\displaystyle {self.latex}$" if self.latex else None


@dataclass(frozen=True)
class BestBatch(Shown):
    """The smallest batch of least cost: continuous, with the price of every term and limit, and the whole one beside.

    ``batch`` is None where no batch attains the least cost: ``cost`` is then what it tends to. Where there is an
    estimate, limits on time hold for it, and ``cost``, ``whole`` and prices are of it; ``time`` is the bound at the
    batch that was found, ``estimate`` what the whole one takes in practice, ``of_bound`` what the bound alone chooses.
    """

    kinds = ("sensitivity",)
    schema: ClassVar[str] = "solve-batch"
    case: Case
    answer: Any
    goal: Minimise | None = None
    bound: float | None = None
    limits: tuple[UserLimit, ...] = ()
    spread: Spread | None = None
    notices: tuple[str, ...] = ()

    @property
    def batch(self) -> float | None:
        """The continuous one; where ``relaxed``, ``whole`` has the batch that is best of whole steps."""
        return None if self.answer.solution is None else self.answer.solution.value

    @property
    def relaxed(self) -> tuple[str, ...]:
        """What the continuous batch is found without: the fullest rank, waves of tiles; nothing where it is exact."""
        found: tuple[str, ...] = self.answer.relaxations
        return found

    @property
    def cost(self) -> float:
        """In the unit of what is minimised: dollars, joules or chip-seconds per token, or seconds; by whichever limits
        hold for."""
        found = self.answer.solution
        return float(self.answer.infimum if found is None else found.cost)

    @property
    def time(self) -> float | None:
        """Seconds of its step: a lower bound."""
        time: float | None = self.answer.bound_time
        return time

    @property
    def estimate(self) -> Estimate | None:
        """What a step of the best whole batch takes in practice; None where there is no estimate of it."""
        return None if self.answer.at_chosen is None else estimated(self.answer.at_chosen)

    @property
    def limits_hold_for(self) -> str:
        """estimate, or bound."""
        return "bound" if self.answer.practice is None else "estimate"

    @property
    def of_bound(self) -> "BestBatch | None":
        """What the bound alone would choose, where limits hold for the estimate."""
        alone = self.answer.of_bound
        return None if alone is None else replace(self, answer=alone, spread=None, notices=())

    @property
    def term_prices(self) -> Mapping[str, float]:
        """d ln cost / d ln(time of a term), never negative."""
        return {} if self.answer.solution is None else self._json()["term_prices"]

    @property
    def shadow_prices(self) -> Mapping[str, float]:
        """d ln cost / d ln(limit): not positive for upper limits."""
        return {} if self.answer.solution is None else self.answer.solution.shadow_prices

    @property
    def whole(self) -> Mapping[str, Any]:
        """The best whole batch next to it, checked with whole sequences on every rank, by whichever limits hold for."""
        return dict(self.answer.integer)

    def ranges(self, progress: Progress = lambda share: None, **words: Any) -> "BestBatch":
        """The same with intervals, where inputs are known within limits."""
        from steptime.model.solver.ranges.spreads import batch_spread

        found = batch_spread(self.case, ranges_of(words), self.goal, self.bound, self.limits, progress)
        return replace(self, spread=found)

    def _json(self) -> dict[str, Any]:
        found = solve_batch_json(self.answer, self.spread)
        time = None if found["values"] is None else found["values"]["step_time"]
        return {**found, "batch": self.batch, "step_time": time, "notices": list(self.notices)}

    def table(self) -> Group:
        return batch_table(self.answer, self.spread, self.notices, self.bound)

    def __repr__(self) -> str:
        said = "no batch attains it" if self.batch is None else f"batch {self.batch:.6g}"
        said += f", relaxed; whole {self.answer.chosen:,.6g}" if self.batch is not None and self.relaxed else ""
        return f"BestBatch({self.case.model} on {self.case.hardware.name}, {self.answer.minimise}: {said})"


@dataclass(frozen=True)
class Earnings(Shown):
    """What one more unit of each resource of a chip is worth, the highest first."""

    kinds = ("sensitivity",)
    schema: ClassVar[str] = "resources"
    case: Case
    answer: Any
    prices: PriceList | None
    batch_adjusts: bool
    spread: Spread | None = None

    @property
    def worths(self) -> tuple[Any, ...]:
        return tuple(self.answer.worths)

    def ranges(self, progress: Progress = lambda share: None, **words: Any) -> "Earnings":
        """The same with intervals, where inputs are known within limits."""
        from steptime.model.solver.ranges.spreads import earnings_spread

        found = earnings_spread(self.case, ranges_of(words), self.prices, self.batch_adjusts, progress)
        return Earnings(self.case, self.answer, self.prices, self.batch_adjusts, found)

    def _json(self) -> dict[str, Any]:
        from steptime.model.text.earns import earnings_json

        return earnings_json(self.answer, self.spread)

    def table(self) -> Group:
        from steptime.model.text.earns import earnings_table

        return earnings_table(self.answer, self.spread)

    def __repr__(self) -> str:
        return f"Earnings({self.case.model} on {self.case.hardware.name}: {', '.join(one.name for one in self.worths)})"
