"""One step as a table: terms with their closed forms and numbers, the band, throughput, cost, memory, crossovers."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text
from sympy.core.relational import Relational

from steptime.model import symbols as q
from steptime.model.choices import Overlap
from steptime.model.quantity import declared
from steptime.model.solver.crossover import CrossoverAnswer, crossovers
from steptime.model.step.case import TERMS, Case
from steptime.model.text.bases import of_power, of_price
from steptime.model.text.format import Roomy, formula, in_unit, letter, plain, si, table
from steptime.model.text.header import missing_lines, trailer
from steptime.model.text.practice import measured_words, percent, practice_words
from steptime.model.text.run import run_words
from steptime.model.text.step_json import step_json

if TYPE_CHECKING:
    from steptime.model.solver.ranges.uncertainty import Spread
    from steptime.model.step.measured import Measured

LONGEST_FORMULA = 150
BOUND = "at the bound "
"""Before what follows from the bound: what follows from the estimate stands in its own row."""


def step_table(
    case: Case,
    answers: Sequence[CrossoverAnswer] | None = None,
    spread: "Spread | None" = None,
    measured: "Measured | None" = None,
) -> Group:
    """A step for people: terms with their closed forms, band, rates, cost, memory, crossovers, what is left out."""
    answers = crossovers(case) if answers is None else answers
    data = step_json(case, answers, spread, measured)
    head = Text(
        f"{data['model']} on {data['hardware']}: one {data['phase']} step, batch {plain(data['batch'])}, "
        f"{_length(case)}, {case.layout.chips} chip{'s' * (case.layout.chips > 1)}"
        + (": DOES NOT FIT in memory" if data["fits"] is False else ""),
        style="bold",
    )
    return Group(
        head,
        Text(),
        _terms(case, data),
        Text(),
        _numbers(case),
        Text(),
        _facts(case, data),
        Text(),
        *_spread(data),
        *_crossover_lines(case, answers),
        *_notes(case, data),
    )


def _spread(data: dict[str, Any]) -> list[Any]:
    """Intervals, where there are any: only then their room is opened."""
    if "ranges" not in data:
        return []
    from steptime.model.text.ranges import spread_lines

    return spread_lines(data)


def _length(case: Case) -> str:
    """What is long: the context that a decode step reads, or the prompt, and what of it is cached."""
    found = case.numbers((case.phase.varies, q.cached, q.chunk, q.microbatch))
    return ", ".join(f"{symbol} {plain(value)}" for symbol, value in found.items() if symbol in case.scenario.values)


def _terms(case: Case, data: dict[str, Any]) -> Any:
    made = table("term", ">time", ">share", "closed form")
    step = data["bounds"]["full"]
    tiers = [tier for tier in ("scale_up", "scale_out") if data["network"][tier]]
    for name in (*TERMS, *(tiers if len(tiers) > 1 else [])):
        time = data["terms"].get(name, data["network"].get(name))
        expr = case.resources[tiers[0]] if name == "interconnect" and len(tiers) == 1 else case.resources[name]
        shown = formula(case.short(expr)) if time else ("0" if time == 0 else "absent")
        binds = "  ← binds" if name == data["bottleneck"] else ""
        made.add_row(name, si(time, "s"), f"{time / step:.0%}" if step and time is not None else "—", shown + binds)
    return made


def _numbers(case: Case) -> Any:
    """The numbers put in: every symbol of the terms above that is not one or zero here."""
    terms = case.resources
    shown = set().union(*(case.short(terms[name]).free_symbols for name in TERMS))
    numbers = case.numbers(shown - case.absent)
    rows = [record for record in declared().values() if numbers.get(record.symbol)]
    cells = [[letter(r), in_unit(numbers[r.symbol], r.unit), r.name] for r in rows]
    wide, narrow, half = table("where", *[""] * 5), table("where", "", ""), (len(rows) + 1) // 2
    for left, right in zip_longest(cells[:half], cells[half:], fillvalue=[""] * 3):
        wide.add_row(*left, *right)
    for row in cells:
        narrow.add_row(*row)
    return Roomy(wide, narrow)


def _facts(case: Case, data: dict[str, Any]) -> Any:
    made = table("", "")
    bounds, memory_used = data["bounds"], data["memory_per_chip"]
    band = " ≤ ".join(f"{si(bounds[key], 's')} ({text})" for key, text in
                      (("full", "full overlap"), ("per_operation", "per operation"), ("none", "none")))  # fmt: skip
    bound, least = data["bottleneck"] or "—", _least(data)
    made.add_row("step time", f"{least}{si(data['step_time'], 's')} at overlap {data['overlap']}; bound by {bound}")
    if data["estimate"] is not None:
        made.add_row("in practice", practice_words(data["estimate"], data["step_time"]))
    if "measured" in data:
        made.add_row("measured", measured_words(data["measured"]))
    made.add_row("band", band)
    if "mean_step_time" in data:
        made.add_row("mean step", f"{least}{si(data['mean_step_time'], 's')} with every prefill counted, a request's "
                                  f"own too: throughput and cost {BOUND}follow from it")  # fmt: skip
    made.add_row("tokens/s", f"{BOUND}{plain(data['tokens_per_second_per_sequence'])} per sequence, "
                             f"{plain(data['tokens_per_second'])} over all chips")  # fmt: skip
    if "training" in data:
        made.add_row("training", _training(case, data["training"]))
    if "request" in data:
        made.add_row("request", _request(data))
    made.add_row("cost", _cost(case, data))
    compute, memory_share = percent(data["mfu"]), percent(data["mbu"])
    made.add_row("utilisation", f"{BOUND}{compute} of peak FLOP/s (MFU), {memory_share} of memory bandwidth (MBU)")
    fits = {True: "fits", False: "DOES NOT FIT", None: "capacity unknown"}[data["fits"]]
    parts = ", ".join(f"{name.replace('kv', 'KV')} {si(memory_used[name], 'B')}"
                      for name in ("weights", "kv", "gradients", "optimizer", "activations")
                      if name in memory_used and (memory_used[name] or name != "kv"))  # fmt: skip
    held, taken = si(memory_used["total"], "B"), si(memory_used["workspace"], "B")
    made.add_row("memory/chip", f"{held} + {taken} workspace of {_usable(memory_used)}: {fits} ({parts})")
    if "kv_room_tokens" in data:
        made.add_row("KV room", _room(case, data))
    made.add_row("layout", f"{case.layout}")
    made.add_row("precision", ", ".join(f"{key} {value}" for key, value in data["precision"].items()))
    return made


def _usable(memory: dict[str, Any]) -> str:
    """What may be filled of a chip's memory."""
    usable, capacity = memory["usable"], memory["capacity"]
    if usable is None or capacity is None or usable == capacity:
        return si(capacity, "B")
    return f"{si(usable, 'B')} usable ({usable / capacity:.0%} of {si(capacity, 'B')})"


