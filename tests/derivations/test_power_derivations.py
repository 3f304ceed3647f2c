"""What is proved of watts, joules and sites, against sums by hand and numerical minima."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Symbol

from steptime.derivations.power import chips, sites
from steptime.derivations.power.numbers import board
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.economics import power
from steptime.model.economics import symbols as m
from steptime.model.estimate.clock import clock_share
from steptime.model.scenario import Scenario

SIZES = st.floats(0.01, 100.0)


def at(one: Derivation | sympy.Expr, values: dict[Symbol, float]) -> float:
    expr = one.result.rhs if isinstance(one, Derivation) else one
    return float(Scenario(values).evaluate(expr))


@given(work=SIZES, traffic=SIZES, cap=st.floats(1.1, 50.0), byte=SIZES)
def test_a_step_under_a_cap_draws_no_more_than_it(work: float, traffic: float, cap: float, byte: float) -> None:
    values = {q.step_flops: work, q.step_memory_bytes: traffic, q.peak_flops: 2.0, q.memory_bandwidth: 3.0,
              q.flops_energy: 1.5, m.byte_energy: byte, m.idle_power: 1.0, q.power_cap: cap}  # fmt: skip
    time = at(power.capped_step, values)
    drawn = at(power.drawn, {**values, q.step_time: time})
    assert drawn <= cap * (1 + 1e-9)
    held = at(power.power_time, values) > max(work / 2.0, traffic / 3.0)
    assert held == (drawn == pytest.approx(cap, rel=1e-9) and time > max(work / 2.0, traffic / 3.0))
    rated = {**values, q.power_cap: at(chips.full, {**values, q.step_time: 1.0})}
    assert at(power.capped_step, rated) == pytest.approx(max(work / 2.0, traffic / 3.0), rel=1e-9)


@given(cap=st.floats(300.0, 690.0))
def test_watts_bind_beyond_the_ridge_and_not_before(cap: float) -> None:
    values = dict(board(cap))
    ridge = at(power.power_ridge, values)
    assert chips.ridge.result.lhs == m.intensity
    for by, binds in ((0.99, False), (1.01, True)):
        there = {**values, q.step_flops: by * ridge * values[q.step_memory_bytes]}
        reading = there[q.step_memory_bytes] / there[q.memory_bandwidth]
        assert (at(power.power_time, there) > reading) is binds


def test_joules_by_hand() -> None:
    values = {m.idle_power: 80.0, q.step_time: 2.0, q.flops_energy: 0.5, q.step_flops: 100.0, m.byte_energy: 3.0,
              q.step_memory_bytes: 10.0, q.power_cap: 120.0}  # fmt: skip
    assert at(chips.joules, values) == pytest.approx(160 + 50 + 30)
    assert at(chips.capped, values) == pytest.approx(80 / 40)


@given(idle=SIZES, exponent=st.floats(0.1, 1.0))
def test_the_cheapest_clock_is_where_a_search_finds_it(idle: float, exponent: float) -> None:
    values = {m.idle_power: idle, q.step_flops: 7.0, q.peak_flops: 2.0, q.flops_energy: 0.8,
              q.voltage_exponent: exponent}  # fmt: skip
    best = at(chips.slow, values)
    energies = [at(power.slowed_energy, {**values, m.clock: best * by}) for by in (0.999, 1.0, 1.001)]
    assert energies[1] == min(energies)


def test_the_slope_of_the_clock_is_that_of_its_formula() -> None:
    values = {q.power_cap: 400.0, q.resting_power: 80.0, q.power: 700.0, q.voltage_exponent: 0.5}
    there = [np.log(at(clock_share, {**values, q.power_cap: 400.0 * by})) for by in (1 - 1e-6, 1 + 1e-6)]
    assert (there[1] - there[0]) / 2e-6 == pytest.approx(at(power.clock_slope, values), rel=1e-6)


def test_who_earns_where_watts_are_short() -> None:
    """Shares of joules: of bytes, of FLOP, and of the constant add up to one."""
    values = dict(sites.earns.numbers)
    whole = at(chips.joules, values)
    rest = values[m.idle_power] * values[q.step_time] + values[q.flops_energy] * values[q.step_flops]
    assert at(sites.earns, values) == pytest.approx(1 - rest / whole)
    for rise in (1e-6, 0.5):  # a rise of any size
        dearer = at(chips.joules, {**values, m.byte_energy: values[m.byte_energy] * (1 + rise)})
        assert (dearer / whole - 1) / rise == pytest.approx(at(sites.earns, values), rel=1e-6)


def test_a_site_by_hand() -> None:
    values = {m.site_power: 1e7, m.power_usage: 1.25, q.power: 1000.0}
    assert at(sites.fed, values) == pytest.approx(8000.0)


def test_a_faster_step_of_the_same_work_makes_more_steps_on_a_site() -> None:
    """Half the time spares half of what a chip draws whatever it does, and nothing of the work's joules."""
    values = dict(sites.rate.numbers)
    faster = {**values, q.step_time: values[q.step_time] / 2}
    idle = values[m.idle_power] * values[q.step_time]
    joules = values[m.step_energy]
    assert at(sites.rate, faster) / at(sites.rate, values) == pytest.approx(joules / (joules - idle / 2), rel=1e-12)
