"""Chapter 1 in numbers, first part: the terms, the latency floor, the cost of batch one, the ridge of every chip."""

from collections.abc import Callable, Mapping
from functools import cache, partial

from sympy import Expr, Symbol

from steptime.derivations.batch.batch import batch_one
from steptime.derivations.batch.floor import cost_floor
from steptime.derivations.batch.serving import drain
from steptime.derivations.batch.symbols import ridge
from steptime.derivations.board import numbers
from steptime.derivations.claims import Claim, Source, Wording
from steptime.model import symbols as q
from steptime.model.layout.layout import Layout
from steptime.model.phases.decode import blackboard
from steptime.model.scenario import Scenario

from steptime.derivations.batch.terms import (  # isort: skip
    compute_term, latency_floor, memory_cost, memory_term, ridge_batch,
)  # fmt: skip

Values = Callable[[], Mapping[Symbol, float]]
BY_HAND = 0.02
"""How near a check by hand comes, with 37e9 active weights for 36.6e9."""


def always(value: float) -> bool:
    """No bound of our own."""
    return True


def computed(
    row: str,
    statement: str,
    said: float | None,
    formula: Expr,
    values: Values,
    wording: Wording = Wording.EXACT,
    unit: str = "",
    must: Callable[[float], bool] = always,
) -> Claim:
    """A claim that evaluates a formula at numbers, and shows those that went in; a check of our own where nobody said
    a number."""

    def inputs() -> Mapping[str, float | str]:
        found, names = values(), sorted(symbol.name for symbol in formula.free_symbols)
        return {name: found[Symbol(name, positive=True)] for name in names}

    source = Source.OWN if said is None else Source.LECTURE
    return Claim(row, statement, said, lambda: at(formula, values()), inputs, wording, source, unit, must)


def at(formula: Expr, values: Mapping[Symbol, float]) -> float:
    """A formula at numbers."""
    return float(Scenario(values).evaluate(formula))


def near(found: float, by_hand: float) -> bool:
    """Whether a number is what the board's rounded ones give by hand."""
    return abs(found / by_hand - 1) < BY_HAND


@cache
def deepseek(hardware: str = "h100-sxm", chips: int = 32, kv: str = "bf16") -> Mapping[Symbol, float]:
    """DeepSeek-V3 at fp8 with every expert read, context 1000, 64 sequences a chip, and the ridge that follows."""
    layout, batch = Layout(dp=chips, ep=chips), 64 * chips
    values = numbers("deepseek-v3", hardware, layout=layout, context=1000, batch=batch, experts="all", kv=kv)
    return {**values, ridge: Scenario(values).evaluate(ridge_batch.result.rhs)}


@cache
def chip(name: str, precision: str) -> Mapping[Symbol, float]:
    """The figures of one chip of the catalogue, weights and activations at one precision."""
    from steptime.model.catalog.hardware import load_hardware
    from steptime.model.precision import BYTES

    found = load_hardware(name)
    return {
        q.peak_flops: found.peak(precision),
        q.memory_bandwidth: found.figures["memory_bandwidth"].value,
        q.memory_capacity: found.figures["memory_capacity"].value,
        q.bytes_per_weight: BYTES[precision],
        q.flops_per_mac: 2.0,
    }


def changed(values: Values, changes: Mapping[Symbol, float]) -> Values:
    """The same numbers with some of them changed."""
    return lambda: {**values(), **changes}


def floor_claim(what: str, hardware: str, chips: int) -> Claim:
    """The latency floor of DeepSeek-V3 on so many chips; weights that fit are read in less than the drain time."""

    def values() -> Mapping[Symbol, float]:
        return deepseek(hardware, chips)

    return computed(
        "1.2",
        f"the least step time of DeepSeek-V3 at fp8 on {what}",
        None,
        latency_floor.result.rhs,
        values,
        unit="s",
        must=lambda found: 0 < found < Scenario(values()).evaluate(drain.result.rhs),
    )


