"""What is proved of caches beyond a chip, against the time of a step worked out at many sizes."""

import pytest
from hypothesis import given, strategies

from steptime.derivations.serving import offload
from steptime.derivations.serving.symbols import kv_off_chip, offload_gain, resident_weights
from steptime.model.scenario import Scenario
from steptime.model.symbols import link_bandwidth, memory_bandwidth, memory_capacity

MACHINES = strategies.tuples(strategies.floats(0.05, 0.9), strategies.floats(0.001, 0.05))


def at(one, values) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def machine(weights: float, link: float) -> dict:
    """One byte of memory, read once a second."""
    return {memory_capacity: 1.0, memory_bandwidth: 1.0, resident_weights: weights, link_bandwidth: link}


def speed(values: dict, off: float) -> float:
    room = 1 - values[resident_weights]
    return (room + off) / room / max(1.0, off / values[link_bandwidth])


@given(MACHINES)
def test_what_costs_no_time_serves_most(case: tuple[float, float]) -> None:
    values = machine(*case)
    best = at(offload.free, values)
    assert speed(values, best) == pytest.approx(at(offload.gain, values))
    assert all(speed(values, best * factor) <= speed(values, best) * (1 + 1e-12) for factor in (0.2, 0.9, 1.1, 3.0, 50))


@given(MACHINES, strategies.floats(1.01, 100.0))
def test_beyond_it_the_closed_form_holds(case: tuple[float, float], factor: float) -> None:
    values = machine(*case)
    off = at(offload.free, values) * factor
    assert speed(values, off) == pytest.approx(at(offload.beyond, {**values, kv_off_chip: off}))


@given(MACHINES)
def test_where_it_begins_to_lose_and_where_it_ends(case: tuple[float, float]) -> None:
    values = machine(*case)
    if 1 - values[resident_weights] > values[link_bandwidth] * 1.01:
        assert speed(values, at(offload.even, values)) == pytest.approx(1)
    assert speed(values, 1e12) == pytest.approx(at(offload.all_off, values), rel=1e-6)


def test_an_h200_by_hand() -> None:
    """55.4 GB/s for 141/4800 s bring 1.63 GB; 41 GB of room make that 4 % more sequences."""
    assert offload.free.evaluate() == pytest.approx(55.4e9 * 141e9 / 4.8e12)
    assert offload.gain.evaluate() == pytest.approx(1 + 1.627375 / 41)
    back = {**offload.host(), link_bandwidth: offload.needed.evaluate()}
    assert at(offload.gain, back) == pytest.approx(back[offload_gain])
