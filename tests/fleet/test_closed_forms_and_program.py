"""The closed forms of `model/fleet` are what the program gives where groups come in parts."""

import numpy as np
import pytest

from steptime.model.catalog.hardware import load_hardware
from steptime.model.fleet import mixes, prices, split
from steptime.model.fleet import symbols as f
from steptime.model.layout.layout import Layout
from steptime.model.scenario import Scenario
from steptime.model.solver.fleet.columns import ANSWERS, PROMPTS, Column
from steptime.model.solver.fleet.demand import HOUR, Demand, Law, Option, Requests, Role
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.program import OWNED, Program
from steptime.model.solver.fleet.solved import relaxed
from steptime.model.step.inputs import Inputs

NEAR = 1e-5  # the program leaves two millionths of each group free


def program_of(columns, rates, dollars):
    """Classes with so many requests a second, machines at so many dollars a chip and second."""
    names = ("h100-sxm", "h200-sxm")
    classes = [Requests(f"class {k}", None, Inputs(), (rate,), Law((1000.0,)), Law((200.0,)))
               for k, rate in enumerate(rates)]
    options = [Option(load_hardware(name), price, 700.0) for name, price in zip(names, dollars, strict=False)]
    return limited(Program(Demand(tuple(classes), tuple(options)), columns, dict.fromkeys(range(len(rates)), 1.0)))


def whole(option, work):
    """A chip that serves whole requests: so many chip-seconds of each class."""
    return Column(option, Role.TOGETHER, Layout(), 0, {PROMPTS: work, ANSWERS: work})


def used(program, found, option):
    return sum(found.values[program.places[OWNED, place]] for place, column in enumerate(program.columns)
               if column.option == option)


def test_one_class_never_mixes_and_the_break_even_ratio_decides():
    rng = np.random.default_rng(1)
    for _ in range(100):
        rate_a, rate_b, price_b = rng.uniform(0.5, 9.0, 3)
        even = float(Scenario({f.rate_a: rate_a, f.rate_b: rate_b}).evaluate(prices.break_even))
        for factor, option in ((0.999, 0), (1.001, 1)):
            columns = [whole(0, {0: 1 / rate_a}), whole(1, {0: 1 / rate_b})]
            program = program_of(columns, [50.0], (factor * even * price_b, price_b))
            found = relaxed(program)
            assert used(program, found, 1 - option) == pytest.approx(0, abs=1e-9)
            dollars = {f.price_a: factor * even * price_b, f.price_b: price_b}
            cost = Scenario({**dollars, f.rate_a: rate_a, f.rate_b: rate_b})
            each = min(cost.evaluate(prices.cost_on_a), cost.evaluate(prices.cost_on_b))
            assert found.cost == pytest.approx(HOUR * 50.0 * each, rel=NEAR)


def test_two_classes_mix_exactly_where_the_price_ratio_lies_between_their_rates():
    rng = np.random.default_rng(2)
    mixed = 0
    for _ in range(200):
        on_a, on_b, price_a, price_b = rng.uniform(0.2, 5.0, 2), rng.uniform(0.2, 5.0, 2), *rng.uniform(0.5, 3.0, 2)
        demands = rng.uniform(1.0, 40.0, 2)
        columns = [whole(0, dict(enumerate(on_a))), whole(1, dict(enumerate(on_b)))]
        program = program_of(columns, demands, (price_a, price_b))
        found = relaxed(program)
        advantage = on_b / on_a  # mu_A over mu_B
        expected = advantage.min() < price_a / price_b < advantage.max()
        both = used(program, found, 0) > 1e-6 and used(program, found, 1) > 1e-6
        assert both == expected
        mixed += both
        first, second = (0, 1) if advantage[0] > advantage[1] else (1, 0)  # of the mix, the first class on A
        costs = {f.demand_one: demands[first], f.demand_two: demands[second], f.price_a: price_a, f.price_b: price_b,
                 f.rate_a_one: 1 / on_a[first], f.rate_b_one: 1 / on_b[first],
                 f.rate_a_two: 1 / on_a[second], f.rate_b_two: 1 / on_b[second]}
        least = min(float(Scenario(costs).evaluate(one)) for one in (mixes.all_on_a, mixes.all_on_b, mixes.one_on_each))
        assert found.cost == pytest.approx(HOUR * least, rel=NEAR)
    assert mixed >= 40


def test_prefill_to_decode_is_as_the_balanced_ratio_says():
    rng = np.random.default_rng(3)
    for _ in range(100):
        prefill, decode, price_a, price_b, rate = rng.uniform(0.1, 4.0, 5)
        load_p, load_d = rng.uniform(0.3, 0.95, 2)
        columns = [Column(0, Role.PREFILL, Layout(), 0, {PROMPTS: {0: prefill / load_p}}),
                   Column(1, Role.DECODE, Layout(), 0, {ANSWERS: {0: decode / load_d}})]
        program = program_of(columns, [rate], (price_a, price_b))
        found = relaxed(program)
        numbers = {f.prefill_work: prefill, f.decode_work: decode, f.prefill_load: load_p, f.decode_load: load_d}
        ratio = float(Scenario(numbers).evaluate(split.balanced))
        assert used(program, found, 0) / used(program, found, 1) == pytest.approx(ratio, rel=NEAR)
        chips = {f.prefill_chips: used(program, found, 0), f.decode_chips: used(program, found, 1)}
        assert float(Scenario(numbers | chips).evaluate(split.served)) == pytest.approx(rate, rel=NEAR)
        assert float(Scenario(numbers | chips).evaluate(split.best_of_all)) == pytest.approx(rate, rel=NEAR)
