"""One step as a table: terms with their closed forms and numbers, the band, throughput, cost, memory, crossovers."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.text import Text
from sympy.core.relational import Relational

from steptime.model import symbols as q
from steptime.model.choices import Overlap, TermName
from steptime.model.quantity import declared
from steptime.model.solver.crossover import CrossoverAnswer, crossovers
from steptime.model.step.case import TERMS, Case
from steptime.model.text.bases import of_power
from steptime.model.text.evidence import evidence_words
from steptime.model.text.first_look import answered, briefly, following, head, terms
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import Roomy, formula, in_unit, letter, plain, si, table
from steptime.model.text.header import folded, missing_lines, trailer
from steptime.model.text.practice import percent, practice_words
from steptime.model.text.practice_terms import parts_table
from steptime.model.text.screen import Fold, Screen
from steptime.model.text.step_json import step_json

if TYPE_CHECKING:
    from steptime.model.solver.ranges.uncertainty import Spread
    from steptime.model.step.measured import Measured

LONGEST_FORMULA = 150
"""Before what follows from the bound: what follows from the estimate stands in its own row."""


def step_table(
    case: Case,
    answers: Sequence[CrossoverAnswer] | None = None,
    spread: "Spread | None" = None,
    measured: "Measured | None" = None,
) -> Screen:
    """A step for people: the answer, what binds, what would change it; folded away the numbers put in, the details,
    where terms cross, defaults, doubts and what is left out."""
    answers = crossovers(case) if answers is None else answers
    data = step_json(case, answers, spread, measured)
    return Screen(
        head(case, data),
        Text(),
        answered(case, data),
        Text(),
        terms(case, data),
        Fold((Text(), *_long(case), _numbers(case))),
        Text(),
        *_spread(data),
        following(case, data, answers),
        Text(),
        Fold((_facts(case, data), Text(), *_parts(data), *_crossover_lines(case, answers))),
        *_notes(case, data),
    )


def _spread(data: dict[str, Any]) -> list[Any]:
    """Intervals, where there are any: only then their room is opened."""
    if "ranges" not in data:
        return []
    from steptime.model.solver.ranges.uncertainty import IN_PRACTICE
    from steptime.model.text.ranges import spread_lines

    return spread_lines(data, {IN_PRACTICE: "s"})


def _long(case: Case) -> list[Text]:
    """Formulas of terms that the table has no room for."""
    lines = []
    for name in (*TERMS, TermName.SCALE_UP, TermName.SCALE_OUT):
        shown = formula(case.short(case.resources[name]))
        if briefly(shown) != shown:
            lines += [Text(f"{name} = {shown}"), Text()]
    return lines


def _numbers(case: Case) -> Any:
    """The numbers put in: every symbol of the terms above that is not one or zero here."""
    shown = set().union(*(case.short(case.resources[name]).free_symbols for name in TERMS))
    numbers = case.numbers(shown - case.absent)
    rows = [record for record in declared().values() if numbers.get(record.symbol)]
    cells = [[letter(r), in_unit(numbers[r.symbol], r.unit), r.name] for r in rows]
    wide, narrow, half = table("where", *[""] * 5), table("where", "", ""), (len(rows) + 1) // 2
    for left, right in zip_longest(cells[:half], cells[half:], fillvalue=[""] * 3):
        wide.add_row(*left, *right)
    for row in cells:
        narrow.add_row(*row)
    return Roomy(wide, narrow)


def _parts(data: dict[str, Any]) -> list[Any]:
    """The terms of the estimate, and what makes each longer than it ideally would be."""
    return [*parts_table(data["estimate_terms"]), Text()] if "estimate_terms" in data else []


def _facts(case: Case, data: dict[str, Any]) -> Any:
    bounds, memory_used = data["bounds"], data["memory_per_chip"]
    band = " ≤ ".join(f"{si(bounds[key], 's')} ({text})" for key, text in
                      (("full", "full overlap"), ("per_operation", "per operation"), ("none", "none")))  # fmt: skip
    rows = [("overlap", band)]
    if data["estimate"] is not None:
        rows += clauses("in practice", practice_words(data["estimate"], data["step_time"], data["overlap"]))
        rows += clauses("its band", evidence_words(data["estimate"]["family"], data["estimate"]["evidence"]))
    if "training" in data:
        rows += clauses("training", _training(data))
    rows += [*_energy(case, data), *clauses("utilisation", _utilisation(data))]
    fits = {True: "fits", False: "DOES NOT FIT", None: "capacity unknown"}[data["fits"]]
    parts = ", ".join(f"{name.replace('kv', 'KV')} {si(memory_used[name], 'B')}"
                      for name in ("weights", "kv", "gradients", "optimizer", "activations")
                      if name in memory_used and (memory_used[name] or name != "kv"))  # fmt: skip
    held, taken = si(memory_used["total"], "B"), si(memory_used["workspace"], "B")
    rows += [("memory/chip", f"{held} + {taken} workspace of {_usable(memory_used)}: {fits}"), ("", parts)]
    if "kv_room_tokens" in data:
        rows += clauses("KV room", _room(data))
    rows += [("layout", f"{case.layout}"),
             ("precision", ", ".join(f"{key} {value}" for key, value in data["precision"].items()))]  # fmt: skip
    return Fitting(("", " "), rows, (), (" ",))


def _energy(case: Case, data: dict[str, Any]) -> list[tuple[str, str]]:
    """Joules of a token and tokens of a megawatt, and whose watts these are."""
    if data["joules_per_token"] is None:
        return [("energy", "unknown: no power is known")]
    rows = [("energy", f"{_at(data)}{_per_megawatt(data)}")]
    rows += [] if data["estimate"] is None else [("", f"in practice about {_per_megawatt(data['estimate'])}")]
    return [*rows, ("", f"watts that are counted:{of_power(case).replace('(', '').replace(')', '')}")]


def _per_megawatt(found: dict[str, Any]) -> str:
    rate = plain(found["tokens_per_second_per_megawatt"])
    return f"{si(found['joules_per_token'], 'J')} per token, {rate} tokens/s per MW"


def _utilisation(data: dict[str, Any]) -> str:
    """Shares of the peaks that do useful work."""
    text = f"{_at(data)}{percent(data['mfu'])} of peak FLOP/s (MFU), {percent(data['mbu'])} of memory bandwidth (MBU)"
    found = data["estimate"]
    return text if found is None else f"{text}; in practice about {percent(found['mfu'])} and {percent(found['mbu'])}"


def clauses(name: str, text: str) -> list[tuple[str, str]]:
    """A long text in rows of a name and a line, one a clause."""
    return [(name if not place else "", clause) for place, clause in enumerate(text.split("; "))]


def _usable(memory: dict[str, Any]) -> str:
    """What may be filled of a chip's memory."""
    usable, capacity = memory["usable"], memory["capacity"]
    if usable is None or capacity is None or usable == capacity:
        return si(capacity, "B")
    return f"{si(usable, 'B')} usable ({usable / capacity:.0%} of {si(capacity, 'B')})"


