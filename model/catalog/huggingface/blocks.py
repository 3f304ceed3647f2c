"""Blocks that several families share: attention with its biases and norms, feed-forward parts, the order of windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from steptime.model.catalog.huggingface.keys import Settings

from steptime.model.architecture.transformer import (  # isort: skip
    Attention, DenseFeedForward, ExpertFeedForward, FeedForward, GroupedAttention, LatentAttention, Layer,
)  # fmt: skip

SLIDING, CHUNKED, FULL = "sliding_attention", "chunked_attention", "full_attention"


@dataclass(frozen=True)
class Body:
    """What a family's function returns: the layers, and what surrounds them beside the embeddings.

    ``tables``, ``streams``: as of a Transformer. ``stored``: formats that the file states of kinds of weights outside
    its quantization_config. ``notices``: what of the architecture is left out.
    """

    width: int
    layers: tuple[Layer, ...]
    vectors: int
    positions: int = 0
    tables: int = 0
    streams: int = 1
    stored: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()


def head_dimension(s: Settings, width: int, heads: int) -> int:
    """head_dim, or the width shared out among the heads where it is null."""
    stated = s.optional_count("head_dim")
    if stated is None and width % heads:
        raise s.error(f"the width {width} is not divisible by {heads} attention heads, and head_dim is not given")
    return stated or width // heads


def key_value_heads(s: Settings, heads: int, key: str = "num_key_value_heads") -> int:
    """Key-value heads, one for each query head where null; they must divide the query heads."""
    kv_heads = s.optional_count(key, "heads") or heads
    if heads % kv_heads:
        raise s.error(f"num_attention_heads {heads} is not divisible by {key} {kv_heads}")
    return kv_heads


def grouped(s: Settings, width: int, biases: str = "") -> GroupedAttention:
    """Grouped attention from the usual keys; ``biases`` names the matrices that have one, of "qkvo"."""
    heads = s.count("num_attention_heads", "heads")
    kv_heads, head_dim = key_value_heads(s, heads), head_dimension(s, width, heads)
    sizes = {"q": heads * head_dim, "k": kv_heads * head_dim, "v": kv_heads * head_dim, "o": width}
    return GroupedAttention(heads, kv_heads, head_dim, head_dim, vectors=sum(sizes[matrix] for matrix in biases))


def with_vectors(attention: GroupedAttention, more: int) -> GroupedAttention:
    """The same attention with more stored vectors: norms of query and key, sinks."""
    return replace(attention, vectors=attention.vectors + more)


def with_head_norms(attention: GroupedAttention) -> GroupedAttention:
    """Query and key are normalised within each head, by one vector each."""
    return with_vectors(attention, 2 * attention.head_dim)


def with_whole_norms(attention: GroupedAttention) -> GroupedAttention:
    """All heads of query together are normalised, and all of key."""
    return with_vectors(attention, (attention.heads + attention.kv_heads) * attention.head_dim)


def multi_head(s: Settings, width: int, heads_key: str = "num_attention_heads", biases: str = "") -> GroupedAttention:
    """A key and a value for every query head, and heads that share out the width."""
    heads = s.count(heads_key, "heads")
    if width % heads:
        raise s.error(f"the width {width} is not divisible by {heads_key} {heads}")
    return GroupedAttention(heads, heads, width // heads, width // heads, vectors=len(biases) * width)


def with_biases(block: DenseFeedForward, width: int, has: bool = True) -> DenseFeedForward:
    """The block with a bias for each of its matrices, where it has them."""
    between = (2 if block.gated else 1) * block.intermediate
    return replace(block, vectors=between + width) if has else block


def gated(s: Settings, key: str = "intermediate_size") -> DenseFeedForward:
    """A dense block with a gate."""
    return DenseFeedForward(s.count(key, "intermediate"))


def uniform(s: Settings, width: int, attention: GroupedAttention, block: FeedForward, norms: int = 2) -> Body:
    """Every layer alike."""
    layers = depth(s)
    return stack(width, [attention] * layers, [block] * layers, norms)


def latent(s: Settings, width: int, rotated: bool = True) -> LatentAttention:
    """Multi-head latent attention with the norms of its latents, and biases where the file asks for them; only where it
    is not ``rotated`` may it have no rotary key."""
    heads = s.count("num_attention_heads", "heads")
    kv_rank, query_rank = s.count("kv_lora_rank"), s.optional_count("q_lora_rank")
    nope_dim, value_dim = s.count("qk_nope_head_dim"), s.count("v_head_dim")
    rope_dim = s.count("qk_rope_head_dim", least=int(rotated))
    vectors = kv_rank + (query_rank or 0)
    if s.flag("attention_bias"):
        vectors += (query_rank or 0) + kv_rank + rope_dim + width
    return LatentAttention(heads, nope_dim, rope_dim, value_dim, kv_rank, query_rank, vectors)


def experts(s: Settings, number: str, intermediate: int, chosen: str = "num_experts_per_tok") -> ExpertFeedForward:
    """Routed experts, no more chosen per token than there are."""
    block = ExpertFeedForward(s.count(number, "experts"), s.count(chosen, "experts"), intermediate)
    if block.experts_per_token > block.experts:
        raise s.error(f"{chosen} {block.experts_per_token} is more than {number} {block.experts}")
    return block


def grouped_experts(s: Settings) -> ExpertFeedForward:
    """DeepSeek's experts: shared ones, and a router limited to some groups of them."""
    intermediate = s.count("moe_intermediate_size")
    block = experts(s, "n_routed_experts", intermediate)
    shared = s.optional_count("n_shared_experts", "experts", least=0) or 0
    groups = s.optional_count("n_group", "experts") or 1
    kept = s.optional_count("topk_group", "experts") or groups
    if block.experts % groups or kept > groups or block.experts_per_token > block.experts // groups * kept:
        chosen = block.experts_per_token
        raise s.error(f"{block.experts} experts, {kept} of {groups} groups and {chosen} per token do not fit")
    return replace(block, shared_intermediate=shared * intermediate, groups=groups, groups_kept=kept)


