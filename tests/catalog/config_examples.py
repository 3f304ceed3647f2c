"""Configurations of models whose layers differ, by the keys that shapes need, with totals and where these come from."""

from typing import Any

import pytest


def shapes(
    model_type: str, width: int, intermediate: int, layers: int, heads: int, vocabulary: int, **more: Any
) -> dict[str, Any]:
    """The keys that almost every configuration states."""
    return {
        "model_type": model_type, "hidden_size": width, "intermediate_size": intermediate, "num_hidden_layers": layers,
        "num_attention_heads": heads, "vocab_size": vocabulary, **more,
    }  # fmt: skip


DEEPSEEK_V32 = shapes(
    "deepseek_v32", 7168, 18432, 61, 128, 129280, index_n_heads=64, index_head_dim=128, index_topk=2048
)
GLM_5 = shapes("glm_moe_dsa", 6144, 12288, 78, 64, 154880, head_dim=64, index_n_heads=32, index_topk=2048)
MINIMAX_M1 = shapes(
    "minimax_m1", 6144, 9216, 80, 64, 200064, head_dim=128, num_key_value_heads=8, attn_type_list=([0] * 7 + [1]) * 10,
    num_local_experts=32, num_experts_per_tok=2, postnorm=True, layernorm_mlp_beta=1.0, shared_intermediate_size=0,
)  # fmt: skip
QWEN3_NEXT = shapes("qwen3_next", 2048, 5120, 48, 16, 151936, head_dim=256, use_sliding_window=False)
QWEN35: dict[str, Any] = {
    "model_type": "qwen3_5_moe",
    "vision_config": {"depth": 27},
    "text_config": {
        "model_type": "qwen3_5_moe_text", "hidden_size": 4096, "num_hidden_layers": 60, "num_attention_heads": 32,
        "vocab_size": 248320, "linear_num_value_heads": 64, "num_experts": 512, "num_experts_per_tok": 10,
        "moe_intermediate_size": 1024, "shared_expert_intermediate_size": 1024, "mtp_num_hidden_layers": 1,
        "layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 15,
    },
}  # fmt: skip
QWEN35_DENSE = shapes("qwen3_5_text", 5120, 17408, 64, 24, 248320, linear_num_value_heads=48)
NANO: dict[str, Any] = {
    "model_type": "nemotron_h", "hidden_size": 2688, "num_attention_heads": 32, "vocab_size": 131072, "head_dim": 128,
    "hybrid_override_pattern": "MEMEM*" + 4 * "EMEMEM*" + "EMEMEMEM*" + "EMEMEMEME", "num_key_value_heads": 2,
    "mamba_num_heads": 64, "mamba_head_dim": 64, "ssm_state_size": 128, "n_routed_experts": 128,
    "num_experts_per_tok": 6, "moe_intermediate_size": 1856, "moe_shared_expert_intermediate_size": 3712,
}  # fmt: skip
NEMOTRON_H: dict[str, Any] = {
    "model_type": "nemotron_h", "hidden_size": 8192, "num_attention_heads": 64, "vocab_size": 131072,
    "attention_head_dim": 128, "hybrid_override_pattern": "M-M-M-M*-" + 9 * "M-M-M-M-M*-" + "M-M-M-M-M-",
    "num_hidden_layers": 118, "intermediate_size": 32768, "mamba_num_heads": 256, "mamba_head_dim": 64,
    "ssm_state_size": 256, "time_step_limit": [0.0, float("inf")],
}  # fmt: skip


def block(multiplier: float | None, group: int | None = None, **more: Any) -> dict[str, Any]:
    """One entry of block_configs: no attention where there is no group of heads, no feed-forward without multiplier."""
    attention = {"n_heads_in_group": group, "no_op": group is None, "replace_with_linear": False, "sparsify": None}
    ffn = {"ffn_mult": multiplier, "no_op": multiplier is None, "replace_with_linear": False, "sparsify": None}
    return {"attention": {**attention, **more.get("attention", {})}, "ffn": {**ffn, **more.get("ffn", {})}}


def blocks(runs: str) -> list[dict[str, Any]]:
    """Runs of equal blocks: how many, times the multiplier, with a * where there is attention in groups of 8."""
    parts = [(*run.rstrip("*").split("x"), run[-1]) for run in runs.split()]
    return [block(float(size), 8 if last == "*" else None) for number, size, last in parts for _ in range(int(number))]


NEMOTRON_SUPER: dict[str, Any] = {
    "model_type": "nemotron-nas", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64,
    "vocab_size": 128256, "intermediate_size": None, "num_key_value_heads": None,
    "block_configs": blocks(
        "1x2.625* 5x5.25* 2x2.625 3x5.25* 1x3.28125 30x5.25* 1x1.3125 2x2.625 1x1.3125 1x5.25 1x1.3125 1x2.625 "
        "3x1.3125 1x5.25* 1x1.3125 2x1.0 1x1.3125 3x1.0 2x1.3125 2x0.5 2x1.0 2x0.5 1x1.0 2x0.5 9x5.25*"
    ),
}  # fmt: skip
PALM = shapes("palm_synthetic", 18432, 73728, 118, 48, 256000, head_dim=256, parallel_layers=True)

HYBRID_TOTALS = [
    pytest.param(DEEPSEEK_V32, 671877944064, id="deepseek-v3.2: 671e9 as V3, and an indexer in 61 layers"),
    pytest.param(GLM_5, 743911218432, id="glm-5: published 744e9"),
    pytest.param(MINIMAX_M1, 456089655296, id="minimax-m1: published 456e9"),
    pytest.param(QWEN3_NEXT, 79674391296, id="qwen3-next-80b-a3b: published 80e9"),
    pytest.param(QWEN35, 396346350336, id="qwen3.5-397b-a17b: published 397e9"),
    pytest.param(QWEN35_DENSE, 26895998464, id="qwen3.5-27b: published 27e9, its name"),
    pytest.param(
        NANO, 31577940288, id="nemotron-3-nano: recalled total of the published files and 23 x 128 routing biases"
    ),
    pytest.param(NEMOTRON_H, 56324350464, id="nemotron-h-56b: published 56e9"),
    pytest.param(NEMOTRON_SUPER, 49867145216, id="llama-3.3-nemotron-super-49b: published 49.87e9, recalled"),
    pytest.param(PALM, 540356474880, id="palm-540b: arXiv 2204.02311 table 1, 540.35e9"),
]
