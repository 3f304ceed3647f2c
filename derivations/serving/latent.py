"""Chapter 9, serving: latents absorbed into queries and outputs, or expanded to keys and values first."""

from collections.abc import Mapping
from functools import partial

import sympy
from sympy import Symbol

from steptime.derivations.axioms import ATTENDS_TO_ALL, BEFORE_ONCE, NOT_KEPT_EXPANDED, UP_EITHER_WAY
from steptime.derivations.facts import Compared, Crossing, Given, Modelled, Tends
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.prices.formulas import latent
from steptime.derivations.prices.kv_numbers import shapes
from steptime.derivations.prices.symbols import head_dim, kv_rank, query_heads, rope_dim, value_dim
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for
from steptime.derivations.serving import formulas
from steptime.derivations.serving.numbers import DEEPSEEK_V2
from steptime.derivations.serving.symbols import absorbed_flops, expanded_flops, latent_ratio
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import cached, flops_per_mac, pass_tokens

absorbed = Modelled(absorbed_flops, formulas.absorbed)
expanded = Modelled(expanded_flops, formulas.expanded)

saved = 2 * kv_rank - head_dim - value_dim
"""Multiply-adds that a pair of tokens saves in each head once keys and values are expanded; the rotary part cancels."""

expansion = kv_rank * (head_dim + value_dim)
"""Multiply-adds that expand a latent for one head."""

few = expansion - saved * pass_tokens
LONG = Tends(cached, sympy.oo, "a prefix much longer than what follows", settling=(pass_tokens,))
NOTHING = Tends(cached, sympy.S.Zero, "the prefix vanishes")
WIDE = Given(more(2 * kv_rank, head_dim + value_dim), "a latent wider than half of key and value together")
FEW = Given(more(expansion, saved * pass_tokens), "fewer new tokens than pay for any prefix")


def v3_heads(new: float, before: float = 4096.0) -> Mapping[Symbol, float]:
    """The heads of DeepSeek-V3, and so many new tokens behind a prefix."""
    return {
        **shapes("deepseek-v3"),
        query_heads: 128.0,
        value_dim: 128.0,
        flops_per_mac: 2.0,
        pass_tokens: new,
        cached: before,
    }


HEADS = "DeepSeek-V3: 128 heads, latent 512, keys and values 128, rotary key 64"

ways = Derivation(
    name="latent-ways",
    title="Where latents cost as much absorbed as expanded",
    rows=("9.5",),
    claim="Absorbed, each pair of tokens costs more; expanded, each token of the prefix is paid for again.",
    start=Crossing(absorbed, expanded, "latents cost as much absorbed as expanded"),
    steps=(
        Step(
            "what pairs save against what expanding costs, for one head",
            both_sides((side - latent.expanded_flops_per_pair * formulas.stream.pairs) / (flops_per_mac * query_heads)),
            equation(
                saved * (pass_tokens * cached + pass_tokens * (pass_tokens - 1) / 2),
                expansion * cached,
            ),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, BEFORE_ONCE, UP_EITHER_WAY, NOT_KEPT_EXPANDED),
    sources=(DEEPSEEK_V2,),
    example=partial(v3_heads, 171.0),
    example_text=f"{HEADS}; 171 tokens behind 4096",
)

tokens = Derivation(
    name="latent-tokens",
    title="New tokens above which expanding latents pays, behind a long prefix",
    rows=("9.5",),
    claim="Enough tokens a pass pay for expanding a prefix of any length; a decode step never does.",
    start=ways,
    steps=(
        Step(
            "for one token of the prefix",
            both_sides(side / cached),
            equation(saved * (pass_tokens + pass_tokens * (pass_tokens - 1) / (2 * cached)), expansion),
        ),
        Step(
            "a prefix much longer than what follows",
            limit(cached, sympy.oo),
            equation(saved * pass_tokens, expansion),
        ),
        Step(
            "solve for the tokens",
            solve_for(pass_tokens),
            equation(pass_tokens, expansion / saved),
        ),
    ),
    assumes=(LONG,),
    sources=(DEEPSEEK_V2,),
    example=partial(v3_heads, 171.0),
    example_text=HEADS,
    holds=(more(2 * kv_rank, head_dim + value_dim),),
)

prefix = Derivation(
    name="latent-prefix",
    title="The prefix up to which fewer new tokens expand",
    rows=("9.5",),
    claim="Fewer tokens than that expand a short prefix only: their pairs among themselves have to pay for it.",
    start=ways,
    steps=(
        Step(
            "solve for the prefix",
            solve_for(cached),
            equation(cached, saved * pass_tokens * (pass_tokens - 1) / (2 * few)),
        ),
    ),
    assumes=(WIDE, FEW),
    sources=(DEEPSEEK_V2,),
    example=partial(v3_heads, 128.0),
    example_text=f"{HEADS}; 128 new tokens",
)

nothing_cached = Derivation(
    name="latent-nothing-cached",
    title="Attention FLOP absorbed over expanded, nothing cached",
    rows=("9.5",),
    claim="With nothing cached nothing is expanded twice: expanded is the cheaper way by the widths alone.",
    start=Compared(latent_ratio, absorbed, expanded, "the FLOP of latents absorbed over those expanded"),
    steps=(
        Step(
            "as the prefix vanishes",
            limit(cached, 0),
            equation(latent_ratio, (2 * kv_rank + rope_dim) / (head_dim + rope_dim + value_dim)),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, BEFORE_ONCE, UP_EITHER_WAY, NOT_KEPT_EXPANDED, NOTHING),
    sources=(DEEPSEEK_V2,),
    example=partial(v3_heads, 4096.0),
    example_text=HEADS,
    holds=(more(pass_tokens, 1),),
)

DERIVATIONS = (ways, tokens, prefix, nothing_cached)
