"""What is proved of the hottest expert: against counts drawn one by one, and against the worst router."""

import numpy as np
import pytest
from hypothesis import given, strategies

from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.practice import hottest
from steptime.derivations.practice.symbols import hot_ratio, redundant_experts, slot_ratio
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
    assert 0.85 * at(hottest.ratio, hottest.v3(tokens)) < found <= at(hottest.ratio, hottest.v3(tokens))


@given(strategies.floats(1.01, 5.0))
def test_tokens_and_ratio_come_back(wanted: float) -> None:
    tokens = at(hottest.enough, {**hottest.v3(), hot_ratio: wanted})
    assert at(hottest.ratio, {**hottest.v3(), micro_batch: tokens}) == pytest.approx(wanted)
    assert at(hottest.enough, {**hottest.v3(), hot_ratio: 1 + (wanted - 1) / 2}) == pytest.approx(4 * tokens)
    assert at(hottest.enough, {**hottest.v3(), experts_per_token: 4.0}) > 0


@given(strategies.lists(strategies.floats(1e-6, 1.0), min_size=2, max_size=60), strategies.integers(1, 64))
def test_no_router_breaks_the_guarantee(weights: list[float], again: int) -> None:
    shares = [weight / sum(weights) for weight in weights]
    assert hottest.guaranteed(shares, again) <= at(hottest.most_share, {redundant_experts: float(again)}) * (1 + 1e-12)


def test_one_favourite_comes_near_it() -> None:
    assert hottest.guaranteed([1.0, *[1e-12] * 255], 32) == pytest.approx(1 / 33)


def test_redundant_experts_by_hand() -> None:
    """256 experts and 32 more: one place in 32 of all copies, nine times the mean of 288 places."""
    assert hottest.most_ratio.evaluate() == pytest.approx(9)
    assert at(hottest.needed, {**hottest.v3(), slot_ratio: 2.0}) == pytest.approx(256)
