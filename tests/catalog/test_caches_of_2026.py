"""What the attention of 2026 caches, reads and keeps, against published figures and sums token by token."""

from typing import Any

import pytest
from config_2026 import E2B, E4B, GLM_52, GLM_NEXT, K3, KIMI_LINEAR, M3, MIMO_V2, SUPER, V4_FLASH, V4_PRO
from sympy import Integer, Rational

from steptime.model import symbols as q
from steptime.model.architecture.stream import Stream
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.scenario import Scenario

from steptime.model.architecture.attention import (  # isort: skip
    Attention, CompressedAttention, GroupedAttention, Indexer, LatentAttention,
)  # fmt: skip
from steptime.model.architecture.mixing import (  # isort: skip
    attention_flops, cache_bytes, cache_read, cache_written, choosing_flops, state_bytes,
)  # fmt: skip

KI, MI = 2**10, 2**20
NO_SCALES = {q.bytes_per_rotary: 2, q.bytes_per_scale: 0, q.bytes_per_index_scale: 0}
BF16 = {q.bytes_per_kv: 2, q.bytes_per_index: 2, q.bytes_per_state: 0, q.flops_per_mac: 2, **NO_SCALES}
"""Rings and states aside."""
FP8 = {**BF16, q.bytes_per_kv: 1, q.bytes_per_index: 1, q.bytes_per_scale: 4, q.bytes_per_index_scale: 4}
"""584 bytes for an entry of 512 elements and 132 for an index key of 128: DeepSeek-V4 as deployed on NVIDIA."""
FP4_INDEX = {**FP8, q.bytes_per_index: Rational(1, 2)}


def model(config: dict[str, Any]) -> Transformer:
    return read_config(config, "toy")


def value(expr: Any, numbers: dict[Any, Any]) -> float:
    return float(Scenario({key: float(one) for key, one in numbers.items()}).evaluate(expr))


def summed(config: dict[str, Any], part: Any, numbers: dict[Any, Any], *arguments: Any) -> float:
    """One quantity of all layers."""
    return sum(number * value(part(mixer, *arguments), numbers) for mixer, number in model(config).mixers)


def step(context: int) -> list[Stream]:
    return [Stream(cached=Integer(context))]


# --- compressed attention ------------------------------------------------------------------------------------------
def test_cache_of_v4_pro_at_a_mebitoken() -> None:
    """With windows 9.62 GiB in bf16: vllm-project.github.io, 2026-04-24."""
    assert summed(V4_PRO, cache_bytes, BF16, Integer(MI)) / 2**30 == pytest.approx(9.62, abs=0.005)


@pytest.mark.parametrize(
    ("config", "stored", "per_token"),
    [(V4_PRO, BF16, 9848), (V4_PRO, FP8, 5511), (V4_PRO, FP4_INDEX, 5031),
     (V4_FLASH, BF16, 6880), (V4_FLASH, FP8, 3850), (V4_FLASH, FP4_INDEX, 3514)],
    ids=[f"deepseek-v4-{size}: n4 (a + i)/4 + n128 a/128, {stored}" for size in ("pro", "flash")
         for stored in ("bf16", "584 and 132 B", "584 and 68 B")],
)  # fmt: skip
def test_growth_of_compressed_caches(config: dict[str, Any], stored: dict[Any, Any], per_token: int) -> None:
    """Beyond the window only entries and index keys grow."""
    two = [summed(config, cache_bytes, stored, Integer(tokens)) for tokens in (MI, MI + 128)]
    assert (two[1] - two[0]) / 128 == pytest.approx(per_token, abs=0.5)


@pytest.mark.parametrize(
    ("config", "tokens", "megabytes"),
    [(V4_PRO, 8 * KI, 31.8), (V4_PRO, 128 * KI, 170.8), (V4_PRO, MI, 1209),
     (V4_FLASH, 8 * KI, 15.9), (V4_FLASH, 128 * KI, 112), (V4_FLASH, MI, 832)],
    ids=[f"deepseek-v4-{size} at {at}: windows, index keys, chosen entries, by hand at 584 and 132 B"
         for size in ("pro", "flash") for at in ("8 Ki", "128 Ki", "1 Mi")],
)  # fmt: skip
def test_reads_of_compressed_caches(config: dict[str, Any], tokens: int, megabytes: float) -> None:
    assert summed(config, cache_read, FP8, step(tokens)) / 1e6 == pytest.approx(megabytes, rel=3e-3)


@pytest.mark.parametrize(("config", "megabytes"), [(V4_PRO, 18.7), (V4_FLASH, 12.2)], ids=["pro", "flash"])
def test_rings_of_compressors(config: dict[str, Any], megabytes: float) -> None:
    """In fp32, keys and weights: 8 x 2048 and 8 x 512 elements for entries of 4 tokens, 128 x 1024 for those of 128."""
    fp32 = {**BF16, q.bytes_per_kv: 0, q.bytes_per_rotary: 0, q.bytes_per_index: 0, q.bytes_per_state: 4}
    assert summed(config, cache_bytes, fp32, Integer(MI)) / 1e6 == pytest.approx(megabytes, abs=0.05)


