"""What is seen first of a step: the answer, what binds and why, what would change it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from steptime.model import symbols as q
from steptime.model.choices import Overlap, TermName
from steptime.model.solver.crossover import CrossoverAnswer
from steptime.model.step.case import TERMS, Case
from steptime.model.step.estimate import estimated
from steptime.model.terms import OperationName
from steptime.model.text.evidence import thin
from steptime.model.text.first_rows import cost, memory, one_cache, rates_rows, request_rows, run_rows, used
from steptime.model.text.fitting import Fitting, lines_of
from steptime.model.text.format import formula, plain, si
from steptime.model.text.header import headline, listed
from steptime.model.text.practice import measured_rows

ROOM_FOR_FORMULA = 44
"""Columns that 80 leave to a formula; one that takes more than two lines of them is folded away."""
TOO_LONG = "(long: among the details)"
READ = {OperationName.WEIGHTS: "weights", OperationName.PASSES: "weights", OperationName.SCORES: "KV cache",
        OperationName.STATE: "training state"}  # fmt: skip
"""What the memory term reads, by the line of the blackboard's ledger."""
RATES = {
    TermName.MEMORY: (q.memory_bandwidth, "memory bandwidth"), TermName.COMPUTE: (q.peak_flops, "FLOP/s"),
    TermName.SCALE_UP: (q.scale_up_bandwidth, "scale-up bandwidth"),
    TermName.SCALE_OUT: (q.scale_out_bandwidth, "scale-out bandwidth"),
}  # fmt: skip
NOTHING = 5e-4
"""Share of a time below which a change is none."""


def head(case: Case, data: Mapping[str, Any]) -> Text:
    """What was asked; and whether it can be run at all."""
    room = " · DOES NOT FIT" if data["fits"] is False else ""
    return Text(headline(case) + room, style="bold")


# --- the answer -------------------------------------------------------------------------------------------------------
def answered(case: Case, data: Mapping[str, Any]) -> Fitting:
    """Time, what binds, rates, cost and memory: rows of a name and a line."""
    rows = [["step time", bound_and_practice(data)], ["", binds(case, data)]]
    rows += [["", line] for line in doubts(data["estimate"], case.model)]
    rows += [["measured" if not number else "", line] for number, line in enumerate(measured_rows(data))]
    rows += rates_rows(data) + run_rows(case, data) + request_rows(data)
    rows += [["cost", cost(case, data)], *used(case, data), ["memory", memory(data)]]
    rows += [["", line] for line in one_cache(case, data)]
    return Fitting(("", " "), rows, prose=(" ",))


def bound_and_practice(data: Mapping[str, Any]) -> str:
    """The bound, the estimate beside it, and its band."""
    if data["step_time"] is None:
        return "unknown: a figure is missing"
    said, found = f"{si(data['step_time'], 's')} {Overlap(data['overlap']).said}", data["estimate"]
    if found is None:
        return said
    low, high = si(found["low"], "s", 3), si(found["high"], "s", 3)
    ends = f"{low.split()[0]} to {high}" if low.split()[1] == high.split()[1] else f"{low} to {high}"
    return f"{said} · about {si(found['step_time'], 's')} in practice ({ends})"


def doubts(found: Mapping[str, Any] | None, model: str) -> list[str]:
    """In what an estimate is beyond what was calibrated, and its band rests on little."""
    if found is None:
        return []
    beyond = [] if found["inside"] else [f"outside what was calibrated: {listed(found['outside'], 2)}"]
    weak = thin(found["evidence"], model) if "evidence" in found else None
    return beyond if weak is None else [*beyond, weak]


def binds(case: Case, data: Mapping[str, Any]) -> str:
    """The largest term, and what the others take of it."""
    name, times = data["bottleneck"], data["terms"]
    if name is None or not times[name]:
        return "nothing binds: a term has no number"
    parts = [f"{share:.0%} {thing}" for thing, share in shares(case, times[TermName.MEMORY]).items() if share >= 0.005]
    if name == TermName.MEMORY and parts:
        return f"memory binds: what it reads is {' and '.join(parts)}"
    others = [f"{other} {times[other] / times[name]:.0%}" for other in TERMS if other != name and times[other]]
    return f"{name} binds" + (f": of its time {' and '.join(others)}" if others else "")


def read(case: Case) -> dict[str, float]:
    """Seconds of the memory term by what is read; they add up to it."""
    rate = case.phase.blackboard.memory.rate
    asked = {READ[line.name]: line.memory_bytes / rate for line in case.phase.ledger if line.name in READ}
    numbers = case.numbers(asked.values())
    return {name: time for name, expr in asked.items() if (time := numbers[expr])}


