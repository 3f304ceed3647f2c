"""Where to hold a KV cache between turns, as JSON and as tables, beside what others ask for holding one."""

from itertools import pairwise
from math import inf, isinf
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.bases import prices_of
from steptime.model.catalog.economy import figures, names
from steptime.model.catalog.tiers import AGAIN, OWN
from steptime.model.choices import Basis
from steptime.model.economics.reuse import Reuse
from steptime.model.solver.cache.holding import BreakEven, CacheAnswer, Policy, Span, drain_time
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck_cache
from steptime.model.text.bases import BY_HAND, price_basis
from steptime.model.text.format import plain, si, table
from steptime.model.text.header import defaults_json, header_json, missing_json, not_modelled
from steptime.model.text.header import doubtful as of_case
from steptime.model.text.ranges import spread_json, spread_lines

ASSUMES = (
    f"{OWN} carries the whole price of the chip",
    "a chip waits while its cache arrives, and does nothing else",
    "tiers are rented by the byte and always full",
    "moving a cache outwards is free: it is written while the chip works",
    "a cache is computed again at the peak of one chip",
)
LEFT_OUT = (
    "a cache in two places at once, or only part of it",
    "streaming the weights while a cache is computed again",
)

SHOWN_PAIRS = 15
"""Break-evens of every pair fill a screen; beyond these only neighbours on the envelope are shown."""

_terms = {"5m": 300.0, "1h": 3600.0}


def cache_json(answer: CacheAnswer, spread: Spread | None = None) -> dict[str, Any]:
    """Dollars per token, seconds."""
    case, checked = answer.case, recheck_cache(answer)
    return {
        **{key: value for key, value in header_json(case).items() if key in ("model", "hardware", "precision")},
        "context": answer.context,
        "defaults": defaults_json(answer.defaults),
        "kv_bytes_per_token": answer.kv_bytes,
        "unit": "$ per token",
        "price_basis": chip_basis(answer),
        "notices": of_one_kind(answer),
        "choices": [
            {
                "name": one.name,
                "fixed": one.fixed,
                "rate": one.rate,
                "drain_time": one.drain_time,
                "restore_time": one.restore,
            }
            for one in answer.choices
        ],
        "limits": [] if answer.most is None else [f"restore_time <= {answer.most:g} s"],
        "too_slow": {one.name: one.restore for one in answer.too_slow},
        "break_even": [
            {"between": list(pair.between), "hold_time": pair.hold_time, "always": pair.always}
            for pair in answer.break_even
        ],
        "envelope": [_span(span) for span in answer.envelope],
        "reuse": None if answer.reuse is None or answer.policy is None else _reuse(answer.reuse, answer.policy),
        "ours": ours(answer),
        "published": published(),
        "quantities": {**case.quantities, "context": answer.context},
        "missing": missing_json(case, {f"drain_time.{OWN}": drain_time}),
        "doubtful": doubtful(answer),
        "residuals": {"primal": checked.primal, "stationarity": checked.stationarity},
        "assumes": list(ASSUMES),
        "notes": [note for tier in answer.tiers for note in tier.notes],
        "not_modelled": [*LEFT_OUT, *not_modelled(case, has_estimate=False)],
        **spread_json(spread),
    }


def _span(span: Span) -> dict[str, Any]:
    return {"choice": span.choice, "from": span.start, "to": _finite(span.end)}


def _finite(value: float) -> float | None:
    return None if isinf(value) else value


def _reuse(reuse: Reuse, policy: Policy) -> dict[str, Any]:
    numbers = {"mean": reuse.scale} if reuse.name == "exponential" else {"shape": reuse.shape, "scale": reuse.scale}
    drop = policy.hold_then_drop
    return {
        "distribution": reuse.name,
        **numbers,
        "share": reuse.share,
        "policy": [_span(span) for span in policy.spans],
        "expected_cost": policy.expected_cost,
        "each_alone": {name: _finite(cost) for name, cost in policy.each_alone.items()},
        "hold_then_drop": {
            "choice": drop.choice, "until": _finite(drop.until), "expected_cost": drop.expected_cost,
        },
    }  # fmt: skip


