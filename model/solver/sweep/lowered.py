"""Expressions as a short program over axes: each line is worked out on the axes that it depends on, and on no more.

Summands, factors and what a maximum compares are grouped by their axes, so that what is left to do for every point is a
few operations. Equal lines are one line. Rounding apart, results are those of `scenario.evaluate`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model.errors import Unbound
from steptime.model.numeric import ceiling, compiled, floor

Array = np.ndarray
Axes = frozenset[int]
"""Places of the axes on which a line depends."""

LONGEST_PRODUCT = 8
"""Whole powers up to this are products: a general power takes twenty times as long as a multiplication."""


@dataclass(frozen=True)
class Line:
    """One line of a program: a function of earlier lines, or a leaf: a number, or the array of a symbol.

    ``ufunc`` takes ``out=``; any other function makes its own array.
    """

    function: Any
    arguments: tuple[int, ...]
    axes: Axes
    leaf: Symbol | float | None = None

    @property
    def is_ufunc(self) -> bool:
        return isinstance(self.function, np.ufunc)


def chosen(first_is_slower: Array, first: Array, second: Array) -> Array:
    """The second where it is the faster, else the first."""
    return np.where(first_is_slower, second, first)


class Lowering:
    """Writes expressions as lines. ``on``: the axis of each symbol that varies; ``lengths``: of the axes."""

    def __init__(self, on: Mapping[Symbol, int], lengths: Sequence[int]) -> None:
        self.on, self.lengths = on, tuple(lengths)
        self.lines: list[Line] = []
        self._places: dict[tuple[Any, ...], int] = {}

    # --- lines -------------------------------------------------------------------------------------------------------
    def line(self, function: Any, *arguments: int) -> int:
        """The place of a function of earlier lines."""
        axes = frozenset[int]().union(*(self.lines[place].axes for place in arguments))
        return self._kept((function, arguments), Line(function, arguments, axes))

    def leaf(self, value: Symbol | float) -> int:
        """The place of a number, or of a symbol that has a value."""
        axes = frozenset({self.on[value]}) if value in self.on else frozenset[int]()
        return self._kept(("leaf", value), Line(None, (), axes, value))

    def _kept(self, key: tuple[Any, ...], line: Line) -> int:
        if key not in self._places:
            self._places[key] = len(self.lines)
            self.lines.append(line)
        return self._places[key]

    def size(self, axes: Axes) -> int:
        """Points of the grid of some axes."""
        return prod(self.lengths[axis] for axis in axes)

    def folded(self, function: Any, places: Sequence[int]) -> int:
        """All of some lines together, those on the fewest points first."""
        left = sorted(places, key=lambda place: (self.size(self.lines[place].axes), place))
        while len(left) > 1:
            pairs = [(i, j) for i in range(len(left)) for j in range(i + 1, len(left))]
            i, j = min(pairs, key=lambda pair: self.size(self._both(left[pair[0]], left[pair[1]])))
            second, first = left.pop(j), left.pop(i)
            left.append(self.line(function, first, second))
            left.sort(key=lambda place: (self.size(self.lines[place].axes), place))
        return left[0]

    def _both(self, first: int, second: int) -> Axes:
        return self.lines[first].axes | self.lines[second].axes

    # --- expressions -------------------------------------------------------------------------------------------------
    def scope(self, values: Mapping[Symbol, Any], definitions: Mapping[Symbol, Expr]) -> "Scope":
        """Where symbols have these values and definitions."""
        return Scope(self, values, definitions)


@dataclass
class Scope:
    """Lowers expressions where symbols have values and definitions. A value wins over a definition; ``known`` are lines
    that stand for a symbol here, whatever defines it."""

    to: Lowering
    values: Mapping[Symbol, Any]
    definitions: Mapping[Symbol, Expr]
    known: dict[Symbol, int] = field(default_factory=dict)
    _done: dict[Expr, int] = field(default_factory=dict, repr=False)

    def __call__(self, expr: Expr) -> int:
        """The place of an expression; raises Unbound naming a symbol without a value."""
        if expr not in self._done:
            self._done[expr] = self._lowered(expr)
        return self._done[expr]

    def _lowered(self, expr: Expr) -> int:
        if isinstance(expr, Symbol):
            return self._symbol(expr)
        if expr.is_number:
            return self.to.leaf(float(expr))
        known: Mapping[Any, Callable[[Expr], int]] = {
            sympy.Add: lambda e: self.to.folded(np.add, [self(part) for part in e.args]),
            sympy.Max: lambda e: self.to.folded(np.maximum, [self(part) for part in e.args]),
            sympy.Min: lambda e: self.to.folded(np.minimum, [self(part) for part in e.args]),
            sympy.Mul: self._product,
            sympy.Pow: self._power,
            sympy.floor: lambda e: self.to.line(floor, self(e.args[0])),
            sympy.ceiling: lambda e: self.to.line(ceiling, self(e.args[0])),
        }
        return known.get(expr.func, self._called)(expr)

    def _symbol(self, symbol: Symbol) -> int:
        if symbol in self.known:
            return self.known[symbol]
        if symbol in self.values or symbol in self.to.on:
            return self.to.leaf(symbol)
        if symbol not in self.definitions:
            raise Unbound(frozenset({symbol.name}))
        return self(self.definitions[symbol])

    def _product(self, expr: Expr) -> int:
        """Factors over divisors; the divisor on the most points divides, what is on fewer is inverted there."""
        factors, divisors = list[int](), list[int]()
        for part in expr.args:
            base, exponent = part.as_base_exp()
            if exponent == -1 and not base.is_number:
                divisors.append(self(base))
            else:
                factors.append(self(part))
        return self._over(factors, divisors)

    def _over(self, factors: list[int], divisors: list[int]) -> int:
        if not divisors:
            return self.to.folded(np.multiply, factors)
        every = self.to.size(frozenset[int]().union(*(self.to.lines[place].axes for place in (*factors, *divisors))))
        last = [place for place in divisors if self.to.size(self.to.lines[place].axes) == every > 1]
        rest = [place for place in divisors if place not in last]
        above = [*factors, *([self.to.line(np.reciprocal, self.to.folded(np.multiply, rest))] if rest else [])]
        if not last:
            return self.to.folded(np.multiply, above)
        below = self.to.folded(np.multiply, last)
        return self.to.line(np.divide, self.to.folded(np.multiply, above), below) if above else (
            self.to.line(np.reciprocal, below))  # fmt: skip

    def _power(self, expr: Expr) -> int:
        base, exponent = expr.args
        if exponent.is_Integer and 1 < abs(int(exponent)) <= LONGEST_PRODUCT:
            found = self._repeated(self(base), abs(int(exponent)))
            return found if int(exponent) > 0 else self.to.line(np.reciprocal, found)
        if exponent == -1:
            return self.to.line(np.reciprocal, self(base))
        if exponent == sympy.S.Half:
            return self.to.line(np.sqrt, self(base))
        return self.to.line(np.power, self(base), self(exponent))

    def _repeated(self, base: int, times: int) -> int:
        """A whole power by squaring."""
        found: int | None = None
        while True:
            if times % 2:
                found = base if found is None else self.to.line(np.multiply, found, base)
            times //= 2
            if not times:
                assert found is not None
                return found
            base = self.to.line(np.multiply, base, base)

    def _called(self, expr: Expr) -> int:
        """Any other function: compiled, of its arguments' lines."""
        stands = tuple(sympy.Dummy(positive=True) for _ in expr.args)
        function = compiled(expr.func(*stands), stands)
        return self.to.line(lambda *parts: function(*np.broadcast_arrays(*parts)), *(self(part) for part in expr.args))
