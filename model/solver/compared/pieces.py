"""Our answer to each case in pieces: the seconds of every operation on every resource, as arrays over the cases.

A bound is a maximum or a sum of these. Beside them stand what our bound does not count and other tools may: bytes that
a step need not move, and numbers of collectives, kernels and layers, each of which may cost a time of its own; and what
operations would take under conventions that others have, as ratios to what they take under ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.choices import Weight
from steptime.model.estimate.groups import REDUCING, kernels_of
from steptime.model.phases.rates import rates
from steptime.model.precision import BYTES
from steptime.model.solver.measured.sheets import AXES, Sheet, sheet_of
from steptime.model.step.case import Case
from steptime.model.step.inputs import Question
from steptime.model.terms import OperationName

Array = np.ndarray
COMPUTE, MEMORY, UP, OUT, FIXED = range(5)
RESOURCES = ("compute", "memory", "scale-up", "scale-out", "start-up")
"""The four that overlap, and time that overlaps with nothing, of which our bound has none."""
LINKS = (UP, OUT)

EMBEDDING, STREAM, MATRICES, STARTS = "input embedding", "residual stream", "matrices of scores", "start-up"
EXTRA = (EMBEDDING, STREAM, MATRICES, STARTS)
"""Operations that the bound does not have: the first three of bytes that a step need not move, the last of time."""
ALL = (*OperationName, *EXTRA)
CONVENTIONS = ("payload", "cache", "format", "unsplit", "mask", "tokens")
CARRYING_16_BITS = REDUCING | {OperationName.COMBINE, OperationName.SLICE_SCATTER, OperationName.SENDS}
"""Collectives whose payload is bf16 whatever the format of activations: partial sums, and the stream."""
KINDS = {OperationName.UNEMBEDDING: Weight.UNEMBEDDING, OperationName.ROUTER: Weight.ROUTER,
         OperationName.NORMS: Weight.ROUTER}  # fmt: skip
"""Operations whose weights a quantised checkpoint mostly keeps in 16 bits."""


@dataclass(frozen=True)
class Pieces:
    """Cases by ``operations`` by resources, in seconds: ``seconds`` as we count; ``added`` what else may be counted,
    each in a place of its own; ``starts`` collectives that start on either tier; ``each`` numbers that a start-up may
    go with; ``ratios`` other conventions over ours; ``rates`` of a chip, by the term that goes with them. ``bound`` is
    our step time."""

    operations: tuple[str, ...]
    seconds: Array
    starts: Array
    added: Mapping[str, Array]
    each: Mapping[str, Array]
    ratios: Mapping[str, Array]
    rates: Mapping[str, Array]
    bound: Array

    def __len__(self) -> int:
        return len(self.bound)

    def at(self, places: Sequence[int] | Array) -> "Pieces":
        """Some of the cases."""
        chosen = np.asarray(places, int)
        added, each, ratios, given = ({name: values[chosen] for name, values in part.items()}
                                      for part in (self.added, self.each, self.ratios, self.rates))  # fmt: skip
        return Pieces(self.operations, self.seconds[chosen], self.starts[chosen], added, each, ratios, given,
                      self.bound[chosen])  # fmt: skip

    def acting(self) -> "Pieces":
        """Only operations that take any time, and those that the bound does not have."""
        kept = [place for place, name in enumerate(self.operations)
                if name in EXTRA or np.any(self.seconds[:, place] > 0) or np.any(self.starts[:, place])]  # fmt: skip
        ratios = {name: ratio[:, kept] for name, ratio in self.ratios.items()}
        return replace(self, operations=tuple(self.operations[place] for place in kept), ratios=ratios,
                       seconds=self.seconds[:, kept], starts=self.starts[:, kept])  # fmt: skip


def joined(parts: Sequence[Pieces]) -> Pieces:
    """The cases of several, one after another."""

    def together(name: str) -> dict[str, Array]:
        maps = [getattr(part, name) for part in parts]
        return {key: np.concatenate([one[key] for one in maps]) for key in maps[0]}

    seconds, starts, bound = (np.concatenate([getattr(part, name) for part in parts])
                              for name in ("seconds", "starts", "bound"))  # fmt: skip
    added, each, ratios, given = (together(name) for name in ("added", "each", "ratios", "rates"))
    return Pieces(parts[0].operations, seconds, starts, added, each, ratios, given, bound)


def asked_alike(question: Question) -> tuple[Any, ...]:
    """What questions have in common that differ in batch and lengths alone, and so share formulas."""
    inputs = question.inputs
    given = tuple(sorted((s.name, None if s in AXES else value) for s, value in inputs.given.items()))
    return given, repr(replace(inputs, given={}))


def sheets_of(questions: Sequence[Question]) -> tuple[Sheet, Sheet | None]:
    """The formulas of questions that are asked alike, at their batches and lengths; and of the same machine without
    sums in the switch, where it has them. Raises UserError where they cannot be used, or lack a figure."""
    first = questions[0]
    every = [question.inputs.given for question in questions]
    columns = {s: np.array([given[s] for given in every], float) for s in first.inputs.given if s in AXES}
    ring = replace(first, hardware=replace(first.hardware, in_switch_reduction=False))
    return sheet_of(first, columns), sheet_of(ring, columns) if first.hardware.in_switch_reduction else None


def pieces_of(sheet: Sheet, ring: Sheet | None, size: int) -> Pieces:
    """Our answer in pieces, at so many points of a sheet."""
    ways = [_of_case(case, size) for case in sheet.ways]
    found = _faster(ways)
    rings = found.seconds if ring is None else _faster([_of_case(case, size) for case in ring.ways]).seconds
    ratio = np.divide(rings, found.seconds, out=np.ones_like(rings), where=found.seconds > 0)
    return replace(found, ratios={**found.ratios, "ring": ratio})


def _faster(ways: Sequence[Pieces]) -> Pieces:
    """Of several ways to copy tokens to experts the faster at every point."""
    if len(ways) == 1:
        return ways[0]
    best = np.argmin([way.bound for way in ways], axis=0)
    chosen = [ways[way].at([place]) for place, way in enumerate(best)]
    return joined(chosen)


def _of_case(case: Case, size: int) -> Pieces:
    def of(expr: Expr | float) -> Array:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(case.scenario.evaluate(sympy.sympify(expr)), float), size)

    shape = (size, len(ALL), len(RESOURCES))
    seconds, starts = np.zeros(shape), np.zeros(shape)
    for line in case.operations:
        step, place = rates.step([line]), ALL.index(line.name)
        for resource, term in enumerate(step.terms):
            if term.work != 0 or term.starts != 0:
                seconds[:, place, resource] += of(term.time)
                starts[:, place, resource] += of(term.starts)
    model = case.accounts.transformer
    # A collective that crosses both tiers starts on both at the same time.
    calls = np.maximum(starts[:, :, UP], starts[:, :, OUT]).sum(axis=1)
    each = {"step": np.ones(size), "collective": calls, "kernel": np.zeros(size), "layer": np.zeros(size)}
    added = dict.fromkeys((EMBEDDING, STREAM, MATRICES), np.zeros(size))
    ratios = {name: np.ones(shape) for name in CONVENTIONS}
    if model is not None:
        stages = float(case.layout.pp)
        each |= {"kernel": np.full(size, kernels_of(model) * stages), "layer": np.full(size, float(len(model.layers)))}
        added = {name: of(expr / rates.memory) for name, expr in _bytes(case, model).items()}
        ratios |= _ratios(case, model, of, shape)
    given = {name: of(rate) if has else np.zeros(size) for name, (rate, has) in {
        "memory": (rates.memory, True), "interconnect": (rates.scale_up, bool(calls.any())),
    }.items()}  # fmt: skip
    return Pieces(ALL, seconds, starts, added, each, ratios, given, of(q.step_time))


def _bytes(case: Case, model: Transformer) -> dict[str, Expr]:
    """Bytes that a step need not move: the whole input embedding on every chip, the residual stream once a layer, and
    the score of every token with every token, masked ones too, once."""
    wide = BYTES[case.precision["activations"]]
    d, cached = case.layout.degrees, [mixer for mixer in model.mixers if mixer[0].cache_elements]
    pairs = sympy.Add(*[s.share * s.tokens * (s.tokens + s.cached) for s in case.phase.streams])
    heads = sum(number * mixer.heads for mixer, number in cached)
    return {
        EMBEDDING: model.embedding * case.plan.bytes_of(Weight.EMBEDDING),
        STREAM: len(model.layers) * model.width * q.group_tokens * wide,
        MATRICES: heads * pairs * q.rank_batch / (d.tp * d.cp) * wide,
    }


def _ratios(case: Case, model: Transformer, of: Any, shape: tuple[int, int, int]) -> dict[str, Array]:
    """What operations take under another convention, over what they take under ours."""
    found = {name: np.ones(shape) for name in CONVENTIONS}
    at = ALL.index
    reducing = [at(name) for name in CARRYING_16_BITS]
    found["payload"][:, reducing, UP : OUT + 1] = BYTES[case.precision["activations"]] / BYTES["bf16"]
    found["cache"][:, at(OperationName.SCORES), MEMORY] = BYTES["bf16"] / of(q.bytes_per_kv)
    usual = BYTES[case.precision["weights"]]
    for name, kind in KINDS.items():
        found["format"][:, at(name), MEMORY] = usual / of(case.plan.bytes_of(kind))
    found["unsplit"][:, at(OperationName.UNEMBEDDING), MEMORY] = float(case.layout.tp)
    every = sympy.Add(*[s.share * s.tokens * (s.tokens + s.cached) for s in case.phase.streams])
    found["mask"][:, at(OperationName.SCORES), COMPUTE] = of(every / case.phase.pairs) if case.phase.tokens != 1 else 1
    found["tokens"][:, at(OperationName.UNEMBEDDING), COMPUTE] = of(case.phase.tokens / case.phase.predicted)
    return found
