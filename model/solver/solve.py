"""A Problem in one variable in, a checked and priced Solution out.

In logarithms a monomial is linear and a posynomial convex, so the optimum of a posynomial problem is global.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy
from sympy import Expr

from steptime.model.errors import NotSolved, UserError
from steptime.model.numeric import compiled
from steptime.model.solver.monotone import rises
from steptime.model.solver.posynomial import falls_per_unit, is_posynomial
from steptime.model.solver.problem import Problem, StepLimit
from steptime.model.solver.solution import Solution

from steptime.model.solver.optimality import (  # isort: skip
    TOLERANCE, Prices, Residuals, Row, Vector, all_prices, minimise, residuals,
)  # fmt: skip

EQUAL_COSTS = 1e-11
"""Costs that differ by less, relative, are equal: among them the smallest variable is taken."""
LARGEST = 1e15


@dataclass(frozen=True)
class _LogExpr:
    """ln f(e^x) of one expression and its derivative in x, compiled."""

    value: Callable[[float], float]
    slope: Callable[[float], float]

    @classmethod
    def of(cls, expr: Expr, over: sympy.Symbol) -> "_LogExpr":
        # A maximum has a step where its parts meet, written as a sign: SymPy cannot print the step of a long argument.
        slope = sympy.diff(expr, over).replace(sympy.Heaviside, lambda x, *_: (1 + sympy.sign(x)) / 2)
        function, derivative = compiled(expr, (over,)), compiled(slope, (over,))
        return cls(
            lambda x: float(np.log(function(np.exp(x)))),
            lambda x: float(np.exp(x) * derivative(np.exp(x)) / function(np.exp(x))),
        )


@dataclass(frozen=True)
class _Constraint:
    """sign·(bound - ln f) >= 0 for a limit; ln(time of a part) - ln(term) >= 0 for a term (``part`` is its number)."""

    label: str
    function: _LogExpr
    part: int | None = None
    bound: float = 0.0
    sign: float = 1.0

    def value(self, z: Vector) -> float:
        left = self.bound if self.part is None else z[1 + self.part]
        return self.sign * (left - self.function.value(z[0]))

    def gradient(self, z: Vector) -> Vector:
        row = np.zeros_like(z)
        row[0] = -self.sign * self.function.slope(z[0])
        if self.part is not None:
            row[1 + self.part] = self.sign
        return row


class Program:
    """A problem in logarithms: z = (ln variable, ln time of each part)."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.terms = [
            _Constraint(name, _LogExpr.of(expr, problem.over), part=number)
            for number, part in enumerate(problem.parts)
            for name, expr in part.terms.items()
        ]
        self.limits = [
            _Constraint(
                name,
                _LogExpr.of(part, problem.over),
                bound=float(np.log(limit.value)),
                sign=1.0 if limit.upper else -1.0,
            )
            for name, limit in problem.limits.items()
            for part in limit.parts
        ]
        self.constraints = self.terms + self.limits

    def start(self, value: float) -> Vector:
        """The point at a value of the variable, every part as fast as its terms allow."""
        x = float(np.log(value))
        times = [max(c.function.value(x) for c in self.terms if c.part == n) for n in range(len(self.problem.parts))]
        return np.array([x, *times])

    def step(self, z: Vector) -> float:
        """ln of the step time: the parts add up."""
        return float(np.logaddexp.reduce(z[1:]))

    def cost(self, z: Vector) -> float:
        """ln of the cost, without its scale."""
        return self.step(z) + self.problem.exponent * float(z[0])

    def step_gradient(self, z: Vector) -> Vector:
        return np.concatenate([[0.0], np.exp(z[1:] - self.step(z))])

    def cost_gradient(self, z: Vector) -> Vector:
        gradient = self.step_gradient(z)
        gradient[0] = self.problem.exponent
        return gradient

    def inequalities(self) -> list[Row]:
        """Every constraint as a function that must not be negative, with its gradient: terms, limits, step limits."""
        rows: list[Row] = [(c.value, c.gradient) for c in self.constraints]
        return rows + [self._step_row(limit) for limit in self.problem.step_limits.values()]

    def _step_row(self, limit: StepLimit) -> Row:
        bound, first = float(np.log(limit.bound)), np.eye(1 + len(self.problem.parts))[0]
        return (
            lambda z: bound - self.step(z) - limit.exponent * float(z[0]),
            lambda z: -self.step_gradient(z) - limit.exponent * first,
        )

    def violation(self, value: float) -> dict[str, float]:
        """By how much, as a ratio above one, each limit is broken at a value of the variable."""
        z = self.start(value)
        broken = {c.label: float(np.exp(-c.value(z))) for c in self.limits if c.value(z) < -TOLERANCE}
        for name, limit in self.problem.step_limits.items():
            if (excess := -self._step_row(limit)[0](z)) > TOLERANCE:
                broken[name] = float(np.exp(excess))
        return broken

    def is_global(self) -> bool:
        """Proved either by convexity in logarithms, or because cost falls and limits rise with the variable."""
        over = (self.problem.over,)
        terms = [expr for part in self.problem.parts for expr in part.terms.values()]
        limits = [(part, limit.upper) for limit in self.problem.limits.values() for part in limit.parts]
        posynomial_limits = all(is_posynomial(part if upper else 1 / part, over) for part, upper in limits)
        convex = all(is_posynomial(expr, over) for expr in terms) and posynomial_limits
        rising_limits = all(rises(part, over[0]) for part, _ in limits)
        falling = all(falls_per_unit(expr, over[0], self.problem.least) for expr in terms)
        return convex or (falling and (posynomial_limits or rising_limits))


