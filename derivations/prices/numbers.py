"""The example of chapter 5: DeepSeek-V3 in decode, with what its prices follow from."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.batch.balance import balance
from steptime.derivations.batch.symbols import balanced_context, memory_time, ridge
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import numbers
from steptime.derivations.prices import passes
from steptime.derivations.prices.symbols import longest_context, output_price_ratio, upper_price_ratio
from steptime.model.scenario import Scenario
from steptime.model.symbols import compute_time, pass_tokens

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 5"
V3 = (
    "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100 (dp=32, ep=32), "
    "context 1000, 2048 sequences; longest context 1e6; one token a pass"
)


def v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 in decode, with what follows from it."""
    values = dict(numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=1000, batch=2048))
    values |= {longest_context: 1e6, pass_tokens: 1.0, upper_price_ratio: 1.5}
    values |= {balanced_context: Scenario(values).evaluate(balance.result.rhs)}
    values |= {ridge: Scenario(values).evaluate(ridge_batch.result.rhs)}
    times = {compute_time: passes.compute_time, memory_time: passes.memory_time}
    values |= {symbol: Scenario(values).evaluate(expr) for symbol, expr in times.items()}
    return {**values, output_price_ratio: values[memory_time] / values[compute_time]}
