"""Factors of changes from a tool's answers, with their intervals and the error on cases left out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import nnls
from scipy.stats import t as student

from steptime.model.solver.compared.changes import Change, Kind
from steptime.model.solver.compared.pieces import Array, Pieces
from steptime.model.solver.compared.predicted import predicted

FOLDS = 20
"""Cases are left out one by one; of more than so many, in so many parts."""
CONFIDENCE = 0.95
EXACT = 1e-3
"""Below this error the answers' own digits decide; no more is explained."""
DECIDED = 4.0
"""A factor is decided where its interval is narrower, high over low."""
FAR = 40.0
"""The largest logarithm of an interval's end over its factor."""
STEPS, SHORTEST, CLOSE, LEAST = 30, 0.02, 1e-6, 1e-12
"""Most steps of a fit, the least share of one, the change or gain at which it ends, and the least factor."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A tool's answers explained by some changes, of so many ``choices``: the factors of the free ones, in their
    order."""

    pieces: Pieces
    answers: Array
    changes: tuple[Change, ...]
    logs: Array
    choices: int

    @property
    def factors(self) -> Array:
        return np.asarray(np.exp(self.logs))

    @cached_property
    def _at(self) -> tuple[Array, Array]:
        return predicted(self.pieces, self.changes, self.factors)

    @property
    def times(self) -> Array:
        return self._at[0]

    @property
    def residuals(self) -> Array:
        """ln of the explained over the tool's answer."""
        return np.asarray(np.log(self.times / self.answers))

    @property
    def squares(self) -> float:
        return float(self.residuals @ self.residuals)

    @property
    def left(self) -> float:
        """Median |explained/answer - 1|."""
        return float(np.median(np.abs(self.times / self.answers - 1)))

    @property
    def information(self) -> float:
        """Schwarz' criterion as Chen and Chen extend it to p of M terms (Biometrika 95, 2008), up to a constant:
        n ln(S/n) + p ln n + 2 p ln M for normal errors of ln t, with EXACT as the least error. A convention has no
        number, and costs its choice alone; against a factor far from one speaks (ln c / ln 2)^2, as for normal ln c of
        that deviation."""
        size = len(self.answers)
        far = sum(float(log) ** 2 for log, change in zip(self.logs, self.free, strict=True)
                  if change.kind == Kind.FACTOR)  # fmt: skip
        cost = len(self.free) * math.log(size) + 2 * len(self.changes) * math.log(self.choices)
        return size * math.log(self.squares / size + EXACT**2) + cost + far / math.log(2) ** 2

    @property
    def free(self) -> list[Change]:
        """The changes whose factors were found."""
        return [change for change in self.changes if change.is_free]

    @property
    def is_decided(self) -> bool:
        """Whether the cases decide every factor: its interval's ends are less than DECIDED apart."""
        return all(high < DECIDED * low for low, high in self.intervals)

    @property
    def is_possible(self) -> bool:
        """Whether every factor lies within the limits of its change."""
        limits = [change.limits for change in self.free]
        return all(low <= factor <= high for factor, (low, high) in zip(self.factors, limits, strict=True))

    @cached_property
    def left_out(self) -> float:
        """Root mean square of ln(explained/answer) on cases that the factors were not fitted to."""
        size = len(self.answers)
        if not self.logs.size:
            return math.sqrt(self.squares / size)
        total, folds = 0.0, np.arange(size) % min(size, FOLDS)
        for fold in range(min(size, FOLDS)):
            kept, gone = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            logs = solved(self.pieces.at(kept), self.answers[kept], [c.of(kept) for c in self.changes], self.logs)
            times, _ = predicted(self.pieces.at(gone), [c.of(gone) for c in self.changes], np.exp(logs))
            total += float(np.sum(np.log(times / self.answers[gone]) ** 2))
        return math.sqrt(total / size)

    @cached_property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """Of each factor, from the slopes at the fit and Student's t at 95 %; from zero to infinity where the cases do
        not decide it."""
        slopes, free = self._at[1], len(self.answers) - self.logs.size
        if not self.logs.size:
            return ()
        if free <= 0 or np.linalg.matrix_rank(slopes) < self.logs.size:
            return ((0.0, math.inf),) * self.logs.size
        spread = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)) * self.squares / free)
        wide = np.minimum(student.ppf((1 + CONFIDENCE) / 2, free) * spread, FAR)
        return tuple((float(low), float(high)) for low, high in np.exp(self.logs + np.outer([-1, 1], wide)).T)

    def with_change(self, change: Change, close: float = CLOSE) -> "Fitted":
        """With one change more; the others start from where they are."""
        start = [*self.logs, self._start(change)] if change.is_free else list(self.logs)
        return fitted(self.pieces, self.answers, (*self.changes, change), np.array(start), self.choices, close)

    def but(self, place: int) -> "Fitted":
        """Without one of the changes."""
        free = [number for number, change in enumerate(self.changes) if change.is_free]
        logs = np.array([log for number, log in zip(free, self.logs, strict=True) if number != place])
        return fitted(
            self.pieces, self.answers, (*self.changes[:place], *self.changes[place + 1 :]), logs, self.choices
        )

    def settled(self) -> "Fitted":
        """The same, fitted to the last digit."""
        return fitted(self.pieces, self.answers, self.changes, self.logs, self.choices)

    def _start(self, change: Change) -> float:
        """Where a free change begins: a factor at one; a time at what is missing, as far as it is in proportion."""
        if change.kind == Kind.FACTOR:
            return 0.0
        column = self.pieces.starts.sum(axis=(1, 2)) if change.column is None else change.column
        missing, weight = (self.answers - self.times) / self.answers, column / self.answers
        low, high = change.limits
        return math.log(min(high, max(low, float(missing @ weight / (weight @ weight)))))


def fitted(
    pieces: Pieces, answers: Array, changes: Sequence[Change], start: Array, choices: int, close: float = CLOSE
) -> Fitted:
    """The changes with the factors that leave least squares of ln t."""
    return Fitted(pieces, answers, tuple(changes), solved(pieces, answers, changes, start, close), choices)


def solved(pieces: Pieces, answers: Array, changes: Sequence[Change], start: Array, close: float = CLOSE) -> Array:
    """ln of the factors that leave least squares of ln(explained/answer): Gauss and Newton's method, each step a linear
    problem whose factors may not be negative, since times are linear in each wherever the same pieces set the pace.

    Half of a step is taken where the whole would make things worse.
    """
    if not len(start):
        return np.zeros(0)
    factors = np.exp(start)
    times, slopes = predicted(pieces, changes, factors)
    squares = _squares(times, answers)
    for _ in range(STEPS):
        wanted, _ = nnls(slopes, np.log(answers / times) + slopes.sum(axis=1))
        before, share = squares, 1.0
        if np.max(np.abs(wanted - 1)) < close:
            break
        while share > SHORTEST:
            moved = np.maximum(factors * (1 + share * (wanted - 1)), LEAST)
            times, slopes = predicted(pieces, changes, moved)
            if (squares := _squares(times, answers)) < before:
                factors = moved
                break
            share /= 2
        if share <= SHORTEST or squares > before * (1 - close):
            break
    return np.asarray(np.log(factors))


def _squares(times: Array, answers: Array) -> float:
    return float(np.sum(np.log(times / answers) ** 2))