def ours(answer: CacheAnswer) -> dict[str, dict[str, Any]]:
    """For each term that others sell: the cheapest choice, what holding and bringing back cost over computing again."""
    again = answer.again.fixed
    found = {}
    for term, seconds in _terms.items():
        best = answer.at(seconds)
        held, back = best.rate * seconds / again, best.fixed / again
        found[term] = {"choice": best.name, "hold": held, "get_back": back, "total": held + back}
    return found


def published() -> list[dict[str, Any]]:
    """List prices of caches over the price of input, for every model of the catalogue that has one; None where not.

    ``write``: to compute and hold; ``hold``: what of it is beyond computing; ``total``: to hold and to read once.

    >>> next(row for row in published() if row["model"] == "claude-opus-5")["hold_5m"]
    0.25
    """
    found = []
    for model in names("token_price"):
        rows = figures("token_price", model)
        prices = {key: row.value / rows["input"].value for key, row in rows.items() if key.startswith("cache_")}
        if not prices:
            continue
        read = prices.get("cache_read")
        entry: dict[str, Any] = {"model": model, "read": read}
        for term in _terms:
            write = prices.get(f"cache_write_{term}")
            hold = None if write is None else write - 1
            total = None if hold is None or read is None else hold + read
            entry |= {f"write_{term}": write, f"hold_{term}": hold, f"total_{term}": total}
        found.append(entry | {"source": list(rows["input"].source), "date": rows["input"].date})
    return found


def chip_basis(answer: CacheAnswer) -> str | None:
    """The kind of price that the chip's memory and its time have."""
    return BY_HAND if q.chip_second_price in answer.case.inputs.given else price_basis(answer.case)


def of_one_kind(answer: CacheAnswer) -> list[str]:
    """What to know where the chip's dollars are of another kind than the tiers', which are bought and written off."""
    basis = chip_basis(answer)
    if basis == Basis.OWNERSHIP or not answer.tiers:
        return []
    remedy = "" if Basis.OWNERSHIP not in prices_of(answer.case.hardware) else "; `basis` ownership is of their kind"
    return [f"dollars of different kinds: the chip's are of basis {basis}, the tiers' a purchase over its life{remedy}"]


def doubtful(answer: CacheAnswer) -> list[str]:
    """Figures of the chip and of the tiers that are marked doubtful."""
    return list(dict.fromkeys([*of_case(answer.case), *(text for tier in answer.tiers for text in tier.doubtful)]))