@pytest.mark.parametrize(
    ("config", "gigaflops"), [(V4_PRO, 97.7 + 76.7 + 128.8), (V4_FLASH, 26.5 + 23.6 + 90.2)], ids=["pro", "flash"]
)
def test_flops_of_v4_at_a_mebitoken(config: dict[str, Any], gigaflops: float) -> None:
    """Weights, attention and index of one token; against V3.2 a quarter and an eighth, which its report says too."""
    scored = [summed(config, part, BF16, step(MI)) for part in (attention_flops, choosing_flops)]
    total = 2 * model(config).active_parameters + sum(scored)
    assert total / 1e9 == pytest.approx(gigaflops, rel=2e-3)


SMALL = CompressedAttention(4, 16, 8, 2, 8, near=6, ratio=2, overlap=2, indexer=Indexer(3, 5, 4))
"""Entries of 2 tokens, the best 4 of them, and a window of 6."""
WHOLE = CompressedAttention(4, 16, 8, 2, 8, near=6, ratio=5)


@pytest.mark.parametrize("mixer", [SMALL, WHOLE], ids=["the best entries", "all entries"])
@pytest.mark.parametrize(("tokens", "cached"), [(7, 0), (30, 0), (20, 9)])
def test_flops_of_a_prefill_token_by_token(mixer: CompressedAttention, tokens: int, cached: int) -> None:
    """Each token meets those of its window and, at a share of the price, those of the entries it attends to."""
    entries = [p / mixer.ratio if mixer.indexer is None else min(p / mixer.ratio, mixer.indexer.selected)
               for p in range(cached, cached + tokens)]  # fmt: skip
    pairs = sum(min(p, mixer.near) for p in range(cached, cached + tokens)) + sum(entries)
    stream = Stream(tokens=Integer(tokens), cached=Integer(cached))
    assert value(attention_flops(mixer, [stream]), BF16) == pytest.approx(2 * 4 * 2 * 16 * pairs)


def test_a_step_writes_a_token_its_share_of_an_entry_and_a_row_of_the_ring() -> None:
    """Ring rows: keys and weights of 2 x 16 features, and of 2 x 5 for the index; two of them are read a step."""
    numbers = {**BF16, q.bytes_per_kv: 3, q.bytes_per_index: 5, q.bytes_per_state: 7}
    row = 7 * (2 * 2 * 16 + 2 * 2 * 5)
    assert value(cache_written(SMALL, step(100)), numbers) == 3 * 16 * (1 + 0.5) + 5 * 5 * 0.5 + row
    assert value(cache_read(SMALL, step(100)), numbers) == 3 * 16 * (6 + 4) + 5 * 5 * 50 + 2 * row
    assert value(cache_bytes(SMALL, Integer(100)), numbers) == 3 * 16 * (6 + 50) + 5 * 5 * 50 + 4 * row


def test_a_long_chunk_moves_the_ring_once() -> None:
    numbers = {**BF16, q.bytes_per_kv: 0, q.bytes_per_index: 0, q.bytes_per_state: 1}
    ring, stream = 5 * 2 * 16, [Stream(tokens=Integer(40), cached=Integer(20), chunks=Integer(2))]
    assert value(cache_written(WHOLE, stream), numbers) == value(cache_read(WHOLE, stream), numbers) == 2 * ring
    fresh = [Stream(tokens=Integer(40), chunks=Integer(2))]
    assert value(cache_read(WHOLE, fresh), numbers) == ring


# --- chosen blocks, shared indices, pools --------------------------------------------------------------------------
def test_cache_of_minimax_m3() -> None:
    """60 layers of 4 keys and values of 128, 57 index keys of 128, in bf16: 137,472 B a token (transformers 5.24.0)."""
    assert summed(M3, cache_bytes, BF16, Integer(1)) == 60 * 2 * 4 * 128 * 2 + 57 * 128 * 2 == 137_472


@pytest.mark.parametrize(
    ("tokens", "gigabytes"), [(8 * KI, 0.409), (128 * KI, 2.96), (MI, 21.98)], ids=["8 Ki", "128 Ki", "1 Mi: msa paper"]
)
def test_reads_of_minimax_m3(tokens: int, gigabytes: float) -> None:
    """Three layers read all, the others every index key and 16 blocks of 128 tokens."""
    assert summed(M3, cache_read, BF16, step(tokens)) / 1e9 == pytest.approx(gigabytes, rel=2e-3)
    pairs = 4 * 64 * 128 * (3 * tokens + 57 * min(tokens, 2048))
    assert summed(M3, attention_flops, BF16, step(tokens)) == pairs
    assert summed(M3, choosing_flops, BF16, step(tokens)) == 57 * 2 * 4 * 128 * tokens


