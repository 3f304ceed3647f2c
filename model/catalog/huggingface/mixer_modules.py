"""The modules of mixers, by the names that checkpoints give their matrices: in the order of `Mixer.matrices`."""

from collections.abc import Iterator, Sequence

from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.catalog.huggingface.named import Module, within
from steptime.model.choices import Weight

from steptime.model.architecture.transformer import (  # isort: skip
    CompressedAttention, CrossAttention, GroupedAttention, Indexer, LatentAttention, ParallelMixers, RecurrentMixer,
    SelectiveStateSpace, ShortConvolution,
)  # fmt: skip

Named = tuple[tuple[str, ...], int]
"""Names and number of weights."""
ATTENTION = ("self_attn", "attn", "attention", "mixer", "self_attention", "shared_transformer.self_attn")


def _attention(*names: str) -> tuple[str, ...]:
    return within(ATTENTION, *names)


_FUSED = ("qkv_proj", "query_key_value", "c_attn", "Wqkv", "wqkv", "W_pack")
_GROUPED = (
    _attention("q_proj", *_FUSED), _attention("k_proj", *_FUSED), _attention("v_proj", *_FUSED),
    _attention("o_proj", "out_proj", "dense", "c_proj", "wo"),
)  # fmt: skip
_LATENT = {
    "down": _attention("kv_a_proj_with_mqa"), "expansion": _attention("kv_b_proj"), "output": _attention("o_proj"),
    "query": _attention("q_proj"), "query_down": _attention("q_a_proj"), "query_up": _attention("q_b_proj"),
    "gate": _attention("g_proj"),
}  # fmt: skip
_INDEXER = {
    "query": _attention("indexer.wq_b", "indexer.q_proj", "index_q_proj"),
    "key": _attention("indexer.wk", "indexer.k_proj", "index_k_proj"),
    "weights": _attention("indexer.weights_proj", "indexers_proj"),
}  # fmt: skip
_COMPRESSED = (
    _attention("wq_a", "q_a_proj"), _attention("wq_b", "q_b_proj"), _attention("wkv", "kv_proj"),
    _attention("wo_a", "o_a_proj"), _attention("wo_b", "o_b_proj"),
)  # fmt: skip
_COMPRESSOR = _attention("compressor.wkv", "compressor.wgate", "compressor.kv_proj", "compressor.gate_proj")
_INDEX_OF_ENTRIES = {
    "query": _attention("indexer.wq_b", "indexer.q_b_proj"),
    "others": _attention("indexer.weights_proj", "indexer.compressor.wkv", "indexer.compressor.wgate"),
}  # fmt: skip
_CROSS = (("cross_attn.q_proj",), ("cross_attn.o_proj",), ("cross_attn.k_proj", "cross_attn.v_proj"))
_DELTA_NET = {
    "qkv": ("linear_attn.in_proj_qkvz", "linear_attn.in_proj_qkv"),
    "z": ("linear_attn.in_proj_qkvz", "linear_attn.in_proj_z"),
    "gates": ("linear_attn.in_proj_ba", "linear_attn.in_proj_b", "linear_attn.in_proj_a"),
    "output": ("linear_attn.out_proj",),
}  # fmt: skip
_KIMI_DELTA = (
    _attention("q_proj", "k_proj", "v_proj", "b_proj", "g_proj"), _attention("o_proj"),
    _attention("f_a_proj", "g_a_proj"), _attention("f_b_proj", "g_b_proj"),
)  # fmt: skip
_LIGHTNING = (("self_attn.qkv_proj", "self_attn.output_gate"), ("self_attn.out_proj",))
_MAMBA = tuple(within(("mixer", "mamba"), name) for name in ("in_proj", "x_proj", "dt_proj", "out_proj"))
_CONVOLUTION = (("conv.in_proj",), ("conv.out_proj",))


