"""Which term binds over batch and context, and the boundaries between."""

from typing import TYPE_CHECKING

import numpy as np
from sympy import Eq, Symbol

from steptime.model import symbols as q
from steptime.model.choices import TermName
from steptime.model.errors import UserError
from steptime.model.phases.memory import available
from steptime.model.plot.over_batch import batches
from steptime.model.plot.scenes import about, must_be_known, shown_terms
from steptime.model.plot.shapes import Array, Axis, Curve, Regions
from steptime.model.quantity import latex, lookup
from steptime.model.solver.crossover import PAIRS, find_crossover, least_value
from steptime.model.step.case import TERMS, Case

if TYPE_CHECKING:
    from steptime.model.api.step import Step

CELLS = 200
LINE = 3000
"""Points of a boundary."""
HALVINGS = 40
EQUAL = 1e-6
"""Terms that differ by less, relative, are equal."""
SHORTEST, LONGEST = 100.0, 1e6


def regimes(step: "Step") -> Regions:
    """The term that binds at each batch and context (prompt, sequence), at the mean load; the boundaries are the
    closed forms of the crossovers over the batch, as far as no third term is larger there."""
    must_be_known(step.case)
    case = step.case.relaxed
    over = case.length
    whole, here = batches(step), float(case.scenario.evaluate(over))
    xs = np.geomspace(whole[0], max(whole[-1], 4096.0), CELLS)
    sane = lookup(over.name).sane
    ys = np.geomspace(max(SHORTEST, least_value(case, over)), min(sane[1], max(LONGEST / 5, 4 * here)), CELLS)
    there = case.changed({q.batch: np.repeat(xs, len(ys)), over: np.tile(ys, len(xs))})
    named = list(shown_terms(case))
    times = [np.broadcast_to(there.scenario.evaluate(case.resources[name]), len(xs) * len(ys)) for name in named]
    which = np.argmax(np.stack(times), axis=0).reshape(len(xs), len(ys))
    return Regions(
        "regimes", f"Which term binds over batch and {over.name}", about(step.case, q.batch, over),
        Axis("batch, sequences in flight"), Axis(f"{over.name}, tokens"), xs, ys, tuple(str(name) for name in named),
        which, tuple(boundaries(case, xs, ys)), _fits(step.case, xs, ys),
    )  # fmt: skip


def boundaries(case: Case, xs: Array, ys: Array) -> list[Curve]:
    """Where two terms are equal and none is larger, by the closed form of the crossover, over the batch or over the
    context, whichever is the longer; where there is none, as in a mixture that reads the experts it touches, by
    roots."""
    found, shown = [], shown_terms(case)
    for pair in (pair for pair in PAIRS if {*pair} <= shown.keys()):
        ways = (_along(case, pair, q.batch, xs, ys), _along(case, pair, case.length, ys, xs))
        batch, context, form = max(ways, key=lambda way: np.isfinite(way[0]).sum())
        if known := np.flatnonzero(np.isfinite(batch)).tolist():
            cut = slice(known[0], known[-1] + 1)
            name = f"{pair[0]} = {pair[1]}" + (", numeric: no closed form" if form is None else "")
            formula = "" if form is None else latex(form)
            found.append(Curve(name, batch[cut], context[cut], formula=formula))
    return found


def _along(
    case: Case, pair: tuple[TermName, TermName], over: Symbol, within: Array, ends: Array
) -> tuple[Array, Array, Eq | None]:
    """Batches and contexts at which two terms are equal and none is larger: one quantity, ``over``, solved for within
    limits at values of the other; not a number where that fails. And the closed form, where there is one."""
    other = case.length if over == q.batch else q.batch
    at = np.geomspace(ends[0], ends[-1], LINE)

    def where(root: Array) -> tuple[Array, Array]:
        inside = np.isfinite(root) & (root >= within[0]) & (root <= within[-1])
        root = np.where(inside, root, within[0])
        batch, context = (root, at) if over == q.batch else (at, root)
        kept = inside & _binds(case, pair, batch, context)
        return np.where(kept, batch, np.nan), np.where(kept, context, np.nan)

    try:
        form = find_crossover(case, *pair, over).closed_form
    except UserError:  # neither depends on it
        return (nothing := np.full(LINE, np.nan)), nothing, None
    if form is not None:
        with np.errstate(all="ignore"):
            found = where(np.broadcast_to(case.changed({other: at}).scenario.evaluate(form.rhs), at.shape))
        if np.isfinite(found[0]).any():
            return *found, form
    return *where(_roots(case, pair, over, within, at)), None


def _roots(case: Case, pair: tuple[TermName, TermName], over: Symbol, within: Array, at: Array) -> Array:
    """For each value of the other quantity the least of this one at which two terms are equal; not a number where there
    is none. By halving the interval between two values over and over, for all at once."""
    other, (first, second) = case.length if over == q.batch else q.batch, pair

    def height(values: Array) -> Array:
        there = case.changed({over: values.ravel(), other: np.broadcast_to(at, values.shape).ravel()}).scenario
        found = np.asarray(there.evaluate(case.resources[first]) - there.evaluate(case.resources[second]))
        return np.broadcast_to(found, (values.size,)).reshape(values.shape)

    signs = np.sign(height(np.broadcast_to(within[:, None], (len(within), len(at)))))
    changes = signs[:-1] * signs[1:] < 0
    place = np.argmax(changes, axis=0)
    low, high, below = within[place], within[place + 1], signs[place, np.arange(len(at))]
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        left = np.sign(height(middle)) == below
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return np.where(changes.any(axis=0), low, np.nan)


def _binds(case: Case, pair: tuple[TermName, TermName], batch: Array, context: Array) -> Array:
    """Whether two terms are equal and the largest."""
    there = case.changed({q.batch: batch, case.length: context}).scenario
    first, second = (np.broadcast_to(there.evaluate(case.resources[name]), batch.shape) for name in pair)
    largest = np.max([np.broadcast_to(there.evaluate(case.resources[name]), batch.shape) for name in TERMS], axis=0)
    kept: Array = np.isclose(first, second, rtol=EQUAL) & (first >= largest * (1 - EQUAL))
    return kept


def _fits(case: Case, xs: Array, ys: Array) -> Array:
    """Whether the fullest chip has room, with whole sequences on it; true where no capacity is known."""
    room = case.number(available)
    if room is None or case.number(q.memory_per_chip) is None:
        return np.ones((len(xs), len(ys)), bool)
    there = case.scenario | {q.batch: np.repeat(np.floor(xs), len(ys)), case.length: np.tile(ys, len(xs))}
    held = np.broadcast_to(there.evaluate(q.memory_per_chip), len(xs) * len(ys))
    return np.asarray(held <= room).reshape(len(xs), len(ys))