RIDGES = (
    ("a100-sxm-80gb", "bf16"),
    ("h100-sxm", "bf16"),
    ("h100-sxm", "fp8"),
    ("h200-sxm", "fp8"),
    ("b200-sxm", "bf16"),
    ("b200-sxm", "fp8"),
    ("b200-sxm", "fp4"),
    ("gb200-nvl72", "fp8"),
    ("b300-sxm", "fp8"),
    ("b300-sxm", "fp4"),
    ("gb300-nvl72", "fp4"),
    ("vr200-nvl72", "bf16"),
    ("vr200-nvl72", "fp8"),
    ("vr200-nvl72", "fp4"),
    ("mi300x", "bf16"),
    ("mi355x", "fp8"),
    ("tpuv5e", "bf16"),
    ("tpuv5p", "bf16"),
    ("tpuv6e", "bf16"),
    ("tpu7x", "fp8"),
    ("trainium2", "bf16"),
)
"""Chips and precisions; the lecture takes a ridge of about 300 for every generation."""

TERMS = (
    computed("1.1", "active weights of DeepSeek-V3", 37e9, q.active_parameters, deepseek),
    computed("1.1", "all weights of DeepSeek-V3", 671e9, q.parameters, deepseek),
    computed(
        "1.1", "all weights of DeepSeek-V3, as rounded on the board", 700e9, q.parameters, deepseek, Wording.ABOUT
    ),
    computed(
        "1.1",
        "compute time of 2048 sequences of DeepSeek-V3, context 1000, 32 H100: by hand with the board's 37e9 weights",
        None,
        compute_term.result.rhs,
        deepseek,
        unit="s",
        must=lambda found: near(found, 2 * 2048 * 37e9 / (32 * 1979e12)),
    ),
    computed(
        "1.1",
        "memory time of the same step: by hand with the board's 671e9 weights and 70,272 bytes of KV cache per token",
        None,
        memory_term.result.rhs,
        deepseek,
        unit="s",
        must=lambda found: near(found, (671e9 + 2048 * 1000 * 70272) / (32 * 3.35e12)),
    ),
    computed(
        "1.1",
        "the compute time with attention's multiply-adds, over that without: less than a quarter more at context 1000",
        None,
        compute_term.lines[1].rhs / compute_term.result.rhs,
        deepseek,
        must=lambda found: 1 < found < 1.25,
    ),
    computed(
        "1.1",
        "the memory time with the one token written, over that without: less than one part of the context's 1000 more",
        None,
        memory_term.lines[1].rhs / memory_term.result.rhs,
        deepseek,
        must=lambda found: 1 < found < 1.001,
    ),
    computed(
        "1.1",
        "the memory time with attention's weights replicated, as in dp=32, over perfect sharding: less than twice",
        None,
        blackboard.memory.time / memory_term.lines[1].rhs,
        deepseek,
        must=lambda found: 1 < found < 2,
    ),
)
BATCH_ONE = (
    computed(
        "1.3",
        "batch one costs of the order of 1000 times the floor: no KV cache",
        1000.0,
        batch_one.result.rhs,
        deepseek,
        Wording.ORDER,
        must=lambda found: found > 100,
    ),
    computed(
        "1.3",
        "batch one over the floor at context 1000, where KV cache is still below compute",
        1000.0,
        memory_cost.result.rhs / cost_floor.result.rhs,
        changed(deepseek, {q.micro_batch: 1.0}),
        Wording.ORDER,
        must=lambda found: found > 100,
    ),
)
CLAIMS = (
    *TERMS,
    floor_claim("one GB200 NVL72", "gb200-nvl72", 72),
    floor_claim("8 H100", "h100-sxm", 8),
    *BATCH_ONE,
    *(
        computed(
            "1.4",
            f"ridge of {name} at {precision}: about 300",
            300.0,
            ridge_batch.result.rhs,
            partial(chip, name, precision),
            Wording.ABOUT,
            must=lambda found: 10 < found < 1000,
        )
        for name, precision in RIDGES
    ),
    computed("1.4", "where it deviates: A100", 153.0, ridge_batch.result.rhs, lambda: chip("a100-sxm-80gb", "bf16")),
)
DERIVATIONS = ()
