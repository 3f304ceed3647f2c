"""Where to hold a KV cache between turns, as JSON, beside what others ask for holding one."""

from math import isinf
from typing import Any

from steptime.model import symbols as q
from steptime.model.catalog.bases import BY_HAND, prices_of
from steptime.model.catalog.economy import figures, names
from steptime.model.catalog.tiers import OWN
from steptime.model.choices import Basis
from steptime.model.economics.reuse import Reuse
from steptime.model.solver.cache.envelope import Span
from steptime.model.solver.cache.holding import CacheAnswer, drain_time
from steptime.model.solver.cache.policy import Policy
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck_cache
from steptime.model.text.bases import price_basis
from steptime.model.text.header import defaults_json, header_json, missing_json
from steptime.model.text.header import doubtful as of_case
from steptime.model.text.omitted import not_modelled
from steptime.model.text.ranges import spread_json

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
        "held": None
        if answer.hold is None
        else {"hold_time": answer.hold, "choice": next(iter(answer.held)), "costs": answer.held},
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