def _training(data: dict[str, Any]) -> str:
    """Utilisation of the hardware, what is kept; on how many tokens to train what serves so many."""
    found = data["training"]
    text = f"{_at(data)}{percent(found['hfu'])} of peak with what is computed again (HFU), {_kept(found)}"
    if "served_tokens" in found:
        fits = [f"{name} {si(tokens)}" for name, tokens in found["tokens_at_optimum"].items()]
        equal, alone = si(found["tokens_at_equal_compute"]), si(found["tokens_of_cheapest_training"])
        text += (f"; to serve {si(found['served_tokens'])} tokens train on {equal} at equal compute, {', '.join(fits)} "
                 f"at the optimum, {alone} for training alone")  # fmt: skip
    return text


def _kept(found: dict[str, Any]) -> str:
    """What decides which activations are kept, in words."""
    shared = ", sequence parallel" if found["sequence_parallel"] else ""
    return f"{found['attention_kernel']} attention, recompute {found['recompute']}{shared}"


def _first(data: dict[str, Any]) -> str:
    """The time to the first token, and in practice, where an estimate of the prefill exists."""
    practice = data["time_to_first_token_estimate"]
    bound = si(data["time_to_first_token"], "s")
    return bound if practice is None else f"{bound} (about {si(practice, 's')} in practice)"


def _least(data: dict[str, Any]) -> str:
    """Before a time: nothing is faster than with all of it overlapped; with less it is at the overlap asked for."""
    return "at least " if data["overlap"] == Overlap.FULL else _at(data)


def _at(data: dict[str, Any]) -> str:
    """Before what follows from a time: how that is counted."""
    return f"{Overlap(data['overlap']).said} "


def _room(data: dict[str, Any]) -> str:
    """Tokens of KV cache, sequences in flight, and the first token of a request that has the machine to itself."""
    most, long = data["largest_concurrency"], f"{plain(data['context'])} token{'s' * (data['context'] != 1)}"
    sequences = f"{plain(most)} sequence{'s' * (most != 1)} of {long}" if most else f"not one sequence of {long}"
    room = f"{si(data['kv_room_tokens'])} tokens, {sequences}" if most is not None else "no limit known"
    if data["time_to_first_token"] is None:  # of a single token of context, which is no prefill
        return room
    return f"{room}; first token of a request alone after {_least(data)}{_first(data)}"


def _crossover_lines(case: Case, answers: Sequence[CrossoverAnswer]) -> list[Text]:
    relaxed = ", relaxed: the mean load on every rank" if case.relaxes else ""
    lines = [Text.assemble(("crossovers", "bold"), relaxed)]
    for over in (q.batch, case.length):
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


def _notes(case: Case, data: dict[str, Any]) -> list[Any]:
    """What is missing, for all to see; what was taken and left out, folded."""
    *before, missing = trailer(case)
    remarks = folded(data["notes"], "note", "notes")
    return [*missing_lines(data["missing"]), *before, missing, remarks]
