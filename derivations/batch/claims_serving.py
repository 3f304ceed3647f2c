"""Chapter 1 in numbers, third part: intervals and waits, throughput, the price of speed, sparsity, drafts."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.batch.batch import best_batch
from steptime.derivations.batch.claims import chip, computed, deepseek
from steptime.derivations.batch.drafts import draft_limit, expected
from steptime.derivations.batch.sparsity import capacity_of_sparsity, dense_equivalent, free_sparsity, routed
from steptime.derivations.batch.speed import price, share_by_price, slow_mode, speed_bound, speed_by_price
from steptime.derivations.batch.symbols import optimal_batch, speed_price, speed_up, weights_share
from steptime.derivations.batch.terms import memory_cost
from steptime.derivations.claims import Claim
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.batch.serving import (  # isort: skip
    compute_throughput, drain, drain_throughput, mean_wait, throughput_gap, worst_wait,
)  # fmt: skip

RUBIN_ON_BOARD: Mapping[Symbol, float] = {q.memory_capacity: 288e9, q.memory_bandwidth: 20e12, optimal_batch: 2000.0}
"""The lecture's Rubin, and the optimal batch that it rounds to."""
INTERVAL = {q.step_time: 0.020}
"""The lecture's interval between departures."""
FAST_SERVICE: Mapping[Symbol, float] = {speed_price: 6.0, speed_up: 2.5}
"""A service sold at six times the price for two and a half times the speed."""
DRAINED = (
    ("a100-sxm-80gb", "bf16"),
    ("h100-sxm", "fp8"),
    ("h200-sxm", "fp8"),
    ("b200-sxm", "fp8"),
    ("gb200-nvl72", "fp8"),
    ("b300-sxm", "fp8"),
)


def h100_interval() -> Mapping[Symbol, float]:
    """The drain time of an H100 as the step."""
    return {q.step_time: Scenario(chip("h100-sxm", "fp8")).evaluate(drain.result.rhs)}


def rubin() -> Mapping[Symbol, float]:
    """DeepSeek-V3 on a VR200 NVL72 of the catalogue, with its optimal batch."""
    values = deepseek("vr200-nvl72", 72)
    return {**values, optimal_batch: Scenario(values).evaluate(best_batch.result.rhs)}


def revealed() -> Mapping[Symbol, float]:
    """The weights' share of the step that the price of the fast service reveals."""
    return {**FAST_SERVICE, weights_share: Scenario(FAST_SERVICE).evaluate(share_by_price.result.rhs)}


def tenfold() -> Mapping[Symbol, float]:
    """DeepSeek-V3 with ten times the weights, at the optimal batch that follows."""
    values = {**deepseek(), q.parameters: 10 * deepseek()[q.parameters], q.context: 0.0}
    values[q.parameters_read] = values[q.parameters]
    values[q.micro_batch] = Scenario(values).evaluate(best_batch.result.rhs)
    return values


