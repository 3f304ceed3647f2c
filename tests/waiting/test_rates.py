"""The largest rate of a group and of a pool: limits hold at it and no higher; what is harder is done less often."""

from collections.abc import Callable
from itertools import pairwise
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model.errors import UserError
from steptime.model.waiting.admissible import Admissible, admissible
from steptime.model.waiting.laws import Drawn, beyond
from steptime.model.waiting.pools import admissible_prefill, erlang, late_prefill, queue
from steptime.model.waiting.rising import CLOSE, LEAST
from steptime.model.waiting.scale import efficient_rate
from steptime.model.waiting.waits import Groups, waits

BATCH = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256])


def groups(base: float, slope: float, prefill: float, tokens: float, **more: Any) -> Groups:
    """A step of base + slope n, in milliseconds; a prompt in five is four times as long; in three answers one is."""
    return Groups.of(
        BATCH, [(base + slope * BATCH) * 1e-3], np.array([1, 4]) * prefill * 1e-3, np.array([1, 4]) * tokens,
        prompt_shares=[0.8, 0.2], output_shares=[0.75, 0.25], **more,
    )  # fmt: skip


GROUPS = st.builds(groups, st.floats(1, 40), st.floats(0.01, 2), st.floats(1, 200), st.floats(20, 500))
USED = st.floats(0.01, 0.97)


@given(GROUPS, USED, USED)
def test_everything_rises_with_the_rate(one: Groups, used: float, more: float) -> None:
    low, high = sorted((used, more))
    at, after = (waits(one, part * one.most) for part in (low, high))
    for name in ("token", "first_token", "in_flight", "full", "clump", "used"):
        assert getattr(at, name)[0] <= getattr(after, name)[0] * (1 + 1e-9)
    for limit in (0.01, 0.05, 0.2, 1.0, 5.0):
        for late, dip in (("late_first", 0.03), ("late_tokens", 2e-3)):  # percentiles below the median are none
            few, many = (float(getattr(one_, late)(limit)[0]) for one_ in (at, after))
            assert min(few, 0.5) <= min(many, 0.5) + dip


@given(GROUPS, USED)
def test_the_rate_is_continuous(one: Groups, used: float) -> None:
    at, beside = (waits(one, part * one.most) for part in (used, used * (1 + 1e-6)))
    for name in ("token", "first_token", "in_flight", "full"):
        assert getattr(at, name)[0] == pytest.approx(getattr(beside, name)[0], rel=3e-3)


@given(GROUPS)
def test_hardly_any_request_waits_for_nobody(one: Groups) -> None:
    at = waits(one, 1e-7 * one.most)
    assert at.token[0] == pytest.approx(one.steps.time[0, 1], rel=1e-4)
    assert at.first_token[0] == pytest.approx(one.prefill.moment(1)[0], rel=1e-3)
    assert at.clump[0] == pytest.approx(1) and at.left[0] == pytest.approx(1) and at.full[0] < 1e-9


@settings(max_examples=40)
@given(GROUPS, st.floats(0.1, 5), st.floats(0.01, 0.3), st.sampled_from([50, 90, 95, 99]))
def test_limits_hold_at_the_rate_and_no_higher(one: Groups, ttft: float, tpot: float, percentile: float) -> None:
    found = admissible(one, max_ttft=ttft, max_tpot=tpot, percentile=percentile)
    allowed = 1 - percentile / 100
    late = (found.at.late_first(ttft)[0], found.at.late_tokens(tpot)[0])
    if found.rate[0] == 0:
        assert max(late) > allowed and found.at.used[0] == pytest.approx(LEAST)
        return
    assert max(late) <= allowed and found.rate[0] < one.most[0]
    if found.bound_by[0] != "rate":
        above = waits(one, found.rate + 3 * CLOSE * one.most)
        assert max(above.late_first(ttft)[0], above.late_tokens(tpot)[0]) > allowed


def rate(one: Groups, **limits: Any) -> float:
    found: Admissible = admissible(one, **({"max_ttft": 1.0, "max_tpot": 0.05, "percentile": 95} | limits))
    return float(found.rate[0])