def duration(seconds: float) -> str:
    """A time as people say it, from milliseconds to years.

    >>> duration(1.5566), duration(3325), duration(468837), duration(inf)
    ('1.557 s', '55.42 min', '5.426 days', 'for ever')
    """
    if isinf(seconds):
        return "for ever"
    for name, unit in (("years", 365.25 * 86400), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * unit:
            return f"{plain(seconds / unit)} {name}"
    return si(seconds, "s")


def _dollars(value: float) -> str:
    """Dollars per token, shown per million tokens."""
    return "no limit" if isinf(value) else f"{value * 1e6:.4g}"


def _units(answer: CacheAnswer) -> dict[str, str]:
    """Units of what ranges give."""
    costs = dict.fromkeys(("held 5 min", "held 1 h", "by the policy"), "$/token")
    return costs | {f"{choice.name} until": "s" for choice in answer.choices}


def cache_table(answer: CacheAnswer, spread: Spread | None = None) -> Group:
    recheck_cache(answer)
    case, ranges = answer.case, spread_lines(spread_json(spread), _units(answer), "cheapest for 5 min")
    head = Text(
        f"{case.model} on {case.hardware.name}: where to hold a KV cache of {plain(answer.context)} tokens, "
        f"{si(answer.kv_bytes, 'B')} each, between two turns", style="bold",
    )  # fmt: skip
    taken = "; ".join(defaults_json(answer.defaults))
    lines = [Text("assumes: " + "; ".join(ASSUMES)), Text(f"defaults taken: {taken}")]
    if figures_in_doubt := doubtful(answer):
        lines.append(Text("doubtful figures: " + "; ".join(figures_in_doubt)))
    lines += [Text(text) for text in of_one_kind(answer)]
    lines += [Text(f"note: {note}") for tier in answer.tiers for note in tier.notes]
    lines.append(Text("not modelled: " + "; ".join([*LEFT_OUT, *not_modelled(case, has_estimate=False)])))
    return Group(head, Text(), _choices(answer), Text(), *_break_evens(answer), Text(), *_policy(answer),
                 *ranges, *_published(answer), Text(), *lines)  # fmt: skip


def _choices(answer: CacheAnswer) -> Table:
    """Each choice with its line, and where on the envelope it is the cheapest."""
    made = table(
        "dollars per million tokens",
        ">bring back",
        ">hold, per hour",
        ">drain time",
        ">in the chip after",
        "cheapest if held",
    )
    best = {span.choice: span for span in answer.envelope}
    for one in (*answer.choices, *answer.too_slow):
        drain = "—" if one.drain_time is None else duration(one.drain_time)
        where = f"too slow: over {duration(answer.most or 0.0)}" if one in answer.too_slow else (
            _between(best.get(one.name)) or "never")  # fmt: skip
        made.add_row(one.name, _dollars(one.fixed), _dollars(one.rate * 3600), drain, duration(one.restore), where)
    return made


def _between(span: Span | None) -> str:
    if span is None:
        return ""
    if isinf(span.end):
        return f"from {duration(span.start)} on" if span.start else "for any time"
    return f"{duration(span.start)} to {duration(span.end)}" if span.start else f"up to {duration(span.end)}"


def _break_evens(answer: CacheAnswer) -> list[Any]:
    pairs, title = answer.break_even, "break-even hold times"
    if len(pairs) > SHOWN_PAIRS:
        neighbours = {frozenset(two) for two in pairwise(span.choice for span in answer.envelope)}
        pairs = tuple(pair for pair in pairs if frozenset(pair.between) in neighbours)
        title += f" of neighbours ({len(answer.break_even)} pairs with --json)"
    made = table("", "")
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
    made = table("age of the cache", "where it lies")
    for span in policy.spans:
        made.add_row(_between(span), span.choice)
    drop = policy.hold_then_drop
    costs = table("dollars per million tokens", ">expected cost", ">over the policy's")
    costs.add_row("this policy", _dollars(policy.expected_cost), "1")
    kept = f"{drop.choice} for {duration(drop.until)}, then drop" if drop.until < inf else f"{drop.choice} for ever"
    kept = AGAIN if drop.choice == AGAIN else kept
    others = {f"best single choice: {kept}": drop.expected_cost}
    others |= {f"{name}{'' if name == AGAIN else ' for ever'}": cost for name, cost in policy.each_alone.items()}
    for name, cost in others.items():
        costs.add_row(name, _dollars(cost), "—" if isinf(cost) else plain(cost / policy.expected_cost))
    return [Text(title, style="bold"), made, Text(), costs, Text()]


def _published(answer: CacheAnswer) -> list[Any]:
    made = table("over the price of computing", ">hold 5 min", ">get back", ">sum", ">hold 1 h", ">get back", ">sum")
    rows = ours(answer)
    places = " / ".join(dict.fromkeys(row["choice"] for row in rows.values()))
    keys = ("hold", "get_back", "total")
    made.add_row(f"here, {places}", *(plain(row[key], 3) for row in rows.values() for key in keys))
    for row in published():
        shown = [row[key] for key in ("hold_5m", "read", "total_5m", "hold_1h", "read", "total_1h")]
        made.add_row(f"list price, {row['model']}", *(plain(value, 3) for value in shown))
    note = Text(
        "List prices hold a margin and their models' architectures are unknown: compare only ratios to the price of "
        "computing, which is that of input. Holding is a write's price beyond that of input.", style="dim",
    )  # fmt: skip
    return [made, note]
