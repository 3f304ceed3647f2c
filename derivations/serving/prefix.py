"""Chapter 9, serving: what a cached prefix saves, and when reading it costs as much as computing the rest."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.axioms import ATTENDS_TO_ALL, BEFORE_ONCE, LAST_PREDICTS, ON_CHIP
from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.board import PEAK, PERFECT_SHARDS
from steptime.derivations.facts import Compared, Crossing, Given, Modelled, Tends, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.prices.kv_numbers import shapes
from steptime.derivations.prices.symbols import head_dim, kv_heads, kv_layers, query_heads, value_dim
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.serving import formulas
from steptime.derivations.serving.attention import body
from steptime.derivations.serving.numbers import LLAMA, POPE, llama_prefill
from steptime.derivations.serving.prefill import flops as fresh
from steptime.derivations.serving.symbols import prefix_saving
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q

from steptime.derivations.prices.formulas import grouped_kv_bytes  # isort: skip
from steptime.model.symbols import (  # isort: skip
    attention_flops, bytes_per_kv, cached, flops_per_mac, kv_bytes, memory_bandwidth, micro_batch, pass_tokens,
    peak_flops, stage_chips,
)  # fmt: skip

read_beyond = kv_bytes * peak_flops - attention_flops * pass_tokens * memory_bandwidth
computed_beyond = fresh * memory_bandwidth - kv_bytes * pass_tokens * peak_flops
SHARED = (*PEAK, PERFECT_SHARDS[0], PERFECT_SHARDS[2])
FEW = Given(
    more(kv_bytes * peak_flops, attention_flops * pass_tokens * memory_bandwidth),
    "so few new tokens that reading a prefix outgrows attending to it",
)
LONG = Tends(cached, sympy.oo, "a prefix much longer than what follows", settling=(pass_tokens,))


def sixteen() -> Mapping[Symbol, float]:
    """16 new tokens, and the heads that read the cache."""
    layer = shapes("llama-3.1-70b")
    return {**layer, **llama_prefill(8208, cached=8192), query_heads: 64.0, kv_layers: layer[kv_layers]}


behind = Modelled(q.compute_time, formulas.behind_compute.time)

saving = Derivation(
    name="prefix-saving",
    title="Time that a cached prefix saves",
    rows=("9.4",),
    claim="A prefix saves its own prefill, whatever follows it: those that follow attend to it all the same.",
    start=Compared(
        prefix_saving,
        instance(Modelled(q.compute_time, formulas.prefill_compute.time), {pass_tokens: cached + pass_tokens}),
        behind,
        "the compute time of the whole prompt less that of what is behind the prefix",
        over=False,
    ),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(PEAK[0], PERFECT_SHARDS[0]),
            equation(
                prefix_saving,
                (flops_per_mac * body * cached + attention_flops * cached * (cached - 1) / 2)
                * micro_batch
                / (stage_chips * peak_flops),
            ),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, LAST_PREDICTS, PEAK[0], PERFECT_SHARDS[0]),
    sources=(POPE,),
    example=lambda: llama_prefill(8192, cached=4096),
    example_text=f"{LLAMA}, one prompt whose first 4096 tokens are cached",
    holds=(more(cached * (2 * flops_per_mac * body + attention_flops * (cached - 1)), 0),),
    regime=("compute binds with the prefix and without it",),
)

READ = Crossing(
    behind,
    Modelled(memory_time, formulas.behind_cache),
    "reading the prefix and writing what is new takes as long as computing it",
)
MEETING = (
    Step(
        "at the peak, perfectly sharded; the prefix is read and the new tokens are written",
        substitute(*SHARED, Modelled(q.kv_read, formulas.behind_read), Modelled(q.kv_written, formulas.behind_written)),
        equation(
            (fresh + attention_flops * pass_tokens * cached) * micro_batch / (stage_chips * peak_flops),
            kv_bytes * (cached + pass_tokens) * micro_batch / (stage_chips * memory_bandwidth),
        ),
    ),
    Step(
        "clear the rates, the chips and the batch",
        both_sides(side * stage_chips * peak_flops * memory_bandwidth / micro_batch),
        equation(
            (fresh + attention_flops * pass_tokens * cached) * memory_bandwidth,
            kv_bytes * (cached + pass_tokens) * peak_flops,
        ),
    ),
)
ASSUMES = (ATTENDS_TO_ALL, LAST_PREDICTS, ON_CHIP, BEFORE_ONCE, *SHARED)

reading = Derivation(
    name="prefix-reading",
    title="The prefix that takes as long to read as the rest takes to compute",
    rows=("9.4",),
    claim="Few new tokens behind a longer prefix than this are bound by its cache, however few the weights.",
    start=READ,
    steps=(
        *MEETING,
        Step(
            "solve for the prefix",
            solve_for(cached),
            equation(cached, computed_beyond / read_beyond),
        ),
    ),
    assumes=(*ASSUMES, FEW),
    sources=(POPE,),
    example=sixteen,
    example_text=f"{LLAMA}, 16 new tokens",
    holds=(at_least(fresh * memory_bandwidth, kv_bytes * pass_tokens * peak_flops),),
)

heads = Derivation(
    name="prefix-tokens",
    title="New tokens above which a prefix takes longer to attend to than to read",
    rows=("9.4",),
    claim="Tokens and query heads that share a key-value head share what is read: above the ridge compute binds.",
    start=READ,
    steps=(
        *MEETING,
        Step(
            "for one token of the prefix",
            both_sides(side / cached),
            equation(
                (fresh / cached + attention_flops * pass_tokens) * memory_bandwidth,
                kv_bytes * (1 + pass_tokens / cached) * peak_flops,
            ),
        ),
        Step(
            "a prefix much longer than what follows",
            limit(cached, sympy.oo),
            equation(attention_flops * pass_tokens * memory_bandwidth, kv_bytes * peak_flops),
        ),
        Step(
            "grouped heads",
            substitute(Modelled(attention_flops, formulas.grouped_flops), Modelled(kv_bytes, grouped_kv_bytes)),
            equation(
                flops_per_mac * kv_layers * query_heads * (head_dim + value_dim) * pass_tokens * memory_bandwidth,
                kv_layers * kv_heads * (head_dim + value_dim) * bytes_per_kv * peak_flops,
            ),
        ),
        Step(
            "solve for the tokens",
            solve_for(pass_tokens),
            equation(
                pass_tokens,
                bytes_per_kv * peak_flops / (flops_per_mac * memory_bandwidth) * kv_heads / query_heads,
            ),
        ),
    ),
    assumes=(*ASSUMES, LONG),
    sources=(POPE, "Ainslie et al. 2023, arXiv 2305.13245"),
    example=sixteen,
    example_text=f"{LLAMA}: 64 query heads on 8 key-value heads",
    holds=(at_least(bytes_per_kv * peak_flops * kv_heads, flops_per_mac * memory_bandwidth * query_heads),),
)

DERIVATIONS = (saving, reading, heads)
