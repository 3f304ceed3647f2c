"""Chapter 5, prices: output tokens against input tokens."""

from collections.abc import Mapping
from functools import partial

from sympy import S

from steptime.derivations.axioms import PAID_THROUGHOUT, PRICED_AT_COST
from steptime.derivations.batch.symbols import memory_time, token_cost
from steptime.derivations.batch.terms import compute_term, memory_term
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Compared, Crossing, Line, Modelled, given, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.prices import formulas, passes
from steptime.derivations.prices.numbers import LECTURE, V3, v3
from steptime.derivations.prices.symbols import output_price_ratio, pass_compute_time, pass_time
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, chip_second_price, compute_time, context, flops_per_mac, kv_bytes,
    memory_bandwidth, micro_batch, parameters_read, pass_tokens, peak_flops, stage_chips,
)  # fmt: skip

MEMORY_BINDS = given(pass_time, memory_time, "memory binds: a pass takes its memory time")
COMPUTE_BINDS = given(pass_time, pass_compute_time, "compute binds: a pass takes its compute time")
MULTIPLIED = Modelled(pass_compute_time, formulas.pass_compute_time)

pass_cost = Derivation(
    name="pass-memory-cost",
    title="Cost of a token where memory binds, several tokens a pass",
    rows=("5.3",),
    claim="All that a pass streams is shared by its tokens: a long prefill hardly pays for memory.",
    start=Modelled(token_cost, formulas.pass_cost),
    steps=(
        Step(
            "memory binds",
            substitute(MEMORY_BINDS),
            equation(token_cost, chip_second_price * stage_chips * memory_time / (micro_batch * pass_tokens)),
        ),
        Step(
            "put in the memory term: all tokens of a pass read together",
            substitute(memory_term),
            equation(
                token_cost,
                chip_second_price
                * (bytes_per_weight * parameters_read / micro_batch + kv_bytes * context)
                / (pass_tokens * memory_bandwidth),
            ),
        ),
    ),
    assumes=(PAID_THROUGHOUT, MEMORY_BINDS),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

pass_compute_cost = Derivation(
    name="pass-compute-cost",
    title="Cost of a token where compute binds, several tokens a pass",
    rows=("5.3",),
    claim="Where compute binds, a token costs the same in a long pass as in a short one.",
    start=Modelled(token_cost, formulas.pass_cost),
    steps=(
        Step(
            "compute binds",
            substitute(COMPUTE_BINDS),
            equation(token_cost, chip_second_price * stage_chips * pass_compute_time / (micro_batch * pass_tokens)),
        ),
        Step(
            "every token of the pass is multiplied",
            substitute(MULTIPLIED),
            equation(token_cost, chip_second_price * stage_chips * compute_time / micro_batch),
        ),
        Step(
            "put in the compute term",
            substitute(compute_term),
            equation(token_cost, chip_second_price * flops_per_mac * active_parameters / peak_flops),
        ),
    ),
    assumes=(PAID_THROUGHOUT, COMPUTE_BINDS),
    sources=(LECTURE,),
    example=lambda: {**v3(), pass_tokens: 32.0},
    example_text=V3.replace("one token a pass", "32 tokens a pass: compute binds"),
)

output_price = Derivation(
    name="output-price",
    title="Price of output over price of input",
    rows=("5.3",),
    claim="If prices follow costs, output over input tells how much longer decode reads than it computes.",
    start=Compared(
        output_price_ratio,
        instance(Line(pass_cost, 1), {pass_tokens: S.One}),
        Line(pass_compute_cost, 2),
        "the cost of a token of decode, which memory binds, over that of a token of prefill, which compute binds",
    ),
    steps=(
        Step(
            "solve for the memory time of decode",
            solve_for(memory_time),
            equation(memory_time, output_price_ratio * compute_time),
        ),
    ),
    assumes=(PRICED_AT_COST,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

compute_bound_pass = Derivation(
    name="compute-bound-pass",
    title="Tokens from which a pass is bound by compute",
    rows=("5.3",),
    claim="The ratio of prices is also the number of tokens a pass needs to be bound by compute.",
    start=Crossing(MULTIPLIED, output_price, "a pass computes for as long as it reads"),
    steps=(
        Step(
            "solve for the tokens",
            solve_for(pass_tokens),
            equation(pass_tokens, output_price_ratio),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(at_least(output_price_ratio, 1),),
)

DERIVATIONS = (pass_cost, pass_compute_cost, output_price, compute_bound_pass)


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


def computes_as_it_reads(tokens: float) -> bool:
    """Whether a pass of so many tokens takes as long to compute as to read, by the terms of the model."""
    scenario = Scenario({**v3(), pass_tokens: tokens})
    return bool(abs(scenario.evaluate(passes.compute_time / passes.memory_time) - 1) < 1e-9)


CLAIMS = (
    *(
        Claim(
            "5.3",
            f"decode memory time over compute time, if the prices of {model} follow costs",
            5.0,
            partial(listed_memory_over_compute, model),
            partial(listed, model),
            Wording.ABOUT,
        )
        for model in ("claude-opus-5", "gpt-5.5", "gemini-2.5-pro", "grok-4.5", "gpt-4.1", "deepseek-v4-flash")
    ),
    Claim(
        "5.3",
        "decode memory time over compute time, DeepSeek-V3 on 32 H100",
        5.0,
        lambda: float(v3()[memory_time] / v3()[compute_time]),
        board_inputs,
        Wording.ABOUT,
    ),
    Claim(
        "5.3",
        "tokens from which a pass is bound by compute, DeepSeek-V3 on 32 H100",
        None,
        lambda: float(Scenario(v3()).evaluate(compute_bound_pass.result.rhs)),
        board_inputs,
        source=Source.OWN,
        must=computes_as_it_reads,
    ),
)