@pytest.mark.parametrize(
    "worse",
    [
        lambda: rate(groups(20, 0.1, 20, 100), max_ttft=0.12),
        lambda: rate(groups(20, 0.1, 20, 100), max_tpot=0.03),
        lambda: rate(groups(20, 0.1, 20, 100), percentile=99),
        lambda: rate(groups(25, 0.1, 20, 100)),
        lambda: rate(groups(20, 0.2, 20, 100)),
        lambda: rate(groups(20, 0.1, 30, 100)),
        lambda: rate(groups(20, 0.1, 20, 150)),
        lambda: rate(groups(20, 0.1, 20, 100, cap=16)),
    ],
    ids=["first token", "token", "percentile", "base", "slope", "prefill", "answers", "cap"],
)
def test_what_is_harder_is_done_less_often(worse: Callable[[], float]) -> None:
    assert 0 < worse() < 0.97 * rate(groups(20, 0.1, 20, 100))


def test_many_groups_at_once_are_each_as_alone() -> None:
    rng = np.random.default_rng(2)
    base, slope, prefill = rng.uniform(5, 30, 40), rng.uniform(0.01, 1, 40), rng.uniform(5, 300, 40)
    limits, caps = rng.random(40), rng.integers(1, 256, 40)
    seconds = (base[:, None] + slope[:, None] * BATCH) * 1e-3
    given_ = {"output": [100, 700], "output_shares": [0.6, 0.4]}
    every = Groups.of(BATCH, seconds, prefill[:, None] * 1e-3, cap=caps, **given_)
    found = admissible(every, max_ttft=limits, max_tpot=0.05, percentile=90)
    for place in range(40):
        one = Groups.of(BATCH, seconds[place], prefill[place] * 1e-3, cap=caps[place], **given_)
        alone = admissible(one, max_ttft=limits[place], max_tpot=0.05, percentile=90)
        assert found.rate[place] == pytest.approx(alone.rate[0], abs=3 * CLOSE * one.most[0])
        assert found.bound_by[place] == alone.bound_by[0]


def test_what_binds_is_said() -> None:
    one = groups(20, 0.1, 20, 100)
    asked = [(1.0, 0.03), (0.2, 1.0), (np.inf, np.inf)]
    assert [str(admissible(one, max_ttft=a, max_tpot=b, percentile=95).bound_by[0]) for a, b in asked] == [
        "tpot", "ttft", "rate",
    ]  # fmt: skip
    few = groups(20, 0.1, 1, 100, cap=8)
    assert admissible(few, max_ttft=1.0, percentile=95).bound_by[0] == "full"


def test_without_limits_it_is_the_rate_that_fills_it() -> None:
    one = groups(20, 0.1, 20, 100)
    work = 1.6 * 0.02 + 175 * (0.02 + 0.1e-3 * 256) / 256
    assert rate(one, max_ttft=np.inf, max_tpot=np.inf) == pytest.approx(1 / work, rel=1e-5)


def test_who_only_decodes_has_all_its_time() -> None:
    one = Groups.of([1, 256], [[0.021, 0.0456]], 0.0, 300)
    found = admissible(one, max_tpot=0.04, percentile=95)
    assert found.at.left[0] == 1 and found.at.clump[0] == pytest.approx(1)


