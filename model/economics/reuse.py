"""When a KV cache is asked for again, and what that makes a held cache cost at each age.

A cache that is asked for with hazard h (chance per second, of those not asked for so far) costs r + h·f per second in a
choice that holds it for r dollars per second and brings it back for f. At hold time 1/h the same choice is cheapest as
costs r/h + f. Where h never rises, 1/h never falls, and the cheapest choice only moves on to lower rates, outwards.

So the distributions here are those whose hazard does not rise: exponential, Weibull of shape at most 1, Lomax. A share
1 - ρ that is never asked for keeps it so: the hazard is h·w with w = ρ·s/(1 - ρ + ρ·s), the chance that a cache not
asked for until now ever will be, and w falls as s does. (Mixtures in general: Proschan 1963, Technometrics 5(3).)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, expm1, inf, isinf, log, log1p

import sympy
from sympy import Expr

from steptime.model.economics import cache
from steptime.model.errors import UserError
from steptime.model.numeric import compiled
from steptime.model.symbols import (
    hold_time,
    reuse_age,
    reuse_scale,
    reuse_shape,
)

CUMULATIVE: Mapping[str, Expr] = {
    "exponential": reuse_age / reuse_scale,
    "weibull": (reuse_age / reuse_scale) ** reuse_shape,
    "lomax": reuse_shape * sympy.log(1 + reuse_age / reuse_scale),
}
"""Minus the logarithm of the share not asked for until some age, of the caches that ever are."""

HAZARD: Mapping[str, Expr] = {name: sympy.diff(past, reuse_age) for name, past in CUMULATIVE.items()}
"""Chance per second at some age, where every cache is asked for in the end."""


tier_rate: Expr = cache.hold / hold_time
"""Dollars per second that a token's cache costs in a tier."""


SANE = {"time": (1e-6, 1e15), "share": (1e-9, 1e30), "shape": (1e-9, 1e30)}
"""Seconds, shares and shapes beyond which a number is a slip."""

LEAST_SHAPE, MOST_SHAPE = 0.05, 1e6
"""Weibull's mean is Γ(1 + 1/shape) scales: 10^18 of them at the least shape."""

