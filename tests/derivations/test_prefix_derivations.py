"""Hits by rank against sums over ranks, caches that are played request by request, and integrals."""

import json
import math
import shutil
import subprocess
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings, strategies

from steptime.derivations.facts import DyingArea, PowerArea
from steptime.derivations.printed import gamma
from steptime.derivations.serving import prefix_ranks, prefix_small, prefix_static
from steptime.derivations.serving.prefix_claims import least_recently_used
from steptime.derivations.steps import Derivation
from steptime.model.economics.prefixes import characteristic_time, hit_rate
from steptime.model.scenario import Scenario
from steptime.model.symbols import batch, chips, context

from steptime.derivations.serving.symbols import (  # isort: skip
    fall_off, fewer_prefixes, kept_for, kept_prefixes, prefix_rate, prefixes,
)  # fmt: skip


def at(one: Derivation, **numbers: float) -> float:
    named = (fall_off, fewer_prefixes, kept_for, kept_prefixes, prefix_rate, prefixes)
    values = {symbol: numbers[symbol.name] for symbol in named if symbol.name in numbers}
    return float(Scenario(values).evaluate(one.result.rhs))


def area(heights: np.ndarray, along: np.ndarray) -> float:
    return float(((heights[1:] + heights[:-1]) * np.diff(along)).sum() / 2)


def by_rank(number: int, room: float, power: float) -> float:
    """The theorem's hits, at the age at which sums over ranks fill the room."""
    rates = np.arange(1.0, number + 1) ** -power
    age = characteristic_time(room, rates)
    one = prefix_ranks.harmonic if power == 1 else prefix_ranks.hits
    return at(one, fall_off=power, kept_for=age, kept_prefixes=room, prefix_rate=1.0, prefixes=float(number))


@pytest.mark.parametrize("power", [0.4, 0.8, 1.0, 1.3, 2.0])
@pytest.mark.parametrize("age", [0.5, 20.0, 3000.0])
def test_hits_by_rank_are_those_of_integrals(power: float, age: float) -> None:
    """Both integrals by sums over a fine grid of logarithms; no closed form of either enters."""
    number = 20_000.0
    logs = np.linspace(0, math.log(number), 400_001)
    ranks = np.exp(logs)
    there, asked = -np.expm1(-age * ranks**-power), ranks**-power
    room, found, whole = (area(part * ranks, logs) for part in (there, there * asked, asked))
    one = prefix_ranks.harmonic if power == 1 else prefix_ranks.hits
    numbers = {"fall_off": power, "kept_for": age, "kept_prefixes": room, "prefix_rate": 1.0, "prefixes": number}
    assert at(one, **numbers) == pytest.approx(found / whole, rel=1e-6)


@pytest.mark.parametrize("power", [0.4, 0.8, 1.0])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_hits_by_rank_are_those_of_sums_over_ranks(power: float, share: float) -> None:
    """Taken as integrals: what the first ranks make of that is a few hundredths."""
    number = 20_000
    rates = np.arange(1.0, number + 1) ** -power
    assert by_rank(number, share * number, power) == pytest.approx(hit_rate(share * number, rates), abs=0.05)


@pytest.mark.parametrize(("power", "room"), [(0.8, 100), (0.8, 300), (1.0, 200)])
def test_hits_by_rank_are_those_of_a_cache_played(power: float, room: int) -> None:
    assert by_rank(1000, room, power) == pytest.approx(least_recently_used(1000, room, power), abs=0.05)


@given(strategies.floats(0.01, 0.99), strategies.floats(100, 1e8))
def test_at_one_over_the_rank_both_forms_meet(share: float, number: float) -> None:
    age = {"kept_for": 1.0, "prefix_rate": 3.0}
    for one, other, more in (
        (prefix_static.top, prefix_static.top_harmonic, {"fewer_prefixes": 1 + share * (number - 1)}),
        (prefix_ranks.hits, prefix_ranks.harmonic, {**age, "kept_prefixes": share * number}),
    ):
        exact = at(other, prefixes=number, fall_off=1.0, **more)
        for power in (1 - 1e-6, 1 + 1e-6):
            assert at(one, prefixes=number, fall_off=power, **more) == pytest.approx(exact, rel=1e-3, abs=1e-3)