def test_an_efficient_group_is_as_full_as_asked() -> None:
    """And one that holds fewer never is."""
    two = Groups.of([1, 512], [[0.021, 0.0712]] * 2, 0.01, 300, cap=[512, 64])
    rate_ = efficient_rate(two, np.array([128.0, 128.0]))
    assert np.isinf(rate_[1])
    assert waits(two, np.array([rate_[0], 1.0])).in_flight[0] == pytest.approx(128, rel=1e-3)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Groups.of([1, 8], [[0.01]], 0.1, 100), "each of its numbers has a step"),
        (lambda: Groups.of([2, 8], [[0.01, 0.02]], 0.1, 100), "rises from 1"),
        (lambda: Groups.of([1, 8], [[0.01, np.nan]], 0.1, 100), "positive number of seconds"),
        (lambda: Groups.of([1, 8], [[0.01, 0.02]], 0.1, 100, cap=9), "`cap`"),
        (lambda: Groups.of([1, 8], [[0.01, 0.02]], 0.1, 0.5), "at least one token"),
        (lambda: Groups.of([1, 8], [[0.01, 0.02]], [[0.1], [0.2], [0.3]], 9), "prefills of 3 groups"),
        (lambda: Groups.of([1, 8], [[0.01, 0.02]], [0.1, 0.2], 9, prompt_shares=[0.5, 0.6]), "sum to 1.1"),
        (lambda: Groups.of([1, 8], [[0.01, 0.02]], -0.1, 9), "not below zero"),
        (lambda: waits(groups(20, 0.1, 20, 100), 1e9), "below what a group can do"),
        (lambda: admissible(groups(20, 0.1, 20, 100), percentile=100), "`percentile`"),
        (lambda: admissible(groups(20, 0.1, 20, 100), percentile=49), "`percentile`"),
        (lambda: admissible(groups(20, 0.1, 20, 100), max_tpot=0, percentile=95), "above zero"),
        (lambda: queue(20.0, Drawn.of([[0.1]])), "below what a pool can do"),
    ],
)
def test_what_cannot_be_used_is_said(build: Callable[[], Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        build()


@pytest.mark.parametrize(("servers", "offered"), [(1, 0.5), (2, 1.9), (7, 3.0), (40, 38.0)])
def test_erlang_by_its_sum(servers: int, offered: float) -> None:
    terms = [offered**k / factorial(k) for k in range(servers)]
    last = offered**servers / factorial(servers) * servers / (servers - offered)
    assert erlang(np.array(float(servers)), np.array(offered)) == pytest.approx(last / (sum(terms) + last), rel=1e-10)


@given(st.floats(0.05, 0.95), st.floats(0.3, 3))
def test_pools_gain_by_sharing_a_queue(short: float, limit: float) -> None:
    prefill = Drawn(np.array([[0.05, 0.2]]), np.array([short, 1 - short]))
    each = [admissible_prefill(prefill, max_ttft=limit, percentile=95, servers=c)[0] / c for c in (1, 2, 8, 64)]
    assert all(few <= many * (1 + 1e-4) for few, many in pairwise(each))
    if each[0]:
        assert late_prefill(limit, each[0], prefill)[0] <= 0.05 + 1e-9


@given(st.floats(0.3, 30), st.floats(0.5, 20))
def test_the_tail_of_a_sum_has_its_moments(shape: float, scale: float) -> None:
    """Of a gamma law the tail is exact: the tail summed is the mean."""
    law = tuple(np.array(part) for part in (shape * scale, shape * scale**2, 2 * shape * scale**3))
    grid = (np.arange(20_000) + 0.5) * (shape + 40 * shape**0.5 + 40) * scale / 20_000
    mean = beyond(grid, law).sum() * (grid[1] - grid[0])  # type: ignore[arg-type]
    assert mean == pytest.approx(shape * scale, rel=2e-3)


@pytest.mark.parametrize("rounding", [0.0, 1e-18, -1e-18])
@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.02, 40.0])
def test_a_law_without_variance_is_its_mean(mean: float, rounding: float) -> None:
    """Whatever rounding left of its third cumulant; no division by nothing on the way."""
    one, limits = np.array(mean), np.array([mean - 1e-6, mean + 1e-6])
    with np.errstate(all="raise", under="ignore"):
        assert beyond(limits, (one, np.array(0.0), np.array(rounding))).tolist() == [1.0, 0.0]
        narrow = beyond(limits, (one, np.array((1e-10 * mean) ** 2), np.array(rounding)))
    assert narrow.tolist() == [1.0, 0.0]


def test_groups_of_which_some_only_decode_divide_by_nothing() -> None:
    """Prefills elsewhere and one length of answers: no part of a first token varies."""
    with np.errstate(all="raise", under="ignore"):
        alone = Groups.of(BATCH, [0.02 + 0 * BATCH], [0.0], 100)
        found = admissible(alone, max_ttft=1.0, max_tpot=0.05, percentile=95)
    assert found.rate[0] > 0
