"""The reader of Hugging Face configurations: exact totals, what is refused and how, and that nothing slips through."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from config_2026 import TOTALS_2026
from config_examples import HYBRID_TOTALS, shapes
from family_examples import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model.architecture.transformer import ExpertFeedForward, GroupedAttention, Transformer
from steptime.model.catalog.huggingface.families import FAMILIES
from steptime.model.catalog.huggingface.keys import tables, type_table
from steptime.model.catalog.huggingface.reader import read_config, read_config_file
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


# --- strictness ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [64, 1.0, True, "wide", [1], {"a": 1}, -1], ids=str)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config["model_type"])
def test_unknown_key_is_refused_by_name(config: dict[str, Any], value: Any) -> None:
    message = refusal({**config, "mystery_rank": value})
    assert message.endswith("config key 'mystery_rank' is not understood and may change shapes")


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", [], {}, 0.5, math.nan, math.inf], ids=str)
def test_key_that_is_off_or_a_fraction_is_neutral(value: Any) -> None:
    assert read_config({**LLAMA, "mystery_flag": value}, "toy") == read_config(LLAMA, "toy")


def test_indexer_on_a_known_type_is_refused() -> None:
    assert "'index_topk'" in refusal({**DEEPSEEK, "index_topk": 2048})


def test_unknown_key_inside_text_config_is_refused() -> None:
    inner = {**GEMMA3["text_config"], "mystery_rank": 64}
    assert "text_config: config key 'mystery_rank'" in refusal({**GEMMA3, "text_config": inner})


@pytest.mark.parametrize("model_type", sorted(tables()["refused"]))
def test_types_that_are_not_modelled_are_refused_by_name(model_type: str) -> None:
    message = refusal({**LLAMA, "model_type": model_type})
    assert repr(model_type) in message
    assert "not modelled" in message


def test_refused_inside_text_config() -> None:
    assert "kimi_linear" in refusal({**GEMMA3, "text_config": {**LLAMA, "model_type": "kimi_linear"}})


def test_unknown_type_is_answered_with_best_matches() -> None:
    advice = refusal({**LLAMA, "model_type": "qwen4"}).partition("did you mean ")[2]
    assert {"qwen2", "qwen3"} <= set(advice.rstrip("?").split(", "))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config["model_type"])
def test_missing_key_is_named(config: dict[str, Any]) -> None:
    inner = config.get("text_config", config)
    model_type = inner.get("model_type") or tables()["wrappers"][config["model_type"]]
    for key in type_table(tables()["wrappers"].get(model_type, model_type))["required"]:
        if inner is config and model_type in tables()["wrappers"] and key == "hidden_size":
            continue  # without it the file is taken for one that holds its language model inside
        table, _, part = key.rpartition(".")
        shorter = {**inner, table: without(inner[table], part)} if table else without(inner, key)
        wrapped = {**config, "text_config": shorter} if "text_config" in config else shorter
        assert f"{key!r} is missing" in refusal(wrapped)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({**LLAMA, "hidden_size": True}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": "8192"}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": [8192]}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": 8192.0}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": math.nan}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": 0}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": -8192}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": None}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": 10**7}, "'hidden_size'"),
        ({**LLAMA, "hidden_size": 10**5000}, "'hidden_size'"),
        ({**LLAMA, "num_hidden_layers": 10**5}, "'num_hidden_layers'"),
        ({**LLAMA, "vocab_size": 10**9}, "'vocab_size'"),
        ({**LLAMA, "tie_word_embeddings": 1}, "'tie_word_embeddings'"),
        ({**LLAMA, "num_key_value_heads": 7}, "num_key_value_heads 7"),
        ({**LLAMA, "num_attention_heads": 48, "num_key_value_heads": 48}, "not divisible by 48"),
        ({**MIXTRAL, "num_local_experts": 10**6}, "'num_local_experts'"),
        ({**MIXTRAL, "num_experts_per_tok": 9}, "num_experts_per_tok 9"),
        ({**MIXTRAL, "num_experts": 16}, "disagree"),
        ({**GPT_OSS, "layer_types": ["full_attention"]}, "'layer_types'"),
        ({**GPT_OSS, "layer_types": ["linear_attention"] * 36}, "'linear_attention'"),
        ({**GPT_OSS, "layer_types": [["full_attention"]] * 36}, "'layer_types'"),
        ({**GPT_OSS, "layer_types": "full_attention"}, "'layer_types'"),
        ({**GPT_OSS, "sliding_window": None}, "'sliding_window'"),
        ({**DEEPSEEK, "moe_layer_freq": 2}, "'moe_layer_freq'"),
        ({**DEEPSEEK, "moe_layer_freq": [1]}, "'moe_layer_freq'"),
        ({**DEEPSEEK, "n_group": 7}, "groups"),
        ({**DEEPSEEK, "topk_method": "mystery"}, "'mystery'"),
        ({**QWEN3_MOE, "mlp_only_layers": [94]}, "'mlp_only_layers'"),
        ({**GEMMA4, "num_kv_shared_layers": 30}, "'num_kv_shared_layers'"),
        ({**GEMMA4, "hidden_size_per_layer_input": None}, "'hidden_size_per_layer_input'"),
        ({**OPT, "word_embed_proj_dim": 512}, "'word_embed_proj_dim'"),
        ({**GPT2, "n_head": 7}, "n_head 7"),
        ({**LLAMA, "is_encoder_decoder": True}, "'is_encoder_decoder'"),
        ({**GEMMA3, "text_config": [1]}, "'text_config'"),
        ({"model_type": "gemma3"}, "'text_config'"),
        ({**LLAMA, "text_config": LLAMA}, "text_config"),
        ({**GEMMA3, "hidden_size": 1024}, "'hidden_size'"),
        ({**LLAMA, "torch_dtype": 16}, "'torch_dtype'"),
        (without(LLAMA, "model_type"), "'model_type'"),
        ({**LLAMA, "model_type": ["llama"]}, "'model_type'"),
        ({**LLAMA, "model_type": "lla\nma"}, "lla"),
        ([], "configuration"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_are_no_shapes(config: Any, named: str) -> None:
    message = refusal(config)
    assert named in message
    assert message.startswith("toy")


def test_file_is_named_after_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My-Model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**LLAMA, "time_step_limit": [], "scale": math.inf}))
    assert read_config_file(folder / "config.json").name == "My-Model"
    (tmp_path / "other.json").write_text(json.dumps(LLAMA))
    assert read_config_file(tmp_path / "other.json").name == "other"


def test_deep_nesting_in_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text('{"model_type": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(UserError):
        read_config_file(tmp_path / "deep.json")


# --- whatever is thrown at it --------------------------------------------------------------------------------------
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**400, -(10**400)]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
STATED = {key for config in CONFIGS for key in {**config, **config.get("text_config", {})}}
KEYS = sorted(STATED | set(tables()["neutral"]))


def read_or_refuse(config: Any) -> None:
    try:
        model = read_config(config, "toy")
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert model.parameters >= model.embedding


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=12), JSON, max_size=8))
@settings(max_examples=200, deadline=None)
def test_random_configurations_never_crash(config: dict[str, Any]) -> None:
    read_or_refuse(config)


@given(
    st.sampled_from(CONFIGS),
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    st.sets(st.sampled_from(KEYS), max_size=2),
)
@settings(max_examples=400, deadline=None)
def test_mutations_never_crash(config: dict[str, Any], changed: dict[str, Any], removed: set[str]) -> None:
    if "text_config" in config:
        read_or_refuse({**config, "text_config": {**config["text_config"], **changed}})
    read_or_refuse({key: value for key, value in {**config, **changed}.items() if key not in removed})
