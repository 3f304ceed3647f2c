"""The keys of a Hugging Face configuration: which matter, which are neutral, what an absent one means.

Nothing is silently dropped: a key that no table knows is refused by name, unless its value says "off".
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from steptime.model.catalog.files import packaged
from steptime.model.errors import UserError

LARGEST = {
    "width": 10**6, "intermediate": 10**7, "layers": 10**4, "heads": 10**5, "experts": 10**5, "vocabulary": 10**8,
    "positions": 10**9,
}  # fmt: skip
"""Beyond these a value is a slip."""

_neutral_endings = ("_token_id", "_token_ids", "_token_index", "_dropout")
_tower_beginnings = ("vision_", "image_", "audio_", "video_", "mm_", "multimodal_", "projector_", "spatial_")


_more_tables = ("dense_defaults", "sparse_defaults", "classic_defaults", "state_space_defaults")
"""Files with the types of one kind each, in the form of config_defaults."""


@cache
def tables() -> Mapping[str, Any]:
    """The packaged tables: ``types``, ``inside`` (of tables that a key of a type holds), ``wrappers``, ``refused``, and
    the ``neutral`` keys."""
    found = tomllib.loads(packaged("huggingface/config_defaults.toml")) | {"inside": {}}
    for more in (tomllib.loads(packaged(f"huggingface/{name}.toml")) for name in _more_tables):
        found["types"] |= more["types"]
        found["inside"] |= more.get("inside", {})
    return found


@cache
def _neutral() -> frozenset[str]:
    return frozenset(tables()["neutral"])


@cache
def type_table(model_type: str) -> Mapping[str, Any]:
    """What a model type may hold; one that is ``like`` another has all of its keys, and its own beside or instead. What
    it requires has no default."""
    own: Mapping[str, Any] = {**tables()["types"], **tables()["inside"]}[model_type]
    if "like" not in own:
        return own
    other = type_table(own["like"])
    merged = {**other, **own}
    for part in ("defaults", "aliases", "as_built"):
        merged[part] = {**other.get(part, {}), **own.get(part, {})}
    merged["defaults"] = {key: value for key, value in merged["defaults"].items() if key not in merged["required"]}
    merged["unused"] = [*other.get("unused", ()), *own.get("unused", ())]
    return merged


def flattened(data: Mapping[str, Any], model_type: str) -> dict[str, Any]:
    """The keys of a configuration, those inside the tables that its model type calls ``nested`` with dotted names.

    >>> flattened({"linear_attn_config": {"num_heads": 32}, "vocab_size": 7}, "kimi_linear")
    {'linear_attn_config.num_heads': 32, 'vocab_size': 7}
    """
    found: dict[str, Any] = {}
    for key, value in data.items():
        if key in type_table(model_type).get("nested", ()) and isinstance(value, Mapping):
            found |= {f"{key}.{inner}": one for inner, one in value.items()}
        else:
            found[key] = value
    return found


def is_neutral(key: str, value: Any, tower: bool = False) -> bool:
    """Whether a key cannot change shapes: a known one, or one that says "off", or a fraction, which is no shape.

    ``tower`` is for the outer keys of a file that wraps a language model: those of its vision and audio parts, which
    are not counted, are neutral too.

    >>> is_neutral("rope_theta", 10000), is_neutral("index_topk", 2048), is_neutral("index_topk", None)
    (True, False, True)
    """
    if key in _neutral() or key.startswith("_") or key.endswith(_neutral_endings) or not value:
        return True
    if isinstance(value, float) and not value.is_integer():
        return True
    return tower and (key.startswith(_tower_beginnings) or key in tables()["towers"])


def shown(value: Any) -> str:
    """A value as an error message may show it: short, on one line, never the inside of a list or table."""
    if isinstance(value, list | tuple | dict):
        return f"a {'table' if isinstance(value, dict) else 'list'} of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 100:
        return "a number of more than 30 digits"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


@dataclass(frozen=True)
class Settings:
    """One configuration, read key by key with its model type's defaults; every misuse is a UserError naming the key."""

    data: Mapping[str, Any]
    model_type: str
    where: str
    tower: bool = False
    """Whether keys of a vision or audio tower stand among those of the language model."""
    defaults_taken: dict[str, Any] = field(default_factory=dict)
    remarked: list[str] = field(default_factory=list)
    """Keys that no class reads, or that state what it builds in anyway: named in a notice."""

    @property
    def table(self) -> Mapping[str, Any]:
        return type_table(self.model_type)

    def error(self, message: str) -> UserError:
        return UserError(f"{self.where}: {message}")

    def refuse_unknown(self) -> None:
        """Raise for the first key that is neither in the model type's table nor neutral nor states what is built in."""
        table = self.table
        known = {*table["required"], *table["defaults"], *table.get("aliases", ()), *table.get("unused", ())}
        for key, value in self.data.items():
            if key in known or is_neutral(key, value, self.tower):
                continue
            if key in tables()["unread"] or self._as_built(key, value):
                self.remarked.append(key)
            else:
                raise self.error(f"config key {shown(key)} is not understood and may change shapes")

    def inside(self, key: str) -> "Settings":
        """The settings of a table that a key holds, with defaults of its own under ``model_type.key``; unknown keys of
        it are refused."""
        found = self.data.get(key)
        if not isinstance(found, Mapping | None):
            raise self.error(f"config key {key!r} must be a table, not {shown(found)}")
        place = f"{self.where}: {key}"
        inner = Settings(found or {}, f"{self.model_type}.{key}", place, self.tower, self.defaults_taken, self.remarked)
        inner.refuse_unknown()
        return inner

    def only(self, key: str, *modelled: Any) -> None:
        """Raise unless a key, where the file states it, has a value that is modelled; null is none stated."""
        found = self.data.get(key)
        if found is not None and not any(found == one and type(found) is type(one) for one in modelled):
            words = " or ".join(str(one).lower() for one in modelled)
            raise self.error(f"config key {key!r} is modelled only as {words}, not {shown(found)}")

    def each_layer(self, key: str, layers: int, limit: str = "width") -> list[int]:
        """A whole number for each layer: a list of as many, or one for all."""
        if not isinstance(self.value(key), list):
            return [self.count(key, limit)] * layers
        found = self.numbers(key, LARGEST[limit])
        if found is None or len(found) != layers or not all(found):
            raise self.error(f"config key {key!r} must have {layers} positive entries, one for each layer")
        return found

    def _as_built(self, key: str, value: Any) -> bool:
        """Whether a key says, for every layer where it holds a list, what the class builds in without it."""
        built = self.table.get("as_built", {})
        values = value if isinstance(value, list) else [value]
        return key in built and all(type(one) is type(built[key]) and one == built[key] for one in values)

    def value(self, key: str) -> Any:
        """What the file says of a key, under any of its spellings, else the documented default."""
        others = [other for other, meant in self.table.get("aliases", {}).items() if meant == key]
        stated = [name for name in (key, *others) if name in self.data]
        if len({shown(self.data[name]) for name in stated}) > 1:
            raise self.error(f"config keys {' and '.join(stated)} mean the same and disagree")
        if stated:
            return self.data[stated[0]]
        if key not in self.table["defaults"]:
            raise self.error(f"config key {key!r} is missing and {self.model_type} has no documented default for it")
        default = self.table["defaults"][key]
        if isinstance(default, int) and default:
            self.defaults_taken[key] = default
        return None if default == "none" else default

    def count(self, key: str, limit: str = "width", least: int = 1) -> int:
        """A whole number between ``least`` and the limit of its kind."""
        found = self.optional_count(key, limit, least)
        if found is None:
            raise self.error(f"config key {key!r} must be a whole number, not null")
        return found

    def optional_count(self, key: str, limit: str = "width", least: int = 1) -> int | None:
        """The same, or None where the file or the default says null."""
        found = self.value(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.error(f"config key {key!r} must be a whole number, not {shown(found)}")
        if not least <= found <= LARGEST[limit]:
            raise self.error(f"config key {key!r}: {shown(found)} is not between {least} and {LARGEST[limit]}")
        return found

    def flag(self, key: str) -> bool:
        """True or false; null is false."""
        found = self.value(key)
        if found is not None and not isinstance(found, bool):
            raise self.error(f"config key {key!r} must be true or false, not {shown(found)}")
        return bool(found)

    def word(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of the words that are modelled."""
        found = self.value(key)
        if not isinstance(found, str) or found not in allowed:
            raise self.error(f"config key {key!r}: {shown(found)} is not modelled; only {', '.join(allowed)}")
        return found

    def words(self, key: str, allowed: tuple[str, ...], length: int) -> list[str] | None:
        """A list of so many words that are modelled, or None for null."""
        found = self.value(key)
        if found is None:
            return None
        return self.checked_words(key, found, allowed, length)

    def checked_words(self, key: str, found: Any, allowed: tuple[str, ...], length: int) -> list[str]:
        """The same for a value at hand."""
        if not isinstance(found, list) or len(found) != length:
            raise self.error(f"config key {key!r} must be a list of {length} words, one a layer, not {shown(found)}")
        for word in found:
            if not isinstance(word, str) or word not in allowed:
                raise self.error(f"config key {key!r}: {shown(word)} is not modelled; only {', '.join(allowed)}")
        return found

    def numbers(self, key: str, most: int) -> list[int] | None:
        """A list of whole numbers from 0 to ``most``, or None for null."""
        found = self.value(key)
        if found is None:
            return None
        if not isinstance(found, list):
            raise self.error(f"config key {key!r} must be a list of whole numbers, not {shown(found)}")
        for number in found:
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
                raise self.error(f"config key {key!r}: {shown(number)} is not a whole number from 0 to {most}")
        return found
