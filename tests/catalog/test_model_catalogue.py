"""The catalogue of transformers, and the one door to models."""

import tomllib
from dataclasses import replace
from typing import Any

import pytest
from config_2026 import GLM_52, K3, M3, MIMO_V2, SUPER, V4_FLASH, V4_PRO

from steptime.model.architecture.storage import Stored
from steptime.model.architecture.transformer import (
    DenseFeedForward,
    LatentAttention,
    Layer,
    RecurrentMixer,
)
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.catalog.transformers import build, entry, load_transformer, transformer_names
from steptime.model.errors import UserError
from steptime.model.precision import BYTES

from config_examples import (  # isort: skip
    DEEPSEEK_V32, GLM_5, MINIMAX_M1, NANO, NEMOTRON_H, NEMOTRON_SUPER, PALM, QWEN3_NEXT, QWEN35, shapes,
)  # fmt: skip
from written import entry_text  # isort: skip
from config_published import (  # isort: skip
    DEEPSEEK, GEMMA3, GEMMA4, GPT_OSS, KIMI, LLAMA, MAVERICK, MINIMAX, MIXTRAL, PHI3, QWEN2, QWEN3, QWEN3_MOE,
)  # fmt: skip

NAMES = transformer_names()
READ = {
    "llama-3.1-70b": LLAMA, "mixtral-8x7b": MIXTRAL, "qwen2.5-72b": QWEN2, "qwen3-32b": QWEN3, "phi-3.5-mini": PHI3,
    "qwen3-235b-a22b": QWEN3_MOE, "gemma-3-27b": GEMMA3, "gemma-4-26b-a4b": GEMMA4, "deepseek-v3": DEEPSEEK,
    "kimi-k2": KIMI, "gpt-oss-120b": GPT_OSS, "llama-4-maverick": MAVERICK, "minimax-m2": MINIMAX,
    "deepseek-v3.2": DEEPSEEK_V32, "glm-5": GLM_5, "minimax-m1": MINIMAX_M1, "qwen3-next-80b-a3b": QWEN3_NEXT,
    "qwen3.5-397b-a17b": QWEN35, "nemotron-3-nano-30b-a3b": NANO, "nemotron-h-56b": NEMOTRON_H,
    "llama-3.3-nemotron-super-49b": NEMOTRON_SUPER, "palm-540b": PALM, "kimi-k2.5": KIMI, "minimax-m2.5": MINIMAX,
    "deepseek-v4-pro": V4_PRO, "deepseek-v4-flash": V4_FLASH, "kimi-k3": K3, "minimax-m3": M3, "glm-5.2": GLM_52,
    "mimo-v2-flash": MIMO_V2, "nemotron-3-super-120b-a12b": SUPER,
}  # fmt: skip
DENSE = {
    "qwen3-0.6b": ("qwen3", 1024, 3072, 28, 16, 8, 151936, True, {"head_dim": 128}),
    "qwen3-1.7b": ("qwen3", 2048, 6144, 28, 16, 8, 151936, True, {"head_dim": 128}),
    "qwen3-4b": ("qwen3", 2560, 9728, 36, 32, 8, 151936, True, {"head_dim": 128}),
    "qwen3-14b": ("qwen3", 5120, 17408, 40, 40, 8, 151936, False, {"head_dim": 128}),
    "qwen2.5-0.5b": ("qwen2", 896, 4864, 24, 14, 2, 151936, True, {}),
    "qwen2.5-7b": ("qwen2", 3584, 18944, 28, 28, 4, 152064, False, {}),
    "qwen2.5-32b": ("qwen2", 5120, 27648, 64, 40, 8, 152064, False, {}),
    "llama-2-13b": ("llama", 5120, 13824, 40, 40, 40, 32000, False, {}),
    "llama-3.2-1b": ("llama", 2048, 8192, 16, 32, 8, 128256, True, {}),
    "llama-3.2-3b": ("llama", 3072, 8192, 28, 24, 8, 128256, True, {}),
    "codellama-34b": ("llama", 8192, 22016, 48, 64, 8, 32000, False, {}),
    "codellama-70b": ("llama", 8192, 28672, 80, 64, 8, 32016, False, {}),
    "yi-34b": ("llama", 7168, 20480, 60, 56, 8, 64000, False, {}),
    "tinyllama-1.1b": ("llama", 2048, 5632, 22, 32, 4, 32000, False, {}),
    "smollm-1.7b": ("llama", 2048, 8192, 24, 32, 32, 49152, True, {}),
    "phi-4": ("phi3", 5120, 17920, 40, 40, 10, 100352, False, {}),
    "mistral-nemo-12b": ("mistral", 5120, 14336, 40, 32, 8, 131072, False, {"head_dim": 128, "sliding_window": None}),
    "mistral-7b-v0.3": ("mistral", 4096, 14336, 32, 32, 8, 32768, False, {"sliding_window": None}),
    "mistral-large-2407": ("mistral", 12288, 28672, 88, 96, 8, 32768, False, {"sliding_window": None}),
    "mistral-small-24b": ("mistral", 5120, 32768, 40, 32, 8, 131072, False, {"head_dim": 128, "sliding_window": None}),
    "gemma-7b": ("gemma", 3072, 24576, 28, 16, 16, 256000, True, {"head_dim": 256}),
    "gemma-2-2b": ("gemma2", 2304, 9216, 26, 8, 4, 256000, True, {"head_dim": 256, "sliding_window": 4096}),
    "gemma-2-9b": ("gemma2", 3584, 14336, 42, 16, 8, 256000, True, {"head_dim": 256, "sliding_window": 4096}),
}
"""Type, width, intermediate, layers, heads, KV heads, vocabulary, tied: by the configurations that the entries name."""
for _name, (_type, *_sizes, _tied, _more) in DENSE.items():
    _width, _intermediate, _layers, _heads, _kv, _vocabulary = _sizes
    READ[_name] = shapes(
        _type, _width, _intermediate, _layers, _heads, _vocabulary,
        num_key_value_heads=_kv, tie_word_embeddings=_tied, **_more,
    )  # fmt: skip


