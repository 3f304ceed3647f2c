"""What the derivations of serving share: the blackboard's simplifications of a pass, and numbers for their examples."""

from collections.abc import Mapping
from typing import Any

from sympy import Symbol

from steptime.derivations.batch.symbols import ridge
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import PEAK, PERFECT_SHARDS, READS_ALL, numbers
from steptime.derivations.facts import Modelled, given
from steptime.derivations.serving.formulas import read_by_tokens
from steptime.derivations.serving.symbols import prompt_ratio
from steptime.model import symbols as q
from steptime.model.scenario import Scenario
from steptime.model.symbols import answer, context, kv_bytes, pass_tokens, prompt

SHARED = (*PEAK, *PERFECT_SHARDS)
"""Every resource at its peak; weights, multiply-adds and cache split over every chip of the stage."""

NOTHING_CACHED = given(q.kv_read, 0, "nothing is cached before the prompt")
WHOLE_PROMPT = given(pass_tokens, prompt, "the prompt passes whole")
CACHE_READ = Modelled(q.kv_read, read_by_tokens)
"""The bytes of as many tokens of the cache as are read."""

WEIGHTS_ALONE = (
    given(kv_bytes, 0, "no KV cache"),
    given(q.attention_flops, 0, "attention's own multiply-adds are left out"),
    given(q.unembedding_parameters, 0, "every token is multiplied by the unembedding too"),
    READS_ALL,
)
"""Weights alone count, all of them, and every token multiplies all active ones."""

BOTH = "compute and memory take equally long"

SARATHI = "Agrawal et al. 2023, SARATHI, arXiv 2308.16369"
POPE = "Pope et al. 2022, Efficiently scaling transformer inference, arXiv 2211.05102"
DEEPSEEK_V2 = "DeepSeek-V2, arXiv 2405.04434, section 2.1"

LLAMA = "Llama 3.1 70B in bf16 on 8 H100 (tp=8)"
V3 = "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100 (dp=32, ep=32), all experts read"


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


def serving() -> Mapping[Symbol, float]:
    """Llama 3.1 70B with prefills riding along, the share of them that the example has, and the ridge."""
    values = llama(scope="serving", prompt=1024, output=512, batch=64)
    found = {**values, ridge: Scenario(values).evaluate(ridge_batch.result.rhs)}
    return {**found, prompt_ratio: values[prompt] / (values[answer] - 1)}


SERVING = f"{LLAMA}, 64 sequences in flight, prompts of 1024 tokens and answers of 512"