@settings(max_examples=50)
@given(strategies.lists(strategies.floats(1e-6, 1e3), min_size=2, max_size=60), strategies.data())
def test_no_cache_beats_the_most_popular(rates: list[float], data: strategies.DataObject) -> None:
    """Any rates: Che's hits are no more than those of the first so many, and more with each place."""
    room = data.draw(strategies.integers(1, len(rates) - 1))
    ordered = sorted(rates, reverse=True)
    che = hit_rate(room, ordered)
    assert che <= sum(ordered[:room]) / sum(ordered) + 1e-9
    assert room == len(rates) - 1 or che <= hit_rate(room + 1, ordered) + 1e-9


@given(strategies.lists(strategies.tuples(strategies.floats(0, 1e3), strategies.floats(0, 1)), min_size=2, max_size=40))
def test_what_others_lose_to_the_most_popular(asked: list[tuple[float, float]]) -> None:
    """Any chances to be there that fill a whole number of places: what the theorem assumes of them is so."""
    ordered = sorted(asked, reverse=True)
    room = int(sum(chance for _, chance in ordered))
    if not 0 < room < len(ordered):
        return
    scale = room / sum(chance for _, chance in ordered)
    there = [(rate, chance * scale) for rate, chance in ordered]
    taken = sum(chance for _, chance in there[room:])
    missed = sum(rate * (1 - chance) for rate, chance in there[:room])
    found = sum(rate * chance for rate, chance in there[room:])
    last = there[room - 1][0]
    assert missed >= last * taken - 1e-6 and found <= last * taken + 1e-6 and missed - found >= -1e-6


@pytest.mark.parametrize("power", [0.6, 0.7, 0.8, 0.9])
def test_small_caches(power: float) -> None:
    """Against the incomplete Gamma functions that all sizes have, ever nearer as the cache shrinks."""
    off = []
    for least in (1e-5, 1e-10, 1e-20):  # requests for the last prefix while the cache keeps what nobody asks for
        rest = float(mpmath.gammainc(1 - 1 / power, least))
        share = -math.expm1(-least) + least ** (1 / power) * rest
        exact = 1 - (1 - power) / power * least ** (1 / power - 1) * rest
        off.append(at(prefix_small.few, fall_off=power, kept_prefixes=share * 1e30, prefixes=1e30) / exact - 1)
    assert abs(off[2]) < abs(off[1]) < abs(off[0]) and abs(off[2]) < 0.02


@pytest.mark.parametrize("power", [1.2, 1.5, 2.0, 3.0])
def test_misses_over_the_most_popular(power: float) -> None:
    """Of two million prefixes, a hundred or two kept."""
    rates = np.arange(1.0, 2_000_001) ** -power
    room = 200 if power < 2 else 60
    missed, beyond = 1 - hit_rate(room, rates), rates[room:].sum() / rates.sum()
    assert at(prefix_small.over_static, fall_off=power) == pytest.approx(missed / beyond, rel=0.06)


def test_misses_over_the_most_popular_are_at_most_1_78_times_as_many() -> None:
    found = [at(prefix_small.over_static, fall_off=power) for power in np.geomspace(1.0001, 1000, 200)]
    assert all(one < other for one, other in pairwise(found))
    assert found[0] == pytest.approx(1, abs=2e-3) and found[-1] == pytest.approx(math.exp(np.euler_gamma), rel=2e-3)


@settings(max_examples=20, deadline=None)
@given(strategies.floats(0.1, 10), strategies.floats(0.3, 3), strategies.floats(-0.5, 3))
def test_euler_s_areas_are_those_of_integrals(scale: float, fall: float, power: float) -> None:
    values = {chips: scale, batch: fall, context: power}
    for kind, exists in (
        (PowerArea, power < 0.9 and power + fall > 1.1),
        (DyingArea, power > 1.1),
    ):
        if exists:
            closed = Scenario(values).evaluate(kind(chips, chips, context, batch, "an area").line.rhs)

            t = np.linspace(-90, 90, 200_001)  # x = exp(t)
            rare = np.exp(-scale * np.exp(-fall * t))
            height = np.exp((1 - power) * t) * (rare if kind is DyingArea else -np.expm1(-scale * np.exp(-fall * t)))
            assert float(height.sum() * (t[1] - t[0])) == pytest.approx(float(closed), rel=1e-3)


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the script")
def test_gamma_in_a_script() -> None:
    numbers = [*np.linspace(0.01, 20, 200), 100.5, 170.0]
    script = f"{gamma.JAVASCRIPT}console.log(JSON.stringify({json.dumps(numbers)}.map(gamma)))"
    found = json.loads(subprocess.run(["node", "-e", script], capture_output=True, check=True, text=True).stdout)
    assert found == pytest.approx([math.gamma(number) for number in numbers], rel=1e-12)
