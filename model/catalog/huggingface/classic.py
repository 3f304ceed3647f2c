"""Families of the kind of GPT-NeoX: blocks without a gate, norms and matrices with biases, or both parts side by side.

Each norm has a weight and a bias unless a family says otherwise. Source: the configuration and modelling files of the
transformers library.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from steptime.model.architecture.transformer import Attention, DenseFeedForward, FeedForward, GroupedAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.keys import Settings

from steptime.model.catalog.huggingface.blocks import (  # isort: skip
    Body, gated, grouped, multi_head, windowed, with_biases, with_vectors,
)  # fmt: skip

BIASED = 2
"""Vectors of a norm with weight and bias."""


def _body(
    width: int,
    attention: Sequence[Attention],
    block: FeedForward,
    norms: int,
    parallel: bool = False,
    vectors: int = BIASED,
    outside: int = 0,
) -> Body:
    """Layers of one block with so many norms of so many ``vectors``, one norm at the end, more weights outside them."""
    layers = tuple(Layer(one, (block,), norms * vectors * width, parallel) for one in attention)
    return Body(width, layers, vectors=vectors * width + outside)


def _plain(s: Settings, width: int, has_bias: bool = True, key: str = "intermediate_size") -> DenseFeedForward:
    """A block without a gate; four times as wide as the stream where its size is null."""
    size = s.optional_count(key, "intermediate") or 4 * width
    return with_biases(DenseFeedForward(size, gated=False), width, has_bias)


def _vocabulary(s: Settings) -> int:
    """Biases of an unembedding."""
    return s.count("vocab_size", "vocabulary")


# --- both parts side by side ---------------------------------------------------------------------------------------
def _cohere(s: Settings) -> Body:
    """One norm without bias for both parts; norms of each head of query and key where use_qk_norm says so."""
    width = s.count("hidden_size")
    attention = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    if s.flag("use_qk_norm"):
        attention = blocks.with_whole_norms(attention)
    return _body(width, [attention] * blocks.depth(s), gated(s), 1, parallel=True, vectors=1)


def _cohere2(s: Settings) -> Body:
    """As Cohere, with a window in all but every fourth layer; a head is always its share of the width."""
    for key in ("use_parallel_block", "use_gated_activation"):
        s.only(key, True)
    width, heads = s.count("hidden_size"), s.count("num_attention_heads", "heads")
    s.only("head_dim", width // heads)
    s.only("use_embedding_sharing", s.flag("tie_word_embeddings"))
    attention = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    layers = windowed(s, attention, blocks.all_but_every(s))
    return _body(width, layers, gated(s), 1, parallel=True, vectors=1)


def _phi(s: Settings) -> Body:
    """Phi 1 to 2: biases everywhere, in the unembedding too."""
    width = s.count("hidden_size")
    attention = grouped(s, width, "qkvo")
    if s.flag("qk_layernorm"):
        attention = with_vectors(attention, 2 * BIASED * (width // attention.heads))
    layers = [attention] * blocks.depth(s)
    return _body(width, layers, _plain(s, width), 1, parallel=True, outside=_vocabulary(s))


def _stablelm(s: Settings) -> Body:
    """One norm for both parts side by side, else two; a norm without bias for each head where qk_layernorm says so."""
    width, parallel = s.count("hidden_size"), s.flag("use_parallel_residual")
    attention = grouped(s, width, "qkv" if s.flag("use_qkv_bias") else "")
    if attention.heads * attention.head_dim != width:
        raise s.error(f"{attention.heads} heads of {attention.head_dim} are not as wide as hidden_size {width}")
    if s.flag("qk_layernorm"):
        attention = blocks.with_whole_norms(attention)
    return _body(width, [attention] * blocks.depth(s), gated(s), 1 if parallel else 2, parallel)


def _gpt_neox(s: Settings) -> Body:
    """Two norms, also where both parts stand side by side."""
    width = s.count("hidden_size")
    attention = multi_head(s, width, biases="qkvo" if s.flag("attention_bias") else "")
    layers = [attention] * blocks.depth(s)
    return _body(width, layers, _plain(s, width), 2, s.flag("use_parallel_residual"))


def _gptj(s: Settings) -> Body:
    """GPT-J and CodeGen: biases in the block and in the unembedding, not in attention."""
    width = s.count("n_embd")
    layers = [multi_head(s, width, "n_head")] * blocks.depth(s, "n_layer")
    block = _plain(s, width, key="n_inner")
    return _body(width, layers, block, 1, parallel=True, outside=_vocabulary(s))


# --- Falcon --------------------------------------------------------------------------------------------------------
def _falcon(s: Settings) -> Body:
    """One key-value head with multi_query, a number of them in the new decoder, else one for each head."""
    width, has_bias = s.count("hidden_size"), s.flag("bias")
    attention = _falcon_attention(s, multi_head(s, width))
    size = attention.heads * attention.head_dim + 2 * attention.kv_heads * attention.head_dim + width
    layers = [with_vectors(attention, size if has_bias else 0)] * blocks.depth(s)
    block, parallel = _plain(s, width, has_bias, "ffn_hidden_size"), s.flag("parallel_attn")
    if s.flag("new_decoder_architecture") and not parallel:
        raise s.error("config key 'parallel_attn' is modelled only as true with new_decoder_architecture")
    stated = s.optional_count("num_ln_in_parallel_attn", "layers")
    if stated is not None and (stated > 2 or not parallel):
        raise s.error("config key 'num_ln_in_parallel_attn' is modelled only as 1 or 2, with parallel_attn")
    norms = (stated or (2 if s.flag("new_decoder_architecture") else 1)) if parallel else 2
    return _body(width, layers, block, norms, parallel)


def _falcon_attention(s: Settings, full: GroupedAttention) -> GroupedAttention:
    """Its key-value heads; a number that the class would not use must say what it uses."""
    if s.flag("new_decoder_architecture"):
        return replace(full, kv_heads=blocks.key_value_heads(s, full.heads, "num_kv_heads"))
    kv_heads = 1 if s.flag("multi_query") else full.heads
    s.only("num_kv_heads", full.heads, kv_heads)
    return replace(full, kv_heads=kv_heads)


def _arcee(s: Settings) -> Body:
    """Llama's attention and norms, with a squared activation without gate."""
    width = s.count("hidden_size")
    attention = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    return _body(width, [attention] * blocks.depth(s), _plain(s, width, s.flag("mlp_bias")), 2, vectors=1)


