"""Numbers for symbols. What has no number is Unbound, and says so; it is never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model.numeric import Spread, evaluate

Number = Any
"""A float, or an array of floats."""


class Unbound(ValueError):
    """A quantity is needed that has neither a value nor a definition; ``names`` says which."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        super().__init__(f"no value for {', '.join(sorted(names))}")


@dataclass(frozen=True)
class Scenario:
    """Values, and definitions of derived quantities in terms of others. A value wins over a definition.

    A value is a number or an array of numbers, all of one length, or of the two of ``spread``; then results are arrays.

    >>> from steptime.model.symbols import batch, micro_batch, replicas
    >>> scenario = Scenario({batch: 64.0, replicas: 2.0}, {micro_batch: batch / replicas})
    >>> scenario.evaluate(micro_batch), (scenario | {batch: 8.0}).evaluate(micro_batch)
    (32.0, 4.0)
    """

    values: Mapping[Symbol, Number]
    definitions: Mapping[Symbol, Expr] = field(default_factory=dict)
    spread: Spread | None = None
    _known: dict[Symbol, Number] = field(default_factory=dict, compare=False, repr=False)
    _parts: dict[Expr, Number] = field(default_factory=dict, compare=False, repr=False)

    def __or__(self, values: Mapping[Symbol, Number]) -> "Scenario":
        return Scenario({**self.values, **values}, self.definitions, self.spread)

    @property
    def known(self) -> Mapping[Symbol, Number]:
        """What has been worked out so far of the derived quantities."""
        return self._known

    def value(self, symbol: Symbol) -> Number:
        """The number for one symbol; raises Unbound with every base quantity that is missing."""
        if symbol in self.values:
            return self.values[symbol]
        if symbol not in self._known:
            if symbol not in self.definitions:
                raise Unbound(frozenset({symbol.name}))
            self._known[symbol] = self.evaluate(self.definitions[symbol])
        return self._known[symbol]

    def evaluate(self, expr: Expr) -> Number:
        """The number for an expression; raises Unbound naming everything that is missing."""
        if isinstance(expr, Symbol):
            return self.value(expr)
        if expr.is_number:
            return float(expr)
        numbers: dict[Symbol, Number] = {}
        missing = frozenset[str]()
        for symbol in expr.free_symbols:
            try:
                numbers[symbol] = self.value(symbol)
            except Unbound as error:
                missing |= error.names
        if missing:
            raise Unbound(missing)
        found = evaluate(expr, numbers, self._parts, self.spread)
        return float(found) if np.ndim(found) == 0 else found

    def depends(self, expr: Expr, on: Symbol) -> bool:
        """Whether a quantity reaches an expression through the definitions that are in force."""
        for symbol in expr.free_symbols:
            if symbol == on:
                return True
            if symbol not in self.values and symbol in self.definitions and self.depends(self.definitions[symbol], on):
                return True
        return False

    def expand(self, expr: Expr, keep: Symbol | None = None) -> Expr:
        """The expression with definitions put in; with ``keep``, only those through which that quantity acts."""
        while True:
            replacements = {
                symbol: self.definitions[symbol]
                for symbol in expr.free_symbols
                if symbol in self.definitions
                and symbol not in self.values
                and symbol != keep
                and (keep is None or self.depends(symbol, keep))
            }
            if not replacements:
                return expr
            expr = expr.xreplace(replacements)
