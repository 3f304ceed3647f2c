"""Chapter 10, training: days, chips and dollars of a whole run."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.axioms import PAID_THROUGHOUT, SAME_THROUGHOUT
from steptime.derivations.batch.symbols import utilisation
from steptime.derivations.board import NO_ATTENTION_FLOPS
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.compute import whole
from steptime.derivations.training.numbers import KAPLAN, LLAMA_3
from steptime.derivations.training.products import llama_405b
from steptime.derivations.training.symbols import run_cost, run_time
from steptime.model.economics import cost as economics
from steptime.model.economics.utilisation import model_flops_utilisation
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, chip_hour_price, chips, flops_per_mac, hour, model_flops, peak_flops, sequence, step_time,
    training_tokens,
)  # fmt: skip

MFU = Defined(
    utilisation, model_flops_utilisation(model_flops), "the useful FLOP of a step over those that all chips could do"
)
RUN = "Llama 3.1 405B, 15.6e12 tokens on 16,384 H100 at an MFU of 41 %"
HOURS = 30.84e6
"""H100 hours of Llama 3.1 405B, by its model card."""

six_n_d = 3 * flops_per_mac * active_parameters * training_tokens
reached = chips * peak_flops * utilisation


def llama_run() -> Mapping[Symbol, float]:
    """Pre-training of Llama 3.1 405B as its report has it (table 4); the time is that of its H100 hours, restarts and
    pauses included: there is no one step time."""
    values = {symbol: value for symbol, value in llama_405b().items() if symbol != step_time}
    return {**values, training_tokens: 15.6e12, utilisation: 0.41, run_time: HOURS * 3600 / values[chips]}


duration = Derivation(
    name="training-run-time",
    title="Time of a training run",
    rows=("10.10",),
    claim="6 N D over what the chips achieve: batch, sequence and layout matter only through the utilisation.",
    start=Defined(
        run_time,
        training_tokens / (sequence * economics.throughput),
        "the tokens of a run over those of a second: of each sequence that a step works on, all tokens",
    ),
    steps=(
        Step(
            "a step at so much utilisation",
            substitute(MFU.for_(step_time)),
            equation(run_time, training_tokens * model_flops / (sequence * reached)),
        ),
        Step(
            "the FLOP of a sequence",
            substitute(whole),
            equation(run_time, training_tokens * whole.result.rhs / (sequence * reached)),
        ),
        Step("attention left out", substitute(NO_ATTENTION_FLOPS), equation(run_time, six_n_d / reached)),
    ),
    assumes=(SAME_THROUGHOUT, NO_ATTENTION_FLOPS),
    sources=(KAPLAN,),
    example=llama_run,
    example_text=RUN,
)

enough_chips = Derivation(
    name="training-run-chips",
    title="Chips that train a model in a given time",
    rows=("10.10",),
    claim="Half of the time takes twice the chips, as long as the utilisation stays.",
    start=duration,
    steps=(
        Step(
            "solve for the chips",
            solve_for(chips),
            equation(chips, six_n_d / (run_time * peak_flops * utilisation)),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_run,
    example_text=f"{RUN}, in the time of its H100 hours",
    holds=(at_least(six_n_d, run_time * peak_flops * utilisation),),
)

achieved = Derivation(
    name="training-run-utilisation",
    title="Utilisation of a whole run",
    rows=("10.10",),
    claim="What a run achieved on average, restarts and pauses included, from chips and days alone.",
    start=duration,
    steps=(
        Step(
            "solve for the utilisation",
            solve_for(utilisation),
            equation(utilisation, six_n_d / (chips * run_time * peak_flops)),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_run,
    example_text=f"{RUN}, in the time of its H100 hours",
    holds=(at_least(chips * run_time * peak_flops, six_n_d),),
)

cost = Derivation(
    name="training-run-cost",
    title="Dollars of a training run",
    rows=("10.10",),
    claim="Chips drop out: a run costs its FLOP, at the price of an hour's FLOP that are used.",
    start=Defined(
        run_cost,
        training_tokens * economics.cost_per_token / sequence,
        "the price of the tokens of a run: a step yields all tokens of a sequence in the place of one",
    ),
    steps=(
        Step(
            "a step at so much utilisation",
            substitute(MFU.for_(step_time)),
            equation(
                run_cost,
                training_tokens * model_flops * chip_hour_price / (sequence * hour * peak_flops * utilisation),
            ),
        ),
        Step(
            "the FLOP of a sequence",
            substitute(whole),
            equation(
                run_cost,
                training_tokens * whole.result.rhs * chip_hour_price / (sequence * hour * peak_flops * utilisation),
            ),
        ),
        Step(
            "attention left out",
            substitute(NO_ATTENTION_FLOPS),
            equation(run_cost, six_n_d * chip_hour_price / (hour * peak_flops * utilisation)),
        ),
    ),
    assumes=(SAME_THROUGHOUT, PAID_THROUGHOUT, NO_ATTENTION_FLOPS),
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


DERIVATIONS = (duration, enough_chips, achieved, cost)

CLAIMS = (
    Claim("10.10", "Llama 3.1 405B: H100 hours at its MFU of 41 % (model card: 30.84e6, restarts and attention too)",
          HOURS, _hours, _inputs, source=Source.PAPER, must=lambda value: value <= HOURS),
    Claim("10.10", f"Llama 3.1 405B: MFU that these hours imply ({LLAMA_3}, table 4: 41 % while it runs)", 0.41,
          achieved.evaluate, _inputs, source=Source.PAPER, must=lambda value: value < 0.41),
    Claim("10.10", "DeepSeek-V3: MFU against the bf16 peak that 2.664e6 H800 hours imply (arXiv 2412.19437, table 1): "
          "about a third", None, _deepseek, lambda: {"active_parameters": 37e9, "training_tokens": 14.8e12},
          source=Source.OWN, must=lambda value: 0.3 < value < 0.4),
)  # fmt: skip
