"""Designs whose points are worked out by their number: Sobol sequences and Latin hypercubes in the unit cube.

Nothing is stored but what a few bits need, so that any piece of 2^30 points costs what it has itself.
"""

import warnings
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.stats import qmc

Array = np.ndarray
MOST_POINTS = 2**30
"""Points of a design: SciPy's sequences have 30 bits."""
BITS = 30
TABLE = 2**14
"""Points of a sequence that are kept; all others are these with some bits turned."""
ROUNDS = 4
"""Rounds of the permutation; four of pseudo-random functions make one that no few evaluations tell from a random one
(Luby and Rackoff 1988)."""


@cache
def _sequence(dimensions: int, length: int, seed: int) -> tuple[Array, Array]:
    """The first points of a scrambled Sobol sequence, and the bits that each of so many binary digits of a number
    turns: whole numbers below 2^30, a row each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a number of points that is no power of two
        first = _whole(qmc.Sobol(dimensions, rng=seed, bits=BITS).random(TABLE))
        digits = []
        engine, at = qmc.Sobol(dimensions, rng=seed, bits=BITS), 0
        for digit in range(length):
            number = 2 ** (digit + 1) - 1  # whose Gray code has this digit alone
            engine.fast_forward(number - at)
            digits.append(_whole(engine.random(1))[0] ^ first[0])
            at = number + 1
    return first, np.array(digits)


def _whole(points: Array) -> Array:
    return np.rint(points * 2.0**BITS).astype(np.int64)


@dataclass(frozen=True)
class Sobol:
    """The first ``size`` points of a scrambled Sobol sequence (Joe and Kuo 2008, as in SciPy), by number.

    The n-th point is the exclusive or of one whole number for each digit of n's Gray code; so a piece that begins at a
    multiple of a power of two is the first piece with some bits turned.

    >>> Sobol(2, 16, 1).points(8, 10).shape
    (2, 2)
    """

    dimensions: int
    size: int
    seed: int

    def points(self, start: int, stop: int) -> Array:
        """Points from ``start`` to before ``stop``, a row each."""
        length = (self.size - 1).bit_length()
        first, digits = _sequence(self.dimensions, length, self.seed)
        found = np.empty((stop - start, self.dimensions), np.int64)
        at = start
        while at < stop:
            begin = at - at % TABLE
            end = min(stop, begin + TABLE)
            code = begin ^ (begin >> 1)
            turned = np.bitwise_xor.reduce([digits[digit] for digit in range(length) if code >> digit & 1]
                                           or [np.zeros(self.dimensions, np.int64)], axis=0)  # fmt: skip
            found[at - start : end - start] = first[at - begin : end - begin] ^ turned
            at = end
        return found / 2.0**BITS


@dataclass(frozen=True)
class Latin:
    """A Latin hypercube of ``size`` points: in each dimension one point in each of as many equal slices, at a place in
    it drawn by a hash. Which slice is a permutation of the points' numbers, worked out by number: a Feistel network on
    the least number of bits, walked until it lands below ``size``.

    >>> sorted((Latin(1, 5, 0).points(0, 5)[:, 0] * 5).astype(int).tolist())
    [0, 1, 2, 3, 4]
    """

    dimensions: int
    size: int
    seed: int

    @cached_property
    def _halves(self) -> tuple[int, int]:
        bits = max(2, (self.size - 1).bit_length())
        return bits // 2, bits - bits // 2

    def points(self, start: int, stop: int) -> Array:
        """Points from ``start`` to before ``stop``, a row each."""
        numbers = np.arange(start, stop, dtype=np.uint64)
        found = np.empty((stop - start, self.dimensions))
        for dimension in range(self.dimensions):
            key = self.seed * 1_000_003 + dimension
            inside = (mixed(numbers, 2 * key + 1) >> np.uint64(11)) * 2.0**-53
            found[:, dimension] = np.minimum((self.slices(numbers, key) + inside) / self.size, 1 - 2.0**-53)
        return found

    def slices(self, numbers: Array, key: int) -> Array:
        """A permutation of the whole numbers below ``size``."""
        found = self._turned(numbers, key)
        while len(outside := np.flatnonzero(found >= np.uint64(self.size))):
            found[outside] = self._turned(found[outside], key)
        return found

    def _turned(self, numbers: Array, key: int) -> Array:
        """A permutation of all numbers of as many bits: halves of them change places, one mixed into the other."""
        low, high = self._halves
        right, left = numbers & np.uint64(2**low - 1), numbers >> np.uint64(low)
        for turn in range(ROUNDS):
            left, right = right, left ^ (mixed(right, (2 * key) * ROUNDS + turn) & np.uint64(2**high - 1))
            low, high = high, low
        return left << np.uint64(low) | right


def mixed(numbers: Array, key: int) -> Array:
    """A hash of whole numbers: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        found = numbers + np.uint64((key * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
        found = (found ^ found >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ found >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return found ^ found >> np.uint64(31)