def _apertus(s: Settings) -> Body:
    """Norms within heads; the activation of each block has two numbers of its own where it is xIELU."""
    width = s.count("hidden_size")
    attention = blocks.with_head_norms(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""))
    block = replace(_plain(s, width, has_bias=False), vectors=2 if s.value("hidden_act") == "xielu" else 0)
    return _body(width, [attention] * blocks.depth(s), block, 2, vectors=1)


# --- one part after the other --------------------------------------------------------------------------------------
def _bloom(s: Settings) -> Body:
    """Biases everywhere but in the unembedding; a norm after the embedding; positions are no weights."""
    width = s.count("hidden_size")
    layers = [multi_head(s, width, "n_head", biases="qkvo")] * blocks.depth(s, "n_layer")
    block = with_biases(DenseFeedForward(4 * width, gated=False), width)
    return _body(width, layers, block, 2, outside=BIASED * width)


def _mpt(s: Settings) -> Body:
    """No biases anywhere; positions are slopes and no weights."""
    s.only("no_bias", True)
    table = s.inside("attn_config")
    table.only("attn_type", "multihead_attention")
    table.only("alibi", True)
    for key in ("qk_ln", "qk_gn"):
        table.only(key, False)
    width = s.count("d_model")
    layers = [multi_head(s, width, "n_heads")] * blocks.depth(s, "n_layers")
    block = DenseFeedForward(s.count("expansion_ratio") * width, gated=False)
    return _body(width, layers, block, 2, vectors=1)


def _gpt_bigcode(s: Settings) -> Body:
    """GPT-2 with one key-value head for all where multi_query says so; learned positions."""
    s.only("add_cross_attention", False)
    width = s.count("n_embd")
    full = multi_head(s, width, "n_head", biases="qkvo")
    kv_heads = 1 if s.flag("multi_query") else full.heads
    attention = replace(full, kv_heads=kv_heads, vectors=2 * width + 2 * kv_heads * full.head_dim)
    body = _body(width, [attention] * blocks.depth(s, "n_layer"), _plain(s, width, key="n_inner"), 2)
    return replace(body, positions=s.count("n_positions", "positions"))


def _starcoder2(s: Settings) -> Body:
    """Biases where use_bias says so; a window, where there is one, holds in every layer."""
    width, has_bias = s.count("hidden_size"), s.flag("use_bias")
    attention = replace(grouped(s, width, "qkvo" if has_bias else ""), window=blocks.window(s))
    return _body(width, [attention] * blocks.depth(s), _plain(s, width, has_bias), 2)


def _nemotron(s: Settings) -> Body:
    """Nemotron-4: a squared activation without gate, norms with biases."""
    width = s.count("hidden_size")
    attention = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    return _body(width, [attention] * blocks.depth(s), _plain(s, width, s.flag("mlp_bias")), 2)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "cohere": _cohere, "cohere2": _cohere2, "phi": _phi, "stablelm": _stablelm, "gpt_neox": _gpt_neox, "gptj": _gptj,
    "falcon": _falcon, "bloom": _bloom, "mpt": _mpt, "starcoder2": _starcoder2, "nemotron": _nemotron,
    "codegen": _gptj, "gpt_bigcode": _gpt_bigcode, "arcee": _arcee, "apertus": _apertus,
}  # fmt: skip
"""The function of each model_type of the kind."""
