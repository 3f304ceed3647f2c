"""The program of a fleet against every combination of groups, and in exact arithmetic."""

import enumerated
import numpy as np
import pytest

from steptime.model.catalog.hardware import load_hardware
from steptime.model.layout.layout import Layout
from steptime.model.solver.fleet.checked import dollars_of, must_hold
from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import HOUR, Caps, Demand, Law, Option, Requests, Role
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.program import Program
from steptime.model.solver.fleet.solved import relaxed, solved
from steptime.model.step.inputs import Inputs

MACHINES = ("h100-sxm", "h200-sxm", "b200-sxm")


def requests(name, rate):
    return Requests(name, None, Inputs(), (rate,), Law((1000.0,)), Law((200.0,)))


def drawn(seed):
    """A small demand and its columns: two classes, two machines, whole and split roles, stocks, caps, spares."""
    rng = np.random.default_rng(seed)
    options, columns = [], []
    for number in range(2):
        stock = int(rng.integers(2, 9)) if rng.random() < 0.3 else None
        price = float(rng.integers(1, 9)) / HOUR
        options.append(Option(load_hardware(MACHINES[number]), price, float(rng.integers(200, 900)), stock))
    kinds = [(Role.TOGETHER, ("prompts", "answers")), (Role.PREFILL, ("prompts",)), (Role.DECODE, ("answers",))]
    for number in range(int(rng.integers(2, 5))):
        role, resources = kinds[0] if number == 0 or rng.random() < 0.4 else kinds[int(rng.integers(1, 3))]
        serves = [0, 1] if rng.random() < 0.6 else [int(rng.integers(0, 2))]
        size = int(2 ** rng.integers(0, 3))
        work = {one: {k: float(rng.uniform(0.05, 0.9)) / size for k in serves} for one in resources}
        columns.append(Column(int(rng.integers(0, 2)), role, Layout(tp=size), serves[0], work))
    caps = Caps(chips=int(rng.integers(6, 16)) if rng.random() < 0.3 else None, spare=int(rng.random() < 0.3))
    classes = tuple(requests(name, float(rng.uniform(0.2, 2.5))) for name in ("one", "two"))
    return Demand(classes, tuple(options), caps=caps, gap=0.0), columns


def enumerated_cost(demand, columns):
    plain = [(str(one.role), one.option, one.work) for one in columns]
    prices = [HOUR * one.chips * demand.options[one.option].price for one in columns]
    stock = {number: one.stock for number, one in enumerate(demand.options) if one.stock is not None}
    rates = [one.rates[0] for one in demand.classes]
    most = [int(np.ceil(sum(rates[k] * one.busy(k) for k in one.serves))) + demand.caps.spare for one in columns]
    return enumerated.cheapest(plain, prices, [one.chips for one in columns], most, rates, stock or None,
                               demand.caps.chips, demand.caps.spare)


@pytest.mark.parametrize("batch", range(10))
def test_costs_what_the_best_of_all_combinations_costs(batch):
    found = 0
    for seed in range(40 * batch, 40 * batch + 40):
        demand, columns = drawn(seed)
        program = limited(Program(demand, columns, {0: 1.0, 1: 1.0}))
        fleet, expected = solved(program), enumerated_cost(demand, columns)
        assert (fleet is None) == (expected is None), seed
        if fleet is not None:
            found += 1
            assert fleet.cost == pytest.approx(expected, rel=1e-6), seed
            assert dollars_of(program, fleet) == pytest.approx(fleet.cost, rel=1e-9)
            must_hold(program, fleet)
            assert relaxed(program).cost <= fleet.cost * (1 + 1e-9)
    assert found >= 12


def test_a_wide_program_is_solved_for_promising_columns_and_says_how_far_off_that_may_be(monkeypatch):
    """Every one is wide here: a fleet that holds, no cheaper than the best, which is not below what is said of it."""
    as_good = 0
    for seed in range(500, 580):
        demand, columns = drawn(seed)
        program = limited(Program(demand, columns, {0: 1.0, 1: 1.0}))
        best = solved(program)
        with monkeypatch.context() as wide:
            wide.setattr("steptime.model.solver.fleet.solved.WIDE", 0)
            found = solved(program)
        assert (best is None) == (found is None)
        if best is not None:
            must_hold(program, found)
            assert found.bound <= best.cost * (1 + 1e-6) and best.cost <= found.cost * (1 + 1e-6)
            assert found.gap >= found.cost / best.cost - 1 - 1e-6 or found.cost == pytest.approx(best.cost)
            as_good += found.cost == pytest.approx(best.cost)
    assert as_good >= 40
