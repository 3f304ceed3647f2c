"""Streams of requests for the tests of waiting: laws by a few values, and a group at some load."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from simulated import Served, served

from steptime.model.waiting.waits import Groups

Array = NDArray[np.float64]
QUANTILES = (np.arange(400) + 0.5) / 400
SHAPES = {
    "fixed": (np.array([1.0]), np.array([1.0])),
    "two": (np.array([0.5, 5.5]), np.array([0.9, 0.1])),
    "exponential": (-np.log(1 - QUANTILES), np.full(400, 1 / 400)),
    "heavy": (np.exp(1.2 * ndtri(QUANTILES)), np.full(400, 1 / 400)),
}
"""Values and shares: all alike; one in ten eleven times as long; an exponential and a lognormal one of 400 values."""


def law(shape: str, mean: float) -> tuple[Array, Array]:
    values, shares = SHAPES[shape]
    return values * mean / (values @ shares), shares


@dataclass(frozen=True)
class Stream:
    """A group whose step takes ``base`` + n milliseconds, at a load of which a share is prefill.

    The load is λ(E t_p + G t₁); of a group with few ``places`` it is that over what it can do with all taken.
    """

    base: float
    load: float
    prefilling: float
    prompts: str
    answers: str
    tokens: int = 200
    places: int = 20_000
    requests: int = 100_000

    def __str__(self) -> str:
        work = f"{self.prefilling:.0%} prefill of {self.prompts} prompts, {self.answers} answers"
        return f"{self.base:g} ms and 1 ms each at {self.load:.0%}, {work}, {self.places} places"

    def step(self, number: int) -> float:
        return (self.base + number) * 1e-3

    @property
    def lengths(self) -> tuple[Array, Array]:
        values, shares = law(self.answers, self.tokens)
        return np.maximum(np.rint(values), 1), shares

    @property
    def rate(self) -> float:
        values, shares = self.lengths
        each = 1e-3 if self.places == 20_000 else self.step(self.places) / self.places
        return self.load * (1 - self.prefilling) / (float(values @ shares) * each)

    @property
    def prefills(self) -> tuple[Array, Array]:
        return law(self.prompts if self.prefilling else "fixed", self.load * self.prefilling / self.rate)

    @property
    def groups(self) -> Groups:
        (prefills, prompt_shares), (lengths, output_shares) = self.prefills, self.lengths
        seconds = [self.step(1), self.step(self.places)]
        return Groups.of(
            [1, self.places], [seconds], prefills, lengths, prompt_shares=prompt_shares, output_shares=output_shares
        )

    def simulated(self, seed: int) -> Served:
        rng = np.random.default_rng(seed)
        drawn = [rng.choice(values, self.requests, p=shares) for values, shares in (self.prefills, self.lengths)]
        return served(self.rate, drawn[0], drawn[1], self.step, seed + 1, self.places).settled()
