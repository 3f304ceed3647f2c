"""A step over many values at once: the axes of a grid broadcast, and what depends on one axis is worked out once on it.

An expression of several axes is written as a sum of products of one-axis factors, wherever it can be; factors that
share the rest are added first. What is left to do for every point is then a few multiplications, additions and maxima,
done in blocks that stay in cache.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model.numeric import BLOCK, compiled
from steptime.model.scenario import Scenario, symbols_in
from steptime.model.terms import one

Array = np.ndarray


@dataclass(frozen=True)
class Product:
    """Factors by the axis on which they depend, None for numbers; and those of several axes that cannot be split."""

    factors: Mapping[Symbol | None, Expr]
    whole: tuple[Expr, ...] = ()

    def times(self, other: "Product") -> "Product":
        axes = dict.fromkeys((*self.factors, *other.factors))
        factors = {axis: self.factors.get(axis, one) * other.factors.get(axis, one) for axis in axes}
        return Product(factors, self.whole + other.whole)


def on_grid(scenario: Scenario, expr: Expr, axes: Mapping[Symbol, Array]) -> Array:
    """An expression over the grid of its axes: an array with a dimension for each, in their order.

    Everything else has the value that the scenario gives it; raises Unbound where there is none.

    >>> from steptime.model.symbols import batch, context, prompt
    >>> axes = {batch: np.array([1.0, 2.0]), context: np.array([0.0, 1.0, 3.0])}
    >>> on_grid(Scenario({prompt: 2.0, **axes}), batch * (context + prompt), axes).tolist()
    [[2.0, 3.0, 5.0], [4.0, 6.0, 10.0]]
    """
    shape = tuple(len(values) for values in axes.values())
    there = scenario | {
        symbol: np.asarray(column, float).reshape([-1 if other == symbol else 1 for other in axes])
        for symbol, column in axes.items()
    }
    with np.errstate(all="ignore"):
        tree = Separation(there, tuple(axes)).tree(expr).at(there)
        if prod(shape) <= BLOCK or tree.operation is None:
            return np.array(np.broadcast_to(tree.value(), shape), dtype=float)
        found = np.empty(shape)
        for block in blocks(shape):
            found[block] = tree.cut(block).value()
    return found


def blocks(shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Pieces of an array, each of about a block of elements: whole along the last axes, cut along the one before."""
    steps, left = list[int](), BLOCK
    for length in reversed(shape):
        steps.insert(0, max(1, min(length, left)))
        left //= length
    counts = [-(-length // step) for length, step in zip(shape, steps, strict=True)]
    for place in np.ndindex(*counts):
        yield tuple(slice(i * step, (i + 1) * step) for i, step in zip(place, steps, strict=True))


@dataclass(frozen=True)
class Tree:
    """What is left to do for every point: an operation on parts, or a leaf on one axis at most."""

    operation: Callable[..., Any] | None = None
    parts: tuple["Tree", ...] = ()
    leaf: Any = None

    def at(self, there: Scenario) -> "Tree":
        """The tree with its leaves worked out, each on its own axis."""
        if self.operation is None:
            return Tree(leaf=np.asarray(there.evaluate(self.leaf), float))
        return Tree(self.operation, tuple(part.at(there) for part in self.parts))

    def cut(self, block: tuple[slice, ...]) -> "Tree":
        """The tree of a piece of the grid."""
        if self.operation is not None:
            return Tree(self.operation, tuple(part.cut(block) for part in self.parts))
        if np.ndim(self.leaf) == 0:
            return self
        cuts = (piece if length > 1 else slice(None) for piece, length in zip(block, self.leaf.shape, strict=True))
        return Tree(leaf=self.leaf[tuple(cuts)])

    def value(self) -> Array:
        if self.operation is None:
            return np.asarray(self.leaf)
        return np.asarray(self.operation(*(part.value() for part in self.parts)))


def _all(pairwise: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda *parts: reduce(pairwise, parts)


ADD, MULTIPLY, LARGEST, SMALLEST = _all(np.add), _all(np.multiply), _all(np.maximum), _all(np.minimum)


class Separation:
    """Writes expressions as trees whose leaves depend on one axis at most."""

    def __init__(self, scenario: Scenario, axes: tuple[Symbol, ...]) -> None:
        self.scenario, self.axes = scenario, axes

    def on(self, expr: Expr) -> frozenset[Symbol]:
        """The axes on which an expression depends, through whatever definitions."""
        reached = frozenset[Symbol]().union(*(self.scenario.reach(symbol) for symbol in symbols_in(expr)))
        return reached & frozenset(self.axes)

    def tree(self, expr: Expr) -> Tree:
        if len(self.on(expr)) <= 1:
            return Tree(leaf=expr)
        if isinstance(expr, Symbol):
            return self.tree(self.scenario.definitions[expr])
        if isinstance(expr, sympy.Max | sympy.Min):
            return self.extreme(expr)
        if isinstance(expr, sympy.Add | sympy.Mul):
            return _joined(ADD, [self.product(product) for product in self.merged(self.products(expr))])
        return self.called(expr)

    def extreme(self, expr: Expr) -> Tree:
        """A maximum or minimum: what depends on one axis is compared on it first."""
        alone: dict[frozenset[Symbol], list[Expr]] = {}
        for part in expr.args:
            alone.setdefault(self.on(part), []).append(part)
        parts = [expr.func(*group, evaluate=False) for on, group in alone.items() if len(on) <= 1]
        many = [part for on, group in alone.items() if len(on) > 1 for part in group]
        operation = LARGEST if isinstance(expr, sympy.Max) else SMALLEST
        return _joined(operation, [self.tree(part) for part in (*many, *parts)])

    def product(self, product: Product) -> Tree:
        """One product: its factors on each axis, and the trees of those that cannot be split."""
        leaves = [Tree(leaf=factor) for factor in product.factors.values() if factor != 1]
        whole = [self.called(expr) if isinstance(expr, sympy.Add | sympy.Mul) else self.tree(expr)
                 for expr in product.whole]  # fmt: skip
        return _joined(MULTIPLY, [*leaves, *whole] or [Tree(leaf=one)])

    def products(self, expr: Expr) -> list[Product]:
        """An expression as a sum of products of one-axis factors; what cannot be split stays whole."""
        on = self.on(expr)
        if len(on) <= 1:
            return [Product({next(iter(on), None): expr})]
        if isinstance(expr, Symbol):
            return self.products(self.scenario.definitions[expr])
        if isinstance(expr, sympy.Add):
            return [product for part in expr.args for product in self.products(part)]
        if isinstance(expr, sympy.Mul):
            return reduce(_times, [self.products(factor) for factor in expr.args])
        return [Product({}, (expr,))]

    def merged(self, products: list[Product]) -> list[Product]:
        """Products that are alike but for one axis, added on that axis; a number goes to an axis of its product."""
        for axis in self.axes:
            grouped: dict[tuple[frozenset[tuple[Symbol | None, Expr]], tuple[Expr, ...]], Expr] = {}
            for product in products:
                rest = {key: factor for key, factor in product.factors.items() if key not in (axis, None)}
                here = product.factors.get(axis, one) * product.factors.get(None, one)
                key = (frozenset(rest.items()), product.whole)
                grouped[key] = grouped.get(key, sympy.S.Zero) + here
            products = [Product({**dict(rest), axis: total}, whole) for (rest, whole), total in grouped.items()]
        return products

    def called(self, expr: Expr) -> Tree:
        """Any other function of several axes: its arguments are trees, and it is called for every point."""
        stands = tuple(sympy.Dummy(positive=True) for _ in expr.args)
        function = compiled(expr.func(*stands), stands)
        return Tree(lambda *parts: function(*np.broadcast_arrays(*parts)), tuple(self.tree(part) for part in expr.args))


def _joined(operation: Callable[..., Any], parts: list[Tree]) -> Tree:
    return parts[0] if len(parts) == 1 else Tree(operation, tuple(parts))


def _times(left: list[Product], right: list[Product]) -> list[Product]:
    return [first.times(second) for first in left for second in right]
