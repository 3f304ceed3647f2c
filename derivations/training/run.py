"""Chapter 10, training: days, chips and dollars of a whole run."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch.symbols import utilisation
from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.flops import llama_405b
from steptime.derivations.training.numbers import KAPLAN, LLAMA_3, phase
from steptime.derivations.training.symbols import run_cost, run_time
from steptime.model.economics import cost as economics
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, batch, chip_hour_price, chips, flops_per_mac, hour, million, peak_flops,
    step_time, training_tokens,
)  # fmt: skip

PHASE = phase()
useful = PHASE.flops_per_sequence.xreplace({attention_flops: sympy.S.Zero}) * batch
MFU = is_(step_time, useful / (chips * peak_flops * utilisation))
"""Useful FLOP of a step, attention left out, over the peak of all chips and the share of it that is reached."""

ASSUMES = ("no FLOP of attention", "the same utilisation throughout, no restarts")
RUN = "Llama 3.1 405B, 15.6e12 tokens on 16,384 H100 at an MFU of 41 %"
HOURS = 30.84e6
"""H100 hours of Llama 3.1 405B, by its model card."""

six_n_d = 3 * flops_per_mac * active_parameters * training_tokens


def llama_run() -> Mapping[Symbol, float]:
    """Pre-training of Llama 3.1 405B as its report has it (table 4); the time is that of its H100 hours."""
    values = {**llama_405b(), training_tokens: 15.6e12, utilisation: 0.41}
    return {**values, run_time: HOURS * 3600 / values[chips]}


duration = Derivation(
    name="training-run-time",
    title="Time of a training run",
    rows=("10.10",),
    claim="6 N D over what the chips achieve: batch, sequence and layout matter only through the utilisation.",
    start=equation(run_time, training_tokens / (PHASE.yields * economics.throughput)),
    steps=(
        Step(
            "a step at so much utilisation, attention left out",
            substitute(MFU),
            equation(run_time, six_n_d / (chips * peak_flops * utilisation)),
        ),
    ),
    assumes=ASSUMES,
    sources=(KAPLAN,),
    example=llama_run,
    example_text=RUN,
)

enough_chips = Derivation(
    name="training-run-chips",
    title="Chips that train a model in a given time",
    rows=("10.10",),
    claim="Half of the time takes twice the chips, as long as the utilisation stays.",
    start=duration.result,
    steps=(
        Step(
            "solve for the chips",
            solve_for(chips),
            equation(chips, six_n_d / (run_time * peak_flops * utilisation)),
        ),
    ),
    assumes=ASSUMES,
    sources=(KAPLAN,),
    example=llama_run,
    example_text=f"{RUN}, in the time of its H100 hours",
)

achieved = Derivation(
    name="training-run-utilisation",
    title="Utilisation of a whole run",
    rows=("10.10",),
    claim="What a run achieved, all restarts and pauses included, from chips and days alone.",
    start=duration.result,
    steps=(
        Step(
            "solve for the utilisation",
            solve_for(utilisation),
            equation(utilisation, six_n_d / (chips * run_time * peak_flops)),
        ),
    ),
    assumes=ASSUMES[:1],
    sources=(KAPLAN,),
    example=llama_run,
    example_text=f"{RUN}, in the time of its H100 hours",
)

cost = Derivation(
    name="training-run-cost",
    title="Dollars of a training run",
    rows=("10.10",),
    claim="Chips drop out: a run costs its FLOP, at the price of an hour's FLOP that are used.",
    start=equation(run_cost, training_tokens / million * economics.cost_per_million_tokens / PHASE.yields),
    steps=(
        Step(
            "a step at so much utilisation, attention left out",
            substitute(MFU),
            equation(run_cost, six_n_d * chip_hour_price / (hour * peak_flops * utilisation)),
        ),
    ),
    assumes=(*ASSUMES, "chips rented by the hour"),
    sources=(KAPLAN,),
    example=llama_run,
    example_text=f"{RUN}, at the catalogue's price of an hour",
)


def _hours() -> float:
    return duration.evaluate() * llama_run()[chips] / 3600


def _deepseek() -> float:
    """DeepSeek-V3, which multiplies in fp8, against the bf16 peak of an H100, which an H800 shares."""
    found = {active_parameters: 37e9, training_tokens: 14.8e12, chips: 2048.0, run_time: 2.664e6 * 3600 / 2048}
    return float(Scenario({**llama_run(), **found}).evaluate(achieved.result.rhs))


def _inputs() -> Mapping[str, float | str]:
    chosen = (active_parameters, training_tokens, chips, peak_flops, utilisation, chip_hour_price)
    return {symbol.name: llama_run()[symbol] for symbol in chosen}


def _share(value: float) -> bool:
    return 0 < value < 1


DERIVATIONS = (duration, enough_chips, achieved, cost)

CLAIMS = (
    Claim("10.10", "Llama 3.1 405B: H100 hours at its MFU of 41 % (model card: 30.84e6, restarts and attention too)",
          HOURS, _hours, _inputs, must=lambda value: value <= HOURS),
    Claim("10.10", f"Llama 3.1 405B: MFU that these hours imply ({LLAMA_3}, table 4: 41 % while it runs)", 0.41,
          achieved.evaluate, _inputs, must=_share),
    Claim("10.10", "DeepSeek-V3: MFU against the bf16 peak that 2.664e6 H800 hours imply (arXiv 2412.19437, table 1)",
          None, _deepseek, lambda: {"active_parameters": 37e9, "training_tokens": 14.8e12}, must=_share),
    Claim("10.10", "Llama 3.1 405B: dollars of its pre-training at the catalogue's price of an H100 hour", None,
          cost.evaluate, _inputs, must=lambda value: value > 0),
)  # fmt: skip
