"""The reader of Hugging Face configurations: exact totals, windows, and what it says of what it takes for granted."""

from typing import Any

import pytest
from family_examples import EXAMPLES

from config_published import (  # isort: skip
    CONFIGS, DEEPSEEK, DEEPSEEK_LITE, GEMMA2, GEMMA3, GEMMA4, GPT_OSS, KIMI, LLAMA, MAVERICK, MISTRAL, MIXTRAL,
    QWEN2, QWEN3_MOE, TOTALS, windows, without,
)  # fmt: skip

from steptime.model.architecture.transformer import ExpertFeedForward, GroupedAttention
from steptime.model.catalog.huggingface.families import FAMILIES
from steptime.model.catalog.huggingface.keys import tables
from steptime.model.catalog.huggingface.reader import read_config


# --- shapes --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("config", "total"), TOTALS)
def test_total(config: dict[str, Any], total: int) -> None:
    assert read_config(config, "toy").parameters == total


@pytest.mark.parametrize(
    ("config", "active"),
    [
        (DEEPSEEK, 36625618432),
        (KIMI, 31687095808),
        (MIXTRAL, 12748853248),
        (GPT_OSS, 5132849472),
        (MAVERICK, 16150205440),
    ],
    ids=["deepseek-v3", "kimi-k2", "mixtral-8x7b", "gpt-oss-120b", "llama-4-maverick"],
)
def test_active_parameters_without_norms_and_biases(config: dict[str, Any], active: int) -> None:
    found = read_config(config, "toy").active_parameters
    assert found < active
    assert found == pytest.approx(active, rel=1e-3)


@pytest.mark.parametrize(
    ("config", "at_two_bytes"), [(LLAMA, 327_680), (DEEPSEEK, 70_272)], ids=["llama-3.1-70b", "deepseek-v3"]
)
def test_kv_bytes_per_token(config: dict[str, Any], at_two_bytes: int) -> None:
    assert sum(2 * layer.attention.cache_elements for layer in read_config(config, "toy").layers) == at_two_bytes


def test_every_model_type_is_tried() -> None:
    assert set(FAMILIES) == set(tables()["types"])
    tried = {config.get("text_config", config).get("model_type", config["model_type"]) for config in CONFIGS}
    again = {"mimo_v2", "step3p7", "qwen2_5_vl_text", "minimax_m3_vl_text"}  # read as another type, or inside a file
    assert set(FAMILIES) - tried - set(EXAMPLES) - again == set()


def test_every_table_has_source_and_date() -> None:
    for table in tables()["types"].values():
        assert table["source"]
        assert table["date"]


def test_router_groups() -> None:
    (block,) = read_config(DEEPSEEK, "toy").layers[-1].feed_forward
    assert isinstance(block, ExpertFeedForward)
    assert (block.groups, block.groups_kept) == (8, 4)


def test_shared_key_value_matrix_still_caches_both() -> None:
    attention = read_config(GEMMA4, "toy").layers[5].attention
    assert isinstance(attention, GroupedAttention)
    assert attention.shared_kv_matrix
    assert attention.cache_elements == 2 * 2 * 512


def test_biases_add_vectors() -> None:
    plain = read_config(LLAMA, "toy").parameters
    biased = read_config({**LLAMA, "attention_bias": True, "mlp_bias": True}, "toy").parameters
    assert biased - plain == 80 * ((8192 + 2 * 1024 + 8192) + (2 * 28672 + 8192))


# --- windows -------------------------------------------------------------------------------------------------------
def test_mistral_default_window_and_null() -> None:
    assert set(windows(read_config(MISTRAL, "toy"))) == {4096}
    assert set(windows(read_config({**MISTRAL, "sliding_window": None}, "toy"))) == {None}


def test_qwen_window_only_where_used() -> None:
    window = {"sliding_window": 4096, "max_window_layers": 60}
    assert set(windows(read_config({**QWEN2, **window, "use_sliding_window": False}, "toy"))) == {None}
    assert windows(read_config({**QWEN2, **window, "use_sliding_window": True}, "toy")) == [None] * 60 + [4096] * 20


def test_patterns() -> None:
    assert windows(read_config(GEMMA2, "toy"))[:4] == [4096, None, 4096, None]
    assert windows(read_config(GEMMA3, "toy"))[:7] == [1024] * 5 + [None, 1024]
    assert windows(read_config(GPT_OSS, "toy"))[:3] == [128, None, 128]


def test_chunks_where_positions_are_rotary() -> None:
    layers = read_config(MAVERICK, "toy").layers
    assert [layer.attention.window for layer in layers[:5]] == [8192, 8192, 8192, None, 8192]
    assert layers[0].attention.chunked
    assert [len(layer.feed_forward[0].__class__.__name__) for layer in layers[:2]] == [16, 17]  # dense, then experts
    inner = {**MAVERICK["text_config"], "no_rope_layers": [0] + [1] * 47}
    assert windows(read_config({**MAVERICK, "text_config": inner}, "toy"))[:5] == [None] + [8192] * 4


def test_layer_types_win_over_the_pattern() -> None:
    types = ["full_attention"] * 35 + ["sliding_attention"]
    assert windows(read_config({**GPT_OSS, "layer_types": types}, "toy")) == [None] * 35 + [128]


def test_sparse_layers_of_qwen() -> None:
    model = read_config({**QWEN3_MOE, "decoder_sparse_step": 2, "mlp_only_layers": [1]}, "toy")
    sparse = [isinstance(layer.feed_forward[0], ExpertFeedForward) for layer in model.layers]
    assert sparse[:6] == [False, False, False, True, False, True]


# --- notices -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (DEEPSEEK, "multi-token-prediction modules are not counted"),
        (GEMMA3, "the vision tower is not counted"),
        (GEMMA3, "vocab_size 262208"),
        ({**LLAMA, "torch_dtype": "float32"}, "float32"),
        (without(DEEPSEEK_LITE, "q_lora_rank"), "q_lora_rank is absent"),
    ],
    ids=["prediction", "vision", "default", "float32", "query rank"],
)
def test_notices(config: dict[str, Any], sentence: str) -> None:
    notices = read_config(config, "toy").notices
    assert any(sentence in notice for notice in notices)
    assert all("\n" not in notice for notice in notices)


def test_no_notice_where_the_file_says_all() -> None:
    assert read_config({**LLAMA, "torch_dtype": "bfloat16"}, "toy").notices == ()
