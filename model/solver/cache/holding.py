"""Where to keep a KV cache between two turns: the chip's own memory, a tier beyond it, or nowhere, computed again.

Per token of cache each choice is a line in the hold time; the cheapest of them form the lower envelope. Where only the
distribution of the time is known, the policy follows it at the hold time one over the hazard (see `economics.reuse`).
Choices exclude each other; moving a cache outwards costs nothing, since it is written while the chip works on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.tiers import AGAIN, NUMBERS, OWN, Tier
from steptime.model.choices import PhaseName
from steptime.model.economics import cache
from steptime.model.economics.reuse import Reuse, tier_rate
from steptime.model.errors import UserError
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.scenario import Scenario
from steptime.model.solver.cache.envelope import BreakEven, Choice, Span, break_even, envelope
from steptime.model.solver.cache.policy import Policy, best_policy
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Default, Question

LIMITS = (q.usable_memory, q.workspace)
STRANGERS = {
    **dict.fromkeys((*SYMBOLS.values(), q.chips, q.batch), "the cache is that of one sequence, computed on one chip"),
    **dict.fromkeys((q.cached, q.chunk, q.answer), "all of the cache is computed again, in one pass"),
    **dict.fromkeys(NUMBERS, "tiers are stated with `tiers`"),
    **dict.fromkeys((q.reuse_share, q.reuse_shape, q.reuse_scale, q.reuse_age), "when a cache is asked for: `reuse`"),
    **dict.fromkeys(
        (q.far_capacity, q.far_bandwidth, q.far_link_bandwidth, q.far_second_price),
        "tiers are stated with `tiers`",
    ),
    **dict.fromkeys(LIMITS, "a byte of the chip is paid for with all that it has"),
    q.hold_time: "every hold time is shown; what one costs: `hold`",
    q.prompt: "the tokens of the cache are its context: `context`",
}
"""Settings that this question has no use for, and why."""

PRICES = frozenset({q.chip_second_price})
"""What the question needs beside the step."""

drain_time = q.memory_capacity / q.memory_bandwidth
own_rate = tier_rate.xreplace(cache.IN_CHIP)


@dataclass(frozen=True)
class CacheAnswer:
    """Choices in the order given, their lower envelope over the hold time, and the policy where reuse is known.

    ``too_slow``: those that are out of the question, since they take longer than ``most`` seconds to restore. ``hold``:
    seconds for which somebody asks.
    """

    case: Case
    tiers: tuple[Tier, ...]
    context: float
    kv_bytes: float
    choices: tuple[Choice, ...]
    envelope: tuple[Span, ...]
    reuse: Reuse | None = None
    policy: Policy | None = None
    too_slow: tuple[Choice, ...] = ()
    most: float | None = None
    hold: float | None = None

    @property
    def again(self) -> Choice:
        """Computing the cache again, also where that is too slow: what prices of caches are compared to."""
        return next(choice for choice in (*self.choices, *self.too_slow) if choice.name == AGAIN)

    @property
    def break_even(self) -> tuple[BreakEven, ...]:
        """Of every pair of choices."""
        return tuple(break_even(one, other) for one, other in combinations(self.choices, 2))

    @property
    def defaults(self) -> tuple[Default, ...]:
        """What was taken where nothing was said; the tokens of the prefill are the context."""
        taken = [one for one in self.case.defaults if one.quantity not in {limit.name for limit in LIMITS}]
        return tuple(replace(one, quantity="context") if one.quantity == "prompt" else one for one in taken)

    @property
    def held(self) -> dict[str, float]:
        """Dollars per token of each choice for the hold time that was asked for, the cheapest first."""
        time = self.hold
        costs = {} if time is None else {choice.name: choice.cost(time) for choice in self.choices}
        return dict(sorted(costs.items(), key=lambda item: item[1]))

    def at(self, time: float) -> Choice:
        """The cheapest choice at a hold time."""
        name = next(span.choice for span in self.envelope if time < span.end)
        return next(choice for choice in self.choices if choice.name == name)


def holding_case(question: Question) -> Case:
    """What computing a cache again takes: a prefill of one sequence of ``context`` tokens on one chip.

    On one chip nothing crosses a link; whether the weights fit there does not matter to FLOP per token. Raises
    UserError for whatever cannot be used, and for settings that this question has no use for.
    """
    given = question.inputs.given
    for symbol in given:
        if symbol in STRANGERS:
            raise UserError(f"`{symbol.name}` says nothing here: {STRANGERS[symbol]}")
    tokens = given.get(q.context)
    if tokens is not None and tokens < 2:
        raise UserError("`context`: a single token has nothing to compute again; give at least 2")
    there: dict[Symbol, float | None] = {q.context: None, q.prompt: tokens, q.batch: 1.0}
    return build_case(question.but(there, phase=PhaseName.PREFILL, layout=Layout()), also=PRICES)


def solve_cache(
    case: Case, tiers: Sequence[Tier], reuse: Reuse | None = None, most: float | None = None
) -> CacheAnswer:
    """The cheapest place for a cache at every hold time; quick enough to be asked hundreds of times a second.

    Of those that restore it within ``most`` seconds, where that is given; the chip's own memory always does.

    ``case`` is from `holding_case`, its scenario changed at will. Raises UserError where price or capacity is missing.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> from steptime.model.catalog.models import load_model
    >>> from steptime.model.catalog.tiers import catalogue_tiers
    >>> from steptime.model.step.inputs import Inputs
    >>> asked = Question(load_model("deepseek-v3"), load_hardware("h100-sxm"), Inputs(given={q.context: 32e3}))
    >>> answer = solve_cache(holding_case(asked), catalogue_tiers())
    >>> [span.choice for span in answer.envelope]
    ['hbm', 'ddr', 'nvme', 'rematerialise']
    """
    tokens = _need(case, q.prompt, "prompt")
    kv_bytes = _need(case, case.fullest_stage.kv, "kv_bytes") / tokens
    every = choices_of(case, tiers, tokens, kv_bytes)
    choices = tuple(choice for choice in every if most is None or choice.restore <= most)
    too_slow = tuple(choice for choice in every if choice not in choices)
    lower = envelope(choices)
    policy = None if reuse is None else best_policy(choices, lower, reuse)
    return CacheAnswer(case, tuple(tiers), tokens, kv_bytes, choices, lower, reuse, policy, too_slow, most)


def choices_of(case: Case, tiers: Sequence[Tier], tokens: float, kv_bytes: float) -> tuple[Choice, ...]:
    """Every choice as a line: the chip's own memory, each tier, computing again."""
    price = case.number(q.chip_second_price)
    if price is None:
        price = _need(case, q.chip_hour_price / q.hour, "chip_hour_price")
    capacity = _need(case, q.memory_capacity, "memory_capacity")
    given = Scenario({q.context: tokens, q.kv_bytes: kv_bytes, q.chip_second_price: price, q.memory_capacity: capacity})
    drain = case.number(drain_time)
    found = [Choice(OWN, 0.0, given.evaluate(own_rate), drain)]
    for tier in tiers:
        there = given | tier.numbers
        drain = float(there.evaluate(q.tier_capacity / q.tier_bandwidth))
        found.append(Choice(tier.name, there.evaluate(cache.fetch), there.evaluate(tier_rate), drain,
                            there.evaluate(cache.restore)))  # fmt: skip
    computing = _need(case, case.resources["compute"], "compute")
    return (*found, Choice(AGAIN, price * computing / tokens, 0.0, restore=computing))


def _need(case: Case, expr: Expr, name: str) -> float:
    value = case.number(expr)
    if value is None:
        (lacking,) = case.missing({name: expr})
        raise UserError(f"{lacking} is missing: the cost of holding follows from it; give `{name}`")
    return value
