"""Methods whose tables state groups of modules, each with its own numbers: compressed-tensors, ModelOpt, Quark, MLX,
torchao.

Sources: the configurations' own documentation (compressed-tensors `QuantizationConfig`; NVIDIA Model Optimizer, unified
checkpoints and hf_quant_config.json; AMD Quark, exported configurations; mlx-lm `quantize`; torchao `quant_type`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from steptime.model.catalog.huggingface.keys import shown
from steptime.model.catalog.huggingface.methods import METHODS, Asked, Scheme
from steptime.model.catalog.huggingface.rules import Rules
from steptime.model.catalog.huggingface.stored import Format, floats, fp8_blocks, integers
from steptime.model.choices import Weight

_ALGORITHMS: Mapping[str, Format] = {
    "FP8": Format("fp8", 8.0, "fp8"), "FP8_PER_CHANNEL_PER_TOKEN": Format("fp8", 8.0, "fp8"),
    "MXFP8": Format("fp8", 8.25, "fp8"), "NVFP4": Format("nvfp4", 4.5, "nvfp4"),
    "NVFP4_AWQ": Format("nvfp4", 4.5, "nvfp4"), "W4A16_NVFP4": Format("nvfp4", 4.5),
    "W4A8_NVFP4_FP8": Format("nvfp4", 4.5, "fp8"), "W4A8_MXFP4_FP8": Format("fp4", 4.25, "fp8"),
    "INT8_SQ": Format("int8", 8.0, "int8"), "W8A16": Format("int8", 8.0),
}  # fmt: skip
"""ModelOpt's algorithms with one form; those of int4 have groups."""
_KV = {"FP8": "fp8", "NVFP4": "nvfp4", "INT8": "int8"}
_EVERYTHING = frozenset({Weight.EMBEDDING, Weight.UNEMBEDDING, Weight.ROUTER})
_TABLES = frozenset({Weight.EMBEDDING, Weight.UNEMBEDDING})
_HEAD = frozenset({Weight.UNEMBEDDING})


# --- compressed-tensors, and ModelOpt where it writes its groups so --------------------------------------------------
def _compressed(asked: Asked) -> Scheme:
    """Groups of targets. "Linear" means all linear modules, the unembedding among them, but not what ``ignore`` names;
    routers are raw parameters, which it does not mean."""
    asked.refuse_parts("quantized_layers", "weight_block_size")
    sparse = asked.table.get("sparsity_config") or {}
    if not isinstance(sparse, Mapping) or sparse.get("format", "dense") != "dense":
        raise asked.error(f"sparsity_config of {asked.method} is not understood: only dense weights")
    groups = asked.table.get("config_groups")
    if not isinstance(groups, Mapping) or not groups:
        raise asked.error(f"config_groups of {asked.method} must be a table of groups, not {shown(groups)}")
    default, rules = None, []
    for name, group in groups.items():
        if not isinstance(group, Mapping):
            raise asked.error(f"config_groups.{name} must be a table, not {shown(group)}")
        targets = group.get("targets", ["Linear"])
        if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
            raise asked.error(f"config_groups.{name}.targets must be a list of names, not {shown(targets)}")
        form = _group(asked, group)
        if "Linear" in targets:
            if default not in (None, form):
                raise asked.error("two groups of config_groups are for every Linear module")
            default = form
        if named := tuple(target for target in targets if target != "Linear"):
            rules.append((Rules(named, where=asked.where), form))
    must = tuple(rule for rule, _ in rules)
    return Scheme(default, (*asked.kept(), *rules), _HEAD, must=must)


def _group(asked: Asked, group: Mapping[str, Any]) -> Format:
    weights, inputs = group.get("weights"), group.get("input_activations")
    if not isinstance(weights, Mapping):
        raise asked.error("a group of quantization_config states no weights")
    return replace(_weights(asked, weights), activations=_activations(asked, inputs))


def _weights(asked: Asked, table: Mapping[str, Any]) -> Format:
    bits, size = table.get("num_bits"), table.get("group_size")
    if table.get("type") == "float":
        if table.get("strategy") == "block":
            return fp8_blocks(table.get("block_structure"), asked.where)
        return floats(bits, size, asked.where)
    zero = bits if table.get("symmetric") is False and isinstance(bits, int) else 0
    return integers(bits, size, asked.where, zero=zero)


