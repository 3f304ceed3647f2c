"""One key of a small configuration edited at a time: the shapes change or the file is refused, never the same in
silence, never a traceback. Every family, every key that its shapes come from, stated or left to its default."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from family_examples import EXAMPLES, VARIANTS
from hypothesis import given, settings
from hypothesis import strategies as st

import steptime
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.huggingface.keys import tables
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.errors import UserError

OTHERS = {
    "sliding_attention": "full_attention", "full_attention": "conv", "conv": "full_attention", "dense": "sparse",
    "linear_attention": "full_attention", "sparse": "dense", "mamba": "mlp", "moe": "mlp", "mlp": "moe",
    "attention": "mlp", "auto": 5, "xielu": "silu", "per_layer": "per_head", "noaux_tc": "greedy", "greedy": "noaux_tc",
    "group_limited_greedy": "greedy", "multihead_attention": "multiquery_attention", "hybrid": "linear_attention",
}  # fmt: skip
"""Another word where a key holds one."""

_by_rule = {"layer_types": None}
_all_windowed = {"use_sliding_window": True, "max_window_layers": 1}
AWAKE: dict[tuple[str, str], dict[str, Any]] = {
    ("qwen2", "use_sliding_window"): {"max_window_layers": 1},
    ("qwen3", "use_sliding_window"): {"max_window_layers": 1},
    **{(name, key): _all_windowed for name in ("qwen2", "qwen3") for key in ("sliding_window", "max_window_layers")},
    ("qwen3_moe", "sliding_window"): {"use_sliding_window": True},
    **{(name, "sliding_window_pattern"): _by_rule for name in
       ("gemma2", "gpt_oss", "exaone4", "exaone_moe", "cohere2")},
    ("gemma3_text", "sliding_window_pattern"): {**_by_rule, "num_hidden_layers": 7},
    **{(name, "full_attention_interval"): _by_rule for name in ("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text")},
    ("smollm3", "no_rope_layer_interval"): {**_by_rule, "no_rope_layers": None},
    ("llama4_text", "interleave_moe_layer_step"): {"moe_layers": None},
    **{(name, "first_k_dense_replace"): {"mlp_layer_types": None} for name in ("hy_v3", "exaone_moe")},
    ("falcon", "multi_query"): {"new_decoder_architecture": False, "num_kv_heads": None},
    ("falcon_h1", "mamba_expand"): {"mamba_d_ssm": None, "mamba_d_head": "auto"},
    ("lfm2", "intermediate_size"): {"block_multiple_of": 1},
}  # fmt: skip
"""Keys that another key of the example overrules, or whose step is rounded away, and what lets them count."""

NO_SHAPE = {
    ("dbrx", "attn_config.clip_qkv"), ("dbrx", "attn_config.rope_theta"), ("gptj", "rotary_dim"),
    ("deepseek_v2", "num_key_value_heads"), ("deepseek_v3", "num_key_value_heads"),
    ("deepseek_v32", "num_key_value_heads"), ("qwen3_5_moe_text", "intermediate_size"), ("qwen2_moe", "sliding_window"),
    ("codegen", "rotary_dim"), ("solar_open", "intermediate_size"),
}  # fmt: skip
"""Keys of the examples that build nothing: limits, frequencies, what the class stores and does not read."""


def other(value: Any) -> Any:
    """A value that differs as little as can be."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [other(value[0]), *value[1:]] if value else [1]
    if isinstance(value, dict):
        raise TypeError
    return OTHERS[value] if isinstance(value, str) else value + 1


def edits(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key that is stated, or has a default, with another value."""
    for key, value in config.items():
        if key == "model_type":
            continue
        if isinstance(value, dict):
            for inner, found in value.items():
                yield f"{key}.{inner}", {**config, key: {**value, inner: other(found)}}
        else:
            yield key, {**config, key: other(value)}
    table = tables()["types"][config["model_type"]]
    stated = set(config) | {meant for name, meant in table.get("aliases", {}).items() if name in config}
    for key, value in table["defaults"].items():
        if key not in stated and value != "none":
            yield key, {**config, key: other(value)}


def shape(config: dict[str, Any]) -> Transformer:
    return replace(read_config(config, "small"), notices=())


def changed(config: dict[str, Any], key: str, edited: dict[str, Any]) -> bool:
    """Whether the edit changes the shapes; a refusal, in one line, is a change."""
    awake = AWAKE.get((config["model_type"], key), {})
    try:
        return shape({**edited, **awake, key: edited.get(key)} if awake else edited) != shape({**config, **awake})
    except UserError as error:
        assert "\n" not in str(error)
        return True


CASES = [
    pytest.param(config, key, edited, id=f"{config['model_type']}-{key}")
    for config in EXAMPLES.values()
    for key, edited in edits(config)
]


@pytest.mark.parametrize(("config", "key", "edited"), CASES)
def test_no_shape_key_is_edited_in_silence(config: dict[str, Any], key: str, edited: dict[str, Any]) -> None:
    assert changed(config, key, edited) != ((config["model_type"], key) in NO_SHAPE)


@pytest.mark.parametrize(("name", "key"), list(AWAKE))
def test_what_lets_a_key_count_is_itself_accepted(name: str, key: str) -> None:
    assert shape({**EXAMPLES[name], **AWAKE[name, key]})


ODD = st.sampled_from([None, -1, 0, 1, 2.5, "x", "auto", [], [0], ["conv"], {}, {"a": 1}, True, 10**30, float("nan")])
ALL = [*EXAMPLES.values(), *VARIANTS]
KEYS = sorted({key for config in ALL for key in config} | {"attn_layer_indices", "num_shared_expert", "use_qk_norm"})


@given(st.sampled_from(ALL), st.dictionaries(st.sampled_from(KEYS), ODD, min_size=1, max_size=2))
@settings(max_examples=400, deadline=None)
def test_odd_values_are_read_or_refused_in_one_line(config: dict[str, Any], odd: dict[str, Any]) -> None:
    try:
        assert shape({**config, **odd}).parameters > 0
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("phase", ["decode", "prefill", "train"])
@pytest.mark.parametrize("config", EXAMPLES.values(), ids=list(EXAMPLES))
def test_every_family_takes_a_step(config: dict[str, Any], phase: str) -> None:
    """On one chip, and on four that split heads and layers: more chips never cost more FLOP each."""
    model = shape(config)
    if phase == "train" and any(layer.shared for layer in model.layers):
        pytest.skip("training where layers share weights is refused: tests/phases/test_state_space.py")
    one, four = (
        steptime.step(model, "h100-sxm", phase=phase, batch=8, layout=layout)
        for layout in (steptime.Layout(), steptime.Layout(tp=2, pp=2))
    )
    assert 0 < four.terms.compute.seconds < one.terms.compute.seconds


@pytest.mark.parametrize("config", EXAMPLES.values(), ids=list(EXAMPLES))
def test_every_family_may_be_quantised(config: dict[str, Any]) -> None:
    table = {"quant_method": "fp8", "modules_to_not_convert": ["lm_head", "no_such_module"]}
    found = read_config({**config, "quantization_config": table}, "small")
    assert found.precision == "fp8"
    for kind, form in found.stored:
        kept = kind in ("router", "embedding", "unembedding")
        assert form.bytes == 2 if kept else 1 <= form.bytes < 1.01, kind  # biases of experts stay in 16 bits
    assert {kind for kind, _ in found.stored} == {kind for kind, number in found.weights.items() if number}
    assert sum(found.weights.values()) == found.parameters
    assert any("no_such_module" in notice for notice in found.notices)
