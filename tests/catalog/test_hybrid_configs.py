"""Models whose layers differ: what each kind of layer multiplies, caches and keeps, by hand, and what is refused."""

from collections import Counter
from typing import Any

import pytest
from config_published import GEMMA4, refusal

from steptime.model.architecture.transformer import (
    DenseFeedForward,
    ExpertFeedForward,
    GroupedAttention,
    LatentAttention,
    RecurrentMixer,
)
from steptime.model.catalog.huggingface.reader import read_config

from config_examples import (  # isort: skip
    DEEPSEEK_V32, GLM_5, MINIMAX_M1, NANO, NEMOTRON_H, NEMOTRON_SUPER, PALM, QWEN3_NEXT, QWEN35, QWEN35_DENSE,
)  # fmt: skip


def mixer(config: dict[str, Any], layer: int) -> Any:
    return read_config(config, "toy").layers[layer].attention


# --- parameters that multiply a token ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "counted", "vectors"),
    [
        (DEEPSEEK_V32, 37477143296, 61 * (2 * 7168 + 1536 + 512 + 2 * 128) + 58 * 256 + 7168),
        (GLM_5, 40833146112, 78 * (2 * 6144 + 2048 + 512 + 2 * 128) + 75 * 256 + 6144),
        (MINIMAX_M1, 47174113280, 80 * 2 * 6144 + 70 * 64 * 128 + 6144),
        (QWEN3_NEXT, 3563764480, 48 * 2 * 2048 + 12 * 2 * 256 + 36 * (8192 * 4 + 2 * 32 + 128) + 2048),
        (QWEN35, 16331922176, 60 * 2 * 4096 + 15 * 2 * 256 + 45 * (12288 * 4 + 2 * 64 + 128) + 4096),
        (NANO, 3227754816, 53 * 2688 + 23 * (6144 * 5 + 3 * 64 + 4096) + 23 * 128),
        (NEMOTRON_H, 55250608640, 119 * 8192 + 54 * (20480 * 5 + 3 * 256 + 16384)),
        (NEMOTRON_SUPER, 48816472064, (49 + 80 + 1) * 8192),
        (PALM, 540356474880, 119 * 18432),
    ],
    ids=[
        "deepseek-v3.2", "glm-5", "minimax-m1", "qwen3-next", "qwen3.5-397b", "nemotron-3-nano", "nemotron-h-56b",
        "nemotron-super-49b", "palm-540b",
    ],
)  # fmt: skip
def test_active_parameters(config: dict[str, Any], counted: int, vectors: int) -> None:
    """``counted``: one token's weights counted from the published files, norms, biases and convolutions included."""
    assert read_config(config, "toy").active_parameters == counted - vectors


# --- what a layer multiplies, caches and keeps ---------------------------------------------------------------------
def test_delta_net_of_qwen3_next() -> None:
    linear, full = mixer(QWEN3_NEXT, 2), mixer(QWEN3_NEXT, 3)
    assert isinstance(linear, RecurrentMixer)
    assert (linear.cache_elements, linear.state_elements) == (0, 32 * 128 * 128)
    assert linear.convolution_elements == (2 * 16 * 128 + 32 * 128) * 3
    assert linear.inputs == 2 * 16 * 128 + 2 * 32 * 128 + 2 * 32  # query and key, value and gate, write and decay
    assert linear.touches == 3
    assert isinstance(full, GroupedAttention)
    assert full.cache_elements == 2 * 2 * 256
    assert full.matrices(2048)[0].weights == 2048 * 2 * 16 * 256  # query and gate


def test_state_of_qwen35() -> None:
    linear = mixer(QWEN35, 0)
    assert linear.state_elements == 64 * 128 * 128
    assert linear.convolution_elements == 12288 * 3


def test_dense_qwen35_differs_from_sparse_in_its_blocks_only() -> None:
    layer = read_config(QWEN35_DENSE, "toy").layers[3]
    assert layer.feed_forward == (DenseFeedForward(17408),)
    assert layer.attention == GroupedAttention(24, 4, 256, 256, vectors=512, gated=True)


