"""Chapter 1 in numbers, third part: intervals and waits, throughput, the price of speed, sparsity, drafts."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.batch.batch import best_batch
from steptime.derivations.batch.claims import at, chip, computed, deepseek, near
from steptime.derivations.batch.drafts import draft_limit, draft_limit_short, expected
from steptime.derivations.batch.sparsity import capacity_of_sparsity, dense_equivalent, routed
from steptime.derivations.batch.speed import price, share_by_price, slow_mode, speed_bound, speed_by_price
from steptime.derivations.batch.symbols import optimal_batch, speed_price, speed_up, weights_share
from steptime.derivations.claims import Claim, Wording
from steptime.model import symbols as q

from steptime.derivations.batch.serving import (  # isort: skip
    compute_throughput, drain, drain_throughput, full_memory, mean_wait, throughput_gap, worst_wait,
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
    return {q.step_time: at(drain.result.rhs, chip("h100-sxm", "fp8"))}


def rubin() -> Mapping[Symbol, float]:
    """DeepSeek-V3 on a VR200 NVL72 of the catalogue, with its optimal batch."""
    values = deepseek("vr200-nvl72", 72)
    return {**values, optimal_batch: at(best_batch.result.rhs, values)}


def revealed() -> Mapping[Symbol, float]:
    """The weights' share of the step that the price of the fast service reveals."""
    return {**FAST_SERVICE, weights_share: at(share_by_price.result.rhs, FAST_SERVICE)}


def mean_of_arrivals(step: float, number: int = 1000) -> float:
    """The mean time to a token of so many requests, each in the middle of its part of an interval."""
    waits = [step * (1 - (place + 0.5) / number) for place in range(number)]
    return sum(wait + step for wait in waits) / number


INTERVALS = (
    computed("1.9", "Rubin, 288 GB at 20 TB/s as on the board: about 15 ms", 0.015, drain.result.rhs,
             lambda: RUBIN_ON_BOARD, Wording.ABOUT, unit="s"),
    computed("1.9", "Rubin of the catalogue: about 15 ms", 0.015, drain.result.rhs,
             lambda: chip("vr200-nvl72", "fp8"), Wording.ABOUT, unit="s"),
    *(
        computed(
            "1.9",
            f"drain time of {name}: 20 ms-ish",
            0.020,
            drain.result.rhs,
            partial(chip, name, precision),
            Wording.ISH,
            unit="s",
            must=lambda found: 0.024 < found < 0.043,
        )
        for name, precision in DRAINED
    ),
    computed("1.10", "longest time to a token, steps of 20 ms", 0.040, worst_wait.result.rhs, lambda: INTERVAL,
             unit="s"),
    computed("1.10", "mean time to a token, steps of 20 ms: that of 1000 arrivals, one by one", None,
             mean_wait.result.rhs, lambda: INTERVAL, unit="s",
             must=lambda found: abs(found / mean_of_arrivals(INTERVAL[q.step_time]) - 1) < 1e-9),
    computed("1.10", "longest time to a token, steps at the drain time of an H100: twice 20 ms-ish", 0.040,
             worst_wait.result.rhs, h100_interval, Wording.ISH, unit="s"),
)  # fmt: skip
THROUGHPUT = (
    computed("1.11", "2000 x 64, about 128k tokens per second and domain: one batch of 2000 per drain time of Rubin",
             128e3, drain_throughput.result.rhs, lambda: RUBIN_ON_BOARD, Wording.ABOUT, unit="1/s"),
    computed("1.11", "the same with DeepSeek-V3's optimal batch on a VR200 NVL72 of the catalogue", 128e3,
             drain_throughput.result.rhs, rubin, Wording.ABOUT, unit="1/s"),
    computed("1.11", "the other form, E F/(2 N_a), for DeepSeek-V3 without KV cache on that domain: above the first",
             None, compute_throughput.result.rhs, rubin, unit="1/s",
             must=lambda found: found > at(drain_throughput.result.rhs, rubin())),
    computed("1.11", "the first form over the second: the share of the memory that 671 GB fill of 72 x 288 GB", None,
             throughput_gap.result.rhs, rubin, must=lambda found: near(found, 671e9 / (72 * 288e9))),
)  # fmt: skip
SPEED = (
    computed("1.12", "6 times the price for 2.5 times the speed: the weights' share of the step", 0.357,
             share_by_price.result.rhs, lambda: FAST_SERVICE),
    computed("1.12", "the most speed-up at any price, at that share: above what is sold", None, speed_bound.result.rhs,
             revealed, must=lambda found: found > FAST_SERVICE[speed_up]),
    computed("1.12", "the speed-up at 100 times the price: within a hundredth of the most, and below it", None,
             speed_by_price.result.rhs, lambda: {**revealed(), speed_price: 100.0},
             must=lambda found: 0.99 < found / at(speed_bound.result.rhs, revealed()) < 1),
    computed("1.12", "a slow mode at a thousandth of the speed: its price over the floor, at that share", None,
             price.result.rhs / slow_mode.result.rhs, lambda: {**revealed(), speed_up: 1e-3},
             must=lambda found: 1 < found < 1.001),
)  # fmt: skip
SPARSITY = (
    computed("1.13", "sequences that 32 H100 hold beside the weights, over the optimal batch: it can still grow", None,
             full_memory.result.rhs / best_batch.result.rhs, deepseek, must=lambda found: found > 1),
    computed("1.13", "H100s that hold the weights of DeepSeek-V3 at fp8: capacity is what sparsity costs", None,
             capacity_of_sparsity.result.rhs, deepseek, must=lambda found: 7 < found < 8),
    *(
        computed("1.13", f"64 experts at 370M active weights, routed by {router}: dense weights of equal loss", 1.3e9,
                 dense_equivalent.result.rhs, partial(routed, router), Wording.ABOUT,
                 must=lambda found: 370e6 < found < 64 * 370e6)
        for router in ("S-BASE", "RL-R", "HASH")
    ),
    computed("1.13", "64 times the experts for about 4 times the dense weights (S-BASE)", 4.0,
             dense_equivalent.result.rhs / q.active_parameters, routed, Wording.ABOUT),
)  # fmt: skip


def draft_claims(chance: float, drafted: int) -> tuple[Claim, Claim]:
    """Tokens of a pass against the sum of the chances; the limit with KV cache against that without."""
    values: dict[Symbol, float] = {q.acceptance: chance, q.drafts: float(drafted)}
    kept = sum(chance**i for i in range(drafted + 1))

    def on_h100() -> Mapping[Symbol, float]:
        return {**deepseek(), **values, q.tokens_per_pass: at(expected.result.rhs, values)}

    what = f"acceptance {chance}, {drafted} draft{'s' if drafted > 1 else ''}"
    return (
        computed("1.14", f"{what}: expected tokens of a pass, the chances summed one by one", None,
                 expected.result.rhs, lambda: values, must=lambda found: abs(found / kept - 1) < 1e-9),
        computed("1.14", f"{what}: batch above which DeepSeek-V3 on H100 gains nothing, context 1000, above that of 0",
                 None, draft_limit.result.rhs, on_h100,
                 must=lambda found: found > at(draft_limit_short.result.rhs, on_h100())),
    )  # fmt: skip


DRAFTS = tuple(
    claim for chance in (0.7, 0.8, 0.9) for drafted in (1, 2, 3, 4) for claim in draft_claims(chance, drafted)
)
DERIVATIONS = ()
CLAIMS = (*INTERVALS, *THROUGHPUT, *SPEED, *SPARSITY, *DRAFTS)
