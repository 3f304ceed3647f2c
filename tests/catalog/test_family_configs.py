"""Families read beside those of `test_config_reader`: totals of published models, what layers keep, what is refused."""

from typing import Any

import pytest
from config_examples import shapes
from config_published import refusal, windows
from family_examples import EXAMPLES

from steptime.model.architecture.transformer import (
    ExpertFeedForward,
    GroupedAttention,
    ParallelMixers,
    RecurrentMixer,
    SelectiveStateSpace,
    ShortConvolution,
)
from steptime.model.catalog.huggingface.reader import read_config

INTERNLM2 = shapes("internlm2", 4096, 14336, 32, 32, 92544, num_key_value_heads=8, bias=False)
EXAONE4 = shapes(
    "exaone4", 5120, 27392, 64, 40, 102400, num_key_value_heads=8, head_dim=128, sliding_window_pattern="LLLG"
)
CHATGLM3: dict[str, Any] = {
    "model_type": "chatglm", "hidden_size": 4096, "ffn_hidden_size": 13696, "num_layers": 28, "num_attention_heads": 32,
    "padded_vocab_size": 65024, "multi_query_attention": True, "multi_query_group_num": 2, "add_qkv_bias": True,
    "kv_channels": 128,
}  # fmt: skip
HUNYUAN_LARGE = shapes(
    "hunyuan", 6400, 18304, 64, 80, 128512, num_key_value_heads=8, num_experts=16, moe_topk=1, num_shared_expert=1,
    use_mixed_mlp_moe=True, use_qk_norm=True, use_cla=True, cla_share_factor=2, tie_word_embeddings=True,
)  # fmt: skip
HUNYUAN_A13B = shapes(
    "hunyuan_v1_moe", 4096, 3072, 32, 32, 128167, num_key_value_heads=8, num_experts=64, moe_topk=[8] * 32,
    moe_intermediate_size=[3072] * 32, num_shared_expert=[1] * 32, tie_word_embeddings=True, head_dim=128,
)  # fmt: skip
FALCON_40B: dict[str, Any] = {
    "model_type": "falcon", "hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128,
    "vocab_size": 65024, "num_kv_heads": 8, "new_decoder_architecture": True, "tie_word_embeddings": False,
}  # fmt: skip
DBRX: dict[str, Any] = {
    "model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40, "vocab_size": 100352,
    "attn_config": {"kv_n_heads": 8}, "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
}  # fmt: skip
GRANITE4 = shapes(
    "granitemoehybrid", 4096, 768, 40, 32, 100352, num_key_value_heads=8, num_local_experts=72, num_experts_per_tok=10,
    shared_intermediate_size=1536, mamba_n_heads=128, mamba_d_head=64, mamba_d_state=128, tie_word_embeddings=True,
    layer_types=(["mamba"] * 9 + ["attention"]) * 4,
)  # fmt: skip
FALCON_H1 = shapes(
    "falcon_h1", 5120, 21504, 72, 20, 261120, num_key_value_heads=4, head_dim=128, mamba_d_ssm=4096, mamba_n_heads=32,
    mamba_d_head=128, mamba_n_groups=2, mamba_d_state=256,
)  # fmt: skip
LFM2 = shapes(
    "lfm2", 2048, 12288, 16, 32, 65536, num_key_value_heads=8, full_attn_idxs=[2, 5, 8, 10, 12, 14], block_dim=2048
)
JAMBA = shapes("jamba", 4096, 14336, 32, 32, 65536, num_key_value_heads=8)
MAMBA: dict[str, Any] = {"model_type": "mamba", "hidden_size": 2560, "num_hidden_layers": 64, "vocab_size": 50280}

TOTALS = [
    pytest.param(INTERNLM2, 7737708544, id="internlm2-7b: published 7.74e9"),
    pytest.param(shapes("baichuan", 4096, 11008, 32, 32, 125696), 7505973248, id="baichuan2-7b: published 7.51e9"),
    pytest.param(shapes("xverse", 4096, 11008, 32, 32, 100534), 7299846144, id="xverse-7b: published 7.3e9, rounded"),
    pytest.param(shapes("qwen", 4096, 22016, 32, 32, 151936), 7721324544, id="qwen-7b: published 7.72e9"),
    pytest.param(CHATGLM3, 6243584000, id="chatglm3-6b: published 6.24e9"),
    pytest.param(HUNYUAN_LARGE, 388698128640, id="hunyuan-large: arXiv 2411.02265, 389e9"),
    pytest.param(HUNYUAN_A13B, 80393183232, id="hunyuan-a13b: published 80e9"),
    pytest.param(EXAONE4, 32003216384, id="exaone-4.0-32b: published 32.0e9"),
    pytest.param(FALCON_40B, 41835970560, id="falcon-40b: published files 41.84e9"),
    pytest.param(DBRX, 131596523520, id="dbrx: published 132e9"),
    pytest.param(GRANITE4, 32207337984, id="granite-4.0-h-small: published 32.2e9"),
    pytest.param(FALCON_H1, 33642221312, id="falcon-h1-34b: published 33.6e9"),
    pytest.param(LFM2, 1170340608, id="lfm2-1.2b: published 1.17e9"),
    pytest.param(JAMBA, 51570323328, id="jamba-v0.1: arXiv 2403.19887, 52e9"),
    pytest.param(MAMBA, 2768345600, id="mamba-2.8b: arXiv 2312.00752, 2.77e9"),
]


