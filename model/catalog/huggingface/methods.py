"""The methods that quantise: what each does to which modules, read from the table that a checkpoint carries.

A table is read whole or refused by name: a part that may hold rules of its own is never passed over. What a method
leaves in 16 bits unless it says so: embeddings, unembedding and routers, which engines build without a quantised form;
norms, biases and other vectors always.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from steptime.model.catalog.huggingface.keys import shown
from steptime.model.catalog.huggingface.named import Module
from steptime.model.catalog.huggingface.rules import Rules
from steptime.model.catalog.huggingface.stored import Format, fp8_blocks, integers
from steptime.model.choices import UNQUANTISED, Weight
from steptime.model.errors import UserError

LISTS = ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "llm_int8_skip_modules", "exclude")
"""Keys that name modules to be kept."""
_plain = {
    "quant_method", "producer", "version", "fmt", "format", "quantization_status", "global_compression_ratio",
    "config_groups", "kv_cache_scheme", "kv_cache_quant_algo", "sparsity_config", "transform_config",
}  # fmt: skip


@dataclass(frozen=True)
class Scheme:
    """What becomes of each module: the first rule that means it says so (None: kept in 16 bits), else ``default``.

    ``reached`` are the kinds of weights, of those usually left alone, that the default reaches too; ``only`` the kinds
    that it is limited to. ``kv`` is the format of the KV cache that the file asks for.
    """

    default: Format | None
    rules: tuple[tuple[Rules, Format | None], ...] = ()
    reached: frozenset[Weight] = frozenset()
    only: frozenset[Weight] | None = None
    kv: str | None = None
    must: tuple[Rules, ...] = ()
    """Rules each of which must mean some module: what they say is not of this model otherwise."""

    def format_of(self, module: Module, layer: int | None = None) -> tuple[Format | None, tuple[str, ...]]:
        """The format of a module, None where it is kept; and the entries by which it is."""
        for rules, format in self.rules:
            if entries := rules.find(module.names, layer):
                return format, entries
        kind = module.left_as or module.kind
        left = kind in UNQUANTISED and kind not in self.reached
        return None if left or (self.only is not None and kind not in self.only) else self.default, ()


@dataclass(frozen=True)
class Asked:
    """A table of quantisation and where it stands, read key by key."""

    table: Mapping[str, Any]
    where: str

    def error(self, message: str) -> UserError:
        return UserError(f"{self.where}: {message}")

    @property
    def method(self) -> str:
        return str(self.table.get("quant_method"))

    def kept(self) -> tuple[tuple[Rules, None], ...]:
        """The lists of modules that are kept."""
        entries = [entry for key in LISTS for entry in self.listed(key)]
        return ((Rules(tuple(entries), where=self.where), None),) if entries else ()

    def listed(self, key: str) -> list[str]:
        """A list of names; other entries are not names and name nothing."""
        found = self.table.get(key)
        if found is not None and not isinstance(found, list):
            raise self.error(f"quantization_config key {key!r} must be a list of modules, not {shown(found)}")
        return [entry for entry in found or () if isinstance(entry, str) and entry]

    def refuse_parts(self, *known: str) -> None:
        """Raise for a list or table under a key that this method does not know: it may hold rules."""
        for key, value in self.table.items():
            if isinstance(value, Mapping | list) and value and key not in {*_plain, *LISTS, *known}:
                raise self.error(f"quantization_config key {shown(key)} of {self.method} is not understood")


def _fp8(asked: Asked) -> Scheme:
    asked.refuse_parts("weight_block_size", "quantized_layers")
    return Scheme(fp8_blocks(asked.table.get("weight_block_size"), asked.where), asked.kept())


def _channel_fp8(asked: Asked) -> Scheme:
    """A scale for each channel (FBGEMM; SGLang's w8a8_fp8)."""
    asked.refuse_parts()
    return Scheme(Format("fp8", 8.0, "fp8"), asked.kept())


def _channel_int8(asked: Asked) -> Scheme:
    asked.refuse_parts()
    return Scheme(Format("int8", 8.0, "int8"), asked.kept())


def _eetq(asked: Asked) -> Scheme:
    """Weights alone, a scale for each channel (transformers' EetqConfig)."""
    asked.refuse_parts()
    return Scheme(Format("int8", 8.0), asked.kept())


def _mxfp4(asked: Asked) -> Scheme:
    """Experts alone, and weights alone: gpt-oss (arXiv 2508.10925, section 2.1)."""
    asked.refuse_parts()
    return Scheme(Format("fp4", 4.25), asked.kept(), only=frozenset({Weight.EXPERTS}))


def _nvfp4(asked: Asked) -> Scheme:
    asked.refuse_parts()
    return Scheme(Format("nvfp4", 4.5, "nvfp4"), asked.kept())


def _awq(asked: Asked) -> Scheme:
    """Weights alone; zero points unless they are said to be absent (arXiv 2306.00978)."""
    asked.refuse_parts()
    bits, group = asked.table.get("bits", asked.table.get("w_bit")), asked.table.get("group_size", 128)
    has_zero = asked.table.get("zero_point") is not False
    whole = bits if isinstance(bits, int) and not isinstance(bits, bool) else 0
    return Scheme(integers(bits, group, asked.where, zero=whole if has_zero else 0), asked.kept())


def _gptq_format(asked: Asked, table: Mapping[str, Any]) -> Format:
    bits, group = table.get("bits"), table.get("group_size", 128)
    return integers(bits, group, asked.where, zero=bits if isinstance(bits, int) else 0)


def _gptq(asked: Asked) -> Scheme:
    """Weights alone, zero points always stored (arXiv 2210.17323). ``dynamic``: expressions that except modules ("-:")
    or give them numbers of their own; the unembedding only where ``lm_head`` says so."""
    asked.refuse_parts("dynamic", "modules_in_block_to_quantize", "meta", "quantize_config")
    table = asked.table
    rules: list[tuple[Rules, Format | None]] = list(asked.kept())
    dynamic = table.get("dynamic") or {}
    if not isinstance(dynamic, Mapping):
        raise asked.error(f"quantization_config key 'dynamic' must be a table, not {shown(dynamic)}")
    for expression, own in dynamic.items():
        if not isinstance(own, Mapping | None):
            raise asked.error(f"dynamic rule {shown(expression)} must be a table, not {shown(own)}")
        if expression.startswith("-:"):
            rules.append((_expressions(asked, expression.removeprefix("-:")), None))
        elif own:  # without numbers of its own it changes nothing
            changed = _gptq_format(asked, {**table, **own})
            rules.append((_expressions(asked, expression.removeprefix("+:")), changed))
    blocks = table.get("modules_in_block_to_quantize")
    default: Format | None = _gptq_format(asked, table)
    if blocks:
        named = [name for group in blocks for name in (group if isinstance(group, list) else [group])]
        if not all(isinstance(name, str) for name in named):
            raise asked.error("modules_in_block_to_quantize must be lists of names")
        rules.append((Rules(tuple(named), where=asked.where), default))
        default = None
    head = (Weight.UNEMBEDDING,) if table.get("lm_head") is True else ()
    return Scheme(default, tuple(rules), frozenset(head))


def _expressions(asked: Asked, text: str) -> Rules:
    return Rules((text,), expressions=True, where=asked.where)


def _auto_round(asked: Asked) -> Scheme:
    """Whole numbers as AutoRound packs them: GPTQ's and AWQ's layouts hold zero points; ``extra_config`` gives modules
    numbers of their own (Intel AutoRound, documentation of its exported configurations)."""
    asked.refuse_parts("extra_config", "to_quant_block_names", "block_name_to_quantize")
    table = asked.table
    if table.get("data_type", "int") != "int":
        raise asked.error(f"auto-round with data_type {shown(table.get('data_type'))} is not understood; only int")
    act = table.get("act_bits")
    if isinstance(act, int) and act < 16:
        raise asked.error(f"auto-round with act_bits {act} is not understood; only 16")
    extra = table.get("extra_config") or {}
    if not isinstance(extra, Mapping):
        raise asked.error(f"quantization_config key 'extra_config' must be a table, not {shown(extra)}")
    rules: list[tuple[Rules, Format | None]] = list(asked.kept())
    for name, own in extra.items():
        if not isinstance(own, Mapping):
            raise asked.error(f"extra_config of {shown(name)} must be a table")
        bits = own.get("bits", table.get("bits"))
        kept = isinstance(bits, int) and bits >= 16
        rules.append((Rules((name,), where=asked.where), None if kept else _gptq_format(asked, {**table, **own})))
    return Scheme(_gptq_format(asked, table), tuple(rules))


def _bitsandbytes(asked: Asked) -> Scheme:
    """NF4: 32-bit scales of 64 weights, or 8-bit ones with 32 bits for 256 of them where quantised twice (arXiv
    2305.14314, section 3); LLM.int8 multiplies 8-bit whole numbers (arXiv 2208.07339)."""
    asked.refuse_parts()
    four = asked.table.get("load_in_4bit", asked.table.get("_load_in_4bit")) is True
    eight = asked.table.get("load_in_8bit", asked.table.get("_load_in_8bit")) is True
    if four == eight:
        raise asked.error("bitsandbytes must say one of load_in_4bit and load_in_8bit")
    twice = asked.table.get("bnb_4bit_use_double_quant") is True
    scales = 8 / 64 + 32 / (64 * 256) if twice else 32 / 64
    return Scheme(Format("int4", 4 + scales) if four else Format("int8", 8.0, "int8"), asked.kept())


METHODS: dict[str, Callable[[Asked], Scheme]] = {
    "fp8": _fp8, "fbgemm_fp8": _channel_fp8, "w8a8_fp8": _channel_fp8, "w8a8_int8": _channel_int8, "eetq": _eetq,
    "mxfp4": _mxfp4, "nvfp4": _nvfp4, "awq": _awq, "gptq": _gptq, "auto-round": _auto_round,
    "bitsandbytes": _bitsandbytes,
}  # fmt: skip
"""Methods with rules of their own; those whose tables state groups of modules have a file of their own."""
