"""What the derivations of serving share: how a cache is counted on the blackboard, and numbers for their examples."""

from collections.abc import Mapping
from typing import Any

import sympy
from sympy import Eq, Symbol

from steptime.derivations.batch.symbols import ridge
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_, numbers
from steptime.model import symbols as q
from steptime.model.phases.abstract import cache_traffic
from steptime.model.phases.phase import Phase
from steptime.model.phases.prefill import prefill_phase
from steptime.model.scenario import Scenario
from steptime.model.symbols import answer, context, kv_bytes
from steptime.model.terms import one

BEHIND = prefill_phase(has_cache=True)
"""A prefill behind a cached prefix."""

CHUNKED = prefill_phase(has_cache=True, in_chunks=True)
"""The same in chunks."""

SHARED = (*PEAK, *PERFECT_SHARDS)
"""Every resource at its peak; weights, multiply-adds and cache split over every chip of the stage."""

SARATHI = "Agrawal et al. 2023, SARATHI, arXiv 2308.16369"
POPE = "Pope et al. 2022, Efficiently scaling transformer inference, arXiv 2211.05102"
DEEPSEEK_V2 = "DeepSeek-V2, arXiv 2405.04434, section 2.1"

ALL_READ = "every expert is read in every pass"
ALL_CONTEXT = "attention over all of the context, the causal half"
IDEAL = "every resource at its catalogue peak, perfect sharding over the chips of a stage"

LLAMA = "Llama 3.1 70B in bf16 on 8 H100 (tp=8)"
V3 = "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100 (dp=32, ep=32), all experts read"


def cache_of(phase: Phase) -> tuple[Eq, Eq]:
    """A phase's cache traffic by bytes per token of context: what it reads, what it writes."""
    traffic = cache_traffic(phase, kv_bytes, kv_bytes)
    return is_(q.kv_read, traffic[q.kv_read]), is_(q.kv_written, traffic[q.kv_written])


def llama(**options: Any) -> Mapping[Symbol, float]:
    """Llama 3.1 70B on 8 H100."""
    return numbers("llama-3.1-70b", "h100-sxm", layout="tp=8", **options)


def llama_prefill(new: int, batch: int = 1, **options: Any) -> Mapping[Symbol, float]:
    """The same, so many tokens in a prefill."""
    return llama(phase="prefill", prompt=new, batch=batch, **options)


def v3_prefill(new: int, batch: int) -> Mapping[Symbol, float]:
    """DeepSeek-V3 on 32 H100, a prefill in which every expert is read, and the ridge that follows."""
    options = {"layout": "dp=32,ep=32", "experts": "all", "batch": batch}
    values = numbers("deepseek-v3", "h100-sxm", phase="prefill", prompt=new, **options)
    return {**values, ridge: Scenario(values).evaluate(ridge_batch.result.rhs)}


def llama_request(prompt_tokens: int, answer_tokens: int, batch: int) -> Mapping[Symbol, float]:
    """Llama 3.1 70B on 8 H100: prompt, answer and the mean context of the answer's decode steps."""
    values = llama_prefill(prompt_tokens, batch)
    return {**values, answer: float(answer_tokens), context: prompt_tokens + (answer_tokens - 2) / 2}


def summed(
    term: sympy.Expr, variable: Symbol, first: sympy.Expr, steps: sympy.Expr, size: sympy.Expr = one
) -> sympy.Expr:
    """A term summed over ``steps`` values of a count from the first on, ``size`` apart.

    >>> summed(context, context, answer, sympy.Integer(3)) == 3 * answer + 3
    True
    """
    index = sympy.Dummy("index", integer=True, nonnegative=True)
    at = sympy.expand(term.xreplace({variable: first + size * index}))
    return sympy.expand(sympy.summation(at, (index, 0, steps - 1)))