@pytest.mark.parametrize(("config", "total"), TOTALS)
def test_total(config: dict[str, Any], total: int) -> None:
    assert read_config(config, "toy").parameters == total


# --- what layers cache and keep --------------------------------------------------------------------------------------
def test_layers_of_hunyuan_large_share_caches_in_pairs() -> None:
    model = read_config(HUNYUAN_LARGE, "toy")
    owner, reusing = (layer.attention for layer in model.layers[:2])
    assert isinstance(owner, GroupedAttention)
    assert isinstance(reusing, GroupedAttention)
    assert (owner.reuses_cache, reusing.reuses_cache) == (False, True)
    assert sum(matrix.weights for matrix in reusing.matrices(6400)) == 2 * 6400 * 6400
    assert model.layers[2] == model.layers[0]
    alone = read_config({**HUNYUAN_LARGE, "use_cla": False}, "toy")
    assert alone.parameters - model.parameters == 32 * 2 * 6400 * 8 * 80
    kept = sum(layer.attention.cache_elements for layer in model.layers if not layer.attention.reuses_cache)  # type: ignore[union-attr]
    assert 2 * kept == sum(layer.attention.cache_elements for layer in alone.layers if layer.attention)


def test_letters_and_numbers_name_the_same_windows() -> None:
    found = windows(read_config(EXAONE4, "toy"))
    assert found == [4096, 4096, 4096, None] * 16
    assert windows(read_config({**EXAONE4, "sliding_window_pattern": 4}, "toy")) == found
    assert windows(read_config({**EXAONE4, "sliding_window": None}, "toy")) == [None] * 64


def test_one_in_eight_layers_of_jamba_attends() -> None:
    model = read_config(JAMBA, "toy")
    kinds = [type(layer.attention) for layer in model.layers]
    assert kinds == ([SelectiveStateSpace] * 4 + [GroupedAttention] + [SelectiveStateSpace] * 3) * 4
    assert [isinstance(layer.feed_forward[0], ExpertFeedForward) for layer in model.layers] == [False, True] * 16
    mamba = model.layers[0].attention
    assert isinstance(mamba, SelectiveStateSpace)
    assert (mamba.state_elements, mamba.convolution_elements, mamba.cache_elements) == (8192 * 16, 8192 * 3, 0)
    assert mamba.summed_elements == 256 + 2 * 16


def test_mamba_has_neither_attention_nor_blocks() -> None:
    model = read_config(MAMBA, "toy")
    assert all(layer.feed_forward == () and layer.sums == 1 for layer in model.layers)
    assert read_config({**MAMBA, "time_step_rank": 160}, "toy").layers == model.layers
    # Gu and Dao 2023, section 3.4: 3 E D^2 in the projections of a block, and little beside.
    (matrices,) = {sum(matrix.weights for matrix in layer.matrices(2560)) for layer in model.layers}
    assert matrices == 3 * 2 * 2560**2 + 2 * 2560 * (160 + 2 * 16) + 160 * 2 * 2560


def test_falcon_h1_attends_beside_mamba() -> None:
    (layer,) = read_config(FALCON_H1, "toy").kinds
    both = layer.attention
    assert isinstance(both, ParallelMixers)
    assert both.attention == GroupedAttention(20, 4, 128, 128)
    assert (both.cache_elements, both.state_elements) == (2 * 4 * 128, 32 * 256 * 128)
    assert both.convolution_elements == (4096 + 2 * 2 * 256) * 3
    assert (both.heads, layer.sums) == (4, 2)  # chips that divide 20 query heads and 32 of Mamba


def test_short_convolutions_keep_two_tokens() -> None:
    model = read_config(LFM2, "toy")
    short = model.layers[0].attention
    assert isinstance(short, ShortConvolution)
    assert (short.state_elements, short.convolution_elements, short.cache_elements) == (0, 2 * 2048, 0)
    assert sum(matrix.weights for matrix in short.matrices(2048)) == (3 + 1) * 2048 * 2048
    assert sum(isinstance(layer.attention, GroupedAttention) for layer in model.layers) == 6


