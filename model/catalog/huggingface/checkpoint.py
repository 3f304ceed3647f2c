"""The folder of a checkpoint: what lies beside its config.json and says more of its weights.

`hf_quant_config.json` is NVIDIA Model Optimizer's table of quantisation; `model.safetensors.index.json` states in its
metadata the bytes of all tensors.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.files import read_json
from steptime.model.catalog.huggingface.keys import shown
from steptime.model.errors import UserError
from steptime.model.precision import BYTES

QUANTISATION = "hf_quant_config.json"
INDEX = "model.safetensors.index.json"
MOST_INDEX_BYTES = 64_000_000
"""A checkpoint of 100,000 tensors has an index of ten megabytes."""
NAMED_DIFFERENCE = 0.01

_words = "NVFP4|MXFP4|FP8|INT8|INT4|AWQ|GPTQ|W4A16|W8A8|W8A16|W4A8|bnb|GGUF|[2-8]-?bit"
_formats = re.compile(rf"(?:^|[-_.])({_words})(?=$|[-_.])", re.IGNORECASE)


def is_quantised(data: Mapping[str, Any]) -> bool:
    """Whether a configuration holds a table of quantisation, or states its weights in 8 bits."""
    inner = data.get("text_config")
    tables = [data, inner] if isinstance(inner, Mapping) else [data]
    return any(one.get("quantization_config") or one.get("quantization") or one.get("expert_dtype") or
               str(one.get("torch_dtype", one.get("dtype"))).startswith("float8") for one in tables)  # fmt: skip


def format_in_name(name: str) -> str | None:
    """The format that the name of a checkpoint says it has, if it says one.

    >>> format_in_name("Qwen3-235B-A22B-NVFP4"), format_in_name("Llama-3.1-8B"), format_in_name("x-bf16-fp8-y")
    ('NVFP4', None, 'fp8')
    """
    found = _formats.search(name)
    return found[1] if found else None


def modelopt_table(data: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The table of quantisation in the words of a config.json; raises UserError for a file of another form."""
    found = data.get("quantization")
    if not isinstance(found, Mapping):
        raise UserError(f"{where}: expected a table quantization, found {shown(found)}")
    return {"quant_method": "modelopt", **found}


def stored_bytes(model: Transformer) -> float:
    """Bytes of all weights as they are stored."""
    if model.precision is None:
        return 2.0 * model.parameters
    usual, kinds = BYTES[model.precision], dict(model.stored)
    return sum(number * (kinds[kind].bytes if kind in kinds else usual) for kind, number in model.weights.items())


def compared(model: Transformer, index: Path) -> str:
    """The bytes that the index states beside ours."""
    metadata = read_json(index, MOST_INDEX_BYTES).get("metadata")
    stated = metadata.get("total_size") if isinstance(metadata, Mapping) else None
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0 < stated < 1e18:
        raise UserError(f"{index}: metadata.total_size must be a number of bytes, not {shown(stated)}")
    ours = stored_bytes(model)
    apart = ours / stated - 1
    said = f"weights {ours / 1e9:.2f} GB, {INDEX} says {stated / 1e9:.2f} GB ({apart:+.1%})"
    if abs(apart) <= NAMED_DIFFERENCE:
        return said
    return f"{said}: what it holds beside the language model, or what is read otherwise, is not accounted for"
