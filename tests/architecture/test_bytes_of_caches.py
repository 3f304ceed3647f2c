"""Bytes of caches, indices and recurrent states, element by element, at widths that are not one."""

import pytest
from conftest import case_of
from sympy import Integer

from steptime.model import symbols as q
from steptime.model.architecture.attention import GroupedAttention, Indexer, LatentAttention
from steptime.model.architecture.mixing import (
    cache_bytes,
    cache_read,
    cache_written,
    choosing_flops,
    state_bytes,
    state_moved,
)
from steptime.model.architecture.stream import Stream
from steptime.model.scenario import Scenario

BYTES = {
    q.bytes_per_kv: 3.0, q.bytes_per_index: 5.0, q.bytes_per_state: 7.0, q.flops_per_mac: 2.0, q.bytes_per_rotary: 11.0,
    q.bytes_per_scale: 13.0, q.bytes_per_index_scale: 17.0,
}  # fmt: skip
SPARSE = LatentAttention(8, 64, 32, 64, 256, indexer=Indexer(4, 48, 6))
"""A latent of 256 and a rotary key of 32; an index key of 48; the best 6 tokens are read."""
LATENT = 256 * 3 + 32 * 11 + 2 * 13
"""A scale for each 128 elements of the latent."""
KEY = 48 * 5 + 17


def value(expr) -> float:
    return float(Scenario(BYTES).evaluate(expr))


def test_a_step_reads_the_whole_index_and_the_latents_of_those_chosen() -> None:
    """Behind 20 tokens: 6 latents with rotary keys and scales, 20 keys of 48 with theirs; written: one of each."""
    step = [Stream(cached=Integer(20))]
    assert value(cache_read(SPARSE, step)) == 6 * LATENT + 20 * KEY
    assert value(cache_written(SPARSE, step)) == LATENT + KEY
    assert value(cache_bytes(SPARSE, Integer(20))) == 20 * (LATENT + KEY)


def test_a_prefill_writes_every_key_of_the_index() -> None:
    """Ten tokens behind 20 in two chunks: the index is read behind 20 and behind 25 tokens."""
    chunks = [Stream(Integer(3), Integer(10), Integer(20), chunks=Integer(2))]
    assert value(cache_written(SPARSE, chunks)) == 3 * 10 * (LATENT + KEY)
    assert value(cache_read(SPARSE, chunks)) == 3 * (2 * 6 * LATENT + (20 + 25) * KEY)


def test_an_index_scores_every_pair() -> None:
    """4 heads of 48, two FLOP a multiply-add; ten tokens behind 20 make 20 + 21 + … + 29 pairs."""
    stream = Stream(Integer(3), Integer(10), Integer(20))
    assert value(choosing_flops(SPARSE, [stream])) == 3 * 245 * 2 * 4 * 48


def test_a_cache_that_is_another_layers_is_not_kept_again() -> None:
    shared = GroupedAttention(8, 2, 16, 16, reuses_cache=True)
    assert value(cache_bytes(shared, Integer(20))) == value(cache_written(shared, [Stream(cached=Integer(20))])) == 0
    assert value(cache_read(shared, [Stream(cached=Integer(20))])) == 20 * 2 * 32 * 3


@pytest.mark.parametrize(("chunks", "cached", "moves"), [(1, 0, 1), (1, 9, 2), (4, 0, 7), (4, 9, 8)])
def test_a_state_is_written_after_each_chunk_and_read_before_it(chunks: int, cached: int, moves: int) -> None:
    """Nothing is read before the first token of all."""

    class State(GroupedAttention):
        state_elements = 11
        convolution_elements = 13

    mixer = State(1, 1, 1, 1)
    assert value(state_bytes(mixer)) == 11 * 7 + 13 * 3
    stream = Stream(Integer(2), Integer(8), Integer(cached), chunks=Integer(chunks))
    assert value(state_moved(mixer, [stream])) == 2 * moves * (11 * 7 + 13 * 3)


