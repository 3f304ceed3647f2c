"""Waiting against a simulation that knows no formula: means within a tenth, 99th percentiles within 15 %."""

import os

import numpy as np
import pytest
from cases import Stream, law
from simulated import pooled, served

from steptime.model.waiting.admissible import admissible
from steptime.model.waiting.laws import Drawn
from steptime.model.waiting.pools import late_prefill
from steptime.model.waiting.rising import largest
from steptime.model.waiting.waits import Groups, Waits, waits

ALL = os.environ.get("STEPTIME_MUTANTS") == "all"
"""Every law at every load: minutes."""

FEW = [
    Stream(30, 0.5, 0.0, "fixed", "two"),
    Stream(30, 0.5, 0.3, "exponential", "exponential"),
    Stream(30, 0.5, 0.5, "fixed", "heavy"),
    Stream(30, 0.9, 0.3, "two", "fixed", requests=400_000),
    Stream(30, 0.9, 0.5, "heavy", "two", requests=400_000),
    Stream(3, 0.9, 0.3, "heavy", "exponential", tokens=100, requests=400_000),
    Stream(3, 0.5, 0.3, "two", "heavy", tokens=100, requests=60_000),
    Stream(200, 0.8, 0.3, "two", "exponential", requests=300_000),
]
PAIRS = [
    ("fixed", "fixed"), ("two", "two"), ("exponential", "exponential"), ("heavy", "heavy"), ("fixed", "two"),
    ("two", "fixed"), ("heavy", "exponential"),
]  # fmt: skip
MANY = [
    Stream(base, load, prefilling, prompts, answers, 150, requests=60_000 if load < 0.8 else 500_000)
    for base, most in ((3, 0.3), (30, 0.5), (200, 0.5))
    for load in (0.3, 0.6, 0.9)
    for prefilling in (0.0, 0.1, 0.3, 0.5)
    for prompts, answers in PAIRS
    if prefilling <= most and (prefilling or prompts == "fixed")
]
FULL = [
    Stream(30, 0.85, 0.3, "exponential", "exponential", tokens=100, places=64, requests=400_000),
    Stream(30, 0.85, 0.3, "exponential", "fixed", tokens=100, places=64, requests=400_000),
    Stream(100, 0.9, 0.3, "two", "heavy", tokens=100, places=128, requests=400_000),
]


def percentile(late, share: float, ceiling: float) -> float:
    """The limit that ``share`` of all keep."""
    return ceiling * float(largest(lambda part, _: 1 - share - late(part * ceiling), 1)[0])


def found(at: Waits, kind: str, share: float) -> float:
    late = at.late_first if kind == "first" else at.late_tokens
    return percentile(late, share, 1000.0 * float(at.first_token[0] + at.token[0]))


def exceeded(held: dict[int, float], share: float) -> int:
    """The number in service not exceeded for a share of the time."""
    numbers, times = np.array(sorted(held)), np.array([held[number] for number in sorted(held)])
    return int(numbers[np.searchsorted(times.cumsum(), share * times.sum())])


@pytest.mark.parametrize("stream", MANY if ALL else FEW, ids=str)
def test_requests_wait_as_simulated(stream: Stream) -> None:
    at, seen = waits(stream.groups, stream.rate), stream.simulated(7)
    tokens = seen.tokens.sum()
    assert at.token[0] == pytest.approx((seen.pace * seen.tokens).sum() / tokens, rel=0.1)
    assert at.in_flight[0] == pytest.approx(stream.rate * (seen.pace * seen.tokens).mean(), rel=0.1)
    assert at.first_token[0] == pytest.approx(seen.first.mean(), rel=0.1)
    mean = float(at.pace()[0][0] @ stream.groups.output.shares)
    assert mean == pytest.approx(seen.pace.mean(), rel=0.1)
    assert at.in_service_at(0.99)[0] == pytest.approx(exceeded(seen.held, 0.99), rel=0.15, abs=1)
    for share, within in ((0.9, 0.1), (0.95, 0.13), (0.99, 0.15)):
        assert found(at, "first", share) == pytest.approx(np.quantile(seen.first, share), rel=within)
        assert found(at, "token", share) == pytest.approx(np.quantile(seen.pace, share), rel=within)


@pytest.mark.parametrize("stream", FULL, ids=str)
def test_places_are_taken_as_simulated(stream: Stream) -> None:
    """And who waits for a place is late by any limit: no more are late than said."""
    at, seen = waits(stream.groups, stream.rate), stream.simulated(11)
    assert at.full[0] == pytest.approx(seen.full.mean(), rel=0.25)
    for share in (0.9, 0.99):
        limit = np.quantile(seen.first, share)
        assert at.late_first(limit)[0] >= (1 - share) * 0.9


@pytest.mark.parametrize("shape", ["fixed", "two", "exponential"])
@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.9), (4, 0.9), (16, 0.8)])
def test_pools_wait_as_simulated(shape: str, servers: int, load: float) -> None:
    values, shares = law(shape, 0.1)
    rate = load * servers / 0.1
    drawn = np.random.default_rng(5).choice(values, 300_000 if load < 0.85 else 1_000_000, p=shares)
    took = pooled(rate, drawn * 0.1 / drawn.mean(), servers, 6)[15_000:]
    prefill = Drawn(values[None, :], shares)
    for share in (0.95, 0.99):
        limit = percentile(lambda part: late_prefill(part, rate, prefill, servers), share, 100.0)
        assert limit == pytest.approx(np.quantile(took, share), rel=0.15)


def test_a_step_with_a_kink_waits_as_simulated() -> None:
    """Weights stream in 20 ms, which is longer than to multiply for up to 40 sequences; from there on 0.5 ms each."""
    lengths, prefills = law("exponential", 200)[0].round().clip(1), law("two", 0.03)[0]
    shares = {"prompt_shares": law("two", 1)[1], "output_shares": law("exponential", 1)[1]}
    group = Groups.of([1, 40, 4000], [[0.02, 0.02, 2.0]], prefills, lengths, **shares)
    rng = np.random.default_rng(4)
    drawn = [rng.choice(v, 300_000, p=p) for v, p in zip((prefills, lengths), shares.values(), strict=True)]
    at, seen = waits(group, 6.5), served(6.5, drawn[0], drawn[1], lambda n: max(0.02, 0.0005 * n), 5).settled()
    assert at.token[0] == pytest.approx((seen.pace * seen.tokens).sum() / seen.tokens.sum(), rel=0.1)
    assert at.in_service_at(0.99)[0] == pytest.approx(exceeded(seen.held, 0.99), rel=0.15)
    for kind, there in (("first", seen.first), ("token", seen.pace)):
        assert found(at, kind, 0.99) == pytest.approx(np.quantile(there, 0.99), rel=0.15)


def test_the_largest_rate_is_that_of_the_simulation() -> None:
    """At the rate that is admitted as many requests are late as may be, by whichever limit binds."""
    stream = Stream(30, 0.5, 0.3, "exponential", "exponential")
    (prefills, prompt_shares), (lengths, output_shares) = stream.prefills, stream.lengths
    asked = admissible(stream.groups, max_tpot=0.1, percentile=95)
    rng = np.random.default_rng(9)
    drawn = [rng.choice(v, 200_000, p=p) for v, p in ((prefills, prompt_shares), (lengths, output_shares))]
    seen = served(float(asked.rate[0]), drawn[0], drawn[1], stream.step, 10).settled()
    assert np.quantile(seen.pace, 0.95) == pytest.approx(0.1, rel=0.05)
