"""Who earns, by context and by price list: the share of the spend and the elasticity of every line, side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.named import Named, prices_of
from steptime.model.api.shown import Shown
from steptime.model.api.step import step
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.prices import PriceList
from steptime.model.errors import UserError
from steptime.model.phases.accounts import Model
from steptime.model.solver.machine.earns import Earnings
from steptime.model.text.earners import earners_json, earners_table

MOST = 32
"""Contexts, times price lists, that a table holds."""


def earners(
    model: Model | Named, hardware: Hardware | Named, context: Any,
    prices: "Sequence[PriceList | Named] | Named | None", **words: Any,
) -> "Earners":  # fmt: skip
    """What each line of a chip's price takes of the spend, by each price list, and what one per cent of it is worth at
    each context.

    ``context`` and ``prices`` are lists, or texts with commas; other words are those of ``step``. Without ``batch`` it
    is the best at each context, as memory admits. Raises UserError for what cannot be used.

    >>> import steptime as st
    >>> found = st.earners("deepseek-v3", "gb200-nvl72", "1k,32k", "market-parts", layout="dp=72,ep=72")
    >>> found.contexts, len(found.answers)
    ((1000.0, 32000.0), 2)
    """
    if prices is None:
        raise UserError("`prices`: several contexts need a price list, as market-parts")
    lists = [prices] if isinstance(prices, PriceList) else each_of(prices)
    lengths = each_of(context)
    if not lengths or not lists:
        raise UserError("`context`, `prices`: give at least one of each")
    if len(lengths) * len(lists) > MOST:
        raise UserError(f"{len(lengths) * len(lists)} contexts times price lists are more than {MOST}: leave some out")
    listed = tuple(prices_of(one) for one in lists)
    cases = [step(model, hardware, context=length, **words) for length in lengths]
    found = tuple(tuple(case.who_earns(one).answer for one in listed) for case in cases)
    return Earners(listed, found)


def each_of(given: Any) -> list[Any]:
    """The parts of a text with commas, or the values of a list, or the one.

    >>> each_of("4k, 32k"), each_of([1000, 2000]), each_of(1000)
    (['4k', '32k'], [1000, 2000], [1000])
    """
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return list(given) if isinstance(given, Iterable) else [given]


@dataclass(frozen=True)
class Earners(Shown):
    """The lines of a chip's price: ``answers`` by context, one for each price list."""

    schema: ClassVar[str] = "earners"
    prices: tuple[PriceList, ...]
    answers: tuple[tuple[Earnings, ...], ...]

    @property
    def contexts(self) -> tuple[float, ...]:
        """The lengths of the columns: tokens of context, of a prefill of its prompt."""
        cases = [row[0].case for row in self.answers]
        return tuple(float(case.scenario.value(case.phase.varies)) for case in cases)

    def _json(self) -> dict[str, Any]:
        return earners_json(self.prices, self.answers)

    def table(self) -> Group:
        return earners_table(self.prices, self.answers)

    def __repr__(self) -> str:
        return f"Earners({len(self.answers)} contexts, {', '.join(one.name for one in self.prices)})"
