"""Configurations of published models, and how many parameters each has; the one line with which one is refused."""

from typing import Any

import pytest
from config_2026 import TOTALS_2026
from config_examples import HYBRID_TOTALS, shapes

from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.errors import UserError

LLAMA = shapes("llama", 8192, 28672, 80, 64, 128256, num_key_value_heads=8)
MISTRAL = shapes("mistral", 4096, 14336, 32, 32, 32000)
MIXTRAL = shapes("mixtral", 4096, 14336, 32, 32, 32000, num_local_experts=8, num_experts_per_tok=2)
QWEN2 = shapes("qwen2", 8192, 29568, 80, 64, 152064, num_key_value_heads=8)
QWEN3 = shapes("qwen3", 5120, 25600, 64, 64, 151936, num_key_value_heads=8)
QWEN3_MOE = shapes(
    "qwen3_moe", 4096, 12288, 94, 64, 151936, head_dim=128, moe_intermediate_size=1536, num_experts=128,
    num_experts_per_tok=8,
)  # fmt: skip
QWEN2_MOE = shapes("qwen2_moe", 2048, 5632, 24, 16, 151936)
GEMMA2 = shapes("gemma2", 4608, 36864, 46, 32, 256000, head_dim=128, num_key_value_heads=16)
GEMMA3: dict[str, Any] = {
    "model_type": "gemma3",
    "vision_config": {"hidden_size": 1152},
    "text_config": {
        "model_type": "gemma3_text", "hidden_size": 5376, "intermediate_size": 21504, "num_hidden_layers": 62,
        "num_attention_heads": 32, "num_key_value_heads": 16, "head_dim": 128, "sliding_window": 1024,
    },
}  # fmt: skip
GEMMA4 = shapes(
    "gemma4_text", 2816, 2112, 30, 16, 262144, num_key_value_heads=8, num_global_key_value_heads=2,
    attention_k_eq_v=True, hidden_size_per_layer_input=0, sliding_window=1024, enable_moe_block=True, num_experts=128,
    top_k_experts=8, moe_intermediate_size=704,
)  # fmt: skip
DEEPSEEK = shapes("deepseek_v3", 7168, 18432, 61, 128, 129280, num_nextn_predict_layers=1)
LATENT = {
    "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
}  # fmt: skip
KIMI = shapes(
    "kimi_k2", 7168, 18432, 61, 64, 163840, n_routed_experts=384, n_shared_experts=1, num_experts_per_tok=8,
    moe_intermediate_size=2048, first_k_dense_replace=1, n_group=1, topk_group=1, **LATENT,
)  # fmt: skip
DEEPSEEK_LITE = shapes(
    "deepseek_v2", 2048, 10944, 27, 16, 102400, num_experts_per_tok=6, moe_intermediate_size=1408,
    first_k_dense_replace=1, q_lora_rank=None,
)  # fmt: skip
GLM = shapes(
    "glm4_moe", 5120, 12288, 92, 96, 151552, head_dim=128, attention_bias=True, use_qk_norm=True, n_routed_experts=160,
    moe_intermediate_size=1536, first_k_dense_replace=3,
)  # fmt: skip
GPT_OSS = shapes("gpt_oss", 2880, 2880, 36, 64, 201088)
MAVERICK: dict[str, Any] = {
    "model_type": "llama4",
    "text_config": shapes(
        "llama4_text", 5120, 8192, 48, 40, 202048, num_local_experts=128, interleave_moe_layer_step=2
    ),
}
MINIMAX = shapes("minimax_m2", 3072, 1536, 62, 48, 200064)
PHI3 = shapes("phi3", 3072, 8192, 32, 32, 32064, sliding_window=262144)
GPT2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
OPT = {
    "model_type": "opt", "hidden_size": 12288, "ffn_dim": 49152, "num_hidden_layers": 96, "num_attention_heads": 96,
    "vocab_size": 50272,
}  # fmt: skip

TOTALS = [
    pytest.param(LLAMA, 70553706496, id="llama-3.1-70b: total of the published files"),
    pytest.param(MISTRAL, 7241732096, id="mistral-7b: published 7.24e9, recalled"),
    pytest.param(MIXTRAL, 46702792704, id="mixtral-8x7b: total of the published files"),
    pytest.param(QWEN2, 72706203648, id="qwen2.5-72b: total of the published files"),
    pytest.param(QWEN3, 32762123264, id="qwen3-32b: published 32.8e9, recalled"),
    pytest.param(QWEN3_MOE, 235093634560, id="qwen3-235b-a22b: total of the published files"),
    pytest.param(QWEN2_MOE, 14315784192, id="qwen1.5-moe-a2.7b: published 14.3e9, recalled"),
    pytest.param(GEMMA2, 27227128320, id="gemma-2-27b: published 27.2e9, recalled"),
    pytest.param(GEMMA3, 27009346304, id="gemma-3-27b: published files less vision tower"),
    pytest.param(GEMMA4, 25233141760, id="gemma-4-26b-a4b: model card 25.2e9, recalled"),
    pytest.param(DEEPSEEK, 671026419200, id="deepseek-v3: total of the published files"),
    pytest.param(DEEPSEEK_LITE, 15706484224, id="deepseek-v2-lite: published 15.7e9, recalled"),
    pytest.param(KIMI, 1026408232448, id="kimi-k2: total of the published files"),
    pytest.param(GLM, 352797829024, id="glm-4.5: published 355e9 with multi-token prediction"),
    pytest.param(GPT_OSS, 116829156672, id="gpt-oss-120b: total of the published files"),
    pytest.param(MAVERICK, 400711848960, id="llama-4-maverick: published 400e9"),
    pytest.param(MINIMAX, 228689764864, id="minimax-m2: published 230e9"),
    pytest.param(PHI3, 3821079552, id="phi-3.5-mini: published 3.82e9, recalled"),
    pytest.param(GPT2, 124439808, id="gpt2: published 124.4e6, recalled"),
    pytest.param(OPT, 174604468224, id="opt-175b: arXiv 2205.01068, 175e9"),
    *HYBRID_TOTALS,
    *TOTALS_2026,
]
CONFIGS: list[dict[str, Any]] = [parameter.values[0] for parameter in TOTALS]  # type: ignore[misc]


def without(config: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != key}


def windows(model: Transformer) -> list[int | None]:
    return [layer.attention.window for layer in model.layers]


def refusal(config: Any, name: str = "toy") -> str:
    """The one line with which a configuration is refused."""
    with pytest.raises(UserError) as caught:
        read_config(config, name)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message
