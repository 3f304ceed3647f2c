"""Chapter 11, in practice: what a measured time says of the machine, of drafts, and of kernels that pad."""

from sympy import Max, S

from steptime.derivations.axioms import FULL_OVERLAP, SMALLEST_TILE
from steptime.derivations.batch.drafts import expected
from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.machine.symbols import link_time
from steptime.derivations.practice.numbers import FLASH_MLA, PALM
from steptime.derivations.prices.symbols import query_heads
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step

from steptime.derivations.practice.symbols import (  # isort: skip
    bound_share, compute_use, link_use, measured_time, memory_use, practice_time, rank_heads, tile_heads,
    measured_token_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    acceptance, compute_time, drafts, head_padding, tensor_parallel, tokens_per_pass,
)  # fmt: skip

USES = (
    Defined(compute_use, compute_time / measured_time, "the share of the peak that the measured pass reaches"),
    Defined(memory_use, memory_time / measured_time, "the share of the memory bandwidth that it reaches"),
    Defined(link_use, link_time / measured_time, "the share of the links' bandwidth that it reaches"),
)
TIMES = (compute_time, memory_time, link_time)

share = Derivation(
    name="share-of-the-bound",
    title="What share of a measured time the bound is",
    rows=("11.3",),
    claim="The largest of the utilisations: MBU where memory binds, MFU where compute does and nothing is done twice. "
    "None of them alone says how near to its bound a machine runs.",
    start=Defined(
        bound_share,
        Max(compute_time, memory_time, link_time) / measured_time,
        "the bound, the largest of the three terms, over the measured time",
    ),
    steps=(
        Step(
            "each term by its utilisation",
            substitute(*(use.for_(one) for use, one in zip(USES, TIMES, strict=True))),
            equation(
                bound_share,
                Max(compute_use * measured_time, memory_use * measured_time, link_use * measured_time) / measured_time,
            ),
        ),
        Step(
            "the measured time cancels",
            identity(),
            equation(bound_share, Max(compute_use, memory_use, link_use)),
        ),
    ),
    assumes=(FULL_OVERLAP,),
    sources=(PALM,),
    example=lambda: {compute_use: 0.03, memory_use: 0.29, link_use: 0.02, measured_time: 0.02},
    example_text="Llama 3.1 70B in fp8 on eight H100, 64 sequences of 4,096 tokens in 20 ms: MFU 3 %, MBU 29 %",
)

ONE_DRAFT = given(drafts, 1, "one token is drafted a pass, as by one module for the next token but one")
PER_TOKEN = Defined(
    measured_token_time, practice_time / tokens_per_pass, "the time of a pass over the tokens that it keeps"
)

accepted = Derivation(
    name="implied-acceptance",
    title="The acceptance that a time per token implies, of one draft",
    rows=("11.3",),
    claim="A pass that takes so long and keeps tokens so fast has drafts accepted so often: nothing is fitted. A token "
    "that takes longer than a pass, or less than half of one, says that the time of the pass is wrong.",
    start=expected,
    steps=(
        Step(
            "one draft",
            substitute(ONE_DRAFT),
            equation(tokens_per_pass, (1 - acceptance**2) / (1 - acceptance)),
        ),
        Step("a geometric sum of two", identity(), equation(tokens_per_pass, 1 + acceptance)),
        Step(
            "tokens a pass by the time per token",
            substitute(PER_TOKEN.for_(tokens_per_pass)),
            equation(practice_time / measured_token_time, 1 + acceptance),
        ),
        Step(
            "solve for the acceptance",
            solve_for(acceptance),
            equation(acceptance, practice_time / measured_token_time - 1),
        ),
    ),
    assumes=(ONE_DRAFT,),
    sources=expected.sources,
    example=lambda: {practice_time: 0.020, measured_token_time: 0.011},
    example_text="a pass of 20 ms, a token every 11 ms",
    holds=(at_least(practice_time, measured_token_time), more(2 * measured_token_time, practice_time)),
)

SPLIT = given(rank_heads, query_heads / tensor_parallel, "tensor-parallel chips share the heads evenly")

padding = Derivation(
    name="head-padding",
    title="Multiply-adds of latent attention's kernels over those asked for",
    rows=("11.4",),
    claim="Below one tile of heads a chip multiplies for heads that it has not: more chips then shorten attention over "
    "the cache no further.",
    start=Defined(
        head_padding,
        Max(tile_heads, rank_heads) / rank_heads,
        "the heads for which a kernel multiplies, one tile's at least, over those that a chip has",
    ),
    steps=(
        Step(
            "the heads of one chip",
            substitute(SPLIT),
            equation(head_padding, Max(tile_heads, query_heads / tensor_parallel) * tensor_parallel / query_heads),
        ),
        Step(
            "the larger of one and of the tiles that are not filled",
            identity(),
            equation(head_padding, Max(S.One, tile_heads * tensor_parallel / query_heads)),
        ),
    ),
    assumes=(SMALLEST_TILE, SPLIT),
    sources=(FLASH_MLA,),
    example=lambda: {tile_heads: 64.0, tensor_parallel: 8.0, query_heads: 128.0},
    example_text="DeepSeek-V3's 128 heads over eight chips, 64 in a tile",
)

DERIVATIONS = (share, accepted, padding)
