"""Laws by few numbers: those of values with shares, and the tail of a sum of which three cumulants are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from steptime.model.errors import UserError

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]
Cumulants = tuple[Numbers, Numbers, Numbers]
"""Mean, variance and third cumulant: each adds up over independent parts."""

SHARES_OFF = 1e-6
"""By how much shares may miss one."""

FLAT = 1e-4
"""A skewness below which a law is taken as normal: Pearson's law is then the same to four digits."""

NARROW = 1e-8
"""A deviation over the mean below which a law is too: nothing but rounding is left of its third cumulant."""

NOTHING = 1e-100
"""A deviation that is none, of a law whose mean is none."""


@dataclass(frozen=True)
class Drawn:
    """Numbers that are drawn: ``values``, shape (…, k), each with its share of all draws, ``shares``, shape (k,).

    A law that is not discrete is given by its quantiles at equal steps. Raises UserError where the shares do not sum to
    one, or a value is negative or no number.

    >>> lengths = Drawn.of([100.0, 900.0], [0.75, 0.25])
    >>> float(lengths.moment(1)), round(float(lengths.spread), 2)
    (300.0, 1.33)
    """

    values: Numbers
    shares: Numbers

    def __post_init__(self) -> None:
        if self.shares.ndim != 1 or self.values.shape[-1:] != self.shares.shape:
            raise UserError("each value of a law needs one share of its own")
        if not (self.shares >= 0).all() or not abs(self.shares.sum() - 1) <= SHARES_OFF:
            raise UserError(f"the shares of a law sum to {self.shares.sum():g}, not to one")
        if not (np.isfinite(self.values).all() and (self.values >= 0).all()):
            raise UserError("the values of a law are finite and not below zero")

    @classmethod
    def of(cls, values: Any, shares: Any = (1.0,)) -> "Drawn":
        """From lists or arrays; one value alone has share one."""
        given = np.atleast_1d(np.asarray(values, dtype=float))
        return cls(given, np.atleast_1d(np.asarray(shares, dtype=float)))

    def rows(self, index: Rows) -> "Drawn":
        """Some of the laws, of values of shape (m, k)."""
        return Drawn(self.values[index], self.shares)

    def moment(self, order: int) -> Numbers:
        """The mean of a power, shape (…)."""
        return np.asarray(self.values**order @ self.shares)

    @property
    def cumulants(self) -> Cumulants:
        """Mean, variance and third cumulant, each of shape (…)."""
        return central(self.moment(1), self.moment(2), self.moment(3))

    @property
    def spread(self) -> Numbers:
        """Variance over the squared mean: 0 where all values are alike, 1 of an exponential law."""
        return np.asarray(self.moment(2) / self.moment(1) ** 2 - 1)

    @property
    def lesser(self) -> float:
        """The mean of the lesser of two draws over the mean, of values of shape (k,): 1 where all are alike, ½ of an
        exponential law."""
        order = np.argsort(self.values)
        above = self.shares[order][::-1].cumsum()[::-1]
        return float((np.diff(self.values[order], prepend=0.0) * above**2).sum() / self.moment(1))


def central(first: Numbers, second: Numbers, third: Numbers) -> Cumulants:
    """Mean, variance and third cumulant from raw moments."""
    return first, np.maximum(second - first**2, 0), third - 3 * first * second + 2 * first**3


def beyond(value: Numbers, law: Cumulants) -> Numbers:
    """The chance that a number exceeds ``value``: of Pearson's third law, a gamma law that is shifted, with the same
    mean, variance and third cumulant. All arrays of one shape, or that broadcast.

    An approximation: exact for sums of gamma laws and in the normal limit. A law without variance is its mean.
    Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, 2nd ed., ch. 17.

    >>> import math
    >>> one = np.array(1.0)
    >>> bool(abs(beyond(3 * one, (one, one, 2 * one)) - math.exp(-3)) < 1e-12)
    True
    """
    mean, variance, third = law
    deviation = np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    wide = deviation > np.maximum(NARROW * np.abs(mean), NOTHING)
    skewness = np.where(wide, np.maximum(third, 0) / np.where(wide, deviation, 1.0) ** 3, 0.0)
    standard = (value - mean) / deviation
    shape = 4 / np.maximum(skewness, FLAT) ** 2
    curved = special.gammaincc(shape, np.maximum(shape + standard * np.sqrt(shape), 0))
    return np.asarray(np.where(skewness < FLAT, special.ndtr(-standard), curved))
