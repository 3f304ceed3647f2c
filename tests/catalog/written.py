"""An entry of the catalogue of transformers, written from what the reader makes of a configuration.

``python tests/catalog/written.py config.json NAME`` prints it; source and date are for whoever adds it to state.
"""

import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from steptime.model.architecture.attention import RecurrentMixer
from steptime.model.architecture.storage import Stored, stored_as
from steptime.model.architecture.transformer import ExpertFeedForward, Layer, Transformer
from steptime.model.catalog.huggingface.reader import read_config_file
from steptime.model.precision import BYTES


def entry_text(name: str, model: Transformer) -> str:
    """The table of a model, without what is said about it."""
    named = kinds_of(model)
    lines = [f'["{name}"]']
    if model.notices:
        lines += ["notes = [", *(f"    {text(notice)}," for notice in model.notices), "]"]
    lines += [f"width = {model.width}", f"vocabulary = {model.vocabulary}"]
    numbers = ("tied", "positions", "vectors", "tables")
    lines += [f"{key} = {text(getattr(model, key))}" for key in numbers if getattr(model, key)]
    lines += [f"streams = {model.streams}"] if model.streams > 1 else []
    lines += [] if model.unembedding else ["unembedding = false"]
    if model.precision:
        lines.append(f"precision = {text(model.precision)}")
    lines += [f"{key} = {text(getattr(model, key))}" for key in ("activations", "kv") if getattr(model, key)]
    if others := dict(other_formats(model)):
        lines.append(f"exceptions = {{ {', '.join(f'{kind} = {form}' for kind, form in others.items())} }}")
    lines += [f"depth = {len(model.layers)}", *order_of([named[layer] for layer in model.layers])]
    for layer, kind in named.items():
        lines.append(f'["{name}".kinds.{kind}]')
        lines += [f"{key} = {value}" for key, value in stated(layer)]
    return "\n".join(lines) + "\n"


def other_formats(model: Transformer) -> Iterator[tuple[str, str]]:
    """Kinds of weights that are stored otherwise than their format says of them; scales below 0.1 % are left out."""
    usual = stored_as(model.precision or "")
    for kind, form in model.stored:
        expected = usual.get(kind, Stored(model.precision or "", BYTES[model.precision or "bf16"]))
        if abs(form.bytes / expected.bytes - 1) > 1e-3:
            word, bits = form.format.split("/")[0], 8 * form.bytes
            is_plain = abs(bits / 8 / BYTES[word] - 1) < 1e-3
            yield kind, text(word) if is_plain else f"{{ format = {text(word)}, bits = {bits:.6g} }}"


def kinds_of(model: Transformer) -> dict[Layer, str]:
    """A name for each kind of layer: by its mixer and its feed-forward part, as far as these differ in the model."""
    kinds = tuple(dict.fromkeys(model.layers))
    words = {layer: (mixer_word(layer), "sparse" if is_sparse(layer) else "dense") for layer in kinds}
    told = [place for place in (0, 1) if len({pair[place] for pair in words.values()}) > 1]
    names: dict[Layer, str] = {}
    for layer, pair in words.items():
        name = "-".join(pair[place] for place in told or (1,))
        names[layer] = name if name not in names.values() else f"{name}-{len(names)}"
    return names


def mixer_word(layer: Layer) -> str:
    if isinstance(layer.attention, RecurrentMixer):
        return "linear"
    return "window" if getattr(layer.attention, "window", None) else "full"


def is_sparse(layer: Layer) -> bool:
    return any(isinstance(part, ExpertFeedForward) for part in layer.feed_forward)


def order_of(kinds: list[str]) -> list[str]:
    """The shortest leading layers and period that give the order, with layers after it where that is shorter."""
    depth = len(kinds)
    for total in range(1, depth + 1):
        for trail in range(min(total, 3)):
            for period in range(1, total - trail + 1):
                lead = total - trail - period
                times, left = divmod(depth - lead - trail, period)
                head, again, tail = kinds[:lead], kinds[lead : lead + period], kinds[depth - trail :]
                more = left if not trail else 0
                whole = [*head, *again * times, *again[:more], *tail]
                if whole != kinds or {*head, *again, *tail} != {*kinds}:
                    continue
                if trail:
                    runs = [part for part in ([1, *head], [times, *again], [1, *tail]) if len(part) > 1]
                    return [f"order = [{', '.join(map(text, runs))}]"]
                return [*([f"leading = {text(head)}"] if head else []), f"period = {text(again)}"]
    raise AssertionError("the whole order is a period")


def stated(layer: Layer) -> Iterator[tuple[str, str]]:
    if layer.vectors:
        yield "vectors", text(layer.vectors)
    if layer.attention is not None:
        yield "attention", text(layer.attention)
    if layer.feed_forward:
        yield "feed_forward", text(list(layer.feed_forward))
    if layer.parallel:
        yield "parallel", "true"
    if layer.mixing:
        yield "mixing", text(layer.mixing)


def text(value: Any) -> str:
    """A value as TOML; of a dataclass what differs from its defaults, and values as long as keys are not stated."""
    if is_dataclass(value):
        shown = {field.name: getattr(value, field.name) for field in fields(value)
                 if field.default is MISSING or getattr(value, field.name) != field.default}  # fmt: skip
        if shown.get("value_dim") == shown.get("head_dim", -1):
            del shown["value_dim"]
        return "{ " + ", ".join(f"{key} = {text(inner)}" for key, inner in shown.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(text, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    print(entry_text(sys.argv[2], read_config_file(Path(sys.argv[1]))))
