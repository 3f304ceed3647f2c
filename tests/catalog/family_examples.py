"""A small configuration of each family, by the keys that its shapes come from: sizes are ours, chosen so that no two
shapes of one family are equal by chance. They count the same in any other implementation of the family."""

from typing import Any

from config_examples import shapes

SMALL: dict[str, Any] = {"num_key_value_heads": 2}
_full, _sliding, _linear = "full_attention", "sliding_attention", "linear_attention"


def _of(model_type: str, **more: Any) -> dict[str, Any]:
    return shapes(model_type, 96, 224, 4, 6, 330, **{**SMALL, **more})


def _renamed(config: dict[str, Any], **names: str) -> dict[str, Any]:
    """The same values under other names of keys."""
    return {names.get(key, key): value for key, value in config.items()}


def _without(config: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in keys}


_windowed = {"sliding_window": 48, "layer_types": [_sliding, _full, _sliding, _full]}
_ranks = {"q_lora_rank": 40, "kv_lora_rank": 24, "qk_nope_head_dim": 20, "qk_rope_head_dim": 8, "v_head_dim": 18}
_grouped_experts = {
    "n_routed_experts": 8, "num_experts_per_tok": 3, "n_shared_experts": 2, "moe_intermediate_size": 40, "n_group": 4,
    "topk_group": 2, "first_k_dense_replace": 1,
}  # fmt: skip
_mamba2 = {
    "mamba_n_heads": 12, "mamba_d_head": 16, "mamba_n_groups": 3, "mamba_d_state": 10, "mamba_d_conv": 4,
    "mamba_expand": 2,
}  # fmt: skip
_delta = {
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 12, "linear_value_head_dim": 14,
    "linear_conv_kernel_dim": 4, "head_dim": 20, "layer_types": [_linear, _full, _linear, _linear],
}  # fmt: skip