MOST_GROWN = 600.0
"""Logarithm of the longest age over the scale that is still told from never."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "exponential": ("mean",), "weibull": ("shape", "scale"), "lomax": ("shape", "scale"),
}  # fmt: skip
"""The numbers of each distribution, beside the share that is ever asked for."""


@dataclass(frozen=True)
class Reuse:
    """The time after which a cache is asked for, seconds; ``share`` of all caches ever are.

    ``scale`` is the mean of an exponential distribution. The hazard must not rise: a Weibull's shape is at most 1.

    >>> Reuse("lomax", scale=300.0, shape=1.5).hazard(0.0)
    0.005
    """

    name: str
    scale: float
    shape: float = 1.0
    share: float = 1.0

    def past(self, age: float) -> float:
        """Cumulative hazard of the caches that are ever asked for."""
        return float(compiled(CUMULATIVE[self.name], _over)(age, self.shape, self.scale))

    def survival(self, age: float) -> float:
        """Share of all caches not asked for until some age; 1 - share at any age too large."""
        return 1 - self.share + self.share * exp(-self.past(age))

    def hazard(self, age: float) -> float:
        """Chance per second at a positive age that a cache is asked for, of those not asked for until then."""
        alone = float(compiled(HAZARD[self.name], _over)(age, self.shape, self.scale))
        if self.share == 1:
            return alone  # also where so few are left that their share is no longer a number
        left = self.share * exp(-self.past(age))
        return alone * left / (1 - self.share + left)

    def returned(self, start: float, end: float) -> float:
        """Share of all caches that are asked for between two ages."""
        return self.share * (exp(-self.past(start)) - (0.0 if isinf(end) else exp(-self.past(end))))

    def held(self, start: float, end: float) -> float:
        """Expected seconds, of any cache, between two ages and before it is asked for; may be infinite.

        >>> Reuse("exponential", scale=600.0).held(0.0, inf), Reuse("exponential", 600.0, share=0.5).held(0.0, inf)
        (600.0, inf)
        """
        never = (1 - self.share) * (end - start) if self.share < 1 else 0.0
        until = self._mean_until(end)
        return never + (inf if isinf(until) else self.share * (until - self._mean_until(start)))

    def _mean_until(self, age: float) -> float:
        """Expected seconds until a cache that is ever asked for is, or is of this age."""
        if self.name == "lomax":
            grown, power = log1p(age / self.scale), 1 - self.shape
            if isinf(age):
                return self.scale / -power if power < 0 else inf
            return self.scale * (expm1(power * grown) / power if power else grown)
        from scipy.special import gamma, gammainc  # only where reuse is asked for: SciPy takes half a second to load

        return float(
            self.scale * gamma(1 + 1 / self.shape) * gammainc(1 / self.shape, (age / self.scale) ** self.shape)
        )

    @property
    def first(self) -> float:
        """One over the hazard of a cache just used: the hold time for which its first place is chosen."""
        if self.name == "weibull" and self.shape < 1:
            return 0.0
        return self.scale / self.share / (self.shape if self.name == "lomax" else 1.0)

    def age(self, time: float) -> float:
        """The age from which on one over the hazard is over a hold time: 0 where it always is, infinite where never.

        In closed form where all caches return, or times are exponential; else by a bracketed root.

        >>> Reuse("exponential", scale=600.0).age(700.0), Reuse("lomax", scale=300.0, shape=1.5).age(1000.0)
        (inf, 1200.0)
        """
        if time <= self.first:
            return 0.0
        # At most the share that ever returns is still to come: the hazard is at most that much of the one without it.
        latest = self._age_alone(time * self.share)
        if self.share == 1 or latest == 0:
            return latest
        if self._constant:
            return self.scale * log(self.share * (time - self.scale) / ((1 - self.share) * self.scale))
        return self._root(time, latest)

    @property
    def _constant(self) -> bool:
        """Whether caches that return do so with one hazard at every age."""
        return self.name == "exponential" or (self.name == "weibull" and self.shape == 1)

    def _age_alone(self, time: float) -> float:
        """The age at which the hazard of the caches that return is one over a hold time."""
        if self._constant:
            return inf
        if self.name == "lomax":
            return self.shape * time - self.scale
        grown = log(self.shape * time / self.scale) / (1 - self.shape)
        return self.scale * exp(grown) if grown < MOST_GROWN else inf

    def _root(self, time: float, latest: float) -> float:
        """The age at which the hazard is one over a hold time, not after ``latest``: sought in its logarithm."""
        from scipy.optimize import brentq

        def gap(grown: float) -> float:
            return log(max(time * self.hazard(self.scale * exp(grown)), 1e-300))

        high, below = MOST_GROWN if isinf(latest) else log(latest / self.scale), 1.0
        while gap(high) > 0:  # by rounding: nearly all are left at that age
            high += 1e-6
        while gap(high - below) <= 0:
            below *= 2
            if high - below < -MOST_GROWN:
                return 0.0  # as near to the first moment as numbers can tell
        return self.scale * exp(float(brentq(gap, high - below, high, xtol=1e-13)))


_over = (reuse_age, reuse_shape, reuse_scale)


def checked(reuse: Reuse) -> Reuse:
    """The distribution, where its numbers have a meaning; raises UserError for a hazard that rises, and for slips."""
    name, shape, share = reuse.name, reuse.shape, reuse.share
    for key, value in (("time", reuse.scale), ("shape", shape), ("share", share)):
        least, most = SANE[key]
        if not least <= value <= most:
            raise UserError(f"`reuse` {name}: {key} {value:g} is outside the sane range {least:g} to {most:g}")
    if share > 1:
        raise UserError(f"`reuse` share={share:g}: a share of all caches is at most 1")
    if name == "weibull" and shape > 1:
        raise UserError(
            f"`reuse` shape={shape:.12g}: a Weibull's shape must be at most 1. Above it the hazard rises: the longer a "
            "cache has lain, the sooner it is asked for, and it would have to move back; that is not modelled"
        )
    if not LEAST_SHAPE <= shape <= MOST_SHAPE:
        raise UserError(f"`reuse` shape={shape:g}: must be between {LEAST_SHAPE:g} and {MOST_SHAPE:g}")
    return reuse
