"""How a Hugging Face configuration says its weights are stored: quantisation first, else the type of its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steptime.model.architecture.transformer import Layer
from steptime.model.catalog.huggingface.exceptions import exceptions
from steptime.model.catalog.huggingface.keys import shown
from steptime.model.errors import UserError

_types = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float8_e4m3fn": "fp8", "float8_e5m2": "fp8"}
_methods = {"fp8": "fp8", "fbgemm_fp8": "fp8", "mxfp4": "fp4", "nvfp4": "nvfp4"}
_algorithms = {"FP8": "fp8", "NVFP4": "nvfp4"}
_integers = {8: "int8", 4: "int4"}
_floats = {8: "fp8", 4: "fp4"}
_int4_group = 128
"""Elements that share a scale in the catalogue's int4."""


@dataclass(frozen=True)
class Precision:
    """The format of the weights, None where nothing says; kinds of weights with another; notices of what is left out.

    ``exceptions`` are pairs of a kind (attention, dense, experts, router, embedding) and its format.
    """

    weights: str | None
    exceptions: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()


def read_precision(data: Mapping[str, Any], where: str, layers: Sequence[Layer] = (), tied: bool = False) -> Precision:
    """How the weights of ``layers`` are stored. Raises UserError for a quantisation method that is not understood.

    >>> read_precision({"torch_dtype": "bfloat16"}, "config").weights
    'bf16'
    >>> table = {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}
    >>> read_precision({"quantization_config": table}, "config").exceptions
    (('embedding', 'bf16'),)
    """
    quantization = data.get("quantization_config")
    if quantization is not None and not isinstance(quantization, Mapping):
        raise UserError(f"{where}: config key 'quantization_config' must be a table, not {shown(quantization)}")
    stated = data.get("dtype") if data.get("dtype") is not None else data.get("torch_dtype")
    if quantization:
        weights = _quantized(quantization, where)
        unquantized = _types.get(stated.removeprefix("torch."), "bf16") if isinstance(stated, str) else "bf16"
        kept, others = exceptions(quantization, layers, unquantized, tied)
        groups = _group_notice(quantization) if weights == "int4" else ()
        return Precision(weights, kept, (*_kept_notice(others), *groups))
    if stated is None or stated == "auto":
        return Precision(None)
    if not isinstance(stated, str):
        raise UserError(f"{where}: config key 'torch_dtype' must be a word such as bfloat16, not {shown(stated)}")
    word = stated.removeprefix("torch.")
    if word in _types:
        return Precision(_types[word])
    notice = f"weights are stored as {shown(word)}, which is not modelled: no precision is taken from it"
    return Precision(None, notices=(notice,))


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
    if method in ("modelopt", "modelopt_fp4"):
        algorithm = table.get("quant_algo")
        if isinstance(algorithm, str) and algorithm in _algorithms:
            return _algorithms[algorithm]
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
        precision = _of_bits(weights.get("num_bits"), kinds, where)
        found.add("nvfp4" if precision == "fp4" and weights.get("group_size") == 16 else precision)
    if len(found) != 1:
        raise UserError(f"{where}: config_groups of quantization_config must give one precision, not {len(found)}")
    return found.pop()


def _of_bits(bits: Any, kinds: Mapping[int, str], where: str) -> str:
    if isinstance(bits, bool) or not isinstance(bits, int) or bits not in kinds:
        raise UserError(f"{where}: quantisation to {shown(bits)} bits is not modelled; only 8 and 4")
    return kinds[bits]


def _kept_notice(modules: Sequence[Any]) -> tuple[str, ...]:
    """A notice of modules that keep their unquantised weights although no kind of weights here stands for them."""
    if not modules:
        return ()
    names = ", ".join(shown(module).strip("'\"") for module in modules[:4])
    more = f" and {len(modules) - 4} more" if len(modules) > 4 else ""
    return (f"kept unquantised by the configuration: {names}{more}; they are counted as quantised",)


def _group_notice(table: Mapping[str, Any]) -> tuple[str, ...]:
    """A notice where int4 has groups of another size than the one whose scales are counted."""
    groups = table.get("config_groups")
    tables = (
        [group.get("weights") for group in groups.values() if isinstance(group, Mapping)]
        if isinstance(groups, Mapping)
        else [table]
    )
    found = [one.get("group_size") for one in tables if isinstance(one, Mapping)]
    sizes = sorted({size for size in found if isinstance(size, int) and size > 0} - {_int4_group})
    if not sizes:
        return ()
    listed = ", ".join(shown(size) for size in sizes)
    return (f"int4 in groups of {listed}; scales are counted for groups of {_int4_group}",)
