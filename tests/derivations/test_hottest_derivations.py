"""What is proved of the hottest expert: against counts drawn one by one, and against the worst router."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies
from sympy import Float, false

from steptime.derivations.experts.symbols import experts_per_token, untouched_share
from steptime.derivations.practice import counts, fullest, hottest, redundant
from steptime.derivations.practice.fullest import largest_on_average
from steptime.derivations.practice.symbols import (
    count_tilt,
    excess_variance,
    hot_ratio,
    redundant_experts,
    slot_ratio,
    waiting_chips,
)
from steptime.model.scenario import Scenario
from steptime.model.symbols import micro_batch


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


@pytest.mark.parametrize("tokens", [256, 2048, 16384])
def test_a_router_without_favourites(tokens: int) -> None:
    """Each token takes 8 of 256 experts at random: the hottest lies below the theorem, and not far below."""
    source = np.random.default_rng(20260429)
    counted = []
    for _ in range(8):
        chosen = np.argsort(source.random((tokens, 256)), axis=1)[:, :8]
        counted.append(np.bincount(chosen.ravel(), minlength=256).max())
    found = float(np.mean(counted)) / (tokens * 8 / 256)
    assert 0.8 * at(hottest.ratio, hottest.v3(tokens)) < found <= at(hottest.ratio, hottest.v3(tokens))


def test_one_copy_each_lies_below_what_is_proved_and_above_normal_numbers() -> None:
    """256 Poisson counts of mean 1: 4.77 on average, more than 1 + sqrt(2 ln 256) = 4.33, less than ln(256)/3 more."""
    largest = largest_on_average(256, 1.0)
    normal = 1 + math.sqrt(2 * math.log(256))
    assert normal < largest == pytest.approx(4.77, abs=0.01)
    assert largest < at(hottest.hottest, hottest.v3(32)) == pytest.approx(normal + math.log(256) / 3)


@given(strategies.floats(0.01, 4.0), strategies.floats(0.01, 2.9))
def test_a_count_has_the_moments_that_are_assumed(mean: float, tilt: float) -> None:
    """ln of the moment of a Poisson count beyond its mean, m (e^s - 1 - s), against m s^2 / (2 (1 - s/3))."""
    over = tilt / (1 - tilt / 3)
    assumed = counts.COUNTS.line.rhs.xreplace({waiting_chips: 1, excess_variance: Float(mean), count_tilt: Float(over)})
    assert mean * (math.exp(tilt) - 1 - tilt) <= math.log(float(assumed)) * (1 + 1e-9)


@given(strategies.integers(1, 40), strategies.floats(0.5, 0.99), strategies.floats(0.01, 20.0))
def test_trials_that_succeed_half_of_the_time_have_the_moments_of_normal_numbers(
    trials: int, chance: float, tilt: float
) -> None:
    """And those that succeed less often do not: why the fullest chip asks for half of the experts."""
    beyond = trials * (math.log(1 - chance + chance * math.exp(tilt)) - chance * tilt)
    assert beyond <= trials * chance * (1 - chance) * tilt**2 / 2 * (1 + 1e-9)
    rare, half = 0.1, 0.5
    assert math.log(1 - rare + rare * math.exp(half)) - rare * half > rare * (1 - rare) * half**2 / 2


def test_half_of_the_experts_is_a_condition_of_the_fullest_chip() -> None:
    assert fullest.HALF_TOUCHED in fullest.fullest.assumes
    assert fullest.HALF_TOUCHED.relation.xreplace({untouched_share: Float(0.6)}) == false


@given(strategies.floats(1.01, 5.0))
def test_tokens_and_ratio_come_back(wanted: float) -> None:
    tokens = at(hottest.enough, {**hottest.v3(), hot_ratio: wanted})
    assert at(hottest.ratio, {**hottest.v3(), micro_batch: tokens}) == pytest.approx(wanted)
    twice_as_even = at(hottest.enough, {**hottest.v3(), hot_ratio: 1 + (wanted - 1) / 2})
    assert 2 * tokens < twice_as_even < 4 * tokens
    assert at(hottest.enough, {**hottest.v3(), experts_per_token: 4.0}) > 0


@given(strategies.lists(strategies.floats(1e-6, 1.0), min_size=2, max_size=60), strategies.integers(1, 64))
def test_no_router_breaks_the_guarantee(weights: list[float], again: int) -> None:
    shares = [weight / sum(weights) for weight in weights]
    assert redundant.guaranteed(shares, again) <= at(redundant.most_share, {redundant_experts: float(again)}) * (
        1 + 1e-12
    )


def test_one_favourite_comes_near_it() -> None:
    assert redundant.guaranteed([1.0, *[1e-12] * 255], 32) == pytest.approx(1 / 33)


def test_redundant_experts_by_hand() -> None:
    """256 experts and 32 more: one place in 32 of all copies, nine times the mean of 288 places."""
    assert redundant.most_ratio.evaluate() == pytest.approx(9)
    assert at(redundant.needed, {**hottest.v3(), slot_ratio: 2.0}) == pytest.approx(256)