def test_cache_of_glm_5_2() -> None:
    """78 latents of 576 and 21 index keys of 128 in bf16 (transformers 5.24.0); deployed 656 and 132 B: 53,940 B."""
    assert summed(GLM_52, cache_bytes, BF16, Integer(1)) == 78 * 1152 + 21 * 256 == 95_232
    assert summed(GLM_52, cache_bytes, FP8, Integer(1)) == pytest.approx(53_940)
    at_a_mebitoken = summed(GLM_52, cache_read, FP8, step(MI))
    assert at_a_mebitoken == pytest.approx(21 * MI * 132 + 78 * 2048 * 656)


def test_layers_that_share_an_index_follow_one_that_has_it() -> None:
    """arXiv 2603.12201: 0, 1, 2, 6, 10, …, 74 have an index."""
    layers = [layer.attention for layer in model(GLM_52).layers]
    own = [i for i, mixer in enumerate(layers) if isinstance(mixer, LatentAttention) and mixer.indexer is not None]
    assert own == [0, 1, *range(2, 78, 4)]
    assert {mixer.selected for mixer in layers if mixer is not None} == {2048}
    listed = {**GLM_52, "indexer_types": ["full" if i in own else "shared" for i in range(78)], "index_topk_freq": 1}
    pattern = {**GLM_52, "index_topk_pattern": "".join("FS"[i not in own] for i in range(78))}
    assert model(listed) == model(pattern) == model(GLM_52)


def test_cache_of_glm_5_3_flash() -> None:
    """11 latents of 512 without rotary keys, their index keys pooled by four; 34 states in fp32, 142.6 MB."""
    assert summed(GLM_NEXT, cache_bytes, BF16, Integer(1)) == 11 * (512 * 2 + 256 / 4)
    fp32 = {**BF16, q.bytes_per_kv: 0, q.bytes_per_state: 4}
    assert summed(GLM_NEXT, state_bytes, fp32) / 1e6 == pytest.approx(142.6, abs=0.05)


# --- states, windows, shared caches --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "state", "convolution", "per_token"),
    [(K3, 434.1, 15.3, 27_648), (KIMI_LINEAR, 41.9, 1.5, 8064), (SUPER, 167.8, 2.46, 8 * 2 * 2 * 128 * 2)],
    ids=[
        "kimi-k3: 69 states of 96 x 128 x 128",
        "kimi-linear: 20 of 32 heads",
        "nemotron-3-super: 40 of 128 x 64 x 128",
    ],
)
def test_states(config: dict[str, Any], state: float, convolution: float, per_token: int) -> None:
    """Megabytes of a sequence: states in fp32, the last tokens of convolutions in bf16; what grows beside them."""
    fp32, bf16 = ({**BF16, q.bytes_per_kv: kv, q.bytes_per_state: kept} for kv, kept in ((0, 4), (2, 0)))
    assert summed(config, state_bytes, fp32) / 1e6 == pytest.approx(state, abs=0.05)
    assert summed(config, state_bytes, bf16) / 1e6 == pytest.approx(convolution, abs=0.05)
    assert summed(config, cache_bytes, BF16, Integer(1)) == per_token


@pytest.mark.parametrize(
    ("config", "stored", "read", "near", "near_read", "window"),
    [
        (E2B, 3072, 7168, 6144, 14336, 512),
        (E4B, 8192, 14336, 20480, 35840, 512),
        (MIMO_V2, 11520, 11520, 99840, 99840, 128),
    ],
    ids=["gemma-4-e2b: stored once, read by all that share", "gemma-4-e4b", "mimo-v2-flash: 9 x 4 x 320, 39 x 8 x 320"],
)
def test_layers_with_windows_and_shared_caches(
    config: dict[str, Any], stored: int, read: int, near: int, near_read: int, window: int
) -> None:
    """Elements of a token in full layers, and in those with a window; transformers 5.24.0."""
    one = {**BF16, q.bytes_per_kv: 1}
    assert summed(config, cache_bytes, one, Integer(10_000)) == 10_000 * stored + window * near
    assert summed(config, cache_read, one, step(10_000)) == 10_000 * read + window * near_read


def test_an_index_beside_grouped_heads_is_whole_on_every_chip() -> None:
    plain: Attention = GroupedAttention(8, 4, 16, 16)
    chosen = GroupedAttention(8, 4, 16, 16, indexer=Indexer(4, 8, 32, weighted=False))
    (added,) = chosen.matrices(64)[4:]
    assert chosen.matrices(64)[:4] == plain.matrices(64)
    assert (added.weights, added.split) == (64 * (4 + 1) * 8, 1)
