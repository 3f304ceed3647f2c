"""What of a search an engine can run: other layouts and variants are counted, not looked at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.choices import EngineName
from steptime.model.engines.command import objection, refusal, runs
from steptime.model.engines.rules import Blocks
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Column, Columns, gathered
from steptime.model.phases.accounts import Accounts
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.variants import Variant

Array = np.ndarray
AT_ONCE = 2**18
"""Rows that are written down at once."""


@dataclass(frozen=True)
class Chosen:
    """Some rows of columns that are not written down."""

    of: Columns
    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, numbers: Array, names: Sequence[str] | None = None) -> Columns:
        """Columns of some of the rows by their numbers among these."""
        return gathered(self.of, self.rows[numbers], names)

    def columns(self) -> Columns:
        """Columns that are worked out where they are asked for."""
        return {name: Column(self, name) for name in self.of}


@dataclass(frozen=True)
class Runnable:
    """Variants and executions that an engine runs, and how many points of a search it refuses."""

    variants: Sequence[Variant]
    columns: Columns
    refused: int


def runnable(
    search: Search, engine: EngineName, accounts: Accounts, variants: Sequence[Variant], layouts: Columns,
    executed: Callable[[Columns], Columns],
) -> Runnable:  # fmt: skip
    """What an engine runs of some layouts, ``executed`` in all ways; raises UserError where that is nothing."""
    assert accounts.transformer is not None, "a search is of an architecture"
    blocks, asked = Blocks.of(accounts.transformer), search.inputs
    objections = [objection(engine, variant.question.inputs, accounts) for variant in variants]
    allowed = [
        one for one, why in zip(variants, objections, strict=True) if why is None and not _same(search, one, blocks)
    ]
    if not allowed:
        raise UserError(f"`engine` {engine}: {next(why for why in objections if why is not None)}")
    rows = np.concatenate([some[runs(engine, gathered(layouts, some), blocks, asked)] for some in _blocks(layouts)])
    if not len(rows):
        first = np.arange(min(AT_ONCE, len(layouts["tp"])))
        said = refusal(engine, gathered(layouts, first), blocks, asked)
        raise UserError(f"`engine` {engine} runs none of the {len(layouts['tp']):,} layouts; of most because {said}")
    written = isinstance(layouts["tp"], np.ndarray)
    columns = executed(gathered(layouts, rows) if written else Chosen(layouts, rows).columns())
    every, kept = points(executed(layouts), variants), points(columns, allowed)
    return Runnable(allowed, columns, (every - kept) * len(search.batches))


def points(columns: Columns, variants: Sequence[Variant]) -> int:
    """Executions on all variants, those left out that are the same as others."""
    if all(not variant.free for variant in variants):
        return len(columns["tp"]) * len(variants)
    blocks = (gathered(columns, some) for some in _blocks(columns))
    return sum(int(np.count_nonzero(one.differs(block))) for block in blocks for one in variants)


def _same(search: Search, variant: Variant, blocks: Blocks) -> bool:
    """Whether a variant without sequence parallelism is tried beside one with it, of a model with experts: it has only
    layouts with tensor-parallel chips, which the engine refuses."""
    apart = not variant.question.inputs.training.sequence_parallel
    return apart and "sequence_parallel" in search.free and blocks.experts > 0


def _blocks(columns: Columns) -> list[Array]:
    number = len(columns["tp"])
    return [np.arange(first, min(first + AT_ONCE, number)) for first in range(0, number, AT_ONCE)]
