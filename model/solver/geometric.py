"""Geometric programs: minimise a product of posynomials, others of which must not exceed one.

In logarithms a monomial is linear and a posynomial convex, so any optimum is the optimum (Boyd, Kim, Vandenberghe and
Hassibi 2007, doi 10.1007/s11081-007-9001-7). A posynomial is made from an expression only once it is proved to be one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Add, Expr, Mul, Symbol, expand

from steptime.model.errors import NotSolved
from steptime.model.solver.posynomial import is_posynomial

from steptime.model.solver.optimality import (  # isort: skip
    TOLERANCE, Prices, Residuals, Row, Vector, all_prices, minimise, residuals,
)  # fmt: skip

PRICED = 1e-9
"""A row with a smaller price is slack."""


class NotPosynomial(ValueError):
    """An expression that no proof of a global optimum covers."""


@dataclass(frozen=True)
class Posynomial:
    """``Σ exp(logs + exponents @ z)`` with z the logarithms of the variables."""

    logs: Vector
    exponents: Vector

    @classmethod
    def of(cls, expr: Expr, variables: Sequence[Symbol]) -> "Posynomial":
        """From an expression that holds numbers for all but the variables; raises NotPosynomial for any other.

        >>> from steptime.model.symbols import batch, context
        >>> Posynomial.of(2 * batch**2 + 3 / context, (batch, context)).value(np.log([2.0, 3.0])).__round__(9)
        9.0
        """
        if not is_posynomial(expr, tuple(variables)):
            raise NotPosynomial(f"no posynomial in {', '.join(symbol.name for symbol in variables)}: {expr}")
        logs, exponents = [], []
        for term in Add.make_args(expand(expr)):
            constant, depending = term.as_independent(*variables, as_Add=False)
            if constant.is_zero:  # as a number with a point it does not equal 0
                continue
            powers = dict(factor.as_base_exp() for factor in Mul.make_args(depending))
            logs.append(float(np.log(float(constant))))
            exponents.append([float(powers.get(symbol, 0)) for symbol in variables])
        return cls(np.array(logs), np.array(exponents).reshape(len(logs), len(variables)))

    def log(self, z: Vector) -> float:
        return float(np.logaddexp.reduce(self.logs + self.exponents @ z))

    def value(self, z: Vector) -> float:
        return float(np.exp(self.log(z)))

    def gradient(self, z: Vector) -> Vector:
        """Of the logarithm: each monomial's exponents by its share of the sum."""
        return np.asarray(self._shares(z) @ self.exponents)

    def curvature(self, z: Vector) -> Vector:
        """The Hessian of the logarithm: how the exponents vary over the shares."""
        shares, mean = self._shares(z), self.gradient(z)
        return np.asarray((self.exponents.T * shares) @ self.exponents - np.outer(mean, mean))

    def _shares(self, z: Vector) -> Vector:
        return np.asarray(np.exp(self.logs + self.exponents @ z - self.log(z)))


@dataclass(frozen=True)
class Optimum:
    """Where a program is least: values by symbol, ln of the minimum, a price for each row (never negative)."""

    values: Mapping[Symbol, float]
    log_cost: float
    prices: Prices
    residuals: Residuals


@dataclass(frozen=True)
class GeometricProgram:
    """Minimise the product of ``factors``, no one of ``rows`` above one; all expressions posynomials in ``over``."""

    over: tuple[Symbol, ...]
    factors: tuple[Expr, ...]
    rows: tuple[Expr, ...]

    def solve(self, start: Mapping[Symbol, float]) -> Optimum:
        """The global optimum; raises NotPosynomial without a proof, NotSolved where its check fails.

        >>> from steptime.model.symbols import batch, context
        >>> found = GeometricProgram((batch, context), (1 / batch,), (batch / context, context / 2)).solve(
        ...     {batch: 1.0, context: 1.0}
        ... )
        >>> round(found.values[batch], 6), np.round(found.prices.found, 6).tolist()
        (2.0, [1.0, 1.0])
        """
        factors, rows = self._compiled()
        below = [_row(row) for row in rows]

        def cost(z: Vector) -> float:
            return sum(factor.log(z) for factor in factors)

        z, prices = minimise(cost, lambda z: _slope(factors, z), below, np.log([start[symbol] for symbol in self.over]))
        return self._checked(*_polished(factors, rows, z, prices))

    def at(self, values: Mapping[Symbol, float], prices: Vector) -> Optimum:
        """Another optimum with the same prices: those of one optimum of a convex program are those of every other.

        Raises NotSolved where the point is none.
        """
        return self._checked(np.log([values[symbol] for symbol in self.over]), prices)

    def _compiled(self) -> tuple[list[Posynomial], list[Posynomial]]:
        return ([Posynomial.of(expr, self.over) for expr in self.factors],
                [Posynomial.of(expr, self.over) for expr in self.rows])  # fmt: skip

    def _checked(self, z: Vector, prices: Vector) -> Optimum:
        """The optimum once it has passed its check."""
        factors, compiled = self._compiled()
        gradient, rows = _slope(factors, z), [_row(row) for row in compiled]
        checked = residuals(gradient, rows, z, prices)
        if checked.worst > TOLERANCE:
            raise NotSolved(f"the optimum failed its check: {checked}")
        values = {symbol: float(np.exp(x)) for symbol, x in zip(self.over, z, strict=True)}
        log_cost = sum(factor.log(z) for factor in factors)
        return Optimum(values, log_cost, all_prices(gradient, rows, z, prices), checked)


def _polished(
    factors: Sequence[Posynomial], rows: Sequence[Posynomial], z: Vector, prices: Vector
) -> tuple[Vector, Vector]:
    """A few Newton steps on the conditions of the optimum, the rows that carry a price held at equality.

    Kept only where they bring the point closer and no row is overstepped or priced below zero.
    """
    best, held = (z, prices), np.flatnonzero(prices > PRICED).tolist()

    def error(z: Vector, prices: Vector) -> float:
        return residuals(_slope(factors, z), [_row(row) for row in rows], z, prices).worst

    for _ in range(8):
        slopes = np.array([rows[place].gradient(z) for place in held])
        left = _slope(factors, z) + prices[held] @ slopes
        curved = np.sum([factor.curvature(z) for factor in factors], axis=0)
        curved += sum(prices[place] * rows[place].curvature(z) for place in held)
        system = np.block([[curved, slopes.T], [slopes, np.zeros((len(held), len(held)))]])
        values = np.array([rows[place].log(z) for place in held])
        move = np.linalg.lstsq(system, -np.concatenate([left, values]), rcond=1e-13)[0]
        z, prices = z + move[: len(z)], prices.copy()
        prices[held] += move[len(z) :]
        if not np.isfinite(z).all() or error(z, prices) >= error(*best):
            break
        best = (z, prices)
    return best


def _slope(factors: Sequence[Posynomial], z: Vector) -> Vector:
    return np.asarray(np.sum([factor.gradient(z) for factor in factors], axis=0))


def _row(posynomial: Posynomial) -> Row:
    return lambda z: -posynomial.log(z), lambda z: -posynomial.gradient(z)