INTERVALS = (
    computed("1.9", "Rubin, 288 GB at 20 TB/s as on the board: about 15 ms", 0.015, drain.result.rhs,
             lambda: RUBIN_ON_BOARD, unit="s"),
    computed("1.9", "Rubin of the catalogue: about 15 ms", 0.015, drain.result.rhs,
             lambda: chip("vr200-nvl72", "fp8"), unit="s"),
    *(
        computed(
            "1.9",
            f"drain time of {name}: 20 ms-ish (within 30 %)",
            0.020,
            drain.result.rhs,
            partial(chip, name, precision),
            tolerance=0.3,
            unit="s",
            must=lambda found: 0.024 < found < 0.043,
        )
        for name, precision in DRAINED
    ),
    computed("1.10", "longest time to a token, steps of 20 ms", 0.040, worst_wait.result.rhs, lambda: INTERVAL,
             tolerance=1e-9, unit="s"),
    computed("1.10", "mean time to a token for arrivals at random times, steps of 20 ms: 1.5 steps", 0.030,
             mean_wait.result.rhs, lambda: INTERVAL, tolerance=1e-9, unit="s"),
    computed("1.10", "longest time to a token, steps at the drain time of an H100", 0.040, worst_wait.result.rhs,
             h100_interval, unit="s"),
)  # fmt: skip
THROUGHPUT = (
    computed("1.11", "2000 x 64, about 128k tokens per second and domain: one batch of 2000 per drain time of Rubin",
             128e3, drain_throughput.result.rhs, lambda: RUBIN_ON_BOARD, tolerance=0.1, unit="1/s"),
    computed("1.11", "the same with DeepSeek-V3's optimal batch on a VR200 NVL72 of the catalogue", 128e3,
             drain_throughput.result.rhs, rubin, tolerance=0.1, unit="1/s"),
    computed("1.11", "the other form, E F/(2 N_a): DeepSeek-V3 without KV cache on that domain", 128e3,
             compute_throughput.result.rhs, rubin, tolerance=0.1, unit="1/s"),
    computed("1.11", "the first form over the second: the share of the memory that the weights fill", None,
             throughput_gap.result.rhs, rubin, must=lambda found: 0 < found < 1),
)  # fmt: skip
SPEED = (
    computed("1.12", "6 times the price for 2.5 times the speed: the weights' share of the step", 0.357,
             share_by_price.result.rhs, lambda: FAST_SERVICE, tolerance=0.001),
    computed("1.12", "that share put back: the price of 2.5 times the speed", 6.0, price.result.rhs, revealed,
             tolerance=1e-9),
    computed("1.12", "the most speed-up at any price, at that share", 2.8, speed_bound.result.rhs, revealed,
             tolerance=1e-9),
    computed("1.12", "the speed-up at 100 times the price: near 1/w", 2.8, speed_by_price.result.rhs,
             lambda: {**revealed(), speed_price: 100.0}, tolerance=0.01, must=lambda found: found < 2.8),
    computed("1.12", "a slow mode at a thousandth of the speed: price over the floor, at that share", 1.0,
             price.result.rhs / slow_mode.result.rhs, lambda: {**revealed(), speed_up: 1e-3}, tolerance=0.01,
             must=lambda found: found > 1),
)  # fmt: skip
SPARSITY = (
    computed("1.13", "cost of a token at the optimal batch with ten times the weights, over that of compute", 1.0,
             memory_cost.result.rhs / free_sparsity.result.rhs, tenfold, tolerance=1e-9,
             must=lambda found: abs(found - 1) < 1e-9),
    computed("1.13", "H100s that hold the weights of DeepSeek-V3 at fp8: capacity is what sparsity costs", None,
             capacity_of_sparsity.result.rhs, deepseek, must=lambda found: 7 < found < 8),
    *(
        computed("1.13", f"64 experts at 370M active weights, routed by {router}: dense weights of equal loss", 1.3e9,
                 dense_equivalent.result.rhs, partial(routed, router),
                 tolerance=0.1, must=lambda found: 370e6 < found < 64 * 370e6)
        for router in ("S-BASE", "RL-R", "HASH")
    ),
    computed("1.13", "64 times the experts for about 4 times the dense weights (S-BASE)", 4.0,
             dense_equivalent.result.rhs / q.active_parameters, routed, tolerance=0.15),
)  # fmt: skip


def draft_claims(chance: float, drafted: int) -> tuple[Claim, Claim]:
    """Tokens of a pass against the sum of the chances, and the limit against the optimal batch."""
    values: dict[Symbol, float] = {q.acceptance: chance, q.drafts: float(drafted)}
    kept = sum(chance**i for i in range(drafted + 1))

    def short() -> Mapping[Symbol, float]:
        return {**deepseek(), **values, q.tokens_per_pass: Scenario(values).evaluate(expected.result.rhs)}

    what = f"acceptance {chance}, {drafted} draft{'s' if drafted > 1 else ''}"
    return (
        computed("1.14", f"{what}: expected tokens of a pass, against the chances summed", kept, expected.result.rhs,
                 lambda: values, tolerance=1e-9, must=lambda found: abs(found / kept - 1) < 1e-9),
        computed("1.14", f"{what}: batch above which DeepSeek-V3 on H100 gains nothing, context 1000", None,
                 draft_limit.result.rhs, short, must=lambda found: found > 0),
    )  # fmt: skip


DRAFTS = tuple(
    claim for chance in (0.7, 0.8, 0.9) for drafted in (1, 2, 3, 4) for claim in draft_claims(chance, drafted)
)
DERIVATIONS = ()
CLAIMS = (*INTERVALS, *THROUGHPUT, *SPEED, *SPARSITY, *DRAFTS)
