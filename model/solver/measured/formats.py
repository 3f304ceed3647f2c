"""In which formats a measured row ran: as it states; a bound takes the narrowest that is plausible where it does not.

A cache. Engines keep it in 16 bits unless the checkpoint or the command says otherwise, and then in fp8: TensorRT-LLM
does so wherever weights are in fp8 or fp4 (its examples and the benchmark's launch scripts set ``dtype: fp8``), SGLang
and vLLM where they are told to. So of a row with weights of 8 bits or fewer that states no cache, fp8 is plausible, and
a bound that assumed 16 bits might not be one. Of 16-bit weights, and of integers (the engines that published these had
no narrower cache), it is 16 bits, or what the model's file asks. Capacity agrees: every decode row of the catalogue has
room for the cache so chosen, and three of fp8 weights, on TensorRT-LLM and on vLLM, would have none for one of 16 bits.
Weights. A row whose weights are in the format that the model was published in ran the published checkpoint: kinds of
weights that it keeps in other formats are as there. ``experts`` and ``attention_bits`` state others by kind.
"""

from collections.abc import Mapping
from dataclasses import replace

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Format, PhaseName
from steptime.model.phases.accounts import Model, accounts_of
from steptime.model.precision import BYTES
from steptime.model.step.inputs import Inputs

NARROW = frozenset({"fp8", "fp4", "nvfp4"})
"""Formats of weights with which engines are known to keep the cache in fp8 too."""


def with_formats(row: Measurement, model: Model, inputs: Inputs) -> Inputs:
    """The inputs with the formats of a row."""
    stated = row.formats
    weights, activations = (Format(text) if (text := stated[name]) else None for name in ("weights", "activations"))
    kv = None if inputs.phase == PhaseName.TRAIN else cache_of(row)
    by_kind = bytes_by_kind(row)
    if weights is not None and weights == accounts_of(model).precision and not by_kind:
        weights = None
    return replace(inputs.with_given(by_kind), weights=weights, activations=activations, kv=kv)


def cache_of(row: Measurement) -> Format | None:
    """The format of the cache: as stated, else the narrowest that is plausible; None for what the model's file asks.

    >>> from steptime.model.catalog.measurement import Measurement
    >>> def row(**formats):
    ...     return Measurement("A-1", "decode", "m", "h", 1, formats, {}, "", "step_time", 1.0, {}, "", {})
    >>> cache_of(row(weights="fp4", activations=None, kv=None)).value, cache_of(row(weights="bf16", kv=None))
    ('fp8', None)
    >>> cache_of(row(weights="fp8", activations=None, kv="bf16")).value
    'bf16'
    """
    if stated := row.formats.get("kv"):
        return Format(stated)
    return Format.FP8 if row.formats.get("weights") in NARROW else None


def likely_cache(row: Measurement) -> Format | None:
    """The format that a cache most likely had, for an estimate: as stated, else fp8 where TensorRT-LLM ran weights in
    fp8 or fp4, which its launch scripts set; other engines keep 16 bits unless they are told. None for what the model's
    file asks."""
    if stated := row.formats.get("kv"):
        return Format(stated)
    is_narrow = row.formats.get("weights") in NARROW and "trtllm" in row.stack
    return Format.FP8 if is_narrow else Format.BF16


def bytes_by_kind(row: Measurement) -> dict[Symbol, float]:
    """Bytes of a weight of the kinds that a row states apart."""
    found: dict[Symbol, float] = {}
    if (experts := row.detail.get("experts")) is not None:
        found[q.expert_weight_bytes] = BYTES[experts]
    if (bits := row.number("attention_bits")) is not None:
        found[q.attention_weight_bytes] = bits / 8
    return found


def said_of(row: Measurement, precision: Mapping[str, str]) -> str:
    """The format of the cache that a bound took, and whether it was stated."""
    return f"{precision['kv']}" + ("" if row.formats.get("kv") else ", not stated")
