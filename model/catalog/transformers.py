"""The catalogue of transformers: shapes of published models, each with source and date, built only when asked for.

A model's layers are kinds and an order: layer i is ``leading[i]``, then the ``period`` repeats up to ``depth``. Where
that does not describe them, ``order`` lists runs: how many times, then the kinds that repeat.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from steptime.model.architecture.transformer import (
    Attention,
    DenseFeedForward,
    ExpertFeedForward,
    FeedForward,
    GroupedAttention,
    Indexer,
    LatentAttention,
    Layer,
    RecurrentMixer,
    Transformer,
)
from steptime.model.catalog.huggingface.exceptions import KINDS
from steptime.model.errors import UserError, unknown
from steptime.model.precision import STORED

_described = {"source", "date", "published_parameters", "published_active_parameters", "notes"}
_shaped = {
    "width", "vocabulary", "tied", "positions", "vectors", "precision", "exceptions", "depth", "leading", "period",
    "order", "kinds",
}  # fmt: skip
_published = {"value", "source", "exact", "convention"}
Block = TypeVar(
    "Block", GroupedAttention, LatentAttention, RecurrentMixer, Indexer, DenseFeedForward, ExpertFeedForward
)


@cache
def _catalogue() -> Mapping[str, Mapping[str, Any]]:
    text = resources.files("steptime.model.catalog").joinpath("transformers.toml").read_text("utf-8")
    return tomllib.loads(text)


def transformer_names() -> tuple[str, ...]:
    """The names of all models in the catalogue, sorted.

    >>> "llama-3.1-70b" in transformer_names()
    True
    """
    return tuple(sorted(_catalogue()))


def entry(name: str) -> Mapping[str, Any]:
    """What the catalogue holds of a model, for display: source, date, published figures, shapes.

    Raises UserError with the best matches for an unknown name.

    >>> entry("deepseek-v3")["published_parameters"]["value"]
    671026419200
    """
    return _catalogue()[_known(name)]


def load_transformer(name: str) -> Transformer:
    """The architecture of a catalogue name, in any case; raises UserError with the best matches for an unknown one.

    >>> load_transformer("llama-3.1-70b").parameters
    70553706496
    """
    return _load(_known(name))


def _known(name: str) -> str:
    """The name as the catalogue spells it."""
    spelled = {known.lower(): known for known in _catalogue()}
    if name.lower() not in spelled:
        raise unknown("model", name, list(transformer_names()))
    return spelled[name.lower()]


@cache
def _load(name: str) -> Transformer:
    return build(name, _catalogue()[name])


def build(name: str, table: Mapping[str, Any]) -> Transformer:
    """The architecture that one table of the catalogue states; raises UserError for a key that is not one."""
    _only(table, _described | _shaped, name)
    for key in ("published_parameters", "published_active_parameters"):
        _only(table.get(key, {}), _published, f"{name}: {key}")
    kinds = {kind: _layer(shape, f"{name}: {kind}") for kind, shape in _needed(table, "kinds", name).items()}
    return Transformer(
        name=name,
        width=_needed(table, "width", name),
        vocabulary=_needed(table, "vocabulary", name),
        tied=table.get("tied", False),
        layers=tuple(kinds[kind] for kind in _order(table, kinds, name)),
        positions=table.get("positions", 0),
        vectors=table.get("vectors", 0),
        precision=table.get("precision"),
        notices=tuple(table.get("notes", ())),
        exceptions=_exceptions(table.get("exceptions", {}), f"{name}: exceptions"),
    )


def _order(table: Mapping[str, Any], kinds: Mapping[str, Layer], name: str) -> list[str]:
    """The kind of each layer."""
    depth = _needed(table, "depth", name)
    if "order" in table:
        order = [kind for times, *repeated in table["order"] for kind in repeated * times]
        if len(order) != depth or set(order) != set(kinds) or "leading" in table or "period" in table:
            raise UserError(f"{name}: order must name the kinds {', '.join(kinds)} of {depth} layers, and stand alone")
        return order
    leading, period = table.get("leading", []), table.get("period", [])
    order = list(leading)
    while period and len(order) < depth:
        order += period
    if len(order) < depth or len(leading) > depth or {*leading, *period} != set(kinds):
        raise UserError(f"{name}: leading and period must name the kinds {', '.join(kinds)} of {depth} layers")
    return order[:depth]


def _exceptions(table: Mapping[str, str], where: str) -> tuple[tuple[str, str], ...]:
    """Kinds of weights that are stored in another format than the rest, in the order of KINDS."""
    _only(table, set(KINDS), where)
    for kind, stored in table.items():
        if stored not in STORED:
            raise UserError(f"{where}: {kind}: {unknown('format', stored, list(STORED))}")
    return tuple((kind, table[kind]) for kind in KINDS if kind in table)


def _layer(table: Mapping[str, Any], where: str) -> Layer:
    """A mixer, feed-forward parts, or both."""
    _only(table, {"attention", "feed_forward", "vectors", "parallel"}, where)
    if "attention" not in table:
        _needed(table, "feed_forward", where)
    attention = _attention(table["attention"], f"{where}: attention") if "attention" in table else None
    parts = tuple(_feed_forward(part, f"{where}: feed_forward") for part in table.get("feed_forward", ()))
    return Layer(attention, parts, table.get("vectors", 0), table.get("parallel", False))


def _attention(table: Mapping[str, Any], where: str) -> Attention:
    """Recurrent where a kind is named, latent where there is a rank of keys and values; else grouped, values as long as
    keys unless stated."""
    if "kind" in table:
        return _block(RecurrentMixer, table, where)
    if "kv_rank" in table:
        indexer = {"indexer": _block(Indexer, table["indexer"], f"{where}: indexer")} if "indexer" in table else {}
        return _block(LatentAttention, {**table, **indexer}, where)
    return _block(GroupedAttention, {"value_dim": table.get("head_dim"), **table}, where)


def _feed_forward(table: Mapping[str, Any], where: str) -> FeedForward:
    """Routed where there are experts, else dense."""
    return _block(ExpertFeedForward, table, where) if "experts" in table else _block(DenseFeedForward, table, where)


def _block(kind: type[Block], table: Mapping[str, Any], where: str) -> Block:
    known = {field.name: field for field in fields(kind)}
    _only(table, set(known), where)
    for name, field in known.items():
        if field.default is MISSING:
            _needed(table, name, where)
    return kind(**table)


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise UserError(f"{where}: {unknown('key', key, sorted(known))}")


def _needed(table: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in table:
        raise UserError(f"{where}: {key} is missing")
    return table[key]