def depth(s: Settings, key: str = "num_hidden_layers") -> int:
    return s.count(key, "layers")


def leading_dense(s: Settings, dense: FeedForward, sparse: FeedForward) -> list[FeedForward]:
    """The first ``first_k_dense_replace`` layers dense, the rest sparse."""
    layers = depth(s)
    first = s.optional_count("first_k_dense_replace", "layers", least=0) or 0
    return [dense if i < first else sparse for i in range(layers)]


def every_step(s: Settings, dense: FeedForward, sparse: FeedForward) -> list[FeedForward]:
    """Sparse every ``decoder_sparse_step`` layers but in ``mlp_only_layers``."""
    layers, step = depth(s), s.count("decoder_sparse_step", "layers")
    only_dense = set(s.numbers("mlp_only_layers", layers - 1) or ())
    return [dense if i in only_dense or (i + 1) % step else sparse for i in range(layers)]


def window(s: Settings, key: str = "sliding_window") -> int | None:
    """Tokens of a window or chunk, None where the file says null."""
    return s.optional_count(key, "positions")


def windowed(
    s: Settings, attention: GroupedAttention, is_limited: Callable[[int], bool], kind: str = SLIDING
) -> list[GroupedAttention]:
    """The attention of each layer: layer_types where stated, else limited where the class's rule says so."""
    key = "attention_chunk_size" if kind == CHUNKED else "sliding_window"
    layers, tokens = depth(s), window(s, key)
    kinds = s.words("layer_types", (kind, FULL), layers)
    if kinds is None:
        kinds = [kind if is_limited(i) else FULL for i in range(layers)]
    if kind in kinds and tokens is None:
        raise s.error(f"config key {key!r} is null although some layers are {kind}")
    limited = replace(attention, window=tokens, chunked=kind == CHUNKED)
    return [limited if found == kind else attention for found in kinds]


def all_but_every(s: Settings, key: str = "sliding_window_pattern") -> Callable[[int], bool]:
    """The rule of a pattern of n: every n-th layer is full, the others limited. The key is read when it is used."""
    return lambda i: bool((i + 1) % s.count(key, "layers"))


def stack(width: int, attention: Sequence[Attention], blocks: Sequence[FeedForward], norms: int = 2) -> Body:
    """Layers with so many norms as wide as the stream, and one norm after the last layer."""
    pairs = zip(attention, blocks, strict=True)
    layers = tuple(Layer(one, (block,), norms * width) for one, block in pairs)
    return Body(width, layers, vectors=width)
