"""Every layout of a model on so many chips, as columns of whole numbers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
from sympy import divisors

from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Transformer
from steptime.model.choices import Split
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout

DEGREES = ("tp", "cp", "dp", "ep", "pp", "replicas")
MOST_LAYOUTS = 2_000_000
"""Layouts that are written down for one search: some seconds."""
Columns = dict[str, Any]
"""Arrays by name, or what gives some rows as they do."""


def layouts(model: Transformer, chips: Sequence[int], fixed: Mapping[str, int | str] | None = None) -> Columns:
    """All possible layouts, one a row: a column for each degree, ``ffn_all`` 0 or 1, and ``chips``.

    ``fixed`` degrees are held. Raises UserError where nothing is possible, or too much.

    >>> from steptime.model.catalog.transformers import load_transformer
    >>> len(layouts(load_transformer("llama-3.1-70b"), [8])["tp"])
    60
    """
    every = ((*row, number) for number in chips for row in _rows(model, number) if not fixed or _as_fixed(row, fixed))
    rows = list(islice(every, MOST_LAYOUTS + 1))
    if len(rows) > MOST_LAYOUTS:
        raise UserError(f"more than {MOST_LAYOUTS:,} layouts: give fewer `chips`, or hold some degrees with `layout`")
    if not rows:
        held = f" with {', '.join(f'{key}={value}' for key, value in fixed.items())}" if fixed else ""
        raise UserError(f"`chips` {', '.join(map(str, chips))}: {model.name} has no layout on so many chips{held}")
    table = np.array(rows, dtype=float)
    return {name: table[:, place] for place, name in enumerate((*DEGREES, "ffn_all", "chips"))}


def one_split(chips: int) -> Columns:
    """The one layout of a model that is split perfectly: tensor parallel over all chips."""
    row = dict.fromkeys(DEGREES, 1) | {"tp": chips, "ffn_all": 0, "chips": chips}
    return {name: np.array([value], dtype=float) for name, value in row.items()}


def layout_of(columns: Columns, row: int) -> Layout:
    """One row as a layout."""
    tp, cp, dp, ep, pp, replicas = (int(columns[name][row]) for name in DEGREES)
    return Layout(tp, cp, dp, ep, pp, replicas, Split.STAGE if columns["ffn_all"][row] else Split.TENSOR)


def _as_fixed(row: tuple[int, ...], fixed: Mapping[str, int | str]) -> bool:
    named = dict(zip(DEGREES, row, strict=False)) | {"ffn": Split.STAGE if row[-1] else Split.TENSOR}
    return all(named.get(key, value) == value for key, value in fixed.items())


def _rows(model: Transformer, chips: int) -> Iterator[tuple[int, ...]]:
    """tp divides the heads, each stage has a layer, ep divides the chips of a stage and leaves each an expert.

    Dense blocks over the whole stage differ from tp alone only where a stage has more chips and the model such blocks.
    """
    dense = any(
        isinstance(block, DenseFeedForward) or block.shared_intermediate
        for layer in model.kinds
        for block in layer.feed_forward
        if isinstance(block, DenseFeedForward | ExpertFeedForward)
    )
    for tp in _divisors(chips):
        if any(heads % tp for heads in model.heads):
            continue
        for pp in _divisors(chips // tp):
            if pp > len(model.layers):
                continue
            for replicas in _divisors(chips // tp // pp):
                for cp in _divisors(chips // tp // pp // replicas):
                    dp = chips // tp // pp // replicas // cp
                    for ep in _divisors(tp * cp * dp) if model.experts else (1,):
                        if ep <= max(1, model.experts):
                            for ffn_all in (0, 1) if dense and cp * dp > 1 else (0,):
                                yield tp, cp, dp, ep, pp, replicas, ffn_all


@cache
def _divisors(number: int) -> tuple[int, ...]:
    return tuple(divisors(number))
