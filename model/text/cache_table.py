"""Where to hold a KV cache between turns as tables, beside what others ask for holding one."""

from itertools import pairwise
from math import inf, isinf
from typing import Any

from rich.text import Text

from steptime.model.catalog.tiers import AGAIN
from steptime.model.solver.cache.envelope import BreakEven, Span
from steptime.model.solver.cache.holding import CacheAnswer
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck_cache
from steptime.model.text.cache import ASSUMES, LEFT_OUT, SHOWN_PAIRS, doubtful, of_one_kind, ours, published
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted, money, plain, si
from steptime.model.text.header import defaults_json, folded, left_out
from steptime.model.text.omitted import not_modelled
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.screen import Fold, Screen

FEW = 3
"""Digits of what stands in a table with many columns."""
COLUMNS = "drain: to read once all that a place holds; back in: until the cache is in the chip again"


def duration(seconds: float, digits: int = 4) -> str:
    """A time as people say it, from milliseconds to years.

    >>> duration(1.5566), duration(3325), duration(468837), duration(inf)
    ('1.557 s', '55.42 min', '5.426 days', 'for ever')
    """
    if isinf(seconds):
        return "for ever"
    for name, unit in (("years", 365.25 * 86400), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * unit:
            return f"{plain(seconds / unit, digits)} {name}"
    return si(seconds, "s", digits)


def _dollars(value: float, digits: int = 4) -> str:
    """Dollars per token, shown per million tokens."""
    return "no limit" if isinf(value) else f"{value * 1e6:.{digits}g}"


def _units(answer: CacheAnswer) -> dict[str, str]:
    """Units of what ranges give."""
    costs = dict.fromkeys(("held 5 min", "held 1 h", "held as long as asked", "by the policy"), "$/token")
    return costs | {f"{choice.name} until": "s" for choice in answer.choices}


def cache_table(answer: CacheAnswer, spread: Spread | None = None) -> Screen:
    recheck_cache(answer)
    case, ranges = answer.case, spread_lines(spread_json(spread), _units(answer), "cheapest for 5 min")
    head = Text(
        f"{case.model} on {case.hardware.name}: where to hold a KV cache of {plain(answer.context)} tokens, "
        f"{si(answer.kv_bytes, 'B')} each, between two turns", style="bold",
    )  # fmt: skip
    lines: list[Any] = [Text(text) for text in of_one_kind(answer)]
    notes = [f"note: {note}" for tier in answer.tiers for note in tier.notes]
    lines += [
        folded(ASSUMES, "assumption", "assumes"),
        folded(defaults_json(answer.defaults), "default", "defaults taken"),
        Fold(tuple(map(Text, notes)), counted(len(notes), "note") if notes else ""),
        *left_out(doubtful(answer), [*LEFT_OUT, *not_modelled(case, has_estimate=False)]),
    ]
    return Screen(head, Text(), *_held(answer), *_choices(answer), Text(), *_break_evens(answer), Text(),
                  *_policy(answer), *ranges, *_published(answer), Text(), *lines)  # fmt: skip


def _held(answer: CacheAnswer) -> list[Any]:
    """What each choice costs for the hold time that was asked for, the cheapest first."""
    if answer.hold is None:
        return []
    (best, least), *_ = answer.held.items()
    whole = f"{money(least * 1e6)} a million tokens, {money(least * answer.context)} the whole cache"
    lines = [Text(f"held {duration(answer.hold)}: {best} is the cheapest: {whole}", style="bold")]
    others = [f"{name} {plain(cost / least, 3)}" for name, cost in answer.held.items() if name != best and least]
    return [*lines, *([Text(f"times as much: {', '.join(others)}")] if others else []), Text()]


def _choices(answer: CacheAnswer) -> list[Any]:
    """Each choice with its line, and where on the envelope it is the cheapest."""
    made = Fitting(("", ">bring back", ">an hour", ">drain", ">back in", "cheapest if held"),
                   (), (">back in", ">drain"), (), ("cheapest if held",))  # fmt: skip
    best = {span.choice: span for span in answer.envelope}
    for one in (*answer.choices, *answer.too_slow):
        drain = "—" if one.drain_time is None else duration(one.drain_time, FEW)
        where = f"too slow: over {duration(answer.most or 0.0, FEW)}" if one in answer.too_slow else (
            _between(best.get(one.name), FEW) or "never")  # fmt: skip
        costs = (_dollars(one.fixed, FEW), _dollars(one.rate * 3600, FEW))
        made.add_row(one.name, *costs, drain, duration(one.restore, FEW), where)
    title = Text("dollars of a million tokens: to bring them back, and to hold them an hour", style="bold")
    return [title, made, Text(COLUMNS, style="dim")]


def _between(span: Span | None, digits: int = 4) -> str:
    if span is None:
        return ""
    start, end = duration(span.start, digits), duration(span.end, digits)
    if isinf(span.end):
        return f"from {start} on" if span.start else "for any time"
    return f"{start} to {end}" if span.start else f"up to {end}"


def _break_evens(answer: CacheAnswer) -> list[Any]:
    pairs, title = answer.break_even, "hold times at which two cost the same"
    if len(pairs) > SHOWN_PAIRS:
        neighbours = {frozenset(two) for two in pairwise(span.choice for span in answer.envelope)}
        pairs = tuple(pair for pair in pairs if frozenset(pair.between) in neighbours)
        title += f" of neighbours ({len(answer.break_even)} pairs with --json)"
    made = Fitting(("", " "))
    for pair in pairs:
        made.add_row("  " + " or ".join(pair.between), _verdict(pair))
    return [Text(title, style="bold"), made] if pairs else []


def _verdict(pair: BreakEven) -> str:
    if pair.hold_time is not None:
        return f"{duration(pair.hold_time)}, {pair.between[1]} beyond"
    return "the same" if pair.always is None else f"{pair.always} always"


def _policy(answer: CacheAnswer) -> list[Any]:
    reuse, policy = answer.reuse, answer.policy
    if reuse is None or policy is None:
        return []
    shape = "" if reuse.name == "exponential" else f"shape {reuse.shape:g}, "
    scale = f"{'mean' if reuse.name == 'exponential' else 'scale'} {duration(reuse.scale)}"
    title = f"asked for again: {reuse.name}, {shape}{scale}" + (
        "" if reuse.share == 1 else f"; {reuse.share:.10g} of all caches ever are"
    )
    made = Fitting(("age of the cache", "where it lies"))
    for span in policy.spans:
        made.add_row(_between(span), span.choice)
    drop = policy.hold_then_drop
    name = "dollars per million tokens"
    costs = Fitting((name, ">expected cost", ">over the policy's"), (), (), (name,))
    costs.add_row("this policy", _dollars(policy.expected_cost), "1")
    kept = f"{drop.choice} for {duration(drop.until)}, then drop" if drop.until < inf else f"{drop.choice} for ever"
    kept = AGAIN if drop.choice == AGAIN else kept
    others = {f"best single choice: {kept}": drop.expected_cost}
    others |= {f"{name}{'' if name == AGAIN else ' for ever'}": cost for name, cost in policy.each_alone.items()}
    for name, cost in others.items():
        costs.add_row(name, _dollars(cost), "—" if isinf(cost) else plain(cost / policy.expected_cost))
    return [Text(title, style="bold"), made, Text(), costs, Text()]


def _published(answer: CacheAnswer) -> list[Any]:
    title = Text("over the price of computing again: to hold 5 min or 1 h, to bring back", style="bold")
    made = Fitting(("", ">5 min", ">back", ">sum", ">1 h", ">back ", ">sum "), (), (), ("",))
    rows = ours(answer)
    places = " / ".join(dict.fromkeys(row["choice"] for row in rows.values()))
    keys = ("hold", "get_back", "total")
    made.add_row(f"here, {places}", *(plain(row[key], 3) for row in rows.values() for key in keys))
    for row in published():
        shown = [row[key] for key in ("hold_5m", "read", "total_5m", "hold_1h", "read", "total_1h")]
        made.add_row(f"list price, {row['model']}", *(plain(value, 3) for value in shown))
    note = Text(
        "List prices hold a margin and their models' architectures are unknown: compare only ratios to the price of "
        "computing, which is that of input. Holding (5 min, 1 h) is a write's price beyond that of input.", style="dim",
    )  # fmt: skip
    return [title, made, Fold((note,))]
