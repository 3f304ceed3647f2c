"""Which machines, and how many of each, serve a demand at least cost; what every limit is worth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.fleet_demand import demand_of, ends_of
from steptime.model.api.named import Named
from steptime.model.api.shown import Shown
from steptime.model.catalog.examples import FLEETS, named_or_own
from steptime.model.catalog.files import read_toml
from steptime.model.parse import path_of
from steptime.model.solver.fleet.ranges import Spread, spread
from steptime.model.solver.fleet.solve import Answer, Level, solve_fleet
from steptime.model.text.fleet import fleet_csv, fleet_table
from steptime.model.text.fleet_json import fleet_json


def quiet(share: float) -> None:
    """Shows no progress."""


def fleet(demand: Mapping[str, Any] | Named, *, progress: Callable[[float], None] = quiet) -> "Fleet":
    """The mix of machines that serves a demand, a TOML file or a dictionary of the same form, at least cost.

    A demand has classes of requests, with rates, lengths and limits on waiting, and hardware on offer, with prices and
    stocks; see examples/fleets. Groups of chips take what their formulas let them, at the bound and in practice, as
    full as percentiles of waiting allow. Raises UserError where the demand cannot be read, or not be served; it says
    which limit fails.

    >>> import steptime as st
    >>> found = st.fleet({
    ...     "class": [{"model": "llama-3.1-8b", "rate": "20 /s", "prompt": 1000, "output": 200, "max_tpot": "30 ms"}],
    ...     "hardware": [{"name": "h100-sxm", "price": "2 $/h", "sizes": [1]}, {"name": "l4", "price": "0.7 $/h"}],
    ... })
    >>> [one["hardware"] for one in found.to_dict()["replicas"]]
    ['h100-sxm']
    """
    if isinstance(demand, Mapping):
        return Fleet(solve_fleet(demand_of(demand), progress))
    path = named_or_own(path_of(demand, "`demand`"), FLEETS)
    return Fleet(solve_fleet(demand_of(read_toml(path), str(path), path.parent), progress))


@dataclass(frozen=True)
class Fleet(Shown):
    """The cheapest fleet: ``bound`` and, where there is an estimate, ``practice``, by which one goes."""

    kinds = ("fleet",)
    schema: ClassVar[str] = "solve-fleet"
    answer: Answer
    spread: Spread | None = None

    @property
    def bound(self) -> Level:
        return self.answer.bound

    @property
    def practice(self) -> Level | None:
        return self.answer.practice

    @property
    def dollars_per_hour(self) -> float | None:
        """Of the fleet to go by; None where a price is not known."""
        return self.answer.best.dollars_per_hour

    def ranges(self, progress: Callable[[float], None] = quiet, **ends: str) -> "Fleet":
        """The same with what prices and rates within limits make of the cost: ``chat.rate``, ``h200-sxm.price``."""
        best = self.answer.best
        return replace(self, spread=spread(best.program, best.columns, ends_of(best.demand, ends), progress))

    def csv(self) -> str:
        """One row for each kind of group."""
        return fleet_csv(self.answer)

    def _json(self) -> dict[str, Any]:
        return fleet_json(self.answer, self.spread)

    def table(self) -> Group:
        return fleet_table(self.answer, self.spread)

    def __repr__(self) -> str:
        best = self.answer.best
        cost = "" if best.dollars_per_hour is None else f", ${best.dollars_per_hour:,.2f} an hour"
        return f"Fleet({len(best.groups)} kinds of groups, {best.chips:,} chips{cost})"
