"""What is proved of fewer weights at the same loss, against the law of loss itself and its optimum."""

import pytest
from hypothesis import assume, given, strategies
from scipy.optimize import minimize_scalar

from steptime.derivations.overtraining import latency
from steptime.derivations.overtraining.symbols import data_loss, size_loss, tokens_needed, weights_kept
from steptime.model.scenario import Scenario

A, ALPHA, B, BETA = 406.4, 0.34, 410.7, 0.28
"""Chinchilla's law: Hoffmann et al. 2022, equation 10."""


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def optimum(loss: float, served: float) -> tuple[float, float]:
    """Weights and tokens of least 3 N D + N D_s, of those that leave so much loss, by search."""

    def tokens(weights: float) -> float:
        return float(((loss - A * weights**-ALPHA) / B) ** (-1 / BETA))

    least = (A / loss) ** (1 / ALPHA)
    found = minimize_scalar(lambda x: least * (1 + x) * (3 * tokens(least * (1 + x)) + served), bounds=(1e-6, 1e4),
                            method="bounded", options={"xatol": 1e-10})  # fmt: skip
    weights = least * (1 + found.x)
    return weights, tokens(weights)


@pytest.mark.parametrize("served", [0.0, 1e12])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
def test_other_weights_at_the_same_loss(kept: float, served: float) -> None:
    loss = 0.2
    weights, tokens = optimum(loss, served)
    values = latency.fewer(kept, served / (3 * tokens))
    more = at(latency.of_optimum, values)
    assert A * (kept * weights) ** -ALPHA + B * (more * tokens) ** -BETA == pytest.approx(loss, rel=1e-4)
    assert at(latency.overhead, values) == pytest.approx(kept * more)


@given(strategies.floats(0.11, 0.99))
def test_fewer_weights_always_cost_more(kept: float) -> None:
    assert at(latency.overhead, latency.fewer(kept)) > 1
    assert at(latency.overhead, latency.fewer(kept * 0.99)) > at(latency.overhead, latency.fewer(kept))


@given(strategies.floats(0.01, 2.0), strategies.floats(0.01, 2.0), strategies.floats(0.5, 2.0))
def test_the_same_loss(of_size: float, of_data: float, kept: float) -> None:
    assume(of_size + of_data > of_size * kept**-0.34 * 1.001)
    values = {**latency.fewer(kept), size_loss: of_size, data_loss: of_data}
    values[tokens_needed] = at(latency.tokens, values)
    both = (float(Scenario(values).evaluate(one.value)) for one in (latency.AT_BEST, latency.ELSEWHERE))
    assert next(both) == pytest.approx(next(both))


@given(strategies.floats(0.0, 20.0))
def test_no_tokens_make_up_for_fewer(served: float) -> None:
    least = at(latency.fewest, latency.fewer(served=served))
    near = {**latency.fewer(least * 1.0001, served), weights_kept: least * 1.0001}
    assert at(latency.of_optimum, near) > 1e4
    assert at(latency.fewest, latency.fewer(served=served + 1)) > least


def test_chinchilla_by_hand() -> None:
    """(1 + 0.34/0.28)^(-1/0.34) = 0.0965 of the weights; 72 chips stream 1.15e12 bytes in 2 ms."""
    assert latency.fewest.evaluate() == pytest.approx(0.09652, rel=1e-3)
    assert latency.fitting.evaluate() == pytest.approx(72 * 8e12 * 0.002)