def test_biases_of_gated_attention() -> None:
    plain, biased = (mixer({**QWEN3_NEXT, "attention_bias": has}, 3) for has in (False, True))
    assert biased.vectors - plain.vectors == 2 * 16 * 256 + 2 * 2 * 256 + 2048
    assert not mixer({**QWEN3_NEXT, "attn_output_gate": False}, 3).gated


def test_lightning_of_minimax() -> None:
    linear, full = mixer(MINIMAX_M1, 0), mixer(MINIMAX_M1, 7)
    assert (linear.state_elements, linear.convolution_elements, linear.touches) == (64 * 128 * 128, 0, 2)
    assert sum(matrix.weights for matrix in linear.matrices(6144)) == (3 + 1 + 1) * 6144 * 64 * 128
    assert full.cache_elements == 2 * 8 * 128


@pytest.mark.parametrize(
    ("config", "state", "convolution", "cache", "kinds"),
    [
        (NANO, 64 * 64 * 128, (64 * 64 + 2 * 8 * 128) * 3, 2 * 2 * 128, (23, 6, 23)),
        (NEMOTRON_H, 256 * 64 * 256, (256 * 64 + 2 * 8 * 256) * 3, 2 * 8 * 128, (54, 10, 54)),
    ],
    ids=["nemotron-3-nano", "nemotron-h-56b"],
)
def test_nemotron_has_one_block_a_layer(
    config: dict[str, Any], state: int, convolution: int, cache: int, kinds: tuple[int, int, int]
) -> None:
    model = read_config(config, "toy")
    assert all((layer.attention is None) == (len(layer.feed_forward) == 1) for layer in model.layers)
    assert {layer.vectors for layer in model.layers} == {model.width}
    found = Counter(type(layer.attention).__name__ for layer in model.layers)
    assert (found["RecurrentMixer"], found["GroupedAttention"], found["NoneType"]) == kinds
    mamba = model.layers[0].attention
    assert mamba is not None
    assert (mamba.state_elements, mamba.convolution_elements) == (state, convolution)
    assert {one.cache_elements for one, _ in model.mixers} == {0, cache}


def test_experts_of_nemotron_have_no_gates() -> None:
    (experts,) = read_config(NANO, "toy").layers[1].feed_forward
    assert isinstance(experts, ExpertFeedForward)
    assert experts.expert_weights(2688) == 2 * 2688 * 1856
    assert experts.shared_weights(2688) == 2 * 2688 * 3712


def test_words_and_letters_name_the_same_layers() -> None:
    words = {"M": "linear_attention", "*": "full_attention", "-": "mlp", "E": "moe"}
    listed = {key: value for key, value in NANO.items() if key != "hybrid_override_pattern"}
    listed["layers_block_type"] = [words[letter] for letter in NANO["hybrid_override_pattern"]]
    assert read_config(listed, "toy") == read_config(NANO, "toy")


def test_biases_of_mamba() -> None:
    plain, biased, without = (
        mixer({**NEMOTRON_H, **keys}, 0) for keys in ({}, {"use_bias": True}, {"use_conv_bias": False})
    )
    assert biased.vectors - plain.vectors == (2 * 16384 + 2 * 8 * 256 + 256) + 8192
    assert plain.vectors - without.vectors == 16384 + 2 * 8 * 256


def test_indexer_of_deepseek_v32() -> None:
    attention = mixer(DEEPSEEK_V32, 60)
    assert isinstance(attention, LatentAttention)
    assert (attention.cache_elements, attention.index_elements, attention.selected) == (512 + 64, 128, 2048)
    added = attention.matrices(7168)[-1].weights + 2 * 128
    assert added == 1536 * 64 * 128 + 7168 * 128 + 7168 * 64 + 2 * 128
    assert 61 * added == 671877944064 - 671026419200  # what V3.2 has more than V3


