"""Fleets found the long way: every combination of whole groups, each with its own little linear program of flows.

Written without the program that is tested: rows are dense, one period, and nothing is scaled.
"""

from itertools import product

import numpy as np
from scipy.optimize import linprog


def serves_all(columns, counts, rates, spare=0):
    """Whether so many groups of each column serve all classes: `columns` are (role, option, {resource: {class: w}})."""
    flows = [(j, k) for j, (_, _, work) in enumerate(columns) for k in next(iter(work.values()))]
    equal, right = [], []
    for number, rate in enumerate(rates):
        equal.append([float(k == number and columns[j][0] != "prefill") for j, k in flows])
        right.append(rate)
        equal.append([float(k == number) * {"prefill": 1.0, "decode": -1.0}.get(columns[j][0], 0.0) for j, k in flows])
        right.append(0.0)
    most, room = [], []
    for place, (_, _, work) in enumerate(columns):
        for taken in work.values():
            most.append([taken[k] if j == place else 0.0 for j, k in flows])
            room.append(max(0, counts[place] - (spare if counts[place] else 0)))
    found = linprog(np.zeros(len(flows)), A_ub=most, b_ub=room, A_eq=equal, b_eq=right, method="highs")
    return found.status == 0


def cheapest(columns, prices, chips, most, rates, stock=None, cap=None, spare=0):
    """The least cost of all combinations of up to `most` groups of each column; None where none serves all.

    `stock`: chips of each option; `cap`: chips of all."""
    best = None
    for counts in product(*(range(n + 1) for n in most)):
        cost = sum(n * price for n, price in zip(counts, prices, strict=True))
        if best is not None and cost >= best:
            continue
        held = [n * size for n, size in zip(counts, chips, strict=True)]
        if cap is not None and sum(held) > cap:
            continue
        if stock is not None and any(sum(h for h, column in zip(held, columns, strict=True) if column[1] == option) > n
                                     for option, n in stock.items()):
            continue
        if serves_all(columns, counts, rates, spare):
            best = cost
    return best
