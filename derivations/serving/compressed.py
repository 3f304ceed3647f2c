"""Chapter 9, serving: the context at which compressed entries take less room than a vector for every token."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.axioms import ENTRIES_COMPLETE, WINDOW_KEPT
from steptime.derivations.facts import Crossing, Given, Modelled
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.prices.symbols import window
from steptime.derivations.rules import both_sides, branch, equation, side, solve_for
from steptime.derivations.serving import formulas
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import bytes_per_kv, bytes_per_state, context

from steptime.derivations.serving.symbols import (  # isort: skip
    compressed_cache_bytes, entry_tokens, entry_width, whole_cache_bytes,
)  # fmt: skip

DEEPSEEK_V4 = "DeepSeek-V4 report 2026, section 2.3"

BEYOND_WINDOW = Given(at_least(context, window), "the context is no shorter than the window")
vector = entry_width * bytes_per_kv
ring = 2 * entry_tokens * bytes_per_state / bytes_per_kv
"""The tokens whose room the ring takes: two numbers of each feature for each token of an entry."""


def v4() -> Mapping[Symbol, float]:
    """A layer of DeepSeek-V4 that attends to all of its entries: caches at bf16, rings at fp32."""
    return {window: 128.0, entry_tokens: 128.0, entry_width: 512.0, bytes_per_kv: 2.0, bytes_per_state: 4.0}


compressed_context = Derivation(
    name="compressed-context",
    title="The context at which compressed entries take less room than every token",
    rows=("9.9",),
    claim="A window and a ring are the price of compression: beyond them a context takes one part in m of its room.",
    start=Crossing(
        Modelled(whole_cache_bytes, formulas.whole_held),
        Modelled(compressed_cache_bytes, formulas.compressed_held),
        "every token takes as much room as the window, the entries and the ring",
    ),
    steps=(
        Step(
            "a context no shorter than the window",
            branch(formulas.near_kept, window),
            equation(
                vector * context,
                vector * window + vector * context / entry_tokens + 2 * entry_tokens * entry_width * bytes_per_state,
            ),
        ),
        Step(
            "for a vector",
            both_sides(side / vector),
            equation(context, window + context / entry_tokens + ring),
        ),
        Step(
            "solve for the context",
            solve_for(context),
            equation(context, (window + ring) * entry_tokens / (entry_tokens - 1)),
        ),
    ),
    assumes=(WINDOW_KEPT, ENTRIES_COMPLETE, BEYOND_WINDOW),
    sources=(DEEPSEEK_V4,),
    example=v4,
    example_text="DeepSeek-V4, a layer that attends to all entries of 128 tokens; caches at bf16, rings at fp32",
    holds=(more(entry_tokens, 1),),
)

DERIVATIONS = (compressed_context,)