def test_head_dim_of_glm_5_is_not_its_head() -> None:
    assert read_config({**GLM_5, "head_dim": 192}, "toy") == read_config(GLM_5, "toy")
    kinds = ["dense"] * 3 + ["sparse"] * 75
    assert read_config({**GLM_5, "mlp_layer_types": kinds}, "toy") == read_config(GLM_5, "toy")


def test_palm_is_parallel() -> None:
    (layer,) = read_config(PALM, "toy").kinds
    assert (layer.parallel, layer.vectors, layer.sums) == (True, 18432, 1)


# --- Gemma 4 with shared caches ------------------------------------------------------------------------------------
def test_last_layers_of_gemma4_reuse_caches() -> None:
    plain = read_config(GEMMA4, "toy")
    model = read_config({**GEMMA4, "num_kv_shared_layers": 7, "use_double_wide_mlp": True}, "toy")
    assert [layer.attention.reuses_cache for layer in model.layers if layer.attention] == [False] * 23 + [True] * 7
    assert model.layers[:23] == plain.layers[:23]
    # Layers 23 to 29: two of them full, whose key is also the value; all lose the norm of keys, and are doubly wide.
    lost = 5 * 2 * 2816 * 8 * 256 + 2 * 2816 * 2 * 512 + 5 * 256 + 2 * 512
    assert model.parameters - plain.parameters == 7 * 3 * 2816 * 2112 - lost


# --- refusals ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({**DEEPSEEK_V32, "q_lora_rank": None}, "'q_lora_rank'"),
        ({**DEEPSEEK_V32, "index_topk": None}, "'index_topk'"),
        ({**DEEPSEEK_V32, "index_kpool": 4}, "'index_kpool'"),
        ({**DEEPSEEK_V32, "mlp_bias": True}, "mlp_bias"),
        ({**GLM_5, "index_topk_freq": 0}, "'index_topk_freq'"),
        ({**GLM_5, "index_topk_pattern": "FSSF"}, "'index_topk_pattern'"),
        ({**GLM_5, "indexer_types": ["shared"] + ["full"] * 77}, "the first layer shares an index"),
        ({**MINIMAX_M1, "attn_type_list": [0, 1]}, "'attn_type_list'"),
        ({**MINIMAX_M1, "attn_type_list": [2] * 80}, "'attn_type_list'"),
        ({**MINIMAX_M1, "shared_intermediate_size": 9216}, "'shared_intermediate_size'"),
        ({**QWEN3_NEXT, "linear_num_key_heads": 12}, "linear_num_key_heads 12"),
        ({**QWEN3_NEXT, "layer_types": ["sliding_attention"] * 48}, "'sliding_attention'"),
        ({**QWEN3_NEXT, "use_sliding_window": True}, "'use_sliding_window'"),
        ({**NANO, "hybrid_override_pattern": "MXE"}, "'hybrid_override_pattern'"),
        ({**NANO, "hybrid_override_pattern": None}, "'hybrid_override_pattern'"),
        ({**NANO, "hybrid_override_pattern": "M" * 20_000}, "'hybrid_override_pattern'"),
        ({**NANO, "num_hidden_layers": 51}, "'hybrid_override_pattern'"),
        ({**NANO, "moe_latent_size": 1024, "mlp_bias": True}, "mlp_bias"),
        ({**NANO, "n_shared_experts": 2}, "'n_shared_experts'"),
        ({**NANO, "sliding_window": 4096}, "'sliding_window'"),
        ({**NANO, "hybrid_override_pattern": "M-"}, "'intermediate_size'"),
        ({**PALM, "parallel_layers": False}, "'parallel_layers'"),
        ({**GEMMA4, "num_kv_shared_layers": 29}, "'num_kv_shared_layers'"),
        ({**GEMMA4, "num_kv_shared_layers": -1}, "'num_kv_shared_layers'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_understood_is_named(config: dict[str, Any], named: str) -> None:
    message = refusal(config)
    assert named in message
    assert message.startswith("toy")
