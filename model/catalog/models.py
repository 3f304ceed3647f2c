"""One door to models: a catalogue name, a Hugging Face ``config.json``, or a TOML of quantities."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import steptime.model.symbols  # noqa: F401  declares the quantities that a file may state
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.huggingface.reader import read_config_file
from steptime.model.catalog.transformers import load_transformer, transformer_names
from steptime.model.errors import UserError, unknown
from steptime.model.precision import STORED
from steptime.model.quantity import lookup
from steptime.model.text.parse import parse_quantity, read_toml

QUANTITIES = (
    "parameters", "active_parameters", "parameters_read", "kv_bytes", "kv_written", "attention_flops",
    "scale_up_bytes", "scale_out_bytes", "width", "layers",
)  # fmt: skip
"""The quantities that describe a model without an architecture; the first, and kv_bytes, must be stated."""


@dataclass(frozen=True)
class AbstractModel:
    """A model known by its quantities only: what the blackboard needs, with no architecture behind it.

    ``values``: base-unit value of each quantity that the file states; what it leaves out follows from these
    (active_parameters and parameters_read are then parameters). ``precision``: the weights' format, None where the file
    says nothing. ``origin``: the file, for messages.
    """

    name: str
    origin: str
    values: Mapping[str, float]
    precision: str | None = None
    notices: tuple[str, ...] = ()


def load_model(name_or_path: str) -> Transformer | AbstractModel:
    """The model of a catalogue name (in any case), of a ``.json`` configuration, or of a ``.toml`` of quantities.

    A folder that holds a config.json stands for it. Raises UserError, with the best matches for an unknown name.

    >>> load_model("Llama-3.1-70B").parameters
    70553706496
    >>> load_model("qwen3-9b")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: unknown model 'qwen3-9b'; did you mean qwen3-8b, qwen3-32b, qwen3-30b-a3b?
    """
    if name_or_path.lower() in transformer_names():
        return load_transformer(name_or_path)
    path = Path(name_or_path)
    if path.suffix.lower() == ".json":
        return read_config_file(path)
    if path.suffix.lower() == ".toml":
        return read_abstract(read_toml(path), name_or_path)
    if name_or_path and os.path.isfile(path / "config.json"):  # pathlib raises for names that are too long
        return read_config_file(path / "config.json")
    hint = "give a catalogue name, a config.json or a .toml file"
    raise unknown("model", name_or_path, list(transformer_names()), hint)


def read_abstract(data: Mapping[str, Any], origin: str) -> AbstractModel:
    """A model from a table of quantities: numbers in base units, or strings with a unit.

    Raises UserError naming file and key for what is missing, unknown, out of range or contradictory.

    >>> read_abstract({"name": "toy", "parameters": 30e9, "kv_bytes": "100 kB"}, "toy.toml").values["kv_bytes"]
    100000.0
    """
    for key in data:
        if key not in (*QUANTITIES, "name", "weights"):
            raise UserError(f"{origin}: {unknown('key', key, [*QUANTITIES, 'name', 'weights'])}")
    for key in ("parameters", "kv_bytes"):
        if key not in data:
            raise UserError(f"{origin}: {key} is missing; a model must state it")
    values = {key: _value(key, data[key], origin) for key in QUANTITIES if key in data}
    for key in ("active_parameters", "parameters_read"):
        if values.get(key, 0.0) > values["parameters"]:
            raise UserError(f"{origin}: {key} {values[key]:g} is more than parameters {values['parameters']:g}")
    name, weights = data.get("name", Path(origin).stem), data.get("weights")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 80:
        raise UserError(f"{origin}: name must be one line of text of at most 80 characters")
    if weights is not None and weights not in STORED:
        raise UserError(f"{origin}: weights must be one of {', '.join(STORED)}")
    return AbstractModel(name, origin, MappingProxyType(values), weights)


def _value(key: str, written: Any, origin: str) -> float:
    try:
        return parse_quantity(lookup(key), written)
    except UserError as error:
        raise UserError(f"{origin}: {error}") from None
