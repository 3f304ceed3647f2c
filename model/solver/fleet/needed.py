"""Columns that a fleet may need, of whatever options: those that others replace take part in no best fleet."""

from collections.abc import Sequence

import numpy as np

from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import Demand, Role
from steptime.model.solver.fleet.paid import Paid

Array = np.ndarray
MANY = 1e6
"""Groups that may take the place of one that costs nothing."""


def needed(demand: Demand, columns: Sequence[Column]) -> list[Column]:
    """Columns without those that others replace in every fleet, at no more of what is minimised and of what is limited.

    As in `columns.undominated`, but across options: i replaces j where m >= 1 groups of i together have no more of the
    cost, owned and rented, of watts, chips and dollars where they are capped, and of chips of an option with a stock,
    than one of j; and where they take any request with no more of m groups than j does of one. Who hands over to whom
    must not matter: parts of a request are compared where every option may talk to every other. The cost of the best
    fleet, in whole groups or in parts, is the same.
    """
    replaced = set[int]()
    for role in (Role.TOGETHER, Role.PREFILL, Role.DECODE):
        if role == Role.TOGETHER or demand.links is None:
            replaced |= _replaced(demand, columns, [n for n, one in enumerate(columns) if one.role.part == role])
    return [one for number, one in enumerate(columns) if number not in replaced]


def _replaced(demand: Demand, columns: Sequence[Column], places: Sequence[int]) -> set[int]:
    """Places of those that others replace; of equals the first stays."""
    if not places:
        return set()
    some = [columns[place] for place in places]
    taken, work = np.array([_taken(Paid(demand), one) for one in some]), _work(len(demand.classes), some)
    order = np.lexsort([np.where(np.isfinite(work), work, 0.0).sum(axis=1), *taken.T[::-1]])
    kept, found = list[int](), set[int]()
    for one in order.tolist():
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.floor(np.nan_to_num(taken[one] / taken[kept], nan=MANY, posinf=MANY)).min(axis=1)
        others = np.flatnonzero(times >= 1)
        if (work[np.array(kept, int)[others]] <= times[others, None] * work[one]).all(axis=1).any():
            found.add(places[one])
        else:
            kept.append(one)
    return found


def _taken(paid: Paid, column: Column) -> list[float]:
    """What a group adds to what is minimised, owned or rented, and takes of what is limited; nothing of the rest."""
    demand, caps = paid.demand, paid.demand.caps
    rented = all(demand.options[option].rent is not None for option in column.on)
    found = [paid.price(column), paid.price(column, True) if rented else np.inf]
    found.append(paid.watts(column) if caps.power is not None else 0.0)
    found.append(float(column.chips) if caps.chips is not None else 0.0)
    found += [paid.dollars(column), paid.dollars(column, True)] if caps.budget is not None else [0.0, 0.0]
    stocks = enumerate(demand.options)
    return found + [column.on.get(at, 0) if option.stock is not None else 0.0 for at, option in stocks]


def _work(classes: int, columns: Sequence[Column]) -> Array:
    """Groups that a request a second takes of each resource, of each class; infinite where a column does not serve."""
    resources = sorted({resource for column in columns for resource in column.work})
    found = np.zeros((len(columns), len(resources), classes))
    for row, column in enumerate(columns):
        found[row][:, [number for number in range(classes) if number not in column.serves]] = np.inf
        for place, resource in enumerate(resources):
            for number, work in column.work.get(resource, {}).items():
                found[row, place, number] = work
    return found.reshape(len(columns), -1)