def _activations(asked: Asked, table: Any, key: str = "input_activations") -> str | None:
    """What the multiply-adds run in: 16 bits where the activations are left alone."""
    if table is None:
        return None
    known = {("float", 8): "fp8", ("int", 8): "int8", ("float", 4): "fp4", ("int", 4): "int4"}
    if not isinstance(table, Mapping):
        raise asked.error(f"{key} must be a table, not {shown(table)}")
    kind, bits = found = table.get("type", "int"), table.get("num_bits")
    if not isinstance(kind, str) or not isinstance(bits, int) or found not in known:
        raise asked.error(f"{key}: numbers {shown(kind)} of {shown(bits)} bits are not modelled")
    return "nvfp4" if found == ("float", 4) and table.get("group_size") == 16 else known[found]


def _modelopt(asked: Asked) -> Scheme:
    """One algorithm, or MIXED_PRECISION with one for each of the modules listed; over fp8 where that is the method."""
    algorithm = asked.table.get("quant_algo")
    if algorithm == "MIXED_PRECISION":
        listed = asked.table.get("quantized_layers")
        if not isinstance(listed, Mapping) or not listed:
            raise asked.error("quant_algo MIXED_PRECISION without a table quantized_layers")
        named: dict[Format, list[str]] = {}
        for module, own in listed.items():
            if not isinstance(own, Mapping):
                raise asked.error(f"quantized_layers of {shown(module)} must be a table")
            named.setdefault(_algorithm(asked, own), []).append(module)
        rules = tuple((Rules(tuple(modules), where=asked.where), form) for form, modules in named.items())
        if asked.method == "fp8":  # the lists say what is left in fp8
            return Scheme(fp8_blocks(asked.table.get("weight_block_size"), asked.where), rules)
        return Scheme(None, rules, must=tuple(rule for rule, _ in rules))
    if asked.table.get("config_groups"):
        return _compressed(asked)
    asked.refuse_parts()
    return Scheme(_algorithm(asked, asked.table), asked.kept(), _HEAD)


def _algorithm(asked: Asked, table: Mapping[str, Any]) -> Format:
    algorithm = table.get("quant_algo")
    if isinstance(algorithm, str) and algorithm in _ALGORITHMS:
        return _ALGORITHMS[algorithm]
    if algorithm in ("W4A16_AWQ", "INT4_AWQ", "W4A8_AWQ"):
        form = integers(4, table.get("group_size", 128), asked.where)
        return replace(form, activations="fp8" if algorithm == "W4A8_AWQ" else None)
    known = ", ".join([*_ALGORITHMS, "W4A16_AWQ", "W4A8_AWQ", "MIXED_PRECISION"])
    raise asked.error(f"quantisation modelopt with {shown(algorithm)} is not understood; known: {known}")


# --- AMD Quark -------------------------------------------------------------------------------------------------------
def _quark(asked: Asked) -> Scheme:
    """One configuration for all, others for the layers that they name."""
    parts = ("global_quant_config", "layer_quant_config", "layer_type_quant_config", "export", "algo_config",
             "softmax_quant_spec", "kv_cache_quant_config", "kv_cache_group")  # fmt: skip
    asked.refuse_parts(*parts)
    if asked.table.get("layer_type_quant_config"):
        raise asked.error("layer_type_quant_config of quark is not understood")
    own = asked.table.get("layer_quant_config") or {}
    if not isinstance(own, Mapping):
        raise asked.error(f"layer_quant_config of quark must be a table, not {shown(own)}")
    rules = tuple((Rules((name,), where=asked.where), _quark_format(asked, table)) for name, table in own.items())
    return Scheme(_quark_format(asked, asked.table.get("global_quant_config")), (*asked.kept(), *rules), _HEAD)


def _quark_format(asked: Asked, table: Any) -> Format:
    weight = table.get("weight") if isinstance(table, Mapping) else None
    if not isinstance(weight, Mapping):
        raise asked.error("a configuration of quark states no weight")
    form = _quark_numbers(asked, weight)
    inputs = table.get("input_tensors")
    return replace(form, activations=None if not inputs else _quark_numbers(asked, inputs).name)


def _quark_numbers(asked: Asked, table: Any) -> Format:
    dtype, size = (table.get("dtype"), table.get("group_size")) if isinstance(table, Mapping) else (None, None)
    if dtype == "fp4" and size == 32:
        return floats(4, 32, asked.where)
    if dtype in ("fp8_e4m3", "fp8_e5m2"):
        return floats(8, size, asked.where)
    if dtype in ("int8", "uint8", "int4", "uint4"):
        bits = int(dtype[-1])
        return integers(bits, size, asked.where, zero=0 if table.get("symmetric", True) else bits)
    raise asked.error(f"quark numbers {shown(dtype)} in groups of {shown(size)} are not understood")