def test_at_least_eighty_models() -> None:
    assert len(NAMES) >= 93


@pytest.mark.parametrize("name", NAMES)
def test_entry_has_source_and_date(name: str) -> None:
    found = entry(name)
    assert found["source"]
    assert found["date"] >= "2026"
    for key in ("published_parameters", "published_active_parameters"):
        assert key not in found or found[key]["source"]


@pytest.mark.parametrize("name", [name for name in NAMES if "published_parameters" in entry(name)])
def test_total_is_near_the_published_one(name: str) -> None:
    published, total = entry(name)["published_parameters"], load_transformer(name).parameters
    assert total == (published["value"] if "exact" in published else pytest.approx(published["value"], rel=0.01))


@pytest.mark.parametrize("name", NAMES)
def test_active_is_at_most_the_total(name: str) -> None:
    model = load_transformer(name)
    assert 0 < model.active_parameters <= model.parameters


@pytest.mark.parametrize("name", [name for name in NAMES if "published_active_parameters" in entry(name)])
def test_active_is_near_the_published_one(name: str) -> None:
    """Published figures are counted in three ways, so that only a slip of a matrix would show."""
    model, published = load_transformer(name), entry(name)["published_active_parameters"]["value"]
    both_embeddings = model.active_parameters + model.embedding
    assert 0.9 * (model.active_parameters - model.embedding) <= published <= 1.05 * both_embeddings


@pytest.mark.parametrize("name", READ)
def test_reader_and_catalogue_agree(name: str) -> None:
    read, held = (
        replace(model, precision=None, stored=(), activations=None, notices=())
        for model in (read_config(READ[name], name), load_transformer(name))
    )
    assert held == read


@pytest.mark.parametrize("name", READ)
def test_what_the_writer_writes_is_what_was_read(name: str) -> None:
    """New entries are written from configurations, not by hand; scales below 0.1 % are left out."""
    read = read_config(READ[name], name)
    built = build(name, tomllib.loads(entry_text(name, read))[name])
    assert replace(built, stored=()) == replace(read, stored=())
    usual = BYTES[read.precision or "bf16"]
    for kind, form in read.stored:
        assert dict(built.stored).get(kind, Stored("", usual)).bytes == pytest.approx(form.bytes, rel=1e-3), kind


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("megatron-gpt-1t", 1007996108800),
        ("mt-nlg-530b", 529572823040),
        ("gpt3-175b", 174600486912),
        ("ft-gpt-20b", 20258488320),
    ],
    ids=lambda value: str(value),
)
def test_matrices_of_the_gpt_models(name: str, total: int) -> None:
    """Narayanan et al. 2021 (arXiv 2104.04473): 12 l h^2 and (V + s) h, with biases and norms beside."""
    model = load_transformer(name)
    vectors = model.parameters - model.active_parameters - model.positions * model.width
    assert model.parameters - vectors == total
    assert vectors == (13 * len(model.layers) + 2) * model.width


def test_palm_is_parallel_with_one_key_value_head() -> None:
    model = load_transformer("palm-540b")
    assert model.parameters == 540356474880  # arXiv 2204.02311 table 1: 540.35e9
    assert all(layer.parallel and layer.attention.cache_split == 1 for layer in model.layers)


ATTENTION = {"heads": 2, "kv_heads": 1, "head_dim": 4}


