"""How a model is found: by its names, by a configuration, by quantities in a file; what is none is one line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from config_published import LLAMA

from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.models import AbstractModel, load_model, read_abstract
from steptime.model.catalog.transformers import entry, load_transformer, transformer_names
from steptime.model.errors import UserError
from steptime.model.names import squashed

NAMES = transformer_names()
TOY = {"name": "toy-30b", "parameters": 30e9, "active_parameters": 30e9, "kv_bytes": "100 kB"}


def test_names_in_any_case() -> None:
    assert load_model("LLAMA-3.1-70b") is load_transformer("llama-3.1-70b")


def test_other_names_find_the_entry() -> None:
    others = {other: name for name in NAMES for other in entry(name).get("also", ())}
    listed = sum(len(entry(name).get("also", ())) for name in NAMES)
    assert len(NAMES) + listed == len({*map(squashed, NAMES), *map(squashed, others)})  # none twice, however written
    assert all(name == name.lower() for name in (*NAMES, *others))
    for other, name in others.items():
        assert load_model(other) is load_model(f" {other.title()}") is load_transformer(name)


@pytest.mark.parametrize("name", [name for name in NAMES if "also" in entry(name)])
def test_a_model_of_another_version_is_listed_with_its_source(name: str) -> None:
    """The first number of a name is its version."""
    strangers = [other for other in entry(name)["also"] if version(other) != version(name)]
    assert not strangers or entry(name)["also_note"], strangers


def version(name: str) -> str:
    found = re.search(r"\d+(\.\d+)?", name)
    return found[0] if found else ""


def test_llama_3_3_has_the_shapes_of_llama_3_1() -> None:
    assert load_model("Llama-3.3-70B").name == "llama-3.1-70b"
    assert "discussion 32" in entry("llama-3.3-70b")["also_note"]


def test_unknown_name_is_answered_with_best_matches() -> None:
    with pytest.raises(UserError, match=r"unknown model 'qwen3-9b'; did you mean .*qwen3-8b"):
        load_model("qwen3-9b")


@pytest.mark.parametrize("name", ["", "/", "no/such/file.json", "no/such/file.toml", "a\0b.json", "x" * 5000, "."])
def test_what_is_no_model_is_one_line(name: str) -> None:
    with pytest.raises(UserError):
        load_model(name)


def test_configuration_by_path_and_by_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA))
    by_file, by_folder = load_model(str(folder / "config.json")), load_model(str(folder))
    assert isinstance(by_file, Transformer)
    assert by_file == by_folder
    assert by_file.name == "mine"


def test_quantities_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text('name = "toy-30b"\nparameters = 30e9\nkv_bytes = "100 kB"\nweights = "int8"\n')
    model = load_model(str(path))
    assert isinstance(model, AbstractModel)
    assert (model.name, model.precision, model.origin) == ("toy-30b", "int8", str(path))
    assert dict(model.values) == {"parameters": 30e9, "kv_bytes": 100_000.0}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kv_bites": 1}, "kv_bites.*did you mean kv_bytes"),
        ({"memory_bandwidth": "1 GB/s"}, "memory_bandwidth"),
        ({"kv_bytes": "100 s"}, "kv_bytes"),
        ({"kv_bytes": True}, "kv_bytes"),
        ({"parameters": -1}, "parameters"),
        ({"parameters": "many"}, "parameters"),
        ({"active_parameters": 31e9}, "active_parameters"),
        ({"weights": "bf17"}, "weights"),
        ({"weights": ["bf16"]}, "weights"),
        ({"name": 3}, "name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_quantities_that_cannot_be_used(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=f"toy.toml: .*{named}"):
        read_abstract({**TOY, **changes}, "toy.toml")


@pytest.mark.parametrize("key", ["parameters", "kv_bytes"])
def test_missing_quantity_is_named_with_its_file(key: str) -> None:
    with pytest.raises(UserError, match=f"toy.toml: {key} is missing"):
        read_abstract({name: value for name, value in TOY.items() if name != key}, "toy.toml")
