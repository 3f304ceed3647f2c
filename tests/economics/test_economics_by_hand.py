"""Dollars, joules, utilisation, tokens of training: formulas against sums worked by hand, without the derivations."""

import pytest
from sympy import Expr, Integer, Symbol

from steptime.model import symbols as q
from steptime.model.economics import cache, cost, machine, scaling, utilisation
from steptime.model.economics.budget import training_budget
from steptime.model.scenario import Scenario

TIER = {q.kv_bytes: 100.0, q.tier_capacity: 1000.0, q.tier_second_price: 2.0, q.tier_bandwidth: 50.0,
        q.link_bandwidth: 25.0, q.chip_second_price: 3.0, q.hold_time: 7.0, q.memory_capacity: 400.0}  # fmt: skip
MACHINE = {q.capacity_needed: 240.0, q.stack_capacity: 24.0, q.machine_flops: 1e6, q.flops_price: 2e-6, q.stacks: 10.0,
           q.stack_price: 5.0, q.machine_link_bandwidth: 300.0, q.link_price: 0.1, q.machine_scale_out_bandwidth: 40.0,
           q.scale_out_price: 0.25, q.base_cost: 8.0, q.flops_energy: 3e-6, q.stack_power: 0.7, q.link_energy: 0.01,
           q.scale_out_energy: 0.05, q.base_power: 11.0, q.machine_life: 50.0, q.electricity_price: 0.5}  # fmt: skip
RUN = {q.chips: 4.0, q.peak_flops: 100.0, q.step_time: 5.0, q.batch: 8.0, q.model_flops: 100.0, q.power: 7.0,
       q.recomputed_flops: 25.0, q.memory_bandwidth: 30.0, q.chip_hour_price: 3.0, q.hour: 3600.0, q.million: 1e6,
       q.training_tokens: 864e6, q.tokens_per_second: 1000.0, q.dollars_per_million_tokens: 2.5}  # fmt: skip
LAW = {q.active_parameters: 16.0, q.pretraining_tokens: 81.0, q.size_coefficient: 8.0, q.size_exponent: 0.5,
       q.data_coefficient: 9.0, q.data_exponent: 0.25, q.decode_efficiency: 0.5, q.served_tokens: 600.0}  # fmt: skip

BY_HAND = {
    "a tenth of a tier of 2 $/s for 7 s": (cache.hold, TIER, 1.4),
    "3 $/s for the 4 s that 100 B take at 25 B/s": (cache.wait, TIER, 12.0),
    "the tier's 2 $/s for the 2 s that 100 B take at 50 B/s": (cache.read, TIER, 4.0),
    "read and wait": (cache.fetch, TIER, 16.0),
    "a quarter of the chip's own memory at 3 $/s for 7 s": (cache.hold.xreplace(cache.IN_CHIP), TIER, 5.25),
    "240 B in stacks of 24": (machine.stacks_for_bytes, MACHINE, 10.0),
    "8 + 2 + 50 + 30 + 10 dollars": (machine.stacked_spend, MACHINE, 100.0),
    "11 + 3 + 7 + 3 + 2 watts": (machine.stacked_power, MACHINE, 26.0),
    "100 $ over 50 s and 26 W at 0.5 $/J": (machine.running_cost, MACHINE, 15.0),
    "8 tokens in 5 s": (cost.throughput, RUN, 1.6),
    "a token of each sequence in 5 s": (cost.speed, RUN, 0.2),
    "4 chips at 3 $/h for 5 s, over 8 tokens": (cost.cost_per_token, RUN, 60 / 3600 / 8),
    "a million of them": (cost.cost_per_million_tokens, RUN, 60e6 / 3600 / 8),
    "4 chips at 7 W for 5 s, over 8 tokens": (cost.energy_per_token, RUN, 17.5),
    "4 chips of 100 FLOP/s for 5 s": (utilisation.peak_of_chips, RUN, 2000.0),
    "MFU: 8 sequences of 100 FLOP of 2000": (utilisation.model_flops_utilisation(q.model_flops), RUN, 0.4),
    "HFU: 8 sequences of 125 FLOP of 2000": (utilisation.hardware_flops_utilisation, RUN, 0.5),
    "MBU: 90 B of 30 B/s for 5 s": (utilisation.memory_bandwidth_utilisation(Integer(90)), RUN, 0.6),
    "864e6 tokens at 1000/s are ten days": (utilisation.run_days, RUN, 10.0),
    "864 million tokens at 2.5 $": (utilisation.run_dollars, RUN, 2160.0),
    "8/sqrt(16) nats": (scaling.loss_of_size, LAW, 2.0),
    "9/81^(1/4) nats": (scaling.loss_of_data, LAW, 3.0),
    "600 served tokens at 0.5, 2 FLOP against 6": (scaling.tokens_at_equal_compute, LAW, 400.0),
    "3*0.5*81*(0.5*2/(0.25*3) - 1)": (scaling.served_at_optimum, LAW, 40.5),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    formula, numbers, expected = BY_HAND[name]
    assert value(formula, numbers) == pytest.approx(expected, rel=1e-12)


def value(formula: Expr, numbers: dict[Symbol, float]) -> float:
    return float(Scenario(numbers).evaluate(formula))


def test_a_served_token_moves_the_optimum_as_its_flop_do() -> None:
    """At the optimum the marginal FLOP per nat of weights and of tokens are equal: 6ND + 2NS/η under A/N^a + B/D^b,
    slopes by finite differences."""
    at = dict(LAW)
    served = value(scaling.served_at_optimum, at)

    def flops(n: float, d: float) -> float:
        return 6 * n * d + 2 * n * served / at[q.decode_efficiency]

    def loss(n: float, d: float) -> float:
        return 8.0 * n**-0.5 + 9.0 * d**-0.25

    n, d, step = 16.0, 81.0, 1e-6
    by_weights = (flops(n * (1 + step), d) - flops(n, d)) / (loss(n, d) - loss(n * (1 + step), d))
    by_tokens = (flops(n, d * (1 + step)) - flops(n, d)) / (loss(n, d) - loss(n, d * (1 + step)))
    assert by_weights == pytest.approx(by_tokens, rel=1e-5)


def test_three_budgets_of_tokens() -> None:
    """Hoffmann et al. 2022: 20 tokens a weight; equal compute: served/(3 η); the optimum put back serves as many."""
    fit = {symbol: LAW[symbol] for symbol in (q.size_coefficient, q.size_exponent, q.data_coefficient, q.data_exponent)}
    fit = fit | {q.data_coefficient: 400.0, q.size_coefficient: 400.0}
    found = training_budget(1e9, 3e12, 0.5, {"a": fit})
    assert (found.cheapest_training, found.equal_compute) == (pytest.approx(2e10), pytest.approx(2e12))
    there = {**fit, q.active_parameters: 1e9, q.decode_efficiency: 0.5, q.pretraining_tokens: found.optimum["a"]}
    assert value(scaling.served_at_optimum, there) == pytest.approx(3e12, rel=1e-9)


@pytest.mark.parametrize("served", [1e60, 0.0])
def test_no_optimum_beyond_the_search(served: float) -> None:
    """With ever more tokens served the optimum leaves the range that is searched, and is not reported from its edge;
    with none served there is one: 6ND alone."""
    fit = {q.size_coefficient: 400.0, q.size_exponent: 0.34, q.data_coefficient: 400.0, q.data_exponent: 0.28}
    optimum = training_budget(1e9, served, 0.5, {"a": fit}).optimum["a"]
    assert (optimum is None) == (served > 0)
