"""Chapter 9, serving: contexts at which an index outweighs what it selects, and a state beats a growing cache."""

from collections.abc import Mapping

from sympy import S, Symbol

from steptime.derivations.axioms import ALL_SCORED, ATTENDS_TO_ALL, BEFORE_ONCE, ON_CHIP, STATE_MOVES
from steptime.derivations.batch.context import BEYOND_SELECTION, TOP_K
from steptime.derivations.batch.symbols import index_bytes, selected_tokens
from steptime.derivations.facts import Crossing, Modelled, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.prices.symbols import head_dim, kv_heads, value_dim
from steptime.derivations.rules import both_sides, branch, equation, side, solve_for, substitute
from steptime.derivations.serving import formulas
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.architecture.attention import GroupedAttention, RecurrentMixer
from steptime.model.symbols import bytes_per_kv, bytes_per_state, context, kv_bytes

from steptime.derivations.serving.symbols import (  # isort: skip
    cache_traffic_bytes, convolution_channels, convolution_kernel, state_heads, state_key_dim, state_traffic_bytes,
    state_value_dim,
)  # fmt: skip

V32_REPORT = "DeepSeek-V3.2-Exp report 2025, section 2.1"
KATHAROPOULOS = "Katharopoulos et al. 2020, arXiv 2006.16236, section 3.4"
YANG = "Yang et al. 2024, arXiv 2412.06464"

state = (
    state_heads * state_key_dim * state_value_dim * bytes_per_state
    + convolution_channels * (convolution_kernel - 1) * bytes_per_kv
)
per_token = kv_heads * (head_dim + value_dim) * bytes_per_kv


def v32() -> Mapping[Symbol, float]:
    """DeepSeek-V3.2: a latent and an index in every layer, the latent at bf16, the index at fp8."""
    from steptime.model.catalog.transformers import load_transformer

    rows = [(number, mixer) for mixer, number in load_transformer("deepseek-v3.2").mixers]
    chosen = rows[0][1].selected
    assert chosen is not None
    return {
        kv_bytes: float(sum(number * mixer.cache_elements for number, mixer in rows)) * 2,
        index_bytes: float(sum(number * mixer.index_elements for number, mixer in rows)),
        selected_tokens: float(chosen),
        context: 65_536.0,
    }


def hybrid(model: str = "qwen3-next-80b-a3b") -> Mapping[Symbol, float]:
    """The recurrent layers of a hybrid model and the attention that they stand in for; states fp32, caches bf16."""
    from steptime.model.catalog.transformers import load_transformer

    mixers = [mixer for mixer, _ in load_transformer(model).mixers]
    linear = next(mixer for mixer in mixers if isinstance(mixer, RecurrentMixer))
    full = next(mixer for mixer in mixers if isinstance(mixer, GroupedAttention))
    shapes = {
        state_heads: linear.heads,
        state_key_dim: linear.key_dim,
        state_value_dim: linear.value_dim,
        convolution_channels: linear.channels,
        convolution_kernel: linear.kernel,
        kv_heads: full.kv_heads,
        head_dim: full.head_dim,
        value_dim: full.value_dim,
    }
    return {**{symbol: float(size) for symbol, size in shapes.items()}, bytes_per_state: 4.0, bytes_per_kv: 2.0}


sparse_read = Modelled(q.kv_read, formulas.sparse_read)
selected = formulas.selected_read

sparse_traffic = Derivation(
    name="sparse-traffic",
    title="Bytes that a sparse attention reads beyond its selection",
    rows=("9.9",),
    claim="Once the context outgrows the selection only the index grows with it.",
    start=sparse_read,
    steps=(
        Step(
            "the best tokens are chosen",
            substitute(TOP_K),
            equation(q.kv_read, kv_bytes * selected + index_bytes * context),
        ),
        Step(
            "a context longer than the selection",
            branch(selected, selected_tokens),
            equation(q.kv_read, kv_bytes * selected_tokens + index_bytes * context),
        ),
    ),
    assumes=(ALL_SCORED, TOP_K),
    sources=(V32_REPORT,),
    example=v32,
    example_text="DeepSeek-V3.2, latents at bf16, index at fp8, context 65536",
    holds=(at_least(context, selected_tokens),),
)

index_context = Derivation(
    name="index-context",
    title="The context at which the index reads as much as the selection",
    rows=("9.9",),
    claim="Beyond it a sparse attention is bound by its index, and grows with the context again.",
    start=Crossing(
        instance(sparse_read, {kv_bytes: S.Zero}),
        instance(sparse_read, {index_bytes: S.Zero}),
        "the index reads as much as what it selects",
    ),
    steps=(
        Step(
            "the best tokens are chosen",
            substitute(TOP_K),
            equation(index_bytes * context, kv_bytes * selected),
        ),
        Step(
            "the selection is full",
            branch(selected, selected_tokens),
            equation(index_bytes * context, kv_bytes * selected_tokens),
        ),
        Step(
            "solve for the context",
            solve_for(context),
            equation(context, kv_bytes * selected_tokens / index_bytes),
        ),
    ),
    assumes=(ALL_SCORED, TOP_K, BEYOND_SELECTION),
    sources=(V32_REPORT,),
    example=v32,
    example_text="DeepSeek-V3.2, latents at bf16, index at fp8",
    holds=(more(index_bytes, 0), at_least(kv_bytes, index_bytes)),
)

state_context = Derivation(
    name="state-context",
    title="The context at which a recurrent state beats a growing cache",
    rows=("9.9",),
    claim="A state is read and written whole at every token: it pays once the cache is longer than two of it.",
    start=Crossing(
        Modelled(cache_traffic_bytes, formulas.cache_moved),
        Modelled(state_traffic_bytes, formulas.recurrent_moved),
        "a growing cache moves as many bytes as a state",
    ),
    steps=(
        Step(
            "for a token of the cache",
            both_sides(side / per_token),
            equation(context + 1, 2 * state / per_token),
        ),
        Step(
            "solve for the context",
            solve_for(context),
            equation(context, 2 * state / per_token - 1),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, BEFORE_ONCE, ON_CHIP, STATE_MOVES),
    sources=(KATHAROPOULOS, YANG),
    example=hybrid,
    example_text="Qwen3-Next 80B-A3B: 32 states of 128 x 128 in fp32, against 2 key-value heads of 256 in bf16",
    holds=(more(2 * state, per_token),),
)

DERIVATIONS = (sparse_traffic, index_context, state_context)