def test_states_are_kept_in_fp32() -> None:
    """Qwen3-Next: 36 of 48 layers keep a state of 32 value heads, 128 x 128 each, in fp32. In two bytes instead of four
    each element takes two less, and a step that reads and writes it moves four less."""
    elements = 36 * 32 * 128 * 128
    asked = {"layout": "tp=1", "batch": "1", "context": "1"}
    stored = ({}, {"sets": ("bytes_per_state=2",)})
    full, half = (case_of("qwen3-next-80b-a3b", "h200", **asked, **more) for more in stored)
    assert (full.number(q.bytes_per_state), half.number(q.bytes_per_state)) == (4.0, 2.0)
    assert full.number(q.memory_per_chip) - half.number(q.memory_per_chip) == pytest.approx(2 * elements, rel=1e-9)
    moved = [one.number(one.phase.blackboard.memory.work) for one in (full, half)]
    assert moved[0] - moved[1] == pytest.approx(2 * 2 * elements, rel=1e-6)


def test_index_keys_by_their_bytes() -> None:
    """DeepSeek-V3.2: 61 layers, a key of 128; behind 4,096 tokens each is read, and one is written."""
    model = "deepseek-v3.2"
    asked = {"layout": "tp=1", "batch": "1", "context": "4096"}
    cases = [case_of(model, "h200", **asked, **more) for more in ({"sets": ("bytes_per_index_scale=0",)},
             {"sets": ("bytes_per_index=3",)})]  # fmt: skip
    assert [one.number(q.bytes_per_index) for one in cases] == [1.0, 3.0]
    held = [one.number(q.memory_per_chip) for one in cases]
    assert held[1] - held[0] == pytest.approx(2 * 61 * 128 * 4096, rel=1e-6)
    moved = [one.number(one.phase.blackboard.memory.work) for one in cases]
    assert moved[1] - moved[0] == pytest.approx(2 * 61 * 128 * 4097, rel=1e-6)


STORED = {
    "DeepSeek-V3.2, fp8: 61 (512 + 16 + 128 + 132), FlashMLA's README": ("deepseek-v3.2", "fp8", {}, 48_068),
    "DeepSeek-V3.2, bf16 with an fp8 index: 61 (1152 + 132)": ("deepseek-v3.2", "bf16", {}, 78_324),
    "DeepSeek-V3.2, one scale for all: 61 (576 + 132), TensorRT-LLM": (
        "deepseek-v3.2", "fp8", {"bytes_per_rotary": 1, "bytes_per_scale": 0}, 43_188),
    "GLM-5, fp8: 78 (656 + 132), vLLM": ("glm-5", "fp8", {}, 61_464),
    "DeepSeek-V3, fp8, dense: 61 x 576, TensorRT-LLM, vLLM and SGLang": ("deepseek-v3", "fp8", {}, 35_136),
    "DeepSeek-V3, bf16: 61 x 576 x 2": ("deepseek-v3", "bf16", {}, 70_272),
    "Llama-3.1-8B, fp8: 32 x 2 x 8 x 128, a scale a tensor": ("llama-3.1-8b", "fp8", {}, 65_536),
}  # fmt: skip


@pytest.mark.parametrize("name", STORED)
def test_bytes_that_engines_store_for_a_token(name: str) -> None:
    """Held, and written in a step; a step reads as many of the tokens that it selects, and every key of the index."""
    model, kv, sets, stored = STORED[name]
    words = {"layout": "tp=1", "batch": "1", "kv": kv, "sets": tuple(f"{key}={to}" for key, to in sets.items())}
    case = case_of(model, "h200", context="2048", **words)
    assert case.number(case.fullest_stage.kv) == stored * 2048
    assert case.number(q.kv_written) == stored
    assert case.number(q.kv_bytes) == pytest.approx(stored)


def test_chips_that_split_a_context_exchange_what_is_stored() -> None:
    """Keys and values of a prefill go around as they are stored: 656 bytes a token and layer, to 3 chips of 4."""
    words = {"phase": "prefill", "prompt": "2048", "batch": "1", "layout": "cp=4", "kv": "fp8"}
    tiled = case_of("deepseek-v3.2", "h200", **words)
    plain = case_of("deepseek-v3.2", "h200", **words, sets=("bytes_per_rotary=1", "bytes_per_scale=0"))
    moved = [
        case.number(line.traffic.scale_up)
        for case in (tiled, plain)
        for line in case.operations
        if line.name == "context exchange"
    ]
    assert moved[0] / moved[1] == pytest.approx(656 / 576)
