"""The modules that hold a transformer's weights, by the names that checkpoints give them: what rules of quantisation
are evaluated on.

Names are those of the modelling files of the transformers library and of the checkpoints themselves. A module that goes
by several (separate or fused projections, the words of different families) has them all: a rule that fits one of them
fits the module. In a layer, names are relative to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.choices import Weight

from steptime.model.architecture.transformer import (  # isort: skip
    DenseFeedForward, ExpertFeedForward, GroupedAttention, Indexer, LatentAttention, Layer, ParallelMixers,
    RecurrentMixer, SelectiveStateSpace, ShortConvolution,
)  # fmt: skip


@dataclass(frozen=True)
class Module:
    """Weights that are stored alike: their names, their number, and the kind of weights they are."""

    names: tuple[str, ...]
    weights: int
    kind: Weight


UNEMBEDDING = ("lm_head", "head", "output", "embed_out", "output_layer", "transformer.output_layer")
EMBEDDING = ("model.embed_tokens", "embed_tokens", "embed", "wte", "word_embeddings", "tok_embeddings", "embed_in")

_ATTENTION = ("self_attn", "attn", "attention", "mixer", "self_attention")


def _in(parents: Sequence[str], *names: str) -> tuple[str, ...]:
    return tuple(f"{parent}.{name}" for parent in parents for name in names)


def _attention(*names: str) -> tuple[str, ...]:
    return _in(_ATTENTION, *names)


_GROUPED = (
    _attention("q_proj", "qkv_proj", "query_key_value", "c_attn", "Wqkv", "wqkv", "W_pack"),
    _attention("k_proj", "qkv_proj", "query_key_value", "c_attn", "Wqkv", "wqkv", "W_pack"),
    _attention("v_proj", "qkv_proj", "query_key_value", "c_attn", "Wqkv", "wqkv", "W_pack"),
    _attention("o_proj", "out_proj", "dense", "c_proj", "wo"),
)
"""Of query, key, value and output, in the order of `GroupedAttention.matrices`."""
_LATENT = {
    "down": _attention("kv_a_proj_with_mqa"), "expansion": _attention("kv_b_proj"), "output": _attention("o_proj"),
    "query": _attention("q_proj"), "query_down": _attention("q_a_proj"), "query_up": _attention("q_b_proj"),
}  # fmt: skip
_INDEXER = {"query": ("self_attn.indexer.wq_b",), "key": ("self_attn.indexer.wk",),
            "weights": ("self_attn.indexer.weights_proj", "self_attn.indexers_proj")}  # fmt: skip
_RECURRENT = {
    "gated delta-net": ("linear_attn.in_proj_qkvz", "linear_attn.in_proj_qkv", "linear_attn.out_proj"),
    "lightning": ("self_attn.qkv_proj", "self_attn.out_proj"),
    "Mamba-2": ("mixer.in_proj", "mamba.in_proj", "mixer.out_proj", "mamba.out_proj"),
}
_MAMBA = tuple(_in(("mixer", "mamba"), name) for name in ("in_proj", "x_proj", "dt_proj", "out_proj"))
_CONVOLUTION = (("conv.in_proj",), ("conv.out_proj",))
ADAPTERS = ("feed_forward.gate_up_proj_adapter_list", "shared_transformer", "mamba_decoder", "linear")
_DENSE = ("mlp", "feed_forward", "mixer", "ffn", "block_sparse_moe", "residual_mlp", "shared_transformer.feed_forward")
_SPARSE = ("mlp", "feed_forward", "block_sparse_moe", "mixer", "ffn", "moe")
_SHARED = (*_in(_SPARSE, "shared_experts", "shared_expert", "shared_mlp"), "shared_mlp")
_EXPERTS = _in(_SPARSE, "experts")
_GATE = ("gate_proj", "gate_up_proj", "w1", "c_fc", "dense_h_to_4h", "fc1", "fc_in", "input_linear")
_UP = ("up_proj", "gate_up_proj", "w3", "v1", "c_fc", "dense_h_to_4h", "fc1", "fc_in", "input_linear")
_DOWN = ("down_proj", "w2", "c_proj", "dense_4h_to_h", "fc2", "fc_out", "output_linear")
_ROUTER = _in(_SPARSE, "gate", "router", "gate.wg")
_SHARED_GATE = ("mlp.shared_expert_gate",)


def outer_modules(embedding: int, tied: bool, head: bool = True) -> Iterator[Module]:
    """The table of the inputs and the unembedding; one module of both kinds of names where they are tied."""
    if tied:
        yield Module((*EMBEDDING, *UNEMBEDDING), embedding, Weight.EMBEDDING)
        return
    yield Module(EMBEDDING, embedding, Weight.EMBEDDING)
    if head:
        yield Module(UNEMBEDDING, embedding, Weight.UNEMBEDDING)


def layer_modules(layer: Layer, width: int) -> list[Module]:
    """The modules of one layer. One expert stands for all of its layer, with the weights of all."""
    found = [] if layer.attention is None else list(mixer_modules(layer.attention, width))
    found += [Module(ADAPTERS, matrix.weights, Weight.ATTENTION) for matrix in layer.adapters]
    for block in layer.feed_forward:
        if isinstance(block, DenseFeedForward):
            found += _feed_forward(_DENSE, block.weights(width), block.gated, Weight.DENSE, layer.attention is None)
            continue
        found += _experts(block, width)
    return found


def _experts(block: ExpertFeedForward, width: int) -> Iterator[Module]:
    yield from _feed_forward(_EXPERTS, block.experts * block.expert_weights(width), block.gated, Weight.EXPERTS)
    if shared := block.shared_weights(width) - (width if block.shared_gate else 0):
        yield from _feed_forward(_SHARED, shared, block.gated, Weight.DENSE)
    if block.shared_gate:
        yield Module(_SHARED_GATE, width, Weight.DENSE)
    yield Module(_ROUTER, block.router_weights(width), Weight.ROUTER)


def _feed_forward(
    parents: Sequence[str], weights: int, gated: bool, kind: Weight, is_mixer: bool = True
) -> Iterator[Module]:
    """The matrices of a block, equally large: gate, up and down, or up and down. A word that stands for a mixer as
    well is left out where the layer has one."""
    places = [parent for parent in parents if is_mixer or parent != "mixer"]
    if kind == Weight.EXPERTS:  # stacked in one tensor, or numbered
        places = [place for parent in parents for place in (parent, f"{parent}.0")]
    names = (_GATE, _UP, _DOWN) if gated else (_UP, _DOWN)
    for spellings in names:
        yield Module(_in(places, *spellings), weights // len(names), kind)


def mixer_modules(mixer: Mixer, width: int) -> Iterator[Module]:
    """The modules of a mixer of tokens; one for all of it where its parts have no names here."""
    for names, weights in _named(mixer, width, list(mixer.matrices(width))):
        if weights:
            yield Module(names, weights, Weight.ATTENTION)


def _named(mixer: Mixer, width: int, matrices: list[Matrix]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Names and weights of each part."""
    sizes = [matrix.weights for matrix in matrices]
    if isinstance(mixer, GroupedAttention):
        names = (_GROUPED[0], _GROUPED[3]) if mixer.reuses_cache else _GROUPED
        yield from zip(names, sizes, strict=True)
    elif isinstance(mixer, LatentAttention):
        parts = ["down", "expansion", "output", *(["query_down", "query_up"] if mixer.query_rank else ["query"])]
        yield from ((_LATENT[part], size) for part, size in zip(parts, sizes, strict=False))
        if mixer.indexer is not None:
            yield from _of_indexer(mixer.indexer, mixer.query_rank or width, width)
    elif isinstance(mixer, ParallelMixers):
        for part in (mixer.attention, mixer.recurrent):
            yield from _named(part, width, list(part.matrices(width)))
    elif isinstance(mixer, SelectiveStateSpace):
        yield from zip(_MAMBA, sizes, strict=True)
    elif isinstance(mixer, ShortConvolution):
        yield from zip(_CONVOLUTION, sizes, strict=True)
    elif isinstance(mixer, RecurrentMixer) and mixer.kind in _RECURRENT:
        yield from _of_state(mixer, width, *sizes)
    else:
        yield _ATTENTION, sum(sizes)


def _of_indexer(indexer: Indexer, latent: int, width: int) -> Iterator[tuple[tuple[str, ...], int]]:
    yield _INDEXER["query"], latent * indexer.heads * indexer.dim
    yield _INDEXER["key"], width * indexer.dim
    yield _INDEXER["weights"], width * indexer.heads


def _of_state(mixer: RecurrentMixer, width: int, into: int, out: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """A recurrent mixer's projections; of a delta-net's those of its two small gates apart."""
    names = _RECURRENT[mixer.kind]
    if mixer.kind == "gated delta-net":
        gate, small = width * mixer.heads * mixer.value_dim, 2 * width * mixer.heads
        yield names[:2], into - gate - small
        yield ("linear_attn.in_proj_qkvz", "linear_attn.in_proj_z"), gate
        yield ("linear_attn.in_proj_ba", "linear_attn.in_proj_b", "linear_attn.in_proj_a"), small
        yield names[2:], out
        return
    half = (len(names) + 1) // 2
    yield names[:half], into
    yield names[half:], out
