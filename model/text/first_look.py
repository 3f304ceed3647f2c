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
from steptime.model.text.bases import of_price
from steptime.model.text.fitting import Fitting, lines_of
from steptime.model.text.format import counted, formula, money, plain, si
from steptime.model.text.header import headline, listed
from steptime.model.text.practice import measured_rows
from steptime.model.text.run import failures_words, run_words

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
    if (found := data["estimate"]) is not None and not found["inside"]:
        rows.append(["", f"outside what was calibrated: {listed(found['outside'], 2)}"])
    rows += [["measured" if not number else "", line] for number, line in enumerate(measured_rows(data))]
    rows += _rates(data) + _run(case, data) + _request(data)
    rows += [["cost", cost(case, data)], ["memory", memory(data)]]
    return Fitting(("", " "), rows, prose=(" ",))


def bound_and_practice(data: Mapping[str, Any]) -> str:
    """The bound, the estimate beside it, and its band."""
    if data["step_time"] is None:
        return "unknown: a figure is missing"
    where = "at the bound" if data["overlap"] == Overlap.FULL else f"at overlap {data['overlap']}"
    said, found = f"{si(data['step_time'], 's')} {where}", data["estimate"]
    if found is None:
        return said
    low, high = si(found["low"], "s", 3), si(found["high"], "s", 3)
    ends = f"{low.split()[0]} to {high}" if low.split()[1] == high.split()[1] else f"{low} to {high}"
    return f"{said} · about {si(found['step_time'], 's')} in practice ({ends})"


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


def _rates(data: Mapping[str, Any]) -> list[list[str]]:
    found, keys = data["estimate"], ("tokens_per_second_per_sequence", "tokens_per_second")
    each, every = (plain(data[key]) for key in keys)
    said = f"at the bound {each} per sequence, {every} in all"
    if found is not None:
        said += f"; about {plain(found[keys[0]])} and {plain(found[keys[1]])} in practice"
    lines = [["tokens/s", said]]
    if "mean_step_time" in data:
        mean = si(data["mean_step_time"], "s")
        lines.append(["mean step", f"{mean} at the bound with a request's own prefill: rates and cost follow from it"])
    return lines


def _run(case: Case, data: Mapping[str, Any]) -> list[list[str]]:
    """A run of training, where its tokens were said."""
    if "training" not in data:
        return []
    found, practice = data["training"], data["estimate"] or {}
    passes = counted(int(found["micro_batches"]), "micro-batch", "micro-batches")
    lines = [["pipeline", f"{passes}, bubble {found['bubble']:.1%} of the work"]]
    if found["tokens"] is not None:
        after = (
            f"; about {plain(practice['days'])} days, {money(practice['dollars'])} in practice"
            if "days" in practice
            else ""
        )
        lines.append(["run", f"at the bound {run_words(found, of_price(case))}{after}; {failures_words(case)}"])
    return lines


def _request(data: Mapping[str, Any]) -> list[list[str]]:
    """The whole request of a prefill, where its answer was said."""
    if "request" not in data:
        return []
    request = data["request"]
    room = "; its end DOES NOT FIT" if request["fits"] is False else ""
    first = f"first token after {si(data['time_to_first_token'], 's')}"
    if (practice := data["time_to_first_token_estimate"]) is not None:
        first += f" (about {si(practice, 's')})"
    steps = f"{plain(request['output'] - 1)} decode steps {si(request['decode_time'], 's')}"
    rate = f"{plain(request['tokens_per_second'])} output tokens/s"
    return [["request", f"at the bound {si(request['time'], 's')}, {rate}{room}"],
            ["", f"{first}, then {steps} ({request['decode_bottleneck'] or '—'})"]]  # fmt: skip


def cost(case: Case, data: Mapping[str, Any]) -> str:
    """Dollars of a million tokens and joules of one, at the bound, dollars in practice too."""
    dollars, joules = data["dollars_per_million_tokens"], data["joules_per_token"]
    practice = (data["estimate"] or {}).get("dollars_per_million_tokens")
    said = "dollars unknown" if dollars is None else f"{money(dollars)} per million tokens{of_price(case)}"
    said += ", energy unknown" if joules is None else f", {si(joules, 'J')} each"
    said = said if dollars is None and joules is None else f"at the bound {said}"
    return said if practice is None else f"{said}; about {money(practice)} in practice"


def memory(data: Mapping[str, Any]) -> str:
    """What a chip holds of what may be filled, and how many sequences there is room for."""
    used = data["memory_per_chip"]
    held, usable = used["total"], used["usable"] if used["usable"] is not None else used["capacity"]
    taken = None if held is None else held + (used["workspace"] or 0.0)
    said = f"{si(taken, 'B')} of {si(usable, 'B')} usable a chip"
    if data["fits"] is None:
        said += ", capacity unknown" if usable is None else ""
    if data["fits"] is False:
        said = f"DOES NOT FIT: {said}"
    if (most := data.get("largest_concurrency")) is not None:
        room = f"room for {counted(most, 'sequence')}" if most else "room for not one sequence"
        said += f" · {room.replace(str(most), plain(most), 1)} of {plain(data['context'])} tokens"
    return said


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
    helps, idle = changes(data, found)
    lines = []
    for words in helps:
        time, then = found[words]
        after = "" if then is None else f", about {si(then, 's')} in practice"
        lines.append(f"twice the {words}: {si(time, 's')} at the bound{after}")
    return [*lines, f"twice the {' or '.join(idle)}: nothing at the bound"] if idle else lines


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