def toy(**changes: Any) -> dict[str, Any]:
    kind = {"attention": ATTENTION, "feed_forward": [{"intermediate": 16}]}
    return {"width": 8, "vocabulary": 10, "depth": 3, "period": ["dense"], "kinds": {"dense": kind}, **changes}


def test_order_of_layers() -> None:
    kinds = {name: {**toy()["kinds"]["dense"], "vectors": i} for i, name in enumerate("abc")}
    model = build("toy", toy(depth=6, leading=["a"], period=["b", "b", "c"], kinds=kinds))
    assert [layer.vectors for layer in model.layers] == [0, 1, 1, 2, 1, 1]


def test_order_as_runs() -> None:
    kinds = {name: {**toy()["kinds"]["dense"], "vectors": i} for i, name in enumerate("abc")}
    table = {key: value for key, value in toy(depth=6, kinds=kinds).items() if key != "period"}
    model = build("toy", {**table, "order": [[1, "a"], [2, "b", "c"], [1, "b"]]})
    assert [layer.vectors for layer in model.layers] == [0, 1, 2, 1, 2, 1]
    for order in ([[1, "a"], [2, "b", "c"]], [[6, "a"]]):
        with pytest.raises(UserError, match="order must name the kinds a, b, c of 6 layers"):
            build("toy", {**table, "order": order})
    with pytest.raises(UserError, match="stand alone"):
        build("toy", {**toy(depth=3), "order": [[3, "dense"]]})


def test_layers_of_one_part_and_mixers_of_each_kind() -> None:
    kinds = {
        "state": {"attention": {"kind": "Mamba-2", "heads": 2, "key_dim": 4, "value_dim": 4, "inputs": 20}},
        "latent": {"attention": {"heads": 2, "nope_dim": 4, "rope_dim": 2, "value_dim": 4, "kv_rank": 8,
                                 "indexer": {"heads": 2, "dim": 4, "selected": 16}}},
        "dense": {"feed_forward": [{"intermediate": 16}]},
    }  # fmt: skip
    first, second, third = build("toy", toy(period=["state", "latent", "dense"], kinds=kinds)).layers
    assert isinstance(first.attention, RecurrentMixer)
    assert isinstance(second.attention, LatentAttention)
    assert (second.attention.selected, second.feed_forward) == (16, ())
    assert third == Layer(None, (DenseFeedForward(16),))


def test_exceptions_in_the_order_of_kinds() -> None:
    given = {"router": "bf16", "attention": "fp8", "dense": {"format": "int4", "bits": 4.5}}
    model = build("toy", toy(exceptions=given))
    assert [(kind, form.format, form.bytes) for kind, form in model.stored] == [
        ("attention", "fp8", 1), ("dense", "int4", 4.5 / 8), ("router", "bf16", 2),
    ]  # fmt: skip


def test_a_quantised_entry_keeps_its_tables_and_routers() -> None:
    untied, tied = (build("toy", toy(precision="fp8", tied=tied)) for tied in (False, True))
    assert [kind for kind, _ in untied.stored] == ["router", "embedding", "unembedding"]
    assert [kind for kind, _ in tied.stored] == ["router", "embedding"]


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (toy(exceptions={"norms": "bf16"}), "norms"),
        (toy(exceptions={"router": "bf17"}), "bf17"),
        (toy(kinds={"dense": {"vectors": 8}}), "feed_forward"),
        (toy(kinds={"dense": {"attention": {"kind": "Mamba-2", "heads": 2}}}), "key_dim"),
        (toy(kinds={"dense": {"attention": {"kv_rank": 8, "indexer": {"heads": 2}}}}), "indexer.dim"),
        (toy(mystery=1), "mystery"),
        (toy(period=["sparse"]), "leading and period"),
        (toy(leading=["dense"], period=[]), "leading and period"),
        (toy(kinds={"dense": {"attention": {"heads": 2}, "feed_forward": []}}), "kv_heads"),
        (toy(kinds={"dense": {**toy()["kinds"]["dense"], "rank": 1}}), "rank"),
        (toy(kinds={"dense": {"attention": {**ATTENTION, "rank": 1}, "feed_forward": []}}), "rank"),
        (toy(published_parameters={"value": 1, "guess": 2}), "guess"),
        (toy(width="8 m"), "width"),
        (toy(width=8.5), "width: expected a whole number, got float"),
        (toy(tied="yes"), "tied: expected true or false"),
        (toy(notes="one"), "notes: expected a list"),
        (toy(kinds={"dense": {"attention": 3}}), "kinds.dense.attention: expected a table"),
        (toy(order=[["a", 3]]), "order"),
        (toy(order=[3]), "order"),
        ({}, "kinds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_catalogue_is_strict(table: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        build("toy", table)


# --- the one door --------------------------------------------------------------------------------------------------