def shares(case: Case, whole: float | None) -> dict[str, float]:
    """The same as shares."""
    return {name: time / whole for name, time in read(case).items()} if whole else {}


# --- the terms --------------------------------------------------------------------------------------------------------
def terms(case: Case, data: Mapping[str, Any]) -> Fitting:
    """The terms, the largest first: time, share of the bound, and formula; what memory reads, and the tiers, apart."""
    step, times = data["bounds"]["full"], data["terms"]
    rows: list[list[str]] = []

    def add(name: str, time: float | None, shown: str = "") -> None:
        share = f"{time / step:.0%}" if step and time is not None else "—"
        rows.append([name, si(time, "s"), share, shown])

    tiers = [tier for tier in (TermName.SCALE_UP, TermName.SCALE_OUT) if data["network"][tier]]
    for name in sorted(TERMS, key=lambda one: -(times[one] or 0.0)):
        expr = case.resources[tiers[0]] if name == TermName.INTERCONNECT and len(tiers) == 1 else case.resources[name]
        shown = formula(case.short(expr)) if times[name] else ("no bytes" if times[name] == 0 else "absent")
        both = name == TermName.INTERCONNECT and len(tiers) > 1
        shown = "the larger of the two" if both else briefly(shown)
        add(name, times[name], shown + ("  ← binds" if name == data["bottleneck"] else ""))
        if name == TermName.MEMORY and len(found := read(case)) > 1:
            for thing, time in found.items():
                add(f"  {thing}", time)
        for tier in tiers if both else ():
            add(f"  {tier}", data["network"][tier], briefly(formula(case.short(case.resources[tier]))))
    return Fitting(("term", ">time", ">share", "formula"), rows, (">share",), prose=("formula",))


def briefly(shown: str) -> str:
    """A formula that can be read in two lines, else where it stands."""
    return shown if lines_of(f"{shown} ← binds", ROOM_FOR_FORMULA) <= 2 else TOO_LONG


# --- what would change it ---------------------------------------------------------------------------------------------
def following(case: Case, data: Mapping[str, Any], crossings: Sequence[CrossoverAnswer]) -> Fitting:
    """What twice each rate of the chip would bring, and where compute and memory meet."""
    texts = [*_twice(case, data), *meeting(crossings)]
    rows = [["next:" if not number else "", text] for number, text in enumerate(texts)]
    return Fitting(("", " "), rows, prose=(" ",))


def doubled(case: Case, data: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """The step with twice each rate of the chip that is used, at the bound and in practice; the largest term first."""
    times: dict[str, float] = {**data["terms"], **data["network"]}
    there = sorted((name for name in RATES if times.get(name)), key=lambda name: -times[name])
    found = {}
    for name in there if data["step_time"] else ():
        symbol, words = RATES[name]
        other = case.changed({symbol: 2 * case.scenario.value(symbol)})
        time, then = other.number(q.step_time), None if data["estimate"] is None else estimated(other)
        if time is not None:
            found[words] = time, None if then is None else then.step_time
    return found


def changes(data: Mapping[str, Any], found: Mapping[str, tuple[float, float | None]]) -> tuple[list[str], list[str]]:
    """Of rates that were doubled those that make the bound less, and those that leave it as it is."""
    helps = [words for words, (time, _) in found.items() if time < data["step_time"] * (1 - NOTHING)]
    return helps, [words for words in found if words not in helps]


def _twice(case: Case, data: Mapping[str, Any]) -> list[str]:
    """The same in lines."""
    found = doubled(case, data)
    (helps, idle), at = changes(data, found), Overlap(data["overlap"]).said
    lines = []
    for words in helps:
        time, then = found[words]
        after = "" if then is None else f", about {si(then, 's')} in practice"
        lines.append(f"twice the {words}: {si(time, 's')} {at}{after}")
    return [*lines, f"twice the {' or '.join(idle)}: nothing {at}"] if idle else lines


def meeting(crossings: Sequence[CrossoverAnswer]) -> list[str]:
    """Where compute and memory meet over the batch."""
    found = next((one for one in crossings if one.over == q.batch
                  and set(one.between) == {TermName.COMPUTE, TermName.MEMORY}), None)  # fmt: skip
    if found is None:
        return []
    if found.value is None:
        return [f"over batch: {found.remark.removeprefix('no crossover: ')}"]
    room = ", where it DOES NOT FIT" if found.fits is False else ""
    unit = plain(found.value)
    return [f"compute and memory meet at batch {unit}{room} (here {plain(found.present)})"]
