"""The program solved: with whole groups by HiGHS's branch and bound, and with parts of groups for its prices."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp

from steptime.model.solver.fleet.program import OWNED, RENTED, Program
from steptime.model.solver.fleet.rows import Key

Array = np.ndarray
WIDE = 60_000
"""Variables above which a program is solved for promising columns alone."""
SOME = 1e-7
"""Groups that are none."""
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


def solved(
    program: Program, right: Mapping[object, float] | None = None, part: int = 1, base: Relaxed | None = None
) -> Fleet | None:
    """The least cost with whole groups; None where none is found within one of so many parts of the demand's limits of
    branches and seconds. A program too wide for that is solved for promising columns alone; ``base``, the same in parts
    of groups, then says how far from the best that may be."""
    if len(program.cost) <= WIDE:
        return _solved(program, right, part, np.array(program.upper), None)
    base = base or relaxed(program, right)
    if base is None:
        return None
    every, some = np.array(program.upper), np.array(program.upper)
    some[_left_out(program, base)] = 0.0
    return _solved(program, right, part, some, base) or _solved(program, right, part, every, base)


def _solved(
    program: Program, right: Mapping[object, float] | None, part: int, upper: Array, base: Relaxed | None
) -> Fleet | None:  # fmt: skip
    """The same with so many groups of each kind at most; ``base`` where some of them are left out."""
    width, most = len(program.cost), _right(program, right)
    rows = [LinearConstraint(program.most.matrix(width), -inf, most)] if len(most) else []
    if len(equal := _equal(program, right)):
        rows.append(LinearConstraint(program.equal.matrix(width), equal, equal))
    if program.linked.right:
        rows.append(LinearConstraint(program.linked.matrix(width), -inf, np.zeros(len(program.linked.right))))
    nodes, seconds = max(1, program.demand.nodes // part), program.demand.seconds / part
    options = {"mip_rel_gap": program.demand.gap, "node_limit": nodes, "time_limit": seconds}
    with _unheard():
        found = milp(program.cost, integrality=np.array(program.whole, int), bounds=Bounds(0.0, upper),
                     constraints=rows, options=options)  # fmt: skip
    return None if found.x is None else _fleet(program, found, base)


def _left_out(program: Program, base: Relaxed) -> list[int]:
    """Variables for groups of all columns but those that are bought where groups come in parts, and those that would
    serve a class alone, or its prompts or answers, at least cost in whole groups."""
    bought = columns_in(name for name, place in program.places.items() if base.values[place] > SOME)
    alone: dict[tuple[int, object], tuple[float, int]] = {}
    for place, column in enumerate(program.columns):
        for number in column.serves:
            cost = program.price(column) * ceil(program.units[number] * column.busy(number))
            alone[number, column.role.part] = min(alone.get((number, column.role.part), (inf, 0)), (cost, place))
    kept = {*bought, *(place for _, place in alone.values())}
    return [variable for name, variable in program.places.items() if name[0] in (OWNED, RENTED) and name[1] not in kept]


def _fleet(program: Program, found: OptimizeResult, base: Relaxed | None) -> Fleet:
    numbers = np.where(program.whole, np.round(found.x), found.x)
    values = {name: float(numbers[place]) for name, place in program.places.items() if numbers[place] > 0}
    known = found.mip_dual_bound if base is None else base.cost
    bound = found.fun if known is None else min(found.fun, known)
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
