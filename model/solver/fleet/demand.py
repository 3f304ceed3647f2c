"""What is asked of a fleet: classes of requests, machines that may serve them, limits, and what is minimised."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from steptime.model.catalog.hardware import Hardware
from steptime.model.phases.accounts import Model
from steptime.model.step.inputs import Inputs

HOUR = 3600.0


class Goal(StrEnum):
    """What is minimised; tokens are maximised, all classes growing in the proportion of their rates."""

    DOLLARS = "dollars"
    POWER = "power"
    CHIPS = "chips"
    TOKENS = "tokens"


class Role(StrEnum):
    """What a group of chips does: whole requests, their prompts alone, their answers alone, or those with attention on
    some chips and experts on others."""

    TOGETHER = "together"
    PREFILL = "prefill"
    DECODE = "decode"
    APART = "apart"

    @property
    def part(self) -> "Role":
        """The part of a request: whole, its prompt, or its answer."""
        return Role.DECODE if self == Role.APART else self

    @property
    def said(self) -> str:
        return "attention and experts apart" if self == Role.APART else str(self)


@dataclass(frozen=True)
class Law:
    """A length in tokens: values, and the share of requests that have each.

    >>> law = Law((100.0, 900.0), (0.75, 0.25))
    >>> law.mean, law.second
    (300.0, 210000.0)
    """

    values: tuple[float, ...]
    shares: tuple[float, ...] = (1.0,)

    @property
    def mean(self) -> float:
        return sum(value * share for value, share in zip(self.values, self.shares, strict=True))

    @property
    def second(self) -> float:
        """The mean of its square."""
        return sum(value**2 * share for value, share in zip(self.values, self.shares, strict=True))


@dataclass(frozen=True)
class Requests:
    """One class: ``rates`` of requests a second, one for each period of a day; a law of prompts and of answers.

    ``cached``: share of each prompt that a prefix cache holds already. ``max_ttft`` and ``max_tpot``, seconds, hold for
    the share ``percentile`` of requests, and of tokens. ``wait``: periods by which its requests may be put off.
    ``inputs``: formats of the model. ``price_in``, ``price_out``: dollars a token that its users pay.
    """

    name: str
    model: Model
    inputs: Inputs
    rates: tuple[float, ...]
    prompt: Law
    output: Law
    cached: float = 0.0
    max_ttft: float | None = None
    max_tpot: float | None = None
    percentile: float = 0.95
    wait: int = 0
    price_in: float | None = None
    price_out: float | None = None

    @property
    def rate(self) -> float:
        """Requests a second, the mean over the day."""
        return sum(self.rates) / len(self.rates)

    @property
    def steps(self) -> float:
        """Decode steps of a request, the mean: its prefill gives the first token."""
        return self.output.mean - 1

    @property
    def context(self) -> float:
        """Tokens before a decode step, the mean over steps, to a whole one: E[P] + E[G (G - 1)]/(2 E[G - 1]).

        >>> from steptime.model.step.inputs import Inputs
        >>> Requests("a", None, Inputs(), (1.0,), Law((1000.0,)), Law((301.0,))).context
        1150.0
        """
        return float(round(self.prompt.mean + (self.output.second - self.output.mean) / (2 * self.steps)))

    @property
    def prompts(self) -> tuple[tuple[float, float, float], ...]:
        """Tokens of a prompt, those that are cached, all but one at most, and the share of requests that have it."""
        return tuple((value, min(value - 1, float(int(self.cached * value))), share)
                     for value, share in zip(self.prompt.values, self.prompt.shares, strict=True))  # fmt: skip

    @property
    def new_tokens(self) -> float:
        """Tokens of a prompt that are worked on, the mean."""
        return sum((whole - cached) * share for whole, cached, share in self.prompts)


@dataclass(frozen=True)
class Option:
    """Machines on offer. ``price``: dollars per second and chip; ``power``: watts of a chip with all that serves it;
    ``stock``: chips that there are; ``sizes``: chips of a group; ``rent``: dollars per second and chip of those taken
    for a period at a time, where that can be. None where it is not known, or not limited."""

    hardware: Hardware
    price: float | None
    power: float | None
    stock: int | None = None
    sizes: tuple[int, ...] = (1, 2, 4, 8)
    roles: tuple[Role, ...] = tuple(Role)
    rent: float | None = None

    @property
    def name(self) -> str:
        return self.hardware.name


@dataclass(frozen=True)
class Link:
    """What two options may hand caches over at, bytes per second and chip, one way; the slower end counts."""

    between: tuple[str, str]
    bandwidth: float | None = None


@dataclass(frozen=True)
class Caps:
    """Limits of the whole fleet: watts, dollars a second, chips; ``spare``: groups of each kind in use that may be lost
    while all is still served."""

    power: float | None = None
    budget: float | None = None
    chips: int | None = None
    spare: int = 0


@dataclass(frozen=True)
class Demand:
    """All of it. ``links``: pairs of different machines that may share the work of a class, every pair where None;
    ``energy_price``: dollars a joule on top of the price of chips; ``gap``: between cost and bound, relative, at which
    the solver may stop; ``nodes``: branches that it may look at, so that an answer does not depend on how fast or busy
    a machine is; ``seconds``: by the clock, after which it stops all the same."""

    classes: tuple[Requests, ...]
    options: tuple[Option, ...]
    goal: Goal = Goal.DOLLARS
    caps: Caps = field(default_factory=Caps)
    links: tuple[Link, ...] | None = None
    energy_price: float = 0.0
    gap: float = 0.01
    nodes: int = 3200
    seconds: float = 600.0
    notices: tuple[str, ...] = ()

    @property
    def periods(self) -> int:
        """Periods of the day, each with rates of its own."""
        return len(self.classes[0].rates)

    def may_talk(self, first: int, second: int) -> bool:
        """Whether one option may hand caches over to another; groups of one kind always may."""
        if first == second or self.links is None:
            return True
        return self._link(first, second) is not None

    def bandwidth(self, first: int, second: int) -> float | None:
        """What is stated of the link between two options, bytes per second and chip; None where nothing is."""
        link = self._link(first, second)
        return None if link is None else link.bandwidth

    def _link(self, first: int, second: int) -> Link | None:
        names = {self.options[first].name, self.options[second].name}
        return next((link for link in self.links or () if set(link.between) == names), None)

    def only(self, options: Sequence[Option]) -> "Demand":
        """The same with some of the machines."""
        return replace(self, options=tuple(options))
