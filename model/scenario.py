"""Numbers for symbols. What has no number is Unbound, and says so; it is never guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import add, mul
from typing import Any, Protocol

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model.errors import Unbound
from steptime.model.extremes import put_in
from steptime.model.lambert import height_of, lambert, lambert_of_exponential
from steptime.model.numeric import BLOCK, Function, Spread, ceiling, compiled, floor, gamma

Number = Any
"""A float, or an array of floats."""

REMEMBERED = 4 * BLOCK
"""Longest array of a part of an expression that is kept for its next occurrence."""


@lru_cache(maxsize=2**14)
def symbols_in(expr: Expr) -> frozenset[Symbol]:
    """The symbols of an expression, remembered."""
    return frozenset(expr.free_symbols)


def _power(base: Any, exponent: Any) -> Any:
    """A power; the root of a negative number is NaN, one over zero infinite, and what no float holds, as in arrays."""
    try:
        value = base**exponent
    except (ZeroDivisionError, OverflowError):
        return np.inf
    return np.nan if isinstance(value, complex) else value


def _folded(function: Function) -> Function:
    """A function of two as one of several, from the first to the last."""

    def found(first: Any, *others: Any) -> Any:
        for other in others:
            first = function(first, other)
        return first

    return found


_rules: Mapping[Any, Function] = {
    sympy.Add: _folded(add),
    sympy.Mul: _folded(mul),
    sympy.Pow: _power,
    sympy.Max: _folded(np.maximum),
    sympy.Min: _folded(np.minimum),
    sympy.floor: floor,
    sympy.ceiling: ceiling,
    sympy.exp: np.exp,
    sympy.log: np.log,
    sympy.LambertW: lambert,
    sympy.gamma: gamma,
}


class Node:
    """A part of an expression, made ready to be walked: a symbol, or a number, or a rule of other parts."""

    __slots__ = ("number", "parts", "rule", "symbol")

    def __init__(self, expr: Expr) -> None:
        self.symbol, self.number, self.rule = None, None, None
        self.parts: tuple[Node, ...] = ()
        if isinstance(expr, Symbol):
            self.symbol = expr
        elif not expr.args:
            self.number = expr.p / expr.q if isinstance(expr, sympy.Rational) else float(expr)
        elif isinstance(expr, sympy.LambertW) and (height := height_of(expr.args[0])) is not None:
            self.rule, self.parts = lambert_of_exponential, tuple(map(node, (height, *expr.args[1:])))
        elif type(expr) in _rules:
            self.rule, self.parts = _rules[type(expr)], tuple(map(node, expr.args))
        else:
            over = tuple(expr.free_symbols)
            self.rule, self.parts = compiled(expr, over), tuple(map(node, over))


@lru_cache(maxsize=2**16)
def node(expr: Expr) -> Node:
    """An expression to be walked, remembered."""
    return Node(expr)


class Numbers(Protocol):
    """What gives a number, or an array, for a symbol."""

    def __getitem__(self, symbol: Symbol, /) -> Any: ...


def evaluate(expr: Expr, values: Numbers, memo: dict[Node, Any] | None = None, spread: Spread | None = None) -> Any:
    """The number for an expression that is needed once, by walking it: compiling would take a hundred times as long.

    Values may be arrays of one length. A root of a negative number is NaN. Agrees with ``compiled`` to rounding.
    ``memo`` holds the arrays of parts, not too long ones, that occur again in this or in a later expression. With
    ``spread``, arrays have one of its two lengths, and what only short ones enter is worked out once a short row.

    >>> from steptime.model.symbols import batch, context
    >>> evaluate(batch * context + 1, {batch: 2.0, context: 3.0})
    7.0
    """
    return _walked(node(expr), values, memo, spread)


def _walked(part: Node, values: Numbers, memo: dict[Node, Any] | None, spread: Spread | None) -> Any:
    if part.rule is None:
        return part.number if part.symbol is None else values[part.symbol]
    if memo is not None and part in memo:
        return memo[part]
    numbers: Sequence[Any] = [_walked(other, values, memo, spread) for other in part.parts]
    found = part.rule(*(spread.level(numbers) if spread else numbers))
    if memo is not None and isinstance(found, np.ndarray) and 1 < found.size <= REMEMBERED:
        memo[part] = found
    return found


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
    _parts: dict[Node, Number] = field(default_factory=dict, compare=False, repr=False)
    _reach: dict[Symbol, frozenset[Symbol]] = field(default_factory=dict, compare=False, repr=False)

    def __or__(self, values: Mapping[Symbol, Number]) -> "Scenario":
        """The scenario with other values; what was worked out and does not follow from them stays."""
        merged = {**self.values, **values}
        if len(merged) > len(self.values):  # a new value may stand in the place of a definition
            return Scenario(merged, self.definitions, self.spread)
        known = {symbol: found for symbol, found in self._known.items() if self.reach(symbol).isdisjoint(values)}
        return Scenario(merged, self.definitions, self.spread, known, _reach=self._reach)

    def knowing(self, found: Mapping[Symbol, Number]) -> "Scenario":
        """The scenario with derived quantities that another one with the same definitions of them has worked out."""
        return Scenario(self.values, self.definitions, self.spread, {**found, **self._known}, _reach=self._reach)

    @property
    def known(self) -> Mapping[Symbol, Number]:
        """What has been worked out so far of the derived quantities."""
        return self._known

    def value(self, symbol: Symbol) -> Number:
        """The number for one symbol; raises Unbound with every base quantity that is missing."""
        try:
            return self[symbol]
        except Unbound:
            raise Unbound(self.missing(symbol)) from None

    def __getitem__(self, symbol: Symbol) -> Number:
        found = self.values.get(symbol)
        if found is None and (found := self._known.get(symbol)) is None:
            if symbol not in self.definitions:
                raise Unbound(frozenset({symbol.name}))
            found = self._known[symbol] = evaluate(self.definitions[symbol], self, self._parts, self.spread)
        return found

    def evaluate(self, expr: Expr) -> Number:
        """The number for an expression; raises Unbound naming everything that is missing."""
        try:
            found = evaluate(expr, self, self._parts, self.spread)
        except Unbound:
            raise Unbound(self.missing(expr)) from None
        return float(found) if np.ndim(found) == 0 else found

    def missing(self, expr: Expr) -> frozenset[str]:
        """The base quantities that an expression needs and that have no value."""
        lacking = frozenset[str]()
        for symbol in symbols_in(expr):
            if symbol not in self.values and symbol not in self._known:
                reached = self.reach(symbol)
                lacking |= {s.name for s in reached if s not in self.values and s not in self.definitions}
        return lacking

    def numbers(self, exprs: Iterable[Expr]) -> dict[Expr, Number]:
        """The number of each symbol or expression that has one."""
        found: dict[Expr, Number] = {}
        for expr in exprs:
            if not self.missing(expr):
                value = evaluate(expr, self, self._parts, self.spread)
                found[expr] = float(value) if np.ndim(value) == 0 else value
        return found

    def reach(self, symbol: Symbol) -> frozenset[Symbol]:
        """The symbol, and every quantity through which it is worked out: a value stands for itself."""
        if symbol not in self._reach:
            self._reach[symbol] = found = frozenset({symbol})
            if symbol not in self.values and symbol in self.definitions:
                parts = symbols_in(self.definitions[symbol])
                self._reach[symbol] = found.union(*(self.reach(part) for part in parts))
        return self._reach[symbol]

    def depends(self, expr: Expr, on: Symbol) -> bool:
        """Whether a quantity reaches an expression through the definitions that are in force."""
        return any(on in self.reach(symbol) for symbol in symbols_in(expr))

    def elsewhere(self, expr: Expr, values: Mapping[Symbol, Expr], mark: str = "'") -> tuple[Expr, dict[Symbol, Expr]]:
        """An expression as it is where some quantities have other values, and definitions of what follows from them,
        under their names with a mark.

        >>> from steptime.model.symbols import batch, micro_batch, replicas
        >>> scenario = Scenario({batch: 64.0, replicas: 2.0}, {micro_batch: batch / replicas})
        >>> there, definitions = scenario.elsewhere(micro_batch, {batch: batch / 4})
        >>> Scenario(scenario.values, definitions).evaluate(there)
        8.0
        """
        reached = frozenset[Symbol]().union(*(self.reach(symbol) for symbol in symbols_in(expr)))
        moved: dict[Symbol, Expr] = {
            symbol: Symbol(f"{symbol.name}{mark}", positive=True)
            for symbol in sorted(reached, key=lambda symbol: symbol.name)
            if symbol not in self.values and not self.reach(symbol).isdisjoint(values)
        }
        there = {**moved, **values}
        return put_in(expr, there), {other: put_in(self.definitions[s], there) for s, other in moved.items()}

    def expand(self, expr: Expr, keep: Symbol | None = None) -> Expr:
        """The expression with definitions put in; with ``keep``, only those through which that quantity acts."""
        while True:
            replacements = {
                symbol: self.definitions[symbol]
                for symbol in symbols_in(expr)
                if symbol in self.definitions
                and symbol not in self.values
                and symbol != keep
                and (keep is None or self.depends(symbol, keep))
            }
            if not replacements:
                return expr
            expr = expr.xreplace(replacements)
