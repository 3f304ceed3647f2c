"""Which modules a rule of quantisation means: names, parts of names, globs with *, and regular expressions.

A name means the module, every module inside it, and wherever it stands in a dotted name: "self_attn", "mlp.gate",
"model.layers.3.mlp" and "lm_head" all do what they say. A glob is compared with the same places. An expression, after
"re:" or where a method has nothing else, is matched from the beginning of the full name. Expressions come from files
and are restricted to what cannot run away: no repeated groups, few repetitions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property, lru_cache

from steptime.model.errors import UserError

PREFIXES = ("model.", "model.language_model.", "language_model.model.", "backbone.", "transformer.", "")
"""What may stand before "layers.3." in the full name of a module; "h." and "blocks." are other words for layers."""
BESIDE = ("vision", "visual", "audio", "mtp", "projector", "mm_", "nextn", "eagle", "embed_vision", "sound", "speech")
"""Words of towers and prediction modules, whose layers are not those of the language model and are not counted."""

_most, _longest, _repeated = 20_000, 300, 4
"""Entries of a list, characters of one, and unbounded repetitions in an expression: no published list comes near."""
_some_layer = 99_999
"""Stands for every layer that no entry names."""
_words = re.compile(r"[A-Za-z0-9_.*?-]+")
_in_layer = re.compile(r"(.*?)(?:layers|h|blocks)\.(\d{1,5})(\*)?(?:\.(.+))?")
_every_layer = re.compile(r"(.*?)(?:layers|h|blocks)\.\*\.(.+)")
_atom = r"(?:\\[.dwsDWS]|\[[^\[\]\\]*(?:\\[dw][^\[\]\\]*)*\]|[A-Za-z0-9_./\-])"
_safe = re.compile(rf"(?:{_atom}(?:[*+?]|\{{\d{{1,2}}(?:,\d{{1,2}})?\}})?|\((?:\?:)?|\)\??|[|^$])*")


@dataclass(frozen=True)
class Rules:
    """Entries of one list; `find` gives those that mean a module."""

    entries: tuple[str, ...]
    expressions: bool = False
    """Whether every entry is an expression, without "re:" before it."""
    where: str = ""
    _found: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.entries) > _most:
            raise UserError(f"{self.where}: a list of {len(self.entries)} modules; at most {_most} are read")

    def find(self, names: tuple[str, ...], layer: int | None = None) -> tuple[str, ...]:
        """The entries that mean a module, by any of its names; these are relative to the layer where one is given."""
        alike = layer if layer is None or layer in self._layers or self._names_layers else _some_layer
        if (names, alike) not in self._found:
            self._found[names, alike] = tuple(dict.fromkeys(self._search(names, alike)))
        return self._found[names, alike]

    def _search(self, names: tuple[str, ...], layer: int | None) -> Iterator[str]:
        literals, globs = self._parsed
        runs = _runs(names, layer is not None)
        for place in dict.fromkeys((None, layer)):
            words = literals.get(place, {})
            yield from (words[run] for run in runs & words.keys())
            for pattern, entry in globs.get(place, ()):
                if any(map(pattern.fullmatch, runs)):
                    yield entry
        for expression, entry in self._compiled:
            if any(expression.match(full) for name in names for full in _full(name, layer)):
                yield entry

    @cached_property
    def _parsed(self) -> "tuple[_Names, _Globs]":
        """Names and globs, each by the layer that it is for; None stands for all."""
        literals: dict[int | None, dict[str, str]] = {}
        globs: dict[int | None, dict[str, str]] = {}
        for entry in () if self.expressions else self.entries:
            if entry.startswith("re:") or not entry.strip("*."):
                continue
            if len(entry) > _longest or _words.fullmatch(entry) is None:
                continue
            for layer, rest in _placed(entry):
                kept = globs if set(rest) & {"*", "?"} else literals
                kept.setdefault(layer, {}).setdefault(rest, entry)
        return literals, {layer: [(re.compile(translate(glob)), entry) for glob, entry in found.items()]
                          for layer, found in globs.items()}  # fmt: skip

    @cached_property
    def _layers(self) -> frozenset[int | None]:
        literals, globs = self._parsed
        return frozenset({*literals, *globs} - {None})

    @cached_property
    def _names_layers(self) -> bool:
        """Whether an expression holds a digit, and so may tell layers apart."""
        return any(any(letter.isdigit() for letter in entry) for _, entry in self._compiled)

    @cached_property
    def _compiled(self) -> list[tuple[re.Pattern[str], str]]:
        found = []
        for entry in self.entries:
            if self.expressions or entry.startswith("re:"):
                found.append((self._expression(entry.removeprefix("re:"), entry), entry))
        return found

    def _expression(self, text: str, entry: str) -> re.Pattern[str]:
        repeated = len(re.findall(r"(?<!\\)[*+]", text))
        if len(text) <= _longest and _safe.fullmatch(text) and repeated <= _repeated:
            try:
                return re.compile(text)
            except re.error:
                pass
        raise UserError(f"{self.where}: the expression {entry[:60]!r} is none that is read: names, . .* \\d + ( | )")


def _placed(entry: str) -> Iterator[tuple[int | None, str]]:
    """The layer that an entry is for, and what it means there: a name relative to the layer, * where all of it; nothing
    where the layers are those of a tower."""
    if (found := _every_layer.fullmatch(entry)) and _of_text(found[1]):
        yield None, found[2]
    elif (found := _in_layer.fullmatch(entry)) and _of_text(found[1]):
        yield int(found[2]), found[4] or "*"
        if found[3] and not found[4] and found[2] != "0":  # layers.1* means layers 1, 10, 11, …
            yield from ((int(found[2] + more), "*") for more in _continued)
    elif found is None:
        yield None, re.sub(r"^(?:model|language_model)\.(?=.)", "", entry)


def layer_of(entry: str) -> int | None:
    """The layer that an entry is for; None where it is for all, or for none.

    >>> layer_of("model.layers.78.mlp.gate"), layer_of("lm_head")
    (78, None)
    """
    found = _in_layer.fullmatch(entry)
    return int(found[2]) if found else None


def _of_text(prefix: str) -> bool:
    """Whether layers after this prefix are those of the language model."""
    return not any(word in prefix for word in BESIDE)


_continued = [f"{number:0{digits}d}" for digits in (1, 2) for number in range(10**digits)]


_Names = Mapping[int | None, Mapping[str, str]]
_Globs = Mapping[int | None, list[tuple[re.Pattern[str], str]]]


@lru_cache(maxsize=1024)
def _runs(names: tuple[str, ...], in_layer: bool) -> frozenset[str]:
    """The places of dotted names: every run of their words."""
    found = set()
    for name in names:
        words = (f"model.layers.N.{name}" if in_layer else name).split(".")
        found |= {".".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    return frozenset(found)


def _full(name: str, layer: int | None) -> Iterator[str]:
    """The full names that a module may have, in files of any family; without and with "weight" after them."""
    for prefix in PREFIXES:
        yield prefix + name if layer is None else f"{prefix}layers.{layer}.{name}"
    if layer is not None:
        yield f"transformer.h.{layer}.{name}"
        yield f"transformer.blocks.{layer}.{name}"
