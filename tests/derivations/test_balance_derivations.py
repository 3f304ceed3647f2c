"""What is proved of batches above the balanced one, and of both balances of a mixture of experts, by steps."""

import pytest
from hypothesis import given, strategies

from steptime.derivations.batch import above_balance
from steptime.derivations.batch.symbols import balance_multiple, cost_premium, experts_routed, overlapped, ridge
from steptime.derivations.experts import two_versions
from steptime.derivations.experts.symbols import always_read, experts_per_token, routed_weights
from steptime.model.scenario import Scenario

SHARES, WEIGHTS = strategies.floats(0.0, 1.0), strategies.floats(1e6, 1e12)


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def cost(batch: float, hidden: float) -> float:
    """Cost of a token over the least: a step of so many balanced batches, streaming and multiplying a unit of time."""
    longer, shorter = max(batch, 1.0), min(batch, 1.0)
    return (longer + (1 - hidden) * shorter) / batch


@given(strategies.floats(1.0, 50.0), SHARES)
def test_cost_above_the_balance(batch: float, hidden: float) -> None:
    assert cost(batch, hidden) == pytest.approx(at(above_balance.premium, above_balance.above(batch, hidden)))
    assert at(above_balance.balanced, {overlapped: hidden}) == pytest.approx(cost(1.0, hidden))


@given(strategies.floats(1.0, 50.0), strategies.floats(0.0, 0.95))
def test_batch_and_overlap_come_back(batch: float, hidden: float) -> None:
    values = {balance_multiple: batch, overlapped: hidden, cost_premium: cost(batch, hidden)}
    assert at(above_balance.multiple, values) == pytest.approx(batch)
    assert at(above_balance.revealed, values) == pytest.approx(hidden, abs=1e-9)


@given(WEIGHTS, WEIGHTS, strategies.integers(1, 16), strategies.integers(1, 64))
def test_both_balances(dense: float, routed: float, chosen: int, times: int) -> None:
    """Where b sequences choose k of E experts each, streaming takes N / W, multiplying b N_a over the ridge times W."""
    values = {always_read: dense, routed_weights: routed, experts_per_token: float(chosen),
              experts_routed: float(chosen * times), ridge: 300.0}  # fmt: skip
    model, expert = at(two_versions.whole, values), at(two_versions.one, values)
    assert model * (dense + routed / times) / 300 == pytest.approx(dense + routed)
    assert expert / times == pytest.approx(300)
    assert expert / model == pytest.approx(at(two_versions.ratio, values))
    assert at(two_versions.ratio, values) >= 1 - 1e-12


def test_deepseek_v3_by_hand() -> None:
    """32 · 300 tokens for an expert, 300 · 671/37.5 for the model: 1.79 times as many."""
    assert two_versions.one.evaluate() == pytest.approx(9600)
    assert two_versions.ratio.evaluate() == pytest.approx(1 + 31 * 17.1 / 671)
