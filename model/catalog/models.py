"""One door to models: a catalogue name, a Hugging Face ``config.json``, or a TOML of quantities."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from steptime.model import symbols as q
from steptime.model.architecture.quantities import AbstractModel
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog import hub
from steptime.model.catalog.files import read_toml
from steptime.model.catalog.table import Place, Table, line, named, read
from steptime.model.catalog.transformers import alike, find, load_transformer
from steptime.model.errors import printable, suggesting
from steptime.model.precision import STORED
from steptime.model.quantity import lookup

QUANTITIES = tuple(symbol.name for symbol in (
    q.parameters, q.active_parameters, q.parameters_read, q.kv_bytes, q.kv_written, q.attention_flops,
    q.scale_up_bytes, q.scale_out_bytes, q.width, q.layers,
))  # fmt: skip
"""The quantities that describe a model without an architecture; the first, and kv_bytes, must be stated."""


_schema = Table(
    {**{name: lookup(name) for name in QUANTITIES}, "name": line, "weights": STORED}, needed=("parameters", "kv_bytes")
)


def load_model(name_or_path: str) -> Transformer | AbstractModel:
    """The model of a catalogue name (however written), of a ``.json`` configuration, or of a ``.toml`` of quantities.

    A folder that holds a config.json stands for it. A name with an organisation, as model hubs have them, is looked up
    in the catalogue without it, then in the local cache of the hub; nothing is ever fetched, and a notice says what
    was taken. Raises UserError, with the best matches for an unknown name.

    >>> load_model("Llama-3.1-70B").parameters
    70553706496
    >>> load_model("Qwen/Qwen3-32B").notices
    ("'Qwen/Qwen3-32B' is read as qwen3-32b of the catalogue",)
    >>> load_model("qwen3-9b")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: unknown model 'qwen3-9b'; did you mean qwen3.5-9b, qwen3-4b, qwen3-8b?
    """
    if find(name_or_path) is not None:
        return load_transformer(name_or_path)
    path = Path(name_or_path)
    if path.suffix.lower() == ".json":
        return _configuration(path)
    if path.suffix.lower() == ".toml":
        return read_abstract(read_toml(path), printable(name_or_path))
    if name_or_path and os.path.isfile(path / "config.json"):  # pathlib raises for names that are too long
        return _configuration(path / "config.json")
    if parts := hub.identifier(name_or_path):
        return _of_hub(name_or_path, parts[1])
    hint = "give a catalogue name, a config.json or a .toml file"
    raise suggesting("model", name_or_path, alike(name_or_path), hint)


def catalogued(name: str) -> str | None:
    """The catalogue's entry that a name means, written without an organisation or with one; None for a file or folder.

    >>> catalogued("Qwen/Qwen3-32B"), catalogued("h100")
    ('qwen3-32b', None)
    """
    parts = hub.identifier(name)
    return find(name) or (find(parts[1]) if parts and not os.path.exists(name) else None)


def is_model(name: str) -> bool:
    """Whether a name is one of the catalogue's models, or a file or folder as only models have them.

    >>> is_model("Qwen/Qwen3-32B"), is_model("h100")
    (True, False)
    """
    is_file = name.lower().endswith(".json") or os.path.isfile(os.path.join(name, "config.json"))
    return is_file or catalogued(name) is not None


def _of_hub(identifier: str, own: str) -> Transformer:
    """The model that a hub calls so: the catalogue's, or that of the configuration in the local cache."""
    if (known := catalogued(identifier)) is not None:
        return _noting(load_transformer(known), f"{identifier!r} is read as {known} of the catalogue")
    if (file := hub.cached(identifier)) is not None:
        read = _configuration(file, own)
        return _noting(read, f"{identifier!r} is read from {printable(str(file))}")
    hint = f"it is not in the catalogue, nor in {hub.folder()}; give its config.json"
    raise suggesting("model", identifier, alike(own), hint)


def _noting(model: Transformer, notice: str) -> Transformer:
    return replace(model, notices=(*model.notices, notice))


def _configuration(path: Path, name: str | None = None) -> Transformer:
    from steptime.model.catalog.huggingface.reader import read_config_file  # no catalogue name needs the families

    return read_config_file(path, name)


def read_abstract(data: Mapping[str, Any], origin: str) -> AbstractModel:
    """A model from a table of quantities: numbers in base units, or strings with a unit.

    Raises UserError naming file and key for what is missing, unknown, out of range or contradictory.

    >>> read_abstract({"name": "toy", "parameters": 30e9, "kv_bytes": "100 kB"}, "toy.toml").values["kv_bytes"]
    100000.0
    """
    place = Place(origin)
    found = read(_schema, data, place)
    name, weights = named(found, origin), found.pop("weights", None)
    for key in ("active_parameters", "parameters_read"):
        if found.get(key, 0.0) > found["parameters"]:
            raise place.of(key).error(f"{found[key]:g} is more than parameters {found['parameters']:g}")
    return AbstractModel(name, origin, MappingProxyType(found), weights)