# --- MLX and torchao -------------------------------------------------------------------------------------------------
def _mlx(asked: Asked) -> Scheme:
    """Every module that can be, tables and routers too; a scale and a bias of 16 bits for each group. A module's own
    table, or false, goes before."""
    rules: list[tuple[Rules, Format | None]] = []
    for name, own in asked.table.items():
        if isinstance(own, Mapping):
            rules.append((Rules((name,), where=asked.where), _mlx_format(asked, {**asked.table, **own})))
        elif own is False and "." in name:
            rules.append((Rules((name,), where=asked.where), None))
    return Scheme(_mlx_format(asked, asked.table), tuple(rules), _EVERYTHING)


def _mlx_format(asked: Asked, table: Mapping[str, Any]) -> Format:
    mode = table.get("mode", "affine")
    known = {"mxfp4": Format("fp4", 4.25), "nvfp4": Format("nvfp4", 4.5), "mxfp8": Format("fp8", 8.25)}
    if isinstance(mode, str) and mode in known:
        return known[mode]
    if mode != "affine":
        raise asked.error(f"quantization mode {shown(mode)} is not understood; only affine, {', '.join(known)}")
    return integers(table.get("bits"), table.get("group_size", 64), asked.where, zero=16)


_TORCHAO: Mapping[str, tuple[int, int, str | None]] = {
    "int4weightonly": (4, 16, None), "int8weightonly": (8, 0, None),
    "int8dynamicactivationint4weight": (4, 16, "int8"), "int8dynamicactivationint8weight": (8, 0, "int8"),
}  # fmt: skip
"""Bits, bits of a zero point, and format of the activations."""


def _torchao(asked: Asked) -> Scheme:
    """One configuration for all linear modules, by the name of its class or by the older words."""
    asked.refuse_parts("quant_type", "quant_type_kwargs", "untie_embedding_weights")
    stated, options = asked.table.get("quant_type"), asked.table.get("quant_type_kwargs") or {}
    if isinstance(stated, Mapping):
        default = stated.get("default")
        if set(stated) != {"default"} or not isinstance(default, Mapping):
            raise asked.error("quant_type of torchao is understood only with one default")
        stated, options = default.get("_type"), default.get("_data") or {}
    if not isinstance(stated, str) or not isinstance(options, Mapping):
        raise asked.error(f"quant_type {shown(stated)} of torchao is not understood")
    name = stated.lower().replace("_", "").removesuffix("config")
    reached = _TABLES if asked.table.get("include_input_output_embeddings") is True else frozenset[Weight]()
    if name in ("float8weightonly", "float8dynamicactivationfloat8weight"):
        return Scheme(Format("fp8", 8.0, "fp8" if "dynamic" in name else None), asked.kept(), reached)
    if name not in _TORCHAO:
        raise asked.error(f"quant_type {shown(stated)} of torchao is not understood; known: {', '.join(_TORCHAO)}")
    bits, zero, activations = _TORCHAO[name]
    size = options.get("group_size", 128 if bits == 4 and activations is None else 32 if bits == 4 else None)
    form = integers(bits, size, asked.where, zero=zero)
    return Scheme(replace(form, activations=activations), asked.kept(), reached)


GROUPED: dict[str, Callable[[Asked], Scheme]] = {
    "compressed-tensors": _compressed, "modelopt": _modelopt, "modelopt_fp4": _modelopt, "modelopt_mixed": _modelopt,
    "quark": _quark, "mlx": _mlx, "torchao": _torchao,
}  # fmt: skip


def scheme_of(table: Mapping[str, Any], where: str) -> Scheme:
    """What a table of quantisation says; raises UserError for a method or a part of one that is not understood.

    >>> scheme_of({"quant_method": "awq", "bits": 4, "group_size": 128}, "config").default
    Format(name='int4', bits=4.15625, activations=None)
    """
    asked, methods = Asked(table, where), METHODS | GROUPED
    method = table.get("quant_method")
    if method is None and table.get("quant_algo") is not None:
        method = "modelopt"
    elif method is None and {"bits", "group_size"} <= table.keys():
        method = "mlx"
    if not isinstance(method, str) or method not in methods:
        raise asked.error(f"quantisation method {shown(method)} is not understood; known: {', '.join(methods)}")
    read = _modelopt if table.get("quant_algo") == "MIXED_PRECISION" else methods[method]
    return replace(read(asked), kv=_kv(asked))


def _kv(asked: Asked) -> str | None:
    """The format of the KV cache that the table asks for."""
    stated = asked.table.get("kv_cache_scheme", asked.table.get("kv_cache_quant_algo"))
    if stated is None or stated == "None":
        return None
    if isinstance(stated, Mapping):
        return _activations(asked, stated, "kv_cache_scheme")
    if isinstance(stated, str) and stated.upper() in _KV:
        return _KV[stated.upper()]
    raise asked.error(f"format {shown(stated)} of the KV cache is not understood; known: {', '.join(_KV)}")
