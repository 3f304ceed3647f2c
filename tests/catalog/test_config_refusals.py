"""What no configuration file may hold is refused by its name, in one line; whatever is thrown at the reader."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config_published import (  # isort: skip
    CONFIGS, DEEPSEEK, GEMMA3, GEMMA4, GPT2, GPT_OSS, LLAMA, MIXTRAL, OPT, QWEN3_MOE, refusal, without,
)  # fmt: skip

from steptime.model.catalog.huggingface.keys import tables, type_table
from steptime.model.catalog.huggingface.reader import read_config, read_config_file
from steptime.model.errors import UserError


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
