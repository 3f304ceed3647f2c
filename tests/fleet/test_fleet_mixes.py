"""Mixes of machines against the linear program whose optimum they are, and what proofs may not leave out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from sympy import Symbol

from steptime.derivations.fleet import mixes as proofs
from steptime.derivations.steps import Derivation
from steptime.model.errors import UserError
from steptime.model.fleet.mixes import entry_prices, mix_wins, served_by
from steptime.model.scenario import Scenario

RATE = st.floats(0.1, 10.0)


@st.composite
def fleets(draw: st.DrawFn, machines: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prices of machines, rates of machines by demands, demands."""
    classes = draw(st.integers(1, 5))
    prices = np.array(draw(st.lists(RATE, min_size=machines, max_size=machines)))
    rates = np.array(draw(st.lists(RATE, min_size=machines * classes, max_size=machines * classes)))
    return prices, rates.reshape(machines, classes), np.array(draw(st.lists(RATE, min_size=classes, max_size=classes)))


def cheapest(prices: np.ndarray, rates: np.ndarray, demands: np.ndarray) -> tuple[float, np.ndarray]:
    """The linear program: chips of each machine for each demand; its cost and the duals of the demands."""
    machines, classes = rates.shape
    rows = np.zeros((classes, machines * classes))
    for one in range(classes):
        rows[one, one::classes] = rates[:, one]
    found = linprog(np.repeat(prices, classes), A_ub=-rows, b_ub=-demands, method="highs")
    return found.fun, -found.ineqlin.marginals


@given(fleets())
def test_a_mix_wins_exactly_between_the_ratios_of_rates(fleet: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    prices, rates, demands = fleet
    cost, _ = cheapest(prices, rates, demands)
    alone = (prices[:, None] / rates * demands).sum(axis=1).min()
    ratio, of_rates = prices[0] / prices[1], rates[0] / rates[1]
    if np.abs(of_rates / ratio - 1).min() > 1e-6:  # at a tie what is saved is nought
        assert mix_wins(ratio, of_rates) == (cost < alone * (1 - 1e-9))


@given(fleets(machines=4))
def test_marginal_prices_are_the_duals(fleet: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    prices, rates, demands = fleet
    cost, duals = cheapest(prices, rates, demands)
    serving, marginal = served_by(prices, rates)
    assert marginal == pytest.approx(duals) and marginal @ demands == pytest.approx(cost)
    assert (prices[serving] / rates[serving, range(len(demands))]).tolist() == pytest.approx(marginal.tolist())


@given(fleets(machines=3))
def test_an_unused_machine_enters_below_its_entry_price(fleet: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """One per cent below it lowers the cost, one above does not change it; those that serve have no higher price."""
    prices, rates, demands = fleet
    cost, duals = cheapest(prices[:2], rates[:2], demands)
    serving, marginal = served_by(prices[:2], rates[:2])
    entry = entry_prices(marginal, rates)
    assert entry[list(set(serving))] == pytest.approx(prices[list(set(serving))])
    for change, lower in ((0.99, True), (1.01, False)):
        tried, _ = cheapest(np.append(prices[:2], change * entry[2]), rates, demands)
        assert (tried < cost * (1 - 1e-9)) is lower
    assert duals == pytest.approx(marginal)


@given(fleets())
def test_what_is_saved_is_what_is_proved(fleet: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    prices, rates, demands = (part[..., :2] for part in fleet)
    if rates.shape[1] < 2:
        return
    if rates[0, 0] / rates[1, 0] < rates[0, 1] / rates[1, 1]:
        rates = rates[:, ::-1]
        demands = demands[::-1]
    values = dict(zip(("price_a", "price_b"), prices, strict=True))
    values |= {f"rate_{m}_{c}": rates[i, j] for i, m in enumerate("ab") for j, c in enumerate(("one", "two"))}
    values |= {"demand_one": demands[0], "demand_two": demands[1]}
    there = Scenario({Symbol(name, positive=True): float(value) for name, value in values.items()})
    ratio = prices[0] / prices[1]
    if rates[0, 1] / rates[1, 1] < ratio < rates[0, 0] / rates[1, 0]:
        cost, _ = cheapest(prices, rates, demands)
        alone = (prices[:, None] / rates * demands).sum(axis=1)
        saved = [there.evaluate(one.result.rhs) for one in (proofs.against_a, proofs.against_b)]
        assert saved == pytest.approx((alone - cost).tolist(), rel=1e-6, abs=1e-9 * cost)


@pytest.mark.parametrize(("one", "left"), [
    (proofs.one_class, proofs.CHEAPER_ON_A), (proofs.two_classes, proofs.CHEAPER_ON_A),
    (proofs.two_classes, proofs.CHEAPER_ON_B),
], ids=["one class", "the first of two", "the second of two"])  # fmt: skip
def test_shares_are_best_only_where_each_class_is_cheaper(one: Derivation, left: object) -> None:
    """Without one of the conditions another mix may cost less: the proof is refused."""
    assert one.failure is None
    failure = replace(one, assumes=tuple(assumed for assumed in one.assumes if assumed != left)).failure
    assert failure is not None and "not stated" in failure


@pytest.mark.parametrize("one", [proofs.against_a, proofs.against_b], ids=lambda one: one.name)
def test_a_mix_saves_only_where_the_price_lies_between(one: Derivation) -> None:
    failure = replace(one, holds=()).failure
    assert failure is not None and "not stated" in failure


@pytest.mark.parametrize("rates", [[[1.0, 0.0]], [[1.0, float("nan")]], [1.0], [[1.0], [2.0]], []])
def test_what_are_no_rates_is_refused(rates: list[float]) -> None:
    with pytest.raises(UserError):
        served_by([1.0], rates)
