"""Configurations of 2026 by the keys that shapes need, with totals and where these come from.

"Counted": parameters of the modelling code of transformers 5.24.0 built from such a configuration without memory, and
where the code keeps the routers' biases as buffers these beside.
"""

from typing import Any

import pytest
from config_examples import shapes


def alternating(layers: int, every: int, rest: str, word: str) -> list[str]:
    """Every n-th layer of one kind, the others of another."""
    return [word if (i + 1) % every == 0 else rest for i in range(layers)]


def inside(outer: str, text: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A file with a vision tower around a language model."""
    return {"model_type": outer, "text_config": text, "vision_config": {"depth": 2}, **more}


V4_PRO = {
    "model_type": "deepseek_v4", "hidden_size": 7168, "moe_intermediate_size": 3072, "num_hidden_layers": 61,
    "num_attention_heads": 128, "vocab_size": 129280, "head_dim": 512, "q_lora_rank": 1536, "o_groups": 16,
    "o_lora_rank": 1024, "index_topk": 1024, "n_routed_experts": 384, "num_experts_per_tok": 6, "expert_dtype": "fp4",
    "compress_ratios": [128, 128, *([4, 128] * 29), 4, 0], "num_nextn_predict_layers": 1,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}  # fmt: skip
V4_FLASH = {
    "model_type": "deepseek_v4", "hidden_size": 4096, "moe_intermediate_size": 2048, "num_hidden_layers": 43,
    "num_attention_heads": 64, "vocab_size": 129280, "compress_ratios": [0, 0, *([4, 128] * 20), 4, 0],
}  # fmt: skip
REFERENCE = {**V4_FLASH, "model_type": "deepseek_ref", "q_lora_rank": 1024, "o_groups": 8, "o_lora_rank": 1024}
REFERENCE |= {"index_topk": 512, "hc_mult": 4}

K3_TEXT = shapes(
    "kimi_linear", 7168, 33792, 93, 96, 163840, kv_lora_rank=512, q_lora_rank=1536, qk_nope_head_dim=128,
    qk_rope_head_dim=64, v_head_dim=128, mla_use_nope=True, mla_use_output_gate=True, num_experts=896,
    num_experts_per_token=16, num_shared_experts=2, moe_intermediate_size=3072, routed_expert_hidden_size=3584,
    latent_moe_use_norm=True, attn_res_block_size=12, first_k_dense_replace=1,
    linear_attn_config={
        "head_dim": 128, "num_heads": 96, "short_conv_kernel_size": 4, "use_full_rank_gate": True,
        "full_attn_layers": [*range(4, 93, 4), 93], "kda_layers": [i for i in range(1, 93) if i % 4],
    },
)  # fmt: skip
K3 = inside("kimi_k3", K3_TEXT, tie_word_embeddings=False)
KIMI_LINEAR = shapes(
    "kimi_linear", 2304, 9216, 27, 32, 163840, kv_lora_rank=512, q_lora_rank=None, qk_nope_head_dim=128,
    qk_rope_head_dim=64, v_head_dim=128, num_experts=256, num_experts_per_token=8, moe_intermediate_size=1024,
    linear_attn_config={
        "head_dim": 128, "num_heads": 32, "short_conv_kernel_size": 4,
        "full_attn_layers": [4, 8, 12, 16, 20, 24, 27], "kda_layers": [i for i in range(1, 27) if i % 4],
    },
)  # fmt: skip

M3_SPARSE = {
    "sparse_attention_freq": [0] * 3 + [1] * 57, "sparse_disable_index_value": [0] * 3 + [1] * 57,
    "sparse_num_index_heads": 4, "sparse_index_dim": 128, "sparse_block_size": 128, "sparse_topk_blocks": 16,
}  # fmt: skip
M3 = shapes(
    "minimax_m3", 6144, 3072, 60, 64, 200064, dense_intermediate_size=12288, moe_layer_freq=[0] * 3 + [1] * 57,
    sparse_attention_config=M3_SPARSE,
)  # fmt: skip
M3_VL = inside("minimax_m3_vl", {key: value for key, value in M3.items() if key != "model_type"})

TEXT_01 = shapes(
    "minimax_text_01", 6144, 9216, 80, 64, 200064, head_dim=128, num_key_value_heads=8, num_local_experts=32,
    num_experts_per_tok=2, attn_type_list=([0] * 7 + [1]) * 10,
)  # fmt: skip
MINIMAX_VL = inside("minimax_vl_01", TEXT_01)
MINIMAX = shapes(
    "minimax", 6144, 9216, 80, 64, 200064, head_dim=128, num_local_experts=32, num_experts_per_tok=2,
    layer_types=alternating(80, 8, "linear_attention", "full_attention"),
)  # fmt: skip

GLM_52 = shapes(
    "glm_moe_dsa", 6144, 12288, 78, 64, 154880, index_topk_freq=4, index_skip_topk_offset=3, index_topk=2048,
    index_share_for_mtp_iteration=True,
)  # fmt: skip
GLM_FLASH = shapes("glm4_moe_lite", 2048, 10240, 47, 20, 154880)
GLM_NEXT = inside("glm5_next", shapes("glm5_next_text", 4096, 12288, 45, 64, 154880, index_kpool=4))
MISTRAL_4 = shapes("mistral4", 4096, 12288, 36, 32, 131072)
MISTRAL_LARGE_3 = shapes(
    "deepseek_v3", 7168, 16384, 61, 128, 131072, q_lora_rank=1536, kv_lora_rank=512, n_routed_experts=128,
    num_experts_per_tok=4, moe_intermediate_size=4096, n_group=1, topk_group=1,
)  # fmt: skip

SUPER: dict[str, Any] = {
    "model_type": "nemotron_h", "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 2,
    "vocab_size": 131072, "mamba_num_heads": 128, "mamba_head_dim": 64, "ssm_state_size": 128, "n_routed_experts": 512,
    "num_experts_per_tok": 22, "moe_intermediate_size": 2688, "moe_shared_expert_intermediate_size": 5376,
    "moe_latent_size": 1024,
    "hybrid_override_pattern": "MEMEMEM*" + 2 * "EMEMEMEM*" + "EMEMEMEMEM*" * 4 + "EMEMEMEM*EMEMEMEME",
}  # fmt: skip
NEMOTRON_4 = shapes("nemotron", 6144, 24576, 32, 48, 256000, num_key_value_heads=8)

MIMO = shapes("mimo", 4096, 11008, 36, 32, 151680, num_key_value_heads=8, attention_bias=True, use_mrope=False)
MIMO_V2 = shapes(
    "mimo_v2_flash", 4096, 16384, 48, 64, 152576, num_key_value_heads=4, head_dim=192, v_head_dim=128,
    swa_num_attention_heads=64, swa_num_key_value_heads=8, swa_head_dim=192, swa_v_head_dim=128, sliding_window=128,
    sliding_window_size=128, n_routed_experts=256, num_experts_per_tok=8, moe_intermediate_size=2048,
    add_swa_attention_sink_bias=True, moe_layer_freq=[0] + [1] * 47,
    hybrid_layer_pattern=[0, *([1, 1, 1, 1, 0, 1] * 7), 1, 1, 1, 1, 0],
)  # fmt: skip
STEP_LAYERS = ["full_attention", *(["sliding_attention"] * 3 + ["full_attention"]) * 11]
STEP = shapes(
    "step3p5", 4096, 11264, 45, 64, 128896, num_attention_groups=8, sliding_window=512, layer_types=STEP_LAYERS,
    moe_num_experts=288, moe_top_k=8,
)  # fmt: skip
STEP_OTHER = {"attention_type": "sliding_attention", "num_attention_heads": 96, "num_attention_groups": 8}
STEP_VL = inside("step3p7", {**STEP, "attention_other_setting": STEP_OTHER})

E2B = shapes(
    "gemma4_text", 1536, 6144, 35, 8, 262144, num_key_value_heads=1, num_kv_shared_layers=20, use_double_wide_mlp=True,
    layer_types=alternating(35, 5, "sliding_attention", "full_attention"),
)  # fmt: skip
E4B = shapes("gemma4_text", 2560, 10240, 42, 8, 262144, num_key_value_heads=2, num_kv_shared_layers=18)
GEMMA_31B = shapes(
    "gemma4_text", 5376, 21504, 60, 32, 262144, num_key_value_heads=16, num_global_key_value_heads=4,
    attention_k_eq_v=True, hidden_size_per_layer_input=0, sliding_window=1024,
)  # fmt: skip

GEMMA_UNIFIED = inside(
    "gemma4_unified", shapes("gemma4_unified_text", 3840, 15360, 48, 16, 262144, num_key_value_heads=8)
)

QWEN3_VL = inside("qwen3_vl", shapes("qwen3_vl_text", 5120, 25600, 64, 64, 151936, num_key_value_heads=8))
QWEN3_VL_MOE = inside(
    "qwen3_vl_moe",
    shapes(
        "qwen3_vl_moe_text", 4096, 12288, 94, 64, 151936, num_key_value_heads=4, head_dim=128, num_experts=128,
        num_experts_per_tok=8, moe_intermediate_size=1536,
    ),
)  # fmt: skip
QWEN25_VL = shapes(
    "qwen2_5_vl", 3584, 18944, 28, 28, 152064, num_key_value_heads=4, vision_config={"depth": 32}, vision_token_id=1
)
QWEN2_VL = inside("qwen2_vl", shapes("qwen2_vl_text", 1536, 8960, 28, 12, 151936, num_key_value_heads=2))
QWEN2_VL["tie_word_embeddings"] = True
MLLAMA = inside("mllama", shapes("mllama_text_model", 4096, 14336, 40, 32, 128256))
DEVSTRAL = inside("mistral3", shapes("ministral3", 5120, 32768, 40, 32, 131072))

TOTALS_2026 = [
    pytest.param(V4_PRO, 1572997201763, id="deepseek-v4-pro: 1573.0e9 counted; published 1.6e12 with prediction layer"),
    pytest.param(V4_FLASH, 284332240471, id="deepseek-v4-flash: 284.33e9 counted; published 284e9"),
    pytest.param(REFERENCE, 284332240471, id="deepseek-v4-flash under the type of its reference implementation"),
    pytest.param(K3, 2779484476000, id="kimi-k3: 2779.5e9 by hand; published 2.8e12 with vision"),
    pytest.param(KIMI_LINEAR, 49122681728, id="kimi-linear-48b-a3b: 49.12e9 counted; published 48e9, its name"),
    pytest.param(M3, 426174572928, id="minimax-m3: 426.17e9 counted; published 428e9 with vision"),
    pytest.param(M3_VL, 426174572928, id="minimax-m3 inside a file with vision"),
    pytest.param(MINIMAX_VL, 456089655296, id="minimax-vl-01: text part; published 456e9"),
    pytest.param(MINIMAX, 456089655296, id="minimax-text-01 under the library's own type: 456.09e9 counted"),
    pytest.param(GEMMA_UNIFIED, 12143279872, id="a unified gemma-4 of sizes chosen here: counted"),
    pytest.param(GLM_52, 743377019904, id="glm-5.2: 743.377e9 counted; published 744e9"),
    pytest.param(GLM_FLASH, 29943393920, id="glm-4.7-flash: 29.943e9 counted; published 30e9"),
    pytest.param(GLM_NEXT, 313326811966, id="glm-5.3-flash: 313.33e9 counted; published 320e9 with the rest"),
    pytest.param(MISTRAL_4, 118972826624, id="mistral-4: counted, with the class's sizes"),
    pytest.param(MISTRAL_LARGE_3, 673421097216, id="mistral-large-3: 673.42e9 counted; published 673e9 and vision"),
    pytest.param(SUPER, 120668707840, id="nemotron-3-super: published 120.6e9"),
    pytest.param(NEMOTRON_4, 15628775424, id="nemotron-4-15b: counted; published 15e9, its name"),
    pytest.param(MIMO, 7622619136, id="mimo-7b: counted as qwen2; published 7.83e9 with prediction layer"),
    pytest.param(MIMO_V2, 308778780864, id="mimo-v2-flash: 308.78e9 counted; published 309e9"),
    pytest.param(STEP, 195844508736, id="step-3.7-flash without its other heads: counted"),
    pytest.param(STEP_VL, 196956130368, id="step-3.5-flash: 196.956e9 counted; published 196e9"),
    pytest.param(E2B, 4628569344, id="gemma-4-e2b: 4.629e9 counted; 2.3e9 effective published"),
    pytest.param(E4B, 7463013376, id="gemma-4-e4b: counted; 4.5e9 effective published"),
    pytest.param(GEMMA_31B, 30697345280, id="gemma-4-31b: 30.697e9 counted; published 30.7e9"),
    pytest.param(QWEN3_VL, 32762123264, id="qwen3-vl-32b: as qwen3-32b"),
    pytest.param(QWEN3_VL_MOE, 235093634560, id="qwen3-vl-235b-a22b: as qwen3-235b-a22b"),
    pytest.param(QWEN25_VL, 7615616512, id="qwen2.5-vl-7b: as qwen2.5-7b, 7.6156e9 published"),
    pytest.param(QWEN2_VL, 1543714304, id="qwen2-vl-2b: as qwen2.5-1.5b, 1.5437e9 published"),
    pytest.param(MLLAMA, 9775192080, id="llama-3.2-11b-vision: text part, counted"),
    pytest.param(DEVSTRAL, 23572403200, id="devstral-small-2: 23.572e9 counted"),
]
