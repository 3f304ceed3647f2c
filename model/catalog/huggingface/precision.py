"""How a Hugging Face configuration says its weights are stored: quantisation first, else the type of its numbers.

The rules of the file are evaluated on every module of every layer; what is kept of the answer is the mean bytes of a
weight of each kind, which makes the bytes of the whole model exact.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steptime.model.architecture.storage import Stored
from steptime.model.architecture.transformer import ExpertFeedForward, Layer
from steptime.model.catalog.huggingface.blocks import Body
from steptime.model.catalog.huggingface.groups import scheme_of
from steptime.model.catalog.huggingface.keys import shown
from steptime.model.catalog.huggingface.methods import Scheme
from steptime.model.catalog.huggingface.modules import ADAPTERS, layer_modules, outer_modules
from steptime.model.catalog.huggingface.rules import BESIDE, layer_of
from steptime.model.catalog.huggingface.stored import Format
from steptime.model.choices import Weight
from steptime.model.errors import UserError
from steptime.model.precision import BYTES, STORED, narrowest

_types = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float8_e4m3fn": "fp8", "float8_e5m2": "fp8"}
_vectors = ("norm", "bias", "conv1d", "A_log", "dt_bias", "sinks", "rotary", "embed_positions")
"""Words of modules without matrices: they are never quantised."""


@dataclass(frozen=True)
class Weights:
    """What the weights are: the layers and what surrounds them, the table of the inputs, the unembedding.

    ``own`` are formats that the file states of kinds of weights outside its table of quantisation.
    """

    layers: tuple[Layer, ...]
    width: int
    vectors: int
    embedding: int
    other_tables: int = 0
    tied: bool = False
    has_head: bool = True
    own: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, body: Body, vocabulary: int, tied: bool, has_head: bool) -> "Weights":
        """Those of a family's body."""
        others = body.positions * body.width + body.tables
        return cls(body.layers, body.width, body.vectors, vocabulary * body.width, others, tied, has_head, body.stored)


@dataclass(frozen=True)
class Precision:
    """The format of most weights, None where nothing says; what each kind takes where they differ; the formats that
    the file asks of activations and KV cache; notices of what is left out."""

    weights: str | None
    stored: tuple[tuple[Weight, Stored], ...] = ()
    activations: str | None = None
    kv: str | None = None
    notices: tuple[str, ...] = ()


def read_precision(data: Mapping[str, Any], where: str, body: Weights) -> Precision:
    """How the weights are stored. Raises UserError for a quantisation method that is not understood."""
    table = data.get("quantization_config") or data.get("quantization")
    if table is not None and not isinstance(table, Mapping):
        raise UserError(f"{where}: config key 'quantization_config' must be a table, not {shown(table)}")
    stated = data.get("dtype") if data.get("dtype") is not None else data.get("torch_dtype")
    if table:
        kept = _types.get(stated.removeprefix("torch."), "bf16") if isinstance(stated, str) else "bf16"
        return _quantized(table, where, body, kept if kept in ("bf16", "fp16") else "bf16")
    if stated is None or stated == "auto":
        return Precision(None)
    if not isinstance(stated, str):
        raise UserError(f"{where}: config key 'torch_dtype' must be a word such as bfloat16, not {shown(stated)}")
    word = stated.removeprefix("torch.")
    if word in _types:
        return Precision(_types[word])
    notice = f"weights are stored as {shown(word)}, which is not modelled: no precision is taken from it"
    return Precision(None, notices=(notice,))


