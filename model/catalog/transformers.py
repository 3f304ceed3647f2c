"""The catalogue of transformers: shapes of published models, each with source and date, built only when asked for.

A model's layers are kinds and an order: layer i is ``leading[i]``, then the ``period`` repeats up to ``depth``. Where
that does not describe them, ``order`` lists runs: how many times, then the kinds that repeat.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from steptime.model.architecture.storage import Stored, stored_as
from steptime.model.catalog.files import Tables
from steptime.model.catalog.table import Place, Table, missing, read, record, whole
from steptime.model.choices import Weight
from steptime.model.errors import suggesting
from steptime.model.precision import BYTES, STORED

from steptime.model.architecture.transformer import (  # isort: skip
    CompressedAttention, DenseFeedForward, ExpertFeedForward, GroupedAttention, LatentAttention, Layer, RecurrentMixer,
    Transformer,
)  # fmt: skip

CATALOGUE = "model/catalog/transformers.toml"
"""The origin of every catalogue entry, as messages show it."""

_catalogue = Tables("transformers.toml")


def transformer_names() -> tuple[str, ...]:
    """The names of all models in the catalogue, sorted.

    >>> "llama-3.1-70b" in transformer_names()
    True
    """
    return tuple(sorted(_catalogue))


@cache
def find(name: str) -> str | None:
    """The entry that a name means: its own or another that it lists, in any case and with any separators, or None.

    >>> find("Llama 3.3_70B"), find("llama-4-behemoth")
    ('llama-3.1-70b', None)
    """
    return _catalogue.find(name)


def alike(name: str) -> list[str]:
    """Names that may have been meant, the best first.

    >>> alike("llama-3.3-70")[0], alike("qwen3-33b")[0]
    ('llama-3.3-70b', 'qwen3-32b')
    """
    return _catalogue.alike(name)


def entry(name: str) -> Mapping[str, Any]:
    """What the catalogue holds of a model, for display: source, date, published figures, shapes.

    Raises UserError with the best matches for an unknown name.

    >>> entry("deepseek-v3")["published_parameters"]["value"]
    671026419200
    """
    found: Mapping[str, Any] = _catalogue[_known(name)]
    return found


@cache
def load_transformer(name: str) -> Transformer:
    """The architecture of a catalogue name, in any case; raises UserError with the best matches for an unknown one.

    >>> load_transformer("llama-3.1-70b").parameters
    70553706496
    """
    return _load(_known(name))


def _known(name: str) -> str:
    """The name as the catalogue spells it."""
    found = find(name)
    if found is None:
        raise suggesting("model", name, alike(name), "`steptime catalog models` lists those that there are")
    return found


@cache
def _load(name: str) -> Transformer:
    return build(name, _catalogue[name])


# --- what an entry holds ----------------------------------------------------------------------------------------------


_recurrent, _latent, _grouped = record(RecurrentMixer), record(LatentAttention), record(GroupedAttention)
_compressed = record(CompressedAttention)
_experts, _dense = record(ExpertFeedForward), record(DenseFeedForward)


def _attention(given: Any, place: Place) -> Any:
    """Recurrent where a kind is named, latent where there is a rank of keys and values, compressed where tokens nearby
    are kept as they are; else grouped, values as long as keys unless stated."""
    stated = given if isinstance(given, dict) else {}
    if "near" in stated:
        return read(_compressed, given, place)
    if "kind" in stated or "kv_rank" in stated:
        return read(_recurrent if "kind" in stated else _latent, given, place)
    return read(_grouped, {"value_dim": stated.get("head_dim"), **stated} if "head_dim" in stated else given, place)


def _feed_forward(given: Any, place: Place) -> Any:
    """Routed where there are experts, else dense."""
    return read(_experts if isinstance(given, dict) and "experts" in given else _dense, given, place)


def _layer(given: Any, place: Place) -> Layer:
    """A mixer, feed-forward parts, or both."""
    parts = {"attention": _attention, "feed_forward": [_feed_forward], "vectors": int, "parallel": bool, "mixing": int}
    found = read(Table(parts), given, place)
    if "attention" not in found and "feed_forward" not in found:
        raise missing(parts["feed_forward"], place.of("feed_forward"))
    return Layer(**{"attention": None, "feed_forward": (), **found})


def _run(given: Any, place: Place) -> list[str]:
    """The kinds of a run of layers: how many times, then the kinds that repeat."""
    times, *repeated = given if isinstance(given, list) and given else [0]
    return list(read([str], repeated, place)) * _depth(times, place)


_forms = Table({"format": STORED, "bits": float}, needed=("format",))


def _stored(given: Any, place: Place) -> Stored:
    """A format by its name, or with the bits that a weight takes where they are not the usual ones."""
    if isinstance(given, str):
        word = read(STORED, given, place)
        return Stored(word, BYTES[word])
    found = read(_forms, given, place)
    return Stored(found["format"], found["bits"] / 8 if "bits" in found else BYTES[found["format"]])


_depth = whole(1, 10**4)
_published = Table({"value": float, "source": str, "exact": bool, "convention": str}, needed=("value", "source"))
_schema = Table(
    {
        "source": str, "date": str, "notes": [str], "also": [str], "also_note": str,
        "published_parameters": _published, "published_active_parameters": _published,
        "width": int, "vocabulary": int, "positions": int, "vectors": int, "depth": _depth, "tied": bool,
        "tables": int, "streams": whole(1, 64), "unembedding": bool,
        "precision": STORED, "activations": STORED, "kv": STORED, "exceptions": Table(dict.fromkeys(Weight, _stored)),
        "leading": [str], "period": [str],
        "order": [_run], "kinds": {str: _layer},
    },
    needed=("kinds", "width", "vocabulary", "depth"),
)  # fmt: skip


def build(name: str, given: Mapping[str, Any]) -> Transformer:
    """The architecture that one table of the catalogue states; raises UserError for a key that is not one."""
    place = Place(CATALOGUE, name)
    found = read(_schema, given, place)
    kept = stored_as(found.get("precision", "")) | found.get("exceptions", {})
    if found.get("tied"):
        kept.pop(Weight.UNEMBEDDING, None)
    return Transformer(
        name=name,
        width=found["width"],
        vocabulary=found["vocabulary"],
        tied=found.get("tied", False),
        layers=tuple(found["kinds"][kind] for kind in _order(found, place)),
        positions=found.get("positions", 0),
        vectors=found.get("vectors", 0),
        precision=found.get("precision"),
        notices=found.get("notes", ()),
        stored=tuple((kind, kept[kind]) for kind in Weight if kind in kept),
        activations=found.get("activations"),
        kv=found.get("kv"),
        unembedding=found.get("unembedding", True),
        tables=found.get("tables", 0),
        streams=found.get("streams", 1),
    )


def _order(found: Mapping[str, Any], place: Place) -> list[str]:
    """The kind of each layer."""
    depth, kinds = found["depth"], found["kinds"]
    if "order" in found:
        order = [kind for run in found["order"] for kind in run]
        if len(order) != depth or set(order) != set(kinds) or "leading" in found or "period" in found:
            raise place.error(f"order must name the kinds {', '.join(kinds)} of {depth} layers, and stand alone")
        return order
    leading, period = found.get("leading", ()), found.get("period", ())
    order = list(leading)
    while period and len(order) < depth:
        order += period
    if len(order) < depth or len(leading) > depth or {*leading, *period} != set(kinds):
        raise place.error(f"leading and period must name the kinds {', '.join(kinds)} of {depth} layers")
    return order[:depth]
