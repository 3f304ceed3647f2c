"""Which kinds of weights a quantised configuration keeps in its unquantised format: module names, matched to layers.

The lists (modules_to_not_convert, ignore, …) hold names, parts of names, globs with * and, after "re:", expressions.
They are compared with the names that the modelling files of the transformers library give to modules. A kind of weights
is an exception only where every module of it, in every layer, is kept; whatever else a list holds is left to a notice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from steptime.model.architecture.transformer import (  # isort: skip
    Attention, CompressedAttention, CrossAttention, DenseFeedForward, ExpertFeedForward, LatentAttention, Layer,
    RecurrentMixer,
)  # fmt: skip

KINDS = ("attention", "dense", "experts", "router", "embedding")
"""Kinds of weights that may have a format of their own; shared experts are of the dense kind."""
LISTS = ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "llm_int8_skip_modules")
"""Keys of quantization_config that name modules to be kept."""

_most, _longest = 200, 200
"""Different names, and characters of one, that are looked at: no published list comes near."""

_names: dict[str, tuple[tuple[str, ...], ...]] = {
    "grouped": (
        ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
        ("self_attn.qkv_proj", "self_attn.o_proj"),
        ("mixer.q_proj", "mixer.k_proj", "mixer.v_proj", "mixer.o_proj"),
    ),
    "latent": (
        ("self_attn.q_a_proj", "self_attn.q_b_proj", "self_attn.kv_a_proj_with_mqa", "self_attn.kv_b_proj",
         "self_attn.o_proj"),
        ("self_attn.q_proj", "self_attn.kv_a_proj_with_mqa", "self_attn.kv_b_proj", "self_attn.o_proj"),
    ),
    "gated delta-net": (
        ("linear_attn.in_proj_qkvz", "linear_attn.in_proj_ba", "linear_attn.out_proj"),
        ("linear_attn.in_proj_qkv", "linear_attn.in_proj_z", "linear_attn.in_proj_b", "linear_attn.in_proj_a",
         "linear_attn.out_proj"),
    ),
    "Kimi delta": tuple(
        (*(f"self_attn.{name}_proj" for name in ("q", "k", "v", "b", "f_a", "f_b", "o")), *gates)
        for gates in (("self_attn.g_proj",), ("self_attn.g_a_proj", "self_attn.g_b_proj"))
    ),
    "compressed": (
        ("self_attn.q_a_proj", "self_attn.q_b_proj", "self_attn.kv_proj", "self_attn.o_a_proj", "self_attn.o_b_proj"),
        ("attn.wq_a", "attn.wq_b", "attn.wkv", "attn.wo_a", "attn.wo_b"),
    ),
    "cross": (("cross_attn.q_proj", "cross_attn.k_proj", "cross_attn.v_proj", "cross_attn.o_proj"),),
    "lightning": (("self_attn.qkv_proj", "self_attn.output_gate", "self_attn.out_proj"),),
    "Mamba-2": (("mixer.in_proj", "mixer.out_proj"),),
    "dense": (
        ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"), ("mlp.gate_up_proj", "mlp.down_proj"),
        ("feed_forward.gate_proj", "feed_forward.up_proj", "feed_forward.down_proj"),
        ("mixer.up_proj", "mixer.down_proj"), ("fc1", "fc2"),
    ),
    "shared": tuple(
        (f"{name}.gate_proj", f"{name}.up_proj", f"{name}.down_proj")
        for name in ("mlp.shared_experts", "mlp.shared_expert", "feed_forward.shared_expert", "mixer.shared_experts")
    ),
    "experts": tuple(
        (f"{name}.gate_up_proj", f"{name}.down_proj")
        for name in ("mlp.experts", "feed_forward.experts", "block_sparse_moe.experts", "mixer.experts")
    ),
    "router": (("mlp.router",), ("mlp.gate",), ("feed_forward.router",), ("block_sparse_moe.gate",), ("mixer.gate",)),
}  # fmt: skip
"""Modules of each part of a layer, in each of the spellings that occur."""


@dataclass(frozen=True)
class _Pattern:
    """One entry: a glob over module names, for one layer or for all."""

    entry: str
    glob: str
    layer: int | None = None

    def matches(self, name: str) -> bool:
        """Whether the glob names the module, a module that holds it, or a part of its dotted name."""
        words = name.split(".")
        runs = (words[i:j] for i in range(len(words)) for j in range(i + 1, len(words) + 1))
        return any(fnmatchcase(".".join(run), self.glob) for run in runs)


def exceptions(
    table: Mapping[str, Any], layers: Iterable[Layer], stored: str, tied: bool
) -> tuple[tuple[tuple[str, str], ...], list[Any]]:
    """The kinds of weights that ``table`` keeps, each with the format ``stored``; and the entries that name none.

    >>> from steptime.model.architecture.transformer import DenseFeedForward, GroupedAttention
    >>> layers = [Layer(GroupedAttention(8, 8, 64, 64), (DenseFeedForward(2048),))] * 2
    >>> exceptions({"ignore": ["model.layers.*.self_attn", "lm_head", "visual"]}, layers, "bf16", tied=False)
    ((('attention', 'bf16'), ('embedding', 'bf16')), ['visual'])
    """
    entries = [entry for key in LISTS for entry in _listed(table.get(key))]
    patterns = [pattern for entry in _distinct(entries) for pattern in _patterns(entry)]
    parts = _parts(list(layers))
    kept: dict[str, set[str]] = {}
    for kind, needed in _needed(parts).items():
        used = [_entries_that_keep(patterns, part, parts[part]) for part in needed]
        if used and all(used):
            kept[kind] = set().union(*used)
    head = {p.entry for p in patterns if p.matches("lm_head")}
    table_of_inputs = {p.entry for p in patterns if p.matches("model.embed_tokens")}
    if head or (tied and table_of_inputs):
        kept["embedding"] = head | table_of_inputs
    known = set().union(*kept.values())
    return tuple((kind, stored) for kind in KINDS if kind in kept), [
        e for e in entries if not isinstance(e, str) or e not in known
    ]


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _distinct(entries: list[Any]) -> list[str]:
    """Entries that can be read: short texts, each once; none where they stand for too many different globs."""
    texts = list(dict.fromkeys(e for e in entries if isinstance(e, str) and 0 < len(e) <= _longest))
    globs = dict.fromkeys(pattern.glob for text in texts for pattern in _patterns(text))
    return texts if len(globs) <= _most else []


def _patterns(entry: str) -> Iterator[_Pattern]:
    """The globs that an entry stands for; none where it holds more than names, alternatives, numbers and "anything"."""
    text = entry.removeprefix("model.") if not entry.startswith("re:") else _glob(entry.removeprefix("re:"))
    for one in _alternatives(text):
        if re.fullmatch(r"[A-Za-z0-9_.*]+", one) is None or not one.strip("*."):
            return
        found = re.fullmatch(r"(?:.*\.)?layers\.(\d+|\*)\.(.+)", one)
        if found is None:
            yield _Pattern(entry, one)
        elif found[1] == "*":
            yield _Pattern(entry, found[2])
        elif len(found[1]) < 6:
            yield _Pattern(entry, found[2], int(found[1]))


def _glob(expression: str) -> str:
    """The glob of a simple regular expression; what is not simple keeps a character that no glob here may hold."""
    meanings = {r"\d+": "*", "[0-9]+": "*", ".*": "*", r"\.": "."}
    text = re.sub(r"\\d\+|\[0-9\]\+|\.\*|\\\.", lambda found: meanings[found[0]], expression.removeprefix("^"))
    return text[:-1] if text.endswith("$") else text.rstrip("*") + "*"


def _alternatives(text: str) -> list[str]:
    """The texts of one group of alternatives: a(b|c)d is abd and acd."""
    found = re.fullmatch(r"([^()]*)\(([^()]*)\)([^()]*)", text)
    return [text] if found is None else [found[1] + choice + found[3] for choice in found[2].split("|")]


def _parts(layers: list[Layer]) -> dict[str, set[int]]:
    """The layers in which each part occurs."""
    parts: dict[str, set[int]] = {name: set() for name in _names}
    for i, layer in enumerate(layers):
        if layer.attention is not None:
            parts[_mixer(layer.attention)].add(i)
        for block in layer.feed_forward:
            if isinstance(block, DenseFeedForward):
                parts["dense"].add(i)
            elif isinstance(block, ExpertFeedForward):
                parts["experts"].add(i)
                parts["router"].add(i)
                if block.shared_intermediate:
                    parts["shared"].add(i)
    return parts


def _mixer(mixer: Attention) -> str:
    """The name here of a kind of mixer."""
    if isinstance(mixer, RecurrentMixer):
        return mixer.kind
    kinds = {LatentAttention: "latent", CompressedAttention: "compressed", CrossAttention: "cross"}
    return kinds.get(type(mixer), "grouped")


def _needed(parts: Mapping[str, set[int]]) -> dict[str, list[str]]:
    """The parts that make up each kind, of those that occur."""
    others = {"dense": ("dense", "shared"), "experts": ("experts",), "router": ("router",)}
    made = {"attention": tuple(name for name in _names if name not in ("shared", *others)), **others}
    return {kind: [name for name in names if parts[name]] for kind, names in made.items()}


def _entries_that_keep(patterns: list[_Pattern], part: str, layers: set[int]) -> set[str]:
    """The entries by which every module of a part is kept in all its layers; none where some module is not."""
    kept: set[int] = set()
    entries: set[str] = set()
    for spelling in _names[part]:
        of_module = [[p for p in patterns if p.matches(module)] for module in spelling]
        covered = [set().union(*(layers if p.layer is None else {p.layer} for p in found)) for found in of_module]
        kept |= set.intersection(*covered)
        entries |= {p.entry for found in of_module for p in found}
    return entries if layers <= kept else set()