def _training(case: Case, found: dict[str, Any]) -> str:
    """Micro-batches, bubble and utilisation of the hardware; days and dollars where the tokens were said."""
    text = (f"{plain(found['micro_batches'])} micro-batches, bubble {found['bubble']:.1%} of the work, "
            f"{BOUND}{percent(found['hfu'])} of peak with what is computed again (HFU), {_kept(found)}")  # fmt: skip
    if "served_tokens" in found:
        fits = [f"{name} {si(tokens)}" for name, tokens in found["tokens_at_optimum"].items()]
        equal, alone = si(found["tokens_at_equal_compute"]), si(found["tokens_of_cheapest_training"])
        text += (f"; to serve {si(found['served_tokens'])} tokens train on {equal} at equal compute, {', '.join(fits)} "
                 f"at the optimum, {alone} for training alone")  # fmt: skip
    return text if found["tokens"] is None else f"{text}; {BOUND}{run_words(found, of_price(case))}"


def _kept(found: dict[str, Any]) -> str:
    """What decides which activations are kept, in words."""
    shared = ", sequence parallel" if found["sequence_parallel"] else ""
    return f"{found['attention_kernel']} attention, recompute {found['recompute']}{shared}"


def _request(data: dict[str, Any]) -> str:
    """The whole request in words: the first token, the steps after it, the rate of its output."""
    request = data["request"]
    steps, binds = plain(request["output"] - 1), request["decode_bottleneck"] or "—"
    room = "; its end DOES NOT FIT" if request["fits"] is False else ""
    return (
        f"{_least(data)}{si(request['time'], 's')}: {_first(data)} to the first token, {steps} decode steps "
        f"{si(request['decode_time'], 's')} ({binds}); {BOUND}{plain(request['tokens_per_second'])} output tokens/s"
        f"{room}"
    )


