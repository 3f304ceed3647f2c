"""The program solved: with whole groups by HiGHS's branch and bound, and with parts of groups for its prices."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp

from steptime.model.solver.fleet.program import OWNED, RENTED, Program
from steptime.model.solver.fleet.rows import Key

Array = np.ndarray
FOUND = 0
"""What HiGHS says where there is a best solution."""


@dataclass(frozen=True)
class Fleet:
    """Every variable of the program that is not zero, groups as whole numbers. ``cost``: what is minimised; ``bound``:
    no fleet has less."""

    values: Mapping[Key, float]
    cost: float
    bound: float

    @property
    def gap(self) -> float:
        """Between cost and bound, over the cost."""
        return max(0.0, self.cost - self.bound) / abs(self.cost) if self.cost else 0.0

    def owned(self, place: int) -> int:
        """Groups of a column that are there all day."""
        return int(self.values.get((OWNED, place), 0))

    def rented(self, place: int, period: int) -> int:
        """Groups of a column that are taken for one period."""
        return int(self.values.get((RENTED, place, period), 0))

    def groups(self, place: int, period: int) -> int:
        """Groups of a column in a period."""
        return self.owned(place) + self.rented(place, period)

    @property
    def used(self) -> list[int]:
        """Columns of which there are any."""
        return columns_in(self.values)


def columns_in(names: Iterable[Key]) -> list[int]:
    """Columns that variables for groups are of."""
    return sorted({place for name in names if name[0] in (OWNED, RENTED) and isinstance(place := name[1], int)})


@dataclass(frozen=True)
class Relaxed:
    """The same with parts of groups: the least cost, each variable, and what one more on the right side of a row adds
    to the cost."""

    cost: float
    values: Array
    most: Mapping[object, float]
    equal: Mapping[object, float]


def relaxed(program: Program, right: Mapping[object, float] | None = None) -> Relaxed | None:
    """The linear program, with other right sides for some rows; None where nothing satisfies it."""
    found = linprog(
        program.cost, A_ub=program.most.matrix(len(program.cost)), b_ub=_right(program, right),
        A_eq=program.equal.matrix(len(program.cost)), b_eq=_equal(program, right),
        bounds=np.column_stack([np.zeros(len(program.cost)), program.upper]), method="highs",
    )  # fmt: skip
    if found.status != FOUND:
        return None
    return Relaxed(
        float(found.fun), np.asarray(found.x),
        dict(zip(program.most.places, found.ineqlin.marginals.tolist(), strict=True)),
        dict(zip(program.equal.places, found.eqlin.marginals.tolist(), strict=True)),
    )  # fmt: skip


def solved(program: Program, right: Mapping[object, float] | None = None, seconds: float | None = None) -> Fleet | None:
    """The least cost with whole groups; None where there is none."""
    width, most = len(program.cost), _right(program, right)
    rows = [LinearConstraint(program.most.matrix(width), -inf, most)] if len(most) else []
    if len(equal := _equal(program, right)):
        rows.append(LinearConstraint(program.equal.matrix(width), equal, equal))
    if program.linked.right:
        rows.append(LinearConstraint(program.linked.matrix(width), -inf, np.zeros(len(program.linked.right))))
    options = {"mip_rel_gap": program.demand.gap, "time_limit": seconds or program.demand.seconds}
    with _unheard():
        found = milp(program.cost, integrality=np.array(program.whole, int), bounds=Bounds(0.0, program.upper),
                     constraints=rows, options=options)  # fmt: skip
    return None if found.x is None else _fleet(program, found)


def _fleet(program: Program, found: OptimizeResult) -> Fleet:
    numbers = np.where(program.whole, np.round(found.x), found.x)
    values = {name: float(numbers[place]) for name, place in program.places.items() if numbers[place] > 0}
    bound = found.fun if found.mip_dual_bound is None else min(found.fun, found.mip_dual_bound)
    return Fleet(values, float(found.fun), float(bound))


@contextmanager
def _unheard() -> Iterator[None]:
    """Nothing is printed: HiGHS writes a line of its own to standard output where a heuristic of it starts anew."""
    sys.stdout.flush()
    try:
        out = os.dup(1)
    except OSError:  # there is none
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(out, 1)
        os.close(out)


def _right(program: Program, right: Mapping[object, float] | None) -> Array:
    return _changed(program.most.places, program.most.right, right)


def _equal(program: Program, right: Mapping[object, float] | None) -> Array:
    return _changed(program.equal.places, program.equal.right, right)


def _changed(places: Mapping[object, int], stated: list[float], right: Mapping[object, float] | None) -> Array:
    found = np.array(stated, dtype=float)
    for name, value in (right or {}).items():
        if name in places:
            found[places[name]] = value
    return found
