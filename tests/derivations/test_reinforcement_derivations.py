"""What is proved of reinforcement learning, against rollouts run step by step."""

import math
import random

import pytest
from hypothesis import given, strategies

from steptime.derivations.reinforcement import balance, rollouts, staleness
from steptime.derivations.reinforcement import symbols as s
from steptime.model.scenario import Scenario
from steptime.model.waiting.symbols import step_base, step_slope


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def run(lengths: list[int], base: float, slope: float) -> float:
    """A rollout, step by step, until the last answer has ended."""
    return sum(base + slope * sum(length >= turn for length in lengths) for turn in range(1, max(lengths) + 1))


@given(strategies.lists(strategies.integers(1, 200), min_size=1, max_size=20), strategies.floats(0.001, 1),
       strategies.floats(0.001, 1))  # fmt: skip
def test_a_rollout_takes_what_its_definition_says(lengths: list[int], base: float, slope: float) -> None:
    values = {step_base: base, step_slope: slope, s.longest_answer: float(max(lengths)),
              s.answers_drawn: float(len(lengths)), s.mean_answer: sum(lengths) / len(lengths)}  # fmt: skip
    assert run(lengths, base, slope) == pytest.approx(float(Scenario(values).evaluate(rollouts.UNTIL_LAST.value)))


def test_exponential_lengths_take_as_long_as_proved() -> None:
    source, answers, mean = random.Random(3), 24, 300.0
    drawn = [[math.ceil(source.expovariate(1 / mean)) for _ in range(answers)] for _ in range(300)]
    found = sum(run(lengths, 0.02, 0.001) for lengths in drawn) / len(drawn)
    values = {**rollouts.rollout(answers, mean), step_base: 0.02, step_slope: 0.001}
    assert found == pytest.approx(at(rollouts.time, values), rel=0.03)


@given(strategies.integers(2, 5000), strategies.floats(1e-6, 1.0), strategies.floats(1e-6, 1.0))
def test_waiting_lies_between_nothing_and_the_harmonic_number(answers: int, base: float, slope: float) -> None:
    values = {**rollouts.rollout(answers), step_base: base, step_slope: slope}
    assert 1 - 1e-12 <= at(rollouts.waiting, values) <= rollouts.harmonic(answers) * (1 + 1e-12)
    assert rollouts.harmonic(answers) == pytest.approx(math.log(answers) + 0.5772, abs=0.6 / answers)


@pytest.mark.parametrize(("answers", "spread"), [(16, 0.5), (256, 1.0)])
def test_no_lognormal_rollout_is_typically_longer(answers: int, spread: float) -> None:
    assert 0.4 < rollouts.drawn(answers, spread, turns=500) <= 1


@given(strategies.floats(0.01, 2.0), strategies.floats(0.0, 5.0))
def test_in_balance_both_sides_take_equally_long(efficiency: float, scored: float) -> None:
    values = balance.step(efficiency, scored)
    values = {**values, s.generating_chips: 100 * at(balance.ratio, values), s.training_chips: 100.0}
    drawing, training = (float(Scenario(values).evaluate(one.value)) for one in (balance.DRAWN, balance.TRAINED))
    assert drawing == pytest.approx(training)
    share = at(balance.share, values)
    assert share == pytest.approx(values[s.generating_chips] / (values[s.generating_chips] + 100))
    assert at(balance.implied, {**values, s.generation_share: share}) == pytest.approx(efficiency)


@pytest.mark.parametrize("flight", [8, 40])
def test_staleness_is_counted_step_by_step(flight: int) -> None:
    """Eight answers a step, drawn one after another, each begun as one is handed over: Little's law, by counting."""
    source, born, step, ages = random.Random(1), [0] * flight, 0, []
    for turn in range(8 * 4000):
        place = source.randrange(flight)  # any of those in flight may end next
        step = turn // 8
        ages.append(step - born[place])
        born[place] = step
    expected = at(staleness.stale, {s.answers_in_flight: float(flight), s.answers_drawn: 8.0})
    assert sum(ages) / len(ages) == pytest.approx(expected, rel=0.05)


def test_asynchrony_by_hand() -> None:
    """Four fifths in drawing, which waits 3.2125 times as long: 0.8 · 3.2125 + 0.2 = 2.77 (AReaL, up to 2.77 times)."""
    values = {s.generation_share: 0.8, s.straggling: staleness.needed.evaluate()}
    assert at(staleness.gain, values) == pytest.approx(2.77)
    assert staleness.needed.evaluate() == pytest.approx(3.2125)
