"""A folder of a checkpoint: the table of quantisation and the index of tensors beside its config.json."""

import json
from pathlib import Path
from typing import Any

import pytest
from config_published import LLAMA

from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.huggingface.checkpoint import stored_bytes
from steptime.model.catalog.models import load_model
from steptime.model.choices import Format
from steptime.model.errors import UserError
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Inputs, Question

MODELOPT = {
    "producer": {"name": "modelopt", "version": "0.29"},
    "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16,
                     "exclude_modules": ["lm_head", "model.layers.0.self_attn*"]},
}  # fmt: skip


def folder(path: Path, name: str = "toy-NVFP4", **files: Any) -> str:
    place = path / name
    place.mkdir()
    for file, data in {"config": LLAMA, **files}.items():
        stem = {"quantisation": "hf_quant_config", "index": "model.safetensors.index"}.get(file, file)
        (place / f"{stem}.json").write_text(json.dumps(data))
    return str(place)


def read(path: str) -> Transformer:
    """The architecture that a folder's files state."""
    model = load_model(path)
    assert isinstance(model, Transformer)
    return model


def test_the_table_beside_the_configuration_is_read(tmp_path: Path) -> None:
    model = read(folder(tmp_path, quantisation=MODELOPT))
    assert (model.precision, model.kv, model.activations) == ("nvfp4", "fp8", "nvfp4")
    alone = read(folder(tmp_path, "toy", config={**LLAMA, "quantization_config": {"quant_method": "fp8"}},
                        quantisation=MODELOPT))  # fmt: skip
    assert alone.precision == "fp8"


@pytest.mark.parametrize("given", [{}, {"quantization": [1]}, {"quantization": {"quant_algo": "UNHEARD"}}], ids=str)
def test_a_table_that_is_none_is_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"quantization|UNHEARD"):
        load_model(folder(tmp_path, quantisation=given))


@pytest.mark.parametrize("name", ["Qwen3-235B-NVFP4", "Llama-3.1-70B-FP8", "llama-awq", "x-4bit"])
def test_a_name_that_says_quantised_is_not_taken_for_sixteen_bits(tmp_path: Path, name: str) -> None:
    """What a file of such a name does not say stands in another file; an answer in bf16 would be 2 to 3.5 times off."""
    model, machine = load_model(folder(tmp_path, name)), load_hardware("h100-sxm")
    with pytest.raises(UserError, match=r"hf_quant_config\.json"):
        build_case(Question(model, machine, Inputs()))
    assert build_case(Question(model, machine, Inputs(weights=Format.FP8))).precision["weights"] == "fp8"


@pytest.mark.parametrize("name", ["llama-3.1-8b", "toy-bf16", "fp8ish"])
def test_other_names_are_taken_at_their_file(tmp_path: Path, name: str) -> None:
    assert read(folder(tmp_path, name)).unstated == ""


def test_the_index_is_compared(tmp_path: Path) -> None:
    plain = read(folder(tmp_path, "plain"))
    size = stored_bytes(plain)
    for name, total, said in (("same", size, "+0.0%"), ("apart", size / 1.02, "not accounted for")):
        index = {"metadata": {"total_size": total}, "weight_map": {}}
        (notice,) = read(folder(tmp_path, name, index=index)).notices
        assert said in notice


def test_an_index_without_a_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="total_size"):
        load_model(folder(tmp_path, index={"metadata": {"total_size": "much"}}))


def test_links_of_a_hub_cache_keep_their_folder_and_the_name_that_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache keeps files as links to blobs: what lies beside a link counts, and so does the hub's name."""
    blobs, snapshot = tmp_path / "models--toy--Toy-NVFP4/blobs", tmp_path / "models--toy--Toy-NVFP4/snapshots/abcdef"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    (blobs / "one").write_text(json.dumps(LLAMA))
    (snapshot / "config.json").symlink_to(blobs / "one")
    assert "NVFP4" in load_model("toy/Toy-NVFP4").unstated
    (blobs / "two").write_text(json.dumps(MODELOPT))
    (snapshot / "hf_quant_config.json").symlink_to(blobs / "two")
    found = load_model("toy/Toy-NVFP4")
    assert (found.name, found.precision) == ("Toy-NVFP4", "nvfp4")
