"""Files of 2026: towers around a language model, keys that change nothing, weights without an unembedding, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from config_examples import shapes
from config_published import LLAMA, MINIMAX, MISTRAL, QWEN3_MOE, refusal, without
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.huggingface.checkpoint import stored_bytes
from steptime.model.catalog.huggingface.reader import read_config

from config_2026 import (  # isort: skip
    DEVSTRAL, GLM_52, GLM_NEXT, K3, K3_TEXT, KIMI_LINEAR, M3, M3_SPARSE, MIMO_V2, MLLAMA, QWEN25_VL, QWEN3_VL, STEP,
    STEP_OTHER, V4_PRO,
)  # fmt: skip


def model(config: dict[str, Any]) -> Transformer:
    return read_config(config, "toy")


# --- towers and wrappers -------------------------------------------------------------------------------------------
def test_a_file_may_hold_its_language_model_among_the_keys_of_its_tower() -> None:
    flat = model({**QWEN25_VL, "mm_vision_tower": "some tower", "tune_mm_mlp_adapter": True})
    assert flat.layers == model({**without(QWEN25_VL, "vision_config"), "model_type": "qwen2"}).layers
    assert flat.notices[0] == "the vision tower is not counted"
    assert "'mystery'" in refusal({**QWEN25_VL, "mystery": 3})


def test_the_language_model_may_stand_under_other_names() -> None:
    inner = {**LLAMA, "architectures": ["LlamaForCausalLM"]}
    found = model({"model_type": "internvl_chat", "llm_config": inner, "select_layer": -1, "downsample_ratio": 0.5})
    assert found.layers == model(LLAMA).layers
    assert "llm_config: config key 'mystery'" in refusal(
        {"model_type": "internvl_chat", "llm_config": {**LLAMA, "mystery": 1}}
    )


@pytest.mark.parametrize("config", [QWEN3_VL, DEVSTRAL, MLLAMA, K3, GLM_NEXT], ids=lambda config: config["model_type"])
def test_towers_are_named_as_not_counted(config: dict[str, Any]) -> None:
    assert "the vision tower is not counted" in model(config).notices


def test_attention_without_latents() -> None:
    """deepseek-vl2-tiny: published 3.37e9 with 0.43e9 of vision; a key and a value of 128 for each of ten heads."""
    inner = shapes(
        "deepseek_v2", 1280, 6848, 12, 10, 129280, moe_intermediate_size=896, n_routed_experts=64, n_shared_experts=2,
        num_experts_per_tok=6, first_k_dense_replace=1, use_mla=False, v_head_dim=0, lm_head=True, rm_head=False,
    )  # fmt: skip
    tiny = model({"model_type": "deepseek_vl_v2", "language_config": inner, "vision_config": {"width": 1152}})
    assert tiny.parameters == pytest.approx(3.37e9 - 0.43e9, rel=0.005)
    assert {mixer.cache_elements for mixer, _ in tiny.mixers} == {2 * 10 * 128}
    assert "'v_head_dim'" in refusal({**inner, "use_mla": True})


# --- keys that change nothing --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "key", "said", "otherwise"),
    [
        (QWEN3_MOE, "use_qk_norm", True, "yes"),
        (MINIMAX, "attn_type_list", [1] * 62, [1] * 61 + [2]),
        (STEP, "use_moe", True, 2),
    ],
    ids=["norms that are built in", "full attention in every layer", "experts that are built in"],
)
def test_what_is_built_in_may_be_stated_and_is_named(
    config: dict[str, Any], key: str, said: Any, otherwise: Any
) -> None:
    stated = model({**config, key: said})
    assert stated.layers == model(config).layers
    assert any(key in notice for notice in stated.notices)
    assert repr(key) in refusal({**config, key: otherwise})


@pytest.mark.parametrize("key", ["for_llm_compressor", "internal_version", "output_gate_type", "full_attn_mod"])
def test_keys_that_no_code_reads_are_named(key: str) -> None:
    assert model({**LLAMA, key: "v2"}).notices == (f"config keys that change no shape, and are passed over: {key}",)


def test_a_window_may_be_stated_twice_alike() -> None:
    assert "disagree" in refusal({**MIMO_V2, "sliding_window_size": 127})
    assert {mixer.window for mixer, _ in model(MIMO_V2).mixers} == {None, 128}


# --- weights without an unembedding --------------------------------------------------------------------------------
@pytest.mark.parametrize("word", ["LlamaForSequenceClassification", "LlamaForTokenClassification", "LlamaModel"])
def test_weights_that_end_with_the_stream(word: str) -> None:
    """Llama-3.1-8B as a classifier: 8.030e9 less 128256 x 4096."""
    eight = {
        **LLAMA,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
    }
    whole, ended = model(eight), model({**eight, "architectures": [word]})
    assert (whole.parameters, ended.parameters) == (8030261248, 8030261248 - 128256 * 4096)
    assert whole.active_parameters - ended.active_parameters == 128256 * 4096
    assert any(word in notice for notice in ended.notices)
    tied = model({**eight, "architectures": [word], "tie_word_embeddings": True})
    assert tied.parameters == ended.parameters


def test_other_classes_have_an_unembedding() -> None:
    for named in (["LlamaForCausalLM"], ["GPT2LMHeadModel"], None, "LlamaModel", [7]):
        assert model({**LLAMA, "architectures": named}).unembedding


def test_a_step_without_an_unembedding(tmp_path: Path) -> None:
    """Neither read nor multiplied, and no room for it or for logits: e5-mistral-7b, published 7.11e9."""
    cases = []
    for name, words in (("with", ["MistralForCausalLM"]), ("without", ["MistralModel"])):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({**MISTRAL, "architectures": words, "torch_dtype": "bfloat16"}))
        cases.append(case_of(str(path), "h200", layout="tp=1", batch="1", context="1"))
    whole, ended = cases
    head = 32000 * 4096
    assert ended.number(q.parameters) == pytest.approx(7.11e9, rel=1e-3)
    assert whole.number(q.parameters_read) - ended.number(q.parameters_read) == head
    assert ended.number(q.unembedding_parameters) == 0
    assert whole.number(q.memory_per_chip) - ended.number(q.memory_per_chip) == pytest.approx(2 * head + 2 * 32000)


# --- formats -------------------------------------------------------------------------------------------------------
def bits(config: dict[str, Any]) -> dict[str, float]:
    return {str(kind): 8 * form.bytes for kind, form in model(config).stored}


def test_experts_of_v4_have_a_format_of_their_own() -> None:
    """expert_dtype stands outside quantization_config, which says fp8; a file quantised again says its own."""
    found = bits(V4_PRO)
    assert (model(V4_PRO).precision, model(V4_PRO).activations) == ("fp4", "fp8")
    assert (found["experts"], found["dense"], found["unembedding"]) == (4.25, pytest.approx(8, rel=1e-3), 16)
    assert 8 < found["attention"] < 8.5  # compressors and weights of the index's heads stay in 16 bits
    assert bits(without(V4_PRO, "expert_dtype"))["experts"] == pytest.approx(8, rel=1e-3)
    listed = {f"layers.{i}.ffn.experts": {"quant_algo": "NVFP4", "group_size": 16} for i in range(61)}
    again = {**V4_PRO["quantization_config"], "moe_quant_algo": "NVFP4", "quant_algo": "MIXED_PRECISION",
             "quantized_layers": listed, "ignore": ["*.attn.*", "head", "mtp.*"]}  # fmt: skip
    nvidia = bits({**V4_PRO, "quantization_config": again})
    assert nvidia == {**found, "experts": 4.5}
    assert "'int3'" in refusal({**V4_PRO, "expert_dtype": "int3"})


def test_bytes_of_v4_pro_on_disk() -> None:
    """With its layer of multi-token prediction, which attends in a window: 865 GB (discussion 2 of
    nvidia/DeepSeek-V4-Pro-NVFP4)."""
    assert len(V4_PRO["compress_ratios"]) == 62
    with_prediction = model({**V4_PRO, "num_hidden_layers": 62})
    two_more_matrices = 2 * 7168**2
    assert (stored_bytes(with_prediction) + two_more_matrices) / 1e9 == pytest.approx(865, rel=0.01)


def test_only_experts_of_k3_are_quantised() -> None:
    """1.56 TB on disk; the matrices to and from the latent are in 16 bits although no list keeps them."""
    group = {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "float", "group_size": 32}}
    kept = ["re:.*self_attn.*", "re:.*shared_experts.*", r"re:.*mlp\.(gate|up|gate_up|down)_proj.*", "re:.*lm_head.*"]
    table = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}, "ignore": kept}
    config = {**K3, "text_config": {**K3_TEXT, "quantization_config": table}}
    found = bits(config)
    assert {kind: found[kind] for kind in ("attention", "dense", "embedding")} == dict.fromkeys(
        ("attention", "dense", "embedding"), 16
    )
    assert (found["experts"], model(config).activations) == (4.25, "bf16")
    assert stored_bytes(model(config)) / 1e12 == pytest.approx(1.56, rel=0.01)


# --- refusals ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({**V4_PRO, "compress_ratios": [4] * 60}, "'compress_ratios'"),
        ({**V4_PRO, "compress_ratios": [8] * 61}, "'compress_ratios'"),
        ({**V4_PRO, "num_key_value_heads": 8}, "num_key_value_heads"),
        ({**V4_PRO, "attention_bias": True}, "attention_bias"),
        ({**V4_PRO, "o_groups": 48}, "o_groups 48"),
        ({**V4_PRO, "kv_source_layer_ids": [2, 8]}, "'kv_source_layer_ids'"),
        ({**V4_PRO, "engram_layers": [1]}, "'engram_layers'"),
        ({**KIMI_LINEAR, "mla_use_nope": False}, "mla_use_nope"),
        ({**KIMI_LINEAR, "num_hidden_layers": 28}, "linear_attn_config.kda_layers"),
        (
            {**KIMI_LINEAR, "linear_attn_config": {**KIMI_LINEAR["linear_attn_config"], "rank": 3}},
            "'linear_attn_config.rank'",
        ),
        ({**KIMI_LINEAR, "linear_attn_config": 3}, "'linear_attn_config'"),
        ({**KIMI_LINEAR, "index_topk": 2048}, "'index_topk'"),
        ({**M3, "sparse_attention_config": {**M3_SPARSE, "sparse_disable_index_value": [0] * 60}}, "index_value"),
        ({**M3, "sparse_attention_config": {**M3_SPARSE, "sparse_num_index_heads": 8}}, "num_index_heads 8"),
        ({**M3, "moe_layer_freq": [1] * 59}, "'moe_layer_freq'"),
        ({**M3, "qk_norm_type": "per_layer"}, "'qk_norm_type'"),
        ({**M3, "attention_output_gate": True}, "'attention_output_gate'"),
        ({**GLM_52, "index_topk_pattern": "FS"}, "'index_topk_pattern'"),
        ({**STEP, "attention_other_setting": {**STEP_OTHER, "attention_type": "full_attention"}}, "attention_type"),
        ({**STEP, "attention_other_setting": {**STEP_OTHER, "num_attention_heads": 90}}, "90 heads"),
        ({**STEP, "moe_layers_enum": "3,x"}, "'moe_layers_enum'"),
        ({**STEP, "layer_types": ["full_attention"] * 44}, "'layer_types'"),
        ({**MIMO_V2, "hybrid_layer_pattern": [1]}, "'hybrid_layer_pattern'"),
        ({**MIMO_V2, "n_shared_experts": -1}, "'n_shared_experts'"),
        ({"model_type": "gemma3n", "text_config": {"hidden_size": 2048}}, "AltUp"),
        ({"model_type": "deepseek_vl_v2", "language_config": 3}, "'language_config'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_understood_is_named(config: dict[str, Any], named: str) -> None:
    assert named in refusal(config)