# --- dense -----------------------------------------------------------------------------------------------------------
DENSE = [
    _of("llama", attention_bias=True, mlp_bias=True),
    _of("mistral", head_dim=20, sliding_window=48),
    _of("qwen2"),
    _of("qwen3", head_dim=20, attention_bias=True),
    _of("gemma", head_dim=20),
    _of("gemma2", head_dim=20, **_windowed),
    _of("gemma3_text", head_dim=20, **_windowed),
    _of("phi3", sliding_window=48),
    _of("granite", attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    _of("exaone", head_dim=20),
    _of("exaone4", head_dim=20, **_windowed),
    _of("internlm2", bias=True),
    _of("internlm3", head_dim=20, attention_bias=True, mlp_bias=True),
    _of("olmo", attention_bias=True),
    _of("olmo2", attention_bias=True),
    _of("olmo3", **_windowed),
    _of("smollm3", mlp_bias=True, use_sliding_window=True, tie_word_embeddings=True, **_windowed),
    _of("seed_oss", head_dim=20, attention_bias=True, attention_out_bias=True, mlp_bias=True),
    _of("ernie4_5", head_dim=20, use_bias=True, tie_word_embeddings=True),
    _of("hunyuan_v1_dense", head_dim=20),
    _of("glm", head_dim=20, attention_bias=True),
    _of("glm4", head_dim=20, attention_bias=True),
    _without(_of("baichuan"), "num_key_value_heads"),
    _without(_of("xverse"), "num_key_value_heads"),
    _without(_of("qwen", kv_channels=16), "num_key_value_heads"),
    _renamed(
        _without(_of("chatglm", kv_channels=20, multi_query_attention=True, multi_query_group_num=2, add_qkv_bias=True),
                 "num_key_value_heads"),
        intermediate_size="ffn_hidden_size", num_hidden_layers="num_layers", vocab_size="padded_vocab_size",
    ),
    _of("minicpm3", **{**_ranks, "num_key_value_heads": 6}, tie_word_embeddings=True),
]  # fmt: skip

# --- with experts ----------------------------------------------------------------------------------------------------
_experts = {"num_local_experts": 8, "num_experts_per_tok": 3}
SPARSE = [
    _of("mixtral", head_dim=20, **_experts),
    _of("qwen2_moe", num_experts=8, num_experts_per_tok=3, moe_intermediate_size=40,
        shared_expert_intermediate_size=72, mlp_only_layers=[1]),
    _of("qwen3_moe", head_dim=20, num_experts=8, num_experts_per_tok=3, moe_intermediate_size=40, mlp_only_layers=[1]),
    _of("glm4_moe", head_dim=20, attention_bias=True, use_qk_norm=True, **_grouped_experts),
    _of("gpt_oss", head_dim=20, attention_bias=True, **_experts, **_windowed),
    _of("llama4_text", head_dim=20, intermediate_size_mlp=56, num_local_experts=8, num_experts_per_tok=1,
        moe_layers=[1, 3]),
    _of("minimax_m2", head_dim=20, **_experts),
    _of("deepseek_v2", **_ranks, **_grouped_experts, topk_method="group_limited_greedy"),
    _of("deepseek_v3", **_ranks, **_grouped_experts),
    _of("deepseek_v32", **_ranks, **_grouped_experts, index_n_heads=3, index_head_dim=16, index_topk=32),
    _of("granitemoe", **_experts),
    _of("granitemoeshared", shared_intermediate_size=72, **_experts),
    _of("olmoe", num_experts=8, num_experts_per_tok=3),
    _of("ernie4_5_moe", use_bias=True, moe_num_experts=8, moe_k=3, moe_num_shared_experts=2, moe_intermediate_size=40,
        moe_layer_start_index=1, moe_layer_end_index=2, moe_layer_interval=1, tie_word_embeddings=False),
    _of("hunyuan_v1_moe", head_dim=20, num_experts=8, moe_topk=3),
    _of("hunyuan", num_experts=8, moe_topk=3, num_shared_expert=2, use_mixed_mlp_moe=True, use_qk_norm=True,
        use_cla=True, cla_share_factor=2, tie_word_embeddings=True),
    _of("hy_v3", head_dim=20, mlp_bias=True, num_experts=8, num_experts_per_tok=3, num_shared_experts=2,
        moe_intermediate_size=40, mlp_layer_types=["dense", "sparse", "sparse", "sparse"]),
    _of("phimoe", attention_bias=True, lm_head_bias=True, sliding_window=48, **_experts),
    _of("exaone_moe", head_dim=20, num_experts=8, num_experts_per_tok=3, num_shared_experts=2, n_group=4, topk_group=2,
        moe_intermediate_size=40, mlp_layer_types=["dense", "sparse", "sparse", "sparse"], **_windowed),
    _of("dots1", **_grouped_experts, max_window_layers=2, sliding_window=48),
    _of("solar_open", head_dim=20, attention_bias=True,
        **{key: value for key, value in _grouped_experts.items() if key != "first_k_dense_replace"}),
    _of("glm4_moe_lite", **{**_ranks, "num_key_value_heads": 6},
        **{key: value for key, value in _grouped_experts.items() if key != "first_k_dense_replace"}),
    {"model_type": "dbrx", "d_model": 96, "n_heads": 6, "n_layers": 4, "vocab_size": 330,
     "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 5e5},
     "ffn_config": {"ffn_hidden_size": 40, "moe_num_experts": 8, "moe_top_k": 3}},
]  # fmt: skip

# --- classic ---------------------------------------------------------------------------------------------------------
CLASSIC: list[dict[str, Any]] = [
    {"model_type": "gpt2", "n_embd": 96, "n_layer": 4, "n_head": 6, "vocab_size": 330, "n_positions": 50,
     "n_inner": 224},
    {"model_type": "opt", "hidden_size": 96, "ffn_dim": 224, "num_hidden_layers": 4, "num_attention_heads": 6,
     "vocab_size": 330, "max_position_embeddings": 50, "word_embed_proj_dim": 96},
    _of("cohere", use_qk_norm=True, attention_bias=True),
    _of("cohere2", **_windowed),
    _of("phi", qk_layernorm=True),
    _of("stablelm", use_qkv_bias=True, qk_layernorm=True, use_parallel_residual=True),
    _of("starcoder2", use_bias=True, sliding_window=48, tie_word_embeddings=True),
    _of("nemotron", head_dim=20, attention_bias=True, mlp_bias=True),
    _without(_of("gpt_neox", attention_bias=True, use_parallel_residual=True), "num_key_value_heads"),
    {"model_type": "gptj", "n_embd": 96, "n_layer": 4, "n_head": 6, "vocab_size": 330, "n_inner": 224, "rotary_dim": 8},
    {"model_type": "codegen", "n_embd": 96, "n_layer": 4, "n_head": 4, "vocab_size": 330, "rotary_dim": 8},
    {"model_type": "gpt_bigcode", "n_embd": 96, "n_layer": 4, "n_head": 6, "vocab_size": 330, "n_positions": 50,
     "n_inner": 224},
    _of("arcee", head_dim=20, attention_bias=True, mlp_bias=True),
    _of("apertus", attention_bias=True),
    {"model_type": "falcon", "hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 6, "vocab_size": 330,
     "num_kv_heads": 2, "new_decoder_architecture": True, "bias": True, "ffn_hidden_size": 224},
    {"model_type": "bloom", "hidden_size": 96, "n_layer": 4, "n_head": 6, "vocab_size": 330},
    {"model_type": "mpt", "d_model": 96, "n_layers": 4, "n_heads": 6, "vocab_size": 330, "expansion_ratio": 4,
     "attn_config": {"alibi": True, "attn_type": "multihead_attention"}},
]  # fmt: skip

# --- with states -----------------------------------------------------------------------------------------------------
STATE: list[dict[str, Any]] = [
    {"model_type": "mamba", "hidden_size": 96, "num_hidden_layers": 4, "vocab_size": 330, "state_size": 10,
     "expand": 2, "conv_kernel": 4, "time_step_rank": 7, "use_bias": True},
    {"model_type": "falcon_mamba", "hidden_size": 96, "num_hidden_layers": 4, "vocab_size": 330, "state_size": 10,
     "expand": 2, "conv_kernel": 4, "time_step_rank": 7},
    {"model_type": "mamba2", "hidden_size": 96, "num_hidden_layers": 4, "vocab_size": 330, "state_size": 10,
     "expand": 2, "conv_kernel": 4, "num_heads": 12, "head_dim": 16, "n_groups": 3, "use_bias": True},
    _of("jamba", num_experts=8, num_experts_per_tok=3, attn_layer_period=2, attn_layer_offset=1, expert_layer_period=2,
        expert_layer_offset=1, mamba_d_state=10, mamba_d_conv=4, mamba_expand=2, mamba_dt_rank=7),
    _of("bamba", attn_layer_indices=[2], mlp_bias=True, **_mamba2),
    _of("granitemoehybrid", layer_types=[_linear, _full, _linear, _linear], shared_intermediate_size=72, **_experts,
        **_mamba2),
    _of("falcon_h1", **_mamba2, mamba_d_ssm=192, mamba_rms_norm=True, mlp_bias=True, projectors_bias=True),
    _of("zamba2", n_mamba_heads=12, mamba_d_state=10, mamba_d_conv=4, mamba_expand=2, mamba_ngroups=3, adapter_rank=5,
        num_mem_blocks=2, num_hidden_layers=6, add_bias_linear=True,
        layers_block_type=[_linear, "hybrid", "hybrid", _linear, "hybrid", _linear]),
    _of("lfm2", conv_L_cache=3, conv_bias=True, block_multiple_of=32, layer_types=["conv", _full, "conv", "conv"]),
    _of("lfm2_moe", conv_L_cache=3, num_dense_layers=1, num_experts=8, num_experts_per_tok=3, moe_intermediate_size=40,
        layer_types=["conv", _full, "conv", "conv"]),
    _of("qwen3_next", num_experts=8, num_experts_per_tok=3, moe_intermediate_size=40,
        shared_expert_intermediate_size=72, mlp_only_layers=[1], **_delta),
    _of("qwen3_5_text", **_delta),
    _of("qwen3_5_moe_text", num_experts=8, num_experts_per_tok=3, moe_intermediate_size=40,
        shared_expert_intermediate_size=72, **_delta),
    {"model_type": "nemotron_h", "hidden_size": 96, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 20,
     "vocab_size": 330, "layers_block_type": ["mamba", "moe", "attention", "mlp"], "mamba_num_heads": 12,
     "mamba_head_dim": 16, "ssm_state_size": 10, "n_groups": 3, "conv_kernel": 4, "intermediate_size": 224,
     "n_routed_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 40, "n_group": 4, "topk_group": 2,
     "moe_shared_expert_intermediate_size": 72},
]  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {one["model_type"]: one for one in [*DENSE, *SPARSE, *CLASSIC, *STATE]}
"""By model type."""

# --- the other branches of a family ----------------------------------------------------------------------------------
_others: dict[str, list[dict[str, Any]]] = {
    "granite": [{"mlp_bias": False, "num_key_value_heads": None}],
    "internlm3": [{"attention_bias": False, "mlp_bias": False}],
    "olmo3": [{"layer_types": None}],
    "exaone4": [{"layer_types": None, "sliding_window_pattern": 2}],
    "smollm3": [{"layer_types": None, "no_rope_layers": [1, 0, 1, 1]},
                {"use_sliding_window": False, "layer_types": None}],
    "seed_oss": [{"attention_out_bias": False, "mlp_bias": False}],
    "minicpm3": [{"q_lora_rank": None, "attention_bias": True, "mlp_bias": True}],
    "deepseek_v2": [{"q_lora_rank": None}],
    "granitemoeshared": [{"shared_intermediate_size": 0}],
    "ernie4_5_moe": [{"moe_layer_end_index": -1, "moe_layer_interval": 2, "use_bias": False},
                     {"moe_num_shared_experts": 0}, {"moe_layer_end_index": 3, "moe_layer_start_index": 0}],
    "hy_v3": [{"mlp_layer_types": None, "mlp_bias": False, "attention_bias": True}],
    "phimoe": [{"lm_head_bias": False, "attention_bias": False}],
    "cohere": [{"use_qk_norm": False, "attention_bias": False, "tie_word_embeddings": False}],
    "cohere2": [{"layer_types": None, "sliding_window_pattern": 2, "attention_bias": True}],
    "phi": [{"qk_layernorm": False}],
    "stablelm": [{"use_parallel_residual": False, "qk_layernorm": False}],
    "starcoder2": [{"use_bias": False}],
    "gpt_neox": [{"attention_bias": False, "use_parallel_residual": False}],
    "gptj": [{"n_inner": None}],
    "gpt_bigcode": [{"multi_query": False, "n_inner": None}],
    "apertus": [{"hidden_act": "silu"}],
    "glm4_moe_lite": [{"q_lora_rank": None, "mlp_layer_types": ["sparse", "dense", "sparse", "dense"]}],
    "falcon": [
        {"new_decoder_architecture": False, "multi_query": True, "num_kv_heads": 6, "bias": False},
        {"new_decoder_architecture": False, "multi_query": False, "num_kv_heads": None, "parallel_attn": False},
        {"num_ln_in_parallel_attn": 1, "ffn_hidden_size": None},
    ],
    "mamba": [{"time_step_rank": "auto", "use_conv_bias": False, "use_bias": False, "tie_word_embeddings": False}],
    "mamba2": [{"use_conv_bias": False, "use_bias": False}],
    "jamba": [{"num_experts": 1, "num_experts_per_tok": 1, "mamba_proj_bias": True}, {"mamba_dt_rank": "auto"}],
    "bamba": [{"attn_layer_indices": None, "mamba_d_head": "auto"},
              {"mamba_proj_bias": True, "attention_bias": True, "mlp_bias": False}],
    "granitemoehybrid": [{"num_local_experts": 0}, {"layer_types": None, "mamba_conv_bias": False}],
    "falcon_h1": [{"mamba_d_ssm": None, "mamba_rms_norm": False, "projectors_bias": False, "mamba_proj_bias": True}],
    "zamba2": [{"use_shared_attention_adapter": True, "num_key_value_heads": None, "add_bias_linear": False},
               {"num_mem_blocks": 1}],
    "lfm2": [{"block_auto_adjust_ff_dim": False}, {"layer_types": None, "full_attn_idxs": [1, 3], "conv_bias": False},
             {"block_ffn_dim_multiplier": 1.3}],
    "lfm2_moe": [{"use_expert_bias": False, "conv_bias": True}],
    "nemotron": [{"attention_bias": False, "mlp_bias": False}],
    "exaone_moe": [{"mlp_layer_types": None, "first_k_dense_replace": 1}],
}  # fmt: skip
VARIANTS = [EXAMPLES[name] | edit for name, edits in _others.items() for edit in edits]
"""Configurations that take another branch than the examples."""