def _first(data: dict[str, Any]) -> str:
    """The time to the first token, and in practice, where an estimate of the prefill exists."""
    practice = data["time_to_first_token_estimate"]
    bound = si(data["time_to_first_token"], "s")
    return bound if practice is None else f"{bound} (about {si(practice, 's')} in practice)"


def _least(data: dict[str, Any]) -> str:
    """Before a time: nothing is faster than with all of it overlapped; with less it is the bound that was asked for."""
    return "at least " if data["overlap"] == Overlap.FULL else BOUND


def _room(case: Case, data: dict[str, Any]) -> str:
    """Tokens of KV cache, sequences in flight, and the first token of a request that has the machine to itself."""
    most, long = data["largest_concurrency"], plain(data["context"])
    sequences = f"{plain(most)} sequence{'s' * (most != 1)} of {long} tokens" if most else f"not one sequence of {long}"
    room = f"{si(data['kv_room_tokens'])} tokens, {sequences}" if most is not None else "no limit known"
    return f"{room}; first token of a request alone after {_least(data)}{_first(data)}"


def _cost(case: Case, data: dict[str, Any]) -> str:
    dollars, joules = data["dollars_per_million_tokens"], data["joules_per_token"]
    parts = ["dollars unknown" if dollars is None else f"${dollars:.4g} per million tokens{of_price(case)}"]
    parts.append("energy unknown" if joules is None else f"{si(joules, 'J')} per token{of_power(case)}")
    return (BOUND if dollars is not None or joules is not None else "") + ", ".join(parts)


def _crossover_lines(case: Case, answers: Sequence[CrossoverAnswer]) -> list[Text]:
    relaxed = ", relaxed: the mean load on every rank" if case.relaxes else ""
    lines = [Text.assemble(("crossovers", "bold"), relaxed)]
    for over in (q.batch, case.phase.varies):
        found = [answer for answer in answers if answer.over == over]
        found.sort(key=lambda answer: abs(answer.value - answer.present) if answer.value else float("inf"))
        none = [answer for answer in found if not answer.exists and answer.between != ("compute", "memory")]
        for answer in [answer for answer in found if answer not in none]:
            closed, pair = answer.closed_form, " = ".join(answer.between)
            if answer.exists:
                low, high = answer.bracket or (None, None)
                how = "" if closed is not None else f", a root between {plain(low)} and {plain(high)}"
                room = ", where it DOES NOT FIT in memory" if answer.fits is False else ""
                lines.append(Text(f"  {over} {plain(answer.value)}: {pair}{how}{room}"))
            else:
                lines.append(Text(f"  {over}: {pair}: {answer.remark}"))
            # A formula is worth its space where there is a crossing; where there is none, the condition says why.
            if closed is not None and answer.exists:
                lines += _shown(f"{formula(closed.lhs)} = {formula(closed.rhs)}")
            if isinstance(answer.exists_when, Relational) and (answer.exists or over == q.batch):
                lines += _shown(f"exists when {formula(answer.exists_when)}")
        if none:
            remarks = "; ".join(answer.remark.removeprefix("no crossover: ") for answer in none)
            lines.append(Text(f"  {over}: no other: {remarks}"))
    return [*lines, Text()]


def _shown(text: str) -> list[Text]:
    """A formula, where it is short enough to be read; `solve crossover` and --json have it in any length."""
    if len(text) > LONGEST_FORMULA:
        return []
    return [Text(f"      {text}", style="dim")]


def _notes(case: Case, data: dict[str, Any]) -> list[Text]:
    *before, left_out = trailer(case)
    remarks = [Text("notes: " + "; ".join(data["notes"]))] if data["notes"] else []
    return [*before, *missing_lines(data["missing"]), left_out, *remarks]