def test_older_words_name_the_same_layers() -> None:
    words = {"mamba": "linear_attention", "attention": "full_attention"}
    newer = {**GRANITE4, "layer_types": [words[word] for word in GRANITE4["layer_types"]]}
    assert read_config(newer, "toy") == read_config(GRANITE4, "toy")
    assert isinstance(read_config(GRANITE4, "toy").layers[0].attention, RecurrentMixer)
    bamba = EXAMPLES["bamba"]
    listed = {key: value for key, value in bamba.items() if key != "attn_layer_indices"}
    kinds = ["mamba", "mamba", "attention", "mamba"]
    assert read_config({**listed, "layers_block_type": kinds}, "toy") == read_config(bamba, "toy")


def test_parts_of_falcon_stand_side_by_side() -> None:
    (layer,) = read_config(FALCON_40B, "toy").kinds
    assert (layer.parallel, layer.sums, layer.vectors) == (True, 1, 2 * 2 * 8192)
    older = {"new_decoder_architecture": False, "parallel_attn": False, "num_kv_heads": None}
    (layer,) = read_config({**FALCON_40B, **older}, "toy").kinds
    assert (layer.parallel, layer.sums) == (False, 2)
    assert layer.attention == GroupedAttention(128, 1, 64, 64)


# --- refusals --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({**EXAMPLES["falcon"], "parallel_attn": False}, "'parallel_attn'"),
        ({**EXAMPLES["falcon"], "num_ln_in_parallel_attn": 3}, "'num_ln_in_parallel_attn'"),
        ({**EXAMPLES["falcon"], "new_decoder_architecture": False, "num_kv_heads": 2}, "'num_kv_heads'"),
        ({**EXAMPLES["cohere2"], "head_dim": 20}, "'head_dim'"),
        ({**EXAMPLES["cohere2"], "use_parallel_block": False}, "'use_parallel_block'"),
        ({**EXAMPLES["mpt"], "attn_config": {"alibi": False}}, "'alibi'"),
        ({**EXAMPLES["mpt"], "attn_config": {"attn_type": "grouped_query_attention"}}, "'attn_type'"),
        ({**EXAMPLES["mpt"], "attn_config": {"kv_n_heads": 2}}, "attn_config: config key 'kv_n_heads'"),
        ({**EXAMPLES["mpt"], "no_bias": False}, "'no_bias'"),
        ({**EXAMPLES["dbrx"], "ffn_config": [1]}, "'ffn_config'"),
        ({**EXAMPLES["dbrx"], "ffn_config": {"moe_top_k": 9, "moe_num_experts": 8}}, "moe_top_k 9"),
        ({**EXAMPLES["hunyuan_v1_moe"], "use_cla": True}, "'use_cla'"),
        ({**EXAMPLES["hunyuan_v1_moe"], "moe_topk": [3, 3, 3]}, "'moe_topk'"),
        ({**EXAMPLES["hunyuan_v1_moe"], "moe_intermediate_size": 40}, "'moe_intermediate_size'"),
        ({**EXAMPLES["hunyuan_v1_moe"], "num_shared_expert": 2}, "'num_shared_expert'"),
        ({**EXAMPLES["exaone4"], "layer_types": None, "sliding_window_pattern": "LLX"}, "'sliding_window_pattern'"),
        ({**EXAMPLES["exaone_moe"], "topk_group": 1, "num_experts_per_tok": 3}, "groups"),
        ({**EXAMPLES["minicpm3"], "num_key_value_heads": 2}, "'num_key_value_heads'"),
        ({**EXAMPLES["qwen"], "intermediate_size": 225}, "intermediate_size 225"),
        ({**EXAMPLES["mamba"], "d_inner": 200}, "'d_inner'"),
        ({**EXAMPLES["mamba2"], "intermediate_size": 190}, "'intermediate_size'"),
        ({**EXAMPLES["mamba2"], "num_heads": 11}, "expand x hidden_size"),
        ({**EXAMPLES["mamba2"], "n_groups": 5}, "n_groups 5"),
        ({**EXAMPLES["jamba"], "attn_layer_offset": 2}, "attn_layer_offset 2"),
        ({**EXAMPLES["bamba"], "layers_block_type": ["mamba"] * 4}, "disagree"),
        ({**EXAMPLES["falcon_h1"], "mamba_d_head": 15}, "mamba_d_head 15"),
        ({**EXAMPLES["lfm2"], "block_ffn_dim_multiplier": float("nan")}, "'block_ffn_dim_multiplier'"),
        ({**EXAMPLES["lfm2"], "conv_dim": 95}, "'conv_dim'"),
        ({**EXAMPLES["llama"], "model_type": "phi3small"}, "block-sparse"),
        ({**EXAMPLES["llama"], "model_type": "zamba"}, "several layers share"),
        ({**EXAMPLES["zamba2"], "hybrid_layer_ids": [1, 2]}, "disagree"),
        ({**EXAMPLES["zamba2"], "use_shared_attention_adapter": True}, "use_shared_attention_adapter"),
        ({**EXAMPLES["zamba2"], "mamba_headdim": 15}, "'mamba_headdim'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_understood_is_named(config: dict[str, Any], named: str) -> None:
    message = refusal(config)
    assert named in message
    assert message.startswith("toy")
