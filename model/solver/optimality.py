"""The one door to SciPy's optimiser, and what an optimum must satisfy: feasible, stationary, no price on what is slack.

A program is: minimise a smooth function of z under rows that must not be negative. The multiplier of a row is its
price: by how much the minimum rises for each unit by which the row is tightened. Prices need not be unique: where more
rows hold with equality than variables can tell apart, every price between two ends is right, and the two ends are the
one-sided derivatives of the minimum (Gauvin and Dubeau 1982, doi 10.1007/BFb0120984).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Vector = np.ndarray
Row = tuple[Callable[[Vector], float], Callable[[Vector], Vector]]
"""A function that must not be negative, and its gradient."""

TOLERANCE = 1e-6
"""Largest residual, primal or dual, with which an answer is still an answer. All are of logarithms: relative."""
ACTIVE = 1e-7
"""A row whose value is less holds with equality."""
SAME_PRICE = 1e-6


@dataclass(frozen=True)
class Residuals:
    """How far a point is from an optimum: limits and terms overstepped, gradient left over, price times slack."""

    primal: float
    stationarity: float
    complementarity: float

    @property
    def worst(self) -> float:
        return max(self.primal, self.stationarity, self.complementarity)


def minimise(
    cost: Callable[[Vector], float], gradient: Callable[[Vector], Vector], rows: Sequence[Row], start: Vector
) -> tuple[Vector, Vector]:
    """SLSQP from a start: the point, and a multiplier for each row, none negative."""
    from scipy.optimize import minimize  # only where something is solved for: SciPy takes half a second to load

    z = start
    for _ in range(3):  # a restart from the end cures the rare early stop of the line search
        result = minimize(
            cost, z, jac=gradient, method="SLSQP",
            constraints=[{"type": "ineq", "fun": value, "jac": slope} for value, slope in rows],
            options={"ftol": 1e-15, "maxiter": 500},
        )  # fmt: skip
        z = result.x
        if result.success:
            break
    return result.x, np.asarray(result.multipliers)


def residuals(gradient: Vector, rows: Sequence[Row], z: Vector, prices: Vector) -> Residuals:
    """How far a point with its prices is from an optimum."""
    values = np.array([value(z) for value, _ in rows])
    slopes = np.array([slope(z) for _, slope in rows])
    return Residuals(
        primal=float(max(0.0, -values.min(), -prices.min())),
        stationarity=float(np.abs(gradient - prices @ slopes).max()),
        complementarity=float(np.abs(prices * values).max()),
    )


@dataclass(frozen=True)
class Prices:
    """All prices that go with an optimum: those found, and whether others would do as well."""

    found: Vector
    unique: bool
    gradient: Vector
    slopes: Vector
    active: Vector

    def ends(self, effect: Vector) -> tuple[float, float]:
        """Least and largest value of ``effect @ prices`` over all prices that go with the optimum.

        >>> tie = Prices(np.array([0.5, 0.5]), False, np.ones(1), np.ones((2, 1)), np.array([True, True]))
        >>> tie.ends(np.array([1.0, 0.0]))
        (0.0, 1.0)
        """
        if self.unique:
            return float(effect @ self.found), float(effect @ self.found)
        from scipy.optimize import linprog

        ends = []
        for sign in (1.0, -1.0):
            result = linprog(
                sign * effect[self.active], A_eq=self.slopes[self.active].T, b_eq=self.gradient, method="highs"
            )
            # Rounding may leave no exact solution: what was found is one to within the tolerance.
            ends.append(sign * float(result.fun) if result.status == 0 else float(effect @ self.found))
        return min(ends), max(ends)


def all_prices(gradient: Vector, rows: Sequence[Row], z: Vector, prices: Vector) -> Prices:
    """The prices of an optimum, and whether they are the only ones: the rows that hold with equality tell."""
    values = np.array([value(z) for value, _ in rows])
    slopes = np.array([slope(z) for _, slope in rows])
    active = values < ACTIVE
    rank = np.linalg.matrix_rank(slopes[active], tol=SAME_PRICE) if active.any() else 0
    return Prices(prices, bool(rank == active.sum()), gradient, slopes, active)
