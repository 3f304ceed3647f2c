"""What is proved of training and serving together, with a limit on latency and without, against searches."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given, settings, strategies
from scipy.optimize import brentq, minimize, minimize_scalar
from sympy import Symbol

from steptime.derivations.overtraining import served, sparse, within
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.overtraining.symbols import (  # isort: skip
    active_exponent, best_tokens, latency_price, limited_tokens, serving_over_training, stored_exponent, token_limit,
)  # fmt: skip

A, ALPHA, B, BETA = 406.4, 0.34, 410.7, 0.28


def at(one: Derivation, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def tokens_for(weights: float, loss: float) -> float:
    return float(((loss - A * weights**-ALPHA) / B) ** (-1 / BETA))


def cheapest(loss: float, tokens: float) -> tuple[float, float]:
    """Weights and tokens of least 3 N D + N S that leave so much loss, by search."""
    fewest = math.log((A / loss) ** (1 / ALPHA))

    def life(over: float) -> float:
        weights = math.exp(fewest + over)
        return math.log(weights * (3 * tokens_for(weights, loss) + tokens))

    found = minimize_scalar(life, bounds=(1e-4, 12), method="bounded", options={"xatol": 1e-12})
    weights = math.exp(fewest + found.x)
    return weights, tokens_for(weights, loss)


@settings(max_examples=30)
@given(strategies.floats(0.1, 0.6), strategies.floats(1e9, 1e14))
def test_the_optimum_with_serving_over_that_of_training(loss: float, tokens: float) -> None:
    alone, trained = cheapest(loss, 0.0)
    weights, more = cheapest(loss, tokens)
    values = {q.size_exponent: ALPHA, q.data_exponent: BETA, serving_over_training: tokens / (3 * more)}
    assert at(served.best_tokens, values) == pytest.approx(more / trained, rel=1e-3)
    assert at(served.fewer, values) == pytest.approx(weights / alone, rel=1e-3)
    lives = (n * (3 * d + tokens) for n, d in ((weights, more), (alone, trained)))
    assert at(served.saving, values) == pytest.approx(next(lives) / next(lives), rel=1e-4)


def test_nothing_served_changes_nothing_and_all_served_has_an_end() -> None:
    values = {q.size_exponent: ALPHA, q.data_exponent: BETA, serving_over_training: 1e-12}
    assert all(at(one, values) == pytest.approx(1) for one in served.DERIVATIONS)
    values[serving_over_training] = 1e12
    assert at(served.fewer, values) == pytest.approx((BETA / (ALPHA + BETA)) ** (1 / ALPHA))
    assert at(served.saving, values) == pytest.approx((BETA / (ALPHA + BETA)) ** (1 / ALPHA), rel=1e-2)


def limited(time: float, loss: float, tokens: float) -> dict[Symbol, float]:
    """A limit on the time between tokens, and the tokens that reach a loss within it."""
    values = {**within.fast(), token_limit: time, q.served_tokens: tokens, q.decode_efficiency: 1.0}
    values[limited_tokens] = tokens_for(float(Scenario(values).evaluate(within.allowed)), loss)
    return values


@settings(max_examples=30)
@given(strategies.floats(0.12, 0.5), strategies.floats(1e9, 1e14), strategies.floats(0.2, 0.95))
def test_within_a_limit_nothing_is_cheaper(loss: float, tokens: float, share: float) -> None:
    """The limit allows a share of the weights of the free optimum, or of what reaches the loss at all."""
    weights, _ = cheapest(loss, tokens)
    fewest = (A / loss) ** (1 / ALPHA)
    most = fewest + share * (weights - fewest)
    values = limited(most / 6.4e13, loss, tokens)
    assert all(Scenario(values).evaluate(one.lhs - one.rhs) >= 0 for one in within.limited.region)
    least = at(within.limited, values)
    others = (fewest + (most - fewest) * part for part in (0.05, 0.3, 0.7, 0.99))
    assert all(2 * n * (3 * tokens_for(n, loss) + tokens) >= least for n in others)
    longer = limited(most / 6.4e13 * (1 + 1e-6), loss, tokens)
    fell = (least - at(within.limited, longer)) / (longer[token_limit] - values[token_limit])
    assert at(within.price, values) == pytest.approx(fell, rel=1e-2, abs=1e-3 * least / values[token_limit])


def test_where_the_limit_stops_to_bind_time_is_worth_nothing() -> None:
    weights, _ = cheapest(0.2, 1e13)
    values = limited(weights / 6.4e13, 0.2, 1e13)
    assert abs(at(within.price, values)) < 1e-3 * at(within.limited, values) / values[token_limit]
    looser = limited(1.1 * weights / 6.4e13, 0.2, 1e13)
    assert any(Scenario(looser).evaluate(one.lhs - one.rhs) < 0 for one in within.limited.region)


@settings(max_examples=15)
@given(strategies.floats(0.15, 0.4), strategies.floats(0.02, 0.2), strategies.floats(1e10, 1e14))
def test_a_mixture_by_search(power: float, other: float, tokens: float) -> None:
    """Active and stored weights and tokens by search in logarithms, the limit and the loss as they are."""
    stored, trained = 1e13, 1e13
    values = {
        **sparse.fast(),
        active_exponent: power,
        stored_exponent: other,
        q.served_tokens: tokens,
        q.decode_efficiency: 1.0,
        best_tokens: trained,
        token_limit: stored / 6.4e13,
    }
    active = float(Scenario(values).evaluate(sparse.active))
    if active >= stored:
        return
    loss = A * active**-power * stored**-other + B * trained**-BETA

    def life(point: tuple[float, float]) -> float:
        weights, kept = math.exp(point[0]), stored * math.exp(-abs(point[1]))
        left = loss - A * weights**-power * kept**-other
        return math.log(2 * weights * (3 * (left / B) ** (-1 / BETA) + tokens)) if left > 0 else 1e3

    start = (math.log(active) + 0.3, 0.1)
    found = minimize(life, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000})
    assert at(sparse.mixture, values) == pytest.approx(math.exp(found.fun), rel=1e-4)
    assert math.exp(found.x[0]) == pytest.approx(active, rel=2e-2)

    def least(room: float) -> float:
        """The least life for the same loss with room for so many weights, by its own tokens."""

        def gap(log_tokens: float) -> float:
            there = {**values, token_limit: room / 6.4e13, best_tokens: math.exp(log_tokens)}
            return float(Scenario(there).evaluate(sparse.of_both)) - loss

        there = {**values, token_limit: room / 6.4e13, best_tokens: math.exp(brentq(gap, 5, 60, xtol=1e-13))}
        return at(sparse.mixture, there)

    fell = (least(stored * 0.999) - least(stored * 1.001)) / (0.002 * stored / 6.4e13)
    assert at(sparse.price, values) == pytest.approx(fell, rel=1e-2)
    assert sparse.price.result.lhs == latency_price


def test_the_paper_s_model() -> None:
    """Sardana et al. 2023: instead of 13e9 weights 7e9, which saves 1.7e22 FLOP."""
    trained = served.served()
    alone = (trained[served.data_loss] / 410.7) ** (-1 / 0.2849)
    saves = (1 - served.saving.evaluate()) * (6 * 13e9 * alone + 2 * 13e9 * 2e12)
    assert saves == pytest.approx(1.7e22, rel=0.1)
