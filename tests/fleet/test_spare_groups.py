"""Whole groups and spare ones: against programs solved in whole numbers, and against fleets that lose a group."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, linprog, milp
from sympy import Symbol

from steptime.derivations.fleet import spare as proofs
from steptime.derivations.fleet.prices import even
from steptime.derivations.steps import Derivation
from steptime.model.fleet import spare
from steptime.model.scenario import Scenario


def at(form, **values: float) -> float:
    expr = form.result.rhs if isinstance(form, Derivation) else form
    return float(Scenario({Symbol(name, positive=True): float(value) for name, value in values.items()}).evaluate(expr))


def test_by_hand() -> None:
    """Four groups and one to spare; 50 chips in groups of eight; 6.25 groups at 3 $/s: seven are bought."""
    assert at(spare.with_spare, needed_groups=4) == 1.25
    assert at(proofs.factor, group_size=8, needed_chips=50) == 1.16
    assert at(spare.rounding, group_price=3, whole_groups=7, needed_groups=6.25) == 2.25
    assert at(spare.bought, needed_groups=6.25) == 8
    assert at(spare.spare_on_a, price_a=2, demanded_rate=60, rate_a=3, size_a=8) == 56


@given(st.floats(0.1, 1000))
def test_so_many_survive_the_loss_of_one_and_no_fewer(needed: float) -> None:
    bought = at(spare.bought, needed_groups=needed)
    assert bought - 1 >= needed > bought - 2


@given(st.integers(1, 64), st.floats(1, 1e4))
def test_a_spare_costs_less_the_smaller_a_group(size: int, chips: float) -> None:
    one, larger = (at(proofs.factor, group_size=s, needed_chips=chips) for s in (size, size + 1))
    assert 1 < one < larger
    assert one == pytest.approx(at(spare.with_spare, needed_groups=chips / size))


@settings(max_examples=150)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 10**6))
def test_whole_groups_cost_no_more_than_one_a_row(rows: int, kinds: int, seed: int) -> None:
    """Programs of groups of several kinds that serve several demands: of every optimum in parts no more kinds are
    bought than there are rows, and in whole numbers it is dearer by less than one group of each of them."""
    source = np.random.default_rng(seed)
    serves, prices = source.uniform(0.1, 5, (rows, kinds)), source.uniform(0.5, 4, kinds)
    demands = source.uniform(0.5, 20, rows)
    parts = linprog(prices, A_ub=-serves, b_ub=-demands, method="highs")
    whole = milp(prices, constraints=LinearConstraint(serves, demands, np.inf), integrality=np.ones(kinds))
    bought = np.flatnonzero(parts.x > 1e-9)
    assert len(bought) <= rows
    gap = whole.fun - parts.fun
    assert -1e-9 <= gap <= prices[bought].sum() + 1e-9
    assert gap <= at(proofs.all_rows, fleet_rows=rows, group_price=prices[bought].max()) + 1e-9


@given(*[st.floats(0.1, 10)] * 2, *[st.integers(1, 72)] * 2, st.floats(1, 1e5))
def test_a_spare_group_moves_the_break_even_ratio(ra: float, rb: float, sa: int, sb: int, demand: float) -> None:
    """Towards the machine of smaller groups, for the demand that one group serves; not at all for very many."""
    values = {"rate_a": ra, "rate_b": rb, "size_a": sa, "size_b": sb, "demanded_rate": demand, "price_b": 2.0}
    ratio, plain = at(proofs.spares, **values), at(even, rate_a=ra, rate_b=rb)
    costs = at(spare.spare_on_a, **values, price_a=2 * ratio), at(spare.spare_on_b, **values)
    assert costs[0] == pytest.approx(costs[1])
    if not math.isclose(sa * ra, sb * rb):
        assert (ratio < plain) == (sa * ra > sb * rb)
    assert at(proofs.spares, **{**values, "demanded_rate": 1e12}) == pytest.approx(at(proofs.large, **values), rel=1e-6)
