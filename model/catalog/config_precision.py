"""How a Hugging Face configuration says its weights are stored: quantisation first, else the type of its numbers."""

from collections.abc import Mapping
from typing import Any

from steptime.model.catalog.config_keys import shown
from steptime.model.errors import UserError

_types = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float8_e4m3fn": "fp8", "float8_e5m2": "fp8"}
_methods = {"fp8": "fp8", "fbgemm_fp8": "fp8", "mxfp4": "fp4", "nvfp4": "fp4"}
_integers = {8: "int8", 4: "int4"}
_floats = {8: "fp8", 4: "fp4"}
_exclusions = ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "llm_int8_skip_modules")


def read_precision(data: Mapping[str, Any], where: str) -> tuple[str | None, list[str]]:
    """The precision of the weights, None where nothing says, and notices. Raises UserError for an unknown method.

    >>> read_precision({"torch_dtype": "bfloat16"}, "config")
    ('bf16', [])
    """
    quantization = data.get("quantization_config")
    if quantization is not None and not isinstance(quantization, Mapping):
        raise UserError(f"{where}: config key 'quantization_config' must be a table, not {shown(quantization)}")
    if quantization:
        return _quantized(quantization, where), _unquantized_parts(quantization)
    stated = data.get("dtype") if data.get("dtype") is not None else data.get("torch_dtype")
    if stated is None or stated == "auto":
        return None, []
    if not isinstance(stated, str):
        raise UserError(f"{where}: config key 'torch_dtype' must be a word such as bfloat16, not {shown(stated)}")
    word = stated.removeprefix("torch.")
    if word in _types:
        return _types[word], []
    return None, [f"weights are stored as {shown(word)}, which is not modelled: no precision is taken from it"]


def _quantized(table: Mapping[str, Any], where: str) -> str:
    method = table.get("quant_method")
    if isinstance(method, str) and method in _methods:
        return _methods[method]
    if method in ("awq", "gptq"):
        return _of_bits(table.get("bits", table.get("w_bit")), _integers, where)
    if method == "bitsandbytes":
        four = table.get("load_in_4bit", table.get("_load_in_4bit")) is True
        eight = table.get("load_in_8bit", table.get("_load_in_8bit")) is True
        return _of_bits(4 if four else 8 if eight else None, _integers, where)
    if method == "modelopt":
        words = {"FP8": "fp8", "NVFP4": "fp4"}
        algorithm = table.get("quant_algo")
        if isinstance(algorithm, str) and algorithm in words:
            return words[algorithm]
        raise UserError(f"{where}: quantisation modelopt with {shown(algorithm)} is not understood; only FP8, NVFP4")
    if method == "compressed-tensors":
        return _compressed(table.get("config_groups"), where)
    known = ", ".join([*_methods, "awq", "gptq", "bitsandbytes", "modelopt", "compressed-tensors"])
    raise UserError(f"{where}: quantisation method {shown(method)} is not understood; known: {known}")


def _compressed(groups: Any, where: str) -> str:
    """All groups of compressed-tensors must store their weights alike: one precision is modelled."""
    found = set()
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if not isinstance(weights, Mapping):
            raise UserError(f"{where}: a group of quantization_config states no weights")
        kinds = _floats if weights.get("type") == "float" else _integers
        found.add(_of_bits(weights.get("num_bits"), kinds, where))
    if len(found) != 1:
        raise UserError(f"{where}: config_groups of quantization_config must give one precision, not {len(found)}")
    return found.pop()


def _of_bits(bits: Any, kinds: Mapping[int, str], where: str) -> str:
    if isinstance(bits, bool) or not isinstance(bits, int) or bits not in kinds:
        raise UserError(f"{where}: quantisation to {shown(bits)} bits is not modelled; only 8 and 4")
    return kinds[bits]


def _unquantized_parts(table: Mapping[str, Any]) -> list[str]:
    """A notice where some modules keep their unquantised weights: one precision is modelled."""
    for key in _exclusions:
        modules = table.get(key)
        if isinstance(modules, list) and modules:
            names = [shown(module).strip("'\"") for module in modules[:4]]
            more = f" and {len(modules) - 4} more" if len(modules) > 4 else ""
            return [f"kept unquantised by the configuration: {', '.join(names)}{more}; one precision is modelled"]
    return []