def mixer_modules(mixer: Mixer, width: int) -> Iterator[Module]:
    """The modules of a mixer of tokens, those that are held for other inputs than text too; compressors and the small
    parts of an index are kept in 16 bits by those who quantise, and by engines.

    >>> from steptime.model.architecture.attention import GroupedAttention
    >>> [module.weights for module in mixer_modules(GroupedAttention(8, 2, 64, 64), 512)]
    [262144, 65536, 65536, 262144]
    """
    idle = zip(_CROSS[2:], (matrix.weights for matrix in mixer.idle(width)), strict=False)
    for names, weights in (*_named(mixer, width, mixer.matrices(width)), *idle):
        if weights:
            is_left = names in (_COMPRESSOR, _INDEX_OF_ENTRIES["others"], _INDEXER["weights"])
            yield Module(names, weights, Weight.ATTENTION, Weight.ROUTER if is_left else None)


def _named(mixer: Mixer, width: int, matrices: Sequence[Matrix]) -> Iterator[Named]:
    """Names and weights of each part."""
    sizes = [matrix.weights for matrix in matrices]
    if isinstance(mixer, GroupedAttention):
        names = (_GROUPED[0], _GROUPED[3]) if mixer.reuses_cache else _GROUPED
        yield from zip(names, sizes, strict=False)
        yield from _of_indexer(mixer.indexer, width, width, sizes)
    elif isinstance(mixer, LatentAttention):
        parts = ["down", "expansion", "output", *(["query_down", "query_up"] if mixer.query_rank else ["query"])]
        yield from zip((_LATENT[part] for part in [*parts, *(["gate"] if mixer.gated else [])]), sizes, strict=False)
        yield from _of_indexer(mixer.indexer, mixer.query_rank or width, width, sizes)
    elif isinstance(mixer, CompressedAttention):
        yield from _of_compressed(mixer, width, sizes)
    elif isinstance(mixer, ParallelMixers):
        for part in (mixer.attention, mixer.recurrent):
            yield from _named(part, width, part.matrices(width))
    elif isinstance(mixer, RecurrentMixer):
        yield from _of_state(mixer, width, sizes)
    else:
        known = {CrossAttention: _CROSS[:2], SelectiveStateSpace: _MAMBA, ShortConvolution: _CONVOLUTION}
        yield from zip(known[type(mixer)], sizes, strict=True)


def _of_indexer(indexer: Indexer | None, query_width: int, width: int, sizes: Sequence[int]) -> Iterator[Named]:
    """An index, the last of the matrices: its queries, its key, and the weights of its heads where it has them."""
    if indexer is None:
        return
    queries, weights = query_width * indexer.heads * indexer.dim, width * indexer.heads if indexer.weighted else 0
    yield _INDEXER["query"], queries
    yield _INDEXER["key"], sizes[-1] - queries - weights
    yield _INDEXER["weights"], weights


def _of_compressed(mixer: CompressedAttention, width: int, sizes: Sequence[int]) -> Iterator[Named]:
    yield from zip(_COMPRESSED, (*sizes[:3], *sizes[-2:]), strict=True)
    between = list(sizes[3:-2])
    if mixer.ratio:
        yield _COMPRESSOR, between.pop(0)
    if mixer.indexer is not None:
        queries = mixer.query_rank * mixer.indexer.heads * mixer.indexer.dim
        yield _INDEX_OF_ENTRIES["query"], queries
        yield _INDEX_OF_ENTRIES["others"], between.pop(0) - queries


def _of_state(mixer: RecurrentMixer, width: int, sizes: Sequence[int]) -> Iterator[Named]:
    """A recurrent mixer's projections; of a delta-net's those of its two small gates apart."""
    if mixer.kind == "gated delta-net":
        z, gates = width * mixer.heads * mixer.value_dim, 2 * width * mixer.heads
        numbers = (sizes[0] - z - gates, z, gates, sizes[1])
        yield from zip(_DELTA_NET.values(), numbers, strict=True)
        return
    known = {"Kimi delta": _KIMI_DELTA, "lightning": _LIGHTNING, "Mamba-2": (_MAMBA[0], _MAMBA[3])}
    yield from zip(known[mixer.kind], sizes, strict=False)
