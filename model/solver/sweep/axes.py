"""Axes of a sweep: values of a quantity, points of a design, layouts. Each gives a piece of itself by its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from sympy import Symbol

from steptime.model.layout.enumeration import Columns, layout_of
from steptime.model.layout.layout import SYMBOLS
from steptime.model.quantity import lookup
from steptime.model.solver.sweep.designs import Latin, Sobol

from steptime.model.symbols import (  # isort: skip
    chips, context_parallel, data_parallel, stage_chips, tensor_parallel,
)  # fmt: skip

Array = np.ndarray


class Axis(Protocol):
    """One axis: its length, the quantities that vary along it, and their values over a piece of it."""

    @property
    def length(self) -> int: ...

    @property
    def symbols(self) -> tuple[Symbol, ...]: ...

    def values(self, start: int, stop: int) -> Mapping[Symbol, Array]: ...

    def shown(self, start: int, stop: int) -> Mapping[str, Any]:
        """Columns of a table for these places."""


def spaced(symbol: Symbol, low: float, high: float, number: int, logarithmic: bool) -> tuple[float, ...]:
    """So many values from ``low`` to ``high``, whole ones, each once, where only whole numbers are meant.

    >>> from steptime.model.symbols import batch, memory_bandwidth
    >>> spaced(batch, 1, 8, 7, True), spaced(memory_bandwidth, 4e12, 6e12, 3, False)
    ((1.0, 2.0, 3.0, 4.0, 6.0, 8.0), (4000000000000.0, 5000000000000.0, 6000000000000.0))
    """
    found = np.geomspace(low, high, number) if logarithmic else np.linspace(low, high, number)
    if lookup(symbol.name).integer:
        found = np.unique(np.rint(found))
    return tuple(found.tolist())


@dataclass(frozen=True)
class Values:
    """Values of one quantity."""

    symbol: Symbol
    given: tuple[float, ...]

    @property
    def length(self) -> int:
        return len(self.given)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return (self.symbol,)

    def values(self, start: int, stop: int) -> Mapping[Symbol, Array]:
        return {self.symbol: np.array(self.given[start:stop])}

    def shown(self, start: int, stop: int) -> Mapping[str, Any]:
        return {self.symbol.name: np.array(self.given[start:stop])}


@dataclass(frozen=True)
class Drawn:
    """A quantity that a design draws between two ends, evenly or evenly in its logarithm."""

    symbol: Symbol
    low: float
    high: float
    logarithmic: bool

    def at(self, shares: Array) -> Array:
        """Values at shares of the way, each from 0 to 1; a whole number each where only these are meant."""
        if self.logarithmic:
            found = self.low * (self.high / self.low) ** shares
        else:
            found = self.low + (self.high - self.low) * shares
        return np.rint(found) if lookup(self.symbol.name).integer else np.clip(found, self.low, self.high)


@dataclass(frozen=True)
class Design:
    """Points of a design: all of its quantities vary along one axis."""

    points: Sobol | Latin
    drawn: tuple[Drawn, ...]

    @property
    def length(self) -> int:
        return self.points.size

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(one.symbol for one in self.drawn)

    def values(self, start: int, stop: int) -> Mapping[Symbol, Array]:
        shares = self.points.points(start, stop)
        return {one.symbol: one.at(shares[:, place]) for place, one in enumerate(self.drawn)}

    def shown(self, start: int, stop: int) -> Mapping[str, Any]:
        return {symbol.name: values for symbol, values in self.values(start, stop).items()}


@dataclass(frozen=True)
class Layouts:
    """Layouts, a row of the columns each; ``tables``: what else differs from one to the next."""

    columns: Columns
    tables: Mapping[Symbol, Array] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return len(self.columns["tp"])

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return (*SYMBOLS.values(), chips, stage_chips, *self.tables)

    def values(self, start: int, stop: int) -> Mapping[Symbol, Array]:
        cut = slice(start, stop)
        found = {symbol: self.columns[name][cut] for name, symbol in SYMBOLS.items()}
        found[chips] = self.columns["chips"][cut]
        found[stage_chips] = found[tensor_parallel] * found[context_parallel] * found[data_parallel]
        return found | {symbol: table[cut] for symbol, table in self.tables.items()}

    def shown(self, start: int, stop: int) -> Mapping[str, Any]:
        written = np.array([str(layout_of(self.columns, row)) for row in range(start, stop)])
        return {"layout": written, "chips": self.columns["chips"][start:stop]}
