"""Chapter 5, prices: output tokens against input tokens."""

from collections.abc import Mapping
from functools import partial

from sympy import Integer

from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_
from steptime.derivations.claims import Claim
from steptime.derivations.prices import passes
from steptime.derivations.prices.numbers import LECTURE, V3, v3
from steptime.derivations.prices.symbols import output_price_ratio
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, chip_second_price, compute_time, context, kv_bytes, kv_written, memory_bandwidth, micro_batch,
    parameters_read, pass_tokens,
)  # fmt: skip

pass_cost = Derivation(
    name="pass-memory-cost",
    title="Cost of a token where memory binds, several tokens a pass",
    rows=("5.3",),
    claim="All that a pass streams is shared by its tokens: a long prefill hardly pays for memory.",
    start=equation(token_cost, passes.cost_per_token(passes.memory_time, pass_tokens)),
    steps=(
        Step(
            "at the peak, perfectly sharded, without the tokens written",
            substitute(PEAK[1], PERFECT_SHARDS[1], PERFECT_SHARDS[2], is_(kv_written, 0)),
            equation(
                token_cost,
                chip_second_price
                * (bytes_per_weight * parameters_read / micro_batch + kv_bytes * context)
                / (pass_tokens * memory_bandwidth),
            ),
        ),
    ),
    assumes=("all tokens of a pass read weights and KV cache together",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

output_price = Derivation(
    name="output-price",
    title="Price of output over price of input",
    rows=("5.3",),
    claim="If prices follow costs, output over input tells how much longer decode reads than it computes.",
    start=equation(
        output_price_ratio,
        passes.cost_per_token(memory_time, Integer(1)) / passes.cost_per_token(compute_time * pass_tokens, pass_tokens),
    ),
    steps=(
        Step(
            "chips, price and batch are the same",
            identity(),
            equation(output_price_ratio, memory_time / compute_time),
        ),
        Step(
            "solve for the memory time of decode",
            solve_for(memory_time),
            equation(memory_time, output_price_ratio * compute_time),
        ),
    ),
    assumes=("prices follow costs", "decode is bound by memory, prefill by compute", "the same chips and batch"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

compute_bound_pass = Derivation(
    name="compute-bound-pass",
    title="Tokens from which a pass is bound by compute",
    rows=("5.3",),
    claim="The ratio of prices is also the number of tokens a pass needs to be bound by compute.",
    start=equation(passes.compute_time_of(compute_time), memory_time),
    steps=(
        Step(
            "memory time by the ratio of prices",
            substitute(output_price.result),
            equation(compute_time * pass_tokens, output_price_ratio * compute_time),
        ),
        Step(
            "solve for the tokens",
            solve_for(pass_tokens),
            equation(pass_tokens, output_price_ratio),
        ),
    ),
    assumes=("prices follow costs", "decode is bound by memory, prefill by compute", "the same chips and batch"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

DERIVATIONS = (pass_cost, output_price, compute_bound_pass)


def list_price_ratio(model: str) -> float:
    """Published price of output over that of input."""
    from steptime.model.catalog.economy import number

    return number("token_price", model, "output") / number("token_price", model, "input")


def memory_over_compute(ratio: float) -> float:
    """Memory time of decode in units of its compute time."""
    return float(Scenario({output_price_ratio: ratio, compute_time: 1.0}).evaluate(output_price.result.rhs))


def listed_memory_over_compute(model: str) -> float:
    """What the published prices of a model say of its decode."""
    return memory_over_compute(list_price_ratio(model))


def listed(model: str) -> Mapping[str, float | str]:
    from steptime.model.catalog.economy import number

    return {"model": model, **{key: number("token_price", model, key) for key in ("input", "output")}}


def board_inputs() -> Mapping[str, float | str]:
    return {"model": "deepseek-v3", "hardware": "h100-sxm", "batch": 2048.0, "context": 1000.0, "chips": 32.0}


CLAIMS = (
    *(
        Claim(
            "5.3",
            f"decode memory time over compute time, if the prices of {model} follow costs",
            5.0,
            partial(listed_memory_over_compute, model),
            partial(listed, model),
        )
        for model in ("claude-opus-5", "gpt-5.5", "gemini-2.5-pro", "grok-4.5", "gpt-4.1", "deepseek-v4-flash")
    ),
    Claim(
        "5.3",
        "decode memory time over compute time, DeepSeek-V3 on 32 H100",
        5.0,
        lambda: float(v3()[memory_time] / v3()[compute_time]),
        board_inputs,
    ),
    Claim(
        "5.3",
        "tokens from which a pass is bound by compute, DeepSeek-V3 on 32 H100",
        5.0,
        lambda: float(Scenario(v3()).evaluate(compute_bound_pass.result.rhs)),
        board_inputs,
    ),
)
