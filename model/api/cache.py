"""Where to keep a KV cache between two turns of a conversation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rich.console import Group

from steptime.model import symbols as q
from steptime.model.api.named import Named, hardware_of, model_of, must_not_be_swapped, tiers_of
from steptime.model.api.shown import Shown
from steptime.model.api.step import quiet
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.tiers import Tier
from steptime.model.economics.reuse import Reuse
from steptime.model.errors import UserError
from steptime.model.parse import LARGEST, parse_quantity, several
from steptime.model.phases.accounts import Model
from steptime.model.solver.cache.holding import CacheAnswer, holding_case, solve_cache
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.inputs import Question, UserLimit
from steptime.model.step.solver_words import limit_of, ranges_of, reuse_of
from steptime.model.step.words import inputs_of, record
from steptime.model.text.cache import cache_json
from steptime.model.text.cache_table import cache_table


def cache(
    model: Model | Named,
    hardware: Hardware | Named,
    tiers: Sequence[Tier] | Named | None = None,
    reuse: Reuse | str | None = None,
    limits: Sequence[str] = (),
    hold: float | str | None = None,
    **words: Any,
) -> "Kept":
    """Hold a KV cache, and in which memory, or compute it again: ``context`` tokens of one sequence.

    ``hold``: for how long, as ``1200`` or ``"20min"``; the answer holds for every time. ``tiers`` from a file, or the
    catalogue's; ``reuse`` says when caches are asked for again, as ``"lomax shape=1.5 scale=5min share=0.6"``.
    ``limits``: ``"restore_time<=500ms"`` leaves out what takes longer to bring the cache back.

    >>> import steptime as st
    >>> st.cache("deepseek-v3", "h100-sxm", context="32k").choices
    ('hbm', 'ddr', 'nvme', 'rematerialise')
    """
    for name in ("phase", "layout"):
        if words.get(name) is not None:
            raise UserError(f"`{name}` says nothing here: the cache is computed again in a prefill on one chip")
    must_not_be_swapped(model, [hardware])
    case = holding_case(Question(model_of(model), hardware_of(hardware), inputs_of(words)))
    most = _most([limit_of(text) for text in several(() if limits is None else limits)])
    found = solve_cache(case, tiers_of(tiers), None if reuse is None else reuse_of(reuse), most)
    return Kept(replace(found, hold=None if hold is None else _seconds(hold)))


def _seconds(hold: float | str) -> float:
    return parse_quantity(replace(record("hold_time"), name="`hold`", sane=(0.0, LARGEST)), hold)


def _most(limits: list[UserLimit]) -> float | None:
    """Seconds that it may take to restore a cache; raises UserError for other limits."""
    for one in limits:
        if one.quantity != q.restore_time or not one.upper:
            raise UserError(f"`limit` {one}: the limit of a cache is restore_time<=, until it is in the chip again")
    return min((one.value for one in limits), default=None)


@dataclass(frozen=True, repr=False)
class Kept(Shown):
    """The cheapest place at every hold time, and the policy where reuse is known."""

    kinds = ("tiers",)
    schema: ClassVar[str] = "solve-cache"
    answer: CacheAnswer
    spread: Spread | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """The places that are the cheapest for some hold time, in its order."""
        return tuple(span.choice for span in self.answer.envelope)

    @property
    def held(self) -> Mapping[str, float]:
        """Dollars per token of each place for the ``hold`` time that was asked for, the cheapest first.

        >>> import steptime as st
        >>> held = st.cache("deepseek-v3", "h100-sxm", context="32k", hold="20min").held
        >>> list(held)[:2], f"{1e6 * held['ddr']:.5f}"
        (['ddr', 'nvme'], '0.00284')
        """
        return self.answer.held

    def at(self, seconds: float | str) -> str:
        """The cheapest place for a hold time, as ``600`` or ``"10min"``."""
        return self.answer.at(_seconds(seconds)).name

    def ranges(self, progress: Callable[[float], None] = quiet, **words: Any) -> "Kept":
        """The same with intervals, where inputs are known within limits."""
        from steptime.model.solver.ranges.spreads import cache_spread

        found = self.answer
        limits = ranges_of(words)
        return Kept(found, cache_spread(found.case, limits, found.tiers, found.reuse, progress, found.most, found.hold))

    def _json(self) -> dict[str, Any]:
        return cache_json(self.answer, self.spread)

    def table(self) -> Group:
        return cache_table(self.answer, self.spread)

    def __repr__(self) -> str:
        return f"Kept({self.answer.case.model} on {self.answer.case.hardware.name}: {', '.join(self.choices)})"
