"""Tables of quantisation with a wrong value in any place: read, or refused in one line, never a traceback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import steptime as st
from steptime.model.catalog.huggingface.groups import scheme_of

LLAMA = {"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 512, "vocab_size": 1000}  # fmt: skip
NUMBERS = {"num_bits": 8, "type": "float", "strategy": "group", "group_size": 32, "symmetric": True}
FORMS: dict[str, dict[str, Any]] = {
    "compressed-tensors": {
        "quant_method": "compressed-tensors", "ignore": ["lm_head"],
        "kv_cache_scheme": {"num_bits": 8, "type": "float"}, "sparsity_config": {"format": "dense"},
        "config_groups": {"group_0": {
            "targets": ["Linear"], "weights": NUMBERS, "input_activations": {"num_bits": 8, "type": "float"}}}},
    "compressed-tensors, integers": {
        "quant_method": "compressed-tensors", "config_groups": {"group_0": {
            "weights": {**NUMBERS, "type": "int", "num_bits": 4, "symmetric": False},
            "input_activations": {"num_bits": 4, "type": "float", "group_size": 16}}}},
    "compressed-tensors, blocks": {
        "quant_method": "compressed-tensors", "config_groups": {"group_0": {
            "weights": {**NUMBERS, "strategy": "block", "block_structure": [128, 128]}}}},
    "modelopt": {"quant_method": "modelopt", "quant_algo": "W4A8_AWQ", "group_size": 128, "kv_cache_quant_algo": "FP8",
                 "exclude_modules": ["lm_head"]},
    "modelopt, mixed": {"quant_algo": "MIXED_PRECISION", "quantized_layers": {
        "model.layers.0.mlp.up_proj": {"quant_algo": "NVFP4", "group_size": 16}}},
    "quark": {"quant_method": "quark", "layer_quant_config": {}, "exclude": ["lm_head"], "global_quant_config": {
        "weight": {"dtype": "int4", "group_size": 32, "symmetric": False}, "input_tensors": {"dtype": "fp8_e4m3"}}},
    "mlx": {"bits": 4, "group_size": 64, "mode": "affine", "model.layers.0.mlp.up_proj": {"bits": 8, "group_size": 64}},
    "torchao": {"quant_method": "torchao", "modules_to_not_convert": [], "quant_type": {
        "default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 128}}}},
    "fp8": {"quant_method": "fp8", "weight_block_size": [128, 128], "modules_to_not_convert": ["lm_head"]},
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "modules_to_not_convert": None},
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "lm_head": False, "dynamic": {
        "-:.*down.*": {}, "+:.*up.*": {"bits": 8, "group_size": 64}}},
    "auto-round": {"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True, "data_type": "int",
                   "act_bits": 16, "extra_config": {"model.layers.0.mlp.up_proj": {"bits": 8, "group_size": 64}}},
    "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True},
    "mxfp4": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]},
}  # fmt: skip
WRONG = ([], [8], [[8]], {}, {"a": 8}, {"a": [8]}, None, True, False, -1, 0, 8.5, float("nan"), float("inf"), 1e300,
         10**30, "", "x", "\x1b[2J\n")  # fmt: skip


def spoiled(table: Any) -> Iterator[Any]:
    """The table with each of its values, at any depth, replaced by each wrong one."""
    places = list(table.items()) if isinstance(table, dict) else list(enumerate(table))
    for place, value in places:
        inner = spoiled(value) if isinstance(value, dict | list) else ()
        for other in (*WRONG, *inner):
            copy = dict(table) if isinstance(table, dict) else list(table)
            copy[place] = other
            yield copy


def read(table: Any, path: Path) -> None:
    path.write_text(json.dumps({**LLAMA, "quantization_config": table}), "utf-8")
    st.architecture(str(path))


@pytest.mark.parametrize("name", FORMS)
def test_it_is_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    read(FORMS[name], path)
    refused = 0
    for table in spoiled(FORMS[name]):
        try:
            read(table, path)
        except st.UserError as error:
            assert len(str(error).splitlines()) == 1 and "\x1b" not in str(error)
            refused += 1
    assert refused >= 10


@pytest.mark.parametrize(("place", "said"), [
    ("input_activations", "input_activations: numbers 'float' of a list of 1 bits are not modelled"),
    ("weights", "floats of a list of 1 bits in groups of 32 are not modelled"),
])  # fmt: skip
def test_a_list_of_bits_is_no_number_of_bits(place: str, said: str) -> None:
    form = FORMS["compressed-tensors"]["config_groups"]["group_0"]
    group = {**form, place: {**form[place], "num_bits": [8]}}
    with pytest.raises(st.UserError, match="not modelled") as refused:
        scheme_of({**FORMS["compressed-tensors"], "config_groups": {"group_0": group}}, "config.json")
    assert said in str(refused.value)
