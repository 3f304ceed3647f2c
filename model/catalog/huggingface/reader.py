"""The reader of Hugging Face ``config.json`` files: a published configuration becomes a Transformer, or is refused.

Every key must be understood, or known to be neutral; a model type whose layers are not modelled is refused by name.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.files import read_json
from steptime.model.catalog.huggingface.checkpoint import (
    INDEX,
    QUANTISATION,
    compared,
    format_in_name,
    is_quantised,
    modelopt_table,
)  # fmt: skip
from steptime.model.catalog.huggingface.families import FAMILIES
from steptime.model.catalog.huggingface.keys import Settings, flattened, is_neutral, shown, tables
from steptime.model.catalog.huggingface.precision import Weights, read_precision
from steptime.model.errors import UserError, printable, unknown

_inherited = ("tie_word_embeddings", "dtype", "torch_dtype", "quantization_config", "quantization")
_prediction = ("num_nextn_predict_layers", "num_mtp_layers", "num_mtp_modules", "mtp_num_hidden_layers")
_towers = ("vision_config", "audio_config", "img_processor", "mm_vision_tower", "vit_config")
_inner = ("text_config", "llm_config", "language_config")
"""Keys under which a file with towers holds its language model."""


def read_config_file(path: Path, name: str | None = None) -> Transformer:
    """The architecture of a configuration file, named after the file, or after its folder if it is called config.json,
    unless it has another ``name``. In a folder, what lies beside it is read too.

    Raises UserError, in one line that names the file and the key, for whatever cannot be used.
    """
    data = dict(read_json(path))
    is_folder = path.name.lower() == "config.json"
    place = Path(os.path.abspath(path))  # a link keeps its own folder
    own = printable(name or (place.parent.name if is_folder else path.stem))
    beside = path.with_name(QUANTISATION)
    if is_folder and not is_quantised(data) and os.path.isfile(beside):
        data["quantization_config"] = modelopt_table(read_json(beside), str(beside))
    model = read_config(data, own)
    if not is_quantised(data) and (named := format_in_name(own)):
        said = f"{own}: the name says {named}, but the configuration states no quantisation"
        model = replace(model, unstated=f"{said}: give a folder with its config.json and its {QUANTISATION}")
    index = path.with_name(INDEX)
    if is_folder and os.path.isfile(index):
        model = replace(model, notices=(*model.notices, compared(model, index)))
    return model


def read_config(data: Mapping[str, Any], name: str) -> Transformer:
    """The architecture that a configuration describes; ``name`` is what messages and results call it.

    Raises UserError for a model type or a key that is not understood, and for values that are no shapes.

    >>> config = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    ...           "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "torch_dtype": "bfloat16"}
    >>> model = read_config(config, "llama-3.1-8b")
    >>> model.parameters, model.precision
    (8030261248, 'bf16')
    """
    if not isinstance(data, Mapping):
        raise UserError(f"{name}: expected a configuration, found {shown(data)}")
    outer = _model_type(data, name)
    key = next((key for key in _inner if data.get(key) is not None), None)
    if key is None:
        return _read_flat(data, outer, name)
    inner = data[key]
    if not isinstance(inner, Mapping):
        raise UserError(f"{name}: config key {key!r} must hold the language model, not {shown(inner)}")
    if outer in FAMILIES and outer not in tables()["wrappers"]:
        raise UserError(f"{name}: model_type {outer!r} is a language model itself and cannot hold a {key}")
    if outer not in tables()["wrappers"]:
        raise _unknown_type(outer, name)
    inner_type = _model_type(inner, name) if "model_type" in inner else tables()["wrappers"][outer]
    text = {key: data[key] for key in _inherited if key in data} | dict(inner)
    _refuse_unknown_outside(data, text, name)
    return _read(text, data, inner_type, f"{name}: {key}", name)


def _read_flat(data: Mapping[str, Any], outer: str, name: str) -> Transformer:
    """A file that holds the language model's keys itself, among those of its towers where its type is a wrapper's."""
    inner = tables()["wrappers"].get(outer)
    if outer in FAMILIES or inner is None:
        return _read(data, data, outer, name, name)
    if "hidden_size" not in data:
        raise UserError(f"{name}: config key 'text_config' must hold the language model, not None")
    return _read(data, data, inner, name, name, tower=True)


def _read(
    text: Mapping[str, Any], outer: Mapping[str, Any], model_type: str, where: str, name: str, tower: bool = False
) -> Transformer:
    """The architecture of the language model itself; ``outer`` is the whole file."""
    if model_type not in FAMILIES:
        raise _unknown_type(model_type, where)
    settings = Settings(flattened(text, model_type), model_type, where, tower)
    settings.refuse_unknown()
    body = FAMILIES[model_type](settings)
    vocabulary, tied = settings.count("vocab_size", "vocabulary"), settings.flag("tie_word_embeddings")
    headless = _without_unembedding(outer)
    weights = Weights.of(body, vocabulary, tied, not headless)
    precision = read_precision(text, where, weights)
    notices = (*_not_counted(text, outer), *headless, *body.notices, *precision.notices, *_defaults(settings))
    return Transformer(
        name, body.width, vocabulary, tied, body.layers, body.positions, body.vectors, precision.weights, notices,
        precision.stored, precision.activations, precision.kv, "", not headless, body.tables, body.streams,
    )  # fmt: skip


def _without_unembedding(data: Mapping[str, Any]) -> list[str]:
    """A notice where the class that the file names has no unembedding: a bare model that gives the stream (as embedding
    models are published), or one that ends in a few labels."""
    named = data.get("architectures")
    for word in named if isinstance(named, list) else ():
        if isinstance(word, str) and (word in tables()["headless"] or word.endswith(tuple(tables()["labelling"]))):
            return [f"{word} has no unembedding: it is left out, as is what stands in its place"]
    return []


def _model_type(data: Mapping[str, Any], where: str) -> str:
    """The model type; raises for one that is known and not modelled."""
    found = data.get("model_type")
    if not isinstance(found, str) or not found:
        raise UserError(f"{where}: config key 'model_type' must name an architecture, not {shown(found)}")
    if found in tables()["refused"]:
        raise UserError(f"{where}: model_type {found!r} is not modelled: {tables()['refused'][found]}")
    return found


def _unknown_type(model_type: str, where: str) -> UserError:
    known = [*FAMILIES, *tables()["wrappers"]]
    word = model_type if model_type.isprintable() else repr(model_type)
    return UserError(f"{where}: {unknown('model_type', word, known)}")


def _refuse_unknown_outside(data: Mapping[str, Any], text: Mapping[str, Any], name: str) -> None:
    """Keys around the language model: neutral, of a tower that is not counted, or a repetition of the inner key."""
    for key, value in data.items():
        is_repetition = isinstance(value, int | str) and key in text and shown(text[key]) == shown(value)
        if not is_repetition and key not in _inherited and not is_neutral(key, value, tower=True):
            raise UserError(f"{name}: config key {shown(key)} is not understood and may change shapes")
    outer, inner = data.get("tie_word_embeddings"), text.get("tie_word_embeddings")
    if outer is not None and inner is not None and outer != inner:
        raise UserError(f"{name}: tie_word_embeddings is {shown(outer)}, but {shown(inner)} in text_config")


def _not_counted(text: Mapping[str, Any], outer: Mapping[str, Any]) -> list[str]:
    """Parts of the published weights that the parameters here leave out."""
    notices = []
    if any(text.get(key) for key in _prediction):
        notices.append("multi-token-prediction modules are not counted")
    for key in _towers:
        if outer.get(key):
            tower = "vision" if key != "audio_config" else "audio"
            notices.append(f"the {tower} tower is not counted")
    return list(dict.fromkeys(notices))


def _defaults(settings: Settings) -> list[str]:
    """Documented defaults that took the place of absent keys, where they are a size or a yes; and one exception."""
    notices = []
    if settings.remarked:
        listed = ", ".join(shown(key).strip("'") for key in settings.remarked)
        notices.append(f"config keys that change no shape, and are passed over: {listed}")
    if settings.defaults_taken:
        listed = ", ".join(f"{key} {str(value).lower()}" for key, value in settings.defaults_taken.items())
        notices.append(f"not in the configuration, documented defaults of {settings.model_type}: {listed}")
    if settings.model_type == "deepseek_v2" and "q_lora_rank" not in settings.data:
        notices.append("q_lora_rank is absent and read as null, as in the published files of the Lite model")
    return notices