@np.errstate(divide="ignore", invalid="ignore")  # the logarithm of a term that starts from nothing
def solve(problem: Problem, start: float) -> Solution:
    """The optimum nearest to ``start``, the smallest variable among equal costs, checked primal and dual.

    Raises UserError naming the limits where nothing satisfies them, NotSolved where the check fails.
    """
    program = Program(problem)
    start = _feasible_start(program, start)
    found, prices = minimise(program.cost, program.cost_gradient, program.inequalities(), program.start(start))
    z = _smallest(program, found)
    z[1:] = program.start(float(np.exp(z[0])))[1:]
    gradient, rows = program.cost_gradient(z), program.inequalities()
    checked = residuals(gradient, rows, z, prices)
    if checked.worst > TOLERANCE:
        raise NotSolved(f"the optimum failed its check: {checked}")
    return _solution(program, z, all_prices(gradient, rows, z, prices), checked)


def _feasible_start(program: Program, start: float) -> float:
    """The start, or the nearest point of a grid that satisfies every limit; raises UserError where none does."""
    problem = program.problem
    start = max(start, problem.least)
    grid = sorted(np.geomspace(problem.least, LARGEST, 1200), key=lambda value: abs(np.log(value / start)))
    tried: list[tuple[dict[str, float], float]] = []
    for value in map(float, (start, *grid)):  # most often the first satisfies them all
        broken = program.violation(value)
        if not broken:
            return value
        tried.append((broken, value))
    # A feasible interval may be narrower than the grid: descend on the worst violation from the best grid point.
    value = _least_violation(program, min(tried, key=lambda entry: max(entry[0].values()))[1])
    broken = program.violation(value)
    if not broken:
        return value
    names = ", ".join(f"{name} is exceeded {ratio:.4g} times" for name, ratio in broken.items())
    at_best = "even" if value <= problem.least * (1 + 1e-6) else "at best,"
    raise UserError(f"infeasible: {at_best} at {problem.over.name} {value:.4g}, {names}")


def _least_violation(program: Program, value: float) -> float:
    """The variable at which the worst violation is least, near a value."""
    from scipy.optimize import minimize_scalar  # only where a problem is infeasible

    def worst(x: float) -> float:
        return max(program.violation(float(np.exp(x))).values(), default=0.0)

    near, least = float(np.log(value)), float(np.log(program.problem.least))
    found = minimize_scalar(
        worst, bounds=(max(near - 0.1, least), near + 0.1), method="bounded", options={"xatol": 1e-12}
    )
    return program.problem.least if worst(least) <= found.fun else float(np.exp(found.x))


def _smallest(program: Program, found: Vector) -> Vector:
    """The smallest variable whose cost is the same: costs as low form an interval, whose lower end is bisected for."""
    allowed, rows = program.cost(found) + EQUAL_COSTS, program.inequalities()

    def as_good(x: float) -> bool:
        z = program.start(float(np.exp(x)))
        return program.cost(z) <= allowed and all(value(z) > -10 * EQUAL_COSTS for value, _ in rows)

    high, low = float(found[0]), float(np.log(program.problem.least))
    if not as_good(high):
        return found.copy()
    if as_good(low):
        return program.start(program.problem.least)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if as_good(middle) else (middle, high)
    return program.start(float(np.exp(high)))


def _solution(program: Program, z: Vector, every: Prices, checked: Residuals) -> Solution:
    problem, prices = program.problem, every.found
    terms = dict.fromkeys((c.label for c in program.terms), 0.0)
    by_part: dict[tuple[str, str], float] = {}
    by_limit: dict[str, tuple[float, ...]] = {}
    shadow = dict.fromkeys((c.label for c in program.limits), 0.0)
    slack = dict.fromkeys(shadow, np.inf)
    for constraint, price in zip(program.constraints, prices, strict=False):
        if constraint.part is not None:
            terms[constraint.label] += float(price)
            by_part[problem.parts[constraint.part].name, constraint.label] = float(price)
        else:
            by_limit[constraint.label] = (*by_limit.get(constraint.label, ()), float(price))
            shadow[constraint.label] -= constraint.sign * float(price)
            slack[constraint.label] = min(slack[constraint.label], -float(np.expm1(-constraint.value(z))))
    step = float(np.exp(program.step(z)))
    step_prices = prices[len(program.constraints) :]
    for (name, limit), price in zip(problem.step_limits.items(), step_prices, strict=True):
        shadow[name] = -float(price) if limit.upper else float(price)
        slack[name] = 1 - step * float(np.exp(limit.exponent * z[0])) / limit.bound
    return Solution(
        cost=problem.scale * float(np.exp(program.cost(z))),
        value=float(np.exp(z[0])),
        step_time=step,
        part_times={part.name: float(np.exp(time)) for part, time in zip(problem.parts, z[1:], strict=True)},
        term_prices=terms,
        shadow_prices=shadow,
        slack={name: float(value) for name, value in slack.items()},
        prices_by_part=by_part,
        prices_by_limit=by_limit,
        is_global=program.is_global(),
        attained=True,
        residuals=checked,
        prices=every,
    )
