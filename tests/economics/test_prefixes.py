"""A cache of prefixes: by the characteristic time, request by request, and in closed form where all are alike."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies

from steptime.derivations.serving import prefix_cache
from steptime.derivations.serving.prefix_claims import by_che
from steptime.derivations.serving.symbols import prefix_bytes, prefix_hits, prefix_rate, prefix_store, prefixes
from steptime.model.economics.prefixes import characteristic_time, hit_rate, hits
from steptime.model.errors import UserError
from steptime.model.scenario import Scenario

RATES = strategies.lists(strategies.floats(1e-3, 1e3), min_size=2, max_size=40)


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


@given(RATES, strategies.floats(0.01, 0.99))
def test_what_is_kept_fills_the_cache(rates: list[float], share: float) -> None:
    sizes = np.linspace(1, 3, len(rates))
    room = share * sizes.sum()
    assert float((sizes * hits(room, rates, sizes)).sum()) == pytest.approx(room, rel=1e-9)


@given(RATES, strategies.floats(0.01, 0.9))
def test_more_room_is_hit_more_often_and_favourites_most(rates: list[float], share: float) -> None:
    room = share * len(rates)
    assert hit_rate(room * 1.05, rates) > hit_rate(room, rates) >= share - 1e-9
    found = hits(room, rates)
    order = np.argsort(rates)
    assert (np.diff(found[order]) >= -1e-12).all()


@given(strategies.integers(2, 500), strategies.floats(0.01, 0.99), strategies.floats(1e-3, 1e3))
def test_where_all_are_alike_the_closed_forms_hold(items: int, share: float, rate: float) -> None:
    values = {prefixes: float(items), prefix_bytes: 1.0, prefix_store: share * items, prefix_rate: rate}
    assert characteristic_time(share * items, [rate] * items) == pytest.approx(at(prefix_cache.how_long, values))
    assert hit_rate(share * items, [rate] * items) == pytest.approx(at(prefix_cache.alike, values))


def test_limits() -> None:
    assert characteristic_time(10, [1.0] * 10) == math.inf and hit_rate(10, [1.0] * 10) == 1
    assert hit_rate(1e-9, [1.0, 2.0]) == pytest.approx(1e-9 * 5 / 9, rel=1e-6)  # Σ λ² over (Σ λ)² of little room
    assert at(prefix_cache.gain, {**prefix_cache.kept(), prefix_hits: 0.0}) == 1


@pytest.mark.parametrize(("items", "room", "exponent"), [(500, 50, 0.7), (500, 250, 1.0)])
def test_che_is_near_what_is_counted(items: int, room: int, exponent: float) -> None:
    assert by_che(items, room, exponent) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("room", "rates", "sizes"), [(0, [1.0], 1), (1, [0.0, 1.0], 1), (1, [1.0], -1)])
def test_what_is_not_above_zero_is_refused(room: float, rates: list[float], sizes: float) -> None:
    with pytest.raises(UserError, match="above zero"):
        characteristic_time(room, rates, sizes)


def test_hits_gain_by_hand() -> None:
    """Three quarters of the work in prefill, half of it spared: 1 / (1 - 3/8)."""
    assert prefix_cache.gain.evaluate() == pytest.approx(1.6)