def _quantized(table: Mapping[str, Any], where: str, body: Weights, kept: str) -> Precision:
    scheme = scheme_of(table, where)
    sixteen = Format(kept, 8 * BYTES[kept])
    used: set[str] = set()
    bits: dict[Weight, dict[Format, int]] = {kind: defaultdict(int) for kind in Weight}
    own = {kind: Format(name, 8 * BYTES[name], _activations_of(scheme)) for kind, name in body.own}
    for kind, weights, form, entries in _modules(scheme, body):
        bits[kind][own.get(kind, form) or sixteen] += weights
        used.update(entries)
    _refuse_strangers(scheme, used, where)
    total: dict[Format, int] = defaultdict(int)
    for found in bits.values():
        for form, weights in found.items():
            total[form] += weights
    quantised = {form: weights for form, weights in total.items() if form != sixteen}
    most = max(quantised or total, key=lambda form: (quantised or total)[form])
    if most.name not in STORED:
        raise UserError(f"{where}: weights stored as {most.name} are not modelled")
    means = tuple((kind, _mean(found)) for kind, found in bits.items() if any(found.values()))
    formats = {form.activations or kept for form in quantised} or {kept}
    activations = narrowest(formats)
    notices = _notices(scheme, used, len(body.layers), formats, activations)
    return Precision(most.name, means, activations, scheme.kv, tuple(notices))


def _activations_of(scheme: Scheme) -> str | None:
    """What multiply-adds run in where the file names another format of weights alone."""
    return None if scheme.default is None else scheme.default.activations


def _modules(scheme: Scheme, body: Weights) -> Iterator[tuple[Weight, int, Format | None, tuple[str, ...]]]:
    """Kind, number and format of the weights of every module, and the entries by which it has it; vectors are kept."""
    for module in outer_modules(body.embedding, body.tied, body.has_head):
        yield module.kind, module.weights, *scheme.format_of(module)
    yield Weight.EMBEDDING, body.other_tables, None, ()
    yield Weight.ROUTER, body.vectors, None, ()
    parts = {layer: layer_modules(layer, body.width) for layer in set(body.layers)}
    stored: set[int] = set()
    for i, layer in enumerate(body.layers):
        again = layer.shared in stored
        stored |= {layer.shared} - {0}
        for module in parts[layer]:
            if not again or module.names == ADAPTERS:
                yield module.kind, module.weights, *scheme.format_of(module, i)
        if again:
            continue
        yield Weight.ROUTER, layer.stored_vectors + layer.mixing, None, ()
        for block in layer.feed_forward:
            if isinstance(block, ExpertFeedForward):
                yield Weight.EXPERTS, block.experts * block.expert_vectors, None, ()


def _mean(found: Mapping[Format, int]) -> Stored:
    """Bytes of one weight on average, and the formats by their share."""
    number = sum(found.values())
    names = dict.fromkeys(form.name for form, weights in sorted(found.items(), key=lambda item: -item[1])
                          if 200 * weights >= number)  # fmt: skip
    return Stored("/".join(names), sum(form.bits * weights for form, weights in found.items()) / number / 8)


def _refuse_strangers(scheme: Scheme, used: set[str], where: str) -> None:
    """Raise where a group of rules means no module: the file is of other names than those that are known."""
    for rules in scheme.must:
        beside = [entry for entry in rules.entries if any(word in entry for word in BESIDE)]
        if used.isdisjoint(rules.entries) and len(beside) < len(rules.entries):
            raise UserError(f"{where}: no module of the model is called {shown(rules.entries[0])}, which has a format")


def _notices(scheme: Scheme, used: set[str], depth: int, formats: set[str], activations: str) -> Iterator[str]:
    """What to know: entries that name nothing here, and multiply-adds that are counted as faster than they are."""
    entries = dict.fromkeys(entry for rules, form in scheme.rules if form is None for entry in rules.entries)
    known = (*BESIDE, *_vectors)
    left = [entry for entry in entries if entry not in used and not any(word in entry for word in known)
            and (layer_of(entry) or 0) < depth]  # layers behind the last are prediction modules  # fmt: skip
    if left:
        names = ", ".join(shown(entry).strip("'\"") for entry in left[:4])
        more = f" and {len(left) - 4} more" if len(left) > 4 else ""
        yield f"kept unquantised by the configuration, but no module here is called so: {names}{more}"
    if len(formats) > 1:
        others = ", ".join(sorted(formats - {activations}))
        yield f"multiply-adds in {others} are counted at the peak of {activations}, the fastest format of the file"
