"""A linear program in whole numbers: weights that satisfy every row, and if possible gain something.

The simplex method on rows of whole numbers, each of which may be scaled by any positive number; ties are broken by
Bland's rule, so that it never goes round in a circle. What comes out is exact.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd

Row = dict[int, int]
"""The coefficients of an equation by the number of the variable."""

Bound = tuple[Mapping[int, int], int]
"""What the weights sum up to, times numbers by column, is no more than a number."""

SPARE = -1
"""The variable by which rows may be violated at first; it must come to be nought."""
SIDE = -2
"""What stands on the other side of an equation."""
GAIN = -3
"""The variable that is what is looked for."""


def weights(rows: Sequence[Bound], gain: Mapping[int, int], least: int) -> list[Fraction] | None:
    """Weights, none of them negative, that satisfy every row; such that ``least`` and what they gain are above nought,
    where there are any. None where the rows contradict one another.

    >>> weights([({0: 1}, 3), ({0: -2}, -1)], {0: 1}, 0)  # x <= 3 and 2 x >= 1
    [Fraction(1, 2)]
    >>> weights([({0: 2}, 1), ({0: -1}, -1)], {0: 1}, 0) is None  # 2 x <= 1 and x >= 1
    True
    """
    columns = 1 + max((*gain, *(column for row, _ in rows for column in row)), default=-1)
    tableau: list[Row] = [{**row, columns + place: 1, SIDE: side} for place, (row, side) in enumerate(rows)]
    basis = [columns + place for place in range(len(rows))]
    if not _feasible(tableau, basis):
        return None
    wanted: Row = {GAIN: 1, SIDE: least} | {column: -number for column, number in gain.items() if number}
    for row, own in zip(tableau, basis, strict=True):
        if wanted.get(own):
            wanted = _without(wanted, own, row)
    ray: Row = {}
    while wanted.get(SIDE, 0) <= 0 and (enters := _entering(wanted)) is not None:
        leaves = _leaving(tableau, basis, enters)
        if leaves is None:
            ray = {enters: 1 - wanted.get(SIDE, 0) // -wanted[enters]}
            break
        wanted = _pivoted(tableau, basis, leaves, enters, wanted)
    return _values(tableau, basis, columns, ray)


def _feasible(tableau: list[Row], basis: list[int]) -> bool:
    """Bring the rows to where all sides are not negative; False where that cannot be."""
    short = [place for place, row in enumerate(tableau) if row[SIDE] < 0]
    if not short:
        return True
    worst = min(short, key=lambda place: tableau[place][SIDE])
    for place in short:
        tableau[place][SPARE] = -1
    turned = {key: -number for key, number in tableau[worst].items()}  # the spare variable is taken out of all others
    for place in short:
        tableau[place] = turned if place == worst else _without(tableau[place], SPARE, turned)
    basis[worst] = SPARE
    left = _without({GAIN: 1, SPARE: 1}, SPARE, turned)
    while (enters := _entering(left)) is not None:
        leaves = _leaving(tableau, basis, enters)
        assert leaves is not None  # what is left cannot fall below nought
        gone = basis[leaves] == SPARE
        left = _pivoted(tableau, basis, leaves, enters, left)
        if gone:
            for row in tableau:
                row.pop(SPARE, None)
            return True
    return False


def _entering(wanted: Row) -> int | None:
    """The first variable that would make more of what is wanted."""
    return min((key for key, number in wanted.items() if number < 0 <= key), default=None)


def _leaving(tableau: list[Row], basis: list[int], enters: int) -> int | None:
    """The row that stops a variable from growing; of several the spare variable's, then the first variable's."""
    best: tuple[int, int, int] | None = None
    for place, row in enumerate(tableau):
        slope = row.get(enters, 0)
        if slope <= 0:
            continue
        side = row.get(SIDE, 0)
        if best is not None:
            ahead = side * best[1] - best[0] * slope
            if ahead > 0 or (ahead == 0 and basis[place] > basis[best[2]]):
                continue
        best = (side, slope, place)
    return None if best is None else best[2]


def _pivoted(tableau: list[Row], basis: list[int], leaves: int, enters: int, wanted: Row) -> Row:
    """One variable in the place of another, in all rows; what is wanted in terms of the others."""
    basis[leaves] = enters
    pivot = tableau[leaves]
    for place, row in enumerate(tableau):
        if place != leaves and row.get(enters):
            tableau[place] = _without(row, enters, pivot)
    return _without(wanted, enters, pivot)


def _without(row: Row, own: int, other: Row) -> Row:
    """A row less what takes a variable out of it, of another row in which that has a positive coefficient."""
    times, less = other[own], row.get(own, 0)
    if not less:
        return row
    found = {key: times * number for key, number in row.items()}
    for key, number in other.items():
        found[key] = found.get(key, 0) - less * number
    return _tidy(found)


def _tidy(row: Row) -> Row:
    """Without what is nought, in the smallest whole numbers."""
    whole = gcd(*row.values())
    return {key: number // whole for key, number in row.items() if number}


def _values(tableau: list[Row], basis: list[int], columns: int, ray: Row) -> list[Fraction]:
    """The variables where the rows stand, one further along what has no end."""
    found = [Fraction(0)] * columns
    for row, own in zip(tableau, basis, strict=True):
        if own < columns:
            moved = row.get(SIDE, 0) - sum(number * row.get(key, 0) for key, number in ray.items())
            found[own] = Fraction(moved, row[own])
    for key, number in ray.items():
        if key < columns:
            found[key] += number
    return found
