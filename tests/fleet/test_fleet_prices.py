"""Prices of limits against programs solved again, and against each other."""

from dataclasses import replace

import demands
import numpy as np
import pytest
from test_program import drawn

from steptime.model.solver.fleet.demand import Caps
from steptime.model.solver.fleet.limits import POWER, STOCK, limited
from steptime.model.solver.fleet.prices import _moved, limits_of, prices_of
from steptime.model.solver.fleet.program import OWNED, Program
from steptime.model.solver.fleet.solve import solve_fleet
from steptime.model.solver.fleet.solved import relaxed, solved


def programs(number):
    """Random programs that have a fleet, some of whose limits bind."""
    found, seed = [], 5000
    while len(found) < number:
        demand, columns = drawn(seed)
        program = limited(Program(demand, columns, {0: 1.0, 1: 1.0}))
        base = relaxed(program)
        fleet = None if base is None else solved(program)
        if fleet is not None:
            found.append((seed, program, base, fleet))
        seed += 1
    return found


def test_a_price_lies_between_the_slopes_and_equals_them_inside_the_basis():
    """200 programs: the dual of HiGHS lies in the interval of the slopes; where both sides agree it is their price, and
    it foretells the cost of a larger step of the same basis."""
    agree, foretold = 0, 0
    for seed, program, base, fleet in programs(200):
        prices = prices_of(program, base, fleet, False, lambda share: None)
        for price, limit in zip(prices, limits_of(program), strict=True):
            less = price.less if price.less is not None else -np.inf
            near = 1e-4 * max(1.0, abs(price.value))
            assert less - near <= price.value <= (np.inf if price.more is None else price.more) + near, seed
            if price.less is None or price.more is None:
                continue
            if abs(price.more - price.less) > near:
                continue
            agree += 1
            assert price.value == pytest.approx(price.more, abs=near)
            far = relaxed(program, _moved(program, limit, 0.01 * limit.at))
            further = relaxed(program, _moved(program, limit, 0.02 * limit.at))
            if far is not None and further is not None:
                bend = further.cost - 2 * far.cost + base.cost
                if abs(bend) < 1e-9 * max(1.0, base.cost):  # one basis all the way
                    foretold += 1
                    assert far.cost - base.cost == pytest.approx(0.01 * limit.at * price.value, abs=1e-6)
    assert agree >= 300 and foretold >= 250


def test_a_stock_that_is_just_used_up_has_an_interval_of_prices():
    """A kink: below it a chip less costs something, above it a chip more is worth nothing."""
    kinks = 0
    for _, program, base, _fleet in programs(40):
        used = [sum(base.values[program.places[OWNED, place]] * column.chips
                    for place, column in enumerate(program.columns) if column.option == number) for number in (0, 1)]
        if program.demand.caps.spare or min(used) < 0.1:
            continue
        options = tuple(replace(option, stock=stock) for option, stock in
                        zip(program.demand.options, (used[0], None), strict=True))
        demand = replace(program.demand, options=options, caps=Caps())
        there = limited(Program(demand, program.columns, {0: 1.0, 1: 1.0}))
        there.upper = [np.inf if name[0] == OWNED else upper
                       for name, upper in zip(there.places, there.upper, strict=True)]
        again = relaxed(there)
        price = prices_of(there, again, _fleet, False, lambda share: None)[0]
        assert price.kind == STOCK
        kinks += price.less < -1e-6 and abs(price.more) < 1e-6
        assert price.less <= price.value + 1e-6 and price.value <= price.more + 1e-6
    assert kinks >= 3


def test_the_cost_of_the_rates_is_their_price_where_nothing_else_binds():
    """The linear program's cost is sum of price times rate: strong duality, without limits of the whole fleet."""
    compared = 0
    for _, program, base, fleet in programs(60):
        demand = program.demand
        if demand.caps.spare or demand.caps.chips or any(option.stock is not None for option in demand.options):
            continue
        tight = any(base.values[place] > upper - 1e-9 for place, upper in enumerate(program.upper))
        if tight:
            continue
        compared += 1
        worth = sum(price.value * price.at for price in prices_of(program, base, fleet, False, lambda share: None))
        assert worth == pytest.approx(base.cost, rel=1e-6)
    assert compared >= 10


def first_price(price):
    return dict(demands.HARDWARE[0], price=price)


def test_a_chip_of_a_stock_that_binds_and_a_megawatt_change_the_cost_as_their_prices_say():
    busy = [dict(demands.CHAT, rate="900 /s"), dict(demands.LONG, rate="60 /s")]

    def answered(stock=None, **changed):
        first, second = demands.HARDWARE
        hardware = [first if stock is None else dict(first, stock=stock), second]
        words = {"class": busy, "hardware": hardware, "efficiency": "ideal", **changed}
        return solve_fleet(demands.demand(**words)).bound

    plenty = answered()
    used = sum(plenty.relaxed.values[plenty.program.places[OWNED, place]] * column.chips
               for place, column in enumerate(plenty.program.columns) if column.option == 0)
    scarce, more = (answered(stock=int(used / 2) + extra) for extra in (0, 1))
    price, next_price = (next(one for one in some.prices if one.kind == STOCK) for some in (scarce, more))
    assert price.value < -1e-3
    saved = more.relaxed.cost - scarce.relaxed.cost  # convex: between the price of a chip before and after it
    assert price.more - 1e-6 <= saved <= next_price.less + 1e-6
    cheap = {"hardware": [first_price("9 $/h"), demands.HARDWARE[1]]}  # dollars prefer what draws more watts
    least, most = answered(minimise="power", **cheap).watts / 1e6, answered(**cheap).watts / 1e6
    assert most > 1.2 * least
    cap = (least + most) / 2
    tight, looser = (answered(limits={"megawatts": cap * factor}, **cheap) for factor in (1.0, 1.01))
    price, next_price = (next(one for one in some.prices if one.kind == POWER) for some in (tight, looser))
    saved, more_watts = looser.relaxed.cost - tight.relaxed.cost, 0.01 * cap * 1e6
    assert price.value < 0
    assert price.more * more_watts - 1e-6 <= saved <= next_price.less * more_watts + 1e-6


def test_a_looser_limit_on_time_saves_what_its_price_says():
    answer = solve_fleet(demands.demand()).bound
    price = next(one for one in answer.prices if one.kind == "max_tpot" and one.of == "chat")
    looser = solve_fleet(demands.demand(**{"class": [dict(demands.CHAT, max_tpot="25.25 ms"), demands.LONG]})).bound
    saved = looser.relaxed.cost - answer.relaxed.cost
    assert price.more <= 0
    assert saved <= price.more * 0.25e-3 * (1 - 1e-6) + 1e-9  # other layouts can only save more
    assert saved == pytest.approx(price.more * 0.25e-3, rel=0.05, abs=1e-6)
